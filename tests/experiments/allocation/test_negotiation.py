"""Spared points, offers and chances on three provinces: closed forms, and the sum that every step keeps."""

import numpy as np
import pandas as pd
import pytest

from experiments.allocation import allocate
from experiments.allocation.comparison import gini, theil
from experiments.allocation.negotiation import Offer, by_rule, read_offers, rounds, spared, standing
from experiments.allocation.outlook import bearable, chances, judged
from experiments.allocation.response import Response
from models.reading.faults import InputError

from .three import provinces

DATA = provinces()
GIVEN = {"indicators": DATA, "national": 10.0, "growth": "official"}
WEIGHT = pd.Series(DATA.energy, index=list(DATA.provinces))
GRID = np.array([0.0, 0.1, 0.2, 0.3])


@pytest.fixture
def response() -> Response:
    """100 members without any answer to pressure: A reaches 0 to 20 %, B always 10 %, C always 25 %."""
    free = np.stack([np.linspace(0.001, 0.2, 100), np.full(100, 0.1), np.full(100, 0.25)], axis=1)
    return Response(("A", "B", "C"), GRID, np.repeat(free[None], 4, axis=0))


def test_what_one_is_spared_the_others_carry_by_amount():
    before = allocate("uniform", **GIVEN)
    table = spared("uniform", "C", 3.0, before, WEIGHT, **GIVEN).set_index("province")
    assert table["after"].to_dict() == pytest.approx({"A": 13.0, "B": 13.0, "C": 7.0})
    assert table["amount"].sum() == pytest.approx(0.0)
    assert table["amount"]["C"] == pytest.approx(-6.0)


def test_offers_hold_and_the_rest_shares_what_is_left():
    log = rounds("uniform", [Offer(1, "A", 4.0), Offer(2, "B", 12.0), Offer(2, "A", 6.0)], **GIVEN)
    by_round = log.pivot_table(index="round", columns="province", values="target")
    assert by_round.loc[0].tolist() == pytest.approx([10, 10, 10])
    assert by_round.loc[1].tolist() == pytest.approx([4, 12, 12])
    assert by_round.loc[2].tolist() == pytest.approx([6, 12, 11])
    assert log["national"].to_numpy() == pytest.approx(np.full(9, 10.0), abs=1e-9)
    assert log[log["round"] == 2]["change"].tolist() == pytest.approx([2, 0, -1])


def test_offers_that_leave_no_one_to_share_with_are_refused():
    offers = [Offer(1, name, 5.0) for name in DATA.provinces]
    with pytest.raises(InputError, match="round 1: with A 5 %, B 5 %, C 5 % held"):
        rounds("uniform", offers, **GIVEN)


def test_a_log_of_offers_is_read_with_every_fault(tmp_path):
    path = tmp_path / "offers.csv"
    path.write_text("round,province,offer_percent,note\n1,广东,16,我方\n2,Inner Mongolia,18,\n", encoding="utf-8")
    first, second = read_offers(path, ["Guangdong", "Inner Mongolia"])
    assert (first.province, first.percent, first.note) == ("Guangdong", 16.0, "我方")
    assert (second.round, second.province) == (2, "Inner Mongolia")
    path.write_text("round,province,offer_percent\n1.5,Guangdong,16\n1,Guangdon,x\n", encoding="utf-8")
    with pytest.raises(InputError) as caught:
        read_offers(path, ["Guangdong", "Inner Mongolia"])
    assert "whole number" in str(caught.value)
    assert "Guangdon" in str(caught.value)


def test_standing_compares_with_the_nation():
    table = standing(provinces(past_cut_energy=[0.2, 0.0, 0.0]), "A", "energy").set_index("indicator")
    assert table.loc["gdp_per_head", ["own", "nation", "ratio"]].tolist() == pytest.approx([2.0, 1.5, 4 / 3])
    assert table["rank"]["amount_per_head"] == 2
    assert table.loc["past_cut", ["own", "nation"]].tolist() == pytest.approx([20.0, 5.0])


def test_rules_stand_from_the_lowest_target_up():
    table = by_rule([allocate(rule, **GIVEN) for rule in ("uniform", "per-head", "shadow-price")], "C")
    assert table["target"].is_monotonic_increasing
    assert table.set_index("rule")["against_nation"]["uniform"] == pytest.approx(0.0)


def test_chances_and_expected_number(response):
    targets = pd.DataFrame({"even": [10.0, 10, 10], "hard": [15.0, 15, 15]}, index=["A", "B", "C"])
    assert chances(response, targets)["even"].tolist() == pytest.approx([0.5, 1.0, 1.0], abs=0.01)
    table = judged(response, targets, WEIGHT).set_index("rule")
    assert table["expected_to_meet"]["even"] == pytest.approx(2.5, abs=0.01)
    assert table["expected_to_meet"]["hard"] == pytest.approx(0.25 + 0 + 1, abs=0.01)
    # A lacks 15 − r where it is positive: mean over 0 … 20 is 15² / 2 / 20 points of a quarter of the amount; B lacks 5
    assert table["shortfall"]["hard"] == pytest.approx(0.25 * 15**2 / 40 + 0.25 * 5, abs=0.02)
    assert table["regret"]["even"] == pytest.approx(0.0)


def test_bearable_is_the_quantile_that_the_chance_asks_for(response):
    table = bearable(response, (0.5, 0.9))
    assert table.loc["A"].tolist() == pytest.approx([10.0, 2.0], abs=0.2)
    assert table.loc["C"].tolist() == pytest.approx([25.0, 25.0])


def test_gini_and_theil_of_equal_and_unequal_burdens():
    assert gini(np.ones(3), np.ones(3)) == pytest.approx(0)
    assert theil(np.ones(3), np.ones(3)) == pytest.approx(0)
    assert theil(np.array([0.0, 2.0]), np.ones(2)) == pytest.approx(np.log(2))
