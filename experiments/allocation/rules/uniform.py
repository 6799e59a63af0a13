"""Uniform: one target for all."""

import numpy as np

from experiments.allocation.indicators import Indicators
from experiments.allocation.registry import Options, Proposal, rule


@rule("uniform", title="Uniform", origin="own", growth="equal", reads_base=False)
def uniform(indicators: Indicators, options: Options) -> Proposal:
    """The same cut everywhere: the national one under equal growth, more where energy-heavy provinces grow faster."""
    return Proposal(lambda scalar: np.full(len(indicators.provinces), scalar))
