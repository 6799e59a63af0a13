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
