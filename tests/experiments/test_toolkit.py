"""The expert process: folder, sheets and their faults, merging of scores, design, monitoring."""

import shutil
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
from experiments.toolkit import annex, evidence, monitoring, review, sheets
from experiments.toolkit.evidence import TooFewError, agreeing, effective, quantile, reasons, weigh
from experiments.toolkit.sheets import Folder
from experiments.words.terms import LANGS, Terms
from models.reading.faults import InputError, RuleError
from tests.experiments import small_system

CRITERIA = ("reduction", "cost", "feasibility", "added benefits", "fairness")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return toolkit.init("Chongqing", tmp_path / "work", plan="p12").path


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
    assert len(state) == 10
    figures = pd.read_csv(folder / "2-baseline.csv", encoding=sheets.ENCODING)
    assert set(figures["year"]) == set(range(2005, 2011))
    assert figures.query("quantity == 'gdp' and year == 2005")["value"].item() == pytest.approx(346.772, rel=1e-4)
    goals = pd.read_csv(folder / "3-goals.csv", encoding=sheets.ENCODING)
    assert goals.loc[(goals["goal"] == "energy intensity") & (goals["to"] == 2015), "value"].item() == 16
    assert goals.loc[goals["goal"] == "non-fossil share of energy", "value"].isna().all()  # unknown stays unknown
    assert len(pd.read_csv(folder / "4-options.csv", encoding=sheets.ENCODING)) == len(catalogue().options)


def test_shares_of_energy_and_of_electricity_have_names_of_their_own(folder: Path) -> None:
    figures = pd.read_csv(folder / "2-baseline.csv", encoding=sheets.ENCODING)
    goals = pd.read_csv(folder / "3-goals.csv", encoding=sheets.ENCODING)
    of_power = figures.loc[figures["quantity"].str.startswith("nonfossil_share"), "quantity"].unique()
    assert list(of_power) == ["nonfossil_share_of_generation"]
    of_energy = [goal for goal in goals["goal"] if goal.startswith("non-fossil share")]
    assert of_energy == [name for name in monitoring.QUANTITIES if name.startswith("non-fossil share")]
    assert of_energy == ["non-fossil share of energy"]
    assert {sheets.GOALS_KNOWN[name] for name in of_energy} == {"% of energy"}
    for lang in LANGS:
        words = Terms(lang)
        assert words(of_power[0]) != words(of_energy[0])


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
        "csv:3: value: got '-99', allowed: a number from -50 to 100",
        "cost: got '9', allowed: a number from 1 to 5",
        "6-design/IND-02.yaml:3: strenght: unknown key; did you mean 'strength'",
    ):
        assert expected in told


def test_a_faulty_toolkit_file_hides_no_fault_of_the_sheets(folder: Path) -> None:
    rules = (folder / "toolkit.yaml").read_text(encoding="utf-8")
    (folder / "toolkit.yaml").write_text(rules.replace("plan: p12", "plan: p13"), encoding="utf-8")
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
    assert [m.label for m in study.mixes] == ["base", "plan", "delivered", "full", "designed"]
    assert study.provinces == ["Chongqing"]
    found = {goal.indicator: (goal.year, goal.reduction) for goal in study.policy.goals}
    assert found == {"energy_intensity": (2015, 16.0), "co2_intensity": (2015, 17.0), "gdp_growth": (2015, 12.5)}
    assert study.target.indicators == ["energy_intensity", "co2_intensity", "gdp_growth"]
    assert study.assigned["Chongqing"] == {"energy_intensity": 16.0, "co2_intensity": 17.0, "gdp_growth": 12.5}


def test_goals_of_plans_that_follow_each_other_are_compounded(folder: Path) -> None:
    path = folder / "3-goals.csv"
    goals = pd.read_csv(path, encoding=sheets.ENCODING)
    later = goals[goals["goal"].isin(["energy intensity", "gdp growth"])].assign(
        **{"from": 2015, "to": 2020, "value": 16}
    )
    sheets.write(path, pd.concat([goals, later]))
    score(folder, 1, {"IND-01": all_scores(5)})
    toolkit.merge(folder)
    policy = load_study(folder / "study.yaml").policy
    assert policy is not None
    found = {(goal.indicator, goal.year): goal.reduction for goal in policy.goals}
    assert found["energy_intensity", 2020] == 29.44  # 1 − 0.84²
    assert found["gdp_growth", 2020] == pytest.approx(100 * ((1.125 * 1.16) ** 0.5 - 1), abs=0.01)


