"""Responsibility, capacity, potential: an index of three shares (after Yi et al. 2011, linear form)."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from experiments.allocation.indicators import Indicators
from experiments.allocation.national import Array
from experiments.allocation.registry import Options, Proposal, rule
from experiments.allocation.sectoral import NO_ENERGY


@rule(
    "responsibility",
    title="Responsibility, capacity, potential",
    origin="published form, own weights",
    source="Yi, Zou, Guo, Wang & Wei 2011",
    rises=("responsibility", "industry"),
)
def responsibility(indicators: Indicators, options: Options) -> Proposal:
    """Cut m (w_r R + w_c C + w_p P), each indicator over the nation's mean.

    R: CO2 per head accumulated since 2000; C: GDP per head; P: energy per industrial value added.
    """
    known = indicators.measured
    indices = pd.DataFrame(
        {
            "responsibility": _over_mean(indicators.responsibility, indicators.population, known),
            "capacity": _over_mean(indicators.gdp, indicators.population, known),
            "potential": _over_mean(indicators.industry, indicators.industry_value_added, known),
        }
    )
    index = sum(indices[name].to_numpy() * options[f"weight_{name}"] for name in indices)
    index = np.where(known, index, np.nan)
    missing = {p: NO_ENERGY for p, ok in zip(indicators.provinces, known, strict=True) if not ok}
    return Proposal(lambda scalar: scalar * index, lambda scalar: indices.assign(index=index), notes=missing)


def _over_mean(amount: Array, base: Array, known: NDArray[np.bool_]) -> Array:
    return np.asarray(amount / base * np.sum(base[known]) / np.sum(amount[known]))
