"""S3 Economic Capacity: the target rises with GDP per head; GDP grows as the official targets say."""

import numpy as np
import pandas as pd

from experiments.allocation.indicators import Indicators
from experiments.allocation.national import Array
from experiments.allocation.registry import Options, Proposal, rule


@rule(
    "s3",
    title="S3 Economic Capacity",
    origin="reconstruction",
    source="Ohshita, Price & Tian 2011, LBNL-4406E, as summarised",
    rises=("gdp",),
)
def economic_capacity(indicators: Indicators, options: Options) -> Proposal:
    """Cut A + T α ln(y / y_nation), or with y / y_nation − 1, or A (y / y_nation)^α; A meets the national sum.

    y: GDP per head of the base year; T: the plan's national target; α: capacity_elasticity. Needs no energy, so
    Tibet gets a target too.
    """
    known = indicators.measured
    nation = np.sum(indicators.gdp[known]) / np.sum(indicators.population[known])
    ratio = indicators.gdp_per_capita / nation
    elasticity, target = options["capacity_elasticity"], options["national"]
    form = options["capacity_form"]
    steps = {"log": np.log(ratio), "linear": ratio - 1, "power": ratio**elasticity}[form]

    def cut(scalar: float) -> Array:
        return np.asarray(scalar * steps if form == "power" else scalar + target * elasticity * steps)

    def detail(scalar: float) -> pd.DataFrame:
        return pd.DataFrame({"gdp_per_capita": indicators.gdp_per_capita, "gdp_per_capita_over_nation": ratio})

    return Proposal(cut, detail)
