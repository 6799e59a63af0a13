"""Triptych: allowances of energy-intensive industry, power and domestic sectors, summed.

G. J. M. Phylipsen, J. W. Bode, K. Blok, H. Merkus, B. Metz, A Triptych sectoral approach to burden differentiation;
GHG emissions in the European bubble, Energy Policy 26 (1998) 929-943.

    Ind = Ind_0 (1 + p)^n (1 − e)^n                      p: growth, e: efficiency gain
    Dom = Pop_T [d_0 + (d* − d_0) n / (T_c − base year)]
    Pow = Pow_0 (1 + p)^n (thermal_T / thermal_0) / (1 + q)^n

Ind: fuel of heavy industry. Dom: all other fuel, of light industry, transport, services, agriculture and homes. Pow:
electricity at the coal that it takes. Bounds of power: the thermal part of generation falls by at least
`nonfossil_rise` points, and to at most `coal_power_most`. For energy they change nothing, because China's statistics
count other electricity at the same coal; for CO2 the power part is the thermal one. The published form allots CO2 to
the countries of the EU. One factor on all allowances meets the national sum.
"""

import numpy as np
import pandas as pd

from experiments.allocation import measure
from experiments.allocation.allowances import cut_of, not_measured, part_of_the_way
from experiments.allocation.indicators import Indicators
from experiments.allocation.national import Array
from experiments.allocation.registry import Options, Proposal, rule


@rule(
    "triptych",
    title="Triptych",
    origin="published form on provincial figures",
    source="Phylipsen, Bode, Blok, Merkus & Metz 1998",
    falls=("population_growth",),
)
def triptych(indicators: Indicators, options: Options) -> Proposal:
    """Cut that the allowances of the three sectors leave, all allowances times (1 − m)."""
    plan, growth, carbon = indicators.plan, indicators.growth_factor, options["quantity"] == "co2"
    fuel_of_industry = indicators.industry * (1 - indicators.industry_electricity)
    domestic_all = indicators.residential + indicators.other
    intensive = fuel_of_industry * np.minimum(indicators.heavy_share, 1.0)
    domestic = fuel_of_industry - intensive + domestic_all * (1 - indicators.domestic_electricity)
    power = indicators.industry * indicators.industry_electricity + domestic_all * indicators.domestic_electricity

    thermal = 1 - indicators.nonfossil_power
    bounded = np.minimum(np.maximum(thermal - options["nonfossil_rise"] / 100, 0.0), options["coal_power_most"])
    if carbon:  # the province's CO2, in proportion to the fuel of each part
        power = power * thermal
        content = indicators.co2 / (intensive + domestic + power)
        intensive, domestic, power = (part * content for part in (intensive, domestic, power))

    allowances = {
        "industry": intensive * growth * (1 - options["industry_efficiency"] / 100) ** plan.years,
        "domestic": _convergence(indicators, domestic, options),
        "power": power
        * growth
        * (bounded / thermal if carbon else 1.0)
        / (1 + options["power_efficiency"] / 100) ** plan.years,
    }
    allowance = np.asarray(sum(allowances.values()))

    def cut(scalar: float) -> Array:
        return cut_of(allowance * (1 - scalar), indicators, options["quantity"])

    def detail(scalar: float) -> pd.DataFrame:
        parts = {f"allowance_{name}": part * (1 - scalar) for name, part in allowances.items()}
        return pd.DataFrame({**parts, "thermal_power": thermal, "thermal_power_allowed": bounded})

    return Proposal(cut, detail, notes=not_measured(indicators))


def _convergence(indicators: Indicators, domestic: Array, options: Options) -> Array:
    """Allowance of the domestic sectors: people times use per head, on its way to the common level."""
    plan = indicators.plan
    use = domestic / indicators.population
    level = measure.comfort(use, indicators.population, options["comfort_quantile"])
    year = measure.convergence_year(options["convergence_year"], plan.base_year)
    part = part_of_the_way(indicators, year)
    return np.asarray(indicators.future_population * (use + (level - use) * part))
