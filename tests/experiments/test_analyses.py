"""The analyses on the province model itself, with few members."""

import hashlib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from calibration import discrepancy, posterior
from calibration.places import NATION
from experiments.allocation import allocate
from experiments.analyses import feasibility_tables, reality_checks, solve
from experiments.analyses.sensitivity import sensitivity_tables
from experiments.analyses.sensitivity.problem import (
    DRAW,
    NATIONAL,
    PROVINCIAL,
    RULE,
    VINTAGE,
    VINTAGES,
    SensitivityProblem,
)
from experiments.ensemble import installed, scenario, simulation
from experiments.ensemble.core import Ensemble, chances
from experiments.ensemble.study_model import StudyModel
from experiments.installation import load_study
from experiments.runs.store import Run
from experiments.study.schema import Study
from experiments.words import box_sentences
from models.reading.faults import InputError

MEMBERS = 40


@pytest.fixture(scope="module")
def asked() -> Study:
    return load_study("twelfth-plan", [f"members={MEMBERS}"])


@pytest.fixture(scope="module")
def futures(asked: Study) -> Ensemble:
    return Ensemble.of(asked, installed.installed(1))


@pytest.fixture(scope="module")
def population(futures: Ensemble) -> SensitivityProblem:
    return SensitivityProblem(futures, "base", ("official", "uniform"))


def points(population: SensitivityProblem, n: int, seed: int = 1) -> pd.DataFrame:
    unit = np.random.default_rng(seed).random((n, len(population.factors())))
    return pd.DataFrame({f.name: f.quantile(unit[:, j]) for j, f in enumerate(population.factors())})


def test_every_group_has_its_factors(population: SensitivityProblem) -> None:
    factors = population.factors()
    assert len({f.name for f in factors}) == len(factors) >= 20
    groups = {f.group for f in factors}
    assert groups >= {
        "economy",
        "demand",
        "supply",
        "response",
        "policy",
        "calibrated",
        "predictive error",
        RULE,
        VINTAGE,
    }


def test_a_member_of_the_run_has_the_same_margin_as_a_point(population: SensitivityProblem) -> None:
    own = population.futures
    names = [f.name for f in population.factors() if f.name not in (DRAW, NATIONAL, PROVINCIAL, RULE, VINTAGE)]
    draw = np.random.default_rng([own.study.seed, 1]).permutation(population.posterior.sizes["draw"])[:MEMBERS]
    same = own.members[names].assign(**{DRAW: draw, VINTAGE: VINTAGES[0]}).reset_index(drop=True)
    alone = SensitivityProblem(own, "base", ("official",))
    intensity = own.results(own.params("base"), ["reported energy intensity"])["reported energy intensity"]
    reduction = 100 * (1 - intensity.isel(year=-1) / intensity.isel(year=0))
    goal = own.inputs.allocation["target"].sel(allocation="official", province=own.provinces)
    expected = (reduction - goal).transpose("member", "province")
    np.testing.assert_allclose(alone.margins(same)[:, :-1], expected, atol=1e-8)


def test_margins_do_not_depend_on_threads_or_on_the_other_points(population: SensitivityProblem, asked: Study) -> None:
    some = points(population, 50)
    whole = population.margins(some)
    four = SensitivityProblem(Ensemble.of(asked, installed.installed(4)), "base", ("official", "uniform"))
    np.testing.assert_array_equal(four.margins(some), whole)
    np.testing.assert_array_equal(population.margins(some.iloc[10:20]), whole[10:20])


def test_the_rule_moves_the_target_and_nothing_but_it_at_first_order(population: SensitivityProblem) -> None:
    some = points(population, 20)
    both = [population.margins(some.assign(**{RULE: rule})) for rule in ("official", "uniform")]
    target = population.futures.inputs.allocation["target"].sel(province=population.places).to_numpy()
    asked_more = target[1] - target[0]
    gain = both[1] - both[0]
    assert (gain[:, asked_more > 1.5] < 0).all()  # effort makes up for a part of a deeper target, not for all of it
    assert (gain[:, asked_more < -1.5] > 0).all()


def test_shocks_follow_the_law_of_the_calibration(population: SensitivityProblem) -> None:
    law = discrepancy.from_attrs(posterior.load())
    n = 4000
    level = (np.arange(n) + 0.5) / n
    rng = np.random.default_rng(3)
    some = pd.DataFrame({NATIONAL: rng.permutation(level), PROVINCIAL: rng.permutation(level)})
    drawn = population.shock(some, 5)
    truth = law.sample(range(300), 30, 5, seed=9)[:, :, -1]
    assert drawn[:, 0].std() == pytest.approx(truth.std(), rel=0.12)
    quartiles = [25, 75]
    np.testing.assert_allclose(np.percentile(drawn[:, 0], quartiles), np.percentile(truth, quartiles), rtol=0.2)
    assert drawn[:, population.places.index(NATION)].std() < 0.8 * drawn[:, 0].std()


def test_shipped_checks_know_the_model() -> None:
    assert reality_checks.needed(reality_checks.everything())


def test_an_experts_wrong_name_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(
        "- {name: x, en: e, zh: z, source: s, variable: gdpp, years: [2010, 2015], min: 0}", encoding="utf-8"
    )
    with pytest.raises(InputError, match="unknown variable 'gdpp'; did you mean 'gdp'"):
        reality_checks.everything([path])


