# ruff: noqa: PD010 (reshaping unique keys)
"""The shipped tables: their schema, their keys, and the basis of the measurement errors."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest

from calibration import tables
from calibration.baseline import FUEL_OF, INDUSTRY, SECTOR_OF
from models.reading.faults import InputError

RESOURCES = {resource["name"]: resource for resource in tables.descriptor()["resources"]}


def robust_sd(values: pd.Series) -> float:
    low, high = values.quantile([0.25, 0.75])
    return float((high - low) / 1.349)


def test_shipped_data_have_no_fault():
    assert [str(fault) for fault in tables.check()] == []


def test_tables_are_compact():
    sizes = {name: (tables.DATA / resource["path"]).stat().st_size for name, resource in RESOURCES.items()}
    assert max(sizes.values()) < 2e6
    assert sum(sizes.values()) < 8e6


def test_every_csv_file_is_in_the_descriptor():
    assert {path.name for path in tables.DATA.glob("*.csv")} == {resource["path"] for resource in RESOURCES.values()}


@pytest.mark.parametrize("name", sorted(set(RESOURCES) - {"provinces", "sources", "vintages", "flags"}))
def test_every_figure_carries_its_source(name):
    columns = set(tables.read(name))
    assert {"source_id"} <= columns or name in {"measurement_errors", "breaks"}
    if "value" in columns:
        assert {"unit", "vintage", "flag"} <= columns


def test_types_follow_the_descriptor():
    economy = tables.read("economy")
    assert economy.year.dtype == int
    assert economy.value.dtype == float
    assert tables.read("balance_corrections").printed.isna().sum() == 11  # lines missing in print


def test_unknown_table_names_the_nearest():
    with pytest.raises(InputError, match="did you mean 'economy'"):
        tables.read("econmy")


def test_provinces_are_in_yearbook_order_and_tibet_is_not_simulated():
    every = tables.provinces(simulated=False)
    assert (every[0], every[18], every[-1], len(every)) == ("Beijing", "Guangdong", "Xinjiang", 31)
    assert [name for name in every if name not in tables.provinces()] == ["Tibet"]


def test_tibet_has_targets_and_economy_but_no_energy():
    targets = tables.read("targets")
    tibet = targets[(targets.province == "Tibet") & (targets.variable == "energy_intensity_reduction")]
    assert dict(zip(tibet["plan"], tibet["flag"], strict=True)) == {
        "11FYP": "recalled",
        "12FYP": "reported",
        "13FYP": "recalled",
    }
    assert "Tibet" in set(tables.read("economy").province)
    for name in ("energy_total", "final_energy_official", "co2", "outcomes"):
        assert "Tibet" not in set(tables.read(name).province)


def test_sealing_an_untouched_folder_changes_nothing(tmp_path):
    shutil.copytree(tables.DATA, tmp_path / "data")
    tables.seal(tmp_path / "data")
    assert (tmp_path / "data" / "datapackage.json").read_bytes() == (tables.DATA / "datapackage.json").read_bytes()


def test_a_change_on_purpose_is_accepted_once_sealed(tmp_path):
    shutil.copytree(tables.DATA, tmp_path / "data")
    path = tmp_path / "data" / "sources.csv"
    path.write_text(path.read_text(encoding="utf-8") + "X99,a title,here,free,\n", encoding="utf-8")
    assert [fault.kind for fault in tables.check(tmp_path / "data", ["sources"])] == ["rule"]
    tables.seal(tmp_path / "data")
    assert tables.check(tmp_path / "data", ["sources"]) == []


def test_descriptor_keeps_to_the_standard_where_the_standard_reaches():
    allowed = {"required", "unique", "minimum", "maximum", "enum"}
    for resource in RESOURCES.values():
        assert resource["profile"] == "tabular-data-resource"
        fields = {field["name"] for field in resource["schema"]["fields"]}
        assert set(resource["schema"]["primaryKey"]) <= fields
        for field in resource["schema"]["fields"]:
            assert field["type"] in {"string", "integer", "number"}
            assert set(field.get("constraints", {})) <= allowed
    assert len(json.dumps(tables.descriptor())) < 200_000


def test_corrections_are_the_flagged_rows():
    corrections = tables.read("balance_corrections")
    corrections["fuel"] = corrections.fuel.replace("coke_oven_gas", "coal_gas")
    flows = tables.read("balance_flows").rename(columns={"flow": "sector"})
    official = tables.read("final_energy_official")
    flagged = pd.concat([flows, official])
    flagged = flagged[flagged.flag == "corrected"]
    keys = ["province", "year", "sector", "fuel"]
    wanted = set(map(tuple, corrections.rename(columns={"flow": "sector"})[keys].itertuples(index=False)))
    assert set(map(tuple, flagged[keys].itertuples(index=False))) == wanted
    single = corrections[corrections.fuel != "coal_gas"].rename(columns={"flow": "sector"})
    merged = single.merge(flagged, on=keys)
    np.testing.assert_allclose(merged.value, merged.corrected, rtol=1e-6)


# The table of measurement errors: every number with a measured basis is computed here again.


@pytest.fixture(scope="module")
def sigma() -> pd.Series:
    return tables.read("measurement_errors").set_index(["series", "sector", "fuel", "flag"]).sigma


@pytest.fixture(scope="module")
def official() -> pd.DataFrame:
    rows = tables.read("final_energy_official")
    rows = rows[rows.sector.isin(SECTOR_OF) & rows.year.between(2008, 2012)]
    return rows.assign(sector=rows.sector.map(SECTOR_OF), fuel=rows.fuel.map(FUEL_OF))


def second_differences(rows: pd.DataFrame, keys: list[str]) -> pd.Series:
    wide = rows.groupby([*keys, "province", "year"])["value"].sum().unstack("year")
    logs = np.log(wide.where(wide > 0.05))
    return logs.diff(axis=1).diff(axis=1).stack()


def test_errors_of_reported_sectors_are_their_scatter_within_a_vintage(sigma, official):
    for sector, values in second_differences(official, ["sector"]).groupby("sector"):
        assert sigma["sector_energy", sector, "", "reported"] == pytest.approx(robust_sd(values) / 6**0.5, abs=0.003)
    for (sector, fuel), values in second_differences(official, ["sector", "fuel"]).groupby(["sector", "fuel"]):
        name = INDUSTRY[0] if sector == "industry" else sector
        assert sigma["final_energy", name, fuel, "reported"] == pytest.approx(robust_sd(values) / 6**0.5, abs=0.006)


def test_errors_of_assembled_flags_cover_their_distance_from_the_official_values(sigma):
    keys = ["province", "year", "sector", "fuel"]
    official = tables.read("final_energy_official").set_index(keys)["value"]
    raw = official.xs("industry_non_energy", level="sector")
    net = official.copy()
    for (province, year, fuel), value in raw.items():
        if (province, year, "industry", fuel) in net.index:
            net[province, year, "industry", fuel] -= value
    both = tables.read("final_energy_assembled").set_index(keys)[["value", "flag"]].join(net.rename("net"), how="inner")
    both = both[(both.value > 0.05) & (both.net > 0.05)]
    distance = np.log(both.value / both.net).groupby(both.flag)
    for flag in ("D1", "D2a", "D2b", "D3", "E1", "E1b", "E2", "H2", "H3"):
        measured = robust_sd(distance.get_group(flag))
        assert measured <= sigma["final_energy", "", "", flag] <= measured + 0.11


def test_every_flag_of_a_series_has_an_error(sigma):
    flags = {
        "final_energy": set(tables.read("final_energy_assembled").flag) | set(tables.read("final_energy_official").flag)
    }
    for series, wanted in flags.items():
        assert wanted <= set(sigma.xs(series, level="series").index.get_level_values("flag"))
