"""S2 Equal Rates: the same growth everywhere, savings targeted by industrial intensity and structure."""

from experiments.allocation.indicators import Indicators
from experiments.allocation.registry import Options, Proposal, rule
from experiments.allocation.sectoral import assumptions, project


@rule(
    "s2",
    title="S2 Equal Rates",
    origin="reconstruction",
    growth="equal",
    rises=("heavy_share",),
    falls=("industry_value_added", "population_growth"),
)
def equal_rates(indicators: Indicators, options: Options) -> Proposal:
    """National growth of GDP and of each sector for all; only structure, comfort and the saving score differ."""
    return project(indicators, assumptions(indicators, options, own_trends=not options["equal_sectors"]))
