"""Scores on closed forms, naive forecasts on measured series, and the skill card."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy.stats import norm

from calibration import backtest, baseline, inputs, scores
from calibration.backtest import FIRST, OPPONENT, SECOND, ForecastTarget


def test_crps_of_a_normal_sample_is_the_closed_form() -> None:
    rng = np.random.default_rng(1)
    sample = rng.standard_normal((100_000, 3))
    truth = np.array([-1.0, 0.0, 2.0])
    exact = truth * (2 * norm.cdf(truth) - 1) + 2 * norm.pdf(truth) - 1 / np.sqrt(np.pi)
    np.testing.assert_allclose(scores.crps(sample, truth), exact, atol=0.02)


def test_crps_of_a_point_is_its_absolute_error() -> None:
    np.testing.assert_allclose(scores.crps(np.full((50, 2), 3.0), np.array([1.0, 4.0])), [2.0, 1.0])


@pytest.mark.parametrize(("truth", "score"), [(0.0, 1 / 3), (1.0, 0.0), (5.0, 8 / 3)])
def test_crps_of_three_members_by_hand(truth: float, score: float) -> None:
    # |X − y| is 4/3, 1 or 11/3 on average; the distinct members 0, 1, 3 are 1, 2 and 3 apart: half the mean is 1.
    np.testing.assert_allclose(scores.crps(np.array([[0.0], [1.0], [3.0]]), np.array([truth])), [score], atol=1e-12)


def test_crps_does_not_favour_small_samples() -> None:
    rng = np.random.default_rng(7)
    sample, truth = rng.standard_normal((2, 40_000)), rng.standard_normal(40_000)
    ideal = 1 / np.sqrt(np.pi)  # of a standard normal forecast of a standard normal truth
    assert scores.crps(sample, truth).mean() == pytest.approx(ideal, abs=0.02)


def test_theils_parts_by_hand() -> None:
    # Errors −1, 0, −1, 2; equal means; variances 3.5 and 1, covariance 1.5.
    parts = scores.theil(np.array([1.0, 2.0, 3.0, 6.0]), np.array([2.0, 2.0, 4.0, 4.0]))
    assert parts["UM"] == pytest.approx(0)
    assert parts["US"] == pytest.approx((np.sqrt(3.5) - 1) ** 2 / 1.5)
    assert parts["UC"] == pytest.approx(2 * (np.sqrt(3.5) - 1.5) / 1.5)


def test_theils_covariation_is_what_correlation_lacks() -> None:
    rng = np.random.default_rng(2)
    truth = rng.standard_normal(30)
    forecast = 0.5 * truth + rng.standard_normal(30) + 0.7
    parts, square = scores.theil(forecast, truth), float(((forecast - truth) ** 2).mean())
    lacks = 2 * (1 - np.corrcoef(forecast, truth)[0, 1]) * forecast.std() * truth.std()
    assert parts["UC"] == pytest.approx(lacks / square)
    assert scores.theil(truth + 5, truth)["UM"] == pytest.approx(1)


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
    trend = backtest.naive_forecasts(question, SECOND, measured)[OPPONENT]
    still = backtest.naive_forecasts(question, SECOND, measured)["last value"]
    assert np.abs(trend - happened).mean() == pytest.approx(2.46, abs=0.1)
    assert np.abs(happened).mean() == np.abs(still - happened).mean() > 9


def test_naive_forecasts_read_nothing_after_the_origin(measured: xr.Dataset) -> None:
    later = measured.copy(deep=True)
    for name in ("energy_intensity", "gdp", "co2_energy"):
        later[name].loc[{"year": slice(FIRST.last + 1, None)}] *= 2
    for question in FIRST.targets:
        for name, point in backtest.naive_forecasts(question, FIRST, measured).items():
            np.testing.assert_array_equal(point, backtest.naive_forecasts(question, FIRST, later)[name])


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
    assert row["mae"] == pytest.approx(np.abs(happened).mean())  # of its point forecast, not of the draws around it
    looks = pd.read_csv(backtest.EVALUATION_LOG)
    assert list(looks["look"]) == list(range(1, len(looks) + 1))


def foreseen(measured: xr.Dataset, off: float) -> backtest.Forecast:
    """Members close to the outcome, or with an error `off` (log) in the last year."""
    rng = np.random.default_rng(8)
    logs = {}
    for name, variable in backtest.SERIES.items():
        series = np.log(measured[variable].transpose("province", "year")).expand_dims(member=50)
        last = xr.where(series["year"] == FIRST.end, off, 0.0)
        logs[name] = series + last + 0.001 * rng.standard_normal(series.shape)
    return backtest.Forecast(logs)


def test_a_better_model_has_a_negative_difference(measured: xr.Dataset) -> None:
    for off, better in ((0.0, True), (1.0, False)):
        table = backtest.score(FIRST, measured, foreseen(measured, off), backtest.MODEL, seed=1)
        others = table[table["forecast"] != backtest.MODEL]
        for column in ("delta_crps", "delta_mae", "delta_crps_low", "delta_mae_low"):
            assert ((others[column] < 0) == better).all(), column


def test_red_is_less_than_nine_tenths_of_the_target(measured: xr.Dataset) -> None:
    names = list(measured["province"].values)
    target = inputs.target_reduction().sel(plan="p12", province=names).values
    scored = {}
    for reached in (0.89, 0.91):
        fall = np.log1p(-reached * target)
        logs = xr.DataArray(
            np.stack([np.zeros(len(names)), fall], axis=-1)[None],
            {"member": [0], "province": names, "year": [2010, 2015]},
            ("member", "province", "year"),
        )
        scored[reached] = backtest.red_list(backtest.Forecast({"energy intensity": logs}), measured)
    rate = scored[0.91]["red"] / scored[0.91]["n"]
    assert scored[0.91]["brier"] == pytest.approx(rate)  # nobody is red: wrong for those on the list
    assert scored[0.89]["brier"] == pytest.approx(1 - rate)  # all are red: wrong for those that are not
