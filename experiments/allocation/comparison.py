"""Rules side by side: targets, burden per head and per GDP, Gini, ranks, gains and losses against the official ones.

Burden of a province: the energy that its target asks it to save in the target year, E G t, against unchanged energy
per GDP; G from the provinces' own growth targets for every rule, so that only the targets differ.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from experiments.allocation.allocate import Allocation, allocate, base_indicators, sampled_indicators
from experiments.allocation.allowances import unchanged
from experiments.allocation.indicators import Indicators, known_plan
from experiments.allocation.lookup import find
from experiments.allocation.national import Array
from experiments.allocation.options import options_of
from experiments.allocation.registry import load
from experiments.allocation.response import ModelResponse
from experiments.study.known import INDICATORS
from models.reading.faults import InputError

OFFICIAL, AGAINST_OFFICIAL = "official", "the official targets"
ANNOUNCED, ENOUGH = ("official", "draft"), 30
NEEDS = ("csv", "equal-chance", "least-cost")
"""Rules that need a table or a run of the model."""
SHARED = ("indicator", "base_year", "held")
LEVELS = (0.1, 0.5, 0.9)
NEAR = 0.5
"""Points between two targets that ask as much: official targets of provinces are whole or half points."""


def asks_more(targets: Array, national: float) -> Array:
    """Which targets ask more than the nation's (1), less (-1) or as much (0, within `NEAR`).

    Args:
        targets: per cent, of any shape; nan asks nothing and gets 0.
        national: the nation's target, per cent.

    Returns:
        -1, 0 or 1 for each target.

    >>> asks_more(np.array([16.4, 16.9, 17.5, 17.6, np.nan]), 17.0)
    array([-1.,  0.,  0.,  1.,  0.])
    """
    beyond = np.nan_to_num(np.asarray(targets, dtype=float) - national)
    return np.where(np.abs(beyond) > NEAR + 1e-9, np.sign(beyond), 0.0)


@dataclass(frozen=True)
class Comparison:
    """targets, per_head (kg a head: coal equivalent or CO2), per_gdp (kg per thousand yuan of target-year GDP), rank
    (1 = deepest cut), against_official (points), saved_against_official (Mtce or Mt): province × rule. rules: one row a
    rule: aggregates, Gini and Theil of burdens, spread, agreement of ranks, gainers and payers. rank_agreement:
    Spearman's ρ, rule × rule. capacity: GDP per head, thousand yuan, by province. reference: what "against" compares
    with: official, or the nation's target for all where no official one is known. amount: of the target year at
    unchanged intensity, by province.
    """

    targets: pd.DataFrame
    per_head: pd.DataFrame
    per_gdp: pd.DataFrame
    rank: pd.DataFrame
    against_official: pd.DataFrame
    saved_against_official: pd.DataFrame
    rules: pd.DataFrame
    rank_agreement: pd.DataFrame
    capacity: "pd.Series[float]"
    reference: str
    amount: "pd.Series[float]"

    def tables(self) -> dict[str, pd.DataFrame]:
        """Every table by its title, provinces and rules as columns of their own."""
        return {
            "Targets, per cent": _plain(self.targets),
            f"Points against {self.reference}": _plain(self.against_official),
            f"Mtce or Mt saved in the target year against {self.reference}": _plain(self.saved_against_official),
            "Burden per head, kg of coal equivalent or CO2": _plain(self.per_head),
            "Burden per GDP, kg per thousand yuan": _plain(self.per_gdp),
            "Rank, 1 = deepest cut": _plain(self.rank),
            "Rules": self.rules,
            "Agreement of ranks (Spearman)": _plain(self.rank_agreement),
        }


def _plain(table: pd.DataFrame) -> pd.DataFrame:
    """The table with its index as first column."""
    plain = table.copy()
    plain.insert(0, str(table.index.name or "rule"), table.index)
    return plain


def gini(values: Array, weights: Array) -> float:
    """Gini coefficient of `values` over people or units counted by `weights`; 0 = all alike. NaN are left out.

    Σ_i Σ_j w_i w_j |x_i − x_j| / (2 W² mean). NaN where the mean is not positive.
    """
    known = np.isfinite(values) & (weights > 0)
    x, w = values[known], weights[known] / np.sum(weights[known])
    mean = float(np.sum(w * x))
    if not mean > 0:
        return float("nan")
    return float(np.sum(np.outer(w, w) * np.abs(np.subtract.outer(x, x))) / (2 * mean))


def theil(values: Array, weights: Array) -> float:
    """Theil's T of `values` over units counted by `weights`: Σ w (x / mean) ln(x / mean); 0 = all alike.

    NaN are left out; NaN where a value is negative, for which the index has no meaning, or the mean is not positive.
    """
    known = np.isfinite(values) & (weights > 0)
    x, w = values[known], weights[known] / np.sum(weights[known])
    mean = float(np.sum(w * x))
    if not mean > 0 or (x < 0).any():
        return float("nan")
    ratio = x / mean
    return float(np.sum(w * ratio * np.log(np.where(ratio > 0, ratio, 1.0))))


def compare(
    allocations: Sequence[Allocation], indicators: Indicators | None = None, model: ModelResponse | None = None
) -> Comparison:
    """Compare allocations of one plan; the official one is what they are held against, where it is known for all.

    model: for a plan whose base year is not measured.

    Raises InputError when the plans differ or two allocations are of one rule.
    """
    plans, names = {item.plan for item in allocations}, [item.rule for item in allocations]
    faults = [f"got allocations of plans {', '.join(sorted(plans))}; compare one plan"] if len(plans) > 1 else []
    faults += [f"got rule {name!r} twice; give each once" for name in sorted({n for n in names if names.count(n) > 1})]
    if faults or not allocations:
        raise InputError(faults or "nothing to compare: give at least one rule")
    first = allocations[0]
    data = base_indicators(known_plan(first.plan), model) if indicators is None else indicators
    by_rule = {item.rule: item for item in allocations}
    official = by_rule.get(OFFICIAL) or _official(first)
    targets = pd.DataFrame({name: _column(item) for name, item in by_rule.items()}).reindex(list(data.provinces))
    quantity, form = INDICATORS[first.indicator]
    amount = pd.Series(unchanged(data, quantity), index=targets.index)
    weight = amount if form == "intensity" else amount / data.growth_factor
    saved = targets.mul(weight / 100, axis=0)
    everyone = pd.Series(first.national, index=targets.index)
    reference = everyone if official is None else _column(official)
    rank = targets.rank(ascending=False, method="min")
    per_head = saved.div(data.population, axis=0) * 1000
    per_gdp = saved.div(data.gdp * data.growth_factor, axis=0)
    return Comparison(
        targets,
        per_head,
        per_gdp * 1000,
        rank,
        targets.sub(reference, axis=0),
        saved.sub(reference * weight / 100, axis=0),
        _rules(by_rule, targets, per_head, per_gdp, reference, data),
        pd.DataFrame({a: {b: agreement(targets[a], targets[b]) for b in targets} for a in targets}),
        pd.Series(data.gdp_per_capita, index=targets.index),
        AGAINST_OFFICIAL if official is not None else f"{first.national:g} % for all",
        amount,
    )


def ranges(
    names: Sequence[str], national: float | None, plan: str, model: ModelResponse, **options: Any
) -> pd.DataFrame:
    """Targets over the members' base years: rule, province, low, middle, high (10, 50 and 90 %), per cent.

    Empty where the plan's base year is measured.
    """
    drawn = sampled_indicators(known_plan(plan), model)
    if len(drawn) < 2:
        return pd.DataFrame(columns=["rule", "province", "low", "middle", "high"])
    parts = []
    for name in names:
        mine = options_for(name, options)
        columns = [
            allocate(name, national, plan, indicators=data, model=model, **mine).table["target_percent"].to_numpy()
            for data in drawn
        ]
        found = np.stack(columns)
        known = np.isfinite(found).all(axis=0)
        low, middle, high = (np.where(known, q, np.nan) for q in np.quantile(np.nan_to_num(found), LEVELS, axis=0))
        parts.append(
            pd.DataFrame(
                {"rule": find(name).name, "province": drawn[0].provinces, "low": low, "middle": middle, "high": high}
            )
        )
    return pd.concat(parts, ignore_index=True)


def agreement(first: "pd.Series[float]", second: "pd.Series[float]") -> float:
    """Spearman's rank correlation; NaN where one of the two is constant."""
    known = first.notna() & second.notna()
    ranks = [series[known].rank() for series in (first, second)]
    return float(ranks[0].corr(ranks[1])) if all(rank.max() > rank.min() for rank in ranks) else float("nan")


