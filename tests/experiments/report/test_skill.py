"""The skill card in both languages: nothing left out, nothing flattered."""

from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from calibration import scores
from calibration.backtest import MODEL, OPPONENT
from experiments.analyses import hindcast
from experiments.cli import build
from experiments.report import skill, write_card
from experiments.words.terms import LANGS, Lang, Terms

MEASURED = f"{MODEL}, measured GDP"
QUESTION = "energy intensity 2013-2015"


def row(run: str, forecast: str, **changed: float) -> dict[str, object]:
    names = ("mae", "bias", "mae_bias_corrected", "crps", *(f"coverage_{round(100 * one)}" for one in scores.LEVELS))
    deltas = {f"delta_{score}{end}": 0.0 for score in ("mae", "crps") for end in ("", "_low", "_high")}
    plain = {"question": QUESTION, "run": run, "forecast": forecast, "n": 30.0}
    return plain | dict.fromkeys(names, 0.5) | deltas | changed


@pytest.fixture
def card() -> dict[str, object]:
    rows = [
        row(run, name, **figures)
        for run in (MODEL, MEASURED)
        for name, figures in (
            (MODEL, {"mae": 2.5, "crps": 1.8, "coverage_80": 0.7}),
            (OPPONENT, {"mae": 2.46, "crps": 3.4, "delta_mae": 0.1, "delta_mae_high": 0.5}),
        )
    ]
    return {
        "origin": 2010, "members": 200, "seed": 3, "looks": 4, "scores": pd.DataFrame(rows),
        "nation": {"measured": -10.3, "median": -8.6, "low_80": -11.1, "high_80": -6.1, "inside": 1.0},
        "single_years": {"n": 13.0, "mae": 4.24, "bias": -1.75, "crps": 3.44, "coverage_80": 0.46},
        "red_list": {"n": 30.0, "red": 4.0, "brier": 0.139, "base_rate_brier": 0.116},
        "medians": {"Beijing": -9.0}, "bands_80": {"Beijing": [-12.0, -6.0]},
    }  # fmt: skip


@pytest.mark.parametrize("lang", LANGS)
def test_the_card_tells_every_part_and_how_to_redo_it(card: dict[str, object], lang: Lang) -> None:
    text = " ".join(skill.sentences(Terms(lang), card["scores"], hindcast.facts(card)))
    for figure in ("4.24", "0.139", "0.116", "−8.6", "2.46", "3.40"):
        assert figure in text
    assert "tanlu backtest --origin 2010 --members 200 --seed 3" in text


def test_a_spread_that_flatters_the_model_is_said(card: dict[str, object]) -> None:
    rows = card["scores"]
    assert isinstance(rows, pd.DataFrame)
    facts = hindcast.facts(card)
    assert "bare number" in " ".join(skill.sentences(Terms(), rows, facts))
    assert "bare number" not in " ".join(skill.sentences(Terms(), rows.assign(mae=9.0), facts))


def test_the_board_is_narrow_and_the_model_has_no_difference_from_itself(card: dict[str, object]) -> None:
    found = list(skill.rounds(Terms(), card["scores"]))
    assert [title.split(":")[1] for title, _ in found] == [
        " GDP from the model, 30 provinces", " measured GDP supplied, 30 provinces",
    ]  # fmt: skip
    board = skill.board(Terms(), found[0][1])
    assert list(board.columns) == list(skill.SHOWN)
    assert board.loc[0, "delta_mae"] == ""
    assert board.loc[1, "delta_mae"] == "+0.10 (0.00 to +0.50)"
    assert board.loc[0, "bands"] == "50 / 70 / 50"


def test_a_page_a_language_each_linked_to_the_other(card: dict[str, object], tmp_path: Path) -> None:
    rows = card["scores"]
    assert isinstance(rows, pd.DataFrame)
    english, chinese = write_card(rows, hindcast.facts(card), tmp_path / "card.html")
    assert 'href="card.zh.html"' in english.read_text(encoding="utf-8")
    assert 'href="card.html"' in chinese.read_text(encoding="utf-8")
    assert "<script" not in english.read_text(encoding="utf-8")


def test_json_names_forecasts_and_bands_after_the_question(card: dict[str, object]) -> None:
    plain = hindcast.as_json(card)
    assert plain["energy_intensity_change_2013_2015"] == {"Beijing": -9.0}
    assert plain["energy_intensity_change_2013_2015_band_80"] == {"Beijing": [-12.0, -6.0]}


def test_a_page_of_another_ending_is_refused_before_anything_runs() -> None:
    result = CliRunner().invoke(build(), ["backtest", "--html", "card.pdf"])
    assert result.exit_code == 2
    assert "card.html" in result.stderr
