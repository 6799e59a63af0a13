"""Grandfathering (sovereignty): every province keeps its share of the base year's amount.

A. Rose, B. Stevens, J. Edmonds, M. Wise, International equity and differentiation in global warming policy,
Environmental and Resource Economics 12 (1998) 25-51.
"""

import numpy as np

from experiments.allocation.allowances import cut_of, not_measured
from experiments.allocation.indicators import Indicators
from experiments.allocation.national import Array
from experiments.allocation.registry import Options, Proposal, rule


@rule(
    "grandfathering",
    title="Grandfathering",
    origin="published form",
    source="Rose, Stevens, Edmonds & Wise 1998 (sovereignty rule)",
)
def grandfathering(indicators: Indicators, options: Options) -> Proposal:
    """Allowance A (1 − m): amounts change alike, so a province that grows faster cuts its intensity more."""
    quantity = options["quantity"]
    amount = indicators.amount(quantity)

    def cut(scalar: float) -> Array:
        return cut_of(np.asarray(amount * (1 - scalar)), indicators, quantity)

    return Proposal(cut, notes=not_measured(indicators))
