"""PySD's parser: from a model file to its abstract model, which is all that the compiler takes from PySD."""

from __future__ import annotations

import copy
import dataclasses
import io
import re
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any

import numpy as np

from sim.errors import ModelError, Refused, SimError
from sim.reading.vensim_text import VensimText, blank_comments, read_vensim, split_entries
from sim.reading.xmile_tree import XmileTree, read_xmile

MOST_ELEMENTS = 100_000  # of a numeric subscript range
_NUMERIC_RANGE = re.compile(
    rb"\(\s*(?P<stem>[^\s\d(),-][^\s(),-]*?)(?P<first>\d{1,4000})\s*-\s*(?P=stem)(?P<last>\d{1,4000})\s*\)"
)
LARGEST = 20 << 20  # bytes of a model file; the largest published ones have 2 MB

# PySD keeps the handling of missing external values in a class attribute, and import state is global.
lock = threading.RLock()


def abstract_model(path: Path, encoding: str | None = None) -> Any:
    """PySD's abstract model of a file, with every path of an external file made absolute.

    It carries attributes that PySD does not know: `text` (of the file), `integration` (euler, rk2, rk4, or one of the
    last two with ` auto`) and `mappings` (explicit mappings of Vensim: range → (other range → elements of the other)).

    Raises:
        ModelError: not a model file, or one that PySD cannot parse; the message names variable and line.
        Refused: a construction of XMILE that has no meaning here.
    """
    check_file(path)
    with lock, quiet():
        if path.suffix.lower() == ".mdl":
            _count_ranges(path)
            text = read_vensim(path, encoding)
            model, integration, mappings = _parse_vensim(path, text), text.integration, text.mappings
            written = text.original
        else:
            tree = read_xmile(path)
            model, integration, mappings = _parse_xmile(path, tree), tree.integration, {}
            written = path.read_text(encoding="utf-8", errors="replace")
        model = copy.deepcopy(model)  # PySD shares one mutable default among all subscript ranges
    model.text, model.integration, model.mappings = written, integration, mappings
    _look_for_circles(model, path)
    for node in nodes(model):
        if hasattr(node, "file"):
            node.file = _absolute(node.file, path.parent)
    for section in model.sections:
        for subscript in section.subscripts:
            subscript.mapping = list(subscript.mapping)
            if isinstance(subscript.subscripts, dict):
                subscript.subscripts["file"] = _absolute(subscript.subscripts["file"], path.parent)
    return model


def _parse_vensim(path: Path, read: VensimText) -> Any:
    from pysd.translators.vensim.vensim_file import VensimFile

    class Normalised(VensimFile):  # type: ignore[misc]
        def _read(self, encoding: str | None) -> str:
            return read.text

    def parse() -> Any:
        file = Normalised(path)
        try:
            file.parse()
            return file.get_abstract_model()
        except Exception as error:
            raise _named(path, read, file, error) from error

    return call_pysd(path, parse)


def _named(path: Path, read: VensimText, file: Any, error: Exception) -> Exception:
    """The error with the variable and the line of the first equation that PySD cannot parse."""
    try:
        file.parse(parse_all=False)
    except Exception:
        return error
    for section in file.sections:
        try:
            section.parse(parse_all=False)
        except Exception:
            return error
        for element in section.elements:
            try:
                part = element.parse()
                if hasattr(part, "expression"):
                    part.parse()
            except Exception as fault:
                equation = " ".join(element.equation.split())
                line = _line(read.original, equation)
                words = f"PySD cannot read this equation: {_plain_words(fault)}"
                return ModelError(path, f"{f'line {line}, ' if line else ''}{equation[:120]!r}: {words}")
    return error


def _plain_words(fault: Exception) -> str:
    words = " ".join(str(fault).split())
    found = re.search(r"didn't match at '(.*?)' \(line", words) or re.search(r"begins with '(.*?)' \(line", words)
    return f"it stops at {found[1][:60]!r}" if found else f"{type(fault).__name__}: {words[:300]}"


