"""Maximum a posteriori fit of every province at once, from several starts.

While the learning index is a data series, the provinces are independent, so that one ensemble member carries one trial
of all provinces. The optimiser is a Levenberg-Marquardt method written over (start, province), because optimisers of
libraries call a model one trial at a time: they would need hours where one call of the ensemble engine needs a second.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from calibration import inputs
from calibration.likelihood import OUTPUTS, Likelihood, likelihood
from calibration.members import run as run_members
from calibration.prior import Prior, model_inputs, pooled_prior, wide_prior
from models import PROVINCE
from sim import Model

Residuals = Callable[[NDArray[np.float64]], NDArray[np.float64]]
"""(member, province, parameter) → whitened residuals (member, province, residual), the prior's included."""
STEP = 1e-4  # of a finite difference, in prior standard deviations
ITERATIONS = 25
TOLERANCE = 1e-5  # smallest relative gain of the payoff that justifies another iteration
CLOSURE = 1e-6  # largest difference between the closed learning loop and its data series


@dataclass(frozen=True)
class FitProblem:
    """Model, inputs and likelihood of one fit, as `build_problem` makes them.

    Attributes:
        model: the compiled model.
        inputs: inputs of the model that all trials share, by name.
        likelihood: measured series of the fitted years.
        assumptions: values of uncertain parameters in place of their defaults.
    """

    model: Model
    inputs: dict[str, xr.DataArray]
    likelihood: Likelihood
    assumptions: dict[str, float]

    def simulate(self, values: NDArray[np.float64], common: xr.Dataset | None = None) -> xr.Dataset:
        """Simulate trials over the fitted years.

        Args:
            values: free parameters (member, province, parameter).
            common: further inputs by member, such as assumptions that the provinces share.

        Returns:
            The OUTPUTS of the likelihood over (member, province, …, year).
        """
        design = model_inputs(values, self.inputs)
        if common is not None:
            design = design.merge(common)
        params: dict[str, xr.DataArray | float] = {**self.inputs, **self.assumptions, "switch learning": 0.0}
        return run_members(self.model, design, params, OUTPUTS, self.likelihood.years)


@dataclass(frozen=True)
class FitResult:
    """The optimum of each province.

    Attributes:
        prior: the prior of the fit.
        values: free parameters at the optimum (province, parameter).
        payoff: −2 ln posterior at the optimum (province,).
        start_values: end point of each start (start, province, parameter).
        start_payoff: payoff of each end point (start, province).
        residuals: whitened residuals at the optimum (province, residual).
        jacobian: their derivatives (province, residual, parameter).
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
        """Number of parameters that the data decide, not the prior (province,): the trace of the shrinkage matrix."""
        data = self.jacobian[:, : -len(self.prior.names)]
        return np.asarray(np.einsum("pij,pjk,pik->p", data, self.covariance, data))


def build_problem(baseline: xr.Dataset, last: int = 2010, assumptions: dict[str, float] | None = None) -> FitProblem:
    """Prepare the fit of the years 2005 to `last`.

    Args:
        baseline: measured series, as from `calibration.baseline.load`.
        last: last fitted year.
        assumptions: values of uncertain parameters in place of their defaults.

    Returns:
        The fit's model, inputs and likelihood.
    """
    model = Model.load(PROVINCE)
    made = FitProblem(model, inputs.params(baseline, last), likelihood(baseline, last=last), assumptions or {})
    made.inputs["learning index data"] = learning_index(made)
    return made


def learning_index(problem: FitProblem, values: NDArray[np.float64] | None = None) -> xr.DataArray:
    """The national learning index of the closed loop: (sector, time).

    Args:
        problem: the fit's model and inputs.
        values: free parameters (province, parameter); by default the prior mean.
    """
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
    """The whitened residuals of data and prior, as a function of the free parameters."""

    def evaluate(values: NDArray[np.float64]) -> NDArray[np.float64]:
        data = problem.likelihood.residuals(problem.simulate(values, common))
        return np.concatenate([data, (values - prior.mean) / prior.spread], axis=-1)

    return evaluate


def maximise(evaluate: Residuals, prior: Prior, starts: NDArray[np.float64]) -> FitResult:
    """Levenberg-Marquardt from each start, within the bounds of the prior.

    Args:
        evaluate: function that gives the whitened residuals.
        prior: bounds and scale of the free parameters.
        starts: free parameters (start, province, parameter).

    Returns:
        The best end point of each province, with all end points.
    """
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
    """Derivatives of the residuals by finite differences.

    Args:
        evaluate: function that gives the whitened residuals.
        prior: bounds and scale of the free parameters.
        values: free parameters (start, province, parameter).
        current: residuals at these values.

    Returns:
        (start, province, residual, parameter).
    """
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
    """The prior mean and `count` − 1 draws from the prior: (start, province, parameter)."""
    draws = prior.mean + prior.spread * rng.standard_normal((count, *prior.mean.shape))
    draws[0] = prior.mean
    return np.clip(draws, prior.low, prior.high)


def fit(problem: FitProblem, count: int = 8, seed: int = 1) -> FitResult:
    """Fit under the wide prior, then under the pooled prior (empirical Bayes), each from `count` starts.

    The learning index is closed between the fits: the problem's index becomes that of the closed loop at the optimum.

    Args:
        problem: the fit's model, inputs and likelihood; its learning index is changed.
        count: number of starts.
        seed: seed of the starts.

    Returns:
        The optimum under the pooled prior.
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
