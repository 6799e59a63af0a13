"""Validity of a shipped posterior for the present data and model, judged by their behaviour and not by their bytes.

A fit depends on data and model only through the residuals. A new equation beside the fitted ones, a lever that is not
used or a table row after the fitted years leaves all residuals unchanged, and with them the posterior. `residual_sums`
takes the residuals at two trials (the optimum, and a draw under other assumptions) and reduces them to two numbers per
province. `published/responses.csv` holds those of the shipped posteriors; `python -m calibration.validity` writes it
after a fit.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from calibration import prior
from calibration.assumptions import restore
from calibration.fit import residuals
from models.parameters import defaults, row

RESPONSES = Path(__file__).with_name("published") / "responses.csv"
TOLERANCE = 1e-6
QUANTILE = 0.25  # of every assumption, in the second trial


def residual_sums(shipped: xr.Dataset) -> pd.DataFrame:
    """Sum of squares and a weighted sum of the whitened residuals at each trial, one row per trial and province."""
    problem, pooled_prior = restore(shipped)
    names = [str(name) for name in shipped["assumption"].values]
    centre = [float(np.mean(defaults(row(name)))) for name in names]
    moved = prior.from_quantiles(pd.DataFrame(QUANTILE, [0], names)).iloc[0]
    common = xr.Dataset({name: ("member", [at, float(moved[name])]) for name, at in zip(names, centre, strict=True)})
    trials = np.stack([shipped["optimum"].values, shipped["draws"].values[0].astype(float)])
    found = residuals(problem, pooled_prior, common)(trials)
    weights = np.random.default_rng(0).standard_normal(found.shape[-1])
    keys = pd.MultiIndex.from_product([range(len(trials)), shipped["province"].values], names=["trial", "province"])
    numbers = {"squares": (found**2).sum(-1).ravel(), "weighted": (found @ weights).ravel()}
    return pd.DataFrame(numbers, keys).reset_index()


def unchanged(shipped: xr.Dataset, name: str, table: Path = RESPONSES) -> bool:
    """Whether data and model respond to a posterior as they did when it was fitted; `name` is its file."""
    known = pd.read_csv(table)
    known = known[known["posterior"] == name].reset_index(drop=True)
    found = residual_sums(shipped)
    numbers = ["squares", "weighted"]
    return len(known) == len(found) and bool(np.allclose(known[numbers], found[numbers], TOLERANCE, TOLERANCE))


def save_responses(posteriors: Sequence[tuple[str, xr.Dataset]], table: Path = RESPONSES) -> None:
    """Write the responses of posteriors, given as (file, posterior), that belong to the present data and model."""
    rows = [residual_sums(shipped).assign(posterior=name) for name, shipped in posteriors]
    columns = ["posterior", "trial", "province", "squares", "weighted"]
    made = pd.concat(rows)[columns]
    made.to_csv(table, index=False, float_format="%.10g", lineterminator="\n")


if __name__ == "__main__":
    folder = RESPONSES.parent
    files = [folder / name for name in ("posterior-2007.nc", "posterior.nc", "posterior-2015.nc")]
    save_responses([(path.name, xr.load_dataset(path)) for path in files])
