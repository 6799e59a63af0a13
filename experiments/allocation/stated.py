"""Targets read from a table: shared by official, draft and csv."""

from collections.abc import Mapping

import numpy as np

from experiments.allocation.indicators import Indicators
from experiments.allocation.national import Array
from experiments.allocation.registry import Options, Proposal, constant


def stated(
    indicators: Indicators, percent: Mapping[str, float], notes: Mapping[str, str], options: Options
) -> Proposal:
    """Stated targets (per cent by province) as they are, or, with normalise, all times one factor."""
    cut: Array = np.array([percent.get(p, np.nan) / 100 for p in indicators.provinces])
    if options["normalise"]:
        return Proposal(lambda scalar: scalar * cut, notes=notes)
    return Proposal(constant(cut), given=True, notes=notes)
