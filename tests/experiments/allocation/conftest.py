"""Measured indicators, and shifted versions of them."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from experiments.allocation.allocate import measured_indicators
from experiments.allocation.indicators import Indicators, find_plan

from .simulated import base_states

COUNT = 31
MEASURED_RULES = ("s1", "s2", "s3", "uniform", "triptych", "responsibility")
#: Trends as they are: an estimated reliability would move with every shift.
FIXED = {"s1": {"own_trend_industry": 0.5, "heating_share": 0.3, "cooling_share": 0.05}}
FIXED["s2"] = {"heating_share": 0.3, "cooling_share": 0.05}
SHIFTED = (
    "gdp",
    "population",
    "industry",
    "residential",
    "other",
    "industry_value_added",
    "heavy_share",
    "hdd",
    "responsibility",
    "co2",
)


@pytest.fixture(scope="session")
def measured() -> Indicators:
    return measured_indicators(find_plan("12FYP"))


def factors(low: float = 0.5, high: float = 2.0):
    return arrays(np.float64, COUNT, elements=st.floats(low, high))


@st.composite
def shifts(draw):
    """Factors on the measured indicators, and points on growth."""
    return {name: draw(factors()) for name in SHIFTED}, draw(factors(-0.04, 0.06))


def shifted(measured: Indicators, shift) -> Indicators:
    """The measured indicators, each province's times its factor; sectors still sum to the province's energy."""
    scale, growth = shift
    changed = {name: getattr(measured, name) * factor for name, factor in scale.items()}
    changed["energy"] = changed["industry"] + changed["residential"] + changed["other"]
    return replace(measured, growth=measured.growth + growth, **changed)


@pytest.fixture(scope="session")
def states():
    """Base states of three members, see `simulated.base_states`."""
    return base_states()
