"""Cumulative per head: every head gets the same amount from 2000 to a last year, past use counted.

J. Pan, Y. Chen, The carbon budget scheme: an institutional framework for a fair and sustainable world climate regime,
Social Sciences in China, 2009 (in Chinese). The straight path from the base year is ours.
"""

import numpy as np
import pandas as pd

from experiments.allocation.allowances import cut_of, not_measured, per_head_of_the_nation
from experiments.allocation.indicators import Indicators
from experiments.allocation.national import Array
from experiments.allocation.registry import Options, Proposal, rule


@rule(
    "cumulative-per-head",
    title="Cumulative equality per head",
    origin="published principle, own path",
    source="Pan & Chen 2009, the carbon budget scheme",
)
def cumulative_per_head(indicators: Indicators, options: Options) -> Proposal:
    """Remaining budget R = P b − H (b: the same for every head, H: amount since 2000), used on a straight path.

    From the base-year amount A the path changes by s a year over the N years left: Σ (A + k s) = R, so that
    s = 2 (R − N A) / (N (N + 1)) and the target year is allowed A + n s. b = (1 − m) times what unchanged amounts
    would give. P: population of the base year; the last year is `budget_until_year`.
    """
    quantity, plan = options["quantity"], indicators.plan
    amount, people = indicators.amount(quantity), indicators.population
    past = indicators.responsibility if quantity == "co2" else indicators.accumulated_energy
    left = max(options["budget_until_year"] - plan.base_year, plan.years)
    unchanged = per_head_of_the_nation(past + left * amount, people)

    def allowance(scalar: float) -> Array:
        remaining = people * unchanged * (1 - scalar) - past
        step = 2 * (remaining - left * amount) / (left * (left + 1))
        return np.asarray(amount + plan.years * step)

    def cut(scalar: float) -> Array:
        return cut_of(allowance(scalar), indicators, quantity)

    def detail(scalar: float) -> pd.DataFrame:
        return pd.DataFrame(
            {
                "past_per_head": past / people,
                "budget_per_head": unchanged * (1 - scalar),
                "allowance": allowance(scalar),
            }
        )

    return Proposal(cut, detail, notes=not_measured(indicators))
