from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from experiments import pipeline
from experiments.analyses import feasibility_tables, trust
from experiments.analyses.sensitivity import sensitivity_tables, target
from experiments.cli.tables import terminal_tables
from experiments.ensemble.simulation import resume, start
from experiments.runs.store import Run
from experiments.words import box_sentences
from experiments.words.columns import columns
from experiments.words.terms import Terms
from models.reading.faults import InputError
from tests.experiments import small_system
from tests.experiments.small_system import SYSTEM


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The small study with enough members for boxes, analysed."""
    folder = tmp_path_factory.mktemp("findings")
    study = small_system.study(folder, "members=600")
    done = resume(start(study, SYSTEM, folder / "runs", batch=100), SYSTEM)
    feasibility_tables.feasibility_tables(done, SYSTEM, box_sentences.row, reality=False)
    done.save_table("trust", trust.panel(done))
    return done


def test_every_table_of_feasibility_is_saved(run: Run) -> None:
    assert {
        "feasibility",
        "barometer",
        "pace",
        "boxes",
        "box_limits",
        "trade_off",
        "regret",
        "ranking",
    } <= set(run.tables)
    table = run.table("feasibility")
    assert len(table) == 2 * 2 * 4
    metrics = run.metrics("reduction")
    one = table.set_index(["allocation", "mix", "province"]).loc[("even", "full", "Ningxia")]
    values = metrics["reduction"].sel(allocation="even", mix="full", province="Ningxia").to_numpy()
    assert one.chance == pytest.approx((values >= 16.0).mean())


def test_the_condition_that_decides_is_found_and_said(run: Run) -> None:
    boxes = run.table("boxes")
    assert len(boxes)
    limits = run.table("box_limits")
    assert set(limits.input) == {"efficiency"}  # growth moves GDP and energy alike: intensity does not feel it
    assert limits.low.isna().all()  # misses lie where efficiency is low
    assert (boxes.density_low > boxes.base).all()
    assert boxes.sentence_en.str.contains("efficiency is below").all()
    assert boxes.sentence_zh.str.contains("低于").all()


def test_what_a_province_can_move_comes_first_and_the_rest_is_said_once(run: Run) -> None:
    boxes = run.table("boxes")
    assert set(boxes["kind"]) == {"national"}  # efficiency is one number for all
    rows = boxes[(boxes["allocation"] == "official") & (boxes["mix"] == "base")]
    said = box_sentences.once(rows, 3, "en")
    assert said.startswith("In 3 of 3 provinces")
    assert "efficiency" in said
    (text,) = [frame for title, frame in terminal_tables.feasibility(run, "official", "base") if "Failure" in title]
    assert text.to_string().count("In 3 of 3 provinces") == 1
    rng = np.random.default_rng(5)
    x = pd.DataFrame(rng.random((400, 3)), columns=["rate", "need[Ningxia]", "gdp growth"])
    for name, kind in (("rate", "national"), ("need[Ningxia]", "own"), ("gdp growth", "own")):
        chance = x[name].to_numpy()
        box, _, found = feasibility_tables.condition(x, rng.random(400) < chance**3, chance, np.random.SeedSequence(1))
        assert (found, name in box.limits) == (kind, True) if box and name != "gdp growth" else found == kind


def test_the_same_run_gives_the_same_tables(run: Run) -> None:
    before = {name: run.table(name) for name in run.tables}
    feasibility_tables.feasibility_tables(run, SYSTEM, box_sentences.row, reality=False)
    for name, table in before.items():
        pd.testing.assert_frame_equal(run.table(name), table)


def test_what_was_not_done_is_said(run: Run) -> None:
    panel = run.table("trust").set_index("topic")
    assert panel.verdict["members"] == "good"
    assert panel.verdict["sensitivity"] == "not done"
    assert panel.verdict["reality checks"] == "not done"
    assert Terms("en").message(panel.value["calibrated words"]).startswith("withheld")


def test_tables_are_printed_for_a_scenario(run: Run) -> None:
    shown = dict(terminal_tables.feasibility(run, "official", "base"))
    first = next(iter(shown.values()))
    assert list(first.province) == ["Beijing", "Guangdong", "Ningxia", "China (sum)"]
    assert first["chance %"].str.fullmatch(r"\d+").all()
    assert "Failure conditions, allocation official, mix base" in shown
    known = {column.short for name in ("feasibility", "pace", "regret", "trust") for column in columns(name).values()}
    heads = {str(head).strip() for title, frame in shown.items() if "Failure" not in title for head in frame}
    assert heads <= known


def test_unknown_scenarios_and_provinces_are_refused(run: Run) -> None:
    with pytest.raises(InputError) as caught:
        run.study.scenario("oficial", "ful")
    assert len(caught.value.faults) == 2
    assert "did you mean 'official'" in str(caught.value)
    with pytest.raises(InputError, match="did you mean 'Beijing'"):
        terminal_tables.known_place(run, "Bejing")
    assert run.study.scenario() == ("official", "base")


def test_the_newest_complete_run_is_taken(run: Run, tmp_path: Path) -> None:
    assert pipeline.opened(None, run.folder.parent).name == run.name
    with pytest.raises(InputError, match="no complete run"):
        pipeline.opened(None, tmp_path)


def test_inputs_of_a_province_leave_out_others_constants_and_doubles() -> None:
    design = pd.DataFrame(
        {
            "a": [1.0, 2.0, 3.0],
            "fixed": 1.0,
            "own[x]": [3.0, 1.0, 2.0],
            "own[y]": [1.0, 3.0, 2.0],
            "level[x,heavy industry]": [1.0, 3.0, 2.0],
            "level[x,light industry]": [10.0, 30.0, 20.0],
        }
    )
    assert list(sensitivity_tables.inputs_of(design, "x").columns) == ["a", "own[x]", "level[x,heavy industry]"]


def test_chance_of_miss_follows_the_errors() -> None:
    rng = np.random.default_rng(1)
    modelled = rng.normal(0, 2, 4000)
    margin = modelled + rng.normal(0, 1, 4000)
    chance = feasibility_tables.chance_of_miss(margin, modelled)
    assert chance.mean() == pytest.approx((margin < 0).mean(), abs=0.02)
    order = np.argsort(modelled)
    assert (np.diff(chance[order]) <= 0).all()


def test_telling_inputs_are_those_that_differ() -> None:
    rng = np.random.default_rng(2)
    x = pd.DataFrame(rng.random((500, 20))).add_prefix("x")
    assert target.telling(x, (x.x7 + x.x13 > 1).to_numpy(), 2) == ["x7", "x13"]
