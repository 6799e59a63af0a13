"""Shadow-price MAC: cuts that equalise the marginal cost of abatement, priced by the output it takes away.

The marginal cost of a cut r is −s ln(1 − r), the logarithmic form in which P. Zhou, L. Zhang, D. Q. Zhou, W. J. Xia,
Modeling economic performance of interprovincial CO2 emission reduction quota trading in China, Applied Energy 112
(2013) 1518-1528, and L.-B. Cui, Y. Fan, L. Zhu, Q.-H. Bi, Applied Energy 136 (2014) 1043-1052, compare provinces. The
shadow price s is that of a Cobb-Douglas frontier.
"""

import numpy as np
import pandas as pd

from experiments.allocation.allowances import not_measured, over_mean
from experiments.allocation.indicators import Indicators
from experiments.allocation.national import Array
from experiments.allocation.registry import Options, Proposal, rule


@rule(
    "shadow-price",
    title="Equal shadow price of abatement",
    origin="published form, own shadow price",
    source="Zhou, Zhang, Zhou & Xia 2013; Cui, Fan, Zhu & Bi 2014",
)
def shadow_price(indicators: Indicators, options: Options) -> Proposal:
    """Cut 1 − exp(−P / s), s = (GDP per amount over the nation's)^ε; the common price P meets the sum.

    On a Cobb-Douglas frontier with one elasticity of output to the amount, the output given up for a unit is that
    elasticity times GDP per amount (ε = `shadow_elasticity` = 1); the elasticity itself drops out.
    """
    gdp = np.where(indicators.measured, indicators.gdp, np.nan)
    productivity = over_mean(gdp, indicators.amount(options["quantity"]))
    price = productivity ** options["shadow_elasticity"]

    def cut(scalar: float) -> Array:
        return np.asarray(-np.expm1(-scalar / price))

    def detail(scalar: float) -> pd.DataFrame:
        return pd.DataFrame({"shadow_price_over_nation": price, "common_price": scalar})

    return Proposal(cut, detail, notes=not_measured(indicators))
