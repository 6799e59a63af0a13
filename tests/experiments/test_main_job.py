"""The main job on the real model, with few members: from the command to the table, identical however it is run."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from typer.testing import CliRunner

from calibration import tables
from calibration.places import NATION
from experiments import cli, installation, verification
from experiments.analyses.sensitivity import sensitivity_tables
from experiments.ensemble import batches, installed, member_design, outputs, scenario, simulation
from experiments.exchange import export
from experiments.installation import Installation, load_study
from experiments.report import policies
from experiments.runs.store import Run
from experiments.study import files as studies
from experiments.study.schema import Study
from experiments.words.columns import columns
from experiments.words.terms import Terms
from models.reading.faults import InputError
from sim import Model

MEMBERS = 10
FEW = (
    f"members={MEMBERS}",
    "outputs.variables=[energy intensity, gdp, total energy, final energy, annualised policy cost]",
    "outputs.last_year=2020",
    "sensitivity={runs: 4000, trajectories: 4}",
)


def study(*overrides: str) -> Study:
    return load_study(studies.DEFAULT, [*FEW, *overrides])


def made(folder: Path, asked: Study, system: Installation, batch: int = batches.BATCH, workers: int = 0) -> Run:
    run = simulation.start(asked, system, folder, batch=batch)
    return simulation.resume(run, system, workers=workers)


def digests(run: Run) -> list[str]:
    names = ("design.parquet", "inputs.nc", "metrics.nc", "quantiles.nc", "trajectories.nc")
    return [hashlib.sha256((run.folder / name).read_bytes()).hexdigest() for name in names]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The shipped study with few members, by the command."""
    runs = tmp_path_factory.mktemp("runs")
    sets = [word for override in FEW for word in ("--set", override)]
    words = ["run", studies.DEFAULT, *sets, "--runs", str(runs), "--verify", "0", "--no-report", "--threads", "1"]
    asked: list[dict[str, Any]] = []

    def decide(run: Run, system: Installation, **settings: Any) -> None:
        asked.append(settings)
        run.save_table("sensitivity", pd.DataFrame({"province": ["China"]}))

    with pytest.MonkeyPatch.context() as patch:  # the sensitivity analysis has separate tests and is slow
        patch.setattr(sensitivity_tables, "sensitivity_tables", decide)
        result = CliRunner().invoke(cli.app, words)
    assert result.exit_code == 0, result.output
    assert [(one["runs"], one["trajectories"]) for one in asked] == [(4000, 4)]
    (folder,) = runs.iterdir()
    rows = [line for line in result.stdout.splitlines() if line.endswith(("green", "yellow", "red"))]
    assert len(rows) == 2 * 31  # two mixes, 30 provinces and their sum
    assert sum("China (sum of provinces)" in row for row in rows) == 2
    assert f"{4 * MEMBERS} member runs" in result.stderr
    return Run(folder)


def test_what_is_stored_is_whole(run: Run) -> None:
    metrics, record = run.metrics(), run.manifest
    assert metrics.sizes == {"allocation": 2, "mix": 2, "province": 31, "member": MEMBERS, "year": 5, "indicator": 2}
    assert np.isfinite(metrics["reduction"]).all()
    official = metrics["target"].sel(allocation="official").to_series()
    assert (official["Guangdong"], official["Qinghai"], official[NATION]) == (18, 10, 16)
    assert (metrics["target"].sel(allocation="uniform") == 16).all()
    assert metrics["co2_target"].sel(allocation="official", province="Guangdong") == 19.5
    assert record["members"] == {"drawn": MEMBERS, "total": 4 * MEMBERS, "done": 4 * MEMBERS, "failed": 0}
    assert {"models/province.mdl", "models/parameters.csv", "calibration/published/posterior.nc"} <= set(
        record["files"]
    )
    assert record["sessions"][0]["wall_seconds"] > 0
    assert record["sessions"][0]["peak_memory_bytes"] > 2**26


def test_the_skill_card_is_part_of_the_run(run: Run) -> None:
    assert {"feasibility", "backtest", "backtest_facts", "trust"} <= set(run.tables)
    assert run.table("trust").set_index("topic").loc["hold-out test", "verdict"] != "not done"


