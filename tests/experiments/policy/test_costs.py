"""Direct and indirect accounts: closed forms and identities."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.analyses.policy.costs import (
    Effect,
    account,
    capital_recovery,
    curve,
    present_value,
    product_form,
    table,
)
from experiments.analyses.policy.indirect import effects, final_demand, health, multipliers
from experiments.policy import catalogue
from experiments.policy.economics import Triangular, central, deflator, economics, real
from models.reading.faults import InputError

YEARS = range(2011, 2021)


def effect(energy: float = 1.0, co2: float = 2.6, spending: float = 0.7, members: int = 1) -> Effect:
    ramp = np.linspace(0.1, 1.0, len(YEARS)) * np.ones((members, 1))
    fuels = {"coal": co2 / 2.6 * ramp, "oil": 0 * ramp, "gas": 0 * ramp}
    return Effect(list(YEARS), energy * ramp, co2 * ramp, spending * ramp, fuels)


@given(st.floats(0.0, 0.3), st.integers(1, 70), st.floats(0.01, 1e4))
def test_annuities_discounted_equal_the_capital(rate: float, life: int, capital: float) -> None:
    annuity = capital * float(capital_recovery(rate, life))
    years = range(1, life + 1)
    assert float(present_value(np.full(life, annuity), years, rate, 0)) == pytest.approx(capital, rel=1e-9)


def test_recovery_factor_against_a_published_table() -> None:
    """8 %, 20 years: 0.101852 (any table of engineering economics)."""
    assert float(capital_recovery(0.08, 20)) == pytest.approx(0.101852, abs=5e-7)
    assert float(capital_recovery(0.0, 20)) == 0.05
    with pytest.raises(ValueError, match="life must be positive"):
        capital_recovery(0.08, 0)


def test_account_of_one_option_by_hand() -> None:
    option = catalogue()["IND-01"]
    own = account(option, effect(), central)
    capital = 3281 / deflator(2012) / 1000
    assert own.annuity[0, -1] == pytest.approx(capital * float(capital_recovery(0.08, 11)), rel=1e-12)
    assert own.operation[0, -1] == pytest.approx(60 / deflator(2012) / 1000, rel=1e-12)
    assert own.fuel[0, -1] == 0.7
    assert own.investment[0, 0] == pytest.approx(capital * (0.1 + 0.1 / 11), rel=1e-12)


@pytest.mark.parametrize("option", ["ENE-01", "ENE-02", "ENE-09", "TRA-05"])
def test_a_fuel_switch_is_paid_for_what_it_replaces(option: str) -> None:
    """Electricity instead of coal may raise the energy total; its capital is spent all the same."""
    one = catalogue()[option]
    own = account(one, effect(energy=-0.2), central)
    capital = one.capital_cost.value / deflator(2012) / 1000 / one.avoided.value
    assert own.annuity[0, -1] == pytest.approx(capital * float(capital_recovery(0.08, one.lifetime.value)), rel=1e-12)


def test_no_effect_costs_nothing() -> None:
    for option in catalogue().options.values():
        own = account(option, effect(0.0, 0.0, 0.0), central)
        assert float(np.abs(own.net).max()) == 0.0


def test_options_counted_in_co2_have_no_cost_per_tce() -> None:
    rows = table(catalogue().options, {"ENE-04": effect(0.0, 2.6, 0.5), "IND-01": effect()}, central, 2010)
    rows = rows.set_index("option")
    assert np.isnan(rows.loc["ENE-04", "yuan per tce"])
    assert rows.loc["ENE-04", "yuan per tCO2"] > 0
    npv = float(rows.loc["IND-01", "npv Gyuan"])
    assert rows.loc["IND-01", "yuan per tce"] == pytest.approx(
        1000 * npv / rows.loc["IND-01", "cumulative energy Mtce"]
    )


def test_range_follows_the_draws() -> None:
    draw = Triangular(500, np.random.default_rng(1))
    rows = table(catalogue().options, {"IND-01": effect(members=500)}, draw, 2010).iloc[0]
    assert rows["yuan per tCO2 low"] < rows["yuan per tCO2"] < rows["yuan per tCO2 high"]
    quantity = catalogue()["IND-01"].lifetime
    np.testing.assert_array_equal(draw(quantity), draw(quantity))


def test_curve_rises_and_is_as_wide_as_the_abatement() -> None:
    options = ("IND-01", "BLD-03", "ENE-04")
    costs = table(catalogue().options, {name: effect() for name in options}, central, 2010)
    steps = curve(costs)
    assert steps["yuan per tCO2"].is_monotonic_increasing
    assert float(steps["to Mt/year"].iloc[-1]) == pytest.approx(float(costs["co2 avoided Mt"].sum()))


def test_doubling_a_saving_with_full_overlap_does_not_double_the_reduction() -> None:
    total, one = np.array([100.0]), np.array([[40.0]])
    twice = np.concatenate([one, one])
    assert product_form(total, one) == pytest.approx([40.0])
    assert product_form(total, twice) == pytest.approx([64.0])
    everything = np.array([[100.0]])
    assert product_form(total, np.concatenate([everything, everything])) == pytest.approx([100.0])


def test_prices_move_to_2005_and_beyond_the_measured_years() -> None:
    assert deflator(2005) == 1.0
    assert deflator(2017) == pytest.approx(deflator(2015) * 1.022**2)
    assert real(catalogue()["IND-01"].lifetime).value == 11
    with pytest.raises(InputError, match="no price level for 1990"):
        deflator(1990)


def test_every_assumption_of_the_accounts_has_a_range_and_a_source() -> None:
    groups = economics()
    for group in (groups.rates, groups.prices, groups.carbon, groups.closure, groups.health):
        for name, quantity in group.items():
            assert len(quantity.source) > 10, name
    for name, shares in groups.goods.items():
        if name != "source":
            assert sum(shares.values()) == pytest.approx(1), name
            assert set(shares) <= set(multipliers().value_added), name


def test_multipliers_of_fifteen_sectors() -> None:
    assert len(multipliers().value_added) == 15
    value, jobs = multipliers().apply({"construction": np.array([[1.0]])})
    assert value.item() == pytest.approx(0.875)
    assert jobs.item() == pytest.approx(6.26 * deflator(2020))  # thousand jobs per Gyuan of 2005


def test_full_displacement_without_savings_leaves_only_composition() -> None:
    """Investment that wholly displaces other investment changes what is bought, not how much."""
    option = catalogue()["BLD-01"]
    own = account(option, effect(spending=0.0), central)

    def draw(quantity: object) -> np.ndarray:
        special = {id(economics().closure["displaced_investment"]): 1.0, id(economics().closure["local_share"]): 1.0}
        return np.array([special.get(id(quantity), getattr(quantity, "value", 0.0))])

    demand = final_demand(option, own, {}, draw)
    investment = own.investment.sum()
    net = sum(float(v.sum()) for v in demand.values())
    respent = economics().closure["respent"].value
    running = float((own.operation + own.programme).sum())
    assert net == pytest.approx(running * (1 - respent), abs=1e-9 * investment)


def test_induced_round_adds_to_the_direct_one() -> None:
    demand = {"construction": np.array([[1.0, 2.0]])}
    value, jobs = effects(demand, central)
    more, more_jobs = effects(demand, central, induced=True)
    assert (more > value).all()
    assert (more_jobs > jobs).all()
    assert (more < 1.5 * value).all()


def test_health_counts_what_is_not_burnt() -> None:
    found = health({("industry", "coal"): np.array([1.0])}, central).set_index("quantity")
    assert found.loc["SO2", "median"] == pytest.approx(16.9691 * 0.4)
    by_hand = 0.4 * 1e3 * (1.7488 * 0.031 + 16.9691 * 0.0049 + 5.5999 * 0.00076)
    assert found.loc["deaths avoided", "median"] == pytest.approx(by_hand, rel=1e-6)
    assert health({("industry", "coal"): np.array([0.0])}, central)["median"].abs().max() == 0.0


def test_later_money_is_worth_less() -> None:
    flows = np.array([[100.0, 110.0, 121.0]])
    assert present_value(flows, [2010, 2011, 2012], 0.1, 2010).item() == pytest.approx(300.0)
    assert present_value(flows, [2010, 2011, 2012], 0.1, 2011).item() == pytest.approx(330.0)


def test_induced_rounds_are_a_geometric_sum() -> None:
    direct, jobs = effects({"construction": np.array([[1.0]])}, central)
    more, more_jobs = effects({"construction": np.array([[1.0]])}, central, induced=True)
    closure, basket = economics().closure, economics().demand["consumption"]
    kept = np.prod([central(closure[name]) for name in ("labour_income", "respent", "local_share")])
    each = sum(share * multipliers().value_added[sector] for sector, share in basket.items())
    each_jobs = sum(share * multipliers().jobs[sector] for sector, share in basket.items())
    income, spent = direct.item(), 0.0
    for _ in range(200):  # what is earned is spent again, and earned again
        spent += kept * income
        income = kept * income * each
    assert more.item() == pytest.approx(direct.item() + spent * each)
    assert more_jobs.item() == pytest.approx(jobs.item() + spent * each_jobs)
