"""Policy mixes: the shipped ones of both plans, composition, merging, decomposition, messages about wrong files."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from experiments.policy import catalogue, merge, mix, mixes, names, resolve_delivery
from experiments.policy.size import energy, shipped_shares, sizes
from models.reading.faults import InputError

NINE = {"base", "plan", "delivered", "industry", "structure", "energy", "urban", "agriculture", "full"}


def test_nine_mixes_ship_and_their_like_for_2030() -> None:
    assert set(names()) == NINE | {f"{name}-2030" for name in NINE - {"base"}}


@pytest.mark.parametrize(("end", "plan"), [("", "2011-2015"), ("-2030", "2026-2030")])
def test_base_is_no_new_policy_and_full_is_every_package(end: str, plan: str) -> None:
    assert float(mix("base").strength().sum()) == 0.0
    alone = [mix(name + end).strength() for name in ("industry", "structure", "energy", "urban", "agriculture")]
    np.testing.assert_array_equal(sum(alone), mix(f"full{end}").strength())
    moved = [lever for lever in catalogue(plan).levers if catalogue(plan).moving(lever)]
    assert (mix(f"full{end}").strength().max("province").sel(lever=moved) > 0.5).all()
    for package, name in zip(catalogue(plan).packages.values(), range(5), strict=True):
        assert float(alone[name].sel(lever=package).sum()) == float(alone[name].sum())


def test_heat_networks_exist_in_the_heating_zone_only() -> None:
    strength = mix("full").strength().sel(lever="heat reform")
    assert float(strength.sel(province="Chongqing")) == 0.0
    assert float(strength.sel(province="Heilongjiang")) == 1.0
    assert int((strength > 0).sum()) == 15


def test_plan_as_delivered_differs_by_uncertain_delay_and_compliance_only() -> None:
    plan, delivered = mix("plan"), mix("delivered")
    np.testing.assert_array_equal(plan.strength(), delivered.strength())
    assert not plan.uncertain()
    assert set(delivered.uncertain()) == {"delivery delay", "compliance share"}


def test_every_strength_of_the_plan_states_why() -> None:
    levers = [*mix("plan").spec.levers.values(), *mix("plan-2030").spec.levers.values()]
    assert all(len(strength.source) > 15 for strength in levers)


def test_no_river_no_hydropower_no_coast_no_nuclear() -> None:
    own = sizes(catalogue(), "2011-2015")
    assert own.loc["Shandong", "ENE-03"] < 0.05 < own.loc["Sichuan", "ENE-03"]
    assert own.loc["Chongqing", "ENE-06"] == 0.0 < own.loc["Guangdong", "ENE-06"]
    limits = mix("full").strength().sel(lever="nonfossil power").to_series()
    assert limits["Shanghai"] < limits["Chongqing"] < limits["Sichuan"] == 1.0
    assert ((limits >= 0) & (limits <= 1)).all()


def test_sizes_follow_the_sheet() -> None:
    """By hand: Hebei's industrial coal of 2010 times a quarter, 15 per cent and six tenths."""
    coal = energy("2011-2015").sel(province="Hebei", sector=["heavy industry", "light industry"], fuel="coal").sum()
    own = sizes(catalogue(), "2011-2015").loc["Hebei", "IND-01"]
    assert own == pytest.approx(float(coal) * 0.25 * 0.15 * 0.6)