UNPRESSED = "parameters.switch target pressure=0"


@pytest.mark.parametrize("overrides", [(), (UNPRESSED,)], ids=["default", "own constant"])
def test_equal_chance_holds_when_every_province_has_its_own_target(overrides: tuple[str, ...]) -> None:
    model = StudyModel(load_study("twelfth-plan", overrides))
    found = allocate("equal-chance", 16.0, model=model, members=MEMBERS, mix="plan", seed=1)
    assert found.aggregate == pytest.approx(16.0, abs=1e-6)
    futures = model.ensemble("12FYP", ["plan"], MEMBERS, 1)
    goal = found.targets().sel(province=futures.provinces).to_numpy() / 100
    exact = chances(futures, "plan", goal)
    assert (found.table.converged[found.table.target_percent.notna()] == "yes").all()
    # Interpolation between targets and learning across provinces may turn a member or two.
    assert np.abs(exact - found.table.common_chance.iloc[0]).max() <= 2.5 / MEMBERS


def test_a_rule_answers_the_study_that_asks() -> None:
    few = f"allocations=[{{rule: equal-chance, options: {{members: {MEMBERS}}}}}]"
    study = load_study("twelfth-plan", [few, "members=16", UNPRESSED])
    model = StudyModel(load_study("twelfth-plan"))
    asked, default = (installed.scenario_inputs(study).allocation["target"], scenario.prepare(study, model).allocation)
    assert np.abs(asked - default["target"]).max() > 0.5


def test_a_rule_that_simulates_without_a_model_says_so() -> None:
    with pytest.raises(InputError, match="this rule simulates the model: call `allocate` with `model`"):
        allocate("least-cost", 16.0)


def test_effort_answers_the_target_but_does_not_follow_it() -> None:
    answer = StudyModel(load_study("twelfth-plan")).response("12FYP", "plan", MEMBERS, 1)
    slope = np.diff(np.median(answer.reductions, axis=1), axis=0) / np.diff(answer.targets)[:, None]
    assert slope.min() > -0.02
    assert slope.max() < 1


def test_levers_add_up_to_the_difference_of_the_mixes() -> None:
    curve = StudyModel(load_study("twelfth-plan")).cost_curve("12FYP", MEMBERS, 1)
    assert (curve.gain >= 0).all()
    assert (curve.gain.sum(axis=1) > 0.005).all()
    assert curve.cost.shape == (30, 21)


def test_a_cost_curve_counts_on_what_four_of_five_members_reach() -> None:
    model = StudyModel(load_study("twelfth-plan"))
    curve, ensemble = model.cost_curve("12FYP", MEMBERS, 1), model.ensemble("12FYP", ["base", "full"], MEMBERS, 1)
    without_target = np.full(len(ensemble.provinces), 0.005)  # the lowest target that is simulated
    for mix, counted in (("base", curve.base), ("full", curve.base + curve.gain.sum(axis=1))):
        reached = ensemble.reduction(ensemble.params(mix, without_target)) >= counted - 1e-12
        np.testing.assert_allclose(reached.mean(axis=0), 0.8, atol=1.5 / MEMBERS)


def test_all_faults_of_a_question_to_the_solver_at_once(asked: Study) -> None:
    with pytest.raises(InputError) as caught:
        solve.answer(asked, installed.installed(1), solve.SolveRequest("Sichaun", "oficial", "ful", 1.4, 140.0))
    text = str(caught.value)
    for words in (
        "did you mean 'Sichuan'",
        "did you mean 'official'",
        "did you mean 'full'",
        "chance 1.4",
        "target 140",
    ):
        assert words in text


def test_solver_answers_for_a_province() -> None:
    asked = load_study("twelfth-plan", ["members=16"])
    table, sentence = solve.answer(asked, installed.installed(1), solve.SolveRequest("Sichuan", target=8.0))
    assert table.reached.iloc[0] == "yes"
    assert "needs no new policy" in sentence
    far, sentence = solve.answer(asked, installed.installed(1), solve.SolveRequest("Sichuan", target=45.0))
    assert set(far.reached) == {"no"}
    assert "not reachable" in sentence
    assert far.set_index("step").binding["whole mix"] != ""


def test_solver_refuses_what_it_does_not_know(asked: Study) -> None:
    with pytest.raises(InputError, match="did you mean 'Sichuan'"):
        solve.answer(asked, installed.installed(1), solve.SolveRequest("Sichaun"))
    with pytest.raises(InputError, match="fulll"):
        solve.answer(asked, installed.installed(1), solve.SolveRequest("Sichuan", mix="fulll"))


def analysed(folder: Path, asked: Study, threads: int) -> Run:
    system = installed.installed(threads)
    run = simulation.resume(simulation.start(asked, system, folder, batch=16 * threads), system)
    feasibility_tables.feasibility_tables(run, system, box_sentences.row)
    sensitivity_tables.sensitivity_tables(run, system, runs=2500, trajectories=4)
    return run


@pytest.mark.slow
def test_one_and_four_threads_write_identical_files(tmp_path: Path, asked: Study) -> None:
    files = []
    for threads in (1, 4):
        run = analysed(tmp_path / str(threads), asked, threads)
        files.append({p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in run.folder.glob("tables/*.parquet")})
    assert set(files[0]) >= {"sensitivity.parquet", "checks.parquet", "feasibility.parquet"}
    assert files[0] == files[1]
