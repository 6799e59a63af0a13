"""Failure conditions by patient rule induction (Friedman & Fisher 1999): found on one half, judged on the other.

The peeling objective is gain of the mean per member removed (Kwakkel & Jaxa-Rozen 2016). Of the boxes on the way, the
one of the greatest weighted relative accuracy, mass × (density − base rate), is kept: it has meaning at any base rate.
"""

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from experiments.analyses.intervals import wilson
from experiments.analyses.sensitivity.target import telling

Array = NDArray[np.float64]
Bool = NDArray[np.bool_]
OPEN = (-np.inf, np.inf)
LEAST, OFFERED = 20, 12
"""Cases (and others) that each half must have; inputs searched, those that differ most on the half that is searched."""


@dataclass(frozen=True)
class PrimBox:
    """Limits of the restricted inputs (input → low, high in its units; ±inf: open) and the held-out half's counts.

    members, cases: of the held-out half; inside, hits: of these, within the limits.
    """

    limits: dict[str, tuple[float, float]]
    members: int
    cases: int
    inside: int
    hits: int

    def scores(self) -> dict[str, float]:
        """Coverage (share of cases inside), density (share of cases among members inside), base rate, Wilson 95 %."""
        cover, dense = (tuple(map(float, wilson(self.hits, n))) for n in (self.cases, self.inside))
        names = ("coverage", "coverage_low", "coverage_high", "density", "density_low", "density_high", "base")
        values = (self.hits / self.cases, *cover, self.hits / max(self.inside, 1), *dense, self.cases / self.members)
        return dict(zip(names, values, strict=True))


def peel(x: Array, y: Array | Bool, alpha: float = 0.05, mass: float = 0.05, most: int = 4) -> list[Array]:
    """The nested boxes (inputs, 2) of greedy peeling, the whole space first, at most `most` inputs restricted.

    x (members, inputs), y (members,): case or not, or its probability. Each step cuts the share alpha (at least one
    value) off that side of that input which raises the mean most for every member removed, down to the share `mass`.
    """
    box = np.tile(OPEN, (x.shape[1], 1))
    path, keep = [box], np.ones(len(x), dtype=bool)
    while True:
        used = np.isfinite(box).any(axis=1)
        best: tuple[float, Array, Bool] | None = None
        for j in np.flatnonzero(used) if used.sum() >= most else range(x.shape[1]):
            for side in (0, 1):
                trial = box.copy()
                trial[j, side] = _cut(x[keep, j], side, alpha)
                left = keep & (x[:, j] >= trial[j, 0]) & (x[:, j] <= trial[j, 1])
                removed = keep.sum() - left.sum()
                if removed and left.sum() >= mass * len(x):
                    gain = float((y[left].mean() - y[keep].mean()) / removed)
                    best = max(best, (gain, trial, left), key=lambda b: b[0]) if best else (gain, trial, left)
        if best is None or best[0] < 0:
            return path
        _, box, keep = best
        path.append(box)


def _cut(values: Array, side: int, alpha: float) -> float:
    """The limit that cuts about alpha of the values off one side, midway between two members."""
    order = np.unique(values)
    edge = np.quantile(values, 1 - alpha if side else alpha)
    at = int(np.clip(np.searchsorted(order, edge, side="left" if side else "right"), 1, max(len(order) - 1, 1)))
    return float(order[at - 1 : at + 1].mean())


def paste(box: Array, x: Array, y: Array | Bool, alpha: float = 0.05) -> Array:
    """Widen each finite side by steps of about alpha of the box's members as long as the mean does not fall."""
    improving = True
    while improving:
        improving = False
        for j, side in zip(*np.nonzero(np.isfinite(box)), strict=True):
            keep = _within(x, box)
            free = box.copy()
            free[j, side] = OPEN[side]
            outside = np.sort(x[_within(x, free) & ~keep, j])[:: -1 if side == 0 else 1]
            step = max(1, int(alpha * keep.sum()))
            wider = free.copy()
            if outside.size > step:
                wider[j, side] = outside[step - 1]
            if outside.size and y[_within(x, wider)].mean() >= y[keep].mean():
                box, improving = wider, True
    return box


def _within(x: Array, box: Array) -> Bool:
    return np.asarray(((x >= box[:, 0]) & (x <= box[:, 1])).all(axis=1))


def _earned(box: Array, x: Array, y: Bool, level: float = 0.05) -> Array:
    """The box without restrictions that do not raise the density significantly (Bryant & Lempert 2010, quasi-p)."""
    for j in np.flatnonzero(np.isfinite(box).any(axis=1)):
        without = np.where(np.arange(len(box))[:, None] == j, OPEN, box)
        inside, wider = y[_within(x, box)], y[_within(x, without)]
        if stats.binom.sf(inside.sum() - 1, inside.size, wider.mean()) > level:
            box = without
    return box


def accuracy(box: Array, x: Array, y: Array | Bool) -> float:
    """Weighted relative accuracy: mass × (density − base rate)."""
    keep = _within(x, box)
    return float(keep.mean() * (y[keep].mean() - y.mean())) if keep.any() else 0.0


def discover(
    x: pd.DataFrame, cases: NDArray[np.generic], rng: np.random.Generator, signal: Array | None = None
) -> tuple[PrimBox | None, pd.DataFrame]:
    """The box dense in cases, found on a random half of x (members, inputs), cases (members,) and judged on the other.

    signal (members,): a less noisy probability of being a case, on which the box is then found. No box when a half has
    fewer than LEAST cases or others, or no restriction is significant. With it the trade-off table: step, restricted
    inputs, and coverage, density and mass of both halves.
    """
    y, train = np.asarray(cases, dtype=bool), rng.permutation(len(x)) < len(x) // 2
    if any(min(part.sum(), (~part).sum()) < LEAST for part in (y[train], y[~train])):
        return None, pd.DataFrame()
    seen = y.astype(float) if signal is None else signal
    values = (x := x[telling(x[train], seen[train] > seen[train].mean(), OFFERED)]).to_numpy(dtype=float)
    path = peel(values[train], seen[train])
    table = pd.DataFrame([_row(k, box, values, y, train) for k, box in enumerate(path)])
    best = max(path, key=lambda box: accuracy(box, values[train], seen[train]))
    box = _earned(paste(best, values[train], seen[train]), values[train], y[train])
    if not np.isfinite(box).any():
        return None, table
    limits = {str(c): (lo, hi) for c, (lo, hi) in zip(x.columns, box.tolist(), strict=True) if (lo, hi) != OPEN}
    keep, test = _within(values[~train], box), y[~train]
    return PrimBox(limits, test.size, int(test.sum()), int(keep.sum()), int(test[keep].sum())), table


def _row(step: int, box: Array, x: Array, y: Bool, train: Bool) -> dict[str, float]:
    row: dict[str, float] = {"step": step, "restricted": int(np.isfinite(box).any(axis=1).sum())}
    for name, half in (("train_", train), ("", ~train)):
        keep = _within(x[half], box)
        row[f"{name}coverage"] = float(y[half][keep].sum() / y[half].sum())
        row[f"{name}density"] = float(y[half][keep].mean()) if keep.any() else float("nan")
        row[f"{name}mass"] = float(keep.mean())
    return row


def limits(box: PrimBox, **of: object) -> pd.DataFrame:
    """The box's limits as a table: of, input, low, high (NaN: open)."""
    rows = [{**of, "input": n, "low": lo, "high": hi} for n, (lo, hi) in box.limits.items()]
    return pd.DataFrame(rows).replace([math.inf, -math.inf], math.nan)
