"""The published points of LBNL's S1-S3 (ChinaFAQs, Ohshita & Price 2011; quoted in calibration's own table)."""

import numpy as np
import pytest

from experiments.allocation import allocate, published_points


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


HIT_ON_OFFICIAL_GROWTH = {
    ("s1", "Guangdong"),
    ("s1", "Shandong"),
    ("s1", "Sichuan"),
    ("s1", "Inner Mongolia"),
    ("s2", "Inner Mongolia"),
    ("s3", "Inner Mongolia"),
}
HIT_ON_EQUAL_GROWTH = {
    ("s1", "Sichuan"),
    ("s2", "Inner Mongolia"),
    ("s3", "Guangdong"),
    ("s3", "Sichuan"),
    ("s3", "Inner Mongolia"),
}


def test_hits_and_misses_on_official_and_on_equal_growth():
    """The default is what the source states, official growth, though equal growth hits more points of S3."""
    table = published_points.by_growth().set_index(["rule", "province"])
    assert set(table.index[table["official_hit"]]) == HIT_ON_OFFICIAL_GROWTH
    assert set(table.index[table["equal_hit"]]) == HIT_ON_EQUAL_GROWTH
    assert table["official_growth"].equals(published_points.hits().set_index(["rule", "province"])["computed"])


@pytest.mark.parametrize("rule", ["s1", "s2", "s3"])
def test_the_documents_scenarios_meet_16_percent_on_the_official_growth_targets(rule):
    assert allocate(rule, 16).aggregate_official == pytest.approx(16, abs=1e-9)
    assert allocate(rule, 16, growth="equal").aggregate_official < 15.1


def test_plausibility_names_the_targets_at_both_ends():
    table = published_points.plausibility().set_index(["rule", "end"])["targets"]
    assert table[("s1", "highest")].startswith("Guizhou 27")
    assert table[("s1", "lowest")].startswith("Hainan 5.0")


def test_order_of_the_provinces_is_the_published_one():
    orders = published_points.orders()
    assert len(orders) == 10
    assert orders["holds"].all()


def test_s2_sichuan_is_missed_and_no_single_measured_indicator_mends_it(hits):
    """Sichuan's industry is more energy-intensive than the nation's, and S2 takes its own fast trend away."""
    assert not hits.loc[("s2", "Sichuan"), "hit"]
    point = next(p for p in published_points.points() if (p.rule, p.province) == ("s2", "Sichuan"))
    needed = published_points.needed(point).set_index("indicator")["factor"]
    assert needed.drop(["other", "growth"]).isna().all()


def test_equal_growth_of_sectors_is_what_keeps_s2_from_the_point_of_sichuan():
    own = published_points._targets("s2", None, {"equal_sectors": "no", "growth": "equal"})["Sichuan"]
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
    assert default.loc["s3", "hits"] == "1 of 3"
    without_trend = table[(table["rule"] == "s1") & table["choice"].str.startswith("industry: no own trend")]
    assert without_trend["hits"].item() != "4 of 4"


def test_spread_over_all_choices_is_reproducible_and_wider_than_the_points():
    first, again = (published_points.spread(5, np.random.default_rng(7)) for _ in range(2))
    assert first.equals(again)
    assert (first["q05"] <= first["q95"]).all()
