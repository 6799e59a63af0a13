"""Plans and places are rows: a made-up 16th plan and a 31st region go as far as measured data reach, and no further."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from calibration import tables
from experiments.allocation.indicators import find_plan
from experiments.analyses import feasibility_tables
from experiments.ensemble import scenario, simulation
from experiments.installation import load_study
from experiments.words import box_sentences
from models import plans
from models.reading.faults import InputError
from tests.experiments import small_system
from tests.experiments.small_system import SYSTEM

ROW = "p16,16FYP,十六五,16,2030,2035,co2_intensity,co2_intensity=15,basic,,,,made up\n"


@pytest.fixture
def sixteenth(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    path = tmp_path / "plans.csv"
    path.write_text(plans.TABLE.read_text(encoding="utf-8") + ROW, encoding="utf-8")
    monkeypatch.setattr(plans, "TABLE", path)
    plans.plans.cache_clear()
    yield
    plans.plans.cache_clear()


@pytest.mark.parametrize("spelling", ["p12", "12FYP", "12th", "12", "P12", " 12fyp ", "十二五"])
def test_every_spelling_of_a_plan_is_one_plan(spelling: str) -> None:
    plan = plans.find(spelling)
    assert plan is not None
    assert (plan.key, plan.span, plan.years) == ("p12", (2010, 2015), 5)


def test_a_sixteenth_plan_is_accepted_up_to_where_data_are_missing(sixteenth: None, tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("extends: twelfth-plan\nname: mine\ntarget: {plan: 16FYP, national: 15}\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"outputs.last_year is 2030, before the plan ends in 2035"):
        load_study(file)
    study = load_study(file, ["outputs.last_year=2035"])
    assert study.target.period.span == (2030, 2035)
    with pytest.raises(InputError, match=r"16FYP cannot be simulated.*no p16 in its range `plan`.*2030"):
        scenario.prepare(study)
    with pytest.raises(InputError, match=r"16FYP, whose base year 2030 has no measured structure.*structure_year"):
        find_plan("16th")
    with pytest.raises(InputError, match=r"outputs.last_year: got 2036, allowed: at most 2035"):
        load_study(file, ["outputs.last_year=2036"])


def test_a_sixteenth_plan_runs_end_to_end_where_a_system_simulates_it(sixteenth: None, tmp_path: Path) -> None:
    asked = ["target={plan: 十六五}", "outputs.last_year=2035", "members=60"]
    study = small_system.study(tmp_path, *asked)
    assert study.target.indicators == ["co2_intensity"]
    assert study.target.national == 15
    run = simulation.resume(simulation.start(study, SYSTEM, tmp_path / "runs"), SYSTEM)
    assert run.metrics().attrs["base_year"] == 2030
    np.testing.assert_array_equal(run.metrics()["year"], np.arange(2031, 2036))
    feasibility_tables.feasibility_tables(run, SYSTEM, box_sentences.row, reality=False)
    verdicts = run.table("indicators")
    assert set(verdicts["indicator"]) == {"co2_intensity"}
    assert verdicts["chance"].between(0, 1).all()
    assert len(run.table("joint")) == len(verdicts) == 2 * 2 * 4
    np.testing.assert_array_equal(run.table("joint")["chance"], verdicts["chance"])


def test_faults_of_the_table_of_plans_are_named_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "plans.csv"
    text = plans.TABLE.read_text(encoding="utf-8")
    path.write_text(
        text
        + "p17,17FYP,十七五,x,2035,2040,co2_intensity,,basic,,,,\n"
        + "p12,12FYP,十二五,12,2010,2015,co2_intensity,,basic,,,,\n",
        encoding="utf-8",
    )
    monkeypatch.setattr(plans, "TABLE", path)
    plans.plans.cache_clear()
    try:
        with pytest.raises(ValueError, match=r"line 7: invalid literal.*\n.*line 8: plan p12 is given twice"):
            plans.plans()
    finally:
        plans.plans.cache_clear()


def test_a_further_region_is_accepted_up_to_where_figures_are_missing(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    shutil.copytree(tables.DATA, folder)
    path = folder / "provinces.csv"
    path.write_text(path.read_text(encoding="utf-8") + "Atlantis,66,AT,亚特兰蒂斯,1,,,made up\n", encoding="utf-8")
    text = (folder / tables.DESCRIPTOR).read_text(encoding="utf-8")
    (folder / tables.DESCRIPTOR).write_text(text.replace('"maximum": 65', '"maximum": 99'), encoding="utf-8")
    tables.seal(folder)
    assert tables.provinces(folder)[-1] == "Atlantis"
    faults = [str(fault) for fault in tables.check(folder)]
    assert any(fault.startswith("economy.csv") and "no row for Atlantis" in fault for fault in faults)
    assert all("Atlantis" in fault for fault in faults)
