"""Can the calibration find what is known? Data are simulated from known parameters and fitted as if they were measured.

Recovery: the error of each estimate over its standard error. Simulation-based calibration (Talts et al. 2018): when the
truth is drawn from the prior, its rank among draws from the posterior is uniform; a histogram outside its band shows
a sampler or a likelihood that is wrong. Every province is one replicate, so that one run of the engine gives thirty.
"""

from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import binom

from calibration import fit, sampler
from calibration.likelihood import FITTED, HEAVY_TAIL, Likelihood, log_modelled
from calibration.prior import Prior

Values = NDArray[np.float64]
BINS = 10
BAND = 0.99  # of the histogram: all bins of all parameters together


def draw_truth(prior: Prior, rng: np.random.Generator) -> Values:
    """Parameters drawn from the prior inside its bounds: (province, parameter)."""
    values = np.full(prior.mean.shape, np.nan)
    while (open_ := ~((values >= prior.low) & (values <= prior.high))).any():
        values = np.where(open_, prior.mean + prior.spread * rng.standard_normal(values.shape), values)
    return values


def simulate_measurements(problem: fit.FitProblem, values: Values, rng: np.random.Generator) -> fit.FitProblem:
    """The problem with measurements that the model gives at `values`, disturbed as the likelihood says."""
    known = problem.likelihood
    logs = log_modelled(problem.simulate(values[None]), known.years)[:, :, 0]
    noise = np.einsum("spij,spj->spi", np.linalg.pinv(known.whiten), _white(known, rng))
    measured = np.where(np.isfinite(known.log_measured), logs + noise, np.nan)
    return replace(problem, likelihood=replace(known, log_measured=measured))


def _white(known: Likelihood, rng: np.random.Generator) -> Values:
    """Independent errors of unit scale (series, province, year); of total energy with heavy tails."""
    white = rng.standard_normal(known.log_measured.shape)
    heavy = [series.name for series in FITTED].index("total energy")
    white[heavy] *= np.sqrt(HEAVY_TAIL / rng.chisquare(HEAVY_TAIL, white.shape[1]))[:, None]
    return np.asarray(white)


def recover(problem: fit.FitProblem, prior: Prior, seed: int) -> pd.DataFrame:
    """Fit simulated data: one row a province and parameter with truth, estimate, error over its standard error."""
    rng = np.random.default_rng(seed)
    values = draw_truth(prior, rng)
    made = simulate_measurements(problem, values, rng)
    found = fit.maximise(fit.residuals(made, prior), prior, prior.mean[None])
    error = np.sqrt(np.diagonal(found.covariance, axis1=1, axis2=2))
    provinces = problem.inputs["base gdp"]["province"].values
    index = pd.MultiIndex.from_product([provinces, prior.names], names=["province", "parameter"])
    columns = {"truth": values, "estimate": found.values, "score": (found.values - values) / error}
    return pd.DataFrame({name: column.ravel() for name, column in columns.items()}, index).reset_index()


def ranks(problem: fit.FitProblem, prior: Prior, draws: int, seed: int) -> Values:
    """Rank of the truth among posterior draws, in (0, 1): (province, parameter)."""
    rng = np.random.default_rng(seed)
    values = draw_truth(prior, rng)
    made = simulate_measurements(problem, values, rng)
    found = fit.maximise(fit.residuals(made, prior), prior, prior.mean[None])
    log_density = sampler.log_posterior(
        made.likelihood, prior, lambda trial: made.likelihood.residuals(made.simulate(trial))
    )
    start = sampler.Proposal(found.values, np.asarray(np.linalg.cholesky(found.covariance), dtype=np.float64))
    chains, _ = sampler.sample(log_density, start, draws, rng)
    flat = chains.reshape(-1, *chains.shape[2:])
    thinned = flat[rng.permutation(len(flat))[:199]]
    below = (thinned < values).sum(0) + rng.random(values.shape)
    return np.asarray(below / (len(thinned) + 1))


def histogram(found: Values) -> pd.DataFrame:
    """Counts of the ranks (replicate, parameter) in BINS bins with the band that all bins together keep to.

    Columns: parameter (index), bin, count, low, high.
    """
    replicates, parameters = found.shape
    level = 1 - (1 - BAND) / (BINS * parameters)  # Bonferroni: a single bin outside is already too much
    low, high = binom.interval(level, replicates, 1 / BINS)
    bins = np.minimum((found * BINS).astype(int), BINS - 1)
    rows = [(k, b, int((bins[:, k] == b).sum()), low, high) for k in range(parameters) for b in range(BINS)]
    return pd.DataFrame(rows, columns=["parameter", "bin", "count", "low", "high"])
