"""Direct and indirect accounts: closed forms and identities."""

import doctest
from dataclasses import replace
from importlib import import_module

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from experiments.analyses.policy.costs import (
    ALL,
    BURNT,
    Booked,
    accounts,
    capital_recovery,
    curve,
    present_value,
    product_form,
    table,
)
from experiments.analyses.policy.indirect import controls, effects, final_demand, health, labour, multipliers
from experiments.analyses.policy.paired_runs import PairedRuns
from experiments.policy import catalogue, mix
from experiments.policy.catalogue import references
from experiments.policy.economics import Triangular, central, deflator, economics, real
from experiments.policy.lever_costs import price, unit_costs
from experiments.policy.size import provinces
from models.reading.faults import InputError

YEARS = range(2011, 2021)
PLAN = "2011-2015"


def booked(amount: float = 1.0, members: int = 1) -> Booked:
    """Every lever saves a ramp up to `amount` Mtce in every province of the full mix."""
    full, names = mix("full"), list(provinces())
    ramp = amount * np.linspace(0.1, 1.0, len(YEARS))
    shape = (members, len(names), len(full.options.levers), len(YEARS))
    costs = full.costs()
    return Booked(
        years=list(YEARS),
        levers=list(full.options.levers),
        provinces=names,
        saving=np.broadcast_to(ramp, shape),
        new=np.full(shape, 0.1 * amount),
        index=np.ones((members, len(YEARS))),
        rate=np.full(members, 0.08),
        programme=np.ones(members),
        parameters={name: costs[name].to_numpy() for name in ("capital cost", "lever lifetime")},
        parts=full.option_parts(),
        plan=PLAN,
    )


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
    own = {account.option: account for account in accounts(booked(), catalogue())}["IND-05"]
    capital = 2500 / deflator(2012) / 1000  # the lever's only option: its share is one
    where = list(provinces()).index("Hebei")
    assert own.annuity[0, where, -1] == pytest.approx(capital * float(capital_recovery(0.08, 15)), rel=1e-12)
    assert own.investment[0, where, 0] == pytest.approx(0.1 * capital, rel=1e-12)
    assert own.programme[0, where, 0] == pytest.approx(0.03 * 0.1 * capital, rel=1e-12)
    coal = 340 / 0.7143 * 1.41 / deflator(2013) / 1.17 / 1000  # Hebei, without value-added tax
    assert own.fuel[0, where, -1] == pytest.approx(coal / 1.01**8, rel=2e-4)  # the table keeps one decimal
    assert own.co2[0, where, -1] == pytest.approx(2.66)


def test_the_account_of_some_provinces_is_their_part_of_the_whole() -> None:
    """Prices are those of the provinces that are run, in their order."""
    whole, names = booked(), ["Ningxia", "Hebei"]
    rows = [whole.provinces.index(name) for name in names]
    some = replace(
        whole,
        provinces=names,
        saving=whole.saving[:, rows],
        new=whole.new[:, rows],
        parameters={name: values[rows] for name, values in whole.parameters.items()},
        parts=whole.parts.loc[names],
    )
    for own, every in zip(accounts(some, catalogue()), accounts(whole, catalogue()), strict=True):
        np.testing.assert_array_equal(own.fuel, every.fuel[:, rows])
        np.testing.assert_array_equal(own.net, every.net[:, rows])


def test_options_of_a_lever_add_to_its_annuity_at_any_rate() -> None:
    for rate in (0.05, 0.08, 0.12):
        given = replace(booked(), rate=np.array([rate]))
        own = [a for a in accounts(given, catalogue()) if catalogue()[a.option].lever == "industrial retrofit"]
        capital, life = (given.parameters[n][:, 0] for n in ("capital cost", "lever lifetime"))
        np.testing.assert_allclose(sum(a.annuity for a in own)[0, :, -1], capital * capital_recovery(rate, life))


def test_a_fuel_switch_pays_for_what_it_takes() -> None:
    """Gas for coal, by hand: 1 tce of coal less, 0.78 of gas more, over 0.22 saved."""
    own = unit_costs(catalogue()["ENE-01"], PLAN)
    coal, gas = (price(fuel, PLAN, "social") for fuel in ("coal", "gas"))
    np.testing.assert_allclose(own.price, (coal - 0.78 * gas) / 0.22 / 1000)
    assert own.carbon.item() == pytest.approx((2.66 - 0.78 * 1.65) / 0.22)
    assert (own.price < 0).all()  # gas is dearer than coal everywhere


