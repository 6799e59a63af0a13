"""The expert process: folder, sheets and their faults, merging of scores, design, monitoring."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from experiments import toolkit
from experiments.ensemble import simulation
from experiments.installation import load_study
from experiments.policy import catalogue, mix
from experiments.policy.size import shipped_shares
from experiments.runs.store import Run
from experiments.toolkit import monitoring, sheets
from experiments.toolkit.monitoring import TooFewError, effective, reasons, verdict, weigh
from experiments.toolkit.sheets import Folder
from models.reading.faults import InputError, RuleError
from tests.experiments import small_system

CRITERIA = ("reduction", "cost", "feasibility", "added benefits", "fairness")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return toolkit.init("Chongqing", tmp_path / "work").path


def score(folder: Path, reviewer: int, scores: dict[str, dict[str, object]]) -> None:
    path = folder / "5-screening" / f"reviewer-{reviewer}.csv"
    table = pd.read_csv(path, dtype=str, keep_default_na=False, encoding=sheets.ENCODING).set_index("option")
    for option, given in scores.items():
        for criterion, value in given.items():
            table.loc[option, criterion] = str(value)
    sheets.write(path, table.reset_index())


def all_scores(value: float) -> dict[str, object]:
    return dict.fromkeys(CRITERIA, value)


def test_a_new_folder_is_prefilled_and_valid(folder: Path) -> None:
    state = toolkit.check(folder)
    assert len(state) == 9
    figures = pd.read_csv(folder / "2-baseline.csv", encoding=sheets.ENCODING)
    assert set(figures["year"]) == set(range(2005, 2011))
    assert figures.query("quantity == 'gdp' and year == 2005")["value"].item() == pytest.approx(346.772, rel=1e-4)
    goals = pd.read_csv(folder / "3-goals.csv", encoding=sheets.ENCODING)
    assert goals.loc[(goals["goal"] == "energy intensity") & (goals["to"] == 2015), "value"].item() == 16
    assert goals.loc[goals["to"] == 2020, "value"].isna().any()  # unknown stays unknown
    assert len(pd.read_csv(folder / "4-options.csv", encoding=sheets.ENCODING)) == len(catalogue().options)


def test_nothing_is_overwritten_and_provinces_are_known(folder: Path) -> None:
    with pytest.raises(InputError, match="nothing is overwritten"):
        toolkit.init("Chongqing", folder)
    with pytest.raises(InputError, match="did you mean 'Chongqing'"):
        toolkit.init("Chongqin", folder / "other")
    with pytest.raises(InputError, match="no working folder"):
        toolkit.check(folder / "5-screening")


def test_all_faults_of_all_sheets_come_at_once(folder: Path) -> None:
    (folder / "1-experts.csv").write_text("name,institution,role\nLi,CAS,lead\n", encoding="utf-8")
    (folder / "9-monitoring.csv").write_text(
        "year,quantity,value,unit,error,source\nsoon,energy intensity change,-3,%/yr,,\n2012,energy,-99,%/yr,,\n",
        encoding="utf-8",
    )
    score(folder, 1, {"IND-01": {"cost": 9}})
    (folder / "6-design" / "IND-02.yaml").write_text("option: IND-02\ntitle: x\nstrenght: 2\n", encoding="utf-8")
    with pytest.raises(InputError) as caught:
        toolkit.check(folder)
    told = "\n".join(caught.value.faults)
    for expected in (
        "1-experts.csv:1: column steps is missing",
        "9-monitoring.csv:2: year: got 'soon', allowed: a number from 2006 to 2030",
        "9-monitoring.csv:3: quantity: unknown value 'energy'",
        "csv:3: value: got '-99', allowed: a number from -30 to 30",
        "cost: got '9', allowed: a number from 1 to 5",
        "6-design/IND-02.yaml:3: strenght: unknown key; did you mean 'strength'",
    ):
        assert expected in told


def test_a_faulty_toolkit_file_hides_no_fault_of_the_sheets(folder: Path) -> None:
    rules = (folder / "toolkit.yaml").read_text(encoding="utf-8")
    (folder / "toolkit.yaml").write_text(rules.replace("plan: p12", "plan: p99"), encoding="utf-8")
    (folder / "6-design" / "IND-02.yaml").write_text("option: IND-02\nstrength: 2\n", encoding="utf-8")
    with pytest.raises(InputError) as caught:
        toolkit.check(folder)
    told = "\n".join(caught.value.faults)
    for expected in (
        "toolkit.yaml:2: plan",
        "6-design/IND-02.yaml:1: title: is missing",
        "6-design/IND-02.yaml:2: strength",
    ):
        assert expected in told


def test_rules_are_told_apart_from_faults(folder: Path) -> None:
    (folder / "6-design" / "IND-01.yaml").write_text("option: IND-02\ntitle: x\n", encoding="utf-8")
    (folder / "9-monitoring.csv").write_text(
        "year,quantity,value,unit,error,source\n"
        "2011,energy intensity change,-3,%/yr,,\n2013,energy intensity change,-3,%/yr,,\n",
        encoding="utf-8",
    )
    with pytest.raises(RuleError) as caught:
        toolkit.check(folder)
    told = "\n".join(caught.value.faults)
    assert "is the sheet of IND-02" in told
    assert "years must follow each other" in told


def test_scores_are_merged_with_the_disagreement_shown(folder: Path) -> None:
    score(folder, 1, {"IND-01": all_scores(5), "IND-02": all_scores(2), "IND-03": {"cost": 4}})
    score(folder, 2, {"IND-01": all_scores(5), "IND-02": all_scores(2)})
    score(folder, 3, {"IND-01": {**all_scores(5), "cost": 1}, "IND-02": all_scores(3)})
    merged = toolkit.merge(folder).set_index("option")
    assert merged.loc["IND-01", "score"] == pytest.approx(5 - 0.25 * 4 / 3, abs=1e-3)
    assert merged.loc["IND-01", "widest on"] == "cost"
    assert merged.loc["IND-01", "spread"] == 4
    assert merged.loc["IND-01", "talk again"] == "yes"
    assert merged.loc["IND-02", "talk again"] == "no"
    assert merged.loc["IND-02", "proposed"] == "no"
    assert merged.loc["IND-03", "reviewers"] == 1
    assert merged.loc["IND-03", "score"] == 4  # only the criteria that were scored count
    assert set(merged.index) == {"IND-01", "IND-02", "IND-03"}


def test_nobody_has_scored(folder: Path) -> None:
    with pytest.raises(InputError, match="nobody has scored"):
        toolkit.merge(folder)


def test_designs_become_a_mix_and_a_study_of_the_province(folder: Path) -> None:
    score(folder, 1, {"IND-01": all_scores(5), "ENE-01": all_scores(4), "AGR-01": all_scores(4)})
    toolkit.merge(folder)
    sheet = folder / "6-design" / "IND-01.yaml"
    content = yaml.safe_load(sheet.read_text(encoding="utf-8"))
    sheet.write_text(yaml.safe_dump({**content, "strength": 0.5, "start": 2013, "phase_in": 2}), encoding="utf-8")
    gone = folder / "6-design" / "AGR-01.yaml"
    gone.write_text(
        yaml.safe_dump({**yaml.safe_load(gone.read_text(encoding="utf-8")), "status": "rejected"}), encoding="utf-8"
    )
    toolkit.merge(folder)
    assert yaml.safe_load(sheet.read_text(encoding="utf-8"))["strength"] == 0.5  # people's sheets stay as they are
    designed = mix(folder / "mix.yaml")
    strength = designed.strength()
    assert float(strength.sel(province="Chongqing", lever="industrial retrofit")) == pytest.approx(
        0.5 * shipped_shares("2011-2015").loc["Chongqing", "IND-01"]
    )
    assert float(strength.sel(province="Hebei").sum()) == 0.0
    assert float(strength.sel(lever="farm machinery").sum()) == 0.0
    assert float(designed.start().sel(lever="industrial retrofit")) == 2013
    study = load_study(folder / "study.yaml")
    assert study.policy is not None
    assert study.policy.province == "Chongqing"
    assert [m.label for m in study.mixes] == ["base", "plan", "delivered", "designed"]
    assert [(g.year, g.reduction) for g in study.policy.goals] == [(2015, 16.0), (2020, 29.44)]  # 16 % in each plan


def test_goals_of_plans_that_follow_each_other_are_compounded(folder: Path) -> None:
    path = folder / "3-goals.csv"
    goals = pd.read_csv(path, encoding=sheets.ENCODING)
    goals.loc[(goals["goal"] == "energy intensity") & (goals["to"] == 2020), "value"] = 16
    sheets.write(path, goals)
    score(folder, 1, {"IND-01": all_scores(5)})
    toolkit.merge(folder)
    policy = load_study(folder / "study.yaml").policy
    assert policy is not None
    assert [(g.year, g.reduction) for g in policy.goals] == [(2015, 16.0), (2020, 29.44)]


def test_weights_agree_with_the_closed_form_of_normal_updating() -> None:
    """Prior N(15, 3²), measured 18 ± 2 of the same quantity: posterior mean 15 + 3·9/13, variance 36/13."""
    final = np.random.default_rng(3).normal(15, 3, 400_000)
    weights = weigh(final[:, None], np.array([18.0]), np.array([2.0]))
    mean = float(weights @ final)
    assert mean == pytest.approx(15 + 3 * 9 / 13, abs=0.03)
    assert float(weights @ (final - mean) ** 2) == pytest.approx(36 / 13, rel=0.02)
    told = verdict(2011, final, 16.0, weights)
    assert told.low < told.reduction < told.high
    assert told.chance == pytest.approx(0.744, abs=0.01)  # 1 − Φ((16 − 17.077) / 1.664)


def test_failed_members_get_no_weight() -> None:
    paths = np.array([[1.0], [np.nan], [2.0]])
    weights = weigh(paths, np.array([1.0]), np.array([1.0]))
    assert weights[1] == 0.0
    assert weights.sum() == pytest.approx(1.0)
    with pytest.raises(InputError, match="every member"):
        weigh(np.full((3, 1), np.nan), np.array([1.0]), np.array([1.0]))


def test_a_world_outside_the_ensemble_is_refused() -> None:
    paths = np.random.default_rng(4).normal(10, 1, (500, 1))
    with pytest.raises(TooFewError) as caught:
        monitoring._updated(paths, np.array([30.0]), np.array([0.5]))
    assert caught.value.effective < 30


def test_reasons_name_what_moved_in_this_province_only() -> None:
    rng = np.random.default_rng(5)
    design = pd.DataFrame(
        {
            "mover": rng.normal(size=4000),
            "mover[Hebei]": rng.normal(size=4000),
            "still[Chongqing]": rng.normal(size=4000),
            "constant": np.full(4000, 0.9),
        }
    )
    design["mover[Hebei]"] = design["mover"]
    weights = weigh(design[["mover"]].to_numpy(), np.array([1.0]), np.array([1.0]))
    told = reasons(design, weights, "Chongqing")
    assert len(told) == 1
    assert told[0].startswith("mover higher")
    assert effective(weights) > 1000


def test_monitored_years_follow_each_other(folder: Path) -> None:
    work = Folder.open(folder)
    monitoring.append(work, 2011, -3.8, None, "communiqué")
    with pytest.raises(InputError, match="the next year to monitor is 2012, got 2014"):
        monitoring.append(work, 2014, -3.0, None, "")
    monitoring.append(work, 2012, -6.0, 0.4, "")
    table = pd.read_csv(folder / "9-monitoring.csv", encoding=sheets.ENCODING)
    assert list(table["year"]) == [2011, 2012]
    assert toolkit.check(folder).set_index("step").loc["9 monitoring", "state"] == "2 measured figures"


@pytest.fixture
def run(tmp_path: Path) -> Run:
    system = small_system.SYSTEM
    return simulation.resume(
        simulation.start(small_system.study(tmp_path, "members=400"), system, tmp_path / "runs"), system
    )


def test_a_measured_year_changes_the_verdict_and_says_why(tmp_path: Path, run: Run) -> None:
    work = toolkit.init("Beijing", tmp_path / "beijing")
    with pytest.raises(InputError, match=r"9-monitoring\.csv is empty"):
        toolkit.monitor(work.path, run)
    paths = run.metrics().sel(mix="full", allocation="official", province="Beijing")["yearly_reduction"]
    ahead = float(np.quantile(paths.sel(year=2011), 0.8))
    monitoring.append(work, 2011, -ahead, 0.5, "check value")
    told = toolkit.monitor(work.path, run)
    assert list(told["year"]) == [2011]
    row = told.iloc[0]
    assert row["measured reduction %"] == pytest.approx(ahead)
    assert row["chance after"] >= row["chance before"]
    assert "ahead of what was expected" in row["verdict"]
    assert row["effective members"] >= 30
    assert (work.path / "verdicts.csv").is_file()
    with pytest.raises(InputError, match="unknown mix of the study small 'none'"):
        toolkit.monitor(work.path, run, mix="none")


def test_a_year_that_no_member_shows_is_refused(tmp_path: Path, run: Run) -> None:
    work = toolkit.init("Beijing", tmp_path / "beijing")
    monitoring.append(work, 2011, -30.0, 0.05, "")
    with pytest.raises(TooFewError, match="agree with"):
        toolkit.monitor(work.path, run)


def test_results_come_from_a_run_of_the_same_province(tmp_path: Path, run: Run) -> None:
    work = toolkit.init("Beijing", tmp_path / "beijing")
    with pytest.raises(InputError, match="was analysed for no province"):
        toolkit.results(work.path, run)
