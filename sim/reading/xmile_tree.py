"""An XMILE file as PySD's parser takes it.

PySD's grammar of XMILE stops at comments in braces, stars in subscripts, operators in capitals, flows without an
equation and arrays of stocks, and passes over conveyors and macros. They are written in another way here, with the
same meaning; anything without an equivalent is refused by name.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sim.errors import ModelError, Refused

METHODS = {"euler": "euler", "rk2": "rk2", "rk4": "rk4"}
_AGGREGATES = re.compile(r"(?i)\b(SUM|PROD|MIN|MAX)\s*\(([^()]*)\)")
_QUOTED = re.compile(r'("(?:\\"|[^"])*")')


@dataclass(slots=True)
class XmileTree:
    """An XMILE file, read.

    Attributes:
        root: the tree for PySD's parser.
        initials: stock → initial value of each element, in the order of the file: ((elements...), equation).
        outflows: non-negative stock → (inflows, outflows) by name.
        macros: name → (parameters, equation).
        integration: euler, rk2 or rk4.
    """

    root: Any
    initials: dict[str, list[tuple[list[str], str]]] = field(default_factory=dict)
    outflows: dict[str, tuple[list[str], list[str]]] = field(default_factory=dict)
    macros: dict[str, tuple[list[str], str]] = field(default_factory=dict)
    integration: str = "euler"


def read_xmile(path: Path) -> XmileTree:
    """Read an XMILE file.

    Raises:
        ModelError: not XML.
        Refused: a construction without a meaning here.
    """
    from lxml import etree

    try:
        parser = etree.XMLParser(encoding="utf-8", recover=True, resolve_entities=False, no_network=True)
        root = etree.parse(str(path), parser=parser).getroot()
    except etree.XMLSyntaxError as error:
        raise ModelError(path, f"it is not XML: {error}") from error
    if root is None:
        raise ModelError(path, "it is not XML")
    return _Reader(path, root).tree()


class _Reader:
    def __init__(self, path: Path, root: Any) -> None:
        self.path = path
        self.ns = {"x": root.nsmap.get(None, "")}
        self.result = XmileTree(root)
        self.dims: dict[str, list[str]] = {}

    def tree(self) -> XmileTree:
        """Everything in order."""
        root = self.result.root
        if not self.ns["x"]:
            return self.result  # PySD reports the fault
        for node in self.all(root, ".//x:module"):
            raise Refused(node.get("name", "module"), node.sourceline, "modules are not supported")
        variables = self.all(root, "x:model/x:variables/*[@name]")
        self.dims = {
            _key(node.get("name")): [dim.get("name") for dim in self.all(node, "x:dimensions/x:dim")]
            for node in variables
        }
        for node in self.all(root, ".//x:eqn"):
            node.text = self.equation(node.text or "")
        for node in variables:
            if node.tag.endswith("}stock"):
                self.stock(node, variables)
        for node in variables:
            self.check(node)
        self.macros()
        self.method()
        return self.result

    def all(self, node: Any, where: str) -> list[Any]:
        """Nodes under a path."""
        found: list[Any] = node.xpath(where, namespaces=self.ns)
        return found

    def texts(self, node: Any, where: str) -> list[str]:
        """Texts of the nodes under a path."""
        return [(one.text or "").strip() for one in self.all(node, where)]

    def equation(self, text: str) -> str:
        """An equation without comments, its words and stars as PySD knows them."""
        parts = _QUOTED.split(re.sub(r"\{[^}]*\}", " ", text))
        plain = re.sub(r"(?i)\bmod\b(?!\s*\()", "mod", "\0".join(parts[::2]))
        plain = re.sub(r"(?i)\b(if|then|else)\b", lambda found: found[1].upper(), plain)
        words = plain.split("\0")
        joined = "".join(part for i, word in enumerate(words) for part in (word, *parts[2 * i + 1 : 2 * i + 2]))
        return _AGGREGATES.sub(self.aggregate, joined).strip()

    def aggregate(self, found: re.Match[str]) -> str:
        """`SUM(a[d, *])` and `SUM(a)` with the subscripts written out that are summed over."""

        def stars(inside: re.Match[str]) -> str:
            dims = self.dims.get(_key(inside[1]), [])
            given = [part.strip() for part in inside[2].split(",")]
            if len(given) != len(dims):
                return inside[0]
            named = [f"{dim}!" if one == "*" else one for one, dim in zip(given, dims, strict=True)]
            return f"{inside[1]}[{', '.join(named)}]"

        body = re.sub(r"([\w ]+|\"[^\"]*\")\[([^\]]*)\]", stars, found[2])
        whole = self.dims.get(_key(body))
        if whole and found[1].upper() in ("SUM", "PROD"):
            body = f"{body.strip()}[{', '.join(dim + '!' for dim in whole)}]"
        name = found[1]
        if "!" in body:
            name = {"MIN": "VMIN", "MAX": "VMAX"}.get(name.upper(), name)
        return f"{name}({body})"

    def stock(self, node: Any, variables: list[Any]) -> None:
        """Arrays of initial values, conveyors, and what leaves a stock that cannot be negative."""
        name = node.get("name").replace("\\n", " ")
        elements = self.all(node, "x:element")
        if elements:
            self.result.initials[name] = [
                ([part.strip() for part in one.get("subscript").split(",")], "".join(self.texts(one, "x:eqn")))
                for one in elements
            ]
            for one in elements:
                node.remove(one)
            if not self.all(node, "x:eqn"):
                _add(node, "eqn", "0")
        if self.all(node, "x:conveyor"):
            self.conveyor(name, node, variables)
        inflows, outflows = self.texts(node, "x:inflow"), self.texts(node, "x:outflow")
        if outflows:
            self.result.outflows[name] = inflows, outflows

    def conveyor(self, name: str, node: Any, variables: list[Any]) -> None:
        """What leaves a conveyor is what went in its length before; at first its content, spread evenly."""
        (conveyor,) = self.all(node, "x:conveyor")
        extra = [one.tag.rpartition("}")[2] for one in conveyor if not one.tag.endswith("}len")]
        outflows = self.texts(node, "x:outflow")
        if extra or len(outflows) != 1 or self.all(node, "x:dimensions"):
            what = f"a conveyor with {', '.join(extra)}" if extra else "a conveyor with subscripts or several outflows"
            raise Refused(name, node.sourceline, f"{what} is not supported")
        (length,) = self.texts(conveyor, "x:len")
        inflow = " + ".join(self.texts(node, "x:inflow")) or "0"
        initial = "".join(self.texts(node, "x:eqn"))
        for flow in variables:
            if flow.tag.endswith("}flow") and _key(flow.get("name")) == _key(outflows[0]):
                for one in self.all(flow, "x:eqn"):
                    flow.remove(one)
                _add(flow, "eqn", f"DELAY({inflow}, {length}, ({initial})/({length}))")
        node.remove(conveyor)

    def check(self, node: Any) -> None:
        """Name what PySD would fail at or pass over."""
        kind, name = node.tag.rpartition("}")[2], node.get("name").replace("\\n", " ")
        for what in ("queue", "oven", "conveyor"):
            if self.all(node, f"x:{what}"):
                raise Refused(name, node.sourceline, f"{what}s are not supported")
        texts = self.texts(node, ".//x:eqn")
        if kind in ("aux", "flow", "stock") and (not texts or not all(texts)):
            raise Refused(name, node.sourceline, "it has no equation")

    def macros(self) -> None:
        """Macros of one equation; others are refused where they are called."""
        for node in self.all(self.result.root, "x:macro"):
            equations = self.texts(node, "x:eqn")
            if equations and not self.all(node, ".//x:variables"):
                params = [text for text in self.texts(node, "x:parm") if text]
                self.result.macros[node.get("name")] = params, equations[0]

    def method(self) -> None:
        """The first of the integration methods that the file asks for."""
        for node in self.all(self.result.root, "x:sim_specs"):
            asked = (node.get("method") or "euler").split(",")[0].strip().lower()
            if asked not in METHODS:
                raise ModelError(
                    self.path, f"sim_specs: no integration method {asked!r}; there are {', '.join(METHODS)}"
                )
            self.result.integration = METHODS[asked]


def _add(node: Any, tag: str, text: str) -> None:
    from lxml import etree

    etree.SubElement(node, f"{{{node.nsmap[None]}}}{tag}").text = text


def _key(name: str) -> str:
    return "_".join(name.replace("\\n", " ").strip().strip('"').replace("_", " ").lower().split())
