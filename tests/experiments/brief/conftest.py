"""Briefs of the small run in closed form, with a made-up split of causes that adds up as the real one does."""

import pandas as pd
import pytest

from experiments import brief
from experiments.analyses import gap
from experiments.ensemble import simulation
from experiments.runs.store import Run
from tests.experiments import small_system

CAUSES = (gap.GROWTH, gap.STRUCTURE, gap.ADDITIONS, gap.EFFICIENCY, gap.POWER, gap.POLICY)


@pytest.fixture(scope="session")
def briefed(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Three provinces and the nation, both languages, HTML and PDF, in the run's folder."""
    folder = tmp_path_factory.mktemp("briefed")
    variables = "[reported energy intensity, gdp, total energy, final energy, energy co2]"
    asked = small_system.study(folder, f"outputs.variables={variables}", "members=200")
    run = simulation.resume(simulation.start(asked, small_system.SYSTEM, folder / "runs"), small_system.SYSTEM)
    run.save_table("gap", causes(run))
    brief.write(run)
    return run


def causes(run: Run) -> pd.DataFrame:
    """Equal parts of the median reduction for each cause in each sector, the rest unknown."""
    median = run.metrics()["reduction"].isel(allocation=0, drop=True).median("member")
    rows = []
    for mix in ("base", "full"):
        for province in small_system.PROVINCES:
            whole = float(median.sel(mix=mix, province=province))
            known = [(cause, sector, whole / 20) for cause in CAUSES for sector in small_system.SECTORS]
            rest = whole - sum(points for *_, points in known)
            parts = [*known, (gap.UNKNOWN, "", rest)]
            rows += [(mix, province, cause, sector, points, 2 * points) for cause, sector, points in parts]
    return pd.DataFrame(rows, columns=["mix", "province", "cause", "sector", "points", "amount"]).assign(unit=gap.MTCE)
