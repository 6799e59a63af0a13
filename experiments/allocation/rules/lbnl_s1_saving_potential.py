"""S1 Energy Saving Potential: recent trends, growth by sector, savings by industrial intensity and structure."""

from experiments.allocation.indicators import Indicators
from experiments.allocation.registry import Options, Proposal, rule
from experiments.allocation.sectoral import assumptions, project


@rule(
    "s1",
    title="S1 Energy Saving Potential",
    origin="reconstruction",
    source="Ohshita, Price & Tian 2011, LBNL-4406E, as summarised",
    reads="energy",
    rises=("heavy_share",),
    falls=("industry_value_added", "industry_rise", "other_rise", "population_growth"),
)
def saving_potential(indicators: Indicators, options: Options) -> Proposal:
    """Own sector trends (shrunk by their measured reliability) on the provinces' official growth targets."""
    return project(indicators, assumptions(indicators, options, own_trends=True))
