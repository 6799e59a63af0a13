"""The indicators that a plan can set targets for, one row of indicators.csv each; a further indicator is a further
row.

Every indicator becomes one number in per cent that is better when it is higher. For a `cut` it is the fall of the
variable since the plan's base year, for a `cap` the fall of the total since then (growth is negative), for a `floor`
the share itself, for `growth` the mean yearly growth. A target is met when that number reaches it, so that all analyses
treat every indicator alike.
"""

import csv
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import Literal

from models.reading.names import Spellings

TABLE = Path(__file__).with_name("indicators.csv")

KINDS = ("cut", "cap", "floor", "growth")
"""Kinds of indicators."""


@dataclass(frozen=True)
class Indicator:
    """An indicator of a plan. Its predictive error is that of its variable.

    Attributes:
        key: name in studies and tables.
        variable: variable of the model, by province.
        kind: cut (fall of the variable since the base year, per cent), cap (greatest total in the plan's last year, in
            `unit`), floor (least share, per cent) or growth (least yearly growth over the plan, per cent).
        unit: unit of a target.
        published: name in the table of provincial targets.
        measured: for a cap, the measured series of its total.
        name: name in English.
        name_zh: name in Chinese.
        metric: definition in English.
        metric_zh: definition in Chinese.
    """

    key: str
    variable: str
    kind: Literal["cut", "cap", "floor", "growth"]
    unit: str
    published: str
    measured: str
    name: str
    name_zh: str
    metric: str
    metric_zh: str

    @property
    def is_share(self) -> bool:
        """Whether the value itself is judged, and not its change since the base year."""
        return self.kind == "floor"


@cache
def indicators() -> Mapping[str, Indicator]:
    """The indicators by key, in the order of the table.

    Raises:
        ValueError: the table has faults; the message names all of them.

    >>> indicators()["energy_intensity"].kind
    'cut'
    """
    with TABLE.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    found: dict[str, Indicator] = {}
    faults: list[str] = []
    for line, row in enumerate(rows, start=2):
        place = f"{TABLE.name}, line {line}"
        faults += [f"{place}: {fault}" for fault in _faults(row)]
        if row.get("indicator") in found:
            faults.append(f"{place}: indicator {row['indicator']} is given twice")
        if not faults:
            found[row["indicator"]] = _indicator(row)
    if faults:
        raise ValueError("\n".join(faults))
    return found


def _faults(row: Mapping[str, str]) -> list[str]:
    names = ["indicator", *(field.name for field in fields(Indicator) if field.name != "key")]
    faults = [f"no column {name}" for name in names if row.get(name) is None]
    if faults:
        return faults
    if row["kind"] not in KINDS:
        faults.append(f"got kind {row['kind']!r}, allowed: {', '.join(KINDS)}")
    if row["kind"] == "cap" and not row["measured"]:
        faults.append("a cap needs the measured series of its total in column measured")
    return faults


def _indicator(row: Mapping[str, str]) -> Indicator:
    plain = {field.name: row[field.name] for field in fields(Indicator) if field.name != "key"}
    return Indicator(key=row["indicator"], **plain)  # type: ignore[arg-type]


def known_indicators() -> Spellings:
    """The keys with their names in both languages, in the form that `choose` takes."""
    return Spellings({key: (one.name, one.name_zh) for key, one in indicators().items()})
