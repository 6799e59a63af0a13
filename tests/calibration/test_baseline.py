# ruff: noqa: PD010 (xarray's names; reshaping unique keys)
"""The measured baseline against figures published elsewhere, its bookkeeping, and its refusal to join vintages."""

import doctest
from functools import cache
from importlib import import_module
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from calibration import audit, baseline, tables
from models.reading.faults import InputError

SERIES = [
    "gdp",
    "gdp_nominal",
    "primary_share",
    "secondary_share",
    "tertiary_share",
    "construction_share",
    "investment_share",
    "capital",
    "population",
    "urban_share",
    "floor_area",
    "cars",
    "employment",
    "energy_total",
    "energy_intensity",
    "final_energy",
    "feedstock",
    "coal_per_kwh",
    "nonfossil_share",
    "generation",
    "net_import",
    "co2_energy",
    "hdd",
    "cdd",
    "energy_residual",
]
MODULES_WITH_EXAMPLES = (
    "baseline.base_year", "baseline.dataset", "baseline.panel", "baseline.vintage", "members", "places", "posterior",
    "region", "scorecard", "scores", "tables",
)  # fmt: skip


@pytest.fixture(scope="module")
def data() -> xr.Dataset:
    return baseline.load()


@pytest.mark.parametrize("name", MODULES_WITH_EXAMPLES)
def test_examples_in_docstrings(name, data, monkeypatch):
    monkeypatch.chdir(Path(__file__).parents[2])
    monkeypatch.setattr(baseline, "load", lambda: data)  # the examples would read the same tables again
    results = doctest.testmod(import_module(f"calibration.{name}"))
    assert results.failed == 0
    assert results.attempted > 0, f"{name} has no example"


def published(table: str, variable: str) -> pd.Series:
    rows = tables.read(table)
    return rows[rows.variable == variable].set_index(["province", "year"]).value


def test_grid_units_and_errors(data):
    assert dict(data.sizes) == {"province": 30, "year": 16, "sector": 6, "fuel": 5}
    assert list(data.year.values) == list(range(2000, 2016))
    for name in SERIES:
        assert data[name].attrs["units"]
        assert data[name].attrs["source"]
        known = data[name].notnull() & (data[name] != 0)
        assert (data[f"{name}_sigma"].where(known, 1) > 0).all()
        assert data[f"{name}_vintage"].dtype == object


def test_a_vintage_is_given_exactly_where_there_is_a_figure(data):
    for name in SERIES:
        if "year" not in data[name].dims:
            continue
        some = data[name].notnull().any([dim for dim in data[name].dims if dim != "year"])
        assert ((data[f"{name}_vintage"] != "") == some).all(), name


def test_intensity_reproduces_the_published_one(data):
    known = published("energy_total", "energy_intensity_2005p")
    ours = 10 * data.energy_intensity.to_series().reindex(known.index)
    assert len(known) == 180
    assert (ours / known - 1).abs().max() < 1e-4


def test_change_2005_2010_is_the_published_outcome(data):
    outcomes = tables.read("outcomes")
    known = outcomes[outcomes.variable == "energy_intensity_change_2005_2010"].set_index("province").value
    ours = 100 * baseline.change(data, "energy_intensity", 2005, 2010).to_series()
    assert (ours - known).abs().max() < 0.01
    official = outcomes[outcomes.variable == "energy_intensity_change_2005_2010_official"].set_index("province").value
    assert (ours.reindex(official.index) - official).abs().max() < 0.2


def test_yearly_changes_agree_with_the_bulletins(data):
    known = published("energy_total", "energy_intensity_change_official")
    known = known[known.index.get_level_values("year").isin(range(2006, 2011))]
    ours = data.energy_intensity.to_series().unstack("year").pct_change(axis=1, fill_method=None).stack() * 100
    assert (ours.reindex(known.index) - known).abs().quantile(0.9) < 0.2


