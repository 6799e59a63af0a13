"""Shapley over provinces: each pays its average marginal contribution to the joint bill of abatement.

L. S. Shapley, A value for n-person games, Contributions to the Theory of Games II, Princeton 1953. For the quotas of
China's regions: Y.-J. Zhang, A.-D. Wang, Y.-B. Da, Regional allocation of carbon emission quotas in China: evidence
from the Shapley value method, Energy Policy 74 (2014) 454-464; their game (carbon flows between regions) needs tables
that are not in the data, so the game is ours.
"""

from itertools import permutations

import numpy as np
import pandas as pd

from experiments.allocation.allowances import not_measured, over_mean, unchanged
from experiments.allocation.indicators import Indicators
from experiments.allocation.national import Array
from experiments.allocation.registry import Options, Proposal, rule

FEW = 7


def shapley_bill(duty: Array, capacity: Array, samples: int, rng: np.random.Generator) -> Array:
    """Shares (player, sum 1) of the joint bill (Σ duty)² / (2 Σ capacity) by the Shapley value.

    A coalition S meets the sum of its members' duties q at least cost; with marginal costs r / k the bill is
    (Σ q)² / (2 Σ k). Who brings much capacity k and little duty lowers the bill of the others and may be paid.
    Exact over all orders for up to seven players, else the mean over `samples` random orders, each with its reverse.

    >>> shapley_bill(np.array([1.0, 1.0]), np.array([1.0, 3.0]), 1, np.random.default_rng(1)).round(6).tolist()
    [0.833333, 0.166667]
    """
    players = duty.size
    if players <= FEW:
        orders = np.array(list(permutations(range(players))))
    else:
        half = rng.permuted(np.tile(np.arange(players), (samples, 1)), axis=1)
        orders = np.concatenate([half, half[:, ::-1]])
    bill = np.cumsum(duty[orders], axis=1) ** 2 / np.cumsum(capacity[orders], axis=1)
    marginal = np.diff(bill, axis=1, prepend=0.0)
    value = np.zeros(players)
    np.add.at(value, orders.ravel(), marginal.ravel())
    return np.asarray(value / value.sum())


@rule(
    "shapley",
    title="Shapley over provinces",
    origin="published principle, own game",
    source="Shapley 1953; Zhang, Wang & Da 2014",
)
def shapley_provinces(indicators: Indicators, options: Options) -> Proposal:
    """Saving of the target year in proportion to the province's share of the joint bill.

    Duty: the amount at unchanged intensity (a uniform cut of it). Capacity: the base-year amount times the energy of
    industry per value added over the nation's: energy-intensive industry has more to save at a price.
    """
    quantity = options["quantity"]
    duty = unchanged(indicators, quantity)
    potential = over_mean(indicators.industry, indicators.industry_value_added)
    capacity = indicators.amount(quantity) * potential
    known = np.isfinite(duty) & np.isfinite(capacity)
    order = np.flatnonzero(known)[np.argsort(duty[known], kind="stable")]  # whatever the order of provinces
    share = np.full(duty.size, np.nan)
    rng = np.random.default_rng(options["shapley_seed"])
    share[order] = shapley_bill(duty[order], capacity[order], options["shapley_orders"], rng)
    relative = share * np.sum(duty[known]) / duty

    def cut(scalar: float) -> Array:
        return np.asarray(scalar * relative)

    def detail(scalar: float) -> pd.DataFrame:
        return pd.DataFrame(
            {"share_of_bill": share, "share_of_duty": duty / np.sum(duty[known]), "potential": potential}
        )

    return Proposal(cut, detail, notes=not_measured(indicators))
