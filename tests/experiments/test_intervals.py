import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from experiments.analyses.intervals import wilson, words


@settings(deadline=None)
@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_equals_scipy(case: tuple[int, int]) -> None:
    hits, n = case
    low, high = wilson(hits, n)
    truth = binomtest(hits, n).proportion_ci(method="wilson")
    np.testing.assert_allclose([low, high], [truth.low, truth.high], atol=1e-12)


def test_wilson_of_nothing_is_nothing() -> None:
    low, high = wilson([0], [0])
    assert np.isnan(low).all()
    assert np.isnan(high).all()


@pytest.mark.parametrize(
    ("low", "high", "trusted", "word"),
    [
        (0.92, 0.97, True, "very likely"),
        (0.995, 1.0, True, "virtually certain"),
        (0.85, 0.95, True, "likely"),
        (0.60, 0.70, True, "model-conditional"),
        (0.92, 0.97, False, "model-conditional"),
        (0.0, 0.005, True, "exceptionally unlikely"),
        (0.4, 0.5, True, "about as likely as not"),
    ],
)
def test_words_only_when_the_whole_interval_lies_in_one_class(
    low: float, high: float, trusted: bool, word: str
) -> None:
    assert words(low, high, trusted) == word
