"""A model file as its author sees it: every equation with its line, group, unit and sentence.

PySD gives the meaning of each equation but not its place and its text; the text of a Vensim file
is therefore read a second time here, entry by entry, and joined to PySD's equations by name and order.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sim.pysd_parser import abstract_model
from sim.reading.encoding import read_text
from sim.reading.vensim_text import SKETCH, blank_comments, split_entries
from sim.syntax_tree import kind_of, references, text

CONTROLS = ("initial_time", "final_time", "time_step", "saveper")
STATEFUL = ("DelayStructure", "DelayNStructure", "DelayFixedStructure", "SmoothStructure", "SmoothNStructure")
# A group marker: a line of asterisks, .Name, a line of asterisks; its comment follows the first ~.
_GROUP = re.compile(r"^\*{3,}\s*\.(?P<name>[^*]*?)\s*\*{3,}$", re.DOTALL)
_NAME = re.compile(r'\s*(?P<name>"(?:\\"|[^"])*"|[^\[=(:<~|"]+)')


@dataclass(frozen=True, slots=True)
class EquationPart:
    """One definition of a variable: most have one, subscripted ones may have several.

    Attributes:
        left: the left side, with subscripts and exceptions.
        right: the equation as written, on one line.
        node: the same as PySD parsed it.
        line: line of the file, 0 where unknown.
    """

    left: str
    right: str
    node: Any
    line: int

    @property
    def equation(self) -> str:
        """The whole equation on one line."""
        is_lookup = kind_of(self.node) == "LookupsStructure"  # Vensim writes a table of points without a sign
        return f"{self.left}{self.right}" if is_lookup else f"{self.left} = {self.right}"


@dataclass(frozen=True, slots=True)
class Element:
    """A variable of the model file.

    `kind` is stock, flow, auxiliary, constant, lookup, data or control; a flow is added to or taken from a stock.
    """

    name: str
    units: str
    doc: str
    group: str
    kind: str
    dims: tuple[str, ...]
    parts: tuple[EquationPart, ...]

    @property
    def line(self) -> int:
        """First line in the file."""
        return self.parts[0].line

    @property
    def reads(self) -> tuple[str, ...]:
        """References of all definitions."""
        return tuple(dict.fromkeys(name for part in self.parts for name in references(part.node)))


@dataclass(frozen=True, slots=True)
class Macro:
    """A macro: its parameters and the equations inside."""

    name: str
    params: tuple[str, ...]
    elements: Mapping[str, Element]


@dataclass(frozen=True, slots=True)
class Source:
    """A model file.

    Attributes:
        elements: variables by reference (lower case, underscores), in the order of the file.
        macros: macros by reference.
        subscripts: names of ranges and of their elements, as references.
        groups: groups in the order of the file.
    """

    path: Path
    elements: Mapping[str, Element]
    macros: Mapping[str, Macro]
    subscripts: frozenset[str]
    groups: tuple[str, ...]

    @property
    def names(self) -> dict[str, str]:
        """Names as written, by reference."""
        return {reference: element.name for reference, element in self.elements.items()}


@dataclass(frozen=True, slots=True)
class Entry:
    """An equation of a Vensim file as it is written there."""

    name: str
    left: str
    right: str
    units: str
    doc: str
    group: str
    line: int
    macro: str


def reference(name: str) -> str:
    """The form in which PySD's expressions refer to a name."""
    return re.sub(r"\s+", "_", name.strip()).lower()


def read(path: str | Path) -> Source:
    """Read a model file.

    Raises:
        ModelError: PySD cannot parse it.
    """
    path = Path(path)
    model = abstract_model(path)
    written = list(entries(path)) if path.suffix.lower() == ".mdl" else []
    main = [entry for entry in written if not entry.macro]
    elements = _elements(model.sections[0], main)
    macros = {
        reference(section.name): Macro(
            section.name,
            tuple(reference(param) for param in section.params),
            _elements(section, [entry for entry in written if reference(entry.macro) == reference(section.name)]),
        )
        for section in model.sections[1:]
    }
    if {element.group for element in elements.values()} <= {"", "Control"}:
        elements = _grouped_by_view(elements, path)
    groups = tuple(dict.fromkeys(element.group for element in elements.values()))
    return Source(path, _with_flows(elements), macros, _subscript_names(model.sections[0]), groups)


def entries(path: Path) -> Iterator[Entry]:
    """The equations of a Vensim file in order, with line numbers, groups and the macro that contains them."""
    content = read_text(path).split(SKETCH, 1)[0]
    group, macro = "", ""
    for start, fields in split_entries(content):
        equation = blank_comments(fields[0])
        marker = _GROUP.match(equation.strip())
        if marker:
            group = marker["name"].strip()
            continue
        if ":END OF MACRO:" in equation:
            macro, equation = "", equation.split(":END OF MACRO:", 1)[1]
        if ":MACRO:" in equation:
            head, _, equation = equation.split(":MACRO:", 1)[1].partition(")")
            macro = head.split("(", 1)[0].strip()
        end = start + len(fields[0])
        line = content.count("\n", 0, end - len(equation.lstrip())) + 1
        entry = _entry(equation, fields, group, line, macro)
        if entry is not None:
            yield entry


