"""YAML that a user wrote: its plain data with the line of every value, and every fault at once.

Values that YAML 1.1 silently changes are refused: `0100` (64) and `1:40` (100). Also refused are aliases (a small file
with them can expand to any size), tags, keys given twice, numbers that are not finite, and characters that are not
allowed in text. Numbers may have an exponent (`1e3`), as in YAML 1.2.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Any

import yaml

from models.reading.document import Document, Route
from models.reading.faults import InputError, shortened
from models.reading.text import read_text

LARGEST = 200_000
"""Size in bytes of the largest YAML file that is read."""
DEEPEST = 20
"""Greatest depth of nested lists and mappings."""
DIGITS = 30
"""Number of digits of the longest whole number."""

_WORDS: dict[str, Any] = {"": None, "~": None, "null": None}
_WORDS |= dict.fromkeys(("true", "yes", "on"), True) | dict.fromkeys(("false", "no", "off"), False)
_WHOLE = re.compile(r"[+-]?(0|[1-9][0-9_]*)")
_BASED = re.compile(r"[+-]?0(x[0-9a-fA-F_]+|b[01_]+)")
_OCTAL = re.compile(r"[+-]?0[0-9_]+")
_DECIMAL = re.compile(r"[+-]?([0-9][0-9_]*(\.[0-9_]*)?|\.[0-9][0-9_]*)([eE][+-]?[0-9]+)?")
_SEXAGESIMAL = re.compile(r"[+-]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?")
_ENDLESS = re.compile(r"[+-]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_DATE = re.compile(r"\d{4}-\d{1,2}-\d{1,2}")
_STRANGE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


def read_yaml(path: Path, what: str, kind: type[dict[Any, Any]] | type[list[Any]] = dict, label: str = "") -> Document:
    """Read a YAML file.

    Args:
        path: path in the form that the user typed.
        what: the expected content in the user's words ("a study file").
        kind: type that the file must hold as a whole, a mapping or a list.
        label: name of the file in messages; default: its file name.

    Returns:
        A document, with empty data when the file cannot be read; its `faults` name everything that is wrong with it.
    """
    try:
        text = read_text(path, what, LARGEST)
    except InputError as fault:
        return Document(kind(), faults=fault.faults)
    name = label or path.name
    return parse_yaml(text, lambda line: f"{name}:{line}", name, kind)


def parse_yaml(
    text: str, place: Callable[[int], str], whole: str, kind: type[dict[Any, Any]] | type[list[Any]] | None = None
) -> Document:
    """Read YAML from text, as `read_yaml` does from a file.

    Args:
        text: the YAML.
        place: function that names a line (from 1) in a message.
        whole: name of the text as a whole in a message.
        kind: type that the text must hold, a mapping or a list; None: any.
    """
    empty = Document((kind or dict)())
    try:
        reader, data = _read(text, place)
    except yaml.MarkedYAMLError as fault:
        where = place(fault.problem_mark.line + 1) if fault.problem_mark else whole
        return Document(empty.data, faults=[f"{where}: not YAML: {fault.problem or fault.context}"])
    except yaml.YAMLError as fault:
        return Document(empty.data, faults=[f"{whole}: not YAML: {' '.join(str(fault).split())}"])
    except InputError as fault:
        return Document(empty.data, faults=fault.faults)
    if kind is not None and not isinstance(data, kind):
        allowed = "a mapping (`key: value` lines)" if kind is dict else "a list (lines that begin with `- `)"
        got = "a mapping" if isinstance(data, dict) else "a list" if isinstance(data, list) else shortened(data)
        return Document(empty.data, faults=[*reader.faults, f"{whole}: got {got}, allowed: {allowed}"])
    return Document(data, reader.places, reader.faults, reader.unreadable)


def _read(text: str, place: Callable[[int], str]) -> tuple["_Reader", Any]:
    """Parse in C where a C parser exists; text that it refuses is parsed in Python for better messages."""
    if (fast := getattr(yaml, "CSafeLoader", None)) is not None:
        with suppress(yaml.YAMLError):
            reader = _Reader(text, place, fast)
            return reader, reader.document()
    reader = _Reader(text, place, yaml.SafeLoader)
    return reader, reader.document()


class _Reader:
    """Converts YAML events into plain data, so that nothing is built before its depth and kind are known."""

    def __init__(self, text: str, place: Callable[[int], str], loader: Any) -> None:
        self.places: dict[Route, str] = {}
        self.faults: list[str] = []
        self.unreadable: set[Route] = set()
        self._place = place
        self._events: Iterator[Any] = yaml.parse(text, Loader=loader)

    def document(self) -> Any:
        """The data of the one document. Raises InputError for aliases, depth and further documents, and YAMLError."""
        next(self._events)
        data = None
        for count, event in enumerate(event for event in self._events if not isinstance(event, yaml.StreamEndEvent)):
            if count:
                raise InputError(f"{self._line(event)}: a second document (---) begins, allowed: one a file")
            data = self._node(next(self._events), ())
            next(self._events)
        return data

    def _node(self, event: Any, route: Route) -> Any:
        line = self._line(event)
        self.places.setdefault(route, line)
        if isinstance(event, yaml.AliasEvent):
            raise InputError(f"{line}: YAML aliases (*name) are not allowed; write the value out, or use `extends`")
        if event.tag is not None:
            self.faults.append(f"{line}: got the tag {shortened(event.tag)}, allowed: values without a tag (!)")
        if isinstance(event, yaml.ScalarEvent):
            return self._scalar(event, route)
        if len(route) >= DEEPEST:
            raise InputError(f"{line}: got lists in lists without end, allowed: {DEEPEST} deep")
        return self._list(route) if isinstance(event, yaml.SequenceStartEvent) else self._mapping(route)

    def _list(self, route: Route) -> list[Any]:
        items: list[Any] = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            items.append(self._node(event, (*route, len(items))))
        return items

    def _mapping(self, route: Route) -> dict[str, Any]:
        data: dict[str, Any] = {}
        lines: dict[str, str] = {}
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            line = self._line(event)
            if not isinstance(event, yaml.ScalarEvent):
                self._node(event, (*route, ""))  # an alias raises its own fault
                self.faults.append(f"{line}: got a list or mapping as a key, allowed: a name")
                self._node(next(self._events), (*route, ""))
                continue
            key = self._text(event.value, line)
            if key in data:
                self.faults.append(f"{line}: key {shortened(key)} appears twice, first on {lines[key]}; keep one")
            lines[key] = self.places[*route, key] = line
            data[key] = self._node(next(self._events), (*route, key))
        return data

    def _scalar(self, event: Any, route: Route) -> Any:
        line = self._line(event)
        text = self._text(event.value, line)
        if event.style or not event.implicit[0]:  # the style of a plain scalar is None, or empty in the C parser
            return text
        try:
            return plain_value(text)
        except InputError as fault:
            self.faults += [f"{line}: {one}" for one in fault.faults]
            self.unreadable.add(route)
            return text

    def _text(self, text: str, line: str) -> str:
        if strange := _STRANGE.search(text):
            self.faults.append(f"{line}: got the character U+{ord(strange[0]):04X} in a text, which no text can hold")
            return _STRANGE.sub("\N{REPLACEMENT CHARACTER}", text)
        return text

    def _line(self, event: Any) -> str:
        return self._place(event.start_mark.line + 1)


class _Dumper(yaml.SafeDumper):
    """Writes YAML that `parse_yaml` reads back unchanged: text such as 1e3, which would be read as a number, gets
    quotes.
    """


_Dumper.add_implicit_resolver("tag:yaml.org,2002:float", _DECIMAL, list("-+0123456789."))


def dump_yaml(data: Any) -> str:
    """Plain data as YAML, in the order of the keys; `parse_yaml` reads back the same data."""
    return yaml.dump(data, Dumper=_Dumper, sort_keys=False, allow_unicode=True)


def plain_value(text: str) -> Any:
    """The value of an unquoted scalar: nothing, true or false, a number, a date, or else the text itself.

    Raises:
        InputError: YAML 1.1 would change the value, or it is an infinite number or an invalid date.

    >>> plain_value("1e3"), plain_value("Yes"), plain_value("p12")
    (1000, True, 'p12')
    """
    if text.lower() in _WORDS:
        return _WORDS[text.lower()]
    if _ENDLESS.fullmatch(text):
        raise InputError(f"got {text}, allowed: a finite number")
    if _SEXAGESIMAL.fullmatch(text):
        raise InputError(f"got {text}, which YAML reads in base 60; write a plain number, or quotes for a text")
    if _OCTAL.fullmatch(text):
        raise InputError(f"got {text}, which YAML reads as octal; leave out the first 0, or write quotes for a text")
    if _DATE.fullmatch(text):
        return _date(text)
    if _WHOLE.fullmatch(text) or _BASED.fullmatch(text):
        return _whole(text)
    if _DECIMAL.fullmatch(text):
        return _decimal(text)
    return text


def _whole(text: str) -> int:
    if len(text) > DIGITS:
        raise InputError(f"got {text[:20]}…, a number of {len(text):,} digits, allowed: at most {DIGITS} digits")
    return int(text.replace("_", ""), 0)


def _decimal(text: str) -> float:
    value = float(text.replace("_", ""))
    if "." not in text and value == round(value, 0) and abs(value) < 10**15:
        return int(value)  # 1e5 is a whole number
    if value in (float("inf"), float("-inf")):
        raise InputError(f"got {shortened(text)}, allowed: a finite number (at most about 1.8e308)")
    return value


def _date(text: str) -> date:
    try:
        return date(*map(int, text.split("-")))
    except ValueError as fault:
        raise InputError(f"got {text}, which is no date ({fault}); write quotes for a text") from None