def test_a_goal_that_no_period_leads_to_breaks_a_rule(folder: Path) -> None:
    path = folder / "3-goals.csv"
    goals = pd.read_csv(path, encoding=sheets.ENCODING)
    goals.loc[goals["goal"] == "co2 intensity", ["from", "to"]] = [2016, 2020]
    sheets.write(path, goals)
    with pytest.raises(RuleError, match="follows no other goal"):
        toolkit.check(folder)


def test_the_fifteenth_plan_is_the_default_and_asks_for_four_goals(tmp_path: Path) -> None:
    folder = toolkit.init("Guangxi", tmp_path / "work").path
    goals = pd.read_csv(folder / "3-goals.csv", encoding=sheets.ENCODING, dtype=object)
    goals["value"] = [11, 16, 5, 32]
    sheets.write(folder / "3-goals.csv", goals)
    score(folder, 1, {"NXE-01": all_scores(5)})
    toolkit.merge(folder)
    study = load_study(folder / "study.yaml")
    assert study.target.plan == "p15"
    wanted = ["co2_intensity_2026", "co2_intensity", "energy_intensity", "gdp_growth", "nonfossil_share"]
    assert study.target.indicators == wanted
    assert study.assigned["Guangxi"]["co2_intensity_2026"] == 16
    assert study.assigned["Guangxi"]["nonfossil_share"] == 32
    assert mix(folder / "mix.yaml").spec.catalogue == "2026-2030"
    figures = pd.read_csv(folder / "2-baseline.csv", encoding=sheets.ENCODING)
    assert {2025} <= set(figures["year"])


def test_weights_agree_with_the_closed_form_of_normal_updating() -> None:
    """Prior N(15, 3²), measured 18 ± 2 of the same quantity: posterior mean 15 + 3·9/13, variance 36/13."""
    final = np.random.default_rng(3).normal(15, 3, 400_000)
    weights = weigh(final[:, None], np.array([18.0]), np.array([2.0]))
    mean = float(weights @ final)
    assert mean == pytest.approx(15 + 3 * 9 / 13, abs=0.03)
    assert float(weights @ (final - mean) ** 2) == pytest.approx(36 / 13, rel=0.02)
    low, middle, high = quantile(final, weights)
    assert middle == pytest.approx(mean, abs=0.05)
    assert high - low == pytest.approx(2 * 1.2816 * (36 / 13) ** 0.5, rel=0.02)
    assert float(weights[final >= 16].sum()) == pytest.approx(0.744, abs=0.01)  # 1 − Φ((16 − 17.077) / 1.664)


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
        agreeing(paths, np.array([30.0]), np.array([0.5]))
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


def test_monitored_years_of_a_quantity_follow_each_other(folder: Path) -> None:
    work, change = Folder.open(folder), "energy intensity change"
    monitoring.append(work, 2011, change, -3.8, None, "communiqué")
    with pytest.raises(InputError, match="the next year to monitor is 2012, got 2014"):
        monitoring.append(work, 2014, change, -3.0)
    monitoring.append(work, 2012, change, -6.0, 0.4)
    monitoring.append(work, 2011, "gdp growth", 9.0)
    table = pd.read_csv(folder / "9-monitoring.csv", encoding=sheets.ENCODING)
    assert list(table["year"]) == [2011, 2012, 2011]
    assert toolkit.check(folder).set_index("step").loc["9 monitoring", "state"] == "3 measured figures"


