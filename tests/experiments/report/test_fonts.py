"""The shipped font holds every character that we use, under its own name, with its licence beside it."""

import doctest
from pathlib import Path

import pytest
from fontTools.ttLib import TTFont  # type: ignore[import-untyped]

from experiments.words import svg
from experiments.words.svg import FONTS
from tools import subset_font


@pytest.mark.parametrize("path", FONTS.values(), ids=lambda path: path.stem)
def test_every_character_is_in_the_subset(path: Path) -> None:
    held = set(TTFont(path).getBestCmap())
    wanted = {c for c in subset_font.characters() if subset_font.is_chinese(c)} | set("aé%→Σ●◆▲−–")
    assert len(wanted) > 500
    assert not sorted(c for c in wanted if ord(c) not in held)


def test_name_and_licence() -> None:
    font = TTFont(FONTS["Regular"])
    assert font["name"].getDebugName(1) == "Tanlu Sans"
    assert "SIL Open Font License" in font["name"].getDebugName(13)
    licence = (FONTS["Regular"].parent / "OFL.txt").read_text(encoding="utf-8")
    assert "SIL OPEN FONT LICENSE Version 1.1" in licence
    assert "© 2014-2021 Adobe" in licence


def test_lines_end_between_words_and_never_before_a_mark() -> None:
    assert doctest.testmod(svg).failed == 0
    lines = svg.wrap("“十五五”碳排放强度下降17%在各省的分解，尚无官方目标。", 14)
    assert "".join(lines) == "“十五五”碳排放强度下降17%在各省的分解，尚无官方目标。"
    assert not any(line[0] in "，。”" for line in lines)
    assert any("17%" in line for line in lines)
