"""S2 Equal Rates: sectors grow with GDP at the same rates everywhere, savings targeted by industrial intensity."""

from experiments.allocation.indicators import Indicators
from experiments.allocation.registry import Options, Proposal, rule
from experiments.allocation.sectoral import assumptions, project


@rule(
    "s2",
    title="S2 Equal Rates",
    origin="reconstruction",
    source="Ohshita, Price & Tian 2011, LBNL-4406E, as summarised",
    reads="energy",
    rises=("heavy_share",),
    falls=("industry_value_added", "population_growth"),
)
def equal_rates(indicators: Indicators, options: Options) -> Proposal:
    """Each sector follows GDP as in the nation; only structure, comfort and the saving score differ.

    GDP grows as the provinces' official targets say, on which the source meets the national target; equal growth of
    GDP for all is the option `growth=equal`.
    """
    return project(indicators, assumptions(indicators, options, own_trends=not options["equal_sectors"]))
