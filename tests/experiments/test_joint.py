"""Several indicators at once: the joint chance in closed form, its order, and the whole way of a study."""

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from experiments.analyses import feasibility, joint
from experiments.ensemble import outputs, simulation
from models import indicators
from models.reading.faults import InputError
from tests.experiments import small_system
from tests.experiments.small_system import SYSTEM

FOUR = ["energy_intensity", "co2_intensity", "total_energy", "nonfossil_share"]


def metrics(achieved: list[list[float]], targets: list[float]) -> xr.Dataset:
    """One province: achieved (indicator, member)."""
    keys = FOUR[: len(targets)]
    where = {"allocation": ["official"], "mix": ["base"], "province": ["Beijing"]}
    values = np.array(achieved, float).T[None, None, None]
    return xr.Dataset(
        {
            "achieved": (("allocation", "mix", "province", "member", "indicator"), values),
            "targets": (("allocation", "indicator", "province"), np.array(targets, float)[None, :, None]),
        },
        {**where, "indicator": keys},
    )


def test_the_joint_chance_counts_members_that_meet_everything() -> None:
    found = joint.table(metrics([[10, 20, 20, 20], [30, 10, 10, 30]], [15, 20])).iloc[0]
    assert (found.hits, found.members, found.chance) == (1, 4, 0.25)
    assert (found.fails_most, found.fails_share, found.fails_alone) == ("co2_intensity", 0.5, 0.5)
    assert found.chance_low < 0.25 < found.chance_high


def test_an_indicator_without_a_target_is_not_judged_and_a_failed_member_does_not_count() -> None:
    found = joint.table(metrics([[10, 20, np.nan], [30, 10, 30]], [15, np.nan])).iloc[0]
    assert (found.indicators, found.members, found.chance, found.fails_most) == (1, 2, 0.5, "energy_intensity")
    none = joint.table(metrics([[10, 20]], [np.nan])).iloc[0]
    assert np.isnan(none.chance)
    assert none.fails_most == ""


def test_a_cap_that_allows_growth_is_yellow_within_a_tenth_of_it() -> None:
    light = feasibility.lights(np.array([-54.9, -55.1, -49.0]), np.array(-50.0))
    np.testing.assert_allclose(light, [1 / 3, 1 / 3, 1 / 3])


def test_the_task_of_a_share_grows_evenly_from_the_base_year() -> None:
    share = np.linspace(0.2, 0.3, 6)  # reaches 30 % in five even steps: on the way its yearly task is met exactly
    np.testing.assert_allclose(outputs.achieved(share, "floor"), 30 * np.arange(1, 6) / 5)
    np.testing.assert_allclose(outputs.achieved(np.array([4.0, 5.0]), "cap"), [-25])


@pytest.mark.parametrize("count", [2, 4])
def test_a_study_of_several_indicators(tmp_path: Path, count: int) -> None:
    asked = f"target={{indicators: [{', '.join(FOUR[:count])}], values: {{total_energy: 4000, nonfossil_share: 25}}}}"
    if count == 2:
        asked = f"target.indicators=[{', '.join(FOUR[:2])}]"
    study = small_system.study(tmp_path, asked, "members=200")
    run = simulation.resume(simulation.start(study, SYSTEM, tmp_path / "runs"), SYSTEM)
    found = run.metrics()
    assert [*found["indicator"].to_numpy()] == FOUR[:count]
    np.testing.assert_array_equal(found["achieved"].sel(indicator="energy_intensity"), found["reduction"])
    each, whole = joint.each(found, run.inputs()["allocation"]["status"]), joint.table(found)
    assert set(each["status"]) == {"official"}
    keys = ["allocation", "mix", "province"]
    smallest = each.groupby(keys, sort=False)["chance"].min().reset_index()
    merged = whole.merge(smallest, on=keys, suffixes=("", "_least"))
    assert (merged["chance"] <= merged["chance_least"]).all()
    assert (merged["chance"] < merged["chance_least"]).any()
    shares = each.assign(missed=1 - each["chance"]).dropna(subset="missed")
    worst = shares.loc[shares.groupby(keys)["missed"].idxmax()].set_index(keys)
    told = whole.set_index(keys).loc[worst.index]
    assert (told["fails_most"] == worst["indicator"]).where(worst["missed"] > 0, True).all()
    np.testing.assert_allclose(told["fails_share"], worst["missed"])


def test_the_error_of_carbon_adds_to_that_of_energy(tmp_path: Path) -> None:
    study = small_system.study(tmp_path, "target.indicators=[co2_intensity]")
    run = simulation.resume(simulation.start(study, SYSTEM, tmp_path / "runs"), SYSTEM)
    at = {"province": "Ningxia", "allocation": "official", "mix": "full"}
    found = run.metrics("reduction", "modelled_reduction").sel(at)
    parts = small_system.errors(study, np.arange(40)).sel(province="Ningxia", year=2015)
    error = parts["intensity"] + parts["carbon"]
    left = (1 - found["modelled_reduction"] / 100) * np.exp(error)
    np.testing.assert_allclose(found["reduction"], 100 * (1 - left), rtol=1e-4, atol=1e-4)
    assert set(run.metrics()["indicator"].to_numpy()) == {"co2_intensity"}


def test_faults_of_the_table_of_indicators_are_named_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = indicators.TABLE.read_text(encoding="utf-8")
    row = text.splitlines()[1]
    bad = row.replace(",cut,", ",fall,")
    path = tmp_path / "indicators.csv"
    path.write_text(f"{text}{bad}\n", encoding="utf-8")
    monkeypatch.setattr(indicators, "TABLE", path)
    indicators.indicators.cache_clear()
    try:
        with pytest.raises(ValueError, match=r"line 9: got kind 'fall'.*\n.*given twice"):
            indicators.indicators()
    finally:
        indicators.indicators.cache_clear()


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("target={plan: p15, indicators: [energy_intensity]}", "the 15th plan has no national value of energy_intens"),
        ("target.indicators=[co2]", "unknown indicator 'co2'"),
        ("target.indicators=[碳排放强度, carbon intensity]", "'co2_intensity' appears twice"),
        ("target.indicators=[energy_intensity, total_co2]", "values: the 12th plan has no national value of total_co2"),
        ("target.values={nonfossil_share: 12}", "values.nonfossil_share: not among the indicators asked for"),
        ("assigned={Guangxi: {total_co2: 300}}", "unknown indicator asked for 'total_co2'"),
        ("assigned={Guangxi: 160}", "Guangxi: got 160 for energy_intensity, allowed: 1 or more and below 99"),
        ("allocations=[{rule: official, level: incentive}]", "the plan 12FYP has no level 'incentive'; allowed: basic"),
    ],
)
def test_what_a_target_cannot_be(tmp_path: Path, override: str, said: str) -> None:
    with pytest.raises(InputError, match=said.replace("(", r"\(")):
        small_system.study(tmp_path, override)


def test_a_plain_number_is_assigned_to_the_first_indicator(tmp_path: Path) -> None:
    study = small_system.study(tmp_path, "assigned={Guangxi: 16, Hunan: {energy_intensity: 17}}")
    assert study.assigned == {"Guangxi": {"energy_intensity": 16}, "Hunan": {"energy_intensity": 17}}
