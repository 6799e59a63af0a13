"""Identifiability of the free parameters by profile likelihoods, and a label that is printed with each parameter.

A parameter of a province is fixed on a grid over its range, and all others are fitted again. Its own prior is left out;
the others keep theirs. The parameter is identified when −ln likelihood rises by 1.92 on both sides of the optimum
inside the range. This is half the 95 % quantile of χ² with one degree of freedom (Raue et al. 2009). `label` is
printed with the parameter. An uncertain assumption is never identified, because
it has only a prior.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from calibration import assumptions, fit, posterior
from calibration.places import choose_province
from calibration.prior import FREE, Prior, uncertain
from models.reading.faults import InputError
from models.reading.names import choose

PUBLISHED = Path(__file__).with_name("published") / "identifiability.csv"
COMMAND = "tanlu identifiability --fresh"
DROP = 1.92
GRID = 9  # values over the range, in addition to the optimum
STIFF = 1e-5  # scale of the penalty that holds a parameter at its grid value, as a fraction of the range
IDENTIFIED, NOT_IDENTIFIED, PRIOR_ONLY = "identified", "not identified", "prior only"
COLUMNS = ("province", "parameter", "best", "low", "high", "drop_below", "drop_above", "label")


def profiles(
    problem: fit.FitProblem, prior: Prior, optimum: NDArray[np.float64], points: int = GRID,
    progress: Callable[[str], None] = lambda text: None,
) -> xr.Dataset:  # fmt: skip
    """Profile likelihoods of every free parameter of all provinces at once.

    Args:
        problem: the fit's model, inputs and likelihood.
        prior: the pooled prior.
        optimum: free parameters (province, parameter) where each search begins.
        points: number of grid values.
        progress: called with a sentence before each parameter.

    Returns:
        `value` and `profile` (−ln likelihood above its least value) over (parameter, province, point), in ascending
        order of the value; the best fit is one of the points.
    """
    values, rises = [], []
    for at, name in enumerate(prior.names):
        progress(f"profile of {name} ({at + 1} of {len(prior.names)})")
        value, rise = _profile(problem, prior, optimum, at, points)
        values.append(value)
        rises.append(rise)
    coords = {"parameter": list(prior.names), "province": problem.inputs["base gdp"]["province"].values}
    dims = ("parameter", "province", "point")
    return xr.Dataset({"value": (dims, np.array(values)), "profile": (dims, np.array(rises))}, coords)


def _profile(
    problem: fit.FitProblem, prior: Prior, optimum: NDArray[np.float64], at: int, points: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Values and profile of one parameter, each (province, point)."""
    spread = prior.spread.copy()
    width = (prior.high - prior.low)[at]
    spread[:, at] = width / 4  # only the scale of the optimiser's steps, not a prior
    free = replace(prior, spread=spread)
    own = len(prior.names) - at  # position of its prior among the last residuals

    def residuals(values: NDArray[np.float64], pin: NDArray[np.float64] | None) -> NDArray[np.float64]:
        found = fit.residuals(problem, free)(values)
        # Its own prior is replaced by nothing, or by a penalty that holds it at the nearest grid value.
        found[..., -own] = 0.0 if pin is None else (values[..., at] - _nearest(pin, values[..., at])) / (STIFF * width)
        return found

    best = fit.maximise(lambda values: residuals(values, None), free, optimum[None])
    grid = np.linspace(prior.low[at], prior.high[at], points)
    held = np.tile(grid[:, None], (1, len(optimum)))
    starts = np.tile(best.values, (points, 1, 1))
    starts[..., at] = held
    found = fit.maximise(lambda values: residuals(values, grid), free, starts)
    value = np.concatenate([held.T, best.values[:, at, None]], axis=1)
    payoff = np.concatenate([found.start_payoff.T, best.payoff[:, None]], axis=1)
    order = np.argsort(value, axis=1, kind="stable")
    rise = 0.5 * (payoff - payoff.min(axis=1, keepdims=True))
    return np.take_along_axis(value, order, 1), np.take_along_axis(rise, order, 1)


