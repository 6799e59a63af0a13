"""What is believed after the data, as a product that ships: draws of the free parameters of every province.

An assumption that the data cannot decide (role uncertain) is common to all provinces. Its value changes which free
parameters reproduce the past, so a member that draws another value must move them along: to first order

    θ(u) = θ(u₀) + (dθ/du)(u − u₀),   dθ/du = −(JᵀJ)⁻¹ Jᵀ ∂r/∂u    (J = ∂r/∂θ, r the whitened residuals)

so that every member still fits the measured years. `design` does this for each draw.
"""

import hashlib
import json
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from calibration import discrepancy, prior, sampler, tables
from calibration.baseline import load as measured
from calibration.discrepancy import Discrepancy
from calibration.errors import InputError
from calibration.fit import Fit, Problem, fit, residuals
from calibration.fit import problem as fit_problem
from models import PARAMETERS, PROVINCE
from models.parameters import defaults, row

PUBLISHED = Path(__file__).with_name("published") / "posterior.nc"
BATCH = 512
NUDGE = 0.1  # finite difference over an assumption, as part of its range


def response(problem: Problem, fit: Fit) -> xr.DataArray:
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


def draw(problem: Problem, fit: Fit, count: int, rng: np.random.Generator) -> tuple[NDArray[np.float64], pd.DataFrame]:
    """Draws from the posterior (chain, draw, province, parameter), and their diagnostics. Raises GateError."""

    def data(values: NDArray[np.float64]) -> NDArray[np.float64]:
        parts = range(0, len(values), BATCH)
        return np.concatenate([problem.likelihood.residuals(problem.simulate(values[i : i + BATCH])) for i in parts])

    of = sampler.log_posterior(problem.likelihood, fit.prior, data)
    start = sampler.Proposal(fit.values, np.asarray(np.linalg.cholesky(fit.covariance), dtype=float))
    chains, accepted = sampler.sample(of, start, count, rng)
    names = [str(name) for name in problem.inputs["base gdp"]["province"].values]
    table = sampler.diagnostics(chains, names, list(fit.prior.names))
    table["accepted"] = table["province"].map(dict(zip(names, accepted, strict=True)))
    sampler.gate(table)
    return chains, table


def calibrate(
    baseline: xr.Dataset, last: int = 2010, *, starts: int = 8, draws: int = 5000, kept: int = 1000, seed: int = 1,
    progress: Callable[[str], None] = lambda text: None,
) -> xr.Dataset:  # fmt: skip
    """Fit to 2005 … last, draw from the posterior, and return it as it is saved. Raises GateError."""
    settings = {"last": last, "starts": starts, "draws": draws, "kept": kept, "seed": seed}
    made = fit_problem(baseline, last)
    progress(f"fitting 30 provinces to 2005-{last} from {starts} starts")
    found = fit(made, starts, seed)
    progress(f"drawing {sampler.CHAINS} chains of {draws}")
    rng = np.random.default_rng([seed, 2])
    chains, table = draw(made, found, draws, rng)
    flat = chains.reshape(-1, *chains.shape[2:])
    attrs = {
        "method": f"independence Metropolis-Hastings, {sampler.CHAINS} chains of {draws}, {kept} draws kept",
        "command": "tanlu calibrate " + " ".join(f"--{name} {value}" for name, value in settings.items()),
        "settings": json.dumps(settings),
        "fingerprint": fingerprint(**settings),
        "largest split R-hat": f"{table['rhat'].max():.4f}",
        "least ESS": f"{table['ess'].min():.0f}",
        **discrepancy.attrs(shocks(made, found, baseline)),
        **discrepancy.attrs(discrepancy.growth(baseline["gdp"], last), "growth"),
    }
    chosen = flat[rng.permutation(len(flat))[:kept]]
    return dataset(made, found, chosen, attrs)


def dataset(problem: Problem, fit: Fit, draws: NDArray[np.float64], attrs: Mapping[str, object]) -> xr.Dataset:
    """The posterior as it is saved: draws, response to the assumptions, learning index, and how it was made."""
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