def test_policy_helps_and_errors_are_paired(run: Run) -> None:
    reduction = run.metrics()["reduction"].sel(allocation="official")
    assert (reduction.sel(mix="full") > reduction.sel(mix="base")).all()
    modelled = run.metrics()["modelled_reduction"].sel(allocation="official")
    one = (100 - reduction) / (100 - modelled)  # the factor of the predictive error, the same in every mix
    provinces = one.sel(province=[name for name in one["province"].to_numpy() if name != NATION])
    np.testing.assert_allclose(provinces.sel(mix="full"), provinces.sel(mix="base"), rtol=1e-4)


def test_the_net_cost_of_a_mix_is_one_number_in_model_accounts_report_and_export(run: Run) -> None:
    accounts = run.table("costs").query("option == 'all'").set_index("province")["net cost Gyuan/year"]
    model = run.quantiles()["annualised policy cost"].sel(allocation="official", mix="full", quantile=0.5, year=2015)
    np.testing.assert_allclose(accounts, model.sel(province=accounts.index.to_numpy()), rtol=1e-9, atol=1e-12)
    rows = export.iamc(run)
    rows = rows[(rows["variable"] == "50.0th Percentile|Policy Cost") & (rows["year"] == 2015)]
    rows = rows[rows["scenario"].str.contains("full") & rows["scenario"].str.contains("official")]
    exported = rows.set_index("region")["value"]
    assert len(exported) == len(accounts) == 31
    np.testing.assert_allclose(np.sort(exported), np.sort(accounts), rtol=1e-9, atol=1e-12)
    assert abs(accounts[NATION]) > 1
    known = columns("costs")["net cost Gyuan/year"]
    for terms in (Terms("en"), Terms("zh")):
        whole = run.table("costs").query(f"option == 'all' and province == '{NATION}'")
        shown = policies.costs(cast(Any, SimpleNamespace(terms=terms)), whole).iloc[0][terms(known.head)]
        assert shown == pytest.approx(terms.scale(known.head) * accounts[NATION], abs=0.5 * 10.0**-known.decimals)


@pytest.mark.parametrize(
    ("threads", "batch", "workers"), [(2, 4, 0), (4, 512, 0), pytest.param(1, 3, 2, marks=pytest.mark.slow)]
)
def test_threads_batches_and_processes_change_nothing(
    run: Run, tmp_path: Path, threads: int, batch: int, workers: int
) -> None:
    assert digests(made(tmp_path, study(), installed.installed(threads), batch, workers)) == digests(run)


def test_a_member_exported_as_a_model_reproduces_it(run: Run, tmp_path: Path) -> None:
    folder = export.member_model(run, 3, "uniform", "full", tmp_path / "member")
    alone = Model.load(folder / "province.mdl").run(outputs=["energy intensity", "total energy"])
    where = {"allocation": "uniform", "mix": "full", "member": 3, "province": alone["province"]}
    kept = run.trajectories().sel(where)
    assert alone["time"][-1] == 2020
    error = installation.predictive_errors(run.study, np.array([3])).isel(member=0, drop=True)
    disturbed = outputs.with_error(alone.rename(time="year"), error)
    for name in alone.data_vars:
        xr.testing.assert_allclose(disturbed[name].astype("f4"), kept[name].reset_coords(drop=True), rtol=1e-6)


def test_a_verification_that_fails_gives_its_reason(run: Run) -> None:
    with verification.alongside(run, -1) as repeated, pytest.raises(InputError, match=r"PySD .*: ValueError: .*-1"):
        repeated()


