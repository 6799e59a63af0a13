"""Recovery of known parameters: data are simulated from known parameters and fitted as if they were measured.

Recovery compares the error of each estimate with its standard error. In simulation-based calibration (Talts et al.
2018) the truth is drawn from the prior; its rank among draws from the posterior is then uniform, and a histogram
outside its band shows a wrong sampler or likelihood. Every province is one replicate, so that one engine run gives
thirty.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import binom

from calibration import fit, sampler
from calibration.likelihood import HEAVY_TAIL, Likelihood, log_modelled
from calibration.prior import Prior

Values = NDArray[np.float64]
BINS = 10
TABLE = Path(__file__).with_name("simulation_based_calibration.csv")
"""The result of the last `tanlu calibrate --sbc`, with the digest of the draws that it belongs to."""
THREE = ("Guangdong", "Ningxia", "Chongqing")
"""A large, a small and a medium province."""
BAND = 0.99  # probability with which all bins of all parameters together lie in the band


def draw_truth(prior: Prior, rng: np.random.Generator) -> Values:
    """Draw parameters from the prior within its bounds: (province, parameter)."""
    values = np.full(prior.mean.shape, np.nan)
    while (open_ := ~((values >= prior.low) & (values <= prior.high))).any():
        values = np.where(open_, prior.mean + prior.spread * rng.standard_normal(values.shape), values)
    return values


def simulate_measurements(problem: fit.FitProblem, values: Values, rng: np.random.Generator) -> fit.FitProblem:
    """The problem with simulated measurements: the model at `values`, with the errors of the likelihood."""
    known = problem.likelihood
    logs = log_modelled(problem.simulate(values[None]), known.years, known.series)[:, :, 0]
    noise = np.einsum("spij,spj->spi", np.linalg.pinv(known.whiten), _white(known, rng))
    measured = np.where(np.isfinite(known.log_measured), logs + noise, np.nan)
    return replace(problem, likelihood=replace(known, log_measured=measured))


def _white(known: Likelihood, rng: np.random.Generator) -> Values:
    """Independent errors of unit scale (series, province, year); those of total energy have heavy tails."""
    white = rng.standard_normal(known.log_measured.shape)
    heavy = known.series.index("total energy")
    white[heavy] *= np.sqrt(HEAVY_TAIL / rng.chisquare(HEAVY_TAIL, white.shape[1]))[:, None]
    return np.asarray(white)


def recover(problem: fit.FitProblem, prior: Prior, seed: int) -> pd.DataFrame:
    """Fit simulated data: truth, estimate, and error over standard error, one row per province and parameter."""
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
    return replicate(problem, prior, draws, seed)[0]


def replicate(problem: fit.FitProblem, prior: Prior, draws: int, seed: int) -> tuple[Values, Values]:
    """Simulate one set of data, fit it and sample its posterior.

    Returns:
        Ranks as from `ranks`, and errors over standard errors, each (province, parameter).
    """
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
    errors = np.sqrt(np.diagonal(found.covariance, axis1=1, axis2=2))
    return np.asarray(below / (len(thinned) + 1)), np.asarray((found.values - values) / errors)


def repeated_places(problem: fit.FitProblem, names: Sequence[str]) -> fit.FitProblem:
    """The problem in which the places take the inputs and measurement errors of `names` in turn.

    Provinces are independent in the fitted years, so that one call of the engine carries several fits of a few
    provinces.
    """
    places = [str(name) for name in problem.inputs["base gdp"]["province"].values]
    index = [places.index(names[at % len(names)]) for at in range(len(places))]
    inputs = {
        name: value.isel(province=index).assign_coords(province=value["province"])
        if "province" in value.dims
        else value
        for name, value in problem.inputs.items()
    }
    known = problem.likelihood
    again = replace(known, log_measured=known.log_measured[:, index], whiten=known.whiten[:, index])
    return replace(problem, inputs=inputs, likelihood=again)


def simulation_based_calibration(
    problem: fit.FitProblem, prior: Prior, names: Sequence[str] = THREE, fits: int = 200, draws: int = 1500,
    seed: int = 1, progress: Callable[[str], None] = lambda text: None,
) -> pd.DataFrame:  # fmt: skip
    """Ranks and recovery over many fits of simulated data of a few provinces.

    Args:
        problem: the problem of a saved posterior, as from `assumptions.restore`.
        prior: the prior of the same posterior.
        names: the provinces of each fit.
        fits: number of fits; each gives a replicate of every one of these provinces.
        draws: draws per chain of the sampler.
        seed: seed of the first fit.
        progress: called with a sentence before every engine call.

    Returns:
        One row per parameter with the columns parameter; fits, replicates; bin_1 … bin_10 (counts of ranks) and low,
        high (band in which all bins of all parameters together should lie); mean_rank (uniform: 0.5); inside_95
        (fraction of truths within 1.96 standard errors of the optimum) and score_sd (1 where standard errors are
        right); holds (whether every bin is inside the band).
    """
    small = repeated_places(problem, names)
    each = len(small.inputs["base gdp"]) // len(names)
    kept = each * len(names)
    found: list[tuple[Values, Values]] = []
    for call in range(-(-fits // each)):
        progress(f"simulated fits {call * each + 1} to {min(fits, (call + 1) * each)} of {fits}")
        found.append(replicate(small, prior, draws, seed + call))
    rank, score = (np.concatenate([one[at][:kept] for one in found])[: fits * len(names)] for at in (0, 1))
    counts = histogram(rank)
    bins = counts.pivot_table("count", "parameter", "bin").to_numpy(int)
    low, high = counts[["low", "high"]].iloc[0]
    table = pd.DataFrame(bins, columns=[f"bin_{at + 1}" for at in range(BINS)])
    table.insert(0, "parameter", prior.names)
    table.insert(1, "fits", fits)
    table.insert(2, "replicates", len(rank))
    inside = (bins >= low) & (bins <= high)
    return table.assign(
        low=low, high=high, mean_rank=rank.mean(0), inside_95=(abs(score) < 1.96).mean(0), score_sd=score.std(0),
        holds=inside.all(1),
    )  # fmt: skip


def histogram(found: Values) -> pd.DataFrame:
    """Counts of the ranks (replicate, parameter) in BINS bins, with the band in which all bins together should lie.

    Returns:
        Columns parameter (index), bin, count, low and high.
    """
    replicates, parameters = found.shape
    level = 1 - (1 - BAND) / (BINS * parameters)  # Bonferroni: one bin outside is a failure
    low, high = binom.interval(level, replicates, 1 / BINS)
    bins = np.minimum((found * BINS).astype(int), BINS - 1)
    rows = [(k, b, int((bins[:, k] == b).sum()), low, high) for k in range(parameters) for b in range(BINS)]
    return pd.DataFrame(rows, columns=["parameter", "bin", "count", "low", "high"])
