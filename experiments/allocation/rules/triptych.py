"""Triptych (Phylipsen, Blok et al.): allowances of industry, domestic sectors and power, summed.

    Ind = Ind_0 (1 + p)^n (1 − e)^n          p: growth, e: efficiency gain
    Dom = Pop_T [d_0 + (d* − d_0) n / (T_c − base year)]
    Pow = demand × coal per kilowatt hour / (1 + q)^n

The published form allots CO2 to the countries of the EU; here the same three parts allot energy, with electricity at
the coal that it takes. One factor on all allowances meets the national sum.
"""

import numpy as np
import pandas as pd

from experiments.allocation import measure
from experiments.allocation.indicators import Indicators
from experiments.allocation.national import Array
from experiments.allocation.registry import Options, Proposal, rule
from experiments.allocation.sectoral import NO_ENERGY


@rule(
    "triptych",
    title="Triptych",
    origin="published form on provincial energy",
    falls=("population_growth",),
)
def triptych(indicators: Indicators, options: Options) -> Proposal:
    """Cut of energy per GDP that the allowances leave, all allowances times (1 − m)."""
    plan, growth = indicators.plan, indicators.growth_factor
    direct = indicators.industry * (1 - indicators.industry_electricity)
    domestic_all = indicators.residential + indicators.other
    domestic = domestic_all * (1 - indicators.domestic_electricity)
    power = indicators.industry - direct + domestic_all - domestic

    industry_allowance = direct * growth * (1 - options["industry_efficiency"] / 100) ** plan.years
    domestic_allowance = domestic * _convergence(indicators, domestic, options)
    power_allowance = power * growth / (1 + options["power_efficiency"] / 100) ** plan.years
    allowance = industry_allowance + domestic_allowance + power_allowance

    def cut(scalar: float) -> Array:
        return np.asarray(1 - allowance * (1 - scalar) / indicators.energy / growth)

    def detail(scalar: float) -> pd.DataFrame:
        parts = {"industry": industry_allowance, "domestic": domestic_allowance, "power": power_allowance}
        return pd.DataFrame({f"allowance_{name}": part * (1 - scalar) for name, part in parts.items()})

    missing = {p: NO_ENERGY for p, ok in zip(indicators.provinces, indicators.measured, strict=True) if not ok}
    return Proposal(cut, detail, notes=missing)


def _convergence(indicators: Indicators, domestic: Array, options: Options) -> Array:
    """Growth factor of the domestic sectors: people times convergence of use per head."""
    plan = indicators.plan
    use = domestic / indicators.population
    level = measure.comfort(use, indicators.population, options["comfort_quantile"])
    part = min(1.0, plan.years / max(options["convergence_year"] - plan.base_year, plan.years))
    return np.asarray((1 + indicators.population_growth) ** plan.years * (use + (level - use) * part) / use)