def _entry(equation: str, fields: list[str], group: str, line: int, macro: str) -> Entry | None:
    """An equation, or None for entries that are not equations: subscript ranges, reality checks, remarks."""
    flat = re.sub(r"\s+", " ", re.sub(r"\\\s*\n", " ", equation)).strip()
    found = _NAME.match(flat)
    if not found or len(fields) < 2 or ":THE CONDITION:" in flat or ":TEST INPUT:" in flat:
        return None
    left, rest = found["name"].strip(), flat[found.end() :]
    for pattern in (r"\s*\[[^\]]*\]", r"\s*:EXCEPT:(\s*,?\s*\[[^\]]*\])+", r"\s*:[A-Za-z ]+:(?=\s*(:=|$))"):
        if more := re.match(pattern, rest, re.IGNORECASE):
            left, rest = left + _spaced(more.group()), rest[more.end() :]
    if re.match(r"\s*(:(?!=)|<->)", rest):
        return None
    sign = re.match(r"\s*(:=|==|=)?\s*", rest)
    assert sign is not None  # it matches the empty text too
    right = rest[sign.end() :]
    name = found["name"].strip()
    units, doc = (re.sub(r"\s+", " ", re.sub(r"\\\s*\n", " ", part)).strip() for part in (*fields[1:3], "")[:2])
    return Entry(name, left, right, re.sub(r"\s*\[[^\[]*\]$", "", units), doc, group, line, macro)


def _spaced(piece: str) -> str:
    return (" " if piece.lstrip().startswith(":") else "") + piece.strip()


def _elements(section: Any, written: list[Entry]) -> dict[str, Element]:
    """The section's elements in the order of the file, each part joined to its entry."""
    by_name: dict[str, list[Entry]] = {}
    for entry in written:
        by_name.setdefault(reference(entry.name), []).append(entry)
    names = {reference(element.name): element.name for element in section.elements}
    elements = {}
    for element in section.elements:
        key = reference(element.name)
        mine = by_name.get(key, [])
        mine = mine if len(mine) == len(element.components) else []
        parts = tuple(
            _part(element.name, c, names, mine[i] if mine else None) for i, c in enumerate(element.components)
        )
        group = mine[0].group if mine else ""
        doc = " ".join(element.documentation.replace("\\", " ").split())
        dims = tuple(element.components[0].subscripts[0])
        elements[key] = Element(element.name, element.units or "", doc, group, _kind(key, element), dims, parts)
    return dict(sorted(elements.items(), key=lambda item: item[1].line))


def _part(name: str, component: Any, names: Mapping[str, str], entry: Entry | None) -> EquationPart:
    if entry is not None:
        return EquationPart(entry.left, entry.right, component.ast, entry.line)
    subscripts, excepts = component.subscripts
    left = name + (f"[{', '.join(subscripts)}]" if subscripts else "")
    if excepts:
        left += " :EXCEPT: " + ", ".join(f"[{', '.join(one)}]" for one in excepts)
    return EquationPart(left, text(component.ast, names), component.ast, 0)


def _kind(key: str, element: Any) -> str:
    nodes = [component.ast for component in element.components]
    classes = {type(component).__name__ for component in element.components}
    if key in CONTROLS:
        return "control"
    if "AbstractLookup" in classes:
        return "lookup"
    if "AbstractData" in classes or any(kind_of(node) in ("DataStructure", "GetDataStructure") for node in nodes):
        return "data"
    if any(kind_of(node) == "IntegStructure" for node in nodes):
        return "stock"
    if not any(references(node) or kind_of(node) in STATEFUL for node in nodes):
        return "constant"
    return "auxiliary"


def _with_flows(elements: Mapping[str, Element]) -> dict[str, Element]:
    """Auxiliaries whose value a stock adds or takes become flows."""
    flows = {name for element in elements.values() for part in element.parts for _, name in flow_terms(part.node)}
    return {
        name: replace(element, kind="flow") if element.kind == "auxiliary" and name in flows else element
        for name, element in elements.items()
    }


def flow_terms(node: Any) -> list[tuple[int, str]]:
    """(+1 or -1, reference) of the variables that make up the flow of a stock by plain addition."""
    if kind_of(node) != "IntegStructure":
        return []
    return _terms(node.flow, 1)


def _terms(node: Any, sign: int) -> list[tuple[int, str]]:
    if kind_of(node) == "ReferenceStructure":
        return [(sign, node.reference)]
    if kind_of(node) != "ArithmeticStructure":
        return []
    if node.operators == ["negative"]:
        return _terms(node.arguments[0], -sign)
    if not set(node.operators) <= {"+", "-"}:
        return []
    signs = [sign] + [sign if operator == "+" else -sign for operator in node.operators]
    return [term for one, argument in zip(signs, node.arguments, strict=True) for term in _terms(argument, one)]


def _grouped_by_view(elements: Mapping[str, Element], path: Path) -> dict[str, Element]:
    """A file without groups takes the views of its sketch, where it has one."""
    home = _views(path) if path.suffix.lower() == ".mdl" else {}
    return {
        name: replace(element, group=element.group or home.get(name, "Control" if name in CONTROLS else "Model"))
        for name, element in elements.items()
    }


def _views(path: Path) -> dict[str, str]:
    """The first view in which each variable is drawn as itself, not as a shadow."""
    _, _, sketch = read_text(path).partition(SKETCH)
    home: dict[str, str] = {}
    view = ""
    for line in sketch.splitlines():
        if line.startswith("*"):
            view = line[1:].strip()
        elif line.startswith("10,"):
            cells = re.findall(r'"(?:\\"|[^"])*"|[^,]+', line)
            if len(cells) > 8 and cells[8].isdigit() and int(cells[8]) % 2:
                home.setdefault(reference(cells[2]), view)
    return home


def _subscript_names(section: Any) -> frozenset[str]:
    ranges = {subscript.name: subscript.subscripts for subscript in section.subscripts}
    elements = {one for names in ranges.values() if isinstance(names, list) for one in names}
    return frozenset(reference(name) for name in {*ranges, *elements})
