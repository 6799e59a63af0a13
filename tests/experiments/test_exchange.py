"""Runs in the formats of others, and side by side."""

import csv
import json
import os
import subprocess
from pathlib import Path

import netCDF4
import numpy as np
import openpyxl
import pandas as pd
import pytest
import xarray as xr
import yaml

from experiments.analyses import feasibility
from experiments.ensemble import simulation
from experiments.ensemble.outputs import table
from experiments.exchange import compare, export
from experiments.runs.store import Run
from models.reading.faults import InputError
from tests.experiments import small_system
from tests.experiments.small_system import SYSTEM


def made(folder: Path, *overrides: str) -> Run:
    run = simulation.resume(simulation.start(small_system.study(folder, *overrides), SYSTEM, folder / "runs"), SYSTEM)
    small_system.analyse(run)
    return run


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The small study, analysed."""
    return made(tmp_path_factory.mktemp("run"))


def test_iamc_rows_are_the_run_in_other_units(run: Run) -> None:
    found = export.iamc(run)
    assert tuple(found.columns) == export.IAMC
    where = {"scenario": "even|full", "region": "China|Ningxia", "year": 2015}
    rows = found.loc[(found[list(where)] == pd.Series(where)).all(axis=1)].set_index("variable")
    paths = run.trajectories().sel(allocation="even", mix="full", province="Ningxia", year=2015)
    medians = paths.isel(member=2)  # of five at even quantiles
    assert rows.loc["Energy Intensity|GDP", "value"] == pytest.approx(29.3076 * float(medians["energy intensity"]))
    assert rows.loc["GDP|MER", "unit"] == "billion CNY_2005/yr"
    assert rows.loc["Target|Energy Intensity Reduction", "value"] == 16
    chance = (run.metrics()["margin"].sel(allocation="even", mix="full", province="Ningxia") >= 0).mean()
    assert rows.loc["Probability|Target Met", "value"] == pytest.approx(100 * float(chance))
    low = run.quantiles()["gdp"].sel(allocation="even", mix="full", province="Ningxia", year=2015, quantile=0.1)
    assert rows.loc["10.0th Percentile|GDP|MER", "value"] == pytest.approx(float(low))
    assert not found.duplicated(["scenario", "region", "variable", "year"]).any()


def test_the_net_cost_of_a_mix_is_the_same_number_in_metrics_and_export(tmp_path: Path) -> None:
    """The report's table of mixes reads the metrics: medians over members in the plan's last year."""
    asked = "outputs.variables=[gdp, annualised policy cost]"
    run = simulation.start(small_system.study(tmp_path, asked), SYSTEM, tmp_path / "runs")
    run = simulation.resume(run, SYSTEM)
    median = run.metrics()["policy_cost"].sel(allocation="even", mix="full").median("member")
    rows = export.iamc(run).query("scenario == 'even|full' and year == 2015")
    rows = rows[rows["variable"] == "50.0th Percentile|Policy Cost"].set_index("region")["value"]
    regions = ["China" if name == "China" else f"China|{name}" for name in median["province"].to_numpy()]
    np.testing.assert_allclose(rows[regions], median, rtol=1e-9)
    assert (rows > 0).all()


def test_iamc_files(run: Run, tmp_path: Path) -> None:
    path = export.export(run, "iamc-csv", tmp_path / "run.csv")
    with path.open(newline="") as stream:
        assert next(csv.reader(stream)) == list(export.IAMC)
    book = openpyxl.load_workbook(export.export(run, "iamc-xlsx", tmp_path / "run.xlsx"), read_only=True)
    head = [cell.value for cell in next(book["data"].iter_rows())]
    assert all(cell.data_type == "s" for row in book["data"].iter_rows(max_col=5) for cell in row)
    meta = {cell.value for cell in next(book["meta"].iter_rows())}
    assert {"run", "nation", "values"} < meta
    assert pd.read_csv(tmp_path / "run.meta.csv")["run"].unique().tolist() == [run.name]
    assert head[:6] == ["Model", "Scenario", "Region", "Variable", "Unit", 2005]
    book.close()


def test_every_row_is_in_the_code_list(run: Run) -> None:
    files = {
        name: yaml.safe_load((export.DEFINITIONS / name).read_text(encoding="utf-8")) for name in export.code_list()
    }
    units = {name: entry["unit"] for item in files["variable/variables.yaml"] for name, entry in item.items()}
    found = export.iamc(run)
    assert {v: units.get(v) for v in found["variable"]} == dict(zip(found["variable"], found["unit"], strict=True))
    assert set(found["region"]) <= set(files["region/regions.yaml"][0]["China"])
    assert len(files["region/regions.yaml"][0]["China"]) == 31


def test_the_code_list_is_in_step() -> None:
    for name, text in export.code_list().items():
        for entry in yaml.safe_load(text) if name.startswith("variable") else []:
            (meaning,) = (one["description"] for one in entry.values())
            assert not set(meaning) & set(';:"{}'), "nomenclature refuses these characters"
        assert (export.DEFINITIONS / name).read_text(encoding="utf-8") == text, (
            "run `python -m experiments.exchange.export`"
        )


PYAM = os.environ.get("TANLU_PYAM_PYTHON", "")
"""A Python with pyam-iamc and nomenclature-iamc: they need older pandas and a GPL package, so never this one.