def test_change_2013_2015_within_the_new_vintage(data):
    outcomes = tables.read("outcomes")
    known = outcomes[outcomes.variable == "energy_intensity_change_2013_2015_computed"].set_index("province").value
    ours = 100 * baseline.change(data, "energy_intensity", 2013, 2015).to_series()
    assert (ours - known).abs().max() < 0.05


def test_sum_of_provinces_fell_by_20_per_cent(data):
    assert 100 * baseline.pooled_intensity_change(data) == pytest.approx(-20.0, abs=0.05)


def test_coal_per_kwh_of_the_balances(data):
    assert data.coal_per_kwh.sel(year=2005).item() == pytest.approx(0.382, abs=0.001)
    assert data.coal_per_kwh.sel(year=2010).item() == pytest.approx(0.340, abs=0.001)


def test_total_is_sectors_and_residual(data):
    final = data.final_energy.sum("sector").sel(year=2008)
    electricity = final.sel(fuel="electricity", drop=True)
    primary = final.sum("fuel") - electricity + electricity * float(data.coal_per_kwh.sel(year=2008)) / 0.1229
    total = data.energy_total.sel(year=2008)
    np.testing.assert_allclose(primary + data.energy_residual.sel(year=2008), total, rtol=1e-12)
    pooled = data.energy_total.sum("province") / (data.energy_total - data.energy_residual).sum("province")
    known = pooled.sel(year=slice(2005, 2010))
    assert ((known > 1.07) & (known < 1.11)).all()


def test_sectors_add_up_to_the_printed_total():
    assert audit.closure().gap_percent.abs().max() < 0.25


def test_heavy_and_light_are_industry_with_feedstock(data):
    rows = tables.read("final_energy_official")
    rows = rows[rows.sector == "industry"].assign(fuel=lambda table: table.fuel.map(baseline.FUEL_OF))
    industry = rows.groupby(["province", "year", "fuel"]).value.sum().to_xarray()
    ours = data.final_energy.sel(sector=list(baseline.INDUSTRY), year=industry.year).sum("sector")
    np.testing.assert_allclose(ours, industry.reindex_like(ours).fillna(0), atol=1e-9)
    assert (data.final_energy.fillna(0) >= 0).all()


def test_light_industry_has_no_feedstock_and_split_keeps_the_assembled_share(data):
    rows = tables.read("final_energy_assembled")
    rows = rows[(rows.province == "Hebei") & (rows.year == 2008) & (rows.fuel == "oil")].set_index("sector").value
    share = rows["industry_heavy"] / (rows["industry_heavy"] + rows["industry_light"])
    here = {"province": "Hebei", "year": 2008, "fuel": "oil"}
    light, heavy = (float(data.final_energy.sel(sector=name, **here)) for name in ("light industry", "heavy industry"))
    feedstock = float(data.feedstock.sel(**here).fillna(0))
    assert (heavy - feedstock) / (heavy - feedstock + light) == pytest.approx(share)


def test_national_split_of_electricity_is_that_of_the_sub_sectors(data):
    year = data.final_energy.sel(year=2007, fuel="electricity").sum("province")
    light = float(year.sel(sector="light industry") / year.sel(sector=list(baseline.INDUSTRY)).sum())
    # National table of 2007 without grid losses. The provinces' shares are means of 2005-2007, so that no origin sees
    # a later year; they lie 2.6 points above it.
    assert light == pytest.approx(4124.6 / (24630.8 - 1704.9), abs=0.03)


def test_missing_feedstock_is_not_zero(data):
    assert data.feedstock.sel(province="Xinjiang").isnull().all()
    assert not (data.feedstock == 0).any()


def test_nearly_empty_inventories_are_missing(data):
    missing = data.co2_energy.isnull().to_series()
    expected = {("Ningxia", 2000), ("Ningxia", 2001), ("Ningxia", 2002), ("Hainan", 2002)}
    assert set(missing[missing].index) == expected


