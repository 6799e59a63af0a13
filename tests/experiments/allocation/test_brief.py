"""A province's negotiation brief: its statements hold, and its page is complete in both languages."""

import re

import numpy as np
import pytest
from pypdf import PdfReader

from experiments.allocation import allocate
from experiments.allocation.negotiation import Offer
from experiments.analyses.negotiation import BriefOptions, ProvinceBrief, brief
from experiments.cli.tables import brief_output
from experiments.report.allocation_spread import EVEN
from experiments.report.negotiation_page import headline, page
from experiments.words.terms import Terms
from models.reading.faults import InputError

from .simulated import Model

OPTIONS = BriefOptions(members=50, rules="uniform,per-head,early-action,consumption,shapley")


@pytest.fixture(scope="module")
def case(states) -> ProvinceBrief:
    return brief("Sichuan", OPTIONS, Model(states), [Offer(1, "Sichuan", 15.0), Offer(2, "Guangdong", 18.0)])


def test_the_rules_are_those_of_allocate_with_their_range(case, states):
    row = case.rules.set_index("rule").loc["per-head"]
    target = allocate("per-head", plan="15FYP", indicator="co2", model=Model(states)).table.set_index("province")
    assert row["target"] == pytest.approx(target["target_percent"]["Sichuan"])
    assert row["low"] - 1e-9 <= row["target"] <= row["high"] + 1e-9
    assert case.national == 17


def test_the_chance_falls_as_the_target_rises(case):
    assert (np.diff(case.rules["chance"]) <= 1e-9).all()  # rows are in ascending order of the target
    assert case.rules["chance"].iloc[0] > case.rules["chance"].iloc[-1]


def test_what_the_others_carry_is_what_the_province_is_spared(case):
    assert case.spared["amount"].sum() == pytest.approx(0, abs=1e-6)
    assert case.spared.set_index("province")["points"]["Sichuan"] == pytest.approx(-1)


def test_a_higher_chance_bears_a_lower_target(case):
    assert list(case.bearable.columns) == ["as modelled", "0.2", "1"]
    assert (np.diff(case.bearable["as modelled"]) < 0).all()


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_printed_pages_are_a4_in_our_font_alone(case, lang, tmp_path):
    brief_output.write_page(case, lang, tmp_path / "case.pdf")
    pages = PdfReader(tmp_path / "case.pdf").pages
    assert len(pages) == 2
    assert {tuple(round(float(side)) for side in page.mediabox[2:]) for page in pages} == {(595, 842)}
    fonts = {str(font.get_object()["/BaseFont"]) for page in pages for font in page["/Resources"]["/Font"].values()}
    assert all("TanluSans" in name for name in fonts)
    text = re.sub(r"\s", "", "".join(page.extract_text() for page in pages))
    said = [Terms(lang).name(rule) for rule in case.rules["rule"]] + [Terms(lang)("text: case bear head")]
    assert all(re.sub(r"\s", "", words) in text for words in said)
    assert "\ufffd" not in text
    with pytest.raises(InputError, match="a file that ends in"):
        brief_output.check_name(tmp_path / "case.html", "pdf")


def test_a_target_near_the_nation_s_counts_for_neither_side(case):
    rules = case.rules.set_index("rule")["target"]
    assert 0 < abs(rules["uniform"] - 17) < 0.5  # one target for all meets the sum a little beside 17
    less, more = (rules < 16.5).sum(), (rules > 17.5).sum()
    said = re.findall(r"\d+ of \d+ rules|\d+ asks? more", headline(case, Terms("en")))
    assert said == [f"{less} of 5 rules", f"{more} ask{'s' if more == 1 else ''} more"]
    assert page(case, Terms("en")).count(f'r="5" fill="{EVEN}"') == 5 - less - more > 0


def test_no_official_number_is_claimed(case):
    assert case.announced == 0
    assert "not official numbers" in brief_output.caution(case, "en")
    assert "不是官方下达的数字" in brief_output.caution(case, "zh")


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_page_is_whole_and_fetches_nothing(case, lang):
    text = page(case, Terms(lang))
    assert Terms(lang).name("Sichuan") in text
    for rule in case.rules["rule"]:
        assert Terms(lang).name(rule) in text
    assert not re.findall(r'(?:src|href)="https?:', text)
    assert not re.findall(r">[-−+]?nan<", text)
    assert len(case.log["round"].unique()) == 3
    assert text.count("17.0000") == 3  # the national sum of every round
