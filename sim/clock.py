"""The times of a run: PySD's rules for stepping, stopping and saving."""

from __future__ import annotations

from collections.abc import Callable, Iterable
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
        times: (steps,) accumulated as t + dt, as PySD does, but held on the decimal grid, as Vensim does.
        saved: (steps,) number of the save point, or -1.
        labels: (saves,) rounded times of the save points.
    """

    times: NDArray[np.float64]
    saved: NDArray[np.int64]
    labels: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Controls:
    """INITIAL TIME, FINAL TIME, TIME STEP and SAVEPER, with their values at some time."""

    initial: float
    final: float
    step: float
    saveper: float


def grid(controls: Callable[[float], Controls], times: Iterable[float] | None = None) -> Grid:
    """The grid of a run.

    Args:
        controls: the control variables at a time; INITIAL TIME is taken at time 0.
        times: save points; by default those of SAVEPER.

    Raises:
        SimError: no finite positive step, too many steps, or save points that no step meets.
    """
    wanted = None if times is None else np.unique(np.asarray(list(times), dtype=float))
    if wanted is not None and (not len(wanted) or not np.isfinite(wanted).all()):
        raise SimError("times: got no finite save point")
    first = controls(0.0).initial
    time, path, kept, now, checked = first, list[float](), list[bool](), controls(first), None
    while True:
        if now is not checked:
            _check(first, now, len(path))
            checked = now
        slack = now.step * PRECISION
        path.append(time)
        kept.append((time - first) % now.saveper < slack or (first - time) % now.saveper < slack)
        if not time + slack < (now.final if wanted is None else wanted[-1]):
            break
        time = _on_grid(time + now.step)
        now = controls(time)
    chosen = np.array(kept) if wanted is None else _by_times(np.array(path), now.step, wanted)
    last = int(np.flatnonzero(chosen)[-1]) + 1 if chosen.any() else 1
    points, chosen = np.array(path)[:last], chosen[:last]
    saved = np.where(chosen, np.cumsum(chosen) - 1, -1).astype(np.int64)
    digits = -int(np.log10(now.step * PRECISION))
    return Grid(points, saved, np.round(points[chosen], digits))


def _on_grid(time: float) -> float:
    """A time without the rounding errors of adding a decimal step: 0.3, not 0.1 + 0.1 + 0.1."""
    near = round(time, 9)
    return near if abs(near - time) <= 4 * np.spacing(abs(time)) else time


def _check(first: float, now: Controls, done: int) -> None:
    named = {"INITIAL TIME": first, "FINAL TIME": now.final, "TIME STEP": now.step, "SAVEPER": now.saveper}
    faults = [f"{name} is {value:g}" for name, value in named.items() if not np.isfinite(value)]
    if now.step <= 0:
        faults.append(f"TIME STEP is {now.step:g}; it must be positive")
    if now.saveper <= 0:
        faults.append(f"SAVEPER is {now.saveper:g}; it must be positive")
    if not faults and done + (now.final - first) / now.step > MAX_STEPS:
        faults.append(f"{(now.final - first) / now.step:.3g} steps are asked for; at most {MAX_STEPS} are allowed")
    if faults:
        raise SimError("; ".join(faults))


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
