"""Entropy-weighted index: of several indicators, the one that tells provinces apart most weighs most.

C. E. Shannon's entropy as weight of criteria: X. Xu, A note on the subjective and objective integrated approach to
determine attribute weights, European Journal of Operational Research 156 (2004) 530-532. The indicators are those of
Yi et al. 2011 with the amount per head added.
"""

import numpy as np
import pandas as pd

from experiments.allocation.allowances import not_measured, over_mean
from experiments.allocation.indicators import Indicators
from experiments.allocation.national import Array
from experiments.allocation.registry import Options, Proposal, rule


def entropy_weights(matrix: Array) -> Array:
    """Weights of criteria from a matrix (alternative, criterion) of positive values, summing to 1.

    p = x / Σ x; e = −Σ p ln p / ln n; weight = (1 − e) / Σ (1 − e). A criterion alike everywhere weighs nothing.

    >>> entropy_weights(np.array([[1.0, 5.0], [3.0, 5.0]])).round(6)
    array([1., 0.])
    """
    share = matrix / matrix.sum(axis=0)
    entropy = -np.sum(share * np.log(share), axis=0) / np.log(len(matrix))
    diversity = np.clip(1 - entropy, 0.0, None)
    return np.asarray(diversity / diversity.sum())


@rule(
    "entropy",
    title="Entropy-weighted index",
    origin="published form, own indicators",
    source="Xu 2004 (entropy weights); indicators after Yi et al. 2011",
)
def entropy_index(indicators: Indicators, options: Options) -> Proposal:
    """Cut m Σ w_j x_j, each indicator x_j over the nation's; the weights are measured, so the rule has no option."""
    people, quantity = indicators.population, options["quantity"]
    past = indicators.responsibility if quantity == "co2" else indicators.accumulated_energy
    table = pd.DataFrame(
        {
            "accumulated_per_head": over_mean(past, people),
            "amount_per_head": over_mean(indicators.amount(quantity), people),
            "gdp_per_head": over_mean(np.where(indicators.measured, indicators.gdp, np.nan), people),
            "potential": over_mean(indicators.industry, indicators.industry_value_added),
        }
    )
    known = table.notna().all(axis=1).to_numpy()
    weights = entropy_weights(table.to_numpy()[known])
    index = table.to_numpy() @ weights

    def cut(scalar: float) -> Array:
        return np.asarray(scalar * index)

    def detail(scalar: float) -> pd.DataFrame:
        named = {f"weight_{name}": weight for name, weight in zip(table.columns, weights, strict=True)}
        return table.assign(index=index, **named)

    return Proposal(cut, detail, notes=not_measured(indicators))