def _column(item: Allocation) -> "pd.Series[float]":
    return item.table.set_index("province")["target_percent"]


def _official(like: Allocation) -> Allocation | None:
    try:
        official = allocate(OFFICIAL, like.national, like.plan, indicator=like.indicator)
    except InputError:
        return None
    return official if official.table["target_percent"].notna().sum() >= len(official.table) - 1 else None


def _rules(
    by_rule: Mapping[str, Allocation],
    targets: pd.DataFrame,
    per_head: pd.DataFrame,
    per_gdp: pd.DataFrame,
    reference: "pd.Series[float]",
    data: Indicators,
) -> pd.DataFrame:
    people = data.population
    rows = []
    for name, item in by_rule.items():
        change = targets[name] - reference
        rows.append(
            {
                "rule": name,
                "origin": item.origin,
                "aggregate": item.aggregate,
                "aggregate_at_official_growth": item.aggregate_official,
                "aggregate_rounded": item.aggregate_rounded,
                "aggregate_largest_remainder": item.aggregate_remainder,
                "lowest": targets[name].min(),
                "highest": targets[name].max(),
                "gini_target": gini(targets[name].to_numpy(), people),
                "gini_per_head": gini(per_head[name].to_numpy(), people),
                "gini_per_gdp": gini(per_gdp[name].to_numpy(), data.gdp * data.growth_factor),
                "theil_per_head": theil(per_head[name].to_numpy(), people),
                "theil_per_gdp": theil(per_gdp[name].to_numpy(), data.gdp * data.growth_factor),
                "rank_agreement_with_official": agreement(targets[name], reference),
                "eased": int((change < -0.5).sum()),
                "tightened": int((change > 0.5).sum()),
                "most_eased": _extreme(change, -1),
                "most_tightened": _extreme(change, 1),
            }
        )
    return pd.DataFrame(rows)


