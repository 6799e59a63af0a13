"""Behaviour reproduction and the family-member test, on the fitted years alone; the backtest scores later years.

A published error of 5 % can be worse than repeating last year's value, because any forecast of a trending series looks
good. Every fit is therefore printed beside a naive one: the series' own exponential trend before the base year.
"""

from functools import cache

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from calibration import assumptions, baseline, posterior, scores
from calibration.fit import FitProblem
from calibration.inputs import BASE, log
from calibration.likelihood import fitted_series, log_modelled, measured_series

Values = NDArray[np.float64]
TREND = 5  # years before the base year


@cache
def _shipped() -> tuple[xr.Dataset, FitProblem, xr.Dataset]:
    """The shipped posterior, its problem, and the measured series."""
    shipped = posterior.load()
    return shipped, assumptions.restore(shipped)[0], baseline.load()


def reproduction_table() -> pd.DataFrame:
    """Fit of each series, pooled over provinces and fitted years, one row per series.

    Returns:
        Columns series, n, r2, mape and rmse (relative, per cent), UM, US, UC (Theil; their sum is 1), autocorrelation
        of the residuals within provinces, naive_mape and naive_rmse (NaN where no earlier years were measured).
    """
    shipped, problem, data = _shipped()
    years = [year for year in problem.likelihood.years if year > BASE]
    run = problem.simulate(shipped["optimum"].values[None])
    modelled = log_modelled(run, years, problem.likelihood.series)[:, :, 0]
    rows = []
    for name, values in zip(problem.likelihood.series, modelled, strict=True):
        known, _ = measured_series(data, fitted_series(name))
        logs = log(known.transpose("province", "year"))
        rows.append(fit_statistics(name, values, logs.sel(year=years).values, _trend(logs, years)))
    return pd.DataFrame(rows)


def _trend(logs: xr.DataArray, years: list[int]) -> Values:
    """The trend of the TREND years before the base year, extrapolated (province, year); NaN where one end is
    missing.
    """
    before = logs.reindex(year=[BASE - TREND, BASE]).values
    pace = (before[:, 1] - before[:, 0]) / TREND
    return np.asarray(before[:, 1:] + pace[:, None] * (np.array(years) - BASE))


def fit_statistics(name: str, modelled: Values, known: Values, naive: Values) -> dict[str, object]:
    """Statistics of the fit of one series beside those of the naive trend, from logarithms (province, year)."""
    error = modelled - known
    use = np.isfinite(error)
    fit, truth = np.exp(modelled[use]), np.exp(known[use])
    relative = 100 * np.abs(np.expm1(error[use]))
    spread = np.log(truth) - np.log(truth).mean()
    other = 100 * np.abs(np.expm1(naive - known))
    return {
        "series": name,
        "n": int(use.sum()),
        "r2": float(1 - (error[use] ** 2).sum() / (spread**2).sum()),
        "mape": float(relative.mean()),
        "rmse": float(np.sqrt((relative**2).mean())),
        **scores.theil(fit, truth),
        "autocorrelation": _autocorrelation(error),
        "naive_mape": float(np.nanmean(other)) if np.isfinite(other).any() else float("nan"),
        "naive_rmse": float(np.sqrt(np.nanmean(other**2))) if np.isfinite(other).any() else float("nan"),
    }


def _autocorrelation(error: Values) -> float:
    """Autocorrelation of residuals from one year to the next around each province's mean, over all provinces."""
    away = error - np.nanmean(error, axis=1, keepdims=True)
    pairs = away[:, 1:] * away[:, :-1]
    return float(np.nanmean(pairs) / np.nanmean(away**2))


def family_member() -> pd.DataFrame:
    """Predict each province from the other 29: their median parameters with its own base year, and nothing else of
    it.

    Returns:
        One row per province: change of energy intensity over the fitted years (per cent), measured, predicted with its
        own parameters, with those of the others, and the naive prediction (the others' median change).
    """
    shipped, problem, data = _shipped()
    own = shipped["optimum"].values
    others = np.stack([np.median(np.delete(own, p, axis=0), axis=0) for p in range(len(own))])
    run = problem.simulate(np.stack([own, others]))
    last = problem.likelihood.years[-1]
    intensity = (run["total energy"] / run["gdp"]).transpose("member", "province", "year")
    change = 100 * (intensity.sel(year=last) / intensity.sel(year=BASE) - 1).values
    series = data["energy_intensity"]
    truth = 100 * (series.sel(year=last) / series.sel(year=BASE) - 1).values
    naive = np.array([np.median(np.delete(truth, p)) for p in range(len(truth))])
    return pd.DataFrame(
        {
            "province": shipped["province"].values,
            "measured": truth,
            "own_parameters": change[0],
            "from_the_others": change[1],
            "naive": naive,
        }
    )
