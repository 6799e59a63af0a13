"""Base years that are not measured: amounts of the model's members, people and GDP as measured."""

import numpy as np
import pytest

from experiments.allocation import allocate, base_state
from experiments.allocation.allocate import measured_indicators, sampled_indicators
from experiments.allocation.indicators import find_plan, known_plan
from models.reading.faults import InputError

from .simulated import MEMBERS, Model

PLAN = known_plan("15FYP")


def test_amounts_are_the_members_and_people_and_gdp_are_measured(states):
    first, second, _ = base_state.indicators_of(states, PLAN)
    known = first.measured
    assert known.sum() == 30
    np.testing.assert_allclose(second.energy[known], 1.1 * first.energy[known])
    np.testing.assert_allclose(
        first.industry[known] + first.residential[known] + first.other[known], first.energy[known]
    )
    np.testing.assert_allclose(first.co2[known], 1.1 * measured_indicators(find_plan("12FYP")).co2[known])
    assert 1_390 < np.sum(first.population) < 1_420  # million
    assert np.array_equal(first.gdp, second.gdp)
    assert first.growth[first.provinces.index("Xinjiang")] == pytest.approx(0.0575)  # announced: 5.5 to 6
    assert 0.99 < np.nanmin(first.past_cut_co2[known] + 1) < 1.5


def test_the_plan_is_shared_out_with_a_model_and_refused_without_one(states):
    result = allocate("per-head", plan="15FYP", indicator="co2", model=Model(states))
    assert result.national == 17
    assert result.aggregate == pytest.approx(17, abs=1e-9)
    with pytest.raises(InputError, match="no measured structure"):
        allocate("per-head", plan="15FYP", indicator="co2")


def test_a_rule_that_reads_no_base_needs_no_model():
    targets = allocate("uniform", plan="15FYP", indicator="co2").table["target_percent"]
    assert targets.to_numpy() == pytest.approx(np.full(31, 17.0))


def test_every_member_is_a_base_of_its_own(states):
    drawn = sampled_indicators(PLAN, Model(states))
    assert len(drawn) == MEMBERS
    assert sampled_indicators(find_plan("12FYP"), Model(states)) == [measured_indicators(find_plan("12FYP"))]
