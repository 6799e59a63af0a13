"""How strongly outcomes of earlier plans followed the official targets, and which evidence this gives for the next
plan.

Officials who know a province set its target, and over provinces the outcomes of past plans rose with the targets. The
strength of this evidence in the model is learnt only from the plans before an origin: forecasts are made at two
strengths, the slope of their outcomes on the official targets is compared with the measured slope, and the prior is
updated by the strength that would have given the measured slope.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from calibration import forecast, inputs
from calibration.forecast import ORIGINS, Options, Origin

PRIOR = (3.0, 2.0)
"""Mean and standard deviation of the strength before any plan was scored."""
BETWEEN = 1.5
"""Standard deviation of the strength between plans (assumption), because one plan does not fully predict the next."""
SPANS = {2007: (2007, 2010), 2010: (2013, 2015)}
"""Origin → first and last year, of one vintage, in which its plan is scored."""
PROBES = (0.0, 5.0)
"""The two strengths at which forecasts are made."""


def slope(target: NDArray[np.float64], reduction: NDArray[np.float64]) -> tuple[float, float]:
    """Least-squares slope of reductions on targets over provinces, and its standard error."""
    known = np.isfinite(target) & np.isfinite(reduction)
    x = target[known] - target[known].mean()
    y = reduction[known] - reduction[known].mean()
    found = float((x * y).sum() / (x**2).sum())
    residual = y - found * x
    return found, float(np.sqrt((residual**2).sum() / (known.sum() - 2) / (x**2).sum()))


def lesson(origin: Origin, baseline: xr.Dataset, members: int = 200) -> dict[str, float]:
    """The strength that would have given the measured slope of one plan, with its standard error.

    The slope is on the targets as they were known at the origin, because later ones were lowered in view of the
    outcome.

    Args:
        origin: origin and plan.
        baseline: measured series.
        members: number of members of each forecast.

    Returns:
        slope_measured and slope_error, slope_without (at strength zero), slope_per_unit, strength and strength_error.
    """
    start, end = SPANS[origin.last]
    provinces = [str(name) for name in baseline["province"].values]
    known = inputs.official_targets("energy", origin.plan, origin.last)["target"].reindex(provinces).to_numpy(float)
    pace = known * (end - start) / 5
    happened = 100 * (1 - baseline["energy_intensity"].sel(year=end) / baseline["energy_intensity"].sel(year=start))
    measured, error = slope(pace, happened.to_numpy())
    modelled = []
    for strength in PROBES:
        logs = forecast.run(origin, baseline, Options(members, strength=strength))
        change = forecast.change(logs, "energy_intensity", start, end).sel(province=provinces)
        modelled.append(slope(pace, -change.median("member").to_numpy())[0])
    per_unit = (modelled[1] - modelled[0]) / (PROBES[1] - PROBES[0])
    return {
        "slope_measured": measured,
        "slope_error": error,
        "slope_without": modelled[0],
        "slope_per_unit": per_unit,
        "strength": (measured - modelled[0]) / per_unit,
        "strength_error": error / per_unit,
    }


def update(lessons: Sequence[dict[str, float]]) -> tuple[float, float]:
    """Mean and standard deviation of the next plan's strength after the lessons, in a hierarchical model with normal
    errors.
    """
    weight = [PRIOR[1] ** -2, *(1 / (one["strength_error"] ** 2 + BETWEEN**2) for one in lessons)]
    value = [PRIOR[0], *(one["strength"] for one in lessons)]
    return float(np.average(value, weights=weight)), float(np.hypot(sum(weight) ** -0.5, BETWEEN if lessons else 0))


def table(baseline: xr.Dataset) -> pd.DataFrame:
    """Prior of the strength at each origin (mean, spread) and the lesson of its plan, one row per origin."""
    rows: list[dict[str, float]] = []
    lessons: list[dict[str, float]] = []
    for origin in ORIGINS:
        mean, spread = update(lessons)
        one = lesson(origin, baseline) if origin.last in SPANS else {}
        lessons += [one] if one else []
        rows.append({"origin": origin.last, "mean": mean, "spread": spread, **one})
    return pd.DataFrame(rows)
