"""The published points of LBNL's S1-S3 (ChinaFAQs, Ohshita & Price 2011; quoted in calibration's own table)."""

import numpy as np
import pytest

from experiments.allocation import published_points


@pytest.fixture(scope="module")
def hits():
    return published_points.hits().set_index(["rule", "province"])


def test_the_points_are_those_of_the_source():
    printed = {(p.rule, p.province, p.low, p.high) for p in published_points.points()}
    ranges = {("Sichuan", 11.0, 13.0), ("Inner Mongolia", 18.0, 20.0)}
    assert printed == {
        ("s1", "Guangdong", 14.0, 14.0),
        ("s1", "Shandong", 17.0, 17.0),
        ("s3", "Guangdong", 18.0, 18.0),
    } | {(rule, *each) for rule in ("s1", "s2", "s3") for each in ranges}


@pytest.mark.parametrize(
    ("rule", "province"),
    [
        ("s1", "Guangdong"),
        ("s1", "Shandong"),
        ("s1", "Sichuan"),
        ("s1", "Inner Mongolia"),
        ("s2", "Inner Mongolia"),
        ("s3", "Guangdong"),
        ("s3", "Sichuan"),
        ("s3", "Inner Mongolia"),
    ],
)
def test_point_is_hit_within_half_a_point_by_the_defaults(hits, rule, province):
    assert hits.loc[(rule, province), "outside_by"] <= published_points.TOLERANCE


def test_order_of_the_provinces_is_the_published_one():
    orders = published_points.orders()
    assert len(orders) == 10
    assert orders["holds"].all()


def test_s2_sichuan_is_missed_and_no_single_measured_indicator_mends_it(hits):
    """Sichuan's industry is more energy-intensive than the nation's, and S2 takes its own fast trend away."""
    assert not hits.loc[("s2", "Sichuan"), "hit"]
    point = next(p for p in published_points.points() if (p.rule, p.province) == ("s2", "Sichuan"))
    needed = published_points.needed(point).set_index("indicator")["factor"]
    assert needed.drop("other").isna().all()
    assert needed["other"] > 2


def test_equal_growth_itself_is_what_keeps_s2_from_the_point_of_sichuan():
    own = published_points._targets("s2", None, {"equal_sectors": "no"})["Sichuan"]
    assert 11 - published_points.TOLERANCE <= own <= 13 + published_points.TOLERANCE


def test_needed_factor_brings_the_target_to_the_point(measured):
    point = published_points.Point("s3", "Sichuan", 14.0, 14.0)
    factor = published_points.needed(point).set_index("indicator").loc["gdp", "factor"]
    changed = published_points._changed(measured, "gdp", measured.provinces.index("Sichuan"), factor)
    assert published_points._targets("s3", changed, {})["Sichuan"] == pytest.approx(14, abs=0.01)


def test_sensitivity_names_every_choice_and_its_hits():
    table = published_points.sensitivity()
    assert set(table["rule"]) == {"s1", "s2", "s3"}
    default = table[table["choice"] == "default"].set_index("rule")
    assert default.loc["s1", "hits"] == "4 of 4"
    assert default.loc["s2", "hits"] == "1 of 2"
    assert default.loc["s3", "hits"] == "3 of 3"
    without_trend = table[(table["rule"] == "s1") & table["choice"].str.startswith("industry: no own trend")]
    assert without_trend["hits"].item() != "4 of 4"


def test_spread_over_all_choices_is_reproducible_and_wider_than_the_points():
    first, again = (published_points.spread(5, np.random.default_rng(7)) for _ in range(2))
    assert first.equals(again)
    assert (first["q05"] <= first["q95"]).all()
