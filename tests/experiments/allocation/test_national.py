"""The national sum: identity, one scalar, water-filling, rounding."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.allocation.national import Bounds, Weights, meet, round_largest_remainder, round_plain
from models.reading.faults import InputError

FREE = Bounds()
amounts = st.lists(st.tuples(st.floats(0.1, 1e4), st.floats(0.1, 1e5), st.floats(0.8, 3.0)), min_size=2, max_size=31)


def weights_of(rows) -> Weights:
    energy, gdp, growth = (np.array(column) for column in zip(*rows, strict=True))
    return Weights(energy, gdp, growth)


@given(amounts, st.floats(0.01, 0.9))
def test_identity_written_out_energy_over_gdp_before_and_after(rows, cut):
    weights = weights_of(rows)
    cuts = np.linspace(0.2, 1.0, len(rows)) * cut
    before = sum(e for e, _, _ in rows) / sum(y for _, y, _ in rows)
    energy_after = sum(e * (1 - t) * g for (e, _, g), t in zip(rows, cuts, strict=True))
    after = energy_after / sum(y * g for _, y, g in rows)
    assert weights.aggregate(cuts) == pytest.approx(1 - after / before, abs=1e-9)


@given(amounts, st.floats(0.02, 0.6))
def test_one_scalar_meets_the_national_cut(rows, national):
    weights = weights_of(rows)
    shape = np.linspace(-0.1, 0.1, len(rows))
    cuts, scalar = meet(lambda m: m + shape, weights, national, FREE)
    assert weights.aggregate(cuts) == pytest.approx(national, abs=1e-9)
    np.testing.assert_allclose(cuts, scalar + shape)


@given(amounts, st.floats(0.05, 0.3))
def test_water_filling_keeps_free_provinces_in_the_rules_proportions(rows, national):
    rows = [(e, y, 1.5) for e, y, _ in rows]
    weights = weights_of(rows)
    shape = np.linspace(0.5, 2.0, len(rows))
    bounds = Bounds(0.7 * national, 1.3 * national)
    cuts, scalar = meet(lambda m: m * shape, weights, national, bounds)
    assert weights.aggregate(cuts) == pytest.approx(national, abs=1e-9)
    assert cuts.min() >= bounds.floor
    assert cuts.max() <= bounds.cap
    free = (cuts > bounds.floor + 1e-12) & (cuts < bounds.cap - 1e-12)
    np.testing.assert_allclose(cuts[free], scalar * shape[free])
    assert np.all(scalar * shape[cuts == bounds.cap] >= bounds.cap - 1e-12)


def test_uniform_growth_makes_the_sum_the_energy_weighted_mean():
    weights = Weights(np.array([1.0, 3.0]), np.array([5.0, 7.0]), np.array([1.4, 1.4]))
    assert weights.aggregate(np.array([0.1, 0.2])) == pytest.approx((0.1 + 3 * 0.2) / 4)


def test_faster_growth_of_the_heavy_province_makes_the_same_cuts_count_for_less():
    even = Weights(np.array([1.0, 3.0]), np.array([1.0, 1.0]), np.array([1.5, 1.5]))
    uneven = Weights(np.array([1.0, 3.0]), np.array([1.0, 1.0]), np.array([1.3, 1.7]))
    cut = np.full(2, 0.16)
    assert uneven.aggregate(cut) < even.aggregate(cut) - 0.01


def test_bounds_that_leave_no_solution_are_refused_with_the_reach():
    weights = Weights(np.ones(3), np.ones(3), np.ones(3))
    with pytest.raises(InputError, match=r"20 %.*10.00 to 18.00 %"):
        meet(lambda m: np.full(3, m), weights, 0.2, Bounds(0.10, 0.18))


@given(amounts, st.floats(0.05, 0.4), st.sampled_from([0.001, 0.005, 0.01]))
def test_largest_remainder_is_never_further_off_than_rounding_all_down_or_all_up(rows, national, step):
    weights = weights_of(rows)
    cuts, _ = meet(lambda m: m + np.linspace(-0.031, 0.047, len(rows)), weights, national, FREE)
    rounded = round_largest_remainder(cuts, step, FREE, weights, national)
    np.testing.assert_allclose(rounded / step, np.round(rounded / step), atol=1e-6)
    assert np.all(np.abs(rounded - cuts) < step * (1 + 1e-6))
    heaviest = np.max(weights.energy * weights.growth) / np.sum(weights.energy) / weights.national_growth
    assert abs(weights.aggregate(rounded) - national) <= heaviest * step / 2 + 1e-9


def test_plain_rounding_can_miss_what_largest_remainder_meets():
    weights = Weights(np.ones(5), np.ones(5), np.ones(5))
    cuts = np.array([0.154, 0.154, 0.154, 0.164, 0.174])
    assert weights.aggregate(round_plain(cuts, 0.01, FREE)) == pytest.approx(0.156)
    assert weights.aggregate(round_largest_remainder(cuts, 0.01, FREE, weights, 0.16)) == pytest.approx(0.16)


def test_rounding_stays_within_bounds_that_are_no_multiple_of_the_step():
    cuts, bounds = np.array([0.104, 0.178]), Bounds(0.104, 0.178)
    np.testing.assert_allclose(round_plain(cuts, 0.01, bounds), [0.11, 0.17])


def test_whole_steps_stay_and_a_missing_cut_stays_missing():
    weights = Weights(np.array([1.0, 1.0, 0.0]), np.ones(3), np.ones(3))
    rounded = round_largest_remainder(np.array([0.16, 0.18, np.nan]), 0.01, FREE, weights, 0.20)
    np.testing.assert_allclose(rounded, [0.16, 0.18, np.nan])
