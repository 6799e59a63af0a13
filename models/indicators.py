"""What a plan can ask for, one row of indicators.csv each: a further indicator of a variable of the model is a row.

Every indicator is turned into one number that is better when it is higher, in per cent: of a `cut` the fall of the
variable since the plan's base year, of a `cap` the fall of the total since then (growth is negative), of a `floor` the
share itself, of `growth` the mean yearly growth. A target is met when that number reaches it, so that all analyses
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


@dataclass(frozen=True)
class Indicator:
    """An indicator of a plan.

    key: as studies and tables name it. variable: of the model, by province. kind: cut (fall of the variable since the
    base year, per cent), cap (most that a total may be in the plan's last year, in `unit`), floor (least share, per
    cent) or growth (least yearly growth over the plan, per cent). published: its name in the table of provincial
    targets. measured: the measured series of its total, of a cap. name, metric: in words, with the definition; *_zh: in
    Chinese. Its predictive error is that of its variable.
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
        """Whether the value itself is judged, not its change since the base year."""
        return self.kind == "floor"


@cache
def indicators() -> Mapping[str, Indicator]:
    """The indicators by key, in order. Raises ValueError with every fault of the table.

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
    """The keys with their names in both languages."""
    return Spellings({key: (one.name, one.name_zh) for key, one in indicators().items()})