def _line(content: str, equation: str) -> int:
    """The line of an equation, found by its text without blanks; 0 if it was rewritten."""
    wanted = re.sub(r"[\s\\]", "", equation)[:60]
    for start, fields in split_entries(content):
        held = blank_comments(fields[0])
        flat = re.sub(r"[\s\\]", "", held)
        if (wanted and wanted in flat) or (flat and flat[:60] == wanted[: len(flat)] and len(flat) > 3):
            return content.count("\n", 0, start + len(held) - len(held.lstrip())) + 1
    return 0


def _parse_xmile(path: Path, tree: XmileTree) -> Any:
    from pysd.translators.xmile.xmile_file import XmileFile

    _extend_xmile()

    class Normalised(XmileFile):  # type: ignore[misc]
        def _get_root(self) -> Any:
            return tree.root

    def parse() -> Any:
        file = Normalised(path)
        file.parse()
        model = file.get_abstract_model()
        _several_initials(model.sections[0], tree)
        _limit_outflows(model.sections[0], tree)
        model.sections = (*model.sections, *_xmile_macros(model.sections[0], tree))
        return model

    return call_pysd(path, parse)


def _extend_xmile() -> None:
    """Functions of XMILE that PySD's parser does not know: MAX and MIN of many, PREVIOUS."""
    from pysd.translators.structures import abstract_expressions as ae
    from pysd.translators.xmile.xmile_structures import structures

    def nested(name: str) -> Any:
        def call(*arguments: Any) -> Any:
            node = arguments[0]
            for argument in arguments[1:]:
                node = ae.CallStructure(ae.ReferenceStructure(name), (node, argument))
            return node

        return call

    for name in ("max", "min"):
        structures[name].update({count: nested(name) for count in range(3, 30)})
    structures["previous"] = lambda value, initial: ae.DelayFixedStructure(
        value, ae.ReferenceStructure("time_step"), initial
    )


def _xmile_equation(text: str) -> Any:
    from pysd.translators.xmile import xmile_utils
    from pysd.translators.xmile.xmile_element import EquationVisitor
    from pysd.translators.xmile.xmile_structures import parsing_ops

    return EquationVisitor(xmile_utils.Grammar.get("equations", parsing_ops).parse(text.strip())).translation


def _several_initials(section: Any, tree: XmileTree) -> None:
    """Stocks whose elements start from equations of their own."""
    for element in section.elements:
        if element.name in tree.initials:
            (component,) = element.components
            element.components = [
                dataclasses.replace(
                    component,
                    subscripts=(list(subscripts), []),
                    ast=dataclasses.replace(component.ast, initial=_xmile_equation(equation)),
                )
                for subscripts, equation in tree.initials[element.name]
            ]


def _limit_outflows(section: Any, tree: XmileTree) -> None:
    """The outflow of a stock that cannot be negative is limited to its content: `min(outflow, stock / dt + inflows)`.

    Of several outflows the earlier ones are served first.
    """
    from pysd.translators.structures import abstract_expressions as ae

    by_name = {_reference(element.name): element for element in section.elements}
    for stock in section.elements:
        if not any(getattr(component.ast, "non_negative", False) for component in stock.components):
            continue
        inflows, outflows = tree.outflows.get(stock.name, ([], []))
        before: list[str] = []
        for name in outflows:
            flow = by_name.get(_reference(name))
            if flow is None:
                raise Refused(stock.name, None, f"it cannot be negative, and its outflow {name!r} has no equation")
            for component in flow.components:
                subscripts = component.subscripts[0]

                def read(one: str, subscripts: list[str] = subscripts) -> Any:
                    given = ae.SubscriptsReferenceStructure(tuple(subscripts)) if subscripts else None
                    return ae.ReferenceStructure(_reference(one), given)

                terms = [
                    ae.ArithmeticStructure(["/"], (read(stock.name), ae.ReferenceStructure("time_step"))),
                    *map(read, inflows),
                    *map(read, before),
                ]
                signs = ["+"] * len(inflows) + ["-"] * len(before)
                left = ae.ArithmeticStructure(signs, tuple(terms)) if signs else terms[0]
                limit = ae.CallStructure(ae.ReferenceStructure("max"), (left, 0))
                component.ast = ae.CallStructure(ae.ReferenceStructure("min"), (component.ast, limit))
            before.append(name)


