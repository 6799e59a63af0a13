"""The members of a study: draws of the assumptions, with calibrated parameters that fit the past with them."""

from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from scipy.stats import qmc

from experiments.installation import calibrated, flat
from experiments.study.schema import Study
from models.reading.faults import InputError


def design(study: Study) -> pd.DataFrame:
    """One row a member: assumptions from their ranges, with calibrated parameters that fit the past with them.

    A study's own constants, whatever they are, are fitted again, by more than the first order.
    """
    from calibration import activity, forecast, posterior
    from calibration.assumptions import ROUNDS

    shipped, measured = calibrated(study.target.period.base_year)
    if not study.sampling.posterior:
        shipped = _optimum(shipped)
    known = set(map(str, shipped["assumption"].to_numpy()))
    fixed = {name: value for name, value in study.parameters.items() if name not in known}
    own_constants = bool(study.parameters) or bool(set(study.uncertain) - known)
    drawn = posterior.design(
        study.members,
        study.seed,
        inputs=measured,
        posterior=shipped,
        assumptions=assumptions(study, shipped),
        refit=ROUNDS if own_constants else 0,
        fixed=fixed,
    )
    if activity.nowcast_year(study.target.period.base_year) is not None:
        later = forecast.further(shipped, forecast.Options(study.members, study.seed))
        drawn = drawn.merge(later.drop_vars([name for name in later if name in drawn]))
    own = drawn.drop_vars([name for name in drawn if "member" not in drawn[name].dims or name in study.parameters])
    return flat(own)


def _optimum(shipped: xr.Dataset) -> xr.Dataset:
    """The posterior with its optimum as the only draw."""
    return shipped.drop_dims("draw").assign(draws=shipped["optimum"].expand_dims("draw"))


def centre(study: Study) -> pd.DataFrame:
    """One member at the centre: assumptions at their defaults, calibrated parameters at their optimum."""
    from calibration import posterior
    from models.parameters import defaults, row

    shipped, measured = calibrated(study.target.period.base_year)
    shipped = _optimum(shipped)
    known = [str(name) for name in shipped["assumption"].to_numpy()]
    plain = {name: study.parameters.get(name, float(np.mean(defaults(row(name))))) for name in known}
    drawn = posterior.design(
        1, study.seed, inputs=measured, posterior=shipped, assumptions=pd.DataFrame(plain, index=[0])
    )
    own = drawn.drop_vars([name for name in drawn if "member" not in drawn[name].dims or name in study.parameters])
    return flat(own)


def assumptions(study: Study, shipped: xr.Dataset) -> pd.DataFrame:
    """Draws of the uncertain inputs: one row a member, the study's distributions where it gives any.

    Stratified or low-discrepancy over all inputs at once, so the draws do not depend on batches.
    """
    from calibration import prior

    known = [str(name) for name in shipped["assumption"].to_numpy()]
    drawn = [name for name in dict.fromkeys([*known, *study.uncertain]) if name not in study.parameters]
    cube = _cube(study, len(drawn))
    table = {name: prior.inverse(distribution_row(study, name), cube[:, i]) for i, name in enumerate(drawn)}
    # A fixed assumption still moves the calibrated parameters that fit the past with it.
    held = {name: np.full(study.members, value) for name, value in study.parameters.items() if name in known}
    return pd.DataFrame({**table, **held})


def _cube(study: Study, inputs: int) -> np.ndarray:
    """Points of the unit cube (member, input)."""
    random = np.random.default_rng(np.random.SeedSequence(study.seed))
    n = study.members
    points: np.ndarray
    match study.sampling.method:
        case "sobol":  # powers of two keep the balance of the sequence
            points = qmc.Sobol(inputs, scramble=True, rng=random).random_base2(int(np.ceil(np.log2(n))))[:n]
        case "latin":
            points = qmc.LatinHypercube(inputs, rng=random).random(n)
        case _:
            points = random.random((n, inputs))
    return np.clip(points, 1e-12, 1 - 1e-12)


def distribution_row(study: Study, name: str) -> "pd.Series[Any]":
    """The input's row of the table of parameters with the study's changes. Raises InputError when it makes no sense."""
    from models.parameters import row

    changes = study.uncertain[name].model_dump(exclude_none=True) if name in study.uncertain else {}
    found = row(name).copy()
    for key, value in changes.items():
        found[key] = str(value) if key == "default" else value
    if found["distribution"] == "none":
        raise InputError(f"uncertain: {name}: has no distribution of its own; give one (uniform, triangular, …)")
    low, mode, high = (
        float(found["low"]),
        np.mean([float(v) for v in str(found["default"]).split(",")]),
        float(found["high"]),
    )
    if not (low <= mode <= high and low < high):
        raise InputError(
            f"uncertain: {name}: got low {low:g}, default {mode:g}, high {high:g}; "
            "allowed: low ≤ default ≤ high and low < high"
        )
    if found["distribution"] == "lognormal" and low <= 0:
        raise InputError(f"uncertain: {name}: got low {low:g}, allowed in a lognormal distribution: more than 0")
    return found
