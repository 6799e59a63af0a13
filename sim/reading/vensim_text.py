"""A Vensim file as PySD's parser takes it.

PySD's grammar stops at things that Vensim writes or allows: comments in braces, data variables without a keyword,
macros in the middle of the file or with several outputs, the old form of lookups, explicit mappings. They are written
in another way here, with the same meaning; anything without an equivalent is kept beside the text (`VensimText`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from sim.errors import ModelError
from sim.reading.encoding import read_text

SKETCH = "\\\\\\---///"
SETTINGS = re.compile(r":L\x7f?<%\^E!@")
METHODS = {0: "euler", 1: "rk4 auto", 2: "euler", 3: "rk2 auto", 4: "rk2", 5: "rk4"}

_COMMENT = r"\{(?:[^{}]|\{[^{}]*\})*\}"  # comments may be nested
_NAME = r'(?:"(?:\\"|[^"])*"|[^\[\]=(:<~|"]+?)'
_NUMBERS = re.compile(r"[\s\d.eE+,\-\\]+")
_LIMITS = re.compile(r"^\s*\[[^\]]*\]\s*,?")
_LOOKUP = re.compile(rf"(?s)(?P<head>\s*{_NAME}\s*(?:\[[^\]]*\]\s*)?)\((?P<body>.*)\)\s*")
_WITH_LOOKUP = re.compile(r"(?is)(WITH\s+LOOKUP\s*\(.*,\s*)\((?P<body>[^()]*)\)(\s*\)\s*)$")
_PLAIN = re.compile(rf"(?s)\s*{_NAME}\s*(?:\[[^\]]*\]\s*)?")
_RANGE = re.compile(rf"(?s)(?P<name>\s*{_NAME}\s*):(?!=)(?P<rest>.*?)->(?P<maps>.*)")
_MAPPED = re.compile(r"\(\s*(?P<target>[^:()]+?)\s*:\s*(?P<items>[^()]*)\)")
_MACRO = re.compile(r"(?is):MACRO:(?P<head>.*?)\)(?P<body>.*?):END OF MACRO:")


@dataclass(frozen=True, slots=True)
class VensimText:
    """A Vensim file, read.

    Attributes:
        original: the text of the file.
        text: the same for PySD's parser.
        mappings: explicit mappings: range → (other range → for each element of the first, elements or ranges of the
            other).
        integration: euler, rk2, rk4, or one of the last two with ` auto` (steps of its own choice).
    """

    original: str
    text: str
    mappings: dict[str, dict[str, tuple[str, ...]]] = field(default_factory=dict)
    integration: str = "euler"


def read_vensim(path: Path, encoding: str | None = None) -> VensimText:
    """Read a .mdl file.

    Raises:
        ModelError: the file cannot be decoded, or a mapping or a macro is not well-formed.
    """
    original = read_text(path, encoding).removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    equations, sketch, rest = original.partition(SKETCH)
    aliases = _aliases(rest)
    mappings: dict[str, dict[str, tuple[str, ...]]] = {}
    written = []
    for start, fields in split_entries(equations):
        equation = blank_comments(fields[0])
        if not 2 <= len(fields) <= 4:
            line = equations.count("\n", 0, start + len(equation) - len(equation.lstrip())) + 1
            shown, parts = " ".join(equation.split())[:80], len(fields) - 1
            raise ModelError(path, f"line {line}, {shown!r}: got {parts} signs ~ before the next |, 1 to 3 are allowed")
        if not equation.strip().startswith("***"):
            equation = _named_files(_rewritten(equation, mappings, path, len(fields) > 1), aliases)
        remarks = [part.replace(":MACRO:", "MACRO").replace(":END OF MACRO:", "END OF MACRO") for part in fields[1:]]
        written.append("~".join([equation, *map(_unit_limits, remarks[:1]), *remarks[1:]]) + "|")
    text = _macros_first("".join(written))
    text = "{UTF-8}\n" + text.replace("\x7f", " ")
    return VensimText(original, text + ("\n" + sketch + rest if sketch else ""), mappings, _integration(rest))


def split_entries(content: str) -> Iterator[tuple[int, list[str]]]:
    """(position, [equation, units, comment, ...]) of each entry; quoted names may hold the separators ~ and |."""
    position, start, current = 0, 0, 0
    fields: list[str] = []
    content = re.sub(r"^\ufeff?\{[^}]*\}", lambda found: " " * len(found.group()), content, count=1)
    token = re.compile(r'[~|"{]')
    while found := token.search(content, position):
        mark = found.start()
        if content[mark] == '"':
            closing = re.compile(r'"(?:\\"|[^"])*"').match(content, mark) if len(fields) < 2 else None
            position = closing.end() if closing else mark + 1
            continue
        if content[mark] == "{":
            closing = re.compile(_COMMENT).match(content, mark) if not fields else None
            position = closing.end() if closing else mark + 1
            continue
        fields.append(content[current:mark])
        position = current = mark + 1
        if content[mark] == "|":
            yield start, fields
            start, fields = position, []


def blank_comments(equation: str) -> str:
    """An equation with blanks in place of its comments in braces and of the signs that continue a line.

    Line ends stay, so that lines keep their numbers.
    """

    def blank(found: re.Match[str]) -> str:
        return found[0] if found[0].startswith('"') else re.sub(r"[^\n]", " ", found[0])

    return re.sub(r"\\[ \t]*\n", " \n", re.sub(rf'"(?:\\"|[^"])*"|{_COMMENT}', blank, equation))


def _rewritten(equation: str, mappings: dict[str, dict[str, tuple[str, ...]]], path: Path, whole: bool) -> str:
    """An equation in the form that PySD reads."""
    head, equation = _after_markers(equation)
    flat = " ".join(equation.replace("\\\n", " ").split())
    if not flat or not whole:
        return head + equation
    mapping = _RANGE.fullmatch(equation)
    if mapping and "(" in mapping["maps"]:
        return head + _without_mappings(mapping, mappings, path)
    lookup = _LOOKUP.fullmatch(equation)
    if lookup:
        return head + f"{lookup['head']}({_pairs(lookup['body'])})"
    if _PLAIN.fullmatch(equation):
        return head + equation.rstrip() + " :INTERPOLATE: "
    return head + _WITH_LOOKUP.sub(lambda found: f"{found[1]}({_pairs(found['body'])}){found[3]}", equation)


def _after_markers(equation: str) -> tuple[str, str]:
    """The macro markers before an equation, and the equation."""
    found = re.match(r"(?is)(.*:END OF MACRO:)?(.*:MACRO:[^)]*\))?", equation)
    assert found is not None  # both parts are optional
    return equation[: found.end()], equation[found.end() :]


def _pairs(body: str) -> str:
    """The points of a lookup in the old form (all x, then all y) as pairs; anything else as it is."""
    limits = _LIMITS.match(body)
    points = body[limits.end() :] if limits else body
    if not _NUMBERS.fullmatch(points):
        return body
    numbers = [part.strip(" \t\n\\") for part in points.split(",")]
    numbers = numbers[:-1] if numbers and not numbers[-1] else numbers
    half = len(numbers) // 2
    if len(numbers) < 4 or len(numbers) % 2 or not all(numbers):
        return body
    return ",".join(f"({x},{y})" for x, y in zip(numbers[:half], numbers[half:], strict=True))


def _without_mappings(found: re.Match[str], mappings: dict[str, dict[str, tuple[str, ...]]], path: Path) -> str:
    """A range without its explicit mappings, which PySD would take for elements of the range."""
    name = found["name"].strip()
    for one in _MAPPED.finditer(found["maps"]):
        items = tuple(item.strip() for item in one["items"].split(","))
        if not all(items):
            raise ModelError(path, f"the mapping of {name!r} to {one['target']!r} has an empty element")
        mappings.setdefault(name, {})[one["target"].strip()] = items
    plain = [part.strip() for part in _MAPPED.sub("", found["maps"]).split(",") if part.strip()]
    return f"{found['name']}:{found['rest']}" + (f" -> {', '.join(plain)}" if plain else "")


def _unit_limits(units: str) -> str:
    """Units without limits that are not numbers."""
    flat = units.rstrip()
    if not flat.endswith("]") or "[" not in flat:
        return units
    unit, _, limits = flat.rpartition("[")
    parts = [part.strip() for part in limits[:-1].split(",")]
    if all(part == "?" or re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", part) for part in parts):
        return units
    return unit


def _macros_first(text: str) -> str:
    """Macros before everything else, one output each: PySD's grammar loses all but the last that comes later."""
    macros = []
    for found in _MACRO.finditer(text):
        name, _, arguments = found["head"].partition("(")
        inputs, _, outputs = arguments.partition(":")
        names = [one.strip() for one in outputs.split(",") if one.strip()]
        macros.append(f":MACRO: {name.strip()}({inputs.strip()}){found['body']}\n:END OF MACRO:\n")
        for number, output in enumerate(names, start=1):
            variant = f"{name.strip()} output {number}"
            body = f"{found['body']}\n{variant} = {output} ~ ~ |\n"
            macros.append(f":MACRO: {variant}({inputs.strip()}){body}\n:END OF MACRO:\n")
        if names:
            text = _several_outputs(text, name.strip(), len(names))
    return "\n".join(macros) + _MACRO.sub("", text)


