"""Who contributes what: exact Shapley shares of packages, and the logarithmic mean (LMDI) split of a change.

Shapley: a package's share is its marginal effect, averaged over all orders in which the packages can be added
(Shapley 1953); the shares add to the joint effect whatever the overlap. LMDI-I additive (Ang 2005): for
y = Σ_i Π_k x_ki, factor k contributes Σ_i L(y_i', y_i) ln(x_ki' / x_ki), L(a, b) = (a − b) / ln(a / b); no residual.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import combinations
from math import comb

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Coalition = frozenset[str]
LARGEST = 10
SMALLEST = 1e-300  # stands for zero: x ln x → 0, so the limit is taken to rounding (Ang & Liu 2007)
LIMIT_TERM = 0.02  # of a term that vanishes, what taking 1e-300 for zero leaves unexplained


def coalitions(players: Sequence[str]) -> Iterator[Coalition]:
    """All 2^n subsets, the empty one first. Raises ValueError for more than ten players or for double names."""
    if len(players) > LARGEST or len(set(players)) < len(players):
        raise ValueError(f"at most {LARGEST} different players are asked for, got {len(players)}: {', '.join(players)}")
    for size in range(len(players) + 1):
        yield from map(frozenset, combinations(players, size))


def shapley(
    players: Sequence[str], value: Callable[[Coalition], Array] | Mapping[Coalition, Array]
) -> dict[str, Array]:
    """Exact Shapley values: player → array of the shape that `value` returns for a coalition.

    value: worth of every coalition of `coalitions(players)`. The values add to value(all) − value(none).
    """
    worth = {c: np.asarray(value[c] if isinstance(value, Mapping) else value(c), float) for c in coalitions(players)}
    n = len(players)
    shares: dict[str, Array] = {}
    for player in players:
        others = [c for c in worth if player not in c]
        parts = [(worth[c | {player}] - worth[c]) / (n * comb(n - 1, len(c))) for c in others]
        shares[player] = np.sum(parts, axis=0)
    return shares


def log_mean(a: Array, b: Array) -> Array:
    """Logarithmic mean L(a, b) = (a − b) / ln(a / b) of positive numbers; a where both are equal."""
    ratio = np.log(a) - np.log(b)
    near = np.abs(ratio) < 1e-8
    # expm1 keeps the digits that a − b would lose where a and b are close
    mean: Array = np.where(near, np.sqrt(a * b), b * np.expm1(ratio) / np.where(near, 1.0, ratio))
    return mean


def lmdi(before: Mapping[str, Array], after: Mapping[str, Array], axes: int | tuple[int, ...]) -> dict[str, Array]:
    """Contribution of each factor to the change of y = Σ Π factor, summed over `axes`; the parts add to it exactly.

    before, after: the same factors, arrays that broadcast against each other, not negative. A term that is zero on one
    side only is taken at its limit. Raises ValueError where factors differ or are negative.
    """
    if list(before) != list(after):
        raise ValueError(f"the same factors are asked for, got {', '.join(before)} and {', '.join(after)}")
    negative = [name for name in before if (np.asarray(before[name]) < 0).any() or (np.asarray(after[name]) < 0).any()]
    if negative:
        raise ValueError(f"factors must not be negative: {', '.join(negative)}")
    old, new = _product(before), _product(after)
    weight = np.where((old <= 0) & (new <= 0), 0.0, log_mean(np.maximum(new, SMALLEST), np.maximum(old, SMALLEST)))
    shares = {name: weight * _log_ratio(before[name], after[name]) for name in before}
    rest = (new - old) - np.sum(list(shares.values()), axis=0)  # rounding, and the limit of vanishing terms
    if (np.abs(rest) > LIMIT_TERM * np.maximum(old, new)).any():
        raise ArithmeticError(f"the factors leave a residual of up to {np.abs(rest).max():g}; is one of them infinite?")
    moved = np.sum([np.abs(share) for share in shares.values()], axis=0)
    safe = np.where(moved > 0, moved, 1.0)
    closed = {name: share + rest * np.where(moved > 0, np.abs(share) / safe, 0.0) for name, share in shares.items()}
    return {name: share.sum(axis=axes) for name, share in closed.items()}


def _product(factors: Mapping[str, Array]) -> Array:
    whole: Array = np.ones(())
    for factor in factors.values():
        whole = whole * np.asarray(factor, float)
    return whole


def _log_ratio(old: Array, new: Array) -> Array:
    ratio: Array = np.log(np.maximum(new, SMALLEST)) - np.log(np.maximum(old, SMALLEST))
    return ratio