def test_each_fuel_has_its_own_price_and_carbon() -> None:
    boilers, motors, cars = (unit_costs(catalogue()[name], PLAN) for name in ("IND-01", "IND-02", "TRA-03"))
    assert boilers.price.mean() < motors.price.mean() < cars.price.mean()
    assert boilers.carbon.item() == 2.66
    assert cars.carbon.item() == 2.12


def test_social_prices_leave_taxes_out() -> None:
    for fuel in ("coal", "gas", "electricity", "heat"):
        ratio = price(fuel, PLAN, "private") / price(fuel, PLAN, "social")
        np.testing.assert_allclose(ratio, 1.13 if fuel in ("gas", "heat") else 1.17)
    assert (price("oil", PLAN, "private") > 1.17 * price("oil", PLAN, "social")).all()  # and excise


def test_output_that_moves_saves_no_bill() -> None:
    assert np.abs(unit_costs(catalogue()["STR-01"], PLAN).price).max() == 0.0


def test_no_effect_costs_nothing() -> None:
    for account in accounts(booked(0.0), catalogue()):
        assert float(np.abs(account.net).max()) == 0.0


def test_options_counted_in_co2_have_no_cost_per_tce() -> None:
    rows = table(booked(), catalogue(), central, 2010).set_index(["option", "province"])
    assert np.isnan(rows.loc[("ENE-04", "Hebei"), "yuan per tce"])
    assert rows.loc[("ENE-04", "Hebei"), "yuan per tCO2"] > 0
    own = rows.loc[("IND-01", "Hebei")]
    assert own["yuan per tce"] == pytest.approx(1000 * own["npv Gyuan"] / own["cumulative energy Mtce"])


def test_the_mix_is_the_sum_of_its_options_and_the_nation_of_its_provinces() -> None:
    rows = table(booked(), catalogue(), central, 2010).set_index(["option", "province"])["net cost Gyuan/year"]
    for place in ("Hebei", "China"):
        parts = rows.xs(place, level="province")
        assert parts[ALL] == pytest.approx(parts.drop(ALL).sum(), rel=1e-12)
    mix_rows = rows[ALL]
    assert mix_rows["China"] == pytest.approx(mix_rows.drop("China").sum(), rel=1e-12)


def test_range_follows_the_draws() -> None:
    draw = Triangular(400, np.random.default_rng(1))
    rows = table(booked(members=400), catalogue(), draw, 2010).set_index(["option", "province"])
    own = rows.loc[("IND-01", "Hebei")]
    assert own["yuan per tCO2 low"] < own["yuan per tCO2"] < own["yuan per tCO2 high"]
    quantity = catalogue()["IND-01"].capital_cost
    np.testing.assert_array_equal(draw(quantity), draw(quantity))


def test_the_value_is_the_median_of_its_draws() -> None:
    quantity = catalogue()["IND-05"].capital_cost  # far more room above than below
    values = Triangular(20_000, np.random.default_rng(1))(quantity)
    assert (values < quantity.value).mean() == pytest.approx(0.5, abs=0.02)
    assert quantity.low <= values.min() < values.max() <= quantity.high
    below = np.median(values[values < quantity.value])
    assert below > (quantity.low + quantity.value) / 2  # dense near the value


