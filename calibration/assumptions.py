"""How the free parameters of a province move with the assumptions that the data cannot decide.

An assumption (role uncertain) is common to all provinces. Its value changes which free parameters reproduce the past,
so a member that draws another value must move them along: to first order

    θ(u) = θ(u₀) + (dθ/du)(u − u₀),   dθ/du = −(JᵀJ)⁻¹ Jᵀ ∂r/∂u    (J = ∂r/∂θ, r the whitened residuals)

so that every member still fits the measured years.
"""

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from calibration import prior
from calibration.fit import FitProblem, FitResult, residuals
from models.parameters import defaults, row

NUDGE = 0.1  # finite difference over an assumption, as part of its range


def response(problem: FitProblem, fit: FitResult) -> xr.DataArray:
    """dθ/du at the optimum: (province, parameter, assumption), per unit of the assumption."""
    names = [str(name) for name in prior.uncertain().index]
    centre, width = _reference(names), _width(names)
    trials = np.tile(centre, (len(names) + 1, 1))
    sign = np.where(centre + NUDGE * width > _high(names), -NUDGE, NUDGE) * width
    trials[1:] += np.diag(sign)
    common = xr.Dataset({name: ("member", trials[:, index]) for index, name in enumerate(names)})
    found = residuals(problem, fit.prior, common)(np.tile(fit.values, (len(names) + 1, 1, 1)))
    slope = np.moveaxis(found[1:] - found[0], 0, -1) / sign
    gain = np.linalg.solve(np.swapaxes(fit.jacobian, 1, 2) @ fit.jacobian, np.swapaxes(fit.jacobian, 1, 2) @ slope)
    coords = {
        "province": problem.inputs["base gdp"]["province"],
        "parameter": list(fit.prior.names),
        "assumption": names,
    }
    return xr.DataArray(-gain, coords, ("province", "parameter", "assumption"))


def conditioned(posterior: xr.Dataset, values: NDArray[np.float64], assumptions: pd.DataFrame) -> NDArray[np.float64]:
    """Free parameters (member, province, parameter) moved along with the members' assumptions."""
    names = [name for name in map(str, posterior["assumption"].values) if name in assumptions]
    shift = assumptions[names].to_numpy() - _reference(names)
    slope = posterior["response"].sel(assumption=names).transpose("province", "parameter", "assumption").values
    moved = values + np.einsum("pka,ma->mpk", slope, shift)
    return np.asarray(np.clip(moved, posterior["low"].values, posterior["high"].values))


def _reference(names: list[str]) -> NDArray[np.float64]:
    return np.array([float(np.mean(defaults(row(name)))) for name in names])


def _width(names: list[str]) -> NDArray[np.float64]:
    table = prior.uncertain(names)
    return (table["high"] - table["low"]).to_numpy(dtype=float)


def _high(names: list[str]) -> NDArray[np.float64]:
    return prior.uncertain(names)["high"].to_numpy(dtype=float)
