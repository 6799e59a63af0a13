"""Gini-optimal: allowances as equal per head and per GDP as bounds on each province's cut allow.

T. Sun, H. Zhang, Y. Wang, X. Meng, C. Wang, The application of environmental Gini coefficient (EGC) in allocating
wastewater discharge permit, Resources, Conservation and Recycling 54 (2010) 601-608: the sum of the Gini coefficients
of the permits over several bases is least. There the order of units is held fixed, which makes the coefficient linear;
here the coefficient itself is minimised, exactly, as a linear programme.
"""

from itertools import combinations

import numpy as np
import pandas as pd
from scipy.optimize import linprog
from scipy.sparse import coo_array, eye_array, hstack, vstack

from experiments.allocation.allowances import cut_of, not_measured, unchanged
from experiments.allocation.indicators import Indicators
from experiments.allocation.national import Array
from experiments.allocation.registry import Options, Proposal, rule


def least_gini(total: float, bases: Array, weights: Array, low: Array, high: Array) -> Array:
    """Amounts (unit) of sum `total` within low … high with the least weighted sum of Gini coefficients.

    bases (base, unit): what each coefficient counts units by, for example people; weights (base). With shares a of the
    amount and b of the base a coefficient is Σ_{i<k} |a_i b_k − a_k b_i|. Raises ValueError where the bounds leave no
    solution.

    >>> least_gini(6.0, np.array([[1.0, 2.0]]), np.ones(1), np.zeros(2), np.array([6.0, 6.0])).round(6).tolist()
    [2.0, 4.0]
    """
    units = bases.shape[1]
    pairs = np.array(list(combinations(range(units), 2)))
    row = np.arange(len(pairs))
    differences = []
    for base in bases / bases.sum(axis=1, keepdims=True):
        values = np.concatenate([base[pairs[:, 1]], -base[pairs[:, 0]]])
        where = (np.concatenate([row, row]), np.concatenate([pairs[:, 0], pairs[:, 1]]))
        differences.append(coo_array((values, where), shape=(len(pairs), units)))
    stacked = vstack(differences)
    slack = eye_array(stacked.shape[0])
    bounded = vstack([hstack([stacked, -slack]), hstack([-stacked, -slack])]).tocsr()
    cost = np.concatenate([np.zeros(units), np.repeat(weights, len(pairs))])
    sums = np.concatenate([np.ones(units), np.zeros(stacked.shape[0])])[None, :]
    limits = [*zip(low / total, high / total, strict=True), *[(0, None)] * stacked.shape[0]]
    found = linprog(
        cost, A_ub=bounded, b_ub=np.zeros(bounded.shape[0]), A_eq=sums, b_eq=[1.0], bounds=limits, method="highs"
    )
    if not found.success:
        raise ValueError(f"no allowances within these bounds sum to {total:g}: {found.message}")
    return np.asarray(found.x[:units] * total)


@rule(
    "gini",
    title="Gini-optimal",
    origin="published principle, own bounds",
    source="Sun, Zhang, Wang, Meng & Wang 2010 (environmental Gini coefficient)",
)
def gini_optimal(indicators: Indicators, options: Options) -> Proposal:
    """The allowances of `least_gini` over people and GDP of the target year; each cut within ± `gini_span` points.

    The linear programme meets the national sum itself; (1 − m) takes out its tolerance.
    """
    quantity = options["quantity"]
    amount = unchanged(indicators, quantity)
    known = np.isfinite(amount)
    growth = float(np.sum((indicators.gdp * indicators.growth_factor)[known]) / np.sum(indicators.gdp[known]))
    total = (1 - options["national"]) * float(np.sum(indicators.amount(quantity)[known])) * growth
    middle, span = 1 - total / float(np.sum(amount[known])), options["gini_span"] / 100
    bases = np.stack([indicators.future_population[known], (indicators.gdp * indicators.growth_factor)[known]])
    weights = np.array([options["gini_weight_population"], options["gini_weight_gdp"]])
    allowance = np.full(amount.size, np.nan)
    low, high = ((1 - middle + sign * span) * amount[known] for sign in (-1, 1))
    allowance[known] = least_gini(total, bases, weights, np.maximum(low, 0.0), high)

    def cut(scalar: float) -> Array:
        return cut_of(allowance * (1 - scalar), indicators, quantity)

    def detail(scalar: float) -> pd.DataFrame:
        allowed = allowance * (1 - scalar)
        per_gdp = allowed / (indicators.gdp * indicators.growth_factor)
        return pd.DataFrame(
            {"allowance_per_head": allowed / indicators.future_population, "allowance_per_gdp": per_gdp}
        )

    return Proposal(cut, detail, notes=not_measured(indicators))
