"""The nowcast: its inputs, the model that follows them, and its error on 2015-2019."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from calibration import activity, baseline, discrepancy, forecast, nowcast, posterior, tables


@pytest.fixture(scope="module")
def data() -> xr.Dataset:
    return baseline.load()


@pytest.fixture(scope="module")
def followed(data: xr.Dataset) -> xr.Dataset:
    return nowcast.run(2019, range(2015, 2021), data, members=2)


@pytest.mark.parametrize(
    ("output", "driver"),
    [
        ("gdp", "gdp index data"),
        ("electricity demand", "electricity index data"),
        ("thermal generation", "thermal index data"),
    ],
)
def test_the_model_grows_as_measured_while_activity_is_known(followed: xr.Dataset, output: str, driver: str) -> None:
    given = activity.drivers(2015, 2019)[driver].rename(time="year")
    grown = followed[output] / followed[output].sel(year=2015, drop=True)
    for year in (2016, 2019):
        np.testing.assert_allclose(
            grown.sel(year=year).transpose("member", "province"),
            np.tile(given.sel(year=year, province=grown["province"]), (2, 1)),
            rtol=1e-9,
        )


def test_what_follows_the_nowcast_goes_on_from_it(followed: xr.Dataset) -> None:
    for output in ("gdp", "electricity demand", "energy co2"):
        step = followed[output].sel(year=2020) / followed[output].sel(year=2019)
        assert float(abs(step - 1).max()) < 0.15, output


def test_power_balances(followed: xr.Dataset) -> None:
    total = followed["thermal generation"] + followed["nonfossil generation"]
    np.testing.assert_allclose(total.sel(year=2018), followed["generation"].sel(year=2018), rtol=1e-9)


def test_process_co2_is_that_of_the_inventory(followed: xr.Dataset) -> None:
    measured = nowcast.inventory("process_cement")
    made = followed["process co2"].isel(member=0)
    for year in (2015, 2019):
        ratio = float(made.sel(year=year).sum() / measured.sel(year=year).sum())
        assert ratio == pytest.approx(1, abs=0.03), year


def test_nothing_after_the_last_year_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = activity.drivers(2015, 2018)
    read = tables.read

    def cut(name: str, *rest: object) -> pd.DataFrame:
        table = read(name, *rest)  # type: ignore[arg-type]
        return table[table["year"] <= 2018] if "year" in table and "cpsy_generation" not in name else table

    monkeypatch.setattr(tables, "read", cut)
    for name, values in activity.drivers(2015, 2018).items():
        xr.testing.assert_equal(values, whole[name])


@pytest.mark.parametrize("years", [(2010, 2015), (2015, 2015), (2015, 2025)])
def test_other_years_are_refused(years: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="nowcast"):
        activity.drivers(*years)


def test_a_plan_starts_from_what_was_known_at_its_base_year() -> None:
    assert [forecast.origin_of(year).known for year in (2010, 2015, 2020, 2025)] == [2010, 2015, 2020, 2024]
    assert forecast.origin_of(2025).path == posterior.PUBLISHED.with_name("posterior-2015.nc")
    with pytest.raises(ValueError, match="no origin"):
        forecast.origin_of(2005)


def test_the_published_check_keeps_its_mark() -> None:
    check = nowcast.load_check()
    assert check.passed
    assert check.scores().loc[nowcast.NOWCAST, "mae"] <= nowcast.MARK
    errors = check.errors()
    missed = np.log1p(errors[nowcast.NOWCAST] / 100)
    assert float((missed**2).mean() ** 0.5) == pytest.approx(discrepancy.NOWCAST, abs=0.01)
    assert errors["no change"].abs().mean() == pytest.approx(
        float((100 * abs(nowcast.inventory().sel(year=2015) / nowcast.inventory().sel(year=2019) - 1)).mean()), abs=0.01
    )


@pytest.mark.parametrize(("error", "national", "passed"), [(1.07, 1.1, True), (1.09, 1.1, False), (1.07, 1.05, False)])
def test_a_check_passes_by_its_mark_and_against_both_naive(error: float, national: float, passed: bool) -> None:
    measured = pd.Series({"A": 100.0, "B": 100.0})
    found = {"no change": 1.2, "national mean": national, nowcast.NOWCAST: error}
    check = nowcast.ProvincialCheck(measured, {name: factor * measured for name, factor in found.items()})
    assert check.passed == passed


@pytest.mark.slow
def test_the_published_check_can_be_made_again(data: xr.Dataset) -> None:
    made = nowcast.provincial_check(data).errors()
    pd.testing.assert_frame_equal(made.round(2), nowcast.load_check().errors().round(2), check_names=False, atol=0.2)
