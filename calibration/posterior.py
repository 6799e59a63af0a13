"""The posterior as a product that ships: draws of the free parameters of every province, and designs of members.

A member that draws other assumptions moves its free parameters along, so that it still fits the measured years: see
`calibration.assumptions`.
"""

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from calibration import prior
from calibration.assumptions import conditioned, refitted
from calibration.baseline import load as measured
from calibration.fingerprint import fingerprint
from models.reading.faults import InputError
from models.writing import write_whole

PUBLISHED = Path(__file__).with_name("published") / "posterior.nc"


def load(path: Path | None = None) -> xr.Dataset:
    """A saved posterior; without a path, the shipped one, or, where data or model have changed since, one made anew.

    What is made anew is kept under the user's cache folder ($TANLU_CACHE) by the hash of data, model and settings.
    Raises InputError when the file is missing or is not one.
    """
    if path is not None:
        return _read(path)
    shipped = _read(PUBLISHED)
    if is_current(PUBLISHED):
        return shipped
    settings = json.loads(shipped.attrs["settings"])
    kept = _cache() / f"posterior-{fingerprint(**settings)[:16]}.nc"
    if not kept.exists():
        from calibration.calibrate import calibrate  # its diagnostics import slowly

        sys.stderr.write("data or model differ from the shipped calibration: calibrating anew (minutes)\n")
        save(calibrate(measured(), progress=lambda text: print(text, file=sys.stderr), **settings), kept)
    return _read(kept)


def is_current(path: Path, settings: Mapping[str, object] | None = None) -> bool:
    """Does a saved posterior belong to the present data and model, and to the settings where they are given?

    The same bytes do; others do when they give the same residuals (`calibration.validity`), which takes seconds once.
    """
    saved = _read(path)
    used = json.loads(saved.attrs["settings"])
    if settings is not None and used != dict(settings):
        return False
    wanted = fingerprint(**used)
    if saved.attrs["fingerprint"] == wanted:
        return True
    mark = _cache() / f"same-{wanted[:16]}"
    if mark.exists():
        return True
    from calibration.validity import unchanged  # builds the fit's problem

    same = unchanged(saved, path.name)
    if same:
        mark.parent.mkdir(parents=True, exist_ok=True)
        mark.touch()
    return same


def _cache() -> Path:
    return Path(os.environ.get("TANLU_CACHE", Path.home() / ".cache" / "tanlu"))


def _read(path: Path) -> xr.Dataset:
    if not path.exists():
        raise InputError(f"{path}: no calibration there; make it with: tanlu calibrate --out {path}")
    with xr.open_dataset(path) as data:
        made = data.load()
    missing = {"draws", "response", "learning index data"} - set(made.data_vars)
    if missing:
        raise InputError(f"{path}: not a posterior (missing: {', '.join(sorted(missing))}); make it: tanlu calibrate")
    return made


def save(made: xr.Dataset, path: Path) -> None:
    """Write a posterior, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    packed = {"draws": {"zlib": True}, "response": {"zlib": True}}
    write_whole(path, lambda part: made.to_netcdf(part, encoding=packed))


def design(
    n: int, seed: int, *, inputs: dict[str, xr.DataArray], posterior: xr.Dataset | None = None,
    assumptions: pd.DataFrame | None = None, refit: int = 0, fixed: Mapping[str, float] | None = None,
    model: Path | None = None, first: int = 0,
) -> xr.Dataset:  # fmt: skip
    """A design of n members for the model: assumptions from their ranges, free parameters that fit the past with them.

    inputs: as from `calibration.inputs.params` for the posterior's last fitted year.
    assumptions: (member × parameter) values in place of the sample; columns not named keep their defaults.
    refit: chord steps by which each member is fitted to the past; without any the first order is taken.
    fixed: further constants that all members share while they are fitted, with the pooled prior moving along; they
    are not in the design. model: another model file that the members are fitted with. first: number of the first of
    the n members, in a design that is made in pieces.
    Returns variables over (member[, province[, sector]]), and `learning index data` (sector, time).
    """
    posterior = load() if posterior is None else posterior
    if assumptions is None:
        names = [str(name) for name in posterior["assumption"].values]
        assumptions = prior.from_quantiles(prior.quantiles(n, names, seed))
    chosen = drawn(posterior, n, seed, first)
    if refit:
        values = refitted(posterior, chosen, assumptions, fixed, refit, repool=fixed is not None, model=model)
    else:
        values = conditioned(posterior, chosen, assumptions)
    common = xr.Dataset({str(name): ("member", column.to_numpy()) for name, column in assumptions.items()})
    return prior.model_inputs(values, inputs).merge(common)


def drawn(posterior: xr.Dataset, n: int, seed: int, first: int = 0) -> np.ndarray:
    """The draws of the free parameters that n members from `first` on take, before they move with their assumptions.

    Returns:
        (member, province, parameter).
    """
    index = np.random.default_rng([seed, 1]).permutation(posterior.sizes["draw"])
    return np.asarray(posterior["draws"].values[index[np.arange(first, first + n) % index.size]], dtype=float)


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
