"""The same run in this process, on worker processes and on a cluster: identical files, workers may die."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from experiments.ensemble import batches, simulation
from experiments.runs.store import Run
from models.reading.faults import InputError
from tests.experiments import small_system
from tests.experiments.small_system import SYSTEM

RESULTS = ("design.parquet", "metrics.nc", "quantiles.nc", "trajectories.nc")


def digests(run: Run) -> list[str]:
    return [hashlib.sha256((run.folder / name).read_bytes()).hexdigest() for name in RESULTS]


def fresh(tmp_path: Path) -> Run:
    return simulation.start(small_system.study(tmp_path), SYSTEM, tmp_path / "runs", batch=8, fresh=True)


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Digests of the run in this process."""
    return digests(simulation.resume(fresh(tmp_path_factory.mktemp("here")), SYSTEM))


@pytest.mark.parametrize(
    "workers", [2, pytest.param(1, marks=pytest.mark.slow), pytest.param(4, marks=pytest.mark.slow)]
)
def test_worker_processes_change_nothing(tmp_path: Path, here: list[str], workers: int) -> None:
    assert digests(simulation.resume(fresh(tmp_path), SYSTEM, workers=workers)) == here


def test_a_worker_killed_in_the_middle_is_survived(tmp_path: Path, here: list[str]) -> None:
    killed: list[int] = []

    @contextmanager
    def progress(total: int) -> Iterator[batches.Step]:
        def step(done: int, failed: int) -> None:
            if done >= total // 4 and not killed:
                workers = [
                    p for p in psutil.Process().children(recursive=True) if "spawn_main" in " ".join(p.cmdline())
                ]
                workers[0].kill()
                killed.append(workers[0].pid)

        yield step

    run = simulation.resume(fresh(tmp_path), small_system.slow(0.05), workers=2, step=progress)
    assert killed
    assert digests(run) == here
    assert run.manifest["members"]["failed"] == 0


def test_a_cluster_by_its_address(tmp_path: Path, here: list[str]) -> None:
    from distributed import LocalCluster

    options = {"threads_per_worker": 2, "processes": False, "protocol": "tcp", "dashboard_address": None}
    with LocalCluster(n_workers=2, **options) as cluster:
        assert cluster.scheduler_address.startswith("tcp://")
        assert digests(simulation.resume(fresh(tmp_path), SYSTEM, cluster=cluster.scheduler_address)) == here


def test_workers_with_another_model_are_refused(tmp_path: Path) -> None:
    run = fresh(tmp_path)
    seen: list[int] = []

    def changes() -> dict[str, str]:  # as if a worker had another file than the machine that asks
        seen.append(1)
        return SYSTEM.checksums() if len(seen) < 2 else {"models/small.mdl": "f" * 64}

    from distributed import LocalCluster

    with (
        LocalCluster(n_workers=1, processes=False, dashboard_address=None) as cluster,
        pytest.raises(RuntimeError, match=r"a worker has another models/small\.mdl than this machine"),
    ):
        simulation.resume(run, replace(SYSTEM, checksums=changes), cluster=cluster.scheduler_address)


def test_no_scheduler_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from experiments.ensemble import dask_cluster as cluster

    monkeypatch.setattr(cluster, "JOIN_SECONDS", 1)
    with pytest.raises(InputError, match=r"no Dask scheduler answers at 'tcp://127\.0\.0\.1:9'"):
        simulation.resume(fresh(tmp_path), SYSTEM, cluster="tcp://127.0.0.1:9")
