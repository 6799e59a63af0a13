"""Policy in the real model: identities of mixes, overlap, packages, decompositions. Measured inputs, four members."""

from functools import cache

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import models
from calibration import baseline, inputs
from calibration.members import run as run_members
from experiments.analyses.policy import costs, measures, published
from experiments.analyses.policy import lmdi as split
from experiments.analyses.policy.paired_runs import DETAIL, PairedRuns
from experiments.analyses.policy.policy_tables import (
    Analysis,
    contributions,
    goals,
    lmdi,
    money,
    triple_win,
    wedge,
)
from experiments.analyses.policy.shapley import coalitions, shapley
from experiments.installation import Installation, ScenarioInputs, load_study, unflat
from experiments.policy import Mix, mix, mixes, resolve_delivery
from experiments.policy.economics import Triangular
from experiments.study.schema import Goal
from sim import Model

MEMBERS = 4


@cache
def model() -> Model:
    return Model.load(models.PROVINCE)


def simulate(design: pd.DataFrame, params: dict, outputs: list[str], years: list[int]) -> xr.Dataset:
    table, given = resolve_delivery(design, params)
    dims = {name: variable.dims for name, variable in model().variables.items()}
    return run_members(model(), unflat(table, model().subscripts, dims), given, outputs, years)


@cache
def bench() -> PairedRuns:
    study = load_study("chongqing", ["members=8"])
    measured = inputs.params(baseline.load())
    times = sorted({float(t) for v in measured.values() if "time" in v.dims for t in v["time"].to_numpy()})
    common = xr.Dataset(
        {
            k: (v.interp(time=times).fillna(0) if "time" in v.dims else v).reset_coords(drop=True)
            for k, v in measured.items()
        }
    )
    provinces = [*common["province"].to_numpy(), "China"]
    target = xr.DataArray(
        np.full((1, 31), 16.0), {"allocation": ["official"], "province": provinces}, ("allocation", "province")
    )
    rng = np.random.default_rng(5)
    design = pd.DataFrame(
        {
            "rebound": rng.uniform(0.1, 0.4, MEMBERS),
            "crowding out share": rng.uniform(0.0, 0.6, MEMBERS),
            "delivery delay": rng.uniform(1, 4, MEMBERS),
            "compliance share": rng.uniform(0.4, 1, MEMBERS),
        },
        index=pd.RangeIndex(MEMBERS, name="member"),
    )
    stack = mixes([(choice.label, choice.mix) for choice in study.mixes])
    return PairedRuns(
        study,
        ScenarioInputs(common, xr.Dataset({"target": target}), stack),
        simulate,
        design,
        "official",
        range(2010, 2021),
    )


@cache
def work() -> Analysis:
    return Analysis(bench(), mix("full"), mix("base"), Triangular(MEMBERS, np.random.default_rng(7)), lambda: None)


def place(name: str) -> int:
    return bench().places.index(name)


def energy(one: Mix) -> np.ndarray:
    """Chongqing's, (member, year)."""
    return bench().total(bench().run(one), "total energy")[:, place("Chongqing")]


def worth_of_packages() -> dict:
    packages = mix("full").options.packages
    found = {
        c: -bench().total(bench().run(mix("full").only([v for p in c for v in packages[p]])), "total energy")
        for c in coalitions(list(packages))
    }
    return {"energy": found, "co2": found, "intensity": found}


def test_a_mix_of_zero_strength_is_the_base_mix_exactly() -> None:
    zero = mix("full", {"levers": dict.fromkeys(mix("full").spec.levers, 0.0), "delivery": {"delay": 3.0}})
    assert float(zero.strength().sum()) == 0.0
    base, other = bench().run(mix("base")), bench().run(zero)
    for name in base:
        np.testing.assert_array_equal(base[name].to_numpy(), other[name].to_numpy(), err_msg=name)


def test_delay_and_compliance_move_only_the_mix_that_leaves_them_open() -> None:
    plan, delivered = energy(mix("plan")), energy(mix("delivered"))
    saved, arrived = energy(mix("base")) - plan, energy(mix("base")) - delivered
    assert (arrived[:, -1] < saved[:, -1]).all()
    assert np.unique((arrived[:, -1] / saved[:, -1]).round(6)).size == MEMBERS


def test_doubling_a_saving_does_not_double_the_reduction() -> None:
    """Retrofit twice as strong acts on what retrofit has left."""
    base = energy(mix("base"))[:, -1]
    once = base - energy(mix("base", {"levers": {"industrial retrofit": 0.75}}))[:, -1]
    twice = base - energy(mix("base", {"levers": {"industrial retrofit": 1.5}}))[:, -1]
    assert (once > 0).all()
    assert (twice > once).all()
    assert (twice < 1.95 * once).all()


def test_policy_in_one_province_stays_there() -> None:
    own = mix("full", {"where": ["Chongqing"]})
    strength = own.strength()
    assert float(strength.sel(province="Chongqing", lever="heat reform")) == 0.0  # no heat networks there
    assert 13 < float(strength.sel(province="Chongqing").sum()) == float(strength.sum()) < 15


