"""Zero-sum-gains DEA: what an inefficient province must give up, the others receive, until all are efficient.

M. P. E. Lins, E. G. Gomes, J. C. C. B. Soares de Mello, A. J. R. Soares de Mello, Olympic ranking based on a zero sum
gains DEA model, European Journal of Operational Research 148 (2003) 312-322; E. G. Gomes, M. P. E. Lins, Modelling
undesirable outputs with zero sum gains data envelopment analysis models, Journal of the Operational Research Society
59 (2008) 616-623. Provinces of China: K. Wang, X. Zhang, Y.-M. Wei, S. Yu, Energy Policy 54 (2013) 214-229.
"""

import numpy as np
import pandas as pd
from scipy.optimize import linprog

from experiments.allocation.allowances import cut_of, not_measured, part_of_the_way, unchanged
from experiments.allocation.indicators import Indicators
from experiments.allocation.national import Array
from experiments.allocation.registry import Options, Proposal, rule


def efficiency(amount: Array, outputs: Array, constant_returns: bool = True) -> Array:
    """Input-oriented DEA efficiency of each unit, 0 … 1.

    amount (unit): the one input, here energy or CO2. outputs (unit, output): what it serves. The efficient amount of a
    unit is the least that a mixture of units with at least its outputs has (with variable returns a mean of units).

    >>> efficiency(np.array([1.0, 2.0, 4.0]), np.array([[1.0], [2.0], [2.0]])).tolist()
    [1.0, 1.0, 0.5]
    """
    scale, sizes = float(amount.max()), outputs.max(axis=0)
    mean = None if constant_returns else np.ones((1, amount.size))
    least = [
        linprog(
            amount / scale,
            A_ub=-(outputs / sizes).T,
            b_ub=-own / sizes,
            A_eq=mean,
            b_eq=None if mean is None else [1.0],
            method="highs",
        ).fun
        for own in outputs
    ]
    return np.asarray(np.minimum(np.array(least) * scale / amount, 1.0))


def zero_sum_gains(amount: Array, outputs: Array, constant_returns: bool = True) -> Array:
    """The amounts (unit), of the same sum, under which every unit is efficient.

    Each unit gets its efficient amount times one factor: with one input of fixed sum, mixtures scale with it, so the
    units that set the frontier still do, and all others lie on it. This is where the proportional strategy of Gomes
    and Lins ends.
    """
    target = amount * efficiency(amount, outputs, constant_returns)
    return np.asarray(target * amount.sum() / target.sum())


@rule(
    "zsg-dea",
    title="Zero-sum-gains DEA",
    origin="published form, part of the way",
    source="Gomes & Lins 2008; Wang, Zhang, Wei & Yu 2013",
)
def zero_sum_gains_dea(indicators: Indicators, options: Options) -> Proposal:
    """Allowance x + (x* − x) n / (T_c − base year), times (1 − m); x: amount at unchanged intensity, x*: efficient.

    Outputs: GDP and population of the target year (`dea_outputs`). The published form goes the whole way at once:
    `equal_by_year` at or before the target year.
    """
    quantity, known = options["quantity"], indicators.measured & np.isfinite(indicators.co2)
    amount = unchanged(indicators, quantity)
    served = {"gdp": indicators.gdp * indicators.growth_factor, "population": indicators.future_population}
    names = ["gdp", "population"] if options["dea_outputs"] == "both" else [options["dea_outputs"]]
    outputs = np.column_stack([served[name] for name in names])
    efficient, score = (np.full(amount.size, np.nan) for _ in range(2))
    constant_returns = options["dea_returns"] == "constant"
    score[known] = efficiency(amount[known], outputs[known], constant_returns)
    target = (amount * score)[known]
    efficient[known] = target * amount[known].sum() / target.sum()
    allowance = amount + (efficient - amount) * part_of_the_way(indicators, options["equal_by_year"])

    def cut(scalar: float) -> Array:
        return cut_of(allowance * (1 - scalar), indicators, quantity)

    def detail(scalar: float) -> pd.DataFrame:
        return pd.DataFrame({"dea_efficiency": score, "efficient_amount": efficient, "amount_unchanged": amount})

    return Proposal(cut, detail, notes=not_measured(indicators))
