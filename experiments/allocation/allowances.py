"""Rules that hand out amounts: from allowed energy or CO2 of the target year to the cut of the intensity."""

import numpy as np

from experiments.allocation.indicators import Indicators
from experiments.allocation.national import Array
from experiments.allocation.sectoral import NO_ENERGY


def unchanged(indicators: Indicators, quantity: str) -> Array:
    """Amount of the target year if the intensity stayed (province): base-year amount times growth of GDP."""
    return np.asarray(indicators.amount(quantity) * indicators.growth_factor)


def cut_of(allowance: Array, indicators: Indicators, quantity: str) -> Array:
    """Cut of the amount per GDP (province, fraction) that an allowance of the target year leaves.

    A province with 100 Mt whose GDP doubles and that is allowed 150 Mt must cut 1 − 150 / 200 = 25 %.
    """
    return np.asarray(1 - allowance / unchanged(indicators, quantity))


def part_of_the_way(indicators: Indicators, year: float) -> float:
    """Part of the way to a state of `year` that falls into the plan: years of the plan over years left, at most 1."""
    plan = indicators.plan
    return min(1.0, plan.years / max(year - plan.base_year, plan.years))


def per_head_of_the_nation(amount: Array, people: Array) -> float:
    """The nation's amount per head, over the provinces that have one."""
    known = np.isfinite(amount)
    return float(np.sum(amount[known]) / np.sum(people[known]))


def over_mean(amount: Array, base: Array) -> Array:
    """Ratio amount / base over the nation's (province); NaN where either is not known."""
    known = np.isfinite(amount) & np.isfinite(base)
    return np.asarray(amount / base * np.sum(base[known]) / np.sum(amount[known]))


def not_measured(indicators: Indicators) -> dict[str, str]:
    """A note for every province without energy statistics."""
    return {p: NO_ENERGY for p, ok in zip(indicators.provinces, indicators.measured, strict=True) if not ok}
