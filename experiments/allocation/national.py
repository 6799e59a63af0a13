"""The national sum: identity, normalisation by one scalar, caps and floors, rounding. Every rule passes through here.

With base-year energy E, base-year GDP Y and growth factors G (target year over base year), the nation's cut t follows
from the provinces' cuts t_p by

    1 − t = [Σ E_p (1 − t_p) G_p / Σ E_p] / G ,    G = Σ Y_p G_p / Σ Y_p

so it is the energy-weighted mean of t_p only where growth is uniform. All cuts here are fractions (0.16 = 16 %).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.reading.faults import InputError

Array = NDArray[np.float64]
Cut = Callable[[float], Array]
"""Cuts of all provinces (fraction) as a function of one scalar, nowhere falling as the scalar rises."""

BISECTIONS = 100
WIDENINGS = 60


@dataclass(frozen=True)
class Weights:
    """Weights that turn provincial cuts into the national one.

    energy: base-year energy, or CO2 for a target of CO2 intensity (province), 0 where not measured.
    gdp: base-year GDP (province), 0 where energy is not measured.
    growth: GDP of the target year over GDP of the base year (province), > 0.
    """

    energy: Array
    gdp: Array
    growth: Array

    def aggregate(self, cut: Array) -> float:
        """The nation's cut that the provincial cuts (province) amount to: the identity above."""
        counted = self.energy > 0
        after = np.sum(self.energy[counted] * (1 - cut[counted]) * self.growth[counted])
        return float(1 - after / np.sum(self.energy) / self.national_growth)

    @property
    def national_growth(self) -> float:
        """GDP of all counted provinces in the target year over the base year."""
        return float(np.sum(self.gdp * self.growth) / np.sum(self.gdp))


@dataclass(frozen=True)
class Bounds:
    """Lowest and highest cut that a province may get, fractions; one number for all."""

    floor: float = -np.inf
    cap: float = np.inf

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> "Bounds":
        """From the options `floor` and `cap`, per cent, None where there is none. Raises InputError for floor > cap."""
        floor, cap = options["floor"], options["cap"]
        if floor is not None and cap is not None and floor > cap:
            raise InputError(f"got floor {floor:g} above cap {cap:g}; allowed: floor ≤ cap")
        return cls(-np.inf if floor is None else floor / 100, np.inf if cap is None else cap / 100)

    def __call__(self, cut: Array) -> Array:
        """Cuts held within the bounds; a cut that is not defined stays so."""
        return np.clip(cut, self.floor, self.cap)


def meet(cut: Cut, weights: Weights, national: float, bounds: Bounds) -> tuple[Array, float]:
    """The cuts (province) within `bounds` whose national sum is `national`, and the scalar that gives them.

    Holding each province at its bound while the scalar goes on rising is water-filling: what a bound takes from one
    province, the free ones carry in the rule's own proportions. Raises InputError where the bounds leave no solution.
    """

    def excess(scalar: float) -> float:
        return weights.aggregate(bounds(cut(scalar))) - national

    low, high = _bracket(excess)
    if excess(low) > 0 or excess(high) < 0:
        reach = sorted(100 * (excess(end) + national) for end in (low, high))
        raise InputError(
            f"got a national target of {100 * national:.4g} %; with these bounds this rule can give {reach[0]:.2f} to "
            f"{reach[1]:.2f} %: change the target, the floor or the cap"
        )
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        low, high = (middle, high) if excess(middle) < 0 else (low, middle)
    return bounds(cut(high)), high


def _bracket(excess: Callable[[float], float]) -> tuple[float, float]:
    """Scalars on both sides of the root, widened from (−1, 1) until they enclose it or nothing changes any more."""
    low, high = -1.0, 1.0
    for _ in range(WIDENINGS):
        if excess(low) <= 0 <= excess(high):
            break
        low, high = (2 * low if excess(low) > 0 else low), (2 * high if excess(high) < 0 else high)
    return low, high


def round_plain(cut: Array, step: float, bounds: Bounds) -> Array:
    """Cuts to the nearest multiple of `step` (half up) that the bounds allow."""
    return _within(np.floor(cut / step + 0.5), step, bounds)


def round_largest_remainder(cut: Array, step: float, bounds: Bounds, weights: Weights, national: float) -> Array:
    """Cuts rounded so that the national sum stays as near to `national` as whole steps allow.

    All are rounded down; then the provinces with the largest remainders go up one step, as many as bring the national
    sum nearest to its target. A cut that is a whole step already stays. Ties go by the unrounded cut, then by energy,
    so that the order of provinces is of no account.
    """
    down = _within(np.floor(cut / step + 1e-9), step, bounds)
    up = _within(np.floor(cut / step + 1e-9) + 1, step, bounds)
    remainder = np.round((cut - down) / step, 9)
    defined = np.flatnonzero(np.isfinite(cut) & (up > down) & (remainder > 0))
    order = sorted(defined, key=lambda i: (-remainder[i], -cut[i], -weights.energy[i]))
    best, miss, current = down, abs(weights.aggregate(np.nan_to_num(down)) - national), down.copy()
    for i in order:
        current[i] = up[i]
        error = abs(weights.aggregate(np.nan_to_num(current)) - national)
        if error < miss:
            best, miss = current.copy(), error
    return best


def _within(units: Array, step: float, bounds: Bounds) -> Array:
    """Whole units held to the multiples of `step` within the bounds."""
    least, most = np.ceil(bounds.floor / step - 1e-9), np.floor(bounds.cap / step + 1e-9)
    return np.clip(units, least, most) * step
