"""SIGKILL at random moments of a report, a verification and a calibration: what is finished then has the same bytes."""

import hashlib
import multiprocessing
import os
import random
import re
import resource
import shutil
import signal
import time
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import pytest

from experiments.ensemble import simulation
from experiments.runs.store import Run, StoreError
from tests.experiments import small_system
from tests.experiments.small_system import SYSTEM

KILLS, CHAINS = 30, 5
"""So many kills of each kind, in so many folders: a folder is killed again and again before it is finished."""
PLACES = ["Hebei", "Guangdong", "Ningxia"]
STUDY = [
    *("members=16", f"provinces=[{', '.join(PLACES)}]", "mixes=[base]", "allocations=[official]", "policy=null"),
    *("sensitivity=null", "hindcast=false"),
]
SERVER = multiprocessing.get_context("forkserver")
SERVER.set_forkserver_preload(["experiments.report", "experiments.brief", "experiments.pipeline", "pysd", "arviz"])
COMMANDS = re.compile(r"<tr>(?:(?!</tr>).)*>commands<.*?</tr>", re.DOTALL)
"""The report's row of the manifest that names every process which worked on the run: the killed ones too."""

pytestmark = pytest.mark.slow


def finish(folder: Path, verify: int, report: bool) -> None:
    """What `tanlu runs resume` does, in a process of its own."""
    from experiments import pipeline
    from experiments.ensemble import installed

    run = Run(folder)
    pipeline.finish(
        run,
        installed.installed(1, run.study),
        pipeline.RunOptions(verify=verify, report=report),
        step=lambda total: nullcontext(lambda done, failed: None),
        say=lambda text: None,
        reference=installed.reference(run.study),
    )


def fit(path: Path) -> None:
    """What `tanlu calibrate --out PATH` does, with three provinces and few draws."""
    from calibration import baseline, calibrate, posterior

    data = baseline.load()
    posterior.save(calibrate.calibrate(data.sel(province=PLACES), 2010, starts=2, draws=1500, kept=50), path)


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


def contents(folder: Path) -> dict[str, str]:
    """Checksums of all files of a run, but for its log, its lock and what the manifest says of the processes."""
    sums = {}
    for path in sorted(folder.rglob("*")):
        if not path.is_file() or path.name in ("manifest.json", "log.txt", ".lock", ".owner", "report.json"):
            continue
        held = path.read_bytes()
        if path.suffix == ".html" and path.parent == folder:
            held = COMMANDS.sub("", held.decode()).encode()
        sums[path.relative_to(folder).as_posix()] = hashlib.sha256(held).hexdigest()
    return sums


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A small study of the shipped model, simulated and analysed; neither verified nor reported."""
    from experiments import pipeline
    from experiments.ensemble import installed
    from experiments.installation import load_study

    study = load_study("twelfth-plan", STUDY)
    return pipeline.carry_out(
        study,
        installed.installed(1, study),
        tmp_path_factory.mktemp("runs"),
        pipeline.RunOptions(verify=0, report=False),
        step=lambda total: nullcontext(lambda done, failed: None),
        say=lambda text: None,
    )


@pytest.mark.parametrize("kind", ["report", "verification"])
def test_a_killed_report_or_verification_ends_with_the_same_bytes(simulated: Run, tmp_path: Path, kind: str) -> None:
    how = {"report": (0, True), "verification": (1, False)}[kind]
    whole = Path(shutil.copytree(simulated.folder, tmp_path / "whole" / simulated.name))
    done(finish, Path(shutil.copytree(simulated.folder, tmp_path / "warm" / simulated.name)), *how)
    takes = done(finish, whole, *how)
    moments, hit, states = random.Random(19), 0, set()
    for chain in range(CHAINS):
        folder = Path(shutil.copytree(simulated.folder, tmp_path / str(chain) / simulated.name))
        for _ in range(KILLS // CHAINS):
            hit += killed(moments.uniform(0, takes), finish, folder, *how)
            states.add(len([path for path in folder.rglob("*") if path.is_file()]))
            assert Run(folder).manifest["status"] == "complete"
        done(finish, folder, *how)
        assert contents(folder) == contents(whole)
        assert not list(folder.rglob("*.part"))
        assert Run(folder).manifest.get("verify") == Run(whole).manifest.get("verify")
    print(f"{kind}: {hit} of {KILLS} kills hit work of {takes:.1f} s; {len(states)} states; bytes equal")
    assert hit >= KILLS // 2


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


def test_a_killed_calibration_leaves_the_old_file_or_the_whole_new_one(tmp_path: Path) -> None:
    takes = done(fit, tmp_path / "whole.nc")
    whole = (tmp_path / "whole.nc").read_bytes()
    moments, hit = random.Random(19), 0
    for chain in range(CHAINS):
        path = tmp_path / f"{chain}.nc"
        if chain % 2:
            path.write_bytes(b"the old one")
        old = path.read_bytes() if path.exists() else None
        for _ in range(KILLS // CHAINS):
            hit += killed(moments.uniform(0, 1.05 * takes), fit, path)
            assert (path.read_bytes() if path.exists() else None) in (old, whole)
        done(fit, path)
        assert path.read_bytes() == whole
    print(f"calibration: {hit} of {KILLS} kills hit work of {takes:.1f} s; bytes equal")
    assert hit >= KILLS // 2