def load(path: Path | None = None) -> xr.Dataset:
    """A saved posterior; without a path, the shipped one, or, where data or model have changed since, one made anew.

    What is made anew is kept under the user's cache folder ($TANLU_CACHE) by the hash of data, model and settings.
    Raises InputError when the file is missing or is not one.
    """
    if path is not None:
        return _read(path)
    shipped = _read(PUBLISHED)
    settings = json.loads(shipped.attrs["settings"])
    wanted = fingerprint(**settings)
    if shipped.attrs["fingerprint"] == wanted:
        return shipped
    folder = Path(os.environ.get("TANLU_CACHE", Path.home() / ".cache" / "tanlu"))
    kept = folder / f"posterior-{wanted[:16]}.nc"
    if not kept.exists():
        sys.stderr.write("data or model differ from the shipped calibration: calibrating anew (minutes)\n")
        save(calibrate(measured(), progress=lambda text: print(text, file=sys.stderr), **settings), kept)
    return _read(kept)


def _read(path: Path) -> xr.Dataset:
    if not path.exists():
        raise InputError(f"{path}: no calibration there; make it with: tanlu calibrate --out {path}")
    with xr.open_dataset(path) as data:
        made = data.load()
    missing = {"draws", "response", "learning index data"} - set(made.data_vars)
    if missing:
        raise InputError(f"{path}: not a posterior (missing: {', '.join(sorted(missing))}); make it: tanlu calibrate")
    return made


def design(
    n: int, seed: int, *, inputs: dict[str, xr.DataArray], posterior: xr.Dataset | None = None,
    assumptions: pd.DataFrame | None = None,
) -> xr.Dataset:  # fmt: skip
    """A design of n members for the model: assumptions from their ranges, free parameters that fit the past with them.

    inputs: as from `calibration.inputs.params` for the posterior's last fitted year.
    assumptions: (member × parameter) values in place of the sample; columns not named keep their defaults.
    Returns variables over (member[, province[, sector]]), and `learning index data` (sector, time).
    """
    posterior = load() if posterior is None else posterior
    if assumptions is None:
        names = [str(name) for name in posterior["assumption"].values]
        assumptions = prior.from_quantiles(prior.quantiles(n, names, seed))
    index = np.random.default_rng([seed, 1]).permutation(posterior.sizes["draw"])
    chosen = posterior["draws"].values[index[np.arange(n) % index.size]].astype(float)
    values = conditioned(posterior, chosen, assumptions)
    common = xr.Dataset({str(name): ("member", column.to_numpy()) for name, column in assumptions.items()})
    return prior.apply(values, inputs).merge(common)


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


def fingerprint(**settings: object) -> str:
    """Hash of all that a posterior depends on: data (by checksum), model, table of parameters, settings."""
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True, default=str).encode())
    for path in (tables.DATA / tables.DESCRIPTOR, PROVINCE, PARAMETERS):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def shocks(problem: Problem, fit: Fit, baseline: xr.Dataset) -> Discrepancy:
    """Scales of the yearly shocks, from the fitted years."""
    years = list(problem.likelihood.years)
    run = problem.simulate(fit.values[None]).isel(member=0).rename(time="year").sel(year=years)
    modelled = run["total energy"] / run["gdp"]
    return discrepancy.estimate(
        baseline["energy_intensity"].sel(year=years), modelled, float(fit.effective_parameters.mean()) / 3
    )


def save(made: xr.Dataset, path: Path) -> None:
    """Write a posterior, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_suffix(".part")
    made.to_netcdf(scratch, encoding={"draws": {"zlib": True}, "response": {"zlib": True}})
    scratch.replace(path)


def summary(posterior: xr.Dataset) -> pd.DataFrame:
    """One row a free parameter: prior, posterior over provinces, and what the data decided."""
    draws = posterior["draws"]
    within = draws.std("draw")
    return pd.DataFrame(
        {
            "parameter": posterior["parameter"].values,
            "prior_mean": posterior["prior mean"].values,
            "prior_sd": posterior["prior spread"].values,
            "median_of_provinces": draws.median("draw").median("province").values,
            "least_province": draws.median("draw").min("province").values,
            "greatest_province": draws.median("draw").max("province").values,
            "posterior_sd": within.median("province").values,
            "learned": (1 - (within.median("province") / posterior["prior spread"]) ** 2).values,
        }
    )
