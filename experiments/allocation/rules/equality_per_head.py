"""Equality per head: amounts per head converge to the nation's by a year (contraction and convergence).

A. Meyer, Contraction and Convergence: The Global Solution to Climate Change, Green Books, 2000.
"""

import numpy as np
import pandas as pd

from experiments.allocation.allowances import cut_of, not_measured, part_of_the_way, per_head_of_the_nation
from experiments.allocation.indicators import Indicators
from experiments.allocation.national import Array
from experiments.allocation.registry import Options, Proposal, rule


@rule(
    "per-head",
    title="Equality per head",
    origin="published principle, own parameters",
    source="Meyer 2000, Contraction and Convergence",
)
def equality_per_head(indicators: Indicators, options: Options) -> Proposal:
    """Allowance P_T [a + (ā − a) n / (T_c − base year)] (1 − m); a, ā: amount per head, own and the nation's.

    P_T: population of the target year; n: years of the plan; T_c: `equal_by_year`.
    """
    quantity = options["quantity"]
    amount = indicators.amount(quantity)
    own = amount / indicators.population
    nation = per_head_of_the_nation(amount, indicators.population)
    part = part_of_the_way(indicators, options["equal_by_year"])
    allowance = indicators.future_population * (own + (nation - own) * part)

    def cut(scalar: float) -> Array:
        return cut_of(allowance * (1 - scalar), indicators, quantity)

    def detail(scalar: float) -> pd.DataFrame:
        return pd.DataFrame(
            {
                "per_head": own,
                "per_head_nation": np.full(own.size, nation),
                "allowance_per_head": allowance / indicators.future_population * (1 - scalar),
            }
        )

    return Proposal(cut, detail, notes=not_measured(indicators))
