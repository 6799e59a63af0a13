"""Priors, inputs and the likelihood, without a run of the model."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy import stats

from calibration import baseline, inputs, prior
from calibration.discrepancy import Discrepancy, estimate
from calibration.likelihood import (
    CORRELATION,
    FITTED,
    OUTPUTS,
    FittedSeries,
    fitted_series,
    likelihood,
    measured_series,
    whitening,
)
from models.parameters import defaults, limits, parameters, row


@pytest.fixture(scope="module")
def measured() -> xr.Dataset:
    return baseline.load()


def test_inputs_are_complete_shares_add_to_one_and_nothing_is_missing(measured: xr.Dataset) -> None:
    params = inputs.params(measured)
    data = parameters().query("role == 'data' and group != 'costs'")["name"]  # a mix gives the costs of its options
    nowcast = {name for name in data if name.endswith(("measured until", "index data", "addition", "full load hours"))}
    elsewhere = {"gdp data", "plan start", "carbon target reduction", "project energy", "project delivery"}
    expected = set(data) - nowcast - elsewhere - {"capacity data", "thermal capacity data"}
    assert len(expected) > 25
    assert expected <= set(params)
    assert not [name for name, value in params.items() if bool(np.isnan(value).any())]
    np.testing.assert_allclose(params["base fuel share"].sum("fuel"), 1, atol=1e-12)


def test_inputs_read_nothing_later_than_the_last_fitted_year(measured: xr.Dataset) -> None:
    later = measured.copy(deep=True)
    for name in later.data_vars:
        if "year" in later[name].dims and later[name].dtype.kind == "f":
            later[name].loc[{"year": slice(2009, None)}] *= 3
    given, other = inputs.params(measured, 2008), inputs.params(later, 2008)
    for name, value in given.items():
        xr.testing.assert_identical(value, other[name])


def test_a_perfect_model_has_only_the_break_to_explain(measured: xr.Dataset) -> None:
    made = likelihood(measured)
    values = np.where(np.isfinite(made.log_measured), np.exp(made.log_measured), 1.0)
    perfect = modelled(values, made.years)
    np.testing.assert_allclose(made.residuals(perfect), 0, atol=1e-9)
    index = [series.name for series in FITTED].index("services")
    stepped = values.copy()
    stepped[index, :, :3] *= 1.2  # a step at the break of 2008 counts as an offset
    trend = values.copy()
    trend[index] *= 1.2 ** np.linspace(-1, 1, 6)
    worst = (made.residuals(modelled(stepped, made.years)) ** 2).sum()
    assert worst < 0.25 * (made.residuals(modelled(trend, made.years)) ** 2).sum()


def test_series_are_compared_by_name_in_any_order(measured: xr.Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    made = likelihood(measured)
    values = np.where(np.isfinite(made.log_measured), np.exp(made.log_measured), 1.0)
    values *= 1.1 ** np.arange(len(made.series))[:, None, None]  # a different misfit in each series
    run = modelled(values, made.years)
    monkeypatch.setattr("calibration.likelihood.FITTED", FITTED[::-1])
    other = likelihood(measured)
    assert other.series == made.series[::-1]
    first, again = (one.log_density(one.residuals(run)) for one in (made, other))
    np.testing.assert_allclose(again, first, rtol=1e-12)


def modelled(values: np.ndarray, years: tuple[int, ...]) -> xr.Dataset:
    """An ensemble of one member with the given series (series, province, year)."""
    series = dict(zip([item.name for item in FITTED], values, strict=True))
    coords = {"member": [0], "year": list(years)}
    plain = ("gdp", "secondary share", "total energy", "co2")
    names = [name for name in OUTPUTS if name != "final energy"]
    data = xr.Dataset(
        {name: (("member", "province", "year"), series[key][None]) for name, key in zip(names, plain, strict=True)},
        coords,
    )
    sectors = ["heavy industry", "light industry", *list(series)[4:8]]
    energy = np.stack([series["industry"] / 2, series["industry"] / 2, *list(series.values())[4:8]], axis=1)
    return data.assign({"final energy": (("member", "province", "sector", "year"), energy[None])}).assign_coords(
        sector=sectors
    )


def test_quantiles_map_into_the_ranges_and_the_median_is_near_the_default() -> None:
    table = prior.uncertain()
    cube = prior.quantiles(256, list(table.index), seed=3)
    sample = prior.from_quantiles(cube)
    assert (sample >= table["low"] - 1e-12).all(axis=None)
    assert (sample <= table["high"] + 1e-12).all(axis=None)
    triangular = table[table["distribution"] == "triangular"]
    mode = pd.Series({name: float(np.mean(defaults(row))) for name, row in triangular.iterrows()})
    mean = (triangular["low"] + triangular["high"] + mode) / 3
    np.testing.assert_allclose(
        sample[triangular.index].mean(), mean, atol=0.02 * (triangular["high"] - triangular["low"]).max()
    )


@pytest.mark.parametrize("form", ["normal", "lognormal", "uniform", "triangular"])
def test_low_and_high_mean_the_same_to_every_reader(form: str) -> None:
    """The ends of every draw; of a normal one also two standard deviations from a default in the middle."""
    low, high = 0.5, 8.0
    middle = 2.0 if form == "lognormal" else (low + high) / 2
    entry = row("evidence strength").copy()
    entry[["distribution", "low", "high", "default"]] = [form, low, high, str(middle)]
    ends = prior.inverse(entry, np.array([1e-9, 1 - 1e-9]))
    np.testing.assert_allclose(ends, [low, high], rtol=1e-3)
    if "normal" in form:
        found = prior.inverse(entry, stats.norm.cdf([-2, -1, 0, 1, 2]))
        log = np.log if form == "lognormal" else np.asarray
        np.testing.assert_allclose(log(found), np.linspace(log(low), log(high), 5), rtol=1e-12)


def test_the_prior_of_a_free_parameter_has_a_quarter_of_its_range_and_ends_where_its_range_ends() -> None:
    wide = prior.wide_prior(1)
    for at, (name, _) in enumerate(prior.FREE.values()):
        if name != "base final energy":
            low, high = row(name)[["low", "high"]].astype(float)
            assert (wide.low[at], wide.high[at], wide.spread[0, at]) == (low, high, (high - low) / 4)


def test_what_a_user_gives_is_refused_by_minimum_and_maximum_alone() -> None:
    table = parameters()
    allowed = limits()
    wider = table[(table["minimum"] < table["low"]) & (table["maximum"] > table["high"])]
    assert len(wider) > 50
    assert all(allowed[name] == tuple(table.loc[name, ["minimum", "maximum"]].astype(float)) for name in table.index)


def test_shocks_do_not_depend_on_the_batch_and_have_the_scales_asked_for() -> None:
    error = Discrepancy(0.02, 0.01)
    whole = error.sample(range(400), 30, 5, seed=7)
    parts = np.concatenate([error.sample(range(150), 30, 5, seed=7), error.sample(range(150, 400), 30, 5, seed=7)])
    np.testing.assert_array_equal(whole, parts)
    yearly = np.diff(whole, axis=-1)
    assert np.median(yearly, axis=1).std() == pytest.approx(0.02, rel=0.1)


def test_scales_are_recovered_from_changes() -> None:
    rng = np.random.default_rng(5)
    shocks = 0.03 * rng.standard_normal(200) + 0.015 * rng.standard_t(4, (30, 200))
    coords = {"province": range(30), "year": range(200)}
    measured = xr.DataArray(np.exp(shocks.cumsum(-1)), coords, ("province", "year"))
    found = estimate(measured, xr.ones_like(measured), effective=0)
    assert found.national == pytest.approx(0.03, rel=0.15)
    assert found.provincial == pytest.approx(0.015, rel=0.1)


def test_half_of_a_persistent_shock_comes_again_next_year() -> None:
    plain, lasting = (Discrepancy(0.02, 0.01, p).sample(range(3), 4, 6, seed=7) for p in (0.0, 0.5))
    yearly, repeated = (np.diff(shocks, prepend=0.0, axis=-1) for shocks in (plain, lasting))
    expected = yearly.copy()
    for year in range(1, 6):  # the same draws, and half of last year's shock on top
        expected[..., year] = yearly[..., year] + expected[..., year - 1] / 2
    np.testing.assert_allclose(repeated, expected, atol=1e-15)
    assert (np.abs(repeated - yearly)[..., 1:] > 0).all()


def test_total_energy_has_heavy_tails_and_every_other_series_none(measured: xr.Dataset) -> None:
    made = likelihood(measured)
    rng = np.random.default_rng(3)
    white = rng.standard_normal((2, 3, len(FITTED), len(made.years))) * np.array([1.0, 4.0])[:, None, None, None]
    student = stats.multivariate_t(df=4, shape=np.eye(len(made.years)))
    expected = np.zeros((2, 3))
    for index, series in enumerate(FITTED):
        if series.name == "total energy":
            expected += student.logpdf(white[:, :, index]) - student.logpdf(np.zeros(len(made.years)))
        else:
            expected += (stats.norm.logpdf(white[:, :, index]) - stats.norm.logpdf(0.0)).sum(-1)
    np.testing.assert_allclose(made.log_density(white.reshape(2, 3, -1)), expected)


def test_the_discrepancy_of_distant_years_is_less_alike() -> None:
    years = np.array([2005, 2006, 2008])
    lower = np.linalg.inv(whitening(FittedSeries("x", 0.1), np.full((1, 3), 0.02), years, {})[0])
    rho = CORRELATION
    alike = [[1, rho, rho**3], [rho, 1, rho**2], [rho**3, rho**2, 1]]
    np.testing.assert_allclose(lower @ lower.T, 0.1**2 * np.array(alike) + 0.02**2 * np.eye(3), rtol=1e-9)


def test_errors_of_fuels_add_as_squares() -> None:
    # 3 ± 0.3 of coal and 4 ± 0.4 of oil are 7 ± 0.5; an assembled year counts nothing.
    dims = ("province", "year", "sector", "fuel")
    data = xr.Dataset(
        {
            "final_energy": (dims, [[[[3.0, 4.0]], [[3.0, 4.0]]]]),
            "final_energy_sigma": (dims, np.full((1, 2, 1, 2), 0.1)),
            "final_energy_vintage": (("year",), ["official", "assembled"]),
        },
        {"province": ["x"], "year": [2005, 2006], "sector": ["transport"], "fuel": ["coal", "oil"]},
    )
    total, relative = measured_series(data, fitted_series("transport"))
    np.testing.assert_array_equal(total, [[7.0, np.nan]])
    assert relative.sel(year=2005).item() == pytest.approx(0.5 / 7)


def test_the_pooled_spread_is_the_provinces_without_their_errors() -> None:
    # Provinces with a spread of 0.3 around 0.2, each measured with an error of 0.4, have optima with a spread of 0.5.
    rng = np.random.default_rng(6)
    ones = np.ones((20_000, 1))
    wide = prior.Prior(("k",), 0 * ones, ones, np.array([-5.0]), np.array([5.0]))
    optima = 0.2 + 0.3 * rng.standard_normal(ones.shape) + 0.4 * rng.standard_normal(ones.shape)
    pooled = prior.pooled_prior(wide, optima, 0.4 * ones)
    assert pooled.mean[0, 0] == pytest.approx(0.2, abs=0.02)
    assert pooled.spread[0, 0] == pytest.approx(0.3, abs=0.03)


def test_parameters_spent_on_the_fit_enlarge_the_shocks() -> None:
    rng = np.random.default_rng(5)
    shocks = 0.03 * rng.standard_normal(201) + 0.015 * rng.standard_t(4, (30, 201))
    coords = {"province": range(30), "year": range(201)}
    measured = xr.DataArray(np.exp(shocks.cumsum(-1)), coords, ("province", "year"))
    none, half = (estimate(measured, xr.ones_like(measured), effective=count) for count in (0, 100))
    # 200 yearly changes and 100 parameters: the factor of the variance is n / (n − k) = 2.
    assert half.national == pytest.approx(none.national * np.sqrt(2))
    assert half.provincial == pytest.approx(none.provincial * np.sqrt(2))


def test_migration_is_growth_that_births_and_deaths_do_not_explain() -> None:
    born, died = (float(defaults(parameters().loc[name])) for name in ("birth rate", "death rate"))
    years = np.arange(2005, 2011)
    natural = np.exp((born - died) * (years - 2005))
    data = xr.Dataset(
        {"population": (("province", "year"), [50 * natural, 50 * natural * 1.02 ** (years - 2005), 50 + 0 * natural])},
        {"province": ["still", "drawing", "losing"], "year": years},
    )
    found = inputs.migration(data)
    np.testing.assert_allclose(found, [0.0, np.log(1.02), died - born], atol=1e-12)
    assert born > died  # a constant population then means net emigration
