"""Shapley effects from a given, correlated sample (a posterior), where no Sobol' design can be drawn.

Method: least-squares regression on Hermite polynomials of the inputs' normal scores, up to a total degree and at most
two inputs a term. The value of a coalition of inputs is the R² of the terms made of its members alone; averaging its
gain over random orders gives each input's Shapley effect (Owen & Prieur 2017; for degree 1 this is the LMG measure of
Lindeman, Merenda & Gold 1980). Effects add up to the R² of the emulator; the rest is named `unexplained`. Correlation
is shared out fairly instead of being counted twice. A dummy column shows the effect that chance alone would give.
"""

from collections.abc import Sequence
from itertools import combinations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import linalg, stats

from experiments.analyses.sensitivity.factors import DUMMY, Array, finite, labels

UNEXPLAINED = "unexplained"
MAX_TERMS = 600  # keeps the factorisations of all orders within seconds


def shapley(
    inputs: pd.DataFrame,
    outputs: Array,
    rng: np.random.Generator,
    *,
    names: Sequence[str] | None = None,
    orders: int = 64,
    blocks: int = 10,
    max_degree: int = 4,
) -> pd.DataFrame:
    """Shapley effects of the columns of `inputs` (runs, inputs; any dependence) on `outputs` (runs, [outputs]).

    The degree is the highest ≤ max_degree with at most a tenth as many terms as runs. Columns: output, factor, effect
    (share of the variance), low, high (95 %, delete-a-block jackknife), degree, runs. Rows `dummy` (noise level) and
    `unexplained` (variance outside the emulator) close each output.
    """
    y = finite(outputs, inputs)
    x = inputs.loc[:, inputs.max() > inputs.min()].assign(**{DUMMY: rng.standard_normal(len(inputs))})
    if len(x) < 10 * len(x.columns):
        raise ValueError(
            f"{len(x)} runs are too few for {len(x.columns)} inputs; at least {10 * len(x.columns)} are needed"
        )
    terms = _terms(len(x.columns), min(len(x) // 10, MAX_TERMS), max_degree)
    features = _features(x, terms)
    order = np.stack([rng.permutation(len(x.columns)) for _ in range((orders + 1) // 2)])
    order = np.vstack([order, order[:, ::-1]])  # antithetic orders halve the noise
    part = rng.permutation(len(x)) % blocks
    whole = _effects(features, y, terms, order)
    without = np.stack([_effects(features[part != b], y[part != b], terms, order) for b in range(blocks)])
    error = np.sqrt((blocks - 1) / blocks * ((without - without.mean(axis=0)) ** 2).sum(axis=0))
    width = stats.t.ppf(0.975, blocks - 1) * error
    rows = [*x.columns, UNEXPLAINED]
    index = pd.MultiIndex.from_product([labels(names, y.shape[1]), rows], names=["output", "factor"])
    columns = {"effect": whole.T.ravel(), "low": (whole - width).T.ravel(), "high": (whole + width).T.ravel()}
    degree = max(sum(d for _, d in t) for t in terms)
    return pd.DataFrame(columns, index=index).reset_index().assign(degree=degree, runs=len(x))


def _terms(inputs: int, limit: int, max_degree: int) -> list[tuple[tuple[int, int], ...]]:
    """Terms ((input, degree), …) of the highest total degree that keeps within the limit."""
    for top in range(max_degree, 0, -1):
        alone = [((i, d),) for i in range(inputs) for d in range(1, top + 1)]
        pairs = [
            ((i, d), (j, e))
            for i, j in combinations(range(inputs), 2)
            for d in range(1, top)
            for e in range(1, top + 1 - d)
        ]
        if len(alone) + len(pairs) <= limit:
            return [*alone, *pairs]
    return [((i, 1),) for i in range(inputs)]


def _features(x: pd.DataFrame, terms: list[tuple[tuple[int, int], ...]]) -> Array:
    z = stats.norm.ppf((x.rank().to_numpy() - 0.5) / len(x))
    top = max(d for t in terms for _, d in t)
    hermite = [np.ones_like(z), z]
    for d in range(1, top):
        hermite.append(z * hermite[d] - d * hermite[d - 1])
    return np.stack([np.prod([hermite[d][:, i] for i, d in t], axis=0) for t in terms], axis=1)


def _effects(features: Array, y: Array, terms: list[tuple[tuple[int, int], ...]], orders: NDArray[np.int_]) -> Array:
    """(inputs + 1, outputs): mean gain of R² when an input joins, over the orders; last row the unexplained rest."""
    f = (features - features.mean(axis=0)) / features.std(axis=0)
    spread = y.std(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        v = (y - y.mean(axis=0)) / np.where(spread > 0, spread, np.nan)
    gram = f.T @ f / len(f) + 1e-9 * np.eye(f.shape[1])  # the ridge only keeps collinear inputs factorisable
    target = f.T @ np.nan_to_num(v) / len(f)
    members = np.array([[t[0][0], t[-1][0]] for t in terms])
    inputs = orders.shape[1]
    gain = np.zeros((inputs, y.shape[1]))
    for order in orders:
        place = np.argsort(order)
        joins = place[members].max(axis=1)  # a term enters with the last of its inputs
        rows = np.argsort(joins, kind="stable")
        lower = np.linalg.cholesky(gram[np.ix_(rows, rows)])
        earned = linalg.solve_triangular(lower, target[rows], lower=True, check_finite=False) ** 2
        np.add.at(gain, order[joins[rows]], earned)
    gain /= len(orders)
    return np.where(np.isnan(v[:1]), np.nan, np.vstack([gain, 1 - gain.sum(axis=0)]))
