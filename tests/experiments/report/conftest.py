"""A small run in closed form for the parts, and a small run of the real model for the browser."""

from pathlib import Path

import pytest

from experiments.ensemble import installed, simulation
from experiments.installation import load_study
from experiments.report import write
from experiments.runs.store import Run
from tests.experiments import small_system


@pytest.fixture(scope="session")
def small_run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Three provinces, two allocations, two mixes, forty members."""
    folder = tmp_path_factory.mktemp("small")
    variables = "[reported energy intensity, gdp, total energy, final energy, energy co2]"
    title = "<script>alert(1)</script> & ../../etc"
    asked = small_system.study(folder, f"title={title}", f"outputs.variables={variables}")
    run = simulation.start(asked, small_system.SYSTEM, folder / "runs")
    return simulation.resume(run, small_system.SYSTEM)


@pytest.fixture(scope="session")
def small_report(small_run: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with both language files of the small run."""
    folder = tmp_path_factory.mktemp("report")
    write(small_run, folder=folder)
    return folder


@pytest.fixture(scope="session")
def real_report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with both language files of a run of the province model: 30 provinces, 64 members."""
    folder = tmp_path_factory.mktemp("real")
    asked = load_study("twelfth-plan", ["members=64", "policy=null"])
    system = installed.installed()
    run = simulation.resume(simulation.start(asked, system, folder / "runs"), system)
    write(run, folder=folder)
    return folder
