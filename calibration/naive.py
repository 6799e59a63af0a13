"""Naive forecasts of the same quantities: a closed list, each with the errors that it made one plan earlier.

A point forecast is a change of a logarithm since the origin. The errors of a horizon are those of the same rule from
the origin 2005 over 2005-2010, taken over the provinces and with either sign. For China they are normal, with the size
of the error of the sum.
"""

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from calibration import inputs
from calibration.forecast import QUANTITIES, Origin, measured

RULES = ("no-change", "own-pace", "shrunken-pace", "target-pace-national", "target-pace-provincial")
PLAN = 5
EARLIER = Origin(2005, 2010, "11FYP")
MEMBERS = 1000
LEAST = 0.01  # least standard deviation of the error of the sum, from one plan
Values = NDArray[np.float64]


def pace(logs: xr.DataArray, quantity: str, last: int) -> Values:
    """Yearly change of a logarithm over the plan before `last`, within the vintage of that year: (province,)."""
    series = {"energy_intensity": "total energy", "energy": "total energy", "co2_intensity": "co2", "co2": "co2"}
    breaks = [year for year in inputs.breaks(series.get(quantity, quantity)) if year <= last]
    first = max([last - PLAN, int(logs["year"].min()), *breaks])
    return np.asarray(logs.sel(year=last).to_numpy() - logs.sel(year=first).to_numpy()) / (last - first)


def yearly_change(rule: str, quantity: str, origin: Origin, baseline: xr.Dataset) -> Values | None:
    """Forecast change of the logarithm per year (province with China); None where the rule is not defined."""
    logs = measured(baseline)[quantity].sel(year=slice(None, origin.last))
    if rule == "no-change":
        return np.zeros(logs.sizes["province"])
    if rule in ("own-pace", "shrunken-pace"):
        own = pace(logs, quantity, origin.last)
        return own if rule == "own-pace" else 0.5 * own + 0.5 * float(np.nanmean(own[:-1]))
    kind = {"energy_intensity": "energy", "co2_intensity": "co2"}.get(quantity)
    if kind is None:
        return None
    known = inputs.official_targets(kind, origin.plan, origin.last)["target"].reindex(list(logs["province"].values))
    cut = known.to_numpy(float)
    if not np.isfinite(cut).any():
        return None
    if rule == "target-pace-national":
        cut = np.full(cut.shape, cut[-1])
    return np.asarray(np.log1p(-cut / 100) / PLAN)


def earlier_errors(rule: str, quantity: str, horizon: int, baseline: xr.Dataset) -> tuple[Values, float]:
    """Errors of the logarithm at the earlier origin: those of the provinces, and the size of that of China."""
    made = yearly_change(rule, quantity, EARLIER, baseline)
    if made is None:  # there were no CO2 targets before the 12th plan; the errors of the own pace are used instead
        return earlier_errors("own-pace", quantity, horizon, baseline)
    logs = measured(baseline)[quantity]
    happened = logs.sel(year=EARLIER.last + horizon).to_numpy() - logs.sel(year=EARLIER.last).to_numpy()
    missed = made * horizon - happened
    own = missed[:-1][np.isfinite(missed[:-1])]
    return np.concatenate([own, -own]), max(abs(float(missed[-1])), LEAST * np.sqrt(horizon))


def sample(
    rule: str, quantity: str, origin: Origin, span: tuple[int, int], baseline: xr.Dataset, seed: int = 1
) -> Values | None:
    """The rule as a sample of changes between two years, per cent: (member, province with China)."""
    made = yearly_change(rule, quantity, origin, baseline)
    if made is None:
        return None
    horizon = span[1] - span[0]
    own, nation = earlier_errors(rule, quantity, min(horizon, PLAN), baseline)
    random = np.random.default_rng([seed, origin.last, QUANTITIES.index(quantity), horizon])
    drawn = random.choice(own, (MEMBERS, made.size))
    drawn[:, -1] = nation * random.standard_normal(MEMBERS)
    return np.asarray(100 * np.expm1(made * horizon + drawn))


def point_forecast(
    rule: str, quantity: str, origin: Origin, span: tuple[int, int], baseline: xr.Dataset
) -> Values | None:
    """The rule's point forecast, per cent: (province with China,)."""
    made = yearly_change(rule, quantity, origin, baseline)
    return None if made is None else np.asarray(100 * np.expm1(made * (span[1] - span[0])))
