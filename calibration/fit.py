"""Maximum a posteriori fit of every province at once, from several starts.

Provinces are independent while the learning index is a data series, so one ensemble member carries one trial of all
provinces. The optimiser is Levenberg-Marquardt written over (start, province): library optimisers call a model one
trial at a time, and would need hours for what one call of the ensemble engine does in a second.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from calibration import inputs
from calibration.likelihood import OUTPUTS, Likelihood, likelihood
from calibration.prior import Prior, model_inputs, pooled_prior, wide_prior
from models import PROVINCE
from sim import Model

Residuals = Callable[[NDArray[np.float64]], NDArray[np.float64]]
"""(member, province, parameter) → whitened residuals (member, province, residual), the prior's included."""
STEP = 1e-4  # finite difference, in prior standard deviations
ITERATIONS = 25
TOLERANCE = 1e-5  # smallest relative gain of the payoff worth another iteration
CLOSURE = 1e-6  # closing the learning loop must reproduce its data series within this


@dataclass(frozen=True)
class FitProblem:
    """What one fit needs: the model, its inputs, the likelihood. Made by `build_problem`."""

    model: Model
    inputs: dict[str, xr.DataArray]
    likelihood: Likelihood
    assumptions: dict[str, float]

    def simulate(self, values: NDArray[np.float64], common: xr.Dataset | None = None) -> xr.Dataset:
        """OUTPUTS of trials (member, province, parameter), over the fitted years.

        common: further inputs by member (assumptions shared by the provinces).
        """
        design = model_inputs(values, self.inputs)
        if common is not None:
            design = design.merge(common)
        given: dict[str, xr.DataArray | float] = {**self.inputs, **self.assumptions}
        fixed = {name: value for name, value in given.items() if name not in design}
        return self.model.ensemble(
            design,
            list(OUTPUTS),
            params={
                **fixed,
                "switch learning": 0.0,
                "FINAL TIME": float(self.likelihood.years[-1]),
            },
            times=[float(year) for year in self.likelihood.years],
            workers=2,
        )


@dataclass(frozen=True)
class FitResult:
    """Optimum of each province. values: (province, parameter); payoff: −2 ln posterior (province,);
    starts: the same for every start (start, province[, parameter]); jacobian: (province, residual, parameter).
    """

    prior: Prior
    values: NDArray[np.float64]
    payoff: NDArray[np.float64]
    start_values: NDArray[np.float64]
    start_payoff: NDArray[np.float64]
    residuals: NDArray[np.float64]
    jacobian: NDArray[np.float64]

    @property
    def covariance(self) -> NDArray[np.float64]:
        """Laplace covariance of the free parameters (province, parameter, parameter)."""
        return np.asarray(np.linalg.inv(np.swapaxes(self.jacobian, 1, 2) @ self.jacobian))

    @property
    def effective_parameters(self) -> NDArray[np.float64]:
        """Number of parameters that the data, not the prior, decide (province,): trace of the shrinkage matrix."""
        data = self.jacobian[:, : -len(self.prior.names)]
        return np.asarray(np.einsum("pij,pjk,pik->p", data, self.covariance, data))


def build_problem(baseline: xr.Dataset, last: int = 2010, assumptions: dict[str, float] | None = None) -> FitProblem:
    """The fit of the years 2005 … last."""
    model = Model.load(PROVINCE)
    made = FitProblem(model, inputs.params(baseline, last), likelihood(baseline, last=last), assumptions or {})
    made.inputs["learning index data"] = learning_index(made)
    return made


def learning_index(problem: FitProblem, values: NDArray[np.float64] | None = None) -> xr.DataArray:
    """The national learning index (sector, time) that the closed loop gives at the given parameters (prior mean)."""
    count = problem.inputs["base gdp"].size
    trial = wide_prior(count).mean[None] if values is None else values[None]
    fixed = {name: value for name, value in problem.inputs.items() if name not in model_inputs(trial, problem.inputs)}
    run = problem.model.ensemble(
        model_inputs(trial, problem.inputs),
        ["endogenous learning index"],
        params={**fixed, **problem.assumptions},
    )
    return run["endogenous learning index"].isel(member=0, drop=True)