def _xmile_macros(section: Any, tree: XmileTree) -> list[Any]:
    from pysd.translators.structures.abstract_model import AbstractComponent, AbstractElement

    return [
        dataclasses.replace(
            section,
            name=name,
            path=section.path.with_name(re.sub(r"\W", "_", name) + ".py"),
            type="macro",
            params=params,
            returns=[],
            subscripts=(),
            elements=(AbstractElement(name, [AbstractComponent(([], []), _xmile_equation(equation))]),),
        )
        for name, (params, equation) in tree.macros.items()
    ]


def _reference(name: str) -> str:
    return "_".join(name.replace("\\n", " ").strip().strip('"').replace("_", " ").lower().split())


def check_file(path: Path) -> None:
    """Refuse what cannot be a model before it is read."""
    if not path.is_file():
        raise ModelError(path, "there is no such file")
    size = path.stat().st_size
    if size > LARGEST:
        raise ModelError(path, f"the file has {size / 2**20:.0f} MB; a model file has at most {LARGEST >> 20} MB")


def _count_ranges(path: Path) -> None:
    """Refuse a range such as (A1-A999999999), whose elements PySD's parser writes out."""
    for found in _NUMERIC_RANGE.finditer(path.read_bytes()):
        if int(found["last"]) - int(found["first"]) >= MOST_ELEMENTS:
            text = found.group().decode(errors="replace")[:80]
            raise ModelError(path, f"the subscript range {text} has more than {MOST_ELEMENTS} elements")


def _look_for_circles(model: Any, path: Path) -> None:
    """Refuse subscript ranges that contain themselves: PySD would resolve them for ever."""
    for section in model.sections:
        inside = {one.name: one.subscripts for one in section.subscripts if not isinstance(one.subscripts, dict)}
        inside = {name: [held] if isinstance(held, str) else list(held) for name, held in inside.items()}
        try:
            tuple(TopologicalSorter(inside).static_order())
        except CycleError as error:
            circle = " → ".join(repr(name[:80]) for name in reversed(error.args[1][:20]))
            raise ModelError(path, f"subscript ranges contain each other: {circle}") from None


def nodes(thing: Any) -> Iterator[Any]:
    """Every dataclass inside a thing, depth first."""
    if dataclasses.is_dataclass(thing):
        yield thing
        for value in vars(thing).values():
            yield from nodes(value)
    elif isinstance(thing, list | tuple):
        for value in thing:
            yield from nodes(value)


def _absolute(file: str, folder: Path) -> str:
    if file.startswith("?"):  # an indirect reference, which PySD refuses by name
        return file
    return Path(folder, file.replace("\\", "/")).resolve().as_posix()


def call_pysd(path: Path, call: Any) -> Any:
    """Call into PySD; whatever it raises becomes a ModelError that keeps its words."""
    try:
        return call()
    except SimError:
        raise
    except RecursionError as error:
        raise ModelError(path, "PySD ran out of stack: the equations are circular or nested too deeply") from error
    except Exception as error:
        words = " ".join(str(error).split())
        raise ModelError(path, f"PySD: {type(error).__name__}: {words[:2000]}") from error


@contextmanager
def quiet() -> Iterator[None]:
    """PySD prints and warns about its own handling; what matters comes back as values or errors."""
    with (
        warnings.catch_warnings(),
        redirect_stdout(io.StringIO()),
        redirect_stderr(io.StringIO()),
        np.errstate(all="ignore"),
    ):
        warnings.simplefilter("ignore")
        yield