def test_shapley_shares_of_packages_add_to_the_reduction() -> None:
    packages = {
        "industrial development": ["industrial retrofit", "plant closure"],
        "energy shift": ["coal to gas", "nonfossil power"],
    }
    worth = {
        c: -energy(mix("full").only([lever for p in c for lever in packages[p]])) for c in coalitions(list(packages))
    }
    shares = shapley(list(packages), worth)
    whole = worth[frozenset(packages)] - worth[frozenset()]
    np.testing.assert_allclose(sum(shares.values()), whole, rtol=0, atol=1e-9)
    assert (shares["industrial development"][:, -1] > 0).all()


@pytest.mark.parametrize("of", ["total energy", "energy co2"])
@pytest.mark.parametrize("intensity", [False, True])
def test_decomposition_leaves_no_residual(of: str, intensity: bool) -> None:
    results = bench().run(mix("base"), outputs=DETAIL).sel(province=["Chongqing"])
    before, after = results.sel(year=2010), results.sel(year=2015)
    parts = split.split(before, after, of, intensity)
    scale = [state["gdp"].sum("province") if intensity else 1.0 for state in (before, after)]
    change = after[of].sum("province") / scale[1] - before[of].sum("province") / scale[0]
    np.testing.assert_allclose(sum(parts.values()), change, rtol=0, atol=1e-9)
    assert list(parts) == [*(["activity"] if not intensity else []), "structure", "sector intensity", "fuel", "power"]


def test_decomposition_of_the_nation_covers_all_provinces() -> None:
    whole = bench().run(mix("base"), outputs=DETAIL)
    parts = split.split(whole.sel(year=2010), whole.sel(year=2015), "total energy", True)
    level = [
        whole.sel(year=y)["total energy"].sum("province") / whole.sel(year=y)["gdp"].sum("province")
        for y in (2010, 2015)
    ]
    np.testing.assert_allclose(sum(parts.values()), level[1] - level[0], rtol=0, atol=1e-9)


def test_factors_that_miss_the_total_are_refused() -> None:
    state = bench().run(mix("base"), outputs=DETAIL).sel(year=2015)
    with pytest.raises(ArithmeticError, match="must multiply to it"):
        split.factors(state.assign({"total energy": state["total energy"] * 1.01}), "total energy", False)


@pytest.mark.parametrize("name", ["full", "plan", "industry"])
def test_the_net_cost_of_a_mix_is_one_number_in_model_and_accounts(name: str) -> None:
    booked, model_cost = bench().booked(mix(name), bench().design, [2012, 2015])
    parts = sum(costs.places(account.net) for account in costs.accounts(booked, mix(name).options))
    np.testing.assert_allclose(parts, model_cost, rtol=1e-9, atol=1e-12)
    table = costs.table(booked, mix(name).options, work().draw, 2010)
    whole = table[table["option"] == costs.ALL].set_index("province")["net cost Gyuan/year"]
    np.testing.assert_allclose(whole[bench().places], np.median(model_cost[..., -1], axis=0), rtol=1e-9, atol=1e-12)


def test_saved_energy_is_income_of_who_saves_and_lost_to_who_sold() -> None:
    """With the loop GDP is above the run without it where energy is bought, and coal provinces do not win twice."""
    cut = {"switch energy income": xr.DataArray(0.0)}
    industry = mix("industry")
    gain = [bench().total(bench().run(industry, extra), "gdp")[..., -1] for extra in (None, cut)]
    more = (gain[0] / gain[1] - 1).mean(0)
    assert more[place("China")] > 0
    assert more[place("Guangdong")] > more[place("Shanxi")]
    quiet = [bench().run(mix("base"), extra)["gdp"] for extra in (None, cut)]
    xr.testing.assert_equal(*quiet)  # without levers the loop carries nothing


def test_the_numbers_that_decide_the_cost_are_ranked() -> None:
    table = money(work(), bench().design, "Chongqing")["cost_variance"]
    assert set(table["province"]) == {"China", "Chongqing"}
    own = table[table["province"] == "Chongqing"]
    assert own["share"].is_monotonic_decreasing
    assert 0.85 < own["share"].sum() < 1.6  # total effects add to one or more, but for their sampling error
    assert not own["number"].isin(["coverage", "penetration"]).any()


def test_measures_are_the_cheapest_that_reach_and_never_more_than_the_mix() -> None:
    cost = money(work(), bench().design)["costs"]
    errors = {
        "intensity": xr.DataArray(np.zeros((MEMBERS * measures.DRAWS, 30, 6)), dims=("member", "province", "year"))
    }
    coords = {"province": bench().provinces, "year": range(2010, 2016)}
    system = Installation(None, None, lambda *_: xr.Dataset(errors, coords), simulate, None)  # type: ignore[arg-type]
    table = measures.table(bench(), mix("full"), system, cost)
    assert set(table["province"]) == set(bench().provinces)
    assert set(table["status"]) <= {"needed", "none needed", "out of reach"}
    needed = table[table["status"] == "needed"]
    assert ((needed["chance"] >= measures.CHANCE) & (needed["strength"].between(0, 1))).all()
    for _, rows in needed.groupby("province"):
        assert (rows["rank"].to_numpy() == np.arange(1, len(rows) + 1)).all()
        assert rows["yuan per tce"].is_monotonic_increasing or len(rows) < 3
    out = table[table["status"] == "out of reach"]
    assert (out["chance"] < measures.CHANCE).all()
    assert out["bound"].isin(mix("full").options.levers).all()


