"""Morris screening with a dummy input (Morris 1991; Campolongo, Cariboni & Saltelli 2007), through SALib."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from SALib.analyze import morris as analyser
from SALib.sample import morris as sampler

from experiments.analyses.sensitivity.factors import (
    DUMMY,
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

FLOOR = 0.05
"""Share of the largest μ* below which an effect counts as the dummy's, which is exactly 0 in a deterministic model.

The variance goes with the square: an input below it takes part in some 0.25 % of the variance of the largest."""


def effects(
    evaluate: Evaluate,
    factors: Sequence[Factor],
    *,
    trajectories: int = 20,
    levels: int = 8,
    seed: int = 1,
    outputs: Sequence[str] | None = None,
) -> pd.DataFrame:
    """Elementary effects of every factor and of a dummy, sampled and analysed in one go.

    Costs trajectories × (factors + 2) runs. Columns: output, factor, mu (mean effect, output units between the
    outermost levels, the factor's quantiles ½/levels and 1 − ½/levels), mu_star (mean absolute effect), mu_star_ci
    (95 % half-width), sigma, kept (above the dummy's level).
    """
    every = with_dummy(factors)
    salib = problem(every)
    draw, resample = seeds(seed, 2)
    with global_state_kept():
        # Levels sit in the cells' middles: the ends of an unbounded distribution are no place to measure an effect.
        unit = sampler.sample(salib, trajectories, num_levels=levels, seed=draw)
        points = design(every, 0.5 / levels + unit * (1 - 1 / levels))
        y = finite(evaluate(points), points)
        tables = [
            _one(analyser.analyze(salib, unit, y[:, k].copy(), num_levels=levels, seed=resample), name)
            for k, name in enumerate(labels(outputs, y.shape[1]))
        ]
    return pd.concat(tables, ignore_index=True).assign(runs=len(points))


def _one(result: dict[str, Any], output: str) -> pd.DataFrame:
    table = pd.DataFrame({k: np.ma.getdata(result[k]) for k in ("names", "mu", "mu_star", "mu_star_conf", "sigma")})
    table = table.rename(columns={"names": "factor", "mu_star_conf": "mu_star_ci"})
    table.insert(0, "output", output)
    dummy = table.loc[table.factor == DUMMY].iloc[0]
    level = max(dummy.mu_star + dummy.mu_star_ci, FLOOR * table.mu_star.max())
    return table.assign(kept=(table.mu_star + table.mu_star_ci > level) & (table.factor != DUMMY))


def survivors(table: pd.DataFrame) -> list[str]:
    """Factors above the dummy's level for at least one output, most influential first."""
    share = table.mu_star / table.groupby("output").mu_star.transform("max").replace(0, np.nan)
    best = share[table.kept].groupby(table.factor[table.kept]).max().sort_values(ascending=False)
    return [str(name) for name in best.index]