SYSTEM = small_system.SYSTEM


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("run")
    asked = (
        "members=400",
        "mixes=[base, {mix: full, name: designed}]",
        "target={plan: p12, indicators: [energy_intensity, gdp_growth, nonfossil_share], values: {gdp_growth: 10, "
        "nonfossil_share: 25}}",
        "policy={province: Beijing}",
    )
    return simulation.resume(simulation.start(small_system.study(folder, *asked), SYSTEM, folder / "runs"), SYSTEM)


def test_the_growth_of_gdp_is_judged_as_its_yearly_mean(run: Run) -> None:
    metrics = run.metrics().sel(mix="designed", allocation="official", province="Beijing")
    growth = metrics["achieved"].sel(indicator="gdp_growth").to_numpy()
    assert growth == pytest.approx(metrics["gdp_growth"].to_numpy())
    assert 0 < float((growth >= 10).mean()) < 1


def test_two_years_of_four_indicators_say_which_one_is_off_its_path(tmp_path: Path, run: Run) -> None:
    work = toolkit.init("Beijing", tmp_path / "beijing", plan="p12")
    with pytest.raises(InputError, match=r"9-monitoring\.csv is empty"):
        toolkit.monitor(work.path, run, SYSTEM)
    for year in (2011, 2012):
        for name in ("energy intensity change", "gdp growth", "co2 growth", "non-fossil share of energy"):
            monitoring.append(work, year, name, 0.0, 10.0)
    at = evidence.scenario(run, "Beijing")
    paths = monitoring.path_table(monitoring.watch(work, run, SYSTEM, at), evidence.Finals.of(run, at))
    off = (paths["quantity"] == "co2 growth") & (paths["year"] == 2012)
    rows = pd.read_csv(work.sheet("9-monitoring.csv"), encoding=sheets.ENCODING).sort_values(["year", "quantity"])
    values = paths["expected"].to_numpy() + 8.0 * off.to_numpy()  # as expected, but for one figure
    sheets.write(work.sheet("9-monitoring.csv"), rows.assign(value=values, error=2.0))
    verdicts, paths = toolkit.monitor(work.path, run, SYSTEM)
    assert list(verdicts["year"]) == [2011, 2012]
    assert len(paths) == 8
    off = paths[paths["state"].str.startswith("off")]
    assert list(zip(off["year"], off["quantity"], strict=True)) == [(2012, "co2 growth")]
    assert off["state"].item() == "off its path, above it: harms"
    assert (verdicts["effective members"] >= 30).all()
    assert verdicts["chance before"].iloc[1] == verdicts["chance after"].iloc[0]
    metrics = run.metrics().sel(mix="designed", allocation="official", province="Beijing")
    met = (metrics["achieved"] >= metrics["targets"]).all("indicator")
    assert verdicts["chance before"].iloc[0] == pytest.approx(float(met.mean()))
    assert (work.path / "verdicts.csv").is_file()


def test_a_measured_gdp_far_ahead_raises_the_chance_of_its_goal(tmp_path: Path, run: Run) -> None:
    work = toolkit.init("Beijing", tmp_path / "beijing", plan="p12")
    monitoring.append(work, 2011, "gdp growth", 12.0, 1.0)
    verdicts, _ = toolkit.monitor(work.path, run, SYSTEM)
    goal = run.metrics().sel(mix="designed", allocation="official", province="Beijing", indicator="gdp_growth")
    before = float((goal["achieved"] >= goal["targets"]).mean())
    assert verdicts["chance after: gdp_growth"].item() > before


def test_a_mix_that_a_run_lacks_is_named_and_never_replaced(tmp_path: Path) -> None:
    work = toolkit.init("Beijing", tmp_path / "beijing", plan="p12")
    monitoring.append(work, 2011, "gdp growth", 10.0)
    study = small_system.study(tmp_path, "members=40")
    plain = simulation.resume(simulation.start(study, SYSTEM, tmp_path / "runs"), SYSTEM)
    with pytest.raises(InputError, match="lacks the mix 'designed', which the group designed; it has base, full"):
        toolkit.monitor(work.path, plain, SYSTEM)
    with pytest.raises(InputError, match=r"lacks the mix 'ful'; did you mean 'full'"):
        toolkit.monitor(work.path, plain, SYSTEM, mix="ful")


