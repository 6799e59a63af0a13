"""Early action: what a province cut more than the nation in the five years before counts toward its target.

The principle is that of credits for early reductions: I. W. H. Parry, M. Toman, Early emission reduction programs: an
application to CO2 policy, The Energy Journal 23 (2002). The formula is ours.
"""

import numpy as np
import pandas as pd

from experiments.allocation.allowances import not_measured
from experiments.allocation.indicators import Indicators
from experiments.allocation.national import Array
from experiments.allocation.registry import Options, Proposal, rule


@rule(
    "early-action",
    title="Credit for early action",
    origin="published principle, own formula",
    source="Parry & Toman 2002 (credits for early reductions)",
    falls=("past_cut_energy",),
)
def early_action(indicators: Indicators, options: Options) -> Proposal:
    """1 − t = (1 − m) [(1 − r̄) / (1 − r)]^κ; r, r̄: cut of the five years before, own and the nation's; κ: credit.

    With κ = 1 every province reaches the same cut counted from five years before the base year; with κ = 0 all cut
    alike from the base year.
    """
    quantity = options["quantity"]
    past = indicators.past_cut_co2 if quantity == "co2" else indicators.past_cut_energy
    weight = indicators.amount(quantity)
    known = np.isfinite(past) & np.isfinite(weight)
    nation = float(np.sum((weight * past)[known]) / np.sum(weight[known]))
    factor = ((1 - nation) / (1 - past)) ** options["early_credit"]

    def cut(scalar: float) -> Array:
        return np.asarray(1 - (1 - scalar) * factor)

    def detail(scalar: float) -> pd.DataFrame:
        spared = 100 * (scalar - cut(scalar))
        return pd.DataFrame({"past_cut_percent": 100 * past, "past_cut_nation": 100 * nation, "credit_points": -spared})

    return Proposal(cut, detail, notes=not_measured(indicators))
