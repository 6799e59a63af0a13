"""Comparison and ledger."""

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from experiments.allocation import allocate, ledger
from experiments.allocation.comparison import agreement, compare, gini, names

samples = st.lists(st.tuples(st.floats(0.01, 1e3), st.floats(0.01, 1e3)), min_size=2, max_size=20)


@pytest.fixture(scope="module")
def comparison():
    return compare([allocate(rule) for rule in ("official", "uniform", "s1", "s3")])


def test_gini_closed_forms():
    assert gini(np.array([3.0, 3.0, 3.0]), np.array([1.0, 5.0, 2.0])) == pytest.approx(0)
    assert gini(np.array([0.0, 0.0, 0.0, 1.0]), np.ones(4)) == pytest.approx(0.75)  # one has all: 1 − 1/n
    assert gini(np.arange(1.0, 1001.0), np.ones(1000)) == pytest.approx(1 / 3, abs=1e-3)  # a uniform distribution


@given(samples, st.floats(0.1, 100))
def test_gini_knows_no_units_and_counts_people_not_rows(rows, factor):
    values, people = (np.array(column) for column in zip(*rows, strict=True))
    whole = gini(values, people)
    assert 0 <= whole < 1
    assert gini(factor * values, factor * people) == pytest.approx(whole, abs=1e-9)
    halves = gini(np.concatenate([values, values]), np.concatenate([people, people]) / 2)
    assert halves == pytest.approx(whole, abs=1e-9)


def test_burden_is_the_energy_to_save_over_people_and_gdp(comparison, measured):
    place = measured.provinces.index("Henan")
    growth = (1 + measured.growth[place]) ** 5
    saved = measured.energy[place] * growth * comparison.targets.loc["Henan", "s1"] / 100
    assert comparison.per_head.loc["Henan", "s1"] == pytest.approx(saved / measured.population[place] * 1000)
    assert comparison.per_gdp.loc["Henan", "s1"] == pytest.approx(saved / (measured.gdp[place] * growth) * 1000)


def test_gains_and_losses_are_against_official(comparison):
    change = comparison.against_official
    assert (change["official"] == 0).all()
    assert change.loc["Hainan", "uniform"] == pytest.approx(6)
    rules = comparison.rules.set_index("rule")
    assert rules.loc["uniform", "most_tightened"].endswith("+6.0")
    assert rules.loc["s1", "aggregate"] == pytest.approx(16)
    assert rules.loc["official", "aggregate"] < 16  # five groups of whole per cents on uneven growth


def test_rank_one_is_the_deepest_cut(comparison):
    first = comparison.rank["s3"].idxmin()
    assert comparison.targets["s3"].idxmax() == first
    assert comparison.rank.loc["Tianjin", "official"] == 1


def test_agreement_of_ranks():
    import pandas as pd

    up = pd.Series([1.0, 2.0, 5.0, 9.0])
    assert agreement(up, up**2) == pytest.approx(1)
    assert agreement(up, -up) == pytest.approx(-1)
    assert np.isnan(agreement(up, up * 0))


def test_official_joins_for_the_differences_only():
    alone = compare([allocate("s3")])
    assert list(alone.targets.columns) == ["s3"]
    assert alone.against_official["s3"].abs().max() > 1


def test_ledger_of_the_measured_years():
    table = ledger.measured().set_index(["quantity", "year"])
    # National intensity 1.276 (2005) and 1.034 (2010) tce per 10⁴ yuan: the sum of provinces lies above the nation.
    assert table.loc[("energy", 2005), "nation"] == pytest.approx(2360, rel=0.005)
    assert table.loc[("energy", 2010), "nation"] == pytest.approx(3250, rel=0.005)
    assert 8 < table.loc[("energy", 2005), "residual_percent"] < 20
    assert 0 < table.loc[("gdp", 2008), "residual_percent"] < 12
    assert set(table.index.get_level_values("year")) == set(range(2000, 2016))
    assert table.loc[("gdp", 2014), "nation_is"] == "not in the tables"
    known = table["residual"].notna()
    assert (table["provinces"] - table["nation"] - table["residual"])[known].abs().max() < 1e-9


def test_ledger_of_a_plan_ends_at_the_targets():
    result = allocate("s1", 16)
    table = ledger.planned(result).set_index(["quantity", "year"])
    ours = table.loc["energy", "provinces"] / table.loc["gdp", "provinces"]
    theirs = table.loc["energy", "nation"] / table.loc["gdp", "nation"]
    assert 1 - ours[2015] / ours[2010] == pytest.approx(0.16, abs=1e-9)
    assert 1 - theirs[2015] / theirs[2010] == pytest.approx(0.16, abs=1e-9)
    carbon = table.loc["co2", "nation"] / table.loc["gdp", "nation"]
    assert 1 - carbon[2015] / carbon[2010] == pytest.approx(0.17, abs=1e-9)
    growth = (table.loc[("gdp", 2015), "provinces"] / table.loc[("gdp", 2010), "provinces"]) ** 0.2 - 1
    assert 100 * growth == pytest.approx(result.growth_provinces)
    assert growth > 0.07  # the provinces' targets add up to more than the nation's


def test_ledger_of_simulated_scenarios_keeps_one_row_a_scenario_and_year():
    years = [2005, 2010]
    values = np.arange(12.0).reshape(3, 2, 2)
    data = xr.Dataset(
        {"gdp": (("province", "mix", "year"), values)},
        coords={"province": ["Beijing", "Hebei", "Hainan"], "mix": ["base", "full"], "year": years},
    )
    table = ledger.against(data, ledger.nation()).set_index(["scenario", "year"])
    assert len(table) == 4
    assert table.loc[("full", 2010), "provinces"] == values[:, 1, 1].sum()
    assert table.loc[("base", 2005), "nation"] == pytest.approx(18493.74)


def test_all_may_stand_among_other_rules_and_each_rule_comes_once() -> None:
    every = names("all", {})
    assert "equal-chance" not in every
    assert names("s2, all,equal-chance,S2", {}) == ["s2", *(r for r in every if r != "s2"), "equal-chance"]
