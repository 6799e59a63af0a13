import math

import pytest

from experiments.analyses import prim
from experiments.analyses.prim import PrimBox
from experiments.words import box_sentences

BOX = PrimBox({"a rate": (0.0421, math.inf), "b[Sichuan]": (-math.inf, 12.5), "c": (0.2, 0.4)}, 500, 200, 120, 90)
UNITS = {"a rate": "1/year", "b[Sichuan]": "year", "c": "Dmnl"}
OF = {"province": "Sichuan", "target": 16.0, "allocation": "official", "mix": "base"}


def test_sentences_carry_limits_units_and_held_out_scores() -> None:
    row = box_sentences.row(BOX, UNITS, {"b[Sichuan]"}, **OF)
    english = row["sentence_en"]
    for words in (
        "a rate is above 4.21 %/year",
        "b (not identified) is below 12.5 year",
        "c lies between 0.2 and 0.4",
        "16 %",
        "75 % of the futures",
        "cover 45 % of all misses",
        "against 40 % over all",
        "500 members",
    ):
        assert words in english
    for words in ("高于 4.21 %/年", "低于 12.5 年", "介于 0.2 与 0.4 之间", "16 %", "75 %", "45 %"):
        assert words in row["sentence_zh"]


def test_limits_table_leaves_open_sides_empty() -> None:
    table = prim.limits(BOX, **OF).set_index("input")
    assert math.isnan(table.high["a rate"])
    assert table.low["a rate"] == pytest.approx(0.0421)
    assert table.loc["c", ["low", "high"]].tolist() == [0.2, 0.4]


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.04213, "1/year", "4.21 %/year"),
        (1234.5, "Gyuan", "1234 Gyuan"),
        (0.5, "Dmnl", "0.5"),
        (0.0, "year", "0 year"),
    ],
)
def test_quantities_have_three_digits(value: float, unit: str, text: str) -> None:
    assert box_sentences.quantity(value, unit) == text


def test_chinese_sentences_have_chinese_units() -> None:
    assert box_sentences.quantity(0.04213, "1/year", "zh") == "4.21 %/年"
    assert box_sentences.quantity(12, "Gyuan/Mtce", "zh") == "1.2 亿元/万吨标准煤"
    assert box_sentences.quantity(0.5, "Dmnl", "zh") == "0.5"