def residuals(problem: FitProblem, prior: Prior, common: xr.Dataset | None = None) -> Residuals:
    """Whitened residuals of data and prior, as a function of the free parameters."""

    def evaluate(values: NDArray[np.float64]) -> NDArray[np.float64]:
        data = problem.likelihood.residuals(problem.simulate(values, common))
        return np.concatenate([data, (values - prior.mean) / prior.spread], axis=-1)

    return evaluate


def maximise(evaluate: Residuals, prior: Prior, starts: NDArray[np.float64]) -> FitResult:
    """Levenberg-Marquardt from each of `starts` (start, province, parameter), within the prior's bounds."""
    values = np.clip(starts, prior.low, prior.high)
    damping = np.full(values.shape[:2], 1e-2)
    current = evaluate(values)
    for _ in range(ITERATIONS):
        slope = jacobian(evaluate, prior, values, current)
        step = _step(slope, current, damping, prior.spread)
        trial = np.clip(values + step, prior.low, prior.high)
        found = evaluate(trial)
        gain = (current**2).sum(-1) - (found**2).sum(-1)
        better = gain > 0
        values = np.where(better[..., None], trial, values)
        current = np.where(better[..., None], found, current)
        damping = np.clip(np.where(better, damping / 5, damping * 6), 1e-8, 1e6)
        if (gain[better] < TOLERANCE * (current[better] ** 2).sum(-1)).all():
            break
    payoff = (current**2).sum(-1)
    best = payoff.argmin(0)
    at = np.arange(values.shape[1])
    optimum, found = values[best, at], current[best, at]
    slope = jacobian(evaluate, prior, optimum[None], found[None])[0]
    return FitResult(prior, optimum, payoff[best, at], values, payoff, found, slope)


def jacobian(
    evaluate: Residuals, prior: Prior, values: NDArray[np.float64], current: NDArray[np.float64]
) -> NDArray[np.float64]:
    """D residual / d parameter at values (start, province, parameter): (start, province, residual, parameter)."""
    starts, provinces, count = values.shape
    move = STEP * prior.spread
    sign = np.where(values + move > prior.high, -1.0, 1.0) * move
    trials = values[:, None] + np.eye(count)[None, :, None, :] * sign[:, None]
    found = evaluate(trials.reshape(starts * count, provinces, count)).reshape(starts, count, provinces, -1)
    return np.asarray(np.moveaxis((found - current[:, None]) / np.moveaxis(sign, -1, 1)[..., None], 1, -1))


def _step(
    slope: NDArray[np.float64], current: NDArray[np.float64], damping: NDArray[np.float64], spread: NDArray[np.float64]
) -> NDArray[np.float64]:
    transposed = np.swapaxes(slope, -1, -2)
    scale = damping[..., None, None] * np.eye(spread.shape[-1]) / spread[:, None, :] ** 2
    return np.asarray(-np.linalg.solve(transposed @ slope + scale, transposed @ current[..., None])[..., 0])


def draw_starts(prior: Prior, count: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """The prior mean and count − 1 draws from the prior: (start, province, parameter)."""
    draws = prior.mean + prior.spread * rng.standard_normal((count, *prior.mean.shape))
    draws[0] = prior.mean
    return np.clip(draws, prior.low, prior.high)


def fit(problem: FitProblem, count: int = 8, seed: int = 1) -> FitResult:
    """Wide prior, then the pooled one (empirical Bayes), each from `count` starts; the learning index closed between.

    Sets the problem's learning index to what the closed loop gives at the optimum.
    """
    rng = np.random.default_rng(seed)
    prior = wide_prior(problem.inputs["base gdp"].size)
    first = maximise(residuals(problem, prior), prior, draw_starts(prior, count, rng))
    errors = np.sqrt(np.diagonal(first.covariance, axis1=1, axis2=2))
    prior = pooled_prior(prior, first.values, errors)
    for _ in range(3):
        before = problem.inputs["learning index data"]
        found = maximise(residuals(problem, prior), prior, draw_starts(prior, count, rng))
        problem.inputs["learning index data"] = learning_index(problem, found.values)
        if float(abs(problem.inputs["learning index data"] - before).max()) < CLOSURE:
            break
    return found
