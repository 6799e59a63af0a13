"""Properties of the rules on the measured indicators and on shifted versions of them."""

import doctest
from dataclasses import replace
from importlib import import_module

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments.allocation import allocate, load
from experiments.allocation.allocate import measured_indicators
from experiments.allocation.growth import scaled, summed
from experiments.allocation.indicators import Indicators, find_plan

from .conftest import COUNT, FIXED, MEASURED_RULES, shifted, shifts

FEW = settings(max_examples=12, deadline=None)
rules = st.sampled_from(MEASURED_RULES)


def targets(rule: str, data: Indicators, national: float = 16.0, **options) -> np.ndarray:
    return (
        allocate(rule, national, indicators=data, **{**FIXED.get(rule, {}), **options})
        .table["target_percent"]
        .to_numpy()
    )


@pytest.mark.parametrize("growth", ["rule", "official", "equal", "scaled"])
@pytest.mark.parametrize("rule", MEASURED_RULES)
def test_sum_by_energy_and_gdp_before_and_after_is_the_national_target(rule, growth, measured):
    result = allocate(rule, 16, growth=growth)
    table, known = result.table, measured.measured
    factor = (1 + table["gdp_growth"].to_numpy() / 100) ** 5
    cut = table["target_percent"].to_numpy() / 100
    energy = (np.nansum((measured.energy * (1 - cut) * factor)[known])) / np.sum(measured.energy[known])
    gdp = np.sum((measured.gdp * factor)[known]) / np.sum(measured.gdp[known])
    assert 1 - energy / gdp == pytest.approx(0.16, abs=1e-9)
    assert result.aggregate == pytest.approx(16, abs=1e-9)


@FEW
@given(rule=rules, shift=shifts(), national=st.floats(2, 40))
def test_identity_holds_for_shifted_indicators(measured, rule, shift, national):
    result = allocate(rule, national, indicators=shifted(measured, shift), **FIXED.get(rule, {}))
    assert result.aggregate == pytest.approx(national, abs=1e-9)


@FEW
@given(rule=rules, shift=shifts(), width=st.floats(1, 6))
def test_caps_and_floors_are_respected_and_the_sum_still_holds(measured, rule, shift, width):
    data = shifted(measured, shift)
    result = allocate(
        rule, 16, indicators=data, floor=16 - width, cap=16 + width, growth="equal", **FIXED.get(rule, {})
    )
    cut = result.table["target_percent"].dropna()
    assert cut.min() >= 16 - width - 1e-9
    assert cut.max() <= 16 + width + 1e-9
    assert result.aggregate == pytest.approx(16, abs=1e-9)


@FEW
@given(rule=rules, shift=shifts(), order=st.permutations(range(COUNT)))
def test_order_of_the_provinces_changes_nothing(measured, rule, shift, order):
    data = shifted(measured, shift)
    place = np.array(order)
    np.testing.assert_allclose(targets(rule, data.permuted(place)), targets(rule, data)[place], atol=1e-8)


@FEW
@given(
    rule=rules,
    shift=shifts(),
    units=st.tuples(*[st.sampled_from([1e-3, 0.1, 7.0, 1e4])] * 4),
)
def test_units_of_energy_money_people_and_carbon_change_nothing(measured, rule, shift, units):
    data = shifted(measured, shift)
    energy, money, people, carbon = units
    scale = {"energy": energy, "industry": energy, "residential": energy, "other": energy, "gdp": money}
    scale |= {"industry_value_added": money, "population": people, "responsibility": carbon, "co2": carbon}
    changed = replace(data, **{name: getattr(data, name) * factor for name, factor in scale.items()})
    np.testing.assert_allclose(targets(rule, changed), targets(rule, data), atol=1e-7)


MONOTONE = [
    (name, field, sign)
    for name, entry in load().items()
    if name in MEASURED_RULES
    for sign, fields in ((1, entry.rises), (-1, entry.falls))
    for field in fields
]


@pytest.mark.parametrize(("rule", "field", "sign"), MONOTONE)
@FEW
@given(shift=shifts(), province=st.integers(0, COUNT - 1), factor=st.floats(1.01, 1.8))
def test_own_target_moves_with_an_indicator_as_the_rule_says(measured, rule, field, sign, shift, province, factor):
    data = shifted(measured, shift)
    if not data.measured[province]:
        return
    values = np.array(getattr(data, field))
    values[..., province] += abs(values[..., province]) * (factor - 1)
    before, after = targets(rule, data)[province], targets(rule, replace(data, **{field: values}))[province]
    assert sign * (after - before) >= -1e-7


def test_every_measured_rule_but_uniform_and_triptych_claims_what_it_rises_with():
    assert {rule for rule, _, sign in MONOTONE if sign > 0} == {"s1", "s2", "s3", "responsibility"}


@pytest.mark.parametrize("rule", MEASURED_RULES)
def test_a_higher_national_target_raises_every_province(rule, measured):
    low, high = targets(rule, measured, 16), targets(rule, measured, 20)
    known = np.isfinite(low)
    assert np.all(high[known] > low[known])


def test_s3_log_form_by_hand():
    table = allocate("s3", 16).table.set_index("province")
    gap = table.target_percent["Guangdong"] - table.target_percent["Sichuan"]
    ratio = table.gdp_per_capita["Guangdong"] / table.gdp_per_capita["Sichuan"]
    assert gap == pytest.approx(16 * 0.5 * np.log(ratio), abs=1e-9)


