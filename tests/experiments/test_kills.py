"""SIGKILL while a calibration is saved, and a system that refuses more bytes: files are whole."""

import multiprocessing
import os
import random
import resource
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from experiments.ensemble import simulation
from experiments.runs.store import StoreError
from tests.experiments import small_system
from tests.experiments.small_system import SYSTEM

KILLS, CHAINS = 30, 5
"""So many kills of each kind, in so many folders: a folder is killed again and again before it is finished."""
SERVER = multiprocessing.get_context("forkserver")
SERVER.set_forkserver_preload(["calibration.posterior"])
pytestmark = pytest.mark.slow


def save(path: Path) -> None:
    """The only step of `tanlu calibrate --out PATH` that touches the disk, again and again."""
    from calibration import posterior

    made = posterior.load(posterior.PUBLISHED)
    for _ in range(20):
        posterior.save(made, path)


def done(work: Callable[..., None], *given: object) -> float:
    """Seconds of work in a process of its own."""
    began = time.perf_counter()
    process = SERVER.Process(target=work, args=given)
    process.start()
    process.join()
    assert process.exitcode == 0
    return time.perf_counter() - began


def killed(after: float, work: Callable[..., None], *given: object) -> bool:
    """Whether work in a process of its own was still going on when it was killed."""
    process = SERVER.Process(target=work, args=given)
    process.start()
    process.join(after)
    alive = process.is_alive()
    if alive:
        assert process.pid is not None
        os.kill(process.pid, signal.SIGKILL)
    process.join()
    return alive


@pytest.mark.parametrize("largest", [700, 9_000, 20_000, 70_000])
def test_a_system_that_refuses_more_bytes_leaves_whole_files_alone(tmp_path: Path, largest: int) -> None:
    """The system's limit of a file's size stands in for a full disk: it stops NumPy, netCDF and Parquet half way."""
    study = small_system.study(tmp_path)
    whole = simulation.resume(simulation.start(study, SYSTEM, tmp_path / "whole"), SYSTEM)

    def limited(said: Path) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (largest, resource.RLIM_INFINITY))
        try:
            simulation.resume(simulation.start(study, SYSTEM, tmp_path / "runs", batch=8), SYSTEM)
        except StoreError as fault:
            said.write_text(str(fault)[:300], encoding="utf-8")

    process = multiprocessing.get_context("fork").Process(target=limited, args=(tmp_path / "said.txt",))
    process.start()
    process.join()
    assert "no space left for" in (tmp_path / "said.txt").read_text(encoding="utf-8")
    assert not list((tmp_path / "runs").rglob("*.part"))
    assert not list((tmp_path / "runs").glob(".*"))
    run = simulation.resume(simulation.start(study, SYSTEM, tmp_path / "runs", batch=8), SYSTEM)
    for name in ("design.parquet", "metrics.nc", "quantiles.nc", "trajectories.nc"):
        assert (run.folder / name).read_bytes() == (whole.folder / name).read_bytes()


def test_a_calibration_killed_while_it_is_saved_leaves_the_old_file_or_the_whole_new_one(tmp_path: Path) -> None:
    done(save, tmp_path / "warm.nc")
    takes = done(save, tmp_path / "whole.nc")
    whole = (tmp_path / "whole.nc").read_bytes()
    moments, hit, parts = random.Random(19), 0, 0
    for chain in range(CHAINS):
        path = tmp_path / str(chain) / "posterior.nc"
        path.parent.mkdir()
        if chain % 2:
            path.write_bytes(b"the old one")
        for _ in range(KILLS // CHAINS):
            old = path.read_bytes() if path.exists() else None
            hit += killed(moments.uniform(0, takes), save, path)
            parts += len(list(path.parent.glob(".*.part")))
            assert (path.read_bytes() if path.exists() else None) in (old, whole)
        done(save, path)
        assert path.read_bytes() == whole
    print(f"calibration: {hit} of {KILLS} kills hit work of {takes:.1f} s; {parts} parts seen beside it; bytes equal")
    assert hit >= KILLS // 2
