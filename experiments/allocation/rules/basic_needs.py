"""Basic needs: what a decent life takes is no object of the target; the cut falls on the rest.

N. D. Rao, P. Baer, "Decent living" emissions: a conceptual framework, Sustainability 4 (2012) 656-681. Size of the
need: J. Millward-Hopkins, J. K. Steinberger, N. D. Rao, Y. Oswald, Providing decent living with minimum energy: a
global scenario, Global Environmental Change 65 (2020) 102168: about 15 GJ of final energy a head and year.
"""

import numpy as np
import pandas as pd

from experiments.allocation.allowances import not_measured, unchanged
from experiments.allocation.indicators import Indicators
from experiments.allocation.national import Array
from experiments.allocation.registry import Options, Proposal, rule


@rule(
    "basic-needs",
    title="Basic needs",
    origin="published principle, own formula",
    source="Rao & Baer 2012; Millward-Hopkins et al. 2020",
)
def basic_needs(indicators: Indicators, options: Options) -> Proposal:
    """Cut m (1 − N / X); X: amount of the target year at unchanged intensity, N: need of its people, at most X.

    N = people × `need_per_head` (tce), for CO2 at the nation's CO2 per energy.
    """
    quantity = options["quantity"]
    amount = unchanged(indicators, quantity)
    known = np.isfinite(indicators.energy) & np.isfinite(indicators.co2)
    content = np.sum(indicators.co2[known]) / np.sum(indicators.energy[known]) if quantity == "co2" else 1.0
    need = np.minimum(indicators.future_population * options["need_per_head"] * content, amount)
    beyond = 1 - need / amount

    def cut(scalar: float) -> Array:
        return np.asarray(scalar * beyond)

    def detail(scalar: float) -> pd.DataFrame:
        return pd.DataFrame({"need": need, "amount_unchanged": amount, "beyond_need": beyond})

    return Proposal(cut, detail, notes=not_measured(indicators))
