"""SIGKILL while a calibration, a report or a verification is written, and a full disk: files are whole."""

import hashlib
import itertools
import multiprocessing
import os
import random
import resource
import shutil
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from experiments import brief, pipeline, report, verification
from experiments.ensemble import simulation
from experiments.runs import stages, store
from experiments.runs.store import Run, StoreError
from tests.experiments import small_system
from tests.experiments.brief.conftest import causes
from tests.experiments.small_system import SYSTEM, Closed

KILLS, CHAINS = 30, 5
"""So many kills of each kind, in so many folders: a folder is killed again and again before it is finished."""
SERVER = multiprocessing.get_context("forkserver")
SERVER.set_forkserver_preload(["calibration.posterior", "tests.experiments.test_kills"])
"""Never a fork of this process, which hangs: threads of a library that has worked here (typst) are missing in it."""
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
    """Whether work in a process of its own was killed, after so many seconds or before, and had not ended."""
    process = SERVER.Process(target=work, args=given)
    process.start()
    process.join(after)
    if process.is_alive():
        process.kill()
    process.join()
    return process.exitcode == -signal.SIGKILL


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


def write_report(folder: Path) -> None:
    """The stage that writes briefs and report; one language and one brief, as every file is written alike."""
    run = Run(folder)
    with stages.stage(run, pipeline.REPORT):
        brief.write(run, ["Beijing"], ["en"])
        report.write(run, ["en"])


def verify(folder: Path) -> None:
    """Repeat member runs, a closed form in place of PySD, and enter the result in the manifest."""
    run = Run(folder)
    store.update_manifest(run, verify=verification.repeat(run, SYSTEM.simulate, Closed(0.05), 20))


def ends_at(event: int, work: Callable[[Path], None], folder: Path, count: Path) -> None:
    """Do work and be killed before the file is opened or moved whose number is `event`; 0: count all such events."""
    numbers = itertools.count(1)

    def heard(name: str, given: tuple[object, ...]) -> None:
        if name in ("open", "os.rename") and str(folder) in str(given[0]) and next(numbers) == event:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(heard)
    work(folder)
    count.write_text(str(next(numbers) - 1), encoding="utf-8")


def files(folder: Path) -> dict[str, str]:
    """Checksum of every file, without the lock."""
    paths = (path for path in folder.rglob("*") if path.is_file() and path.name not in (".lock", ".owner"))
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


@pytest.mark.parametrize("work", [write_report, verify])
def test_a_killed_report_or_verification_is_made_again_byte_by_byte(
    tmp_path: Path, work: Callable[[Path], None]
) -> None:
    """Half of the kills come at a random moment, half at a random file."""
    variables = "outputs.variables=[reported energy intensity, gdp, total energy, final energy, energy co2]"
    study = small_system.study(tmp_path, variables)
    begun = simulation.resume(simulation.start(study, SYSTEM, tmp_path / "begun"), SYSTEM)
    begun.save_table("gap", causes(begun))
    whole = Path(shutil.copytree(begun.folder, tmp_path / "whole" / begun.name))
    takes = done(work, whole)
    count = tmp_path / "count"
    done(ends_at, 0, work, Path(shutil.copytree(begun.folder, tmp_path / "counted" / begun.name)), count)
    random_, hit, parts = random.Random(20), 0, 0
    for chain in range(CHAINS):
        folder = Path(shutil.copytree(begun.folder, tmp_path / str(chain) / begun.name))
        for number in range(KILLS // CHAINS):
            if number % 2:
                hit += killed(random_.uniform(0, takes), work, folder)
            else:
                event = random_.randint(1, int(count.read_text(encoding="utf-8")))
                hit += killed(600, ends_at, event, work, folder, count)
            parts += len(list(folder.rglob(".*.part")))
        done(work, folder)
        assert files(folder) == files(whole)
    print(f"{work.__name__}: {hit} of {KILLS} kills hit work of {takes:.1f} s; {parts} parts seen; bytes equal")
    assert hit >= KILLS // 2
