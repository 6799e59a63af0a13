"""First-order and total Sobol' indices from independently scrambled replicates, with t-intervals.

Saltelli et al. (2010) estimators as in SALib, on R scrambles of the Sobol' sequence instead of one long one: the
spread over replicates gives an honest interval at the same total cost (a bootstrap over one Sobol' design does not,
because its points are not independent).
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from SALib.sample import sobol as sampler
from scipy import stats

from experiments.analyses.sensitivity.factors import (
    DUMMY,
    Array,
    Evaluate,
    Factor,
    design,
    finite,
    global_state_kept,
    labels,
    problem,
    seeds,
    with_dummy,
)
from models.reading.faults import InputError

REPLICATES = 8


def plan(runs: int, columns: int, replicates: int = REPLICATES) -> tuple[int, int]:
    """Base points of a replicate and number of replicates that fill `runs` model runs with designs of `columns` inputs.

    The points are the largest power of two for `replicates`, the replicates at least as many as asked for.
    """
    points = runs // (replicates * (columns + 2))
    if points < 4:
        need = 4 * replicates * (columns + 2)
        raise InputError(f"{runs} runs are too few: {replicates} replicates × {columns} inputs need at least {need}")
    points = 1 << (points.bit_length() - 1)
    return points, runs // (points * (columns + 2))


def indices(
    evaluate: Evaluate,
    factors: Sequence[Factor],
    *,
    runs: int = 5000,
    replicates: int = REPLICATES,
    seed: int = 1,
    outputs: Sequence[str] | None = None,
    groups: bool = False,
) -> pd.DataFrame:
    """Sample, run and analyse in one call: S1 and ST of every factor (or group) and of a dummy.

    At most `runs` model runs in at least `replicates` scrambles. Columns: output, factor, S1, S1_low, S1_high, ST,
    ST_low, ST_high (95 % t-intervals over replicates), ST_half (ST from the first half of every replicate),
    replicates, runs. A constant output has NaN indices: nothing explains a variance of zero. An output that varies in
    one replicate alone has indices without intervals (NaN).
    """
    every = with_dummy(factors)
    salib = problem(every, groups)
    names = list(dict.fromkeys(f.group or f.name for f in every)) if groups else [f.name for f in every]
    n, replicates = plan(runs, len(names), replicates)
    with global_state_kept():
        unit = np.stack(
            [sampler.sample(salib, n, calc_second_order=False, scramble=True, seed=s) for s in seeds(seed, replicates)]
        )
    points = design(every, unit.reshape(-1, len(every)))
    y = finite(evaluate(points), points)
    blocks = y.reshape(replicates, n, len(names) + 2, -1)
    full, half = estimate(blocks), estimate(blocks[:, : n // 2])
    return _table(full, half, names, labels(outputs, y.shape[1])).assign(replicates=replicates, runs=len(points))


def estimate(y: Array) -> Array:
    """(2, replicates, factors, outputs): jackknife pseudo-values of S1 (Saltelli et al. 2010, eq. b) and ST (eq. f).

    y (replicates, points, 2 + factors, outputs) in the order A, A with column j from B, …, B. An index is a ratio of
    two means over replicates; leaving one replicate out at a time (Quenouille 1956) gives its interval with the
    error of the variance included, less bias than a mean of ratios, and no harm from a replicate without a rare event.
    NaN throughout for a constant output; NaN in the one replicate without which an output would be constant.
    """
    rounding = (1e-12 * np.abs(y).max(axis=(0, 1, 2))) ** 2
    y = y - y.mean(axis=(0, 1, 2))
    a, b, mixed = y[:, :, :1], y[:, :, -1:], y[:, :, 1:-1]
    ends = np.concatenate([a, b], axis=2)
    parts = np.stack([(b * (mixed - a)).mean(axis=1), 0.5 * ((a - mixed) ** 2).mean(axis=1)])
    mean, square = ends.mean(axis=(1, 2)), (ends**2).mean(axis=(1, 2))
    r, least = y.shape[0], np.maximum(rounding, 1e-12 * square.mean(axis=0))

    def ratio(part: Array, mean: Array, square: Array) -> Array:
        variance = square - mean**2
        return np.asarray(part / np.where(variance > least, variance, np.nan))

    def others(x: Array, axis: int) -> Array:
        return np.asarray((x.sum(axis=axis, keepdims=True) - x) / (r - 1))

    whole = ratio(parts.mean(axis=1), mean.mean(axis=0), square.mean(axis=0))
    without = ratio(others(parts, 1), others(mean, 0)[:, None], others(square, 0)[:, None])
    return np.asarray(r * whole[:, None] - (r - 1) * without)


def _table(full: Array, half: Array, names: list[str], outputs: list[str]) -> pd.DataFrame:
    replicates, known = full.shape[1], np.isfinite(full)
    mean = np.where(known, full, 0.0).sum(axis=1) / np.where(known.any(axis=1), known.sum(axis=1), np.nan)
    width = stats.t.ppf(0.975, replicates - 1) * full.std(axis=1, ddof=1) / np.sqrt(replicates)
    index = pd.MultiIndex.from_product([outputs, names], names=["output", "factor"])
    columns = {}
    for k, name in enumerate(("S1", "ST")):
        columns[name] = mean[k].T.ravel()
        columns[f"{name}_low"] = (mean[k] - width[k]).T.ravel()
        columns[f"{name}_high"] = (mean[k] + width[k]).T.ravel()
    columns["ST_half"] = half[1].mean(axis=0).T.ravel()
    return pd.DataFrame(columns, index=index).reset_index()


def ranked(table: pd.DataFrame, by: str = "ST") -> pd.DataFrame:
    """The table sorted by index, with a column `rank`: one number only where no interval overlaps, else a range.

    The dummy has no rank.
    """
    parts = []
    for _, one in table[table.factor != DUMMY].groupby("output", sort=False):
        low, high = one[f"{by}_low"].to_numpy(), one[f"{by}_high"].to_numpy()
        first = 1 + (low[None, :] > high[:, None]).sum(axis=1)
        last = len(one) - (high[None, :] < low[:, None]).sum(axis=1)
        words = [
            "–" if np.isnan(a) else str(f) if f == z else f"{f}–{z}" for f, z, a in zip(first, last, low, strict=True)
        ]
        parts.append(one.assign(rank=words).sort_values(by, ascending=False, kind="stable"))
    return pd.concat(parts, ignore_index=True)


def convergence(table: pd.DataFrame) -> pd.DataFrame:
    """Per output: do the orders that the intervals allow at N also hold at N/2?

    Columns: output, pairs (distinguished at N), reversed (of these, at N/2), widest (largest ST interval half-width),
    total_dummy (upper end of the dummy's ST), stable (a constant output has no order that could change).
    """
    rows = []
    for output, one in table.groupby("output", sort=False):
        real = one[one.factor != DUMMY]
        low, high, half = (real[c].to_numpy() for c in ("ST_low", "ST_high", "ST_half"))
        apart = low[:, None] > high[None, :]
        back = apart & (half[:, None] < half[None, :])
        rows.append(
            {
                "output": output,
                "pairs": int(apart.sum()),
                "reversed": int(back.sum()),
                "widest": float((0.5 * (high - low)).max()),
                "total_dummy": float(one.loc[one.factor == DUMMY, "ST_high"].iloc[0]),
                "stable": bool(not back.any() and np.isfinite(half[np.isfinite(low)]).all()),
            }
        )
    return pd.DataFrame(rows)
