"""Five-year plans, one row of plans.csv each: a further plan is a row."""

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
"""Levels of provincial targets: the basic one binds, the incentive one is hoped for (plan 14)."""


@dataclass(frozen=True)
class Plan:
    """A five-year plan.

    key: as studies and the model file name it (p12); name: as tables do (12FYP); name_zh: as Chinese
    texts do; number: 12. base_year: the year that
    reductions count from; last_year: the year in which they are judged. indicators: what the plan judges, the leading
    one first (see indicators.csv); targets: the nation's value of each indicator that has one, in its unit; levels:
    of provincial targets. national_growth: per cent a year (NaN: none was set). structure_year,
    trend_windows: the year whose structure allocation rules read, and pairs of years within one vintage of the
    balances from which they take trends (None, empty: not measured). source: where the targets stand.
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
        """The nation's cut of energy per GDP, per cent (NaN: none was set)."""
        return self.targets.get("energy_intensity", nan)

    @property
    def co2_target(self) -> float:
        """The nation's cut of CO2 per GDP by the metric of the plan, per cent (NaN: none was set)."""
        return self.targets.get("co2_intensity", self.targets.get("co2_intensity_2026", nan))

    @property
    def years(self) -> int:
        """Length of the plan."""
        return self.last_year - self.base_year

    @property
    def span(self) -> tuple[int, int]:
        """Base and last year."""
        return self.base_year, self.last_year

    @property
    def ordinal(self) -> str:
        """In words: 12th."""
        return f"{self.number}th"

    @property
    def spellings(self) -> tuple[str, ...]:
        """All names that it goes by."""
        return (self.key, self.name, self.ordinal, str(self.number), self.name_zh)


@cache
def plans() -> Mapping[str, Plan]:
    """The plans by key, in order. Raises ValueError with every fault of the table."""
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
    """The plan of that key or of another spelling (p12, 12FYP, 12th, 12, 十二五), or None."""
    key = match(text, known_plans())
    return None if key is None else plans()[key]
