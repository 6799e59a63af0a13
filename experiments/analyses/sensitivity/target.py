"""Inputs that decide hit or miss: total index of the indicator, RSA curves, and irrelevance confirmed by fresh runs.

Regional sensitivity analysis alone clears an input that acts only through interaction (measured: one that takes part
in 30 % of the variance of "target reached"), so curves explain here, and only the total index judges.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from experiments.analyses.sensitivity import sobol
from experiments.analyses.sensitivity.factors import DUMMY, Array, Evaluate, Factor, design, finite, seeds

TOLERANCE = 0.01
"""Least ST distinguishable from the dummy's, because a deterministic model gives its dummy exactly 0."""


def hit_and_margin(margin: Evaluate) -> Evaluate:
    """Outputs (runs, 2·k) of an evaluation of margins (runs, k): the margins, then the indicators margin ≥ 0."""

    def both(points: pd.DataFrame) -> Array:
        m = finite(margin(points), points)
        return np.hstack([m, (m >= 0).astype(float)])

    return both


def verdicts(table: pd.DataFrame) -> pd.DataFrame:
    """`sobol.indices` of indicators with a column `verdict`, every interval against the dummy's level.

    irrelevant: ST lies at or below it; decides: S1 lies above it; interacts: ST does, and S1 lies below ST; takes part:
    ST does, but whether alone or with others the intervals do not tell; unclear: not even that; constant: hit (or
    missed) in every run.
    """
    level = table.output.map(table[table.factor == DUMMY].set_index("output").ST_high).clip(lower=TOLERANCE)
    acts = table.ST_low > level
    cases = {
        "constant": table.ST.isna(),
        "irrelevant": table.ST_high <= level,
        "decides": table.S1_low > level,
        "interacts": acts & (table.S1_high < table.ST_low),
        "takes part": acts,
    }
    verdict = np.select(list(cases.values()), list(cases), "unclear")
    return table.assign(verdict=np.where(table.factor == DUMMY, DUMMY, verdict))


def irrelevant(table: pd.DataFrame) -> dict[str, list[str]]:
    """Output → the factors whose verdict for it is `irrelevant`; outputs without any have an empty list."""
    return {
        str(output): [str(name) for name in one.factor[one.verdict == "irrelevant"]]
        for output, one in table.groupby("output", sort=False)
    }


def fixed(factors: Sequence[Factor], names: Sequence[str]) -> tuple[Factor, ...]:
    """The factors with those named held at their median."""
    held = set(names)
    middle = np.array([0.5])
    return tuple(replace(f, choices=(f.quantile(middle)[0],), inverse=None) if f.name in held else f for f in factors)


def validate(
    margin: Evaluate,
    factors: Sequence[Factor],
    names: Mapping[str, Sequence[str]],
    *,
    runs: int = 1000,
    seed: int = 1,
    tolerance: float = 0.02,
) -> pd.DataFrame:
    """Fresh runs, all inputs free against the same runs with inputs fixed: does the chance of a hit move?

    names: output of `margin` → factors held at their median for it, for every output in order. Columns: output, chance,
    chance_fixed, difference, low, high (95 % interval of the paired difference), changed (share of runs whose verdict
    flips), holds (the whole interval lies within ± `tolerance`), fixed (how many inputs), inputs (their names), runs.
    """
    (s,) = seeds(seed, 1)
    unit = np.asarray(stats.qmc.LatinHypercube(len(factors), rng=np.random.default_rng(s)).random(runs))

    def hits(points: pd.DataFrame) -> Array:
        return (finite(margin(points), points) >= 0).astype(float)

    free = hits(design(factors, unit))
    held, sets = free.copy(), [frozenset(chosen) for chosen in names.values()]
    if len(sets) != free.shape[1]:
        raise ValueError(f"{free.shape[1]} outputs, but inputs to fix for {len(sets)}")
    distinct = sorted({own for own in sets if own}, key=sorted)
    if distinct:
        points = pd.concat([design(fixed(factors, sorted(own)), unit) for own in distinct], ignore_index=True)
        blocks = hits(points).reshape(len(distinct), runs, -1)
        for k, own in enumerate(sets):
            if own:
                held[:, k] = blocks[distinct.index(own), :, k]
    flip = held - free
    width = stats.norm.ppf(0.975) * np.sqrt((flip.var(axis=0) + 1 / runs**2) / runs)
    move = flip.mean(axis=0)
    return pd.DataFrame(
        {
            "output": list(names),
            "chance": free.mean(axis=0),
            "chance_fixed": held.mean(axis=0),
            "difference": move,
            "low": move - width,
            "high": move + width,
            "changed": (flip != 0).mean(axis=0),
            "holds": (move - width > -tolerance) & (move + width < tolerance),
            "fixed": [len(own) for own in sets],
            "inputs": ["; ".join(sorted(own)) for own in sets],
            "runs": runs,
        }
    )


def telling(x: pd.DataFrame, cases: NDArray[np.bool_], most: int) -> list[str]:
    """The inputs whose distribution differs most between cases and others (Kolmogorov-Smirnov distance)."""
    if cases.all() or not cases.any():
        return list(x.columns[:most])
    ranks = x.rank().to_numpy()
    order = np.argsort(ranks, axis=0, kind="stable")
    yes = np.cumsum(cases[order], axis=0) / cases.sum()
    no = np.cumsum(~cases[order], axis=0) / (~cases).sum()
    distance = np.abs(yes - no).max(axis=0)
    return [str(c) for c in x.columns[np.sort(np.argsort(-distance, kind="stable")[:most])]]


def curves(unit: pd.DataFrame, hit: Array, output: str = "output", points: int = 21) -> pd.DataFrame:
    """Regional sensitivity curves (Hornberger & Spear 1981): each input's distribution among hits and among misses.

    unit (runs, factors): inputs as ranks or probabilities in 0…1; hit (runs,) of 0/1. Columns: output, factor, u,
    cdf_hit, cdf_miss, distance (Kolmogorov-Smirnov, over all u). NaN where one side has no member.
    """
    grid = np.linspace(0, 1, points)
    won = np.asarray(hit, dtype=bool)
    tables = []
    for name in unit.columns:
        u = unit[name].to_numpy(dtype=float)
        each = [_cdf(u[side], grid) for side in (won, ~won)]
        distance = stats.ks_2samp(u[won], u[~won]).statistic if won.any() and not won.all() else np.nan
        tables.append(
            pd.DataFrame(
                {
                    "output": output,
                    "factor": name,
                    "u": grid,
                    "cdf_hit": each[0],
                    "cdf_miss": each[1],
                    "distance": distance,
                }
            )
        )
    return pd.concat(tables, ignore_index=True)


def _cdf(values: Array, grid: Array) -> Array:
    if not values.size:
        return np.full(grid.size, np.nan)
    return np.asarray(np.searchsorted(np.sort(values), grid, side="right") / values.size)


def analyse(
    margin: Evaluate,
    factors: Sequence[Factor],
    *,
    runs: int = 5000,
    seed: int = 1,
    outputs: Sequence[str] | None = None,
    groups: bool = False,
    replicates: int = sobol.REPLICATES,
) -> pd.DataFrame:
    """Sobol' indices of margin and of hit, with ranks and verdicts, in one call; column `of` is margin or hit."""
    names = [f"{name}|{of}" for of in ("margin", "hit") for name in outputs or ["output"]]
    table = sobol.indices(
        hit_and_margin(margin), factors, runs=runs, seed=seed, replicates=replicates, outputs=names, groups=groups
    )
    split = table.output.str.rsplit("|", n=1, expand=True)
    return verdicts(table).assign(output=split[0], of=split[1])