def test_a_year_that_no_member_shows_is_refused(tmp_path: Path, run: Run) -> None:
    work = toolkit.init("Beijing", tmp_path / "beijing", plan="p12")
    monitoring.append(work, 2011, "energy intensity change", -30.0, 0.05)
    with pytest.raises(TooFewError, match="agree with"):
        toolkit.monitor(work.path, run, SYSTEM)


def test_results_come_from_a_run_of_the_same_province(tmp_path: Path, run: Run) -> None:
    work = toolkit.init("Hebei", tmp_path / "hebei", plan="p12")
    with pytest.raises(InputError, match="was analysed for Beijing"):
        toolkit.results(work.path, run, SYSTEM)


def test_own_baseline_and_entered_gases_stand_in_the_annex(tmp_path: Path, run: Run) -> None:
    work = toolkit.init("Beijing", tmp_path / "beijing", plan="p12")
    figures = pd.read_csv(work.sheet("2-baseline.csv"), encoding=sheets.ENCODING, dtype=object)
    at = (figures["quantity"] == "energy_total") & (figures["year"].astype(int) == 2010)
    figures.loc[at, ["own value", "own source", "relative error"]] = [50.0, "check value", 0.05]
    sheets.write(work.sheet("2-baseline.csv"), figures)
    far = annex.tables(work.path, run, SYSTEM)["baseline"].iloc[0]
    assert far["apart"] == "yes"  # hardly a member has so little
    assert far["errors widened by"] > 1
    figures.loc[at, "own value"] = far["modelled"] * 1.04
    sheets.write(work.sheet("2-baseline.csv"), figures)
    gases = [("methane", 2010, 5.0), ("forests", 2010, -2.0), ("methane", 2015, 4.0)]
    entered = [(item, year, value, "MtCO2e/yr", "inventory") for item, year, value in gases]
    sheets.write(work.sheet("2-other-emissions.csv"), pd.DataFrame(entered, columns=[c.name for c in sheets.OTHER]))
    found = annex.tables(work.path, run, SYSTEM)
    own = found["baseline"].iloc[0]
    assert own["apart"] == "no"
    assert 0 <= own["chance after"] <= 1
    assert own["chance after"] != own["chance before"]
    account = found["account"].set_index(["item", "year"])
    modelled = account[account["how"] == "modelled"]["value"].groupby("year").sum()
    assert account.loc[("sum", 2010), "value"] == pytest.approx(modelled[2010] + 3.0, rel=0.02)
    assert account.loc[("forests", 2010), "how"] == "entered, not modelled"
    assert account.loc[("sum", 2015), "not entered"] == "forests"


def test_the_log_names_every_changed_cell(folder: Path) -> None:
    with pytest.raises(InputError, match="who changed the sheets and why"):
        review.record(folder, "", "")
    first = review.record(folder, "Chen", "the sheets as handed out", date="2026-03-01")
    assert len(first) == 1
    with pytest.raises(InputError, match="no cell changed"):
        review.record(folder, "Chen", "nothing")
    score(folder, 1, {"IND-01": {"cost": 4}})
    goals = pd.read_csv(folder / "3-goals.csv", encoding=sheets.ENCODING)
    goals.loc[0, "value"] = 17.0
    sheets.write(folder / "3-goals.csv", goals)
    rows = review.record(folder, "Wang", "new figures", date="2026-03-02")
    found = {(row.sheet, row.row, row.column): (row.before, row.after) for row in rows.itertuples()}
    assert found == {
        ("3-goals.csv", "energy intensity, 2010, 2015", "value"): ("16", "17"),
        ("5-screening/reviewer-1.csv", "IND-01", "cost"): ("", "4"),
    }
    log = review.log(Folder.open(folder))
    assert list(log["who"]) == ["Chen", "Wang", "Wang"]
    assert len(review.difference(folder, 1, 2)) == 2
    assert review.difference(folder).empty
    with pytest.raises(InputError, match="there is no version 7; recorded: 1, 2"):
        review.difference(folder, 7)


