"""What is believed after the data, as a product that ships: draws of the free parameters of every province.

An assumption that the data cannot decide (role uncertain) is common to all provinces. Its value changes which free
parameters reproduce the past, so a member that draws another value must move them along: to first order

    θ(u) = θ(u₀) + (dθ/du)(u − u₀),   dθ/du = −(JᵀJ)⁻¹ Jᵀ ∂r/∂u    (J = ∂r/∂θ, r the whitened residuals)

so that every member still fits the measured years. `design` does this for each draw.
"""

import hashlib
import json
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from calibration import prior, tables
from calibration.discrepancy import Discrepancy, estimate
from calibration.errors import InputError
from calibration.fit import Fit, Problem, residuals
from models import PARAMETERS, PROVINCE
from models.parameters import defaults, row

PUBLISHED = Path(__file__).with_name("published") / "posterior.nc"
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


def laplace(problem: Problem, fit: Fit, draws: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Draws from the normal approximation at the optimum: (draw, province, parameter), within the bounds."""
    root = np.linalg.cholesky(fit.covariance)
    noise = rng.standard_normal((draws, *fit.values.shape))
    return np.asarray(np.clip(fit.values + np.einsum("pij,dpj->dpi", root, noise), fit.prior.low, fit.prior.high))


def dataset(problem: Problem, fit: Fit, draws: NDArray[np.float64], attrs: dict[str, str]) -> xr.Dataset:
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


def load(path: Path = PUBLISHED) -> xr.Dataset:
    """A saved posterior. Raises InputError when the file is missing or is not one."""
    if not path.exists():
        raise InputError(f"{path}: no calibration there; make it with: tanlu calibrate")
    with xr.open_dataset(path) as data:
        made = data.load()
    missing = {"draws", "response", "learning index data"} - set(made.data_vars)
    if missing:
        raise InputError(
            f"{path}: not a posterior (missing: {', '.join(sorted(missing))}); make it anew: tanlu calibrate"
        )
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
    """Hash of all that a posterior depends on: the data's checksums, the model, the table of parameters, the settings."""
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True, default=str).encode())
    for path in (tables.DATA / tables.DESCRIPTOR, PROVINCE, PARAMETERS):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def shocks(problem: Problem, fit: Fit, baseline: xr.Dataset) -> Discrepancy:
    """Scales of the yearly shocks, from the fitted years."""
    years = list(problem.likelihood.years)
    run = problem.simulate(fit.values[None]).isel(member=0).rename(time="year").sel(year=years)
    modelled = run["total energy"] / run["gdp"]
    return estimate(baseline["energy_intensity"].sel(year=years), modelled, float(fit.effective_parameters.mean()) / 3)


def save(made: xr.Dataset, path: Path) -> None:
    """Write a posterior, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_suffix(".part")
    made.to_netcdf(scratch, encoding={"draws": {"zlib": True}, "response": {"zlib": True}})
    scratch.replace(path)
