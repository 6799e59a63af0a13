import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from experiments.analyses.sensitivity import given_data, screen, sobol, target
from experiments.analyses.sensitivity.factors import DUMMY, Factor, NonFiniteError, seeds, with_dummy
from models.reading.faults import InputError

FACTORS = [Factor("a"), Factor("b", 2, 4)]


def one_nan(points: pd.DataFrame) -> np.ndarray:
    y = points.a.to_numpy().copy()
    y[7] = np.nan
    return y


@pytest.mark.parametrize("analysis", [screen.effects, sobol.indices, target.analyse])
def test_one_nan_is_refused_with_its_parameters(analysis) -> None:
    with pytest.raises(NonFiniteError, match="1 of") as caught:
        analysis(one_nan, FACTORS)
    assert list(caught.value.rows.columns) == ["a", "b"]
    assert list(caught.value.rows.index) == [7]
    assert 2 <= caught.value.rows.b.iloc[0] <= 4


def test_one_infinity_in_given_data_is_refused() -> None:
    x = pd.DataFrame({"a": np.arange(100.0)})
    with pytest.raises(NonFiniteError):
        given_data.shapley(x, np.where(x.a == 3, np.inf, x.a), np.random.default_rng(1))


@pytest.mark.parametrize("analysis", [screen.effects, sobol.indices])
def test_global_random_state_is_untouched(analysis) -> None:
    np.random.seed(11)  # noqa: NPY002 - the global state is the subject
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    analysis(lambda x: x.a.to_numpy(), FACTORS)
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002


def test_global_random_state_does_not_matter() -> None:
    tables = []
    for state in (1, 2):
        np.random.seed(state)  # noqa: NPY002
        tables.append(screen.effects(lambda x: (x.a * x.b).to_numpy(), FACTORS))
    assert tables[0].equals(tables[1])


@settings(deadline=None)
@given(st.integers(0, 2**40), st.integers(1, 20))
def test_seeds_are_positive_distinct_and_repeatable(root: int, n: int) -> None:
    some = seeds(root, n)
    assert min(some) >= 1
    assert len(set(some)) == n
    assert some == seeds(root, n)


def test_repeated_or_reserved_names_are_refused() -> None:
    with pytest.raises(InputError, match="a, dummy"):
        with_dummy([Factor("a"), Factor("a"), Factor(DUMMY)])


def test_a_range_that_does_not_rise_is_refused() -> None:
    with pytest.raises(InputError, match="below high"):
        Factor("a", 1, 1)


def test_a_factor_takes_its_own_quantile_function_and_stays_finite_at_the_ends() -> None:
    normal, even = Factor("a", inverse=stats.norm.ppf), Factor("b", 2, 4)
    np.testing.assert_allclose(normal.quantile(np.array([0.025, 0.5, 0.975])), [-1.959964, 0, 1.959964], atol=1e-6)
    np.testing.assert_allclose(even.quantile(np.array([0.25, 0.5])), [2.5, 3.0])
    for factor in (normal, even):
        values = factor.quantile(np.linspace(0, 1, 101))
        assert (np.isfinite(values) & (np.diff(values, prepend=-np.inf) > 0)).all()


def test_choices_are_equally_likely() -> None:
    factor = Factor("rule", choices=("official", "draft", "uniform"))
    picked = factor.quantile((np.arange(300) + 0.5) / 300)
    assert pd.Series(picked).value_counts().eq(100).all()