def _several_outputs(text: str, name: str, count: int) -> str:
    """Calls `NAME(a : p, q)` become `NAME(a)` and an equation for each output."""
    words = r"[\s_]+".join(map(re.escape, name.split()))
    call = re.compile(
        rf"(?<![\w:]){words}\s*\((?P<inputs>[^():|~]*(?:\([^()|~]*\)[^():|~]*)*):(?P<outputs>[^()|~]*)\)", re.I
    )
    added: list[str] = []

    def single(found: re.Match[str]) -> str:
        outputs = [one.strip() for one in found["outputs"].split(",")]
        for number, output in enumerate(outputs[:count], start=1):
            added.append(f"\n{output} = {name} output {number}({found['inputs'].strip()}) ~ ~ |")
        return f"{name}({found['inputs'].strip()})"

    parts = _MACRO.split(text)  # the heads of macros look like calls
    if len(parts) == 1:
        return call.sub(single, text) + "".join(added)
    inside = [found[0] for found in _MACRO.finditer(text)]
    outside = [call.sub(single, part) for part in _MACRO.sub("\0", text).split("\0")]
    joined = outside[0] + "".join(macro + rest for macro, rest in zip(inside, outside[1:], strict=True))
    return joined + "".join(added)


def _settings(rest: str) -> list[str]:
    found = SETTINGS.search(rest)
    return rest[found.end() :].splitlines() if found else []


def _integration(rest: str) -> str:
    for line in _settings(rest):
        if line.startswith("15:"):
            parts = line[3:].split(",")
            code = int(parts[3]) if len(parts) > 3 and parts[3].strip().isdigit() else 0
            return METHODS.get(code, "euler")
    return "euler"


def _aliases(rest: str) -> dict[str, str]:
    """Files that the settings give a short name, `?data=data.xlsx`."""
    lines = [line[3:].partition("=") for line in _settings(rest) if line.startswith("30:?")]
    return {name.strip(): file.strip() for name, _, file in lines if file.strip()}


def _named_files(equation: str, aliases: dict[str, str]) -> str:
    for name, file in aliases.items():
        equation = equation.replace(f"'{name}'", f"'{file}'")
    return equation
