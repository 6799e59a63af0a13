"""JSON that a user names or sends: its plain data, and every fault at once."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

from models.reading.document import Document
from models.reading.faults import InputError, shortened
from models.reading.text import LARGEST_TABLE, read_text
from models.reading.yaml_file import DEEPEST, DIGITS


def read_json(
    path: Path, what: str, kind: type[dict[Any, Any]] | type[list[Any]] = dict, largest: int = LARGEST_TABLE
) -> Document:
    """Read a JSON file.

    Args:
        path: path in the form that the user typed.
        what: the expected content in the user's words ("the manifest of a run").
        kind: type that the file must hold as a whole.
        largest: size in bytes beyond which the file is refused.

    Returns:
        A document; its `faults` name everything that is wrong with the file.
    """
    try:
        return parse_json(read_text(path, what, largest), path.name, kind)
    except InputError as fault:
        return Document(kind(), faults=fault.faults)


def parse_json(text: str, label: str, kind: type[dict[Any, Any]] | type[list[Any]] = dict) -> Document:
    """Read JSON from text, as `read_json` does from a file; `label` is its name in messages."""
    faults: list[str] = []

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        twice = [name for name, count in Counter(name for name, _ in pairs).items() if count > 1]
        faults.extend(f"{label}: key {shortened(name)} appears twice in one object; keep one" for name in twice)
        return dict(pairs)

    def not_finite(word: str) -> None:
        faults.append(f"{label}: got {word}, allowed: a finite number")

    def whole(digits: str) -> int | None:
        if len(digits) <= DIGITS:
            return int(digits)
        faults.append(f"{label}: got {digits[:20]}…, a number of {len(digits):,} digits, allowed: at most {DIGITS}")
        return None

    try:
        data = json.loads(text, object_pairs_hook=unique, parse_constant=not_finite, parse_int=whole)
    except json.JSONDecodeError as fault:
        return Document(kind(), faults=[f"{label}:{fault.lineno}: not JSON: {fault.msg}"])
    except RecursionError:
        return Document(kind(), faults=[f"{label}: got lists in lists without end, allowed: {DEEPEST} deep"])
    faults += [f"{label}: {text}" for text in _faults_of_values(data, DEEPEST)]
    if not isinstance(data, kind):
        allowed = "an object ({…})" if kind is dict else "a list ([…])"
        faults.append(f"{label}: got {shortened(data)}, allowed: {allowed}")
        data = kind()
    return Document(data, faults=faults)


def _faults_of_values(data: Any, deepest: int) -> list[str]:
    """Find too deep nesting, infinite numbers (1e999) and lone surrogates anywhere in the data."""
    if deepest < 0:
        return [f"got lists in lists without end, allowed: {DEEPEST} deep"]
    if isinstance(data, dict):
        return [f for key, value in data.items() for part in (key, value) for f in _faults_of_values(part, deepest - 1)]
    if isinstance(data, list):
        return [fault for item in data for fault in _faults_of_values(item, deepest - 1)]
    if isinstance(data, float) and data - data != 0:
        return ["got a number beyond 1.8e308, allowed: a finite number"]
    if isinstance(data, str) and any("\ud800" <= letter <= "\udfff" for letter in data):
        return [f"got {ascii(data)[:60]}, half of a character, which no text can hold"]
    return []