def test_three_copies_are_merged_and_their_disagreements_listed(folder: Path, tmp_path: Path) -> None:
    copies = [tmp_path / name for name in ("Li", "Wu", "Zhao")]
    with pytest.raises(InputError, match="no version was recorded yet"):
        review.gather(folder, copies, "round one")
    review.record(folder, "Chen", "handed out")
    for i, copy in enumerate(copies, start=1):
        shutil.copytree(folder, copy)
        score(copy, i, {"IND-01": all_scores(i + 1)})
    goals = pd.read_csv(folder / "3-goals.csv", encoding=sheets.ENCODING)
    for copy, energy, carbon in zip(copies, (17.0, 17.0, 16.0), (18.0, 19.0, 17.0), strict=True):
        goals.loc[goals["goal"] == "energy intensity", "value"] = energy
        goals.loc[goals["goal"] == "co2 intensity", "value"] = carbon
        sheets.write(copy / "3-goals.csv", goals)
    table = review.gather(folder, copies, "round one")
    assert len(table) == 1
    row = table.iloc[0]
    assert (row["sheet"], row["row"], row["column"]) == ("3-goals.csv", "co2 intensity, 2010, 2015", "value")
    assert (row["before"], row["Li"], row["Wu"], row["Zhao"]) == ("17", "18", "19", "")
    kept = pd.read_csv(folder / "3-goals.csv", encoding=sheets.ENCODING).set_index("goal")["value"]
    assert kept["energy intensity"] == 17.0  # two copies agree, the third left it
    assert kept["co2 intensity"] == 17.0  # in dispute: the folder's own value stays
    merged = toolkit.merge(folder).set_index("option")
    assert merged.loc["IND-01", "reviewers"] == 3
    log = review.log(Folder.open(folder))
    goal = log[(log["sheet"] == "3-goals.csv") & (log["column"] == "value")]
    assert goal["who"].item() == "Li, Wu"


def test_the_second_round_shows_the_group_without_names(folder: Path) -> None:
    score(folder, 1, {"IND-01": all_scores(5) | {"remark": "cheap"}, "IND-02": all_scores(4)})
    score(folder, 2, {"IND-01": all_scores(1) | {"remark": "doubtful"}, "IND-02": all_scores(4)})
    again = review.second_round(folder)
    assert list(again["option"]) == ["IND-01"]
    path = folder / "5-screening" / "round-2" / "reviewer-1.csv"
    text = path.read_text(encoding=sheets.ENCODING)
    assert "reviewer" not in text
    sheet = pd.read_csv(path, encoding=sheets.ENCODING).iloc[0]
    assert sheet["cost: own before (note)"] == 5
    assert (sheet["cost: lowest (note)"], sheet["cost: highest (note)"]) == (1, 5)
    assert sheet["remarks of the group (note)"] == "cheap | doubtful"
    with pytest.raises(InputError, match="second round is under way"):
        review.second_round(folder)
    for name in ("reviewer-1", "reviewer-2"):
        path = folder / "5-screening" / "round-2" / f"{name}.csv"
        table = pd.read_csv(path, dtype=str, keep_default_na=False, encoding=sheets.ENCODING)
        table[list(CRITERIA)] = "3"
        sheets.write(path, table)
    merged = toolkit.merge(folder).set_index("option")
    assert merged.loc["IND-01", "score"] == 3
    assert (merged.loc["IND-01", "spread in round 1"], merged.loc["IND-01", "spread"]) == (4, 0)
    assert merged.loc["IND-02", "score"] == 4  # scored once, counts as it was


def test_comments_are_open_until_somebody_answers(folder: Path) -> None:
    assert review.comment(folder, "3-goals.csv", "why 16?", "Wang") == 1
    assert review.comment(folder, "IND-01", "who pays?") == 2
    review.answer(folder, 1, "as decided in 2011", "Chen")
    with pytest.raises(InputError, match="was answered"):
        review.answer(folder, 1, "again")
    faults: list[str] = []
    table = review.comments(sheets.read(folder / "comments.csv", sheets.COMMENTS, faults)).set_index("number")
    assert (table["state"][1], table["state"][2]) == ("answered", "open")