pyam-iamc 3.3 with ixmp4 0.14 needs `sqlalchemy<2.1`; where nomenclature-iamc is absent its test is skipped.
"""
NOMENCLATURE = (
    bool(PYAM) and not subprocess.run([PYAM, "-c", "import nomenclature"], capture_output=True, check=False).returncode
)


@pytest.mark.skipif(not NOMENCLATURE, reason="TANLU_PYAM_PYTHON names no Python with pyam-iamc and nomenclature-iamc")
def test_pyam_loads_it_and_nomenclature_validates_it(run: Run, tmp_path: Path) -> None:
    script = """
import sys, pyam, nomenclature
for path in sys.argv[2:]:
    data = pyam.IamDataFrame(path)
    nomenclature.DataStructureDefinition(sys.argv[1]).validate(data)
    print(len(data))
"""
    files = [export.export(run, to, tmp_path / name) for to, name in (("iamc-csv", "a.csv"), ("iamc-xlsx", "a.xlsx"))]
    words = [PYAM, "-c", script, str(export.DEFINITIONS), *map(str, files)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [str(len(export.iamc(run)))] * 2


@pytest.mark.skipif(not PYAM, reason="TANLU_PYAM_PYTHON names no Python with pyam-iamc")
def test_pyam_finds_that_parts_add_up_in_every_province_and_in_the_nation(tmp_path: Path) -> None:
    from experiments import carry_out, load_study

    asked = ["members=8", "provinces=[Hebei, Guangdong]", "mixes=[base]", "allocations=[official]", "policy=null"]
    real = carry_out(load_study("twelfth-plan", asked), tmp_path / "runs")
    script = """
import sys, pyam
data = pyam.IamDataFrame(sys.argv[1])
for variable in sys.argv[2:]:
    whole = data.filter(variable=variable)
    assert set(whole.region) == {"China", "China|Hebei", "China|Guangdong"}, (variable, whole.region)
    assert data.filter(variable=variable + "|*").variable
    wrong = data.check_aggregate(variable)
    assert wrong is None, wrong
    sums = data.check_aggregate_region(variable, region="China", subregions=["China|Hebei", "China|Guangdong"])
    assert sums is None, sums
    print(variable, len(whole.data))
