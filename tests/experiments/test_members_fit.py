"""Members whose constants a study sets still fit the measured past, or the run says in red that they do not."""

from pathlib import Path

import pandas as pd
import pytest

from calibration import scorecard
from calibration.places import NATION
from experiments.analyses import feasibility_tables, members_fit, trust
from experiments.ensemble import installed, simulation
from experiments.installation import load_study
from experiments.runs.store import Run

FILES = Path(__file__).parents[1] / "cases" / "files"
FEW = ("allocations=[official]", "mixes=[base]", "sensitivity=null", "members=96", "hindcast=false")
OWN = {
    "the shipped study": (),
    "a range of rebound": ("uncertain.rebound={low: 0.1, high: 0.6, distribution: uniform}",),
    "rebound": ("parameters.rebound=0.5",),
    "frontier improvement": ("parameters.frontier improvement rate=0.03",),
    "no target pressure": ("parameters.switch target pressure=0",),
    "no turnover": ("parameters.switch turnover=0",),
}
MISSED = {"no turnover"}
"""Settings under which no parameters fit: the panel is red."""


def fall(folder: Path, study: Path | str, overrides: tuple[str, ...]) -> tuple[Run, pd.DataFrame]:
    """A run of the study, and its table of members against the measured past."""
    asked = load_study(str(study), [*FEW, *overrides])
    system = installed.installed(study=asked)
    run = simulation.resume(simulation.start(asked, system, folder), system)
    return run, members_fit.table(run, system, feasibility_tables.past())


def judged(run: Run, found: pd.DataFrame, patch: pytest.MonkeyPatch) -> tuple[float, str, bool]:
    """Miss of the nation's fall 2005-2010 in percentage points, the panel's word, and whether words may be used.

    Hold-out test and past plans are taken as passed, so that the fit alone decides about the words.
    """
    run.save_table("members_fit", found)
    patch.setattr(trust, "backtest_verdict", lambda held: (True, ""))
    patch.setattr(scorecard, "published_passed", lambda: True)
    (item,) = trust.fits({"members_fit": found}, {})
    return float(found.set_index("province").loc[NATION, "difference"]), item.verdict, trust.trusted(run)


@pytest.mark.parametrize("setting", OWN)
def test_members_fit_under_own_constants_or_the_panel_is_red(
    setting: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    miss, verdict, words = judged(*fall(tmp_path, "twelfth-plan", OWN[setting]), monkeypatch)
    print(f"{setting}: {miss:+.2f} percentage points")
    assert (abs(miss) > 0.5) == (setting in MISSED)
    assert (verdict, words) == ((trust.BAD, False) if setting in MISSED else (trust.GOOD, True))


def test_the_case_of_an_own_range_is_answered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    miss, verdict, words = judged(*fall(tmp_path, FILES / "study_own_rebound.yaml", ()), monkeypatch)
    assert abs(miss) <= 0.5 or (verdict, words) == (trust.BAD, False)