def test_gdp_follows_the_official_index_from_nominal_2005(data):
    np.testing.assert_allclose(data.gdp.sel(year=2005), data.gdp_nominal.sel(year=2005))
    index = published("economy", "gdp_index_prev100")
    index = index[index.index.get_level_values("province") != "Tibet"]
    ours = 100 * (data.gdp / data.gdp.shift(year=1)).to_series().dropna()
    pd.testing.assert_series_equal(ours.sort_index(), index.sort_index(), check_names=False, rtol=1e-9)


def test_gdp_after_2010_is_no_better_than_its_chain(data):
    assert (data.gdp_sigma.sel(year=slice(2011, 2015)) >= 0.007).all()
    assert (data.gdp_sigma.sel(year=slice(2000, 2010)) <= 0.005).all()


def test_growth_after_2010_is_the_published_one(data):
    growth = 100 * (data.gdp / data.gdp.shift(year=1) - 1)
    assert growth.sel(province="Chongqing", year=2011).item() == pytest.approx(16.4)
    assert growth.sel(province="Sichuan", year=2013).item() == pytest.approx(10.0)


def test_capital_moves_by_investment_and_depreciation(data):
    invested = data.investment_share * data.gdp  # deflated with the price of GDP
    expected = (1 - 0.096) * data.capital.isel(year=slice(0, -1)).values + invested.isel(year=slice(0, -1)).values
    np.testing.assert_allclose(data.capital.isel(year=slice(1, None)), expected, rtol=1e-12)


@pytest.mark.parametrize("stock", ["capital_stock_wd_1997p", "capital_stock_du_pim"])
def test_capital_to_output_of_2000_is_near_the_published_stocks(data, stock):
    known = published("economy", stock) / published("economy", "gdp_real_1997p")
    known = known.xs(2000, level="year").dropna()
    ours = (data.capital / data.gdp).sel(year=2000).to_series()
    assert ours.mean() == pytest.approx(known.mean(), rel=0.06)
    assert ours.corr(known) > 0.75


def test_electricity_of_the_balances_is_that_of_the_yearbook(data):
    known = published("energy_total", "electricity_consumption") / 10
    ours = data.electricity_consumption.to_series().reindex(known.index).dropna()
    ratio = ours / known.reindex(ours.index)
    assert ratio.median() == pytest.approx(1, abs=0.01)
    assert ratio.sub(1).abs().quantile(0.9) < 0.08


def test_provinces_exceed_the_nation_as_they_are_known_to(data):
    above = audit.against_nation(data).set_index(["series", "year"]).above_percent
    assert above["energy_total"].loc[2005:2007].between(15, 21).all()
    assert above["co2_energy"].loc[2005:2014].between(2.5, 9.5).all()
    assert above["gdp_nominal"].loc[2005:2011].between(5, 10.5).all()
    assert above["electricity_consumption"].abs().max() < 0.5


def test_join_refuses_to_cross_a_break(data):
    with pytest.raises(baseline.VintageError) as raised:
        baseline.join(data, "energy_total", 2005, 2015)
    assert raised.value.vintages == {"original": [2005, 2006, 2007, 2008, 2009, 2010], "census-3": [2013, 2014, 2015]}
    assert "original (2005-2010), census-3 (2013-2015)" in str(raised.value)
    with pytest.raises(baseline.VintageError, match=r"balance-2005 \(2005-2007\), balance-2008 \(2008-2010\)"):
        baseline.change(data, "final_energy", 2005, 2010)


def test_join_names_missing_years_and_series(data):
    with pytest.raises(InputError, match=r"no figure for 2011-2012; known: 2000-2010, 2013-2015"):
        baseline.join(data, "energy_total", 2009, 2012)
    with pytest.raises(InputError, match="did you mean 'energy_total'"):
        baseline.join(data, "energy_totl", 2005, 2010)


