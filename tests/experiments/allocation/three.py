"""Three provinces with round figures, for rules whose answer can be worked out by hand."""

import numpy as np

from experiments.allocation.indicators import Indicators, find_plan

DOUBLES = 2**0.2 - 1
"""GDP growth that doubles GDP in five years, fraction a year."""


def provinces(**changes) -> Indicators:
    """Provinces A, B, C: energy = CO2 = 100, 100, 200; GDP 100 each; people 50, 100, 50; no growth."""
    plan = find_plan("12FYP")
    ones = np.ones(3)
    amount = np.array([100.0, 100.0, 200.0])
    base = {
        "provinces": ("A", "B", "C"),
        "plan": plan,
        "energy": amount,
        "co2": amount,
        "gdp": 100 * ones,
        "population": np.array([50.0, 100.0, 50.0]),
        "population_growth": 0 * ones,
        "growth": 0 * ones,
        "growth_origin": ("sourced",) * 3,
        "industry": amount / 2,
        "residential": amount / 4,
        "other": amount / 4,
        "industry_electricity": 0.5 * ones,
        "domestic_electricity": 0.5 * ones,
        "industry_value_added": amount / 4,
        "heavy_share": 0.8 * ones,
        "hdd": 1000 * ones,
        "cdd": 500 * ones,
        "industry_rise": np.array([[0.1, 0.2, 0.1], [0.1, 0.3, 0.1]]),
        "other_rise": np.array([[0.1, 0.2, 0.1], [0.1, 0.3, 0.1]]),
        "gdp_rise": 0.2 * np.ones((2, 3)),
        "industry_rise_nation": 0.1 * np.ones(2),
        "other_rise_nation": 0.1 * np.ones(2),
        "gdp_rise_nation": 0.2 * np.ones(2),
        "responsibility": 5 * amount,
        "accumulated_energy": 5 * amount,
        "past_cut_energy": 0 * ones,
        "past_cut_co2": 0 * ones,
        "nonfossil_power": 0.1 * ones,
        "net_import": 0 * ones,
        "grid_factor_nation": np.ones(1),
    }
    return Indicators(**{**base, **{key: np.asarray(value) for key, value in changes.items()}})
