"""Consumption responsibility: the CO2 of traded electricity counts, in part, where the electricity is used.

G. P. Peters, From production-based to consumption-based national emission inventories, Ecological Economics 65 (2008)
13-23; shared between both sides: M. Lenzen, J. Murray, F. Sack, T. Wiedmann, Shared producer and consumer
responsibility, Ecological Economics 61 (2007) 27-42.
"""

import numpy as np
import pandas as pd

from experiments.allocation.allowances import not_measured
from experiments.allocation.indicators import Indicators
from experiments.allocation.national import Array
from experiments.allocation.registry import Options, Proposal, rule


@rule(
    "consumption",
    title="Consumption responsibility",
    origin="published principle, electricity alone",
    source="Peters 2008; Lenzen, Murray, Sack & Wiedmann 2007",
)
def consumption_responsibility(indicators: Indicators, options: Options) -> Proposal:
    """Cut m C / A; C = A + φ I f: base-year CO2 with the net import I of electricity at the nation's factor f.

    φ: `consumption_share`. China's energy statistics already count imported electricity with its user, at its coal,
    so for energy C = A and all cut alike. Traded goods are left out: no table of them is in the data.
    """
    amount = indicators.amount(options["quantity"])
    trade = indicators.net_import * float(indicators.grid_factor_nation[0])
    moved = options["consumption_share"] * trade if options["quantity"] == "co2" else np.zeros(amount.size)
    ratio = (amount + moved) / amount

    def cut(scalar: float) -> Array:
        return np.asarray(scalar * ratio)

    def detail(scalar: float) -> pd.DataFrame:
        return pd.DataFrame({"net_import_twh": indicators.net_import, "co2_moved": moved, "ratio": ratio})

    return Proposal(cut, detail, notes=not_measured(indicators))
