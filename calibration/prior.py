"""The prior: free parameters of a province, and the assumptions that the data cannot decide.

The free parameters are few, because ten yearly points identify little, and they are the same for every province. Their
priors come from `models/parameters.csv`: the mean is the default, the standard deviation a quarter of the range.
`pooled_prior` narrows them towards the values of the other provinces. The uncertain parameters are common to all
provinces; a member draws them from their ranges.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray
from scipy.stats import norm, qmc, triang

from models.parameters import defaults, parameters, row

INDUSTRY = ("heavy industry", "light industry")
SECTORS = (*INDUSTRY, "transport", "services", "agriculture and construction", "residential")
FREE: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "productivity": ("base productivity growth excess", ()),
    "momentum": ("secondary share momentum", ()),
    "frontier industry": ("frontier ratio", INDUSTRY),
    "frontier services": ("frontier ratio", ("services",)),
    "frontier farms and sites": ("frontier ratio", ("agriculture and construction",)),
    "transport elasticity": ("transport elasticity", ()),
    "comfort elasticity": ("comfort income elasticity", ()),
    "level industry": ("base final energy", INDUSTRY),
    "level transport": ("base final energy", ("transport",)),
    "level services": ("base final energy", ("services",)),
    "level farms and sites": ("base final energy", ("agriculture and construction",)),
    "level residential": ("base final energy", ("residential",)),
}
"""Free parameter → the model's parameter and the sectors it sets. A level is the log of a factor on the base value."""
LEVEL_SPREAD = 0.15
"""Prior standard deviation of a level (logarithm): the steps between vintages of the sector balances,
calibration/data.
"""
DISTRIBUTIONS = ("normal", "triangular", "uniform", "lognormal")


@dataclass(frozen=True)
class Prior:
    """Normal prior of the free parameters, truncated at the bounds.

    Attributes:
        names: the free parameters.
        mean: (province, parameter).
        spread: standard deviation (province, parameter).
        low: lower bound (parameter,).
        high: upper bound (parameter,).
    """

    names: tuple[str, ...]
    mean: NDArray[np.float64]
    spread: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]


def wide_prior(provinces: int) -> Prior:
    """The prior from the table of parameters, the same for every province."""
    rows = [_row(name) for name in FREE]
    mean, spread, low, high = (np.array(column) for column in zip(*rows, strict=True))
    return Prior(tuple(FREE), np.tile(mean, (provinces, 1)), np.tile(spread, (provinces, 1)), low, high)


def _row(name: str) -> tuple[float, float, float, float]:
    parameter, sectors = FREE[name]
    if parameter == "base final energy":
        return 0.0, LEVEL_SPREAD, -4 * LEVEL_SPREAD, 4 * LEVEL_SPREAD
    entry = row(parameter)
    values = np.atleast_1d(defaults(entry))
    value = values[SECTORS.index(sectors[0])] if sectors and values.size > 1 else values[0]
    low, high = float(entry["low"]), float(entry["high"])
    return float(value), (high - low) / 4, low, high


def pooled_prior(prior: Prior, optima: NDArray[np.float64], errors: NDArray[np.float64]) -> Prior:
    """Empirical Bayes: mean and spread over provinces, estimated once from their optima and then fixed.

    The spread is the observed variance less the mean error variance, and at least a tenth of the wide spread.

    Args:
        prior: the wide prior.
        optima: optima under the wide prior (province, parameter).
        errors: their standard errors (province, parameter).
    """
    centre = np.median(optima, axis=0)
    scale = (np.percentile(optima, 84, axis=0) - np.percentile(optima, 16, axis=0)) / 2
    spread = np.sqrt(np.maximum(scale**2 - np.median(errors, axis=0) ** 2, (0.1 * prior.spread[0]) ** 2))
    everywhere = np.ones((len(prior.mean), 1))
    return replace(prior, mean=everywhere * centre, spread=everywhere * np.minimum(spread, prior.spread[0]))


def model_inputs(values: NDArray[np.float64], inputs: Mapping[str, xr.DataArray]) -> xr.Dataset:
    """Convert free parameters (member, province, parameter) to inputs of the model (member, province[, sector])."""
    provinces = inputs["base gdp"]["province"]
    sectors = list(SECTORS)
    shape = (*values.shape[:2], len(sectors))
    factor = np.ones(shape)
    frontier = np.broadcast_to(defaults(row("frontier ratio")), shape).copy()
    plain: dict[str, xr.DataArray] = {}
    for index, (parameter, members) in enumerate(FREE.values()):
        columns = [sectors.index(sector) for sector in members]
        if parameter == "base final energy":
            factor[..., columns] = np.exp(values[..., index, None])
        elif parameter == "frontier ratio":
            frontier[..., columns] = values[..., index, None]
        else:
            plain[parameter] = xr.DataArray(values[..., index], {"province": provinces}, ("member", "province"))
    coords = {"province": provinces, "sector": sectors}
    dims = ("member", "province", "sector")
    base = inputs["base final energy"].sel(sector=sectors).transpose("province", "sector").values
    return xr.Dataset(
        plain
        | {
            "frontier ratio": xr.DataArray(frontier, coords, dims),
            "base final energy": xr.DataArray(factor * base, coords, dims),
        }
    )


def uncertain(names: Sequence[str] | None = None) -> pd.DataFrame:
    """Rows of the table of parameters that a member samples: role uncertain, with a distribution."""
    table = parameters()
    table = table[(table["role"] == "uncertain") & table["distribution"].isin(DISTRIBUTIONS)]
    return table if names is None else table.loc[list(names)]


def quantiles(n: int, names: Sequence[str], seed: int) -> pd.DataFrame:
    """A scrambled Sobol' sample of the unit cube: one row per member, one column per named parameter."""
    return pd.DataFrame(sobol(n, len(names), np.random.default_rng(seed)), columns=list(names))


def sobol(n: int, dimensions: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """The first n points of a scrambled Sobol' sequence.

    The number drawn is a power of two, which keeps the balance of the sequence (Owen 2020).

    Args:
        n: number of points.
        dimensions: number of coordinates.
        rng: random generator of the scrambling.

    Returns:
        (n, dimensions) in [0, 1).
    """
    size = 1 << (max(n, 1) - 1).bit_length()
    return np.asarray(qmc.Sobol(dimensions, scramble=True, rng=rng).random(size)[:n])


def from_quantiles(cube: pd.DataFrame) -> pd.DataFrame:
    """Values of the uncertain parameters at quantiles in (0, 1), one column per parameter.

    A parameter with a dimension gets one value for all its elements.
    """
    return pd.DataFrame({name: inverse(row(name), cube[name].to_numpy()) for name in cube.columns})


def inverse(row: "pd.Series[Any]", q: NDArray[np.float64]) -> NDArray[np.float64]:
    """Values at quantiles q of the distribution in one row of the table of parameters."""
    low, high, mode = float(row["low"]), float(row["high"]), float(np.mean(defaults(row)))
    match row["distribution"]:
        case "uniform":
            return low + (high - low) * q
        case "triangular":
            return np.asarray(triang.ppf(q, (mode - low) / (high - low), low, high - low))
        case "lognormal":
            return np.asarray(np.clip(mode * np.exp(norm.ppf(q) * np.log(high / low) / 4), low, high))
        case _:
            return np.asarray(np.clip(norm.ppf(q, mode, (high - low) / 4), low, high))