def test_curve_rises_and_is_as_wide_as_the_abatement() -> None:
    costs = table(booked(), catalogue(), central, 2010)
    steps = curve(costs)
    for place in ("Hebei", "China"):
        own = steps[steps["province"] == place]
        kept = costs[(costs["province"] == place) & costs["option"].isin(own["option"])]
        assert own["yuan per tCO2"].is_monotonic_increasing
        assert float(own["to Mt/year"].iloc[-1]) == pytest.approx(float(kept["co2 avoided Mt"].sum()))
    assert "TRA-01" not in set(steps["option"])  # urban rail is not part of the curve


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
    for group in (groups.rates, *groups.prices.values(), groups.taxes, groups.carbon, groups.closure, groups.health):
        for name, quantity in group.items():
            assert len(quantity.source) > 10 or quantity.source in references(), name
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
    """Investment that wholly displaces other investment changes its composition, not its amount."""
    own = {account.option: account for account in accounts(booked(), catalogue())}["BLD-01"]
    own = replace(own, fuel=np.zeros_like(own.fuel))

    def draw(quantity: object) -> np.ndarray:
        special = {id(economics().closure["displaced_investment"]): 1.0, id(economics().closure["local_share"]): 1.0}
        return np.array([special.get(id(quantity), getattr(quantity, "value", 0.0))])

    demand = final_demand(catalogue()["BLD-01"], own, {}, draw)
    investment = own.investment.sum()
    net = sum(float(v.sum()) for v in demand.values())
    respent = economics().closure["respent"].value
    running = float((own.operation + own.programme).sum())
    assert net == pytest.approx(running * (1 - respent), abs=1e-9 * investment)


def test_a_yuan_employed_more_people_in_earlier_years() -> None:
    years = [2011, 2015, 2020, 2025]
    assert labour([2020]) == pytest.approx(1.0)
    assert (np.diff(labour(years)) < 0).all()
    assert labour([2025]) == pytest.approx(1.06**-5)
    demand = {"construction": np.ones((1, 1, 2))}
    _, jobs = effects(demand, central, years=[2011, 2020])
    assert jobs[0, 0, 1] == pytest.approx(6.26 * deflator(2020))
    assert jobs[0, 0, 0] == pytest.approx(jobs[0, 0, 1] * labour([2011])[0])


def test_induced_round_adds_to_the_direct_one() -> None:
    demand = {"construction": np.array([[1.0, 2.0]])}
    value, jobs = effects(demand, central)
    more, more_jobs = effects(demand, central, induced=True)
    assert (more > value).all()
    assert (more_jobs > jobs).all()
    assert (more < 1.5 * value).all()


def test_health_counts_what_is_not_burnt_by_place_of_use_and_year() -> None:
    none = np.zeros((1, 1, 2))
    saved = {("industry", "coal"): none + 1.0, ("power", "coal"): none, ("buildings", "coal"): none}
    deaths = health(saved, central, [2013, 2017])["deaths avoided", "1/year"]
    assert deaths.ravel() == pytest.approx([135, 135 * 0.6])
    homes = health({**saved, ("industry", "coal"): none, ("buildings", "coal"): none + 1.0}, central, [2013, 2017])
    assert (homes["deaths avoided", "1/year"] > 4 * deaths).all()
    assert controls([2010, 2013, 2017]) == pytest.approx([1.2, 1.0, 0.6])
    assert (np.diff(controls(range(2010, 2031))) <= 0).all()


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
    for _ in range(200):  # income is spent again and earned again
        spent += kept * income
        income = kept * income * each
    assert more.item() == pytest.approx(direct.item() + spent * each)
    assert more_jobs.item() == pytest.approx(jobs.item() + spent * each_jobs)


def test_fuel_burnt_less_is_counted_where_it_is_burnt_and_positive_when_policy_saves() -> None:
    sectors = ["heavy industry", "light industry", "services", "residential", "transport"]
    dims, shape = ("member", "province", "year", "sector", "fuel"), (1, 2, 1, len(sectors), len(BURNT))
    coords = {"sector": sectors, "fuel": list(BURNT)}
    power = xr.DataArray(np.full((1, 2, 1), 5.0), dims=dims[:3])

    def results(use: float, plants: float) -> xr.Dataset:
        fuel = xr.DataArray(np.full(shape, use), dims=dims, coords=coords)
        return xr.Dataset({"final energy by fuel": fuel, "power fuel": power * plants})

    less = PairedRuns.burnt(object.__new__(PairedRuns), results(3.0, 1.0), results(2.0, 0.8))
    assert set(less) == {(use, fuel) for use in ("industry", "buildings") for fuel in BURNT} | {("power", "coal")}
    assert less["industry", "coal"][0, :, 0] == pytest.approx([2, 2, 4])  # two sectors, the nation last
    assert less["power", "coal"][0, :, 0] == pytest.approx([1, 1, 2])


def test_examples_in_docstrings() -> None:
    results = doctest.testmod(import_module("experiments.analyses.policy.costs"))
    assert results.failed == 0
    assert results.attempted > 0
