"""The posterior as a product that ships: draws of the free parameters of every province, and designs of members.

A member that draws other assumptions moves its free parameters too, so that it still fits the measured years (see
`calibration.assumptions`).
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
    """Load a saved posterior.

    Without a path this is the shipped posterior. Where data or model have changed since, it is calibrated anew; the
    result is kept in the user's cache folder ($TANLU_CACHE) under the hash of data, model and settings.

    Args:
        path: a file written by `save`.

    Returns:
        Draws (draw, province, parameter), optimum, response and prior, with settings and fingerprint as attributes.

    Raises:
        InputError: the file is missing or is not a posterior.

    >>> from calibration import posterior
    >>> dict(posterior.load()["draws"].sizes)
    {'draw': 1000, 'province': 30, 'parameter': 12}
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
    """Whether a saved posterior belongs to the present data and model, and to the settings where they are given.

    The fingerprint decides first. When it differs, the posterior is still current if it gives the same residuals
    (`calibration.validity`); this takes seconds, once.
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
    """Write a posterior, completely or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    packed = {"draws": {"zlib": True}, "response": {"zlib": True}}
    write_whole(path, lambda part: made.to_netcdf(part, encoding=packed))


def design(
    n: int, seed: int, *, inputs: dict[str, xr.DataArray], posterior: xr.Dataset | None = None,
    assumptions: pd.DataFrame | None = None, refit: int = 0, fixed: Mapping[str, float] | None = None,
    model: Path | None = None, first: int = 0,
) -> xr.Dataset:  # fmt: skip
    """A design of members: assumptions from their ranges, and free parameters that fit the past under them.

    Args:
        n: number of members.
        seed: seed of assumptions and draws.
        inputs: as from `calibration.inputs.params` for the posterior's last fitted year.
        posterior: a saved posterior; by default the shipped one.
        assumptions: values in place of the sample, one row per member; parameters without a column keep their defaults.
        refit: number of chord steps by which each member is fitted to the past; with 0 it moves to first order.
        fixed: further constants that all members share while they are fitted, with the pooled prior moving too; they
            are not part of the design.
        model: a model file to fit the members with; by default the provincial model.
        first: number of the first of the n members, for a design that is made in pieces.

    Returns:
        Variables over (member[, province[, sector]]) in the model's units, and `learning index data` (sector, time).

    >>> from calibration import baseline, inputs, posterior
    >>> members = posterior.design(4, seed=1, inputs=inputs.params(baseline.load()))
    >>> members["frontier ratio"].dims
    ('member', 'province', 'sector')
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
    """The draws of the free parameters of n members, starting with number `first`, before they move with their
    assumptions.

    Returns:
        (member, province, parameter).
    """
    index = np.random.default_rng([seed, 1]).permutation(posterior.sizes["draw"])
    return np.asarray(posterior["draws"].values[index[np.arange(first, first + n) % index.size]], dtype=float)


def summary(posterior: xr.Dataset) -> pd.DataFrame:
    """Prior and posterior of each free parameter, and the part of the prior variance that the data removed
    (`learned`).
    """
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