@pytest.mark.slow
def test_pysd_reproduces_member_runs_and_the_exported_model(run: Run, tmp_path: Path) -> None:
    with verification.alongside(run, 2) as repeated:
        found = repeated()
    assert found["largest_relative_difference"] < 1e-9
    folder = export.member_model(run, 0, path=tmp_path / "member")
    done = subprocess.run([sys.executable, "run.py"], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_design_is_prior_and_posterior(run: Run) -> None:
    design = run.design()
    assert list(design.index) == list(range(MEMBERS))
    assert {"effort sensitivity", "depreciation rate"} <= set(design.columns)
    assert {"base productivity growth excess[Guangdong]", "frontier ratio[Guangdong,services]"} <= set(design.columns)
    assert design["depreciation rate"].between(0.06, 0.11).all()


def test_fixed_and_changed_inputs_reach_the_design(tmp_path: Path) -> None:
    asked = study(
        "parameters.discount rate=0.1", "uncertain.rebound={low: 0.5, high: 0.6, default: 0.55, distribution: uniform}"
    )
    design = member_design.design(asked)
    assert "discount rate" not in design
    assert design["rebound"].between(0.5, 0.6).all()
    assert float(scenario.prepare(asked).common["discount rate"]) == 0.1
    with pytest.raises(InputError, match=r"uncertain: depreciation rate: got low 0\.2"):
        member_design.design(study("uncertain.depreciation rate={low: 0.2}"))


def test_a_fixed_assumption_moves_the_calibrated_parameters_that_fit_the_past_with_it() -> None:
    low, high = (member_design.design(study(f"parameters.depreciation rate={value}")) for value in (0.08, 0.09))
    shipped, _ = installation.calibrated()
    for province in ("Beijing", "Guangdong"):
        slope = float(
            shipped["response"].sel(parameter="productivity", assumption="depreciation rate", province=province)
        )
        moved = (high - low)[f"base productivity growth excess[{province}]"]
        assert slope != 0
        assert np.sign(moved.mean()) == np.sign(slope)  # more than the first order, so not equal to it
        assert abs(moved.mean()) > 0.2 * abs(0.01 * slope)


@pytest.mark.parametrize("method", ["sobol", "latin", "random"])
def test_every_method_fills_the_ranges(method: str) -> None:
    asked = study(f"sampling.method={method}", "members=256")
    shipped, _ = installation.calibrated()
    drawn = member_design.assumptions(asked, shipped)["depreciation rate"]
    assert drawn.nunique() == 256
    assert drawn.quantile(0.5) == pytest.approx(0.0889, abs=0.003)  # triangular 0.06, 0.096, 0.11


def test_all_faults_of_mixes_and_allocations_at_once(tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text("levers: {no lever: 1}\n")
    path = tmp_path / "mine.yaml"
    path.write_text(
        "extends: twelfth-plan\nmixes: [bad.yaml]\nallocations: [{rule: uniform, options: {nosuch: 1}}, {rule: csv}]\n"
        "uncertain:\n  rebound: {distribution: lognormal, low: 0}\n  depreciation rate: {low: 0.2}\n"
        "  grid loss: {low: 0.5}\n"
    )
    with pytest.raises(InputError) as raised:
        scenario.prepare(load_study(path))
    assert len(raised.value.faults) >= 4, raised.value.faults


def test_flat_and_back() -> None:
    values = xr.Dataset(
        {"a": ("member", [1.0, 2.0]), "b": (("member", "p", "s"), np.arange(12.0).reshape(2, 2, 3))},
        {"member": [0, 1], "p": ["x", "y"], "s": ["u", "v", "w"]},
    )
    table = installation.flat(values)
    assert list(table.columns) == ["a", "b[x,u]", "b[x,v]", "b[x,w]", "b[y,u]", "b[y,v]", "b[y,w]"]
    back = installation.unflat(table, {"p": ["x", "y"], "s": ["u", "v", "w"]}, {"a": (), "b": ("p", "s")})
    xr.testing.assert_identical(back, values)


def test_data_that_break_a_rule_are_refused_with_two(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    broken = tables.TableFault("economy", 3, "GDP is negative")
    monkeypatch.setattr(tables, "check", lambda: [broken])
    result = CliRunner().invoke(cli.app, ["run", "--runs", str(tmp_path / "runs")])
    assert result.exit_code == 2
    assert "tanlu: economy, line 3: GDP is negative" in result.stderr
    assert not (tmp_path / "runs").exists()


def test_json_of_a_run(run: Run) -> None:
    sets = [word for override in FEW for word in ("--set", override)]
    words = ["run", studies.DEFAULT, *sets, "--runs", str(run.folder.parent), "--verify", "0", "--no-report", "--json"]
    result = CliRunner().invoke(cli.app, words)
    assert json.loads(result.stdout)["run"] == run.name
    assert len(json.loads(result.stdout)["verdicts"]) == 4 * 31