def _extreme(change: "pd.Series[float]", sign: int) -> str:
    signed = (sign * change).dropna()
    if signed.empty or signed.max() <= 0:
        return "none"
    place = str(signed.idxmax())
    return f"{place} {float(change[place]):+.1f}"


def names(text: str, options: Mapping[str, Any]) -> list[str]:
    """Rules of a text such as `s1,s2,official`, each once; `all`: every rule that needs no model run and no table."""
    found: list[str] = []
    for name in (name.strip() for name in text.split(",") if name.strip()):
        if name.lower() == "all":
            found += [
                rule for rule in load() if rule not in NEEDS and (rule not in ANNOUNCED or announced(rule, options))
            ]
        else:
            found.append(name if name.endswith(".py") else find(name).name)
    return list(dict.fromkeys(found))


def announced(name: str, options: Mapping[str, Any]) -> bool:
    """Whether targets of this plan and indicator were announced for nearly all provinces."""
    given = {key: options[key] for key in ("plan", "indicator") if key in options}
    try:
        return int(allocate(name, **given).table["target_percent"].notna().sum()) >= ENOUGH
    except InputError:
        return False


def options_known(name: str) -> set[str]:
    """The options that a rule has, those of every rule among them."""
    return {*options_of(find(name).name)["option"], *SHARED}


def options_for(name: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """Those of the options that a rule has."""
    known = options_known(name)
    return {key: value for key, value in options.items() if key in known}


def rules_of(
    names: Iterable[str], national: float | None, plan: str, *, model: ModelResponse | None = None, **options: Any
) -> list[Allocation]:
    """Allocations by several rules; an option goes to the rules that have it. Raises InputError with all faults.

    model: the asking study's model, for rules that simulate it.
    """
    asked = list(names)
    known_options = {name: options_known(name) for name in asked}
    everywhere = set().union(*known_options.values())
    result: list[Allocation] = []
    faults = [f"got option {key!r}, which none of these rules has" for key in options if key not in everywhere]
    for name in asked:
        mine = options_for(name, options)
        try:
            result.append(allocate(name, national, plan, model=model, **mine))
        except InputError as error:
            faults += [f"{name}: {fault}" for fault in error.faults]
    if faults:
        raise InputError(faults)
    return result