def test_a_published_shock_has_its_sign_and_order_of_magnitude() -> None:
    table = published.table(bench(), mix("base"), work().draw)
    assert table["same sign"].all()
    assert (table["crowding out"] < 0).all()
    assert table["ours over published"].between(0.1, 10).all()


def test_tables_of_contributions_wedge_and_gap_add_up() -> None:
    worth = worth_of_packages()
    shares = contributions(work(), worth)
    for _, rows in shares.groupby(["quantity", "year", "province"]):
        parts = rows.set_index("package")["mean"]
        assert parts.drop("total").sum() == pytest.approx(parts["total"], abs=1e-9)
    steps = wedge(work(), worth)
    for _, rows in steps.groupby(["quantity", "year", "province"]):
        parts = rows.set_index("package")["mean"]
        assert parts["base"] - parts.drop(["base", "all"]).sum() == pytest.approx(parts["all"], abs=1e-9)
    gap = lmdi(work())
    for _, rows in gap.groupby(["change", "of", "year", "province"]):
        parts = rows.set_index("factor")["mean"]
        assert parts.drop("total").sum() == pytest.approx(parts["total"], abs=1e-9)


def test_packages_overlap_and_the_levers_own_actions_are_more_than_the_model_s_difference() -> None:
    ways = money(work(), bench().design)["overlap"].query("province == 'China'").set_index("way")["mean"]
    assert 0 < ways["model"] < ways["own actions"]
    assert ways["product form"] < ways["plain sum"]


def test_triple_win_has_a_sign_and_a_range_for_every_mix() -> None:
    table = triple_win(work())
    assert set(table["loop"]) == {"with", "without"}
    table = table[(table["province"] == "Chongqing") & (table["loop"] == "with")]
    assert set(table["quantity"]) == {"GDP", "energy use", "emissions", "all three"}
    base = table[(table["mix"] == "base") & (table["quantity"] != "all three")]
    assert (base["sign"] == "0").all()
    full = table[(table["mix"] == "full") & (table["quantity"] == "emissions")]
    assert (full["sign"] == "−").all()
    assert (full["low"] <= full["median"]).all()
    assert (full["median"] <= full["high"]).all()


def test_a_later_goal_is_less_certain_and_a_stronger_mix_likelier() -> None:
    asked = [Goal(year=2015, reduction=16.0), Goal(year=2020, reduction=29.4)]
    alike = bench().design.iloc[np.zeros(64, int)].reset_index(drop=True)  # only the predictive error differs
    table = goals(work(), alike, asked, "Chongqing").set_index(["mix", "year"])
    assert set(table.index.get_level_values("year")) == {2015, 2020}
    width = (table["high"] - table["low"])["base"]
    assert width[2020] > 1.1 * width[2015] > 0
    assert table["median"]["full", 2020] > table["median"]["base", 2020]
    assert (table["chance low"] <= table["chance"]).all()
    assert goals(work(), bench().design, [Goal(year=2030, reduction=50.0)], "Chongqing").empty


def test_a_win_is_gdp_not_lower_and_energy_and_co2_lower() -> None:
    whole = triple_win(work()).query("province == 'Chongqing' and loop == 'with'")
    table = whole.set_index(["mix", "year", "quantity"])["share of members"]
    year = max(table.index.get_level_values("year"))
    nothing, shares = bench().run(mix("base")), []
    for name in ("energy", "full"):
        some = bench().run(mix(name))

        def ratio(variable: str, some: xr.Dataset = some) -> np.ndarray:
            one, other = (
                bench().total(found, variable)[:, place("Chongqing"), year - 2010] for found in (some, nothing)
            )
            return one / other

        won = [ratio("gdp") >= 1, ratio("total energy") < 1, ratio("energy co2") < 1]
        found = [table[name, year, quantity] for quantity in ("GDP", "energy use", "emissions", "all three")]
        assert found == [*(part.mean() for part in won), np.all(won, axis=0).mean()]
        shares.append(found[0])
    assert min(shares) < 1  # GDP falls a little in some member, so that a laxer sign would show


def test_measures_for_a_carbon_target_include_options_that_save_no_energy() -> None:
    amounts = {"energy saved Mtce": [1.0, 0.0], "co2 avoided Mt": [2.0, 9.0], "npv Gyuan": [1.0, 1.0]}
    further = {"cumulative energy Mtce": [2.0, 0.0], "cumulative co2 Mt": [4.0, 18.0]}
    account = pd.DataFrame({"province": "Guangdong", "option": ["motors", "nuclear"], **amounts, **further})
    assert measures._order(account, "Guangdong", *measures.COUNTED["energy"]) == ["motors"]
    assert measures._order(account, "Guangdong", *measures.COUNTED["co2"]) == ["nuclear", "motors"]
