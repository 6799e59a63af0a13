"""Functions whose Sobol' indices are known in closed form."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from experiments.analyses.sensitivity import sobol
from experiments.analyses.sensitivity.factors import DUMMY, Array, Factor


@dataclass(frozen=True)
class Published:
    name: str
    evaluate: Callable[[pd.DataFrame], Array]
    factors: tuple[Factor, ...]
    first: Array
    total: Array


def ishigami(a: float = 7.0, b: float = 0.1) -> Published:
    """Ishigami & Homma (1990); indices as in Saltelli et al. (2008), Global Sensitivity Analysis, p. 179."""

    def f(x: pd.DataFrame) -> Array:
        x1, x2, x3 = (x[c].to_numpy() for c in ("x1", "x2", "x3"))
        return np.sin(x1) + a * np.sin(x2) ** 2 + b * x3**4 * np.sin(x1)

    v1, v2 = 0.5 * (1 + b * np.pi**4 / 5) ** 2, a**2 / 8
    v13 = b**2 * np.pi**8 * (1 / 18 - 1 / 50)
    v = v1 + v2 + v13
    factors = tuple(Factor(f"x{i}", -np.pi, np.pi) for i in (1, 2, 3))
    return Published("Ishigami", f, factors, np.array([v1, v2, 0]) / v, np.array([v1 + v13, v2, v13]) / v)


def sobol_g(a: tuple[float, ...] = (0, 1, 4.5, 9, 99, 99, 99, 99)) -> Published:
    """Sobol' G function, Saltelli & Sobol' (1995): partial variances 1/(3 (1+a)²)."""
    c = np.array(a)

    def f(x: pd.DataFrame) -> Array:
        return np.asarray(((np.abs(4 * x.to_numpy() - 2) + c) / (1 + c)).prod(axis=1))

    part = 1 / (3 * (1 + c) ** 2)
    v = np.prod(1 + part) - 1
    total = part * np.prod(1 + part) / (1 + part)
    return Published("Sobol' G", f, tuple(Factor(f"x{i + 1}") for i in range(len(a))), part / v, total / v)


def linear(weights: tuple[float, ...] = (1.0, 2.0, 3.0, 0.5)) -> Published:
    """A weighted sum of standard normals: S1 = ST = w²/Σw²."""
    w = np.array(weights)
    share = w**2 / (w**2).sum()
    factors = tuple(Factor(f"x{i + 1}", inverse=stats.norm.ppf) for i in range(len(w)))
    return Published("linear", lambda x: np.asarray(x.to_numpy() @ w), factors, share, share)


ALL = (ishigami(), sobol_g(), linear())


def coverage(case: Published, repeats: int, runs: int) -> pd.DataFrame:
    """Share of repeats whose 95 % interval holds the true index, per factor and index."""
    inside = np.zeros((repeats, 2, len(case.factors)))
    for r in range(repeats):
        table = sobol.indices(case.evaluate, case.factors, runs=runs, seed=r + 1)
        table = table[table.factor != DUMMY]
        for k, (index, truth) in enumerate((("S1", case.first), ("ST", case.total))):
            inside[r, k] = (table[f"{index}_low"] <= truth) & (truth <= table[f"{index}_high"])
    names = [f.name for f in case.factors]
    return pd.DataFrame({"factor": names, "S1": inside[:, 0].mean(axis=0), "ST": inside[:, 1].mean(axis=0)})
