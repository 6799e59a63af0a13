"""Base years that are not measured: amounts of the model's members, people and GDP as measured."""

import numpy as np
import pytest
import xarray as xr

from experiments.allocation import allocate, base_state
from experiments.allocation.allocate import measured_indicators, sampled_indicators
from experiments.allocation.indicators import find_plan, known_plan
from models.reading.faults import InputError

PLAN = known_plan("15FYP")
SECTORS = ("heavy industry", "light industry", "transport", "services", "agriculture and construction", "residential")
MEMBERS = 3


@pytest.fixture(scope="module")
def states() -> xr.Dataset:
    """Three members; energy of 2010 carried to 2025, each member 10 % above the one before."""
    measured = measured_indicators(find_plan("12FYP"))
    known = measured.measured
    provinces = [p for p, ok in zip(measured.provinces, known, strict=True) if ok]
    years = base_state.years(PLAN)
    member = xr.DataArray(1.1 ** np.arange(MEMBERS), dims="member")
    year = xr.DataArray(1.02 ** (np.array(years) - years[-1]), {"year": years}, "year")

    def by_province(values, factor=member * year):
        return xr.DataArray(np.asarray(values)[known], {"province": provinces}, "province") * factor

    parts = xr.DataArray([0.5, 0.1, 0.1, 0.1, 0.05, 0.15], {"sector": list(SECTORS)}, "sector")
    fuels = xr.DataArray([0.8, 0.2], {"fuel": ["coal", "electricity"]}, "fuel")
    flat = xr.ones_like(member * year)
    energy = by_province(measured.energy)
    return xr.Dataset(
        {
            "total energy": energy,
            "energy co2": by_province(measured.co2),
            "total co2": 1.1 * by_province(measured.co2),
            "final energy by fuel": 0.7 * energy * parts * fuels,
            "electricity use": energy,
            "generation": 0.9 * energy,
            "nonfossil share": by_province(measured.nonfossil_power, flat),
            "coal per kWh": 0.3 * by_province(np.ones(31), flat),
            "national grid factor": 0.6 * flat,
        }
    )


class Model:
    """A model that answers with the states above."""

    def __init__(self, states):
        self.states = states

    def base_state(self, plan, members, seed):
        return self.states


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
