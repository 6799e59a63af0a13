"""Scores of the printed chances, lessons of earlier plans, the error model, and listed projects."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from calibration import baseline, discrepancy, forecast, inputs, learning, naive, projects, scorecard
from calibration.discrepancy import Discrepancy
from calibration.forecast import ORIGINS, Options
from calibration.scorecard import Verdicts


@pytest.fixture(scope="module")
def measured() -> xr.Dataset:
    return baseline.load()


def test_a_softened_verdict_is_even_at_the_target_and_certain_far_from_it() -> None:
    met = scorecard.met_probability(np.array([16.0, 20.0, 12.0]), np.array([16.0, 16.0, 16.0]))
    np.testing.assert_allclose(met, [0.5, 1.0, 0.0], atol=1e-6)


def test_brier_and_log_score_have_their_closed_forms() -> None:
    met = np.array([1.0, 0.0])
    assert scorecard.brier(np.array([0.8, 0.4]), met) == pytest.approx((0.04 + 0.16) / 2)
    assert scorecard.log_score(np.array([0.8, 0.4]), met) == pytest.approx(-(np.log(0.8) + np.log(0.6)) / 2)
    assert scorecard.log_score(np.array([1.0, 0.0]), 1 - met) == pytest.approx(-np.log(0.0005))


def test_the_order_of_chances_is_that_of_the_pairs() -> None:
    met = np.array([True, True, False, False])
    assert scorecard.auc(np.array([0.9, 0.4, 0.5, 0.1]), met) == 0.75
    assert scorecard.auc(np.array([0.1, 0.1, 0.9, 0.9]), met) == 0.0


def test_a_forecast_at_the_base_rate_has_no_skill() -> None:
    known = Verdicts(
        ("a", "b", "c", "d"), np.full(4, 10.0), np.array([20.0, 20.0, 20.0, 0.0]), np.array([1.0, 1, 1, 0])
    )
    row = scorecard.verdict_row(np.full(4, 0.75), known)
    assert row["brier_skill"] == pytest.approx(0.0)
    assert row["given_80"] == 0


def test_words_need_every_plan_and_bands_that_hold() -> None:
    verdicts = pd.DataFrame(
        {
            "forecast": ["model", "model"],
            "brier": [0.1, 0.1],
            "brier_base": [0.2, 0.2],
            "log": [0.3, 0.3],
            "log_base": [0.4, 0.4],
        }
    )
    bands = pd.DataFrame({"forecast": ["model"], "quantity": ["energy_intensity"], "coverage_80": [0.8], "n": [30.0]})
    assert scorecard.passed(verdicts, bands)
    assert not scorecard.passed(verdicts.assign(brier=[0.1, 0.25]), bands)
    assert not scorecard.passed(verdicts.assign(log=[0.5, 0.3]), bands)
    assert not scorecard.passed(verdicts, bands.assign(coverage_80=0.95))


def test_a_lesson_moves_the_strength_toward_it_and_narrows() -> None:
    before = learning.update([])
    after = learning.update([{"strength": 0.0, "strength_error": 1.0}])
    assert before == learning.PRIOR
    assert 0 < after[0] < before[0]
    precise = 1 / (1.0 + learning.BETWEEN**2)
    assert after[0] == pytest.approx(3 * 0.25 / (0.25 + precise))


def test_a_missing_target_stays_missing_and_has_its_status() -> None:
    known = inputs.official_targets("co2", "11FYP")
    assert known.empty
    plan13 = inputs.official_targets("energy", "13FYP")
    assert plan13.loc["Beijing", "status"] == "official"
    assert plan13.loc["Hebei", "status"] == "recalled"
    first, lowered = (inputs.official_targets("energy", "11FYP", last)["target"] for last in (2007, 2010))
    assert (first["Jilin"], lowered["Jilin"]) == (30, 22)
    assert float(inputs.params(baseline.load(), 2010)["target reduction"].sel(plan="p14").min()) == 0.0


def test_small_provinces_have_wider_shocks_and_the_nation_its_own() -> None:
    weights = discrepancy.size_weights(xr.DataArray([1.0, 100.0], dims="province"))
    assert float(weights[0] / weights[1]) == pytest.approx(100**0.3)
    law = Discrepancy(0.0, 0.01, weights=(2.0, 0.5))
    own = law.sample(range(4000), 2, 1, seed=3)[:, :, 0].std(0)
    assert own[0] / own[1] == pytest.approx(4.0, rel=0.15)


def test_energy_is_intensity_times_gdp_in_every_member(measured: xr.Dataset) -> None:
    logs = forecast.run(ORIGINS[0], measured, Options(8))
    np.testing.assert_allclose(logs["energy"], logs["energy_intensity"] + logs["gdp"], atol=1e-12)
    sums = np.log(np.exp(logs["energy"].drop_sel(province="China")).sum("province"))
    np.testing.assert_allclose(logs["energy"].sel(province="China"), sums, atol=1e-12)


def test_a_higher_assigned_target_lowers_the_chance_while_the_evidence_stays(measured: xr.Dataset) -> None:
    origin = ORIGINS[1]
    given = inputs.params(measured, origin.last)["target reduction"]
    plan = (given["plan"] == "p12").astype(float)
    chances = []
    for more in (0.0, 0.03):
        assigned = given + more * plan
        logs = forecast.run(origin, measured, Options(96, policy={"target reduction": assigned}))
        change = forecast.change(logs, "energy_intensity", 2010, 2015).drop_sel(province="China")
        chances.append((-change >= 100 * assigned.sel(plan="p12")).mean("member"))
        reductions = -change.median("member")
    fall = (chances[0] - chances[1]).to_numpy()
    assert (fall >= 0).all()
    assert fall.mean() > 0.1
    assert float(reductions.mean()) > 0


def test_a_project_raises_its_own_province_most(measured: xr.Dataset) -> None:
    table = pd.DataFrame({"name": ["x"], "province": ["Hainan"], "start": [2011.0], "energy": [5.0]})
    series = projects.entered(2010, 2015, measured, table).inputs["project energy"].sel(time=2015.0)
    assert float(series.sel(province="Hainan")) > 4.9
    assert float(series.sum()) == pytest.approx(0.0, abs=1e-9)


def test_naive_rules_have_no_say_without_a_target(measured: xr.Dataset) -> None:
    assert naive.sample("target-pace-provincial", "gdp", ORIGINS[1], (2010, 2015), measured) is None
    made = naive.sample("no-change", "energy_intensity", ORIGINS[1], (2010, 2015), measured)
    assert made is not None
    assert abs(float(np.median(made))) < 2.0
