"""Five-year plans, one row of plans.csv each; a further plan is a further row."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from math import nan
from pathlib import Path

from models.indicators import indicators
from models.reading.names import Spellings, match

TABLE = Path(__file__).with_name("plans.csv")
BASIC, INCENTIVE = "basic", "incentive"
"""Levels of provincial targets: the basic one is binding, the incentive one is aspirational (14th plan)."""


@dataclass(frozen=True)
class Plan:
    """A five-year plan.

    Attributes:
        key: name in studies and in the model file, such as p12.
        name: name in tables, such as 12FYP.
        name_zh: common Chinese name, such as 十二五.
        number: number of the plan, such as 12.
        base_year: the year from which reductions are counted.
        last_year: the year in which they are judged.
        indicators: indicators that the plan judges, the leading one first (see indicators.csv).
        targets: national target of each indicator that has one, in its unit.
        levels: levels of provincial targets.
        national_growth: growth target in per cent per year; NaN where none was set.
        structure_year: year whose economic structure the allocation rules use; None where it was not measured.
        trend_windows: pairs of years, each within one vintage of the balances, from which allocation rules take trends;
            empty where they were not measured.
        source: document with the targets.
    """

    key: str
    name: str
    name_zh: str
    number: int
    base_year: int
    last_year: int
    indicators: tuple[str, ...]
    targets: Mapping[str, float] = field(hash=False)
    levels: tuple[str, ...]
    national_growth: float
    structure_year: int | None
    trend_windows: tuple[tuple[int, int], ...]
    source: str

    @property
    def energy_target(self) -> float:
        """The national target cut of energy per GDP, per cent (NaN: none was set)."""
        return self.targets.get("energy_intensity", nan)

    @property
    def co2_target(self) -> float:
        """The national target cut of CO2 per GDP by the metric of the plan, per cent (NaN: none was set)."""
        return self.targets.get("co2_intensity", self.targets.get("co2_intensity_2026", nan))

    @property
    def years(self) -> int:
        """Number of years of the plan."""
        return self.last_year - self.base_year

    @property
    def span(self) -> tuple[int, int]:
        """Base year and last year."""
        return self.base_year, self.last_year

    @property
    def ordinal(self) -> str:
        """English ordinal, such as 12th."""
        return f"{self.number}th"

    @property
    def spellings(self) -> tuple[str, ...]:
        """All names of the plan that a user may type."""
        return (self.key, self.name, self.ordinal, str(self.number), self.name_zh)


@cache
def plans() -> Mapping[str, Plan]:
    """The plans by key, in the order of the table.

    Raises:
        ValueError: the table has faults; the message names all of them.

    >>> plans()["p12"].span, plans()["p12"].energy_target
    ((2010, 2015), 16.0)
    """
    with TABLE.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    faults: list[str] = []
    found: dict[str, Plan] = {}
    for line, row in enumerate(rows, start=2):
        try:
            plan = _plan(row)
        except (ValueError, TypeError, KeyError) as fault:
            faults.append(f"{TABLE.name}, line {line}: {fault}")
            continue
        if plan.key in found or plan.last_year <= plan.base_year:
            faults.append(f"{TABLE.name}, line {line}: plan {plan.key} is given twice or ends before it begins")
        found[plan.key] = plan
    if faults:
        raise ValueError("\n".join(faults))
    return found


def _plan(row: Mapping[str, str]) -> Plan:
    windows = tuple((int(window[:4]), int(window[5:])) for window in row["trend_windows"].split())
    targets = {key: float(value) for key, value in (pair.split("=") for pair in row["targets"].split())}
    judged = tuple(row["indicators"].split())
    if unknown := [key for key in dict.fromkeys([*judged, *targets]) if key not in indicators()]:
        raise ValueError(f"unknown indicators {', '.join(unknown)}; allowed: {', '.join(indicators())}")
    if not judged:
        raise ValueError("no indicators; a plan judges at least one")
    levels = tuple(row["levels"].split())
    if not levels or any(level not in (BASIC, INCENTIVE) for level in levels):
        raise ValueError(f"got levels {row['levels']!r}, allowed: {BASIC}, or {BASIC} {INCENTIVE}")
    return Plan(
        key=row["plan"],
        name=row["name"],
        name_zh=row["name_zh"],
        number=int(row["number"]),
        base_year=int(row["base_year"]),
        last_year=int(row["last_year"]),
        indicators=judged,
        targets=targets,
        levels=levels,
        national_growth=float(row["national_growth"]) if row["national_growth"] else nan,
        structure_year=int(row["structure_year"]) if row["structure_year"] else None,
        trend_windows=windows,
        source=row["source"],
    )


def known_plans() -> Spellings:
    """The plans' keys with their other spellings: 12FYP, 12th, 12, 十二五."""
    return Spellings({key: plan.spellings for key, plan in plans().items()})


def known_plan_names() -> Spellings:
    """The plans' names (12FYP) with their other spellings."""
    return Spellings({plan.name: plan.spellings for plan in plans().values()})


def find(text: str) -> Plan | None:
    """The plan with the given key or another spelling (p12, 12FYP, 12th, 12, 十二五), or None."""
    key = match(text, known_plans())
    return None if key is None else plans()[key]
