"""Shapley and LMDI: closed forms, exact sums, and symmetry, over drawn cases."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments.analyses.policy.lmdi import lmdi, log_mean
from experiments.analyses.policy.shapley import coalitions, shapley

positive = st.floats(1e-6, 1e6)


def test_glove_game_closed_form() -> None:
    """One left glove (a), two right gloves (b, c), a pair is worth 1: shares 2/3, 1/6, 1/6."""
    shares = shapley("abc", lambda c: np.array(float("a" in c and len(c) > 1)))
    assert shares["a"] == pytest.approx(2 / 3, abs=1e-15)
    assert shares["b"] == shares["c"] == pytest.approx(1 / 6, abs=1e-15)


@settings(deadline=None, max_examples=25)
@given(st.integers(1, 6), st.integers(0, 2**32 - 1))
def test_shapley_adds_to_the_whole(n: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    players = [f"p{i}" for i in range(n)]
    worth = {c: rng.normal(size=4) * 100 for c in coalitions(players)}
    shares = shapley(players, worth)
    whole = worth[frozenset(players)] - worth[frozenset()]
    np.testing.assert_allclose(sum(shares.values()), whole, rtol=0, atol=1e-9)


def test_shapley_is_exact_to_ten_players_and_refuses_eleven() -> None:
    weights = {f"p{i}": float(i) for i in range(10)}
    shares = shapley(list(weights), lambda c: np.array(sum(weights[p] for p in c) ** 2))
    total = sum(weights.values())
    # in a squared sum each player gets its own square and half of every cross term: w (Σ w)
    for player, weight in weights.items():
        assert shares[player] == pytest.approx(weight * total, rel=1e-12)
    with pytest.raises(ValueError, match="at most 10"):
        list(coalitions([f"p{i}" for i in range(11)]))


def test_options_that_overlap_fully_share_and_never_double() -> None:
    shares = shapley(["one", "again"], lambda c: np.array(10.0 if c else 0.0))
    assert shares["one"] == shares["again"] == 5.0


def test_lmdi_of_one_term_is_the_log_share() -> None:
    parts = lmdi({"a": np.array([2.0]), "b": np.array([3.0])}, {"a": np.array([4.0]), "b": np.array([3.0])}, 0)
    assert parts["a"] == pytest.approx(6.0, abs=1e-12)
    assert parts["b"] == 0.0


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(*[positive] * 6), min_size=1, max_size=8))
def test_lmdi_leaves_no_residual(rows: list[tuple[float, ...]]) -> None:
    table = np.array(rows)
    before = {"activity": table[:, 0], "intensity": table[:, 1], "fuel": table[:, 2]}
    after = {"activity": table[:, 3], "intensity": table[:, 4], "fuel": table[:, 5]}
    change = (table[:, 3] * table[:, 4] * table[:, 5]).sum() - (table[:, 0] * table[:, 1] * table[:, 2]).sum()
    scale = max(np.abs(table[:, 0] * table[:, 1] * table[:, 2]).sum(), np.abs(table[:, 3:].prod(1)).sum(), 1.0)
    assert sum(lmdi(before, after, 0).values()) == pytest.approx(change, abs=1e-9 * scale)


def test_lmdi_takes_zeros_at_their_limit() -> None:
    """The share of a new fuel explains its whole contribution."""
    before = {"intensity": np.array([5.0, 5.0]), "share": np.array([1.0, 0.0])}
    after = {"intensity": np.array([5.0, 5.0]), "share": np.array([0.6, 0.4])}
    parts = lmdi(before, after, 0)
    assert parts["intensity"] == 0.0
    assert parts["share"] == pytest.approx(0.0, abs=1e-12)
    gone = lmdi({"x": np.array([7.0])}, {"x": np.array([0.0])}, 0)
    assert gone["x"] == pytest.approx(-7.0, abs=1e-12)


def test_lmdi_refuses_negative_factors_and_other_names() -> None:
    with pytest.raises(ValueError, match="not be negative: x"):
        lmdi({"x": np.array([-1.0])}, {"x": np.array([1.0])}, 0)
    with pytest.raises(ValueError, match="same factors"):
        lmdi({"x": np.array([1.0])}, {"y": np.array([1.0])}, 0)


@given(positive, positive)
def test_log_mean_lies_between_the_means(a: float, b: float) -> None:
    mean = float(log_mean(np.array(a), np.array(b)))
    assert np.sqrt(a * b) * (1 - 1e-7) <= mean <= (a + b) / 2 * (1 + 1e-7)
