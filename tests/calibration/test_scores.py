"""Scores on closed forms, naive forecasts on measured series, and the skill card's honesty."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy.stats import norm

from calibration import backtest, baseline, scores
from calibration.backtest import FIRST, OPPONENT, SECOND, ForecastTarget


def test_crps_of_a_normal_sample_is_the_closed_form() -> None:
    rng = np.random.default_rng(1)
    sample = rng.standard_normal((100_000, 3))
    truth = np.array([-1.0, 0.0, 2.0])
    exact = truth * (2 * norm.cdf(truth) - 1) + 2 * norm.pdf(truth) - 1 / np.sqrt(np.pi)
    np.testing.assert_allclose(scores.crps(sample, truth), exact, atol=0.02)


def test_crps_of_a_point_is_its_absolute_error() -> None:
    np.testing.assert_allclose(scores.crps(np.full((50, 2), 3.0), np.array([1.0, 4.0])), [2.0, 1.0])


def test_theils_parts_add_to_one_and_name_a_pure_bias() -> None:
    rng = np.random.default_rng(2)
    truth = rng.standard_normal(30)
    parts = scores.theil(truth + 5, truth)
    assert parts["UM"] == pytest.approx(1)
    assert sum(scores.theil(rng.standard_normal(30), truth).values()) == pytest.approx(1)


def test_a_calibrated_forecast_covers_what_it_says() -> None:
    rng = np.random.default_rng(3)
    truth = rng.standard_normal(400)
    sample = rng.standard_normal((2000, 400))
    for level in scores.LEVELS:
        assert scores.coverage(sample, truth, level) == pytest.approx(level, abs=0.06)
    assert scores.pit(sample, truth).mean() == pytest.approx(0.5, abs=0.04)


def test_a_forecast_that_is_better_everywhere_has_an_interval_below_zero() -> None:
    rng = np.random.default_rng(4)
    mean, low, high = scores.paired(rng.uniform(-2, -1, 30), rng)
    assert low < mean < high < 0


@pytest.fixture(scope="module")
def measured() -> xr.Dataset:
    return baseline.load()


def test_the_opponents_error_is_the_published_one(measured: xr.Dataset) -> None:
    question = SECOND.targets[0]
    happened = backtest.measured_change(question, measured)
    trend = backtest.naive(question, SECOND, measured)[OPPONENT]
    still = backtest.naive(question, SECOND, measured)["last value"]
    assert np.abs(trend - happened).mean() == pytest.approx(2.46, abs=0.1)
    assert np.abs(happened).mean() == np.abs(still - happened).mean() > 9


def test_naive_forecasts_read_nothing_after_the_origin(measured: xr.Dataset) -> None:
    later = measured.copy(deep=True)
    for name in ("energy_intensity", "gdp", "co2_energy"):
        later[name].loc[{"year": slice(FIRST.last + 1, None)}] *= 2
    for question in FIRST.targets:
        for name, point in backtest.naive(question, FIRST, measured).items():
            np.testing.assert_array_equal(point, backtest.naive(question, FIRST, later)[name])


def test_the_forecast_reads_nothing_after_the_origin_but_supplied_gdp(measured: xr.Dataset) -> None:
    later = measured.copy(deep=True)
    for name in later.data_vars:
        if "year" in later[name].dims and later[name].dtype.kind == "f":
            later[name].loc[{"year": slice(FIRST.last + 1, None)}] *= 2
    question = ForecastTarget("energy intensity", 2007, 2010)
    made = [
        backtest.forecast(FIRST, data, {}, measured_gdp=False, members=8, seed=1).change(question)
        for data in (measured, later)
    ]
    np.testing.assert_array_equal(*made)


def test_the_skill_card_beats_no_change_on_the_first_origin_and_logs_its_looks(measured: xr.Dataset) -> None:
    card = backtest.run(FIRST, measured, {}, members=100)
    table = card["scores"]
    assert isinstance(table, pd.DataFrame)
    row = table[(table["forecast"] == "last value") & (table["question"] == FIRST.targets[0].name)].iloc[0]
    assert row["delta_mae_high"] < 0
    happened = backtest.measured_change(FIRST.targets[0], measured)
    assert row["mae"] == pytest.approx(np.abs(happened).mean())  # of its number, whatever is drawn about it
    looks = pd.read_csv(backtest.EVALUATION_LOG)
    assert list(looks["look"]) == list(range(1, len(looks) + 1))
