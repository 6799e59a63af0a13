"""Pictures stay text, stay small, and can leave the page."""

import re
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import experiments
from experiments.analyses.numbers import number
from experiments.report.content import Cell, csv, figure, listed, short, slug
from experiments.words import charts
from experiments.words.plot import ticks
from experiments.words.ratings import RED
from experiments.words.terms import Terms

YEARS = np.arange(2005.0, 2021)


def a_path() -> charts.Path:
    """A path with everything."""
    fall = 0.75 * 0.96 ** (YEARS - 2005)
    return charts.Path(
        YEARS,
        charts.Series("中位数", YEARS, fall),
        (0.9 * fall, 1.1 * fall),
        np.array([fall * 0.95, fall * 1.05]),
        charts.Dots("measured", YEARS[:6], fall[:6], np.full(6, 0.01), ("old",) * 4 + ("new",) * 2),
        [charts.Series("no new policy", YEARS, fall * 1.1, charts.GREY, "--")],
        (2015.0, 0.55, "target −18 %"),
    )


def test_text_stays_text_and_numbers_stay_whole() -> None:
    picture = charts.bars(["a label", "广东"], np.array([0.125, 0.25]), "0.125 of it")
    words = [node.text for node in ET.fromstring(picture).iter() if node.text]
    assert "广东" in words
    assert "0.125 of it" in words
    assert {"0.00", "0.05"} & set(words)


def test_a_path_shows_its_lines_and_its_target() -> None:
    picture = charts.path(a_path(), "tce")
    for words in ("中位数", "no new policy", "target −18 %", "2010"):
        assert words in picture
    assert len(picture) < 25_000


def test_another_edition_is_drawn_hollow_behind_a_break() -> None:
    rings = [n for n in ET.fromstring(charts.path(a_path(), "")).iter() if n.get("fill") == "#fff" and n.get("r")]
    assert len(rings) == 2
    dots = a_path().measured
    assert dots is not None
    assert dots.breaks == [2008.5]
    assert dots.within(2006, 2007).breaks == []


def test_ticks_are_round_and_inside() -> None:
    assert ticks(0.0, 1.0) == [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]
    assert ticks(-7.3, 12.1) == [-5.0, 0.0, 5.0, 10.0]
    assert ticks(3.0, 3.0) == [3.0]


def test_the_same_picture_has_the_same_bytes() -> None:
    assert charts.path(a_path(), "tce") == charts.path(a_path(), "tce")


def test_labels_move_apart_and_keep_their_order() -> None:
    values = np.array([3.0, 3.1, 2.95, 9.0])
    moved = charts.spread(values, 0.5)
    assert (np.diff(np.sort(moved)) >= 0.5 - 1e-12).all()
    assert (np.argsort(moved) == np.argsort(values)).all()
    assert moved.mean() == pytest.approx(values.mean())


def test_a_waterfall_ends_at_the_sum() -> None:
    picture = charts.waterfall(["a", "b"], np.array([-3.0, 1.25]), "points", "total")
    assert "−1.8" in picture or "−1.7" in picture


def test_blocks_of_a_cost_curve_are_numbered() -> None:
    picture = charts.steps(np.array([1.0, 2]), np.array([-50.0, 80]), ("Mt", "yuan"), [0, 1])
    assert {"1", "2"} <= {node.text for node in ET.fromstring(picture).iter()}


@pytest.mark.parametrize(
    ("value", "decimals", "shown"), [(-0.04, 1, "0.0"), (-1.26, 1, "−1.3"), (float("nan"), 1, "–"), (1234.4, 0, "1234")]
)
def test_numbers(value: float, decimals: int, shown: str) -> None:
    assert number(value, decimals) == shown


def test_what_rounds_to_zero_has_no_sign() -> None:
    assert number(-0.0004, 3, sign=True) == number(0.0004, 3, sign=True) == "0.000"
    picture = charts.waterfall(["a", "b"], np.array([-0.04, 3.0]), "points", "total")
    assert "0.0" in {node.text for node in ET.fromstring(picture).iter()}


def test_pages_have_one_formatter_of_signed_numbers() -> None:
    folders = [Path(experiments.__file__).parent / name for name in ("words", "report", "brief", "explore", "toolkit")]
    files = [path for folder in folders for path in folder.rglob("*.py")]
    assert len(files) > 50
    assert [path.name for path in files if re.search(r":\+[,.{]", path.read_text(encoding="utf-8"))] == []


def test_small_numbers_of_a_table_keep_their_digits() -> None:
    assert figure(0.000321, 2) == "0.00032"
    assert figure(2010.0, 2) == "2010"


def test_formulas_are_not_exported() -> None:
    text = csv(pd.DataFrame({"name": ["=HYPERLINK(1)", "+1", "@x", "plain"], "value": [-1.5, 2, 3, 4]}))
    assert "'=HYPERLINK(1)" in text
    assert "'+1" in text
    assert ",-1.5" in text


def test_names_become_safe_anchors_and_short_texts() -> None:
    assert slug("province", "../<script>\"'") == "province-script"
    assert len(slug("x" * 10_000_000)) == 80
    assert len(short("长" * 10_000_000)) == 200


def test_a_table_translates_and_shows_lights() -> None:
    data = pd.DataFrame({"province": ["Guangdong"], "light": ["red"], "chance": [0.25]})
    made = listed(Terms("zh"), "t", "表", data, "feasibility", ["province", "light", "chance"])
    assert [head.text for head in made.heads] == ["省份", "预警", "达标概率"]
    assert made.rows[0] == [Cell("广东"), Cell("", RED), Cell("25%")]


def test_measured_dots_above_the_areas_are_inside_the_picture() -> None:
    areas = {"heavy industry": np.linspace(10.0, 60.0, len(YEARS))}
    years = np.arange(2000.0, 2016)
    dots = charts.Dots("measured", years, np.linspace(500.0, 100.0, 16), np.zeros(16))
    picture = ET.fromstring(charts.stack(YEARS, areas, {"heavy industry": "heavy"}, "Mtce", dots))
    heights = [float(n.get("cy", "")) for n in picture.iter() if n.get("r")]
    assert len(heights) == 11  # from the first year shown on
    assert min(heights) > 0
