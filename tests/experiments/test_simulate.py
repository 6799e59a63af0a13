"""Runs on disk: killed, resumed, moved, shared between processes; the result files stay the same to the byte."""

import errno
import hashlib
import multiprocessing
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from calibration import places
from experiments.ensemble import simulation
from experiments.report import page
from experiments.runs import store
from experiments.runs.store import Run, StoreError
from experiments.words import addresses
from models import writing
from models.reading.faults import InputError
from tests.experiments import small_system
from tests.experiments.small_system import SYSTEM

RESULTS = ("study.yaml", "design.parquet", "inputs.nc", "metrics.nc", "quantiles.nc", "trajectories.nc")


def made(tmp_path: Path, *overrides: str, batch: int = 8, where: str = "runs") -> Run:
    run = simulation.start(small_system.study(tmp_path, *overrides), SYSTEM, tmp_path / where, batch=batch)
    return simulation.resume(run, SYSTEM)


def digests(run: Run) -> dict[str, str]:
    return {name: hashlib.sha256((run.folder / name).read_bytes()).hexdigest() for name in RESULTS}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The small study run without interruption."""
    return made(tmp_path_factory.mktemp("whole"))


def begin(folder: Path, runs: Path, pause: float) -> None:
    """Run the small study from its start in a new process."""
    system = small_system.slow(pause)
    simulation.resume(simulation.start(small_system.study(folder), system, runs, batch=8), system)


def killed(folder: Path, runs: Path, after: float) -> None:
    """Begin or resume the run and kill -9 the process after so many seconds."""
    process = multiprocessing.get_context("fork").Process(target=begin, args=(folder, runs, 0.02))
    process.start()
    process.join(after)  # no longer than the work takes
    if process.is_alive():
        assert process.pid is not None
        os.kill(process.pid, signal.SIGKILL)
    process.join()


def test_metrics_follow_their_definitions(tmp_path: Path) -> None:
    run = made(tmp_path)
    metrics, design = run.metrics(), run.design()
    assert list(metrics["province"].to_numpy()) == [*small_system.PROVINCES, places.NATION]
    one = {"allocation": "official", "mix": "full", "province": "Ningxia"}
    fall = design["efficiency"] + 0.01 + 0.05 * 0.15
    before = design["efficiency"] + 0.01  # the pressure of the target begins after 2010
    ratio = np.exp(-10 * fall + 5 * before)
    np.testing.assert_allclose(metrics["modelled_reduction"].sel(one), 100 * (1 - ratio), rtol=1e-5)
    error = small_system.errors(run.study, np.arange(40)).sel(province="Ningxia", year=2015)
    factor = np.exp(error["intensity"])
    np.testing.assert_allclose(metrics["reduction"].sel(one), 100 * (1 - ratio * factor), rtol=1e-5)
    np.testing.assert_allclose(metrics["margin"].sel(one), metrics["reduction"].sel(one) - 15, rtol=1e-5, atol=1e-5)
    growth = np.exp(design["growth[Ningxia]"] + error["growth"] / 5)
    np.testing.assert_allclose(metrics["gdp_growth"].sel(one), 100 * (growth - 1), rtol=1e-5)
    np.testing.assert_array_equal(metrics["yearly_reduction"].sel(year=2015), metrics["reduction"])
    # 2.5 of CO2 for each of energy everywhere: CO2 over GDP falls as intensity does, but for the error of carbon.
    carbon = 100 * (1 - ratio * factor * np.exp(error["carbon"]))
    np.testing.assert_allclose(metrics["co2_reduction"].sel(one), carbon, rtol=1e-5)
    per_energy = metrics["co2"].sel(one) / metrics["energy"].sel(one)
    np.testing.assert_allclose(per_energy, 2.5 * np.exp(error["carbon"]), rtol=1e-5)


def test_every_band_carries_its_error_and_says_so(tmp_path: Path) -> None:
    bare, full = (made(tmp_path, f"sampling.predictive_error={on}", where=on) for on in ("false", "true"))
    before, after = (run.quantiles().sel(quantile=[0.1, 0.9]).diff("quantile").sel(year=2015) for run in (bare, full))
    for name in ("gdp", "energy intensity", "final energy"):
        wider = (after[name] / before[name]).sel(province=small_system.PROVINCES)
        assert (wider.mean() > 1.01).all(), name
    said = {name: str(values.attrs["predictive_error"]) for name, values in full.quantiles().data_vars.items()}
    assert said == {
        "energy intensity": "intensity",
        "reported energy intensity": "intensity",
        "gdp": "growth",
        "final energy": "intensity, growth",
        "final energy by group": "intensity, growth",
    }
    earlier = [run.quantiles().sel(year=slice(None, 2010)) for run in (bare, full)]
    xr.testing.assert_allclose(*earlier)
    where = {"allocation": "even", "mix": "full"}
    paths = full.trajectories().sel(where)
    ratio = paths["final energy"].sum("sector") / paths["gdp"]
    np.testing.assert_allclose(ratio, paths["energy intensity"], rtol=1e-5)


def test_the_nation_is_the_sum_of_its_provinces(tmp_path: Path) -> None:
    paths = made(tmp_path).trajectories()
    provinces = paths.sel(province=small_system.PROVINCES)
    np.testing.assert_allclose(paths["gdp"].sel(province="China"), provinces["gdp"].sum("province"), rtol=1e-6)
    energy = (provinces["energy intensity"] * provinces["gdp"]).sum("province")
    np.testing.assert_allclose(
        paths["energy intensity"].sel(province="China"), energy / provinces["gdp"].sum("province"), rtol=1e-6
    )
    np.testing.assert_allclose(paths["final energy"].sel(province="China").sum("sector"), energy, rtol=1e-6)


def test_quantiles_and_representatives(tmp_path: Path) -> None:
    run = made(tmp_path, "sampling.predictive_error=false")
    quantiles, paths = run.quantiles(), run.trajectories()
    where = {"allocation": "even", "mix": "base", "province": "Beijing", "year": 2015}
    intensity = 55 / 700 * np.exp(-10 * (run.design()["efficiency"] + 0.05 * 0.16))
    wanted = np.quantile(intensity, quantiles["quantile"])
    np.testing.assert_allclose(quantiles["energy intensity"].sel(where), wanted, rtol=1e-5)
    assert quantiles["final energy"].attrs["units"] == "Mtce/year"
    national = run.metrics()["reduction"].sel(province="China").isel(allocation=0, mix=0)
    np.testing.assert_array_equal(national.sel(member=paths["member"]), np.sort(national)[[0, 10, 20, 29, 39]])
    np.testing.assert_array_equal(paths["quantile"], [0, 0.25, 0.5, 0.75, 1])


def test_quantiles_may_use_fewer_members(tmp_path: Path) -> None:
    run = made(tmp_path, "outputs.quantile_members=12", batch=5)
    assert run.quantiles().attrs["members"] == 12
    growth = run.design()["growth[Beijing]"][:12]
    gdp = run.quantiles()["gdp"].isel(allocation=0, mix=0).sel(province="Beijing", year=2010)
    np.testing.assert_allclose(gdp, np.quantile(700 * np.exp(5 * growth), run.study.outputs.quantiles), rtol=1e-5)
    np.testing.assert_array_equal(run.metrics()["reduction"], made(tmp_path, where="all").metrics()["reduction"])


def test_named_members_keep_their_paths(tmp_path: Path) -> None:
    paths = made(tmp_path, "outputs.members=[3, 17]").trajectories()
    assert paths["member"].to_numpy().tolist() == [3, 17]
    assert np.isnan(paths["quantile"]).all()


@pytest.mark.parametrize("size", [3, 7, 40, 1000])
def test_the_size_of_batches_changes_nothing(tmp_path: Path, whole: Run, size: int) -> None:
    assert digests(made(tmp_path, batch=size)) == digests(whole)


@pytest.mark.parametrize("seed", ["1", "2"])
def test_the_order_of_sets_changes_nothing(tmp_path: Path, whole: Run, seed: str) -> None:
    script = "import sys, pathlib; from tests.experiments import test_simulate as t; p = pathlib.Path(sys.argv[1])"
    words = [sys.executable, "-c", f"{script}; t.begin(p, p / 'runs', 0)", str(tmp_path)]
    environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(Path(__file__).parents[2])}
    subprocess.run(words, env=environment, check=True)
    (run,) = store.list_runs(tmp_path / "runs")
    assert digests(run) == digests(whole)


def test_failed_members_are_counted_and_left_out(tmp_path: Path) -> None:
    study = small_system.study(tmp_path)
    system = replace(SYSTEM, simulate=small_system.Closed(broken=0.03))
    run = simulation.resume(simulation.start(study, system, tmp_path / "runs"), system)
    failing = (run.design()["efficiency"] > 0.03).to_numpy()
    assert 0 < failing.sum() < 40
    assert run.manifest["members"] == {"drawn": 40, "total": 160, "done": 160, "failed": 4 * failing.sum()}
    metrics = run.metrics()
    for values in metrics[["reduction", "gdp_growth", "yearly_reduction"]].isel(allocation=0, mix=0).values():
        missing = np.isnan(values).all([dim for dim in values.dims if dim != "member"])
        np.testing.assert_array_equal(missing, failing)
        np.testing.assert_array_equal(missing, np.isnan(values).any([dim for dim in values.dims if dim != "member"]))
    assert np.isfinite(run.quantiles()["energy intensity"]).all()
    assert not failing[run.trajectories()["member"]].any()


def kill_and_compare(tmp_path: Path, whole: Run, kills: int, seed: int) -> None:
    """20 batches, killed again and again at random moments, then resumed to the end."""
    began = time.perf_counter()
    begin(tmp_path, tmp_path / "timed", 0.02)
    takes = time.perf_counter() - began
    moments = random.Random(seed)
    counts = []
    for n in range(kills):
        runs = tmp_path / f"killed-{n}"
        for _ in range(moments.randint(1, 2)):
            killed(tmp_path, runs, moments.uniform(0, takes))
        folders = store.list_runs(runs)
        counts.append(len(list(runs.glob("*/batches/*.npz"))))
        if folders:  # a folder that exists can always be resumed
            simulation.resume(folders[0], SYSTEM)
        else:
            begin(tmp_path, runs, 0)
        (run,) = store.list_runs(runs)
        assert run.complete
        assert digests(run) == digests(whole)
        assert not list(run.folder.rglob("*.part"))
        assert not (run.folder / "batches").exists()
    assert len(set(counts)) > 1, f"kills came at one moment only: {counts}"


def test_killed_at_random_moments(tmp_path: Path, whole: Run) -> None:
    kill_and_compare(tmp_path, whole, kills=6, seed=3)


@pytest.mark.slow
def test_killed_thirty_times(tmp_path: Path, whole: Run) -> None:
    kill_and_compare(tmp_path, whole, kills=30, seed=11)


def test_at_most_the_batch_in_flight_is_lost(tmp_path: Path) -> None:
    calls = []

    def stops(*given: object) -> xr.Dataset:
        calls.append(1)
        if len(calls) == 9:
            raise KeyboardInterrupt
        return SYSTEM.simulate(*given)  # type: ignore[arg-type]

    run = simulation.start(small_system.study(tmp_path), SYSTEM, tmp_path / "runs", batch=8)
    with pytest.raises(KeyboardInterrupt):
        simulation.resume(run, replace(SYSTEM, simulate=stops))
    assert run.manifest["members"]["done"] == 8 * 8
    with pytest.raises(InputError, match=r"incomplete \(64 of 160 member runs\): `tanlu runs resume"):
        run.metrics()
    again = []
    simulation.resume(run, replace(SYSTEM, simulate=lambda *given: again.append(1) or SYSTEM.simulate(*given)))
    assert len(again) == 20 - 8 + 4  # the batches left and the trajectories of four scenarios
    assert [session["member_runs"] for session in run.manifest["sessions"]] == [64, 96]


def test_same_study_same_run_and_fresh_makes_another(tmp_path: Path) -> None:
    first = made(tmp_path)
    stamp = (first.folder / "metrics.nc").stat().st_mtime_ns
    assert made(tmp_path) == first
    assert (first.folder / "metrics.nc").stat().st_mtime_ns == stamp
    second = simulation.start(small_system.study(tmp_path), SYSTEM, tmp_path / "runs", fresh=True)
    assert second.name == first.name + "-2"
    assert made(tmp_path, "seed=8").name != first.name


def test_a_moved_run_opens_and_resumes(tmp_path: Path, whole: Run) -> None:
    while not list(tmp_path.glob("here/*")):
        killed(tmp_path, tmp_path / "here", 0.6)
    (left,) = store.list_runs(tmp_path / "here")
    moved = shutil.move(left.folder, tmp_path / "renamed")
    run = Run.open(moved)
    assert digests(simulation.resume(run, SYSTEM)) == digests(whole)
    assert run.study == whole.study
    xr.testing.assert_identical(run.inputs()["mix"], whole.inputs()["mix"])
    assert str(tmp_path) not in "".join((run.folder / name).read_text() for name in ("study.yaml", "manifest.json"))


def test_a_run_is_not_finished_with_another_model(tmp_path: Path) -> None:
    run = simulation.start(small_system.study(tmp_path), SYSTEM, tmp_path / "runs")
    other = replace(SYSTEM, checksums=lambda: {"models/small.mdl": "1" * 64})
    with pytest.raises(InputError, match=r"was begun with another models/small\.mdl"):
        simulation.resume(run, other)
    assert simulation.resume(run, SYSTEM).complete


def test_two_processes_on_one_run(tmp_path: Path) -> None:
    process = multiprocessing.get_context("fork").Process(target=begin, args=(tmp_path, tmp_path / "runs", 0.3))
    process.start()
    while not list(tmp_path.glob("runs/*/.owner")):
        time.sleep(0.02)
    run = simulation.start(small_system.study(tmp_path), SYSTEM, tmp_path / "runs")
    with pytest.raises(StoreError, match=f"is being written by process {process.pid} on .*; wait until it ends"):
        simulation.resume(run, SYSTEM)
    with pytest.raises(StoreError, match="is being written"):
        store.remove(run)
    process.kill()
    process.join()
    assert simulation.resume(run, SYSTEM).complete  # the lock died with its process


@pytest.mark.parametrize(
    ("number", "message"),
    [(errno.ENOSPC, "no space left for .*batches.*intact"), (errno.EROFS, "may not write .*--runs")],
)
def test_a_disk_that_refuses(
    tmp_path: Path, whole: Run, monkeypatch: pytest.MonkeyPatch, number: int, message: str
) -> None:
    run = simulation.start(small_system.study(tmp_path), SYSTEM, tmp_path / "runs", batch=8)
    saved, written = np.savez, []

    def refuses(*given: object, **named: object) -> None:
        written.append(1)
        if len(written) == 5:
            raise OSError(number, os.strerror(number))
        saved(*given, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(np, "savez", refuses)
    with pytest.raises(StoreError, match=message):
        simulation.resume(run, SYSTEM)
    monkeypatch.undo()
    assert len(list(run.folder.glob("batches/*.npz"))) == 4
    assert digests(simulation.resume(run, SYSTEM)) == digests(whole)


def test_a_full_disk_under_the_final_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = simulation.start(small_system.study(tmp_path), SYSTEM, tmp_path / "runs", batch=8)
    monkeypatch.setattr(
        xr.Dataset, "to_netcdf", lambda *_, **__: (_ for _ in ()).throw(RuntimeError("NetCDF: HDF error"))
    )
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    monkeypatch.setattr(writing, "refusal_of", lambda folder: full)
    with pytest.raises(StoreError, match=r"no space left for .*metrics\.nc"):
        simulation.resume(run, SYSTEM)
    monkeypatch.undo()
    assert not run.complete
    assert simulation.resume(run, SYSTEM).complete


def test_no_folder_can_be_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuses(*_: object, **__: object) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(Path, "mkdir", refuses)
    with pytest.raises(
        StoreError, match=r"may not write .* \(Read-only file system\); choose another folder with --runs"
    ):
        simulation.start(small_system.study(tmp_path), SYSTEM, tmp_path / "runs")


def test_open_list_and_remove(tmp_path: Path) -> None:
    run = made(tmp_path)
    assert Run.open("small", tmp_path / "runs") == run
    assert Run.open(run.folder) == run
    with pytest.raises(InputError, match=f"unknown run 'smal1-9cf'.*allowed: {run.name}"):
        Run.open("smal1-9cf", tmp_path / "runs")
    assert store.list_runs(tmp_path / "nowhere") == []
    for name in (
        addresses.EXPLORER,
        *page.FILES.values(),
        *(name.replace("html", "pdf") for name in page.FILES.values()),
    ):
        (run.folder / name).write_text("written by commands", encoding="utf-8")
    store.remove(run)
    assert store.list_runs(tmp_path / "runs") == []


def test_a_damaged_table_is_named(tmp_path: Path) -> None:
    run = made(tmp_path)
    run.save_table("chance", pd.DataFrame({"chance": [0.5]}))
    path = run.folder / "tables" / "chance.parquet"
    path.write_bytes(path.read_bytes()[:20])
    assert "chance" in run.tables
    with pytest.raises(InputError, match=r"chance\.parquet is damaged"):
        run.table("chance")


def test_tables(tmp_path: Path) -> None:
    run = made(tmp_path)
    table = pd.DataFrame({"province": ["Beijing"], "chance": [0.5]})
    run.save_table("chance", table)
    pd.testing.assert_frame_equal(run.tables["chance"], table)
    assert list(run.tables) == ["chance"]
    with pytest.raises(InputError, match=r"unknown table of .* 'chanse'; did you mean 'chance'"):
        run.table("chanse")


def test_progress_counts_members(tmp_path: Path) -> None:
    from contextlib import nullcontext

    seen: list[tuple[int, int]] = []
    study = small_system.study(tmp_path)
    run = simulation.start(study, SYSTEM, tmp_path / "runs", batch=16)
    simulation.resume(run, SYSTEM, step=lambda total: nullcontext(lambda done, failed: seen.append((done, total))))
    assert seen[0] == (0, 160)
    assert seen[-1] == (160, 160)