@settings(deadline=None)
@given(
    st.sampled_from(["energy_total", "final_energy", "co2_energy", "gdp"]), st.integers(2000, 2015), st.integers(0, 8)
)
def test_join_succeeds_exactly_within_one_vintage(name, first, length):
    data = _loaded()
    labels = [str(label) for label in data[f"{name}_vintage"].sel(year=slice(first, first + length)).values]
    if first + length <= 2015 and len(set(labels)) == 1 and labels[0]:
        assert baseline.join(data, name, first, first + length).sizes["year"] == length + 1
    else:
        with pytest.raises(InputError):
            baseline.join(data, name, first, first + length)


@cache
def _loaded() -> xr.Dataset:
    """Hypothesis cannot take a fixture of the module."""
    return baseline.load()


def test_breaks_are_where_the_statistics_changed(data):
    assert [year for year, _, _ in baseline.breaks(data, "sector_energy")] == [2005, 2008, 2013, 2015]
    assert baseline.breaks(data, "energy_total") == [(2013, "original", "census-3")]
    assert baseline.breaks(data, "gdp") == []
    found = audit.breaks(data).set_index(["series", "sector", "year"])
    assert found.loc[("sector_energy", "services", 2008), "ratio"] > 1.18  # nearly a fifth by definition, not by growth
    assert "Chongqing" in found.loc[("sector_energy", "heavy industry", 2008), "jumping"]
    assert "Shandong" in found.loc[("sector_energy", "transport", 2013), "jumping"]


def test_indicators_cover_all_31_and_add_up(data):
    frame = baseline.indicators(2010, data)
    assert list(frame.index) == tables.provinces(simulated=False)
    assert set(frame.attrs["units"]) == set(frame.columns)
    assert np.isnan(frame.loc["Tibet", "energy_total"])
    assert frame.loc["Tibet", "gdp_per_head"] == pytest.approx(16915, abs=1)
    rest = frame.drop(index="Tibet")
    assert rest.notna().all().all()
    parts = rest[["energy_industry", "energy_residential", "energy_other"]].sum(axis=1)
    residual = data.energy_residual.sel(year=2010).to_series()
    np.testing.assert_allclose(parts + residual, rest.energy_total, rtol=1e-12)
    growth = (1 + rest.energy_total_growth) / (1 + rest.gdp_growth) - 1
    np.testing.assert_allclose(growth, rest.energy_intensity_growth, atol=1e-12)


def test_an_unknown_flag_is_refused():
    with pytest.raises(InputError, match="its flags"):
        baseline.MeasurementErrors(tables.DATA)("gdp", "guessed")


def test_one_province_and_tibet():
    found = audit.province("Guangdong")
    assert found["series"].set_index("year").loc[2010, "energy, Mtce"] == pytest.approx(269.08)
    assert set(audit.province("Tibet")) == {"series", "targets", "outcomes"}
    with pytest.raises(InputError, match="did you mean 'Guangdong' or 'Shandong'"):
        audit.province("Guandong")


def test_the_baseline_survives_a_file(data, tmp_path):
    data.to_netcdf(tmp_path / "baseline.nc")
    with xr.open_dataset(tmp_path / "baseline.nc") as back:
        xr.testing.assert_allclose(back.load(), data)


def test_tables_do_not_contradict_each_other(data):
    assert list(audit.contradictions(data)) == []


def test_a_contradiction_is_named(data):
    wrong = data.assign(gdp=data.gdp * xr.where((data.province == "Hebei") & (data.year == 2008), 1.01, 1.0))
    text = "\n".join(map(str, audit.contradictions(wrong)))
    assert "energy_intensity_2005p: Hebei 2008 got 1.7249, but energy_total over GDP is 1.70782" in text
    assert "gdp_real_1997p: Hebei 2008" in text


def test_coal_per_kwh_scatters_as_its_error_says(data):
    logs = np.log(data.coal_per_kwh.to_series().dropna())
    trend = np.polyval(np.polyfit(logs.index, logs, 1), logs.index)
    assert data.coal_per_kwh_sigma.sel(year=2010).item() == pytest.approx((logs - trend).std(ddof=2), abs=0.001)