assert list(data.meta["run"]) == [sys.argv[1].split("/")[-1].removesuffix(".csv")], data.meta
assert "sum of the provinces" in data.meta["nation"].iloc[0]
assert any(name.startswith("10.0th Percentile|") for name in data.variable)
broken = data.filter(variable="Final Energy|Industry", keep=False).check_aggregate("Final Energy")
assert broken is not None and len(broken)
"""
    path = export.export(real, "iamc-xlsx", tmp_path / f"{real.name}.xlsx")
    wholes = ["Final Energy", "Final Energy|Industry", "Primary Energy", "Emissions|CO2"]
    done = subprocess.run(
        [PYAM, "-c", script.replace(".csv", ".xlsx"), str(path), *wholes], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert [line.rsplit(" ", 1)[0] for line in done.stdout.splitlines()] == wholes


def test_coal_equivalent_is_that_of_the_model() -> None:
    from models.parameters import parameters

    factors = table().loc[["total energy", "final energy by group[all]"], "factor"].astype(float)
    assert set(factors) == {0.0293076}  # 7000 kcal at 4.1868 kJ a kilogram of coal equivalent
    electricity = float(parameters().loc["heat content of electricity", "default"])  # Mtce/TWh
    assert electricity * 0.0293076 == pytest.approx(0.0036, rel=1e-3)  # EJ/TWh


def test_netcdf_has_units_names_and_bounds(run: Run, tmp_path: Path) -> None:
    path = export.export(run, "netcdf", tmp_path / "run.nc")
    with netCDF4.Dataset(path) as file:
        assert file.Conventions == "CF-1.11"
        assert file["time"].units == "days since 2005-01-01"
        assert file["time"].bounds == "time_bounds"
        for name, variable in file.variables.items():
            assert " " not in name
            if variable.dtype == np.float32:
                assert variable.units
                assert variable.long_name
    with xr.open_dataset(path) as data:
        assert data["time"].dt.year.to_numpy().tolist() == list(range(2005, 2021))
        np.testing.assert_array_equal(data["gdp"], run.quantiles()["gdp"])
        np.testing.assert_array_equal(data["margin"], run.metrics()["margin"])


@pytest.mark.parametrize(("to", "read"), [("csv", pd.read_csv), ("parquet", pd.read_parquet)])
def test_tables(run: Run, tmp_path: Path, to: str, read: object) -> None:
    folder = export.export(run, to, tmp_path / to)
    metrics = read(folder / f"metrics.{to}")  # type: ignore[operator]
    assert len(metrics) == 2 * 2 * 4 * 40
    one = metrics[(metrics.allocation == "even") & (metrics.mix == "base") & (metrics.province == "China")]
    expected = run.metrics()["reduction"].sel(allocation="even", mix="base", province="China")
    np.testing.assert_allclose(one.sort_values("member").reduction, expected, rtol=1e-6)
    assert {"design", "quantiles_gdp", "feasibility"} <= {path.stem for path in folder.iterdir()}
    yearly = read(folder / f"metrics_yearly_reduction.{to}")  # type: ignore[operator]
    assert len(yearly) == 5 * len(metrics)
    units = json.loads((folder / "about.json").read_text(encoding="utf-8"))["units"]
    named = set(metrics.columns) - {"allocation", "mix", "province", "member"}
    assert set(units["metrics"]) == named
    assert all(units["metrics"].values())
    assert units["quantiles_gdp"] == {"value": run.quantiles()["gdp"].attrs["units"]}


def test_nothing_is_overwritten_and_formats_are_named(run: Run, tmp_path: Path) -> None:
    (tmp_path / "here.csv").touch()
    with pytest.raises(InputError, match=r"here\.csv exists"):
        export.export(run, "iamc-csv", tmp_path / "here.csv")
    with pytest.raises(InputError, match="unknown format 'iamc'; did you mean 'iamc-csv'"):
        export.export(run, "iamc")


def test_a_run_compared_with_itself_has_no_difference(run: Run) -> None:
    found = compare.compare(run, run)
    assert [name for name, rows in found.items() if name != "verdicts" and len(rows)] == []
    assert (found["verdicts"]["chance_change"] == 0).all()
    assert compare.printed(found["verdicts"]).empty


def test_what_a_change_did_to_each_verdict(run: Run, tmp_path: Path) -> None:
    other = made(tmp_path, "seed=8", "mixes=[base]")
    found = compare.compare(run, other)
    assert found["study"].set_index("path").loc["seed"].tolist() == ["7", "8"]
    assert found["scenarios"]["mix"].tolist() == ["full", "full"]
    verdicts = found["verdicts"]
    assert set(verdicts["mix"]) == {"base"}
    assert (verdicts["chance_change"].abs().diff().dropna() <= 1e-9).all()
    first = verdicts.iloc[0]
    summaries = [feasibility.summary(r.metrics()).set_index(compare.KEYS) for r in (run, other)]
    chances = [float(s.loc[tuple(first[compare.KEYS]), "chance"]) for s in summaries]
    assert first["chance_change"] == pytest.approx(100 * (chances[1] - chances[0]))
    text = compare.printed(verdicts)
    assert text.iloc[0]["chance %"] == " → ".join(f"{100 * chance:.0f}" for chance in chances)
    assert max(len(line) for line in text.to_string(index=False).splitlines()) <= 120
    small = verdicts["chance_change"].abs() <= verdicts["noise"]
    assert [change.startswith("(") for change in text["change"]] == small[: len(text)].to_list()


def test_an_input_that_one_study_alone_changes_is_one_row(run: Run, tmp_path: Path) -> None:
    other = made(tmp_path, "uncertain.rebound={low: 0.1}")
    rows = compare.compare(run, other)["study"]
    assert rows.to_numpy().tolist() == [["uncertain.rebound.low", "–", "0.1"]]


def test_compare_needs_complete_runs(run: Run, tmp_path: Path) -> None:
    begun = simulation.start(small_system.study(tmp_path), SYSTEM, tmp_path / "runs")
    with pytest.raises(InputError, match="is incomplete"):
        compare.compare(run, begun)
