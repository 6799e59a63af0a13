"""Members of the model: their simulation under given parameters, their predictive error, and plan indicators from
them.

The fit, forecasts and their checks, studies, their analyses and the explorer all simulate members with `run` and use
the functions below, so that each of these rules is written once.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeVar

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from sim import Model

Array = NDArray[np.float64]
Values = TypeVar("Values", Array, xr.DataArray)


def run(
    model: Model,
    design: xr.Dataset,
    params: Mapping[str, xr.DataArray | float],
    outputs: Iterable[str],
    years: Sequence[int],
    *,
    workers: int = 2,
    backend: str = "auto",
) -> xr.Dataset:
    """Run every member of a design up to the last of the years.

    Args:
        model: the compiled model.
        design: inputs that differ by member (member, …); they have precedence over `params`.
        params: inputs that all members share.
        outputs: names of variables.
        years: years at which outputs are kept, in ascending order.
        workers: number of threads; the result does not depend on it.
        backend: as in `sim.Model.ensemble`.

    Returns:
        Outputs without predictive error over (member, …, year), in the model's units.
    """
    common = {name: value for name, value in params.items() if name not in design}
    times = [float(year) for year in years]
    found = model.ensemble(
        design,
        list(outputs),
        params={**common, "FINAL TIME": times[-1]},
        times=times,
        workers=workers,
        backend=backend,
    )
    return found.rename(time="year").assign_coords(year=list(years))


def log_error(errors: xr.Dataset, parts: Sequence[str], years: Sequence[int]) -> xr.DataArray:
    """Predictive error of a logarithm in each of the years, from its parts.

    Args:
        errors: errors of `intensity`, `growth` and `carbon`, as from `calibration.discrepancy.predictive`.
        parts: the parts that the variable carries, at least one.
        years: years of the result. Before the first year of `errors` the error is zero; after their last year it stays.

    Returns:
        (member, province, year).

    >>> walk = xr.Dataset({"intensity": ("year", [0.0, 0.1])}, {"year": [2010, 2011]})
    >>> log_error(walk, ["intensity"], [2005, 2010, 2011, 2015]).values.tolist()
    [0.0, 0.0, 0.1, 0.1]
    """
    every = errors[list(parts)].reindex(year=list(years), method="ffill").fillna(0.0)
    return xr.DataArray(sum(every[part] for part in parts))


def error_of_change(errors: xr.Dataset, parts: Sequence[str], base: int, end: int) -> xr.DataArray:
    """Predictive error of the change of a logarithm between two years: (member, province); see `log_error`."""
    at = log_error(errors, parts, [base, end])
    return (at.sel(year=end, drop=True) - at.sel(year=base, drop=True)).transpose("member", "province")


def achieved(
    first: Values,
    last: Values,
    kind: str = "cut",
    *,
    due: Array | float = 1.0,
    years: Array | int = 1,
    error: Values | float = 0.0,
) -> Values:
    """Achievement of an indicator between two years, as a fraction; higher is better.

    Args:
        first: the variable in the first year.
        last: the variable in the second year.
        kind: kind of the indicator (`models.indicators`): a `cut` or `cap` must fall, a `floor` is a share that must be
            reached, `growth` a mean rate of change that must be reached.
        due: fraction of the plan that has passed by the second year. In the middle of a plan a share is reduced by the
            part of the first year's share that later years still contribute, and a rate is multiplied by this fraction,
            so that the task grows evenly from year to year.
        years: number of years between the two, over which `growth` is the mean rate.
        error: predictive error of the logarithm of the change (`error_of_change`).

    Returns:
        The fall since the first year, the share itself, or the growth rate per year.

    >>> float(achieved(np.array(2.0), np.array(1.5)))
    0.25
    >>> float(achieved(np.array(0.2), np.array(0.3), "floor"))
    0.3
    >>> round(float(achieved(np.array(2.0), np.array(1.5), error=np.log(1.2))), 6)
    0.1
    >>> round(float(achieved(np.array(1.0), np.array(1.21), "growth", years=2)), 6)
    0.1
    """
    grown = np.exp(error)
    if kind == "floor":
        share: Values = last * grown - (1 - due) * first
        return share
    ratio: Values = last / first * grown
    rate: Values = (ratio ** (1 / years) - 1) * due if kind == "growth" else 1 - ratio
    return rate


def pooled(amount: xr.DataArray, per: xr.DataArray) -> xr.DataArray:
    """A ratio of the nation: the provinces' sum of one quantity over that of another, such as energy over GDP.

    >>> energy, gdp = (xr.DataArray(values, dims="province") for values in ([10.0, 1.0], [10.0, 4.0]))
    >>> round(float(pooled(energy, gdp)), 4)
    0.7857
    """
    return amount.sum("province") / per.sum("province")


def quantiles(values: Array, levels: Sequence[float], axis: int = 0) -> Array:
    """Quantiles over the members that are known.

    Args:
        values: one axis over members, NaN where a value is unknown.
        levels: levels of the quantiles.
        axis: the axis over members.

    Returns:
        The levels first, then the other axes; NaN where no member is known.

    >>> quantiles(np.array([[1.0, np.nan], [3.0, np.nan], [np.nan, np.nan]]), [0.5]).tolist()
    [[2.0, nan]]
    """
    if values.size and not np.isnan(values).any():
        return np.asarray(np.quantile(values, levels, axis=axis))
    rows = np.moveaxis(values, axis, 0)
    known = np.isfinite(rows).any(0)
    found = np.full((len(levels), *rows.shape[1:]), np.nan)
    if known.any():
        found[:, known] = np.nanquantile(rows[:, known], levels, axis=0)
    return found