def _nearest(grid: NDArray[np.float64], values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(grid[np.abs(values[..., None] - grid).argmin(-1)])


def profile_table(found: xr.Dataset) -> pd.DataFrame:
    """Best value, 95 % interval and label, one row per province and parameter.

    An end of the interval is NaN where the interval is open. Columns drop_below and drop_above hold the rise to either
    end.
    """
    rows = []
    for parameter in found["parameter"].values:
        for province in found["province"].values:
            one = found.sel(parameter=parameter, province=province)
            rows.append((str(province), str(parameter), *_ends(one["value"].values, one["profile"].values)))
    frame = pd.DataFrame(rows, columns=list(COLUMNS[:-1]))
    inside = (frame["drop_below"] >= DROP) & (frame["drop_above"] >= DROP)
    frame["label"] = np.where(inside, IDENTIFIED, NOT_IDENTIFIED)
    return frame


def _ends(value: NDArray[np.float64], rise: NDArray[np.float64]) -> tuple[float, float, float, float, float]:
    """Best value, the two values where the rise crosses DROP, and the greatest rise below and above the best value."""
    best = int(rise.argmin())
    below, above = rise[: best + 1][::-1], rise[best:]
    low = _crossing(value[: best + 1][::-1], below)
    high = _crossing(value[best:], above)
    return float(value[best]), low, high, float(below.max()), float(above.max())


def _crossing(value: NDArray[np.float64], rise: NDArray[np.float64]) -> float:
    """The first value outward from the optimum where the rise reaches DROP; NaN when it does not."""
    outside = np.flatnonzero(rise >= DROP)
    if not outside.size or outside[0] == 0:
        return float("nan")
    i = int(outside[0])
    part = (DROP - rise[i - 1]) / (rise[i] - rise[i - 1])
    return float(value[i - 1] + part * (value[i] - value[i - 1]))


def make_labels(progress: Callable[[str], None] = lambda text: None) -> pd.DataFrame:
    """Compute the table for the shipped posterior."""
    shipped = posterior.load()
    problem, prior = assumptions.restore(shipped)
    return profile_table(profiles(problem, prior, shipped["optimum"].values, progress=progress))


def save_labels(frame: pd.DataFrame, path: Path = PUBLISHED) -> None:
    """Write the table with the command that made it and the fingerprint of its posterior."""
    mark = posterior.load().attrs.get("fingerprint", "")
    path.write_text(f"# made by: {COMMAND}; posterior {mark}\n" + frame.round(5).to_csv(index=False), encoding="utf-8")


def load_labels(path: Path = PUBLISHED) -> pd.DataFrame:
    """Read the shipped table. Raises InputError when it is missing."""
    if not path.exists():
        raise InputError(f"{path}: no table there; make it with: {COMMAND}")
    return pd.read_csv(path, comment="#")


def belongs_to_shipped(path: Path = PUBLISHED) -> bool:
    """Whether the table was made for the posterior that ships."""
    first = path.read_text(encoding="utf-8").splitlines()[0]
    return first.endswith(f"posterior {posterior.load().attrs.get('fingerprint', '')}")


@cache
def _labels() -> dict[tuple[str, str], str]:
    frame = load_labels()
    return {(str(row.parameter), str(row.province)): str(row.label) for row in frame.itertuples()}


@cache
def _assumption_names() -> frozenset[str]:
    """The uncertain assumptions, which have only a prior."""
    return frozenset(map(str, uncertain().index))


def label(parameter: str, province: str | None = None) -> str:
    """Label of a parameter: identified, not identified, or prior only.

    Args:
        parameter: a free parameter ("frontier industry"), the model's name of one, or an uncertain assumption.
        province: a province; without one, a parameter is identified when it is so in most provinces.

    Raises:
        InputError: the parameter or the province is unknown.
    """
    known = [*FREE, *(own for own, _ in FREE.values()), *sorted(_assumption_names())]
    parameter = choose(parameter, dict.fromkeys(known), "free or uncertain parameter")
    if parameter in _assumption_names():
        return PRIOR_ONLY
    labels = _labels()
    names = [name for name, (own, _) in FREE.items() if parameter in (name, own)]
    provinces = sorted({where for _, where in labels})
    wanted = provinces if province is None else [choose_province(province, provinces)]
    found = [labels[name, where] == IDENTIFIED for name in names for where in wanted]
    return IDENTIFIED if np.mean(found) > 0.5 else NOT_IDENTIFIED


def labelled(frame: pd.DataFrame, column: str = "parameter") -> pd.DataFrame:
    """Add a column `label` to a table with names of parameters.

    A name that is neither free nor uncertain (a lever, a measured input) gets an empty label.
    """
    return frame.assign(label=[_label_or_none(str(name)) for name in frame[column]])


def _label_or_none(name: str) -> str:
    try:
        return label(name.partition("[")[0])
    except InputError:
        return ""


def identified_counts() -> pd.DataFrame:
    """Number of provinces in which each free parameter is identified, one row per parameter; assumptions follow with
    0.
    """
    frame = load_labels()
    rows = frame.assign(identified=frame["label"] == IDENTIFIED).groupby("parameter", sort=False)["identified"]
    free = pd.DataFrame({"identified": rows.sum(), "of": rows.size()}).reset_index()
    free["label"] = [label(str(name)) for name in free["parameter"]]
    names = [str(name) for name in uncertain().index]
    assumed = pd.DataFrame({"parameter": names, "identified": 0, "of": 0, "label": PRIOR_ONLY})
    return pd.concat([free, assumed], ignore_index=True)
