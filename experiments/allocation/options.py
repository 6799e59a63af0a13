"""Options of the rules: one table (defaults.csv) with default, range, unit, reason and source of each."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import pandas as pd

from experiments.study.known import OPTIONS
from models.reading.faults import InputError
from models.reading.names import choose, refusal
from models.reading.numbers import read_number

SUM_TOLERANCE = 1e-9


@dataclass(frozen=True)
class Number:
    """An option of a user's own rule that takes a number.

    Attributes:
        name: name of the option.
        default: default value.
        low: lowest value.
        high: highest value.
        unit: unit; "-" for none.
        reason: reason of the default.
    """

    name: str
    default: float
    low: float
    high: float
    unit: str = "-"
    reason: str = ""


_OWN: dict[str, pd.DataFrame] = {}


def add(rule: str, numbers: Sequence[Number]) -> None:
    """Give a rule options that no table holds."""
    rows = [
        {
            "option": number.name,
            "rules": rule,
            "kind": "number",
            "default": repr(number.default),
            "low": repr(number.low),
            "high": repr(number.high),
            "unit": number.unit,
            "reason": number.reason,
            "source": "the rule's own file",
        }
        for number in numbers
    ]
    _OWN[rule] = pd.DataFrame([{**dict.fromkeys(defaults().columns, ""), **row} for row in rows])


@cache
def defaults() -> pd.DataFrame:
    """The table of options: option, rules, kind, default, low, high, choices, unit, sum_to_one, reason, source."""
    return pd.read_csv(OPTIONS, dtype=str, keep_default_na=False)


def options_of(rule: str) -> pd.DataFrame:
    """The rows of the table that one rule reads."""
    table = defaults()
    shipped = table[[words == "all" or rule in words.split() for words in table["rules"]]]
    own = _OWN.get(rule)
    return shipped if own is None or own.empty else pd.concat([shipped, own], ignore_index=True)


def resolve(rule: str, given: Mapping[str, Any], extra: frozenset[str] = frozenset()) -> dict[str, Any]:
    """Every option of a rule with its value: the default, or what was given, checked.

    given: option → value, numbers also as text. extra: names that pass through unchecked (callables of a rule).
    "measured" stays that word; an empty default is None. Raises InputError with all faults.
    """
    table = options_of(rule).set_index("option")
    names = [str(name) for name in table.index]
    faults = [refusal(name, names, f"option of rule {rule}") for name in given if name not in {*names, *extra}]
    values: dict[str, Any] = {name: given[name] for name in given if name in extra}
    for name, row in table.iterrows():
        try:
            values[str(name)] = _value(str(name), row, given.get(str(name), row["default"]))
        except InputError as error:
            faults += error.faults
    if not faults:
        faults += _sums(table, values)
    if faults:
        raise InputError(faults)
    return values


def _value(name: str, row: "pd.Series[str]", got: Any) -> Any:
    if got is None or got == "":
        return None
    return _READERS[row["kind"]](name, row, got)


def _number(name: str, row: "pd.Series[str]", got: Any) -> float:
    low, high = float(row["low"]), float(row["high"])
    is_number = isinstance(got, int | float) and not isinstance(got, bool)
    try:
        return read_number(repr(float(got)) if is_number else str(got), low, high)
    except InputError as fault:
        raise InputError(f"{name}: {fault} ({row['unit']})") from None


def _integer(name: str, row: "pd.Series[str]", got: Any) -> int:
    value = _number(name, row, got)
    if value != round(value):
        raise InputError(f"{name}: got {got}, allowed: a whole number from {row['low']} to {row['high']}")
    return round(value)


def _measured(name: str, row: "pd.Series[str]", got: Any) -> float | str:
    return "measured" if got == "measured" else _number(name, row, got)


def _choice(name: str, row: "pd.Series[str]", got: Any) -> str:
    choices = row["choices"].split()
    return choose(str(got), choices, f"value of {name}")


def _flag(name: str, row: "pd.Series[str]", got: Any) -> bool:
    words = {"yes": True, "true": True, "no": False, "false": False}
    if str(got).lower() not in words:
        raise InputError(f"got {name} = {got!r}; allowed: yes, no")
    return words[str(got).lower()]


def _windows(name: str, row: "pd.Series[str]", got: Any) -> tuple[tuple[int, int], ...]:
    found = tuple((int(a), int(b)) for a, b in re.findall(r"(\d{4})-(\d{4})", str(got)))
    if not found or re.sub(r"\d{4}-\d{4}", "", str(got)).strip() or any(a >= b for a, b in found):
        raise InputError(f"got {name} = {got!r}; allowed: pairs of years such as '2005-2007 2008-2010'")
    return found


def _text(name: str, row: "pd.Series[str]", got: Any) -> str:
    return str(got)


_READERS: Mapping[str, Callable[[str, "pd.Series[str]", Any], Any]] = {
    "number": _number,
    "integer": _integer,
    "measured": _measured,
    "choice": _choice,
    "flag": _flag,
    "windows": _windows,
    "text": _text,
}


def _sums(table: pd.DataFrame, values: Mapping[str, Any]) -> list[str]:
    faults = []
    for group in sorted({name for name in table["sum_to_one"] if name}):
        members = [str(name) for name in table.index[table["sum_to_one"] == group]]
        total = sum(values[name] for name in members)
        if abs(total - 1) > SUM_TOLERANCE:
            parts = " + ".join(f"{name} {values[name]:g}" for name in members)
            faults.append(f"got {parts} = {total:g}; these shares must sum to 1: set all of them")
    return faults
