"""The published points of S1-S3 against the reconstruction: hits and misses, and what each free choice does to them.

Seven numbers against more free choices is a check of plausibility, not a replication: the points do not identify the
report's equations, and several forms meet them. That is why the spread over the choices is shown beside the hits, and
why the points are printed on the official growth targets (the source's statement and the default) and on equal growth.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from calibration.places import NATION
from experiments.allocation import shipped
from experiments.allocation.allocate import allocate, measured_indicators
from experiments.allocation.indicators import Indicators, find_plan
from experiments.allocation.options import options_of

PLAN, NATIONAL = "12FYP", 16.0
TOLERANCE = 0.5  # points are printed as whole per cents
ALTERNATIVES = Path(__file__).with_name("alternatives.csv")
CAVEAT = (
    "A plausibility check, not a replication: the report's equations are not public, "
    "and these points do not identify them."
)
DRAWS, SEED = 100, 1
RULES = ("s1", "s2", "s3")
NEED_RANGE = (0.2, 5.0)
BISECTIONS = 20  # a factor good to 1e-5
SECTORS = ("industry", "residential", "other")
INDICATORS = (
    *SECTORS,
    "industry_value_added",
    "heavy_share",
    "population_growth",
    "gdp",
    "growth",
    "industry_rise",
    "other_rise",
)


@dataclass(frozen=True)
class Point:
    """A published target: a number (low = high) or a range, per cent."""

    rule: str
    province: str
    low: float
    high: float

    def miss(self, value: float) -> float:
        """How far a value lies outside the range, points; 0 within."""
        return max(self.low - value, value - self.high, 0.0)

    def hit(self, value: float) -> bool:
        """Within the tolerance of the range."""
        return self.miss(value) <= TOLERANCE


@cache
def points() -> tuple[Point, ...]:
    """The published points of S1-S3 at the national 16 %."""
    table = shipped.table("allocation_published")
    table = table[(table["province"] != NATION) & (table["national_target"] == NATIONAL)]
    values = {(str(r["scenario"]), str(r["province"])): float(r["value"]) for _, r in table.iterrows()}
    found = []
    for (scenario, province), value in values.items():
        if scenario.startswith("LBNL_S"):
            found.append(Point(scenario[5:7].lower(), province, value, value))
        elif scenario == "LBNL_all_scenarios_range_low":
            high = values[("LBNL_all_scenarios_range_high", province)]
            found += [Point(rule, province, value, high) for rule in RULES]
    return tuple(sorted(found, key=lambda point: (point.rule, -point.low, point.province)))


def hits(indicators: Indicators | None = None, **options: Any) -> pd.DataFrame:
    """One row per point: published range, computed, distance outside the range, hit within half a point."""
    computed = _computed(indicators, options)
    return pd.DataFrame(
        {
            "rule": point.rule,
            "province": point.province,
            "published": _range(point),
            "computed": computed[point.rule][point.province],
            "rounded": round(computed[point.rule][point.province]),
            "outside_by": point.miss(computed[point.rule][point.province]),
            "hit": point.hit(computed[point.rule][point.province]),
        }
        for point in points()
    )


def orders(indicators: Indicators | None = None, **options: Any) -> pd.DataFrame:
    """One row per pair of provinces whose order the points fix: is it the published one?"""
    computed = _computed(indicators, options)
    rows = []
    for first in points():
        for second in points():
            if first.rule == second.rule and first.province != second.province and first.low >= second.high:
                higher, lower = (computed[first.rule][p.province] for p in (first, second))
                strict = first.low > second.high
                rows.append(
                    {
                        "rule": first.rule,
                        "order": f"{first.province} {'>' if strict else '≥'} {second.province}",
                        "difference": higher - lower,
                        "holds": bool(higher > lower or (not strict and round(higher) >= round(lower))),
                    }
                )
    return pd.DataFrame(rows)


def _range(point: Point) -> str:
    return f"{point.low:g}" if point.low == point.high else f"{point.low:g}-{point.high:g}"


def _computed(indicators: Indicators | None, options: Mapping[str, Any]) -> dict[str, "pd.Series[float]"]:
    return {rule: _targets(rule, indicators, _mine(rule, options)) for rule in RULES}


def _mine(rule: str, options: Mapping[str, Any]) -> dict[str, Any]:
    known = set(options_of(rule)["option"])
    return {key: value for key, value in options.items() if key in known}


def _targets(rule: str, indicators: Indicators | None, options: Mapping[str, Any]) -> "pd.Series[float]":
    table = allocate(rule, NATIONAL, PLAN, indicators=indicators, **options).table
    return table.set_index("province")["target_percent"]


def alternatives() -> Iterator[tuple[str, str, dict[str, str]]]:
    """Every other reading of a free choice: rule, in words, options."""
    for _, row in pd.read_csv(ALTERNATIVES, dtype=str, keep_default_na=False).iterrows():
        pairs = row["option"].split() if "=" in row["option"] else [f"{row['option']}={row['value']}"]
        options = dict(pair.split("=", 1) for pair in pairs)
        for rule in row["rules"].split():
            yield rule, str(row["reads"]), options


def sensitivity() -> pd.DataFrame:
    """One row per choice: the points of its rule with this choice changed and all others at their default.

    Columns: rule, choice, then for each province with a point its target, and hits as "3 of 4".
    """
    rows = []
    for rule, reads, options in [*((rule, "default", {}) for rule in RULES), *alternatives()]:
        mine = [point for point in points() if point.rule == rule]
        targets = _targets(rule, None, options)
        row: dict[str, object] = {"rule": rule, "choice": reads}
        row |= {point.province: float(targets[point.province]) for point in mine}
        rows.append({**row, "hits": f"{sum(p.hit(targets[p.province]) for p in mine)} of {len(mine)}"})
    return pd.DataFrame(rows).sort_values("rule", kind="stable", ignore_index=True)


def spread(draws: int, rng: np.random.Generator) -> pd.DataFrame:
    """All free choices at once: each draw takes, for every choice, its default or one of its other readings.

    One row per point: share of draws that hit it, and the 5, 50 and 95 % quantiles of the target.
    """
    readings: dict[str, dict[str, list[dict[str, str]]]] = {rule: {} for rule in RULES}
    for rule, _, options in alternatives():
        choice = "weights" if "weight_intensity" in options else next(iter(options))
        readings[rule].setdefault(choice, [{}]).append(options)
    rows = []
    for rule in RULES:
        samples = []
        for _ in range(draws):
            options = {k: v for each in readings[rule].values() for k, v in each[rng.integers(len(each))].items()}
            samples.append(_targets(rule, None, options))
        for point in (point for point in points() if point.rule == rule):
            values = np.array([targets[point.province] for targets in samples])
            low, middle, high = np.quantile(values, (0.05, 0.5, 0.95))
            share = float(np.mean([point.hit(value) for value in values]))
            row = {"rule": rule, "province": point.province, "published": _range(point), "hit_percent": 100 * share}
            rows.append({**row, "q05": low, "q50": middle, "q95": high})
    return pd.DataFrame(rows)


def needed(point: Point) -> pd.DataFrame:
    """Conditions under which a missed point would be met: each indicator of the province times which factor.

    A sector's energy changes at the cost of the other two, so that the province's total stays. factor: between 0.2
    and 5; NaN where no factor in that range brings the target to the nearest end of the published range.
    """
    data = measured_indicators(find_plan(PLAN))
    goal = point.low if _targets(point.rule, None, {})[point.province] < point.low else point.high
    factors = {name: _factor(data, name, point, goal) for name in INDICATORS}
    rows = [
        {
            "rule": point.rule,
            "province": point.province,
            "to_reach": goal,
            "indicator": name,
            "factor": factor,
            "reads": f"times {factor:.2f}" if np.isfinite(factor) else "out of reach within times 0.2 to 5",
        }
        for name, factor in factors.items()
    ]
    return pd.DataFrame(rows)


def _changed(data: Indicators, name: str, place: int, factor: float) -> Indicators:
    """One indicator of one province times a factor."""
    values = np.array(getattr(data, name))
    values[..., place] *= factor
    changed: dict[str, Any] = {name: values}
    if name in SECTORS:
        others = [sector for sector in SECTORS if sector != name]
        before = sum(getattr(data, sector)[place] for sector in others)
        left = max(data.energy[place] - values[place], 0.0) / before
        for sector in others:
            changed[sector] = np.array(getattr(data, sector))
            changed[sector][place] *= left
    return replace(data, **changed)


def _factor(data: Indicators, name: str, point: Point, goal: float) -> float:
    place = data.provinces.index(point.province)
    most = data.energy[place] / getattr(data, name)[place] if name in SECTORS else np.inf
    low, high = NEED_RANGE[0], min(NEED_RANGE[1], 0.999 * float(most))

    def gap(factor: float) -> float:
        changed = _changed(data, name, place, factor)
        return float(_targets(point.rule, changed, {})[point.province]) - goal

    ends = gap(low), gap(high)
    if not ends[0] * ends[1] <= 0:
        return float("nan")
    for _ in range(BISECTIONS):
        middle = (low * high) ** 0.5
        low, high = (middle, high) if (gap(middle) < 0) == (ends[0] < 0) else (low, middle)
    return float((low * high) ** 0.5)


def by_growth(**options: Any) -> pd.DataFrame:
    """One row per point: computed target and distance outside the range, on official and on equal growth of GDP.

    Every scenario of the source meets the national target on the provinces' official growth targets.
    """
    table = hits(**options)[["rule", "province", "published"]]
    for growth in ("official", "equal"):
        found = hits(**{**options, "growth": growth})
        table[f"{growth}_growth"] = found["computed"]
        table[f"{growth}_outside_by"] = found["outside_by"]
        table[f"{growth}_hit"] = found["hit"]
    return table


def plausibility() -> pd.DataFrame:
    """A row for each rule and end: the three lowest and the three highest targets, for a reader to judge."""
    rows = []
    for rule in RULES:
        targets = _targets(rule, None, {}).dropna().sort_values()
        for end, few in (("lowest", targets.iloc[:3]), ("highest", targets.iloc[:-4:-1])):
            words = ", ".join(f"{province} {value:.1f}" for province, value in few.items())
            rows.append({"rule": rule, "end": end, "targets": words})
    return pd.DataFrame(rows)


def tables_of(**options: Any) -> dict[str, pd.DataFrame]:
    """Hits and misses, orders, plausibility, sensitivity, spread, and what a missed point would need, by title."""
    found = hits(**options)
    missed = {
        (rule, province)
        for rule, province, hit in zip(found["rule"], found["province"], found["hit"], strict=True)
        if not hit
    }
    needs = [needed(point) for point in points() if (point.rule, point.province) in missed]
    tables = {
        "Published points against the reconstruction": found,
        "The same on official growth (default, as the source says) and on equal growth": by_growth(**options),
        "Order of the provinces": orders(**options),
        "Plausibility: targets at both ends, per cent (the official ones range from 10 to 18)": plausibility(),
        "One choice changed at a time": sensitivity(),
        f"All choices at random, {DRAWS} draws": spread(DRAWS, np.random.default_rng(SEED)),
    }
    if needs:
        tables["What a missed point would need: factor on one measured indicator"] = pd.concat(needs)
    return tables