def test_users_compose_by_option_and_by_province(tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text(
        "extends: industry\ntitle: Ours\noptions: {ENE-01: 0.5}\nlevers: {plant closure: 0.2}\n"
        "provinces: {Chongqing: {coal to gas: 1}}\nschedule: {plant closure: {start: 2013, phase_in: 2}}\n",
        encoding="utf-8",
    )
    own = mix(tmp_path / "own.yaml")
    strength = own.strength()
    share = shipped_shares("2011-2015").loc["Hebei", "ENE-01"]
    assert float(strength.sel(province="Hebei", lever="coal to gas")) == pytest.approx(0.5 * share)
    assert float(strength.sel(province="Chongqing", lever="coal to gas")) == 1.0
    assert float(strength.sel(province="Hebei", lever="plant closure")) == 0.2
    assert float(strength.sel(province="Hebei", lever="industrial retrofit")) == 1.0
    assert float(own.start().sel(lever="plant closure")) == 2013
    assert float(own.phase_in().sel(lever="plant closure")) == 2


def test_merging_lays_the_later_over_the_earlier() -> None:
    one = merge("both", "plan", "industry", {"levers": {"farm biogas": 0.0}})
    assert one.spec.levers["plant closure"].value == 1.0
    assert one.spec.levers["farm biogas"].value == 0.0
    assert one.spec.levers["coal to gas"].value == mix("plan").spec.levers["coal to gas"].value


def test_wrong_mixes_are_told_whole(tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text(
        "levers: {coal to gaz: 1}\noptions: {ENE-1: 1}\nprovinces: {Bejing: {x: 1}}\n"
        "delivery: {compliance: {value: 0.5, low: 0.6}}\n",
        encoding="utf-8",
    )
    with pytest.raises(InputError) as caught:
        mix(tmp_path / "bad.yaml")
    told = "\n".join(caught.value.faults)
    for expected in (
        "'coal to gas'",
        "did you mean 'ENE-0",
        "'Beijing'",
        "unknown lever 'x'",
        "give both low and high",
    ):
        assert expected in told
    with pytest.raises(InputError, match="did you mean 'full'"):
        mix("ful")
    (tmp_path / "circle.yaml").write_text("extends: circle.yaml\n", encoding="utf-8")
    with pytest.raises(InputError, match="circle"):
        mix(tmp_path / "circle.yaml")


def test_wrong_names_are_told_with_wrong_numbers() -> None:
    faulty = {
        "options": {"IND-99": 0.5, "IND-01": True, "ENE-05": 5},
        "levers": {"heavy industri shift": 0.4},
        "provinces": {"Chongqin": {"coal to gas": 0.3}, "Hebei": {"coal to gaz": 0.3}},
        "delivery": {"delay": {"value": 2, "low": 3, "high": 1}, "compliance": 1.8},
        "where": ["Chonqing"],
    }
    with pytest.raises(InputError) as caught:
        merge("mine", faulty)
    told = "\n".join(caught.value.faults)
    for expected in (
        "options.IND-01: got True, allowed: a number, or a mapping with `value`",
        "options.ENE-05.value",
        "delivery.delay: got [3.0, 2.0, 1.0], allowed: low ≤ value ≤ high within 0.25 … 10",
        "delivery.compliance: got [1.8], allowed: low ≤ value ≤ high within 0 … 1",
        "options: unknown option 'IND-99'",
        "levers: unknown lever 'heavy industri shift'; did you mean 'heavy industry shift'",
        "provinces: unknown province 'Chongqin'; did you mean 'Chongqing'",
        "provinces.Hebei: unknown lever 'coal to gaz'; did you mean 'coal to gas'",
        "where: unknown province 'Chonqing'",
    ):
        assert expected in told
    assert len(caught.value.faults) == 9


def test_a_fixed_delay_sets_the_design_aside_and_an_open_one_leaves_it() -> None:
    design = pd.DataFrame({"rebound": [0.1, 0.2], "compliance share": [0.6, 0.7], "delivery delay": [2.0, 3.0]})
    stack = mixes([("plan", "plan"), ("delivered", "delivered")])
    given = {str(k): v for k, v in stack.sel(mix="plan", drop=True).data_vars.items()}
    kept, params = resolve_delivery(design, given)
    assert list(kept) == ["rebound"]
    assert float(params["compliance share"].max()) == 1.0
    given = {str(k): v for k, v in stack.sel(mix="delivered", drop=True).data_vars.items()}
    kept, params = resolve_delivery(design, given)
    assert list(kept) == ["rebound", "compliance share", "delivery delay"]
    assert "compliance share" not in params
    kept, params = resolve_delivery(design[["rebound"]], given)
    assert float(params["compliance share"].min()) == 0.75
    assert float(params["delivery delay"].min()) == 1.5
