"""How the free parameters of a province move with the assumptions that the data cannot decide.

An assumption (role uncertain) is common to all provinces. Its value changes which free parameters reproduce the past.
A member that draws another value must therefore move its free parameters, to first order by

    θ(u) = θ(u₀) + (dθ/du)(u − u₀),   dθ/du = −(JᵀJ)⁻¹ Jᵀ ∂r/∂u    (J = ∂r/∂θ, r the whitened residuals)

so that every member still fits the measured years. `refitted` goes beyond the first order by chord steps
θ ← θ − (JᵀJ)⁻¹ Jᵀ r(θ, u) with the slopes at the optimum; this works for every constant, also one without a response.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from calibration import prior
from calibration.baseline import load as measured
from calibration.fit import FitProblem, FitResult, build_problem, jacobian, residuals
from models.parameters import defaults, row
from sim import Model

NUDGE = 0.1  # finite difference over an assumption, as a fraction of its range
ROUNDS = 12
"""Chord steps at most: three leave 1.6 percentage points of 2005-2010 at a rebound of 0.5, ten leave 0.3."""
SMALL = 0.02
"""Chord steps end when no parameter of any member moves by more than this part of its prior spread."""
BATCH = 512


def response(problem: FitProblem, fit: FitResult) -> xr.DataArray:
    """Derivative dθ/du of the free parameters at the optimum.

    Args:
        problem: the fit's model, inputs and likelihood.
        fit: its optimum.

    Returns:
        (province, parameter, assumption), per unit of the assumption.
    """
    names = [str(name) for name in prior.uncertain().index]
    centre, width = reference(names), _width(names)
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
    """Move free parameters to first order with the assumptions of each member.

    Args:
        posterior: a saved posterior with its `response`.
        values: free parameters (member, province, parameter) at the default assumptions.
        assumptions: one row per member, one column per assumption.

    Returns:
        Free parameters (member, province, parameter) within their bounds.
    """
    names = [name for name in map(str, posterior["assumption"].values) if name in assumptions]
    shift = assumptions[names].to_numpy() - reference(names)
    slope = posterior["response"].sel(assumption=names).transpose("province", "parameter", "assumption").values
    moved = values + np.einsum("pka,ma->mpk", slope, shift)
    return np.asarray(np.clip(moved, posterior["low"].values, posterior["high"].values))


def restore(posterior: xr.Dataset, baseline: xr.Dataset | None = None) -> tuple[FitProblem, prior.Prior]:
    """Rebuild the fit and the pooled prior of a saved posterior.

    Args:
        posterior: a saved posterior.
        baseline: measured series; by default those that ship.

    Returns:
        The fit's problem and the prior of its free parameters.
    """
    problem = build_problem(measured() if baseline is None else baseline, int(posterior.attrs["last year fitted"]))
    problem.inputs["learning index data"] = posterior["learning index data"]
    count = posterior.sizes["province"]
    names = tuple(map(str, posterior["parameter"].values))
    mean, spread = (np.tile(posterior[name].values, (count, 1)) for name in ("prior mean", "prior spread"))
    return problem, prior.Prior(names, mean, spread, posterior["low"].values, posterior["high"].values)


def refitted(
    posterior: xr.Dataset, values: NDArray[np.float64], assumptions: pd.DataFrame,
    fixed: Mapping[str, float] | None = None, rounds: int = ROUNDS, baseline: xr.Dataset | None = None,
    repool: bool = False, model: Path | None = None,
) -> NDArray[np.float64]:  # fmt: skip
    """Move draws so that each member fits the past under its own constants.

    Args:
        posterior: a saved posterior.
        values: draws (member, province, parameter).
        assumptions: one row per member, one column per constant.
        fixed: further constants that all members share, switches among them.
        rounds: number of chord steps at most.
        baseline: measured series; by default those that ship.
        repool: whether the mean over provinces of the pooled prior moves too, as it would in a new calibration.
        model: a model file to fit the members with; by default the provincial model.

    Returns:
        Draws (member, province, parameter) within their bounds.
    """
    problem, pooled_prior = restore(posterior, baseline)
    optimum = posterior["optimum"].values
    centre = residuals(problem, pooled_prior)
    start = centre(optimum[None])
    slope = jacobian(centre, pooled_prior, optimum[None], start)[0]
    gain = np.linalg.solve(np.swapaxes(slope, 1, 2) @ slope, np.swapaxes(slope, 1, 2))
    other = replace(problem, assumptions={**problem.assumptions, **dict(fixed or {})})
    if model is not None:
        other = replace(other, model=Model.load(model))
    moved = conditioned(posterior, np.tile(optimum, (len(assumptions), 1, 1)), assumptions)
    for first in range(0, len(assumptions), BATCH):
        part = slice(first, first + BATCH)
        common = xr.Dataset({str(name): ("member", column.to_numpy()[part]) for name, column in assumptions.items()})
        found = residuals(other, pooled_prior, common)
        for _ in range(rounds):
            off = found(moved[part]) - start
            if repool:
                off[..., -len(pooled_prior.names) :] -= (moved[part] - optimum).mean(
                    1, keepdims=True
                ) / pooled_prior.spread
            step = np.einsum("pkr,mpr->mpk", gain, off)
            before = moved[part].copy()
            moved[part] = np.clip(before - step, pooled_prior.low, pooled_prior.high)
            if (np.abs(moved[part] - before) < SMALL * pooled_prior.spread).all():
                break
    return np.asarray(np.clip(values + moved - optimum, pooled_prior.low, pooled_prior.high))


def reference(names: list[str]) -> NDArray[np.float64]:
    """The default values of assumptions, at which the response is zero."""
    return np.array([float(np.mean(defaults(row(name)))) for name in names])


def _width(names: list[str]) -> NDArray[np.float64]:
    table = prior.uncertain(names)
    return (table["high"] - table["low"]).to_numpy(dtype=float)


def _high(names: list[str]) -> NDArray[np.float64]:
    return prior.uncertain(names)["high"].to_numpy(dtype=float)
