"""GDP growth of each province over a plan: the official targets that are known, the others by a stated rule.

1. sourced: the province's own five-year target, or the middle of the range that it announced.
2. estimated from the target of the plan's first year: that target plus the mean gap between the five-year target and
   the first year's target, over the provinces that have both.
3. estimated from recent growth: the province's growth of the five years before, times the median ratio of five-year
   target to recent growth over the provinces with a sourced target (over the nation where there is none).
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from experiments.allocation.national import Array
from models.reading.faults import InputError

FIVE_YEAR, FIRST_YEAR = "gdp_growth_annual", "gdp_growth_annual_target_of_year"
BISECTIONS = 100


@dataclass(frozen=True)
class GrowthTargets:
    """annual (province): fraction a year. origin (province): sourced | first year | recent growth. gap, ratio: the two
    numbers of the rule that estimates, as measured on the sourced provinces (points, –).
    """

    annual: Array
    origin: tuple[str, ...]
    gap: float
    ratio: float


def growth_targets(
    provinces: tuple[str, ...], targets: pd.DataFrame, recent: Array, *, plan: str, first_year: int, national: float
) -> GrowthTargets:
    """Growth targets of all provinces.

    targets: table of announced targets (province, plan, variable, value in per cent a year). recent (province):
    growth of the five years before the base year, fraction a year. national: the nation's own target, likewise.
    """
    stated = _percent(targets, plan, FIVE_YEAR).reindex(provinces).to_numpy() / 100
    first = _percent(targets, str(first_year), FIRST_YEAR).reindex(provinces).to_numpy() / 100
    both = np.isfinite(stated) & np.isfinite(first)
    gap = float(np.mean((stated - first)[both])) if both.any() else 0.0
    known = np.isfinite(stated)
    recent = np.where(np.isfinite(recent), recent, np.nanmean(recent))  # Tibet: no index of real GDP
    ratio = float(np.median((stated / recent)[known])) if known.any() else national / float(np.mean(recent))
    annual = np.where(known, stated, np.where(np.isfinite(first), first + gap, recent * ratio))
    origin = np.where(known, "sourced", np.where(np.isfinite(first), "first year", "recent growth"))
    return GrowthTargets(annual, tuple(map(str, origin)), 100 * gap, ratio)


def _percent(targets: pd.DataFrame, plan: str, variable: str) -> "pd.Series[float]":
    """The announced numbers; where a range was announced, its middle."""
    named = targets[targets["plan"].astype(str) == plan]
    rows = named[named["variable"].isin([variable, f"{variable}_low", f"{variable}_high"])]
    return rows.groupby("province")["value"].mean().astype(float)


def summed(annual: Array, gdp: Array, years: int) -> float:
    """Growth a year of the provinces' total GDP (fraction)."""
    return float((np.nansum(gdp * (1 + annual) ** years) / np.nansum(gdp)) ** (1 / years) - 1)


def scaled(annual: Array, gdp: Array, years: int, national: float) -> tuple[Array, float]:
    """Growth k·g of every province such that the total grows at the national rate, and k.

    Solves Σ Y (1 + k g)^n = (1 + g_nation)^n Σ Y for k. Raises InputError where no k in 0 … 3 does.
    """
    low, high = 0.0, 3.0
    if not summed(low * annual, gdp, years) <= national <= summed(high * annual, gdp, years):
        raise InputError(
            f"got a national growth of {100 * national:.3g} % a year, out of reach of any scaling: check it"
        )
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        low, high = (middle, high) if summed(middle * annual, gdp, years) < national else (low, middle)
    return high * annual, high
