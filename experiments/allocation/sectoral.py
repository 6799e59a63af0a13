"""The three end-use sectors of S1 and S2, after LBNL-4406E as summarised: identity stated, equations reconstructed.

    1 − t = Σ_s w_s F_s / G          w: shares of base-year energy, G: growth of GDP

    industry     F = G^(1 + k (ε − ε_nation)) · exp(−m σ)     σ: saving score, its energy-weighted mean 1
    residential  F = P · r_T / r,  r = use / (people · W),  r_T = r + (r* − r) n / (T_c − base year)
    other        F = G^(η_nation + k (η − η_nation)) · (1 − v)

ε, η: elasticity of the sector's energy to GDP in the trend windows. Without savings (m = 0) industry keeps its
intensity, but for a province's own deviation from the nation's trend; k is how much of that deviation is signal.
The report's own equations, saving classes and growth rates are not public: the form is ours, every number an option.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from experiments.allocation import measure
from experiments.allocation.indicators import Indicators
from experiments.allocation.national import Array
from experiments.allocation.registry import Proposal

NO_ENERGY = "no energy statistics: the rule needs sector energy"


@dataclass(frozen=True)
class Assumptions:
    """Numbers that the projection takes: see defaults.csv. own_industry, own_other: weights of own trends, 0 … 1."""

    own_industry: float
    own_other: float
    weights: tuple[float, float, float]
    heating: float
    cooling: float
    comfort_quantile: float
    convergence_year: float
    other_saving: float


def assumptions(indicators: Indicators, options: Mapping[str, Any], *, own_trends: bool) -> Assumptions:
    """The options with "measured" replaced by what the figures give."""
    heating, cooling = measure.weather_shares(indicators)

    def own(option: str, rise: Array) -> float:
        if not own_trends:
            return 0.0
        measured = options[option] == "measured"
        return measure.reliability(rise / indicators.gdp_rise) if measured else float(options[option])

    return Assumptions(
        own("own_trend_industry", indicators.industry_rise),
        own("own_trend_other", indicators.other_rise),
        (options["weight_intensity"], options["weight_industry_share"], options["weight_heavy_share"]),
        heating if options["heating_share"] == "measured" else options["heating_share"],
        cooling if options["cooling_share"] == "measured" else options["cooling_share"],
        options["comfort_quantile"],
        measure.convergence_year(options["convergence_year"], indicators.plan.base_year),
        options["other_saving"],
    )


def score(indicators: Indicators, weights: tuple[float, float, float]) -> pd.DataFrame:
    """Saving score σ and what it is made of, over the nation's value each (province).

    Weighted geometric mean of industrial intensity, industry's share and the heavy share; scaled so that its mean
    over the energy of industry is 1.
    """
    known = indicators.measured
    industry, added = indicators.industry, indicators.industry_value_added
    total = np.nansum(industry)
    intensity = industry / added * np.nansum(added[known]) / total
    share = industry / indicators.energy * np.nansum(indicators.energy) / total
    heavy = indicators.heavy_share * total / np.nansum(indicators.heavy_share * industry)
    raw = intensity ** weights[0] * share ** weights[1] * heavy ** weights[2]
    return pd.DataFrame(
        {
            "industrial_intensity": intensity,
            "industry_share": share,
            "heavy_share": heavy,
            "saving_score": raw * total / np.nansum(raw * industry),
        }
    )


def _elasticity(indicators: Indicators, sector: str, weight: float) -> tuple[Array, float]:
    """Elasticity of a sector's energy to GDP over all windows, shrunk toward the nation's; and the nation's.

    A province without the figures of a window grows as the nation.
    """
    own = getattr(indicators, f"{sector}_rise").sum(axis=0) / indicators.gdp_rise.sum(axis=0)
    nation = float(getattr(indicators, f"{sector}_rise_nation").sum() / indicators.gdp_rise_nation.sum())
    own = np.where(np.isfinite(own), own, nation)
    return np.asarray(nation + weight * (own - nation)), nation


def residential_factor(indicators: Indicators, given: Assumptions) -> tuple[Array, Array]:
    """Growth factor of residential energy, and use per head over the comfort level (weather-adjusted)."""
    need = indicators.population * measure.weather(indicators, given.heating, given.cooling)
    use = indicators.residential / need
    level = measure.comfort(use, indicators.population, given.comfort_quantile)
    plan = indicators.plan
    part = min(1.0, plan.years / max(given.convergence_year - plan.base_year, plan.years))
    people = (1 + indicators.population_growth) ** plan.years
    return people * (use + (level - use) * part) / use, use / level


def project(indicators: Indicators, given: Assumptions) -> Proposal:
    """Cuts as a function of the strength m of industrial savings."""
    growth = indicators.growth_factor
    scores = score(indicators, given.weights)
    sigma = scores["saving_score"].to_numpy()
    industry_trend, nation = _elasticity(indicators, "industry", given.own_industry)
    other_trend, _ = _elasticity(indicators, "other", given.own_other)
    activity = growth ** (1 + industry_trend - nation)
    residential, comfort = residential_factor(indicators, given)
    other = growth**other_trend * (1 - given.other_saving)
    shares = [part / indicators.energy for part in (indicators.industry, indicators.residential, indicators.other)]

    def cut(scalar: float) -> Array:
        industry = activity * np.exp(-scalar * sigma)
        parts = zip(shares, (industry, residential, other), strict=True)
        return np.asarray(1 - sum(share * factor for share, factor in parts) / growth)

    def detail(scalar: float) -> pd.DataFrame:
        return scores.assign(
            share_industry=shares[0],
            share_residential=shares[1],
            share_other=shares[2],
            gdp_factor=growth,
            industry_elasticity=industry_trend,
            other_elasticity=other_trend,
            saving_percent=100 * (1 - np.exp(-scalar * sigma)),
            industry_factor=activity * np.exp(-scalar * sigma),
            residential_over_comfort=comfort,
            residential_factor=residential,
            other_factor=other,
        )

    missing = {p: NO_ENERGY for p, ok in zip(indicators.provinces, indicators.measured, strict=True) if not ok}
    return Proposal(cut, detail, notes=missing)