def test_s1_a_province_by_hand():
    row = allocate("s1", 16).table.set_index("province").loc["Shandong"]
    energy = sum(row[f"share_{s}"] * row[f"{s}_factor"] for s in ("industry", "residential", "other"))
    assert row["target_percent"] == pytest.approx(100 * (1 - energy / row["gdp_factor"]), abs=1e-9)
    activity = row["industry_factor"] / (1 - row["saving_percent"] / 100)
    assert row["share_industry"] + row["share_residential"] + row["share_other"] == pytest.approx(1)
    assert activity == pytest.approx(row["gdp_factor"], rel=0.2)  # industry about as GDP before savings


def test_triptych_a_province_by_hand(measured):
    row = allocate("triptych", 16).table.set_index("province").loc["Hubei"]
    place = measured.provinces.index("Hubei")
    allowance = row["allowance_industry"] + row["allowance_domestic"] + row["allowance_power"]
    growth = (1 + measured.growth[place]) ** 5
    assert row["target_percent"] == pytest.approx(100 * (1 - allowance / measured.energy[place] / growth))


def test_responsibility_alone_is_the_published_extreme_for_shanghai_in_kind():
    weights = {"weight_responsibility": 1, "weight_capacity": 0, "weight_potential": 0}
    alone = allocate("responsibility", 16, **weights).table.set_index("province")["target_percent"]
    equal = allocate("responsibility", 16).table.set_index("province")["target_percent"]
    assert alone["Shanghai"] > equal["Shanghai"]  # 37.26 % was published for a rule that prefers responsibility


def test_tibet_gets_a_target_where_no_energy_is_needed_and_a_reason_elsewhere():
    for rule in ("official", "draft", "uniform", "s3"):
        assert np.isfinite(allocate(rule).table.set_index("province").target_percent["Tibet"]), rule
    for rule in ("s1", "s2", "triptych", "responsibility"):
        row = allocate(rule).table.set_index("province").loc["Tibet"]
        assert np.isnan(row["target_percent"])
        assert "no energy statistics" in row["note"]


def test_official_targets_are_the_announced_five_groups():
    cut = allocate("official").table["target_percent"]
    assert cut.value_counts().to_dict() == {18.0: 5, 17.0: 4, 16.0: 12, 15.0: 6, 10.0: 4}


def test_draft_marks_what_was_not_printed():
    table = allocate("draft").table.set_index("province")
    assert "official" in table.note["Gansu"]
    assert not table.note["Guangdong"]


def test_official_co2_targets_say_which_were_read_and_which_recalled():
    result = allocate("official", indicator="co2")
    table = result.table.set_index("province")
    assert table.target_percent["Guangdong"] == 19.5
    assert table.target_percent.notna().all()
    recalled = table.note == "recalled, not read in a source"
    assert recalled.sum() == 31 - 10
    assert not recalled["Tianjin"]
    assert 15 < result.aggregate < 18


@pytest.mark.parametrize("rule", MEASURED_RULES)
def test_co2_targets_meet_the_nations_17_percent_with_carbon_weights(rule, measured):
    result = allocate(rule, indicator="co2")
    table = result.table
    cut, growth = table["target_percent"].to_numpy() / 100, (1 + table["gdp_growth"].to_numpy() / 100) ** 5
    known = measured.measured
    after = np.sum((measured.co2 * (1 - cut) * growth)[known]) / np.sum((measured.gdp * growth)[known])
    assert 1 - after / (np.sum(measured.co2[known]) / np.sum(measured.gdp[known])) == pytest.approx(0.17, abs=1e-9)


@pytest.mark.parametrize(("plan", "national"), [("11FYP", 20.0), ("13FYP", 15.0)])
@pytest.mark.parametrize("rule", MEASURED_RULES)
def test_other_plans(rule, plan, national):
    result = allocate(rule, plan=plan)
    assert result.national == national
    assert result.aggregate == pytest.approx(national, abs=1e-9)


def test_another_base_year_takes_that_years_energy():
    assert allocate("s1", base_year=2008).aggregate == pytest.approx(16, abs=1e-9)
    first, second = (allocate("s1", base_year=year).table["weight"] for year in (2008, 2010))
    assert np.max(np.abs(first - second)) > 1e-3


def test_growth_targets_follow_the_stated_rule(measured):
    origin = dict(zip(measured.provinces, measured.growth_origin, strict=True))
    assert sum(kind == "sourced" for kind in origin.values()) == 10
    annual = dict(zip(measured.provinces, measured.growth, strict=True))
    assert annual["Sichuan"] == pytest.approx(0.12)
    # first-year target of 12 % plus the mean gap of the nine provinces with both (−2.5 points over 9)
    assert annual["Tianjin"] == pytest.approx(0.12 - 0.025 / 9)
    assert origin["Hubei"] == "recent growth"


def test_scaling_reconciles_provinces_with_the_nation(measured):
    known = measured.measured
    growth, factor = scaled(measured.growth[known], measured.gdp[known], 5, 0.07)
    assert summed(growth, measured.gdp[known], 5) == pytest.approx(0.07, abs=1e-12)
    assert 0.6 < factor < 0.8
    assert allocate("s1").growth_scaling == pytest.approx(factor)


def test_indicators_of_another_plan_object_are_loaded_once():
    assert measured_indicators(find_plan("12FYP")) is measured_indicators(find_plan("12FYP"))


@pytest.mark.parametrize("name", ["allocate", "lookup"])
def test_examples_in_docstrings(name: str) -> None:
    results = doctest.testmod(import_module(f"experiments.allocation.{name}"))
    assert results.failed == 0
    assert results.attempted > 0, f"{name} has no example"
