"""The times of a run: PySD's rules for stepping, stopping and saving."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sim.errors import SimError

PRECISION = 1e-5  # of the time step: slack for stopping and saving (PySD: Time.rprec)
MAX_STEPS = 10_000_000


@dataclass(frozen=True, slots=True)
class Grid:
    """Times of the steps, and which are saved.

    Attributes:
        times: (steps,) accumulated as t + dt, as PySD does.
        saved: (steps,) number of the save point, or -1.
        labels: (saves,) rounded times of the save points.
    """

    times: NDArray[np.float64]
    saved: NDArray[np.int64]
    labels: NDArray[np.float64]


def grid(initial: float, final: float, step: float, saveper: float, times: Iterable[float] | None = None) -> Grid:
    """The grid of a run.

    Args:
        initial, final, step, saveper: the control variables.
        times: save points; by default those of SAVEPER.

    Raises:
        SimError: no finite positive step, too many steps, or save points that no step meets.
    """
    _check(initial, final, step, saveper)
    wanted = None if times is None else np.unique(np.asarray(list(times), dtype=float))
    if wanted is not None and (not len(wanted) or not np.isfinite(wanted).all()):
        raise SimError("times: got no finite save point")
    end = final if wanted is None else max(final, float(wanted[-1])) if wanted[-1] <= final else float(wanted[-1])
    points = [initial]
    while points[-1] + step * PRECISION < end:
        points.append(points[-1] + step)
    path = np.array(points)
    kept = _by_saveper(path, step, saveper) if wanted is None else _by_times(path, step, wanted)
    last = int(np.flatnonzero(kept)[-1]) + 1 if kept.any() else 1
    path, kept = path[:last], kept[:last]
    saved = np.where(kept, np.cumsum(kept) - 1, -1).astype(np.int64)
    digits = -int(np.log10(step * PRECISION))
    return Grid(path, saved, np.round(path[kept], digits))


def _check(initial: float, final: float, step: float, saveper: float) -> None:
    named = {"INITIAL TIME": initial, "FINAL TIME": final, "TIME STEP": step, "SAVEPER": saveper}
    faults = [f"{name} is {value:g}" for name, value in named.items() if not np.isfinite(value)]
    if step <= 0:
        faults.append(f"TIME STEP is {step:g}; it must be positive")
    if saveper <= 0:
        faults.append(f"SAVEPER is {saveper:g}; it must be positive")
    if not faults and (final - initial) / step > MAX_STEPS:
        faults.append(f"{(final - initial) / step:.3g} steps are asked for; at most {MAX_STEPS} are allowed")
    if faults:
        raise SimError("; ".join(faults))


def _by_saveper(path: NDArray[np.float64], step: float, saveper: float) -> NDArray[np.bool_]:
    since, slack = path - path[0], step * PRECISION
    kept: NDArray[np.bool_] = (np.mod(since, saveper) < slack) | (np.mod(-since, saveper) < slack)
    return kept


def _by_times(path: NDArray[np.float64], step: float, wanted: NDArray[np.float64]) -> NDArray[np.bool_]:
    nearest = np.clip(np.searchsorted(path, wanted - step / 2), 0, len(path) - 1)
    missed = [f"{time:g}" for time, i in zip(wanted, nearest, strict=True) if abs(path[i] - time) > 1e-3 * step]
    if missed:
        raise SimError(
            f"no step meets the save points {', '.join(missed[:10])}: "
            f"the run goes from {path[0]:g} by steps of {step:g}; give times on that grid"
        )
    kept = np.zeros(len(path), dtype=bool)
    kept[nearest] = True
    return kept
