"""A calibration makes a posterior: fit, draws, and the scales of the yearly shocks."""

import json
from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from calibration import discrepancy, sampler
from calibration.assumptions import response
from calibration.discrepancy import Discrepancy
from calibration.fingerprint import fingerprint
from calibration.fit import FitProblem, FitResult, build_problem, fit
from calibration.inputs import BASE

BATCH = 512
DOUBLINGS = 2
"""How many times the chains may be made twice as long when one of them fails a gate."""


def draw_posterior(
    problem: FitProblem, fit: FitResult, count: int, rng: np.random.Generator
) -> tuple[NDArray[np.float64], pd.DataFrame]:
    """Draw from the posterior of every province, with diagnostics.

    When a chain fails a gate, all chains are drawn again with twice as many draws, at most DOUBLINGS times.

    Args:
        problem: the fit's model, inputs and likelihood.
        fit: its optimum, from which the proposal starts.
        count: draws per chain.
        rng: random generator.

    Returns:
        Draws (chain, draw, province, parameter), and one row of diagnostics per province and parameter.

    Raises:
        GateError: a chain still fails after the last doubling.
    """

    def data(values: NDArray[np.float64]) -> NDArray[np.float64]:
        parts = range(0, len(values), BATCH)
        return np.concatenate([problem.likelihood.residuals(problem.simulate(values[i : i + BATCH])) for i in parts])

    log_density = sampler.log_posterior(problem.likelihood, fit.prior, data)
    start = sampler.Proposal(fit.values, np.asarray(np.linalg.cholesky(fit.covariance), dtype=float))
    names = [str(name) for name in problem.inputs["base gdp"]["province"].values]
    for doubling in range(DOUBLINGS + 1):
        chains, accepted = sampler.sample(log_density, start, count * 2**doubling, rng)
        table = sampler.diagnostics(chains, names, list(fit.prior.names))
        if sampler.failing_chains(table).empty:
            break
    table["accepted"] = table["province"].map(dict(zip(names, accepted, strict=True)))
    sampler.gate(table)
    return chains, table


def calibrate(
    baseline: xr.Dataset, last: int = 2010, *, starts: int = 8, draws: int = 12000, kept: int = 1000, seed: int = 1,
    progress: Callable[[str], None] = lambda text: None,
) -> xr.Dataset:  # fmt: skip
    """Fit the model to the years 2005 to `last` and draw from the posterior.

    Args:
        baseline: measured series, as from `calibration.baseline.load`.
        last: last fitted year.
        starts: number of starts of the optimiser.
        draws: draws per chain.
        kept: number of draws that the result keeps.
        seed: seed of starts and draws.
        progress: called with a sentence before each step.

    Returns:
        The posterior in the form in which `calibration.posterior.save` writes it.

    Raises:
        GateError: a chain fails.
    """
    settings = {"last": last, "starts": starts, "draws": draws, "kept": kept, "seed": seed}
    made = build_problem(baseline, last)
    progress(f"fitting 30 provinces to 2005-{last} from {starts} starts")
    found = fit(made, starts, seed)
    progress(f"drawing {sampler.CHAINS} chains of {draws}")
    rng = np.random.default_rng([seed, 2])
    chains, table = draw_posterior(made, found, draws, rng)
    flat = chains.reshape(-1, *chains.shape[2:])
    attrs = {
        "method": f"independence Metropolis-Hastings, {sampler.CHAINS} chains of {chains.shape[1]}, {kept} draws kept",
        "command": "tanlu calibrate " + " ".join(f"--{name} {value}" for name, value in settings.items()),
        "settings": json.dumps(settings),
        "fingerprint": fingerprint(**settings),
        "largest split R-hat": f"{table['rhat'].max():.4f}",
        "least ESS": f"{table['ess'].min():.0f}",
        **discrepancy.to_attrs(estimate_shocks(made, found, baseline)),
        **discrepancy.to_attrs(discrepancy.growth(baseline["gdp"], last), "growth"),
    }
    chosen = flat[rng.permutation(len(flat))[:kept]]
    weights = discrepancy.size_weights(baseline["energy_total"].sel(year=BASE, drop=True))
    return posterior_dataset(made, found, chosen, attrs).assign({"shock weight": weights.reset_coords(drop=True)})


def posterior_dataset(
    problem: FitProblem, fit: FitResult, draws: NDArray[np.float64], attrs: Mapping[str, object]
) -> xr.Dataset:
    """Collect draws, response to the assumptions, learning index and provenance in the form that is saved."""
    coords = {"province": problem.inputs["base gdp"]["province"], "parameter": list(fit.prior.names)}
    made = xr.Dataset(
        {
            "draws": (("draw", "province", "parameter"), draws.astype(np.float32)),
            "optimum": (("province", "parameter"), fit.values),
            "payoff": (("province",), fit.payoff),
            "start payoff": (("start", "province"), fit.start_payoff),
            "effective parameters": (("province",), fit.effective_parameters),
            "prior mean": (("parameter",), fit.prior.mean[0]),
            "prior spread": (("parameter",), fit.prior.spread[0]),
            "low": (("parameter",), fit.prior.low),
            "high": (("parameter",), fit.prior.high),
            "response": response(problem, fit),
            "learning index data": problem.inputs["learning index data"],
        },
        coords,
        {**attrs, "last year fitted": problem.likelihood.years[-1]},
    )
    return made


def estimate_shocks(problem: FitProblem, fit: FitResult, baseline: xr.Dataset) -> Discrepancy:
    """Estimate the scales of the yearly shocks from the fitted years."""
    years = list(problem.likelihood.years)
    run = problem.simulate(fit.values[None]).isel(member=0).sel(year=years)
    modelled = run["total energy"] / run["gdp"]
    return discrepancy.estimate(
        baseline["energy_intensity"].sel(year=years), modelled, float(fit.effective_parameters.mean()) / 3
    )
