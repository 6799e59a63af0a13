from itertools import permutations

import numpy as np
import pandas as pd
import pytest

from experiments.analyses.sensitivity.factors import DUMMY
from experiments.analyses.sensitivity.given_data import UNEXPLAINED, shapley
from tests.experiments.sensitivity.published import ishigami


def exact_gaussian(b: np.ndarray, c: np.ndarray) -> np.ndarray:
    """Shapley effects of bᵀx, x ~ N(0, c), by enumeration (Owen & Prieur 2017, section 4)."""

    def value(u: tuple[int, ...]) -> float:
        if not u:
            return 0.0
        rest = [i for i in range(len(b)) if i not in u]
        inner = c[np.ix_(u, u)]
        slope = b[list(u)] + np.linalg.solve(inner, c[np.ix_(u, rest)] @ b[rest])
        return float(slope @ inner @ slope)

    gain = np.zeros(len(b))
    orders = list(permutations(range(len(b))))
    for order in orders:
        for k, i in enumerate(order):
            gain[i] += value(order[: k + 1]) - value(order[:k])
    return gain / len(orders) / (b @ c @ b)


def test_correlated_gaussian_equals_the_closed_form() -> None:
    c = np.array([[1.0, 0.0, 0.0, 0.3], [0.0, 1.0, 1.2, 0.0], [0.0, 1.2, 4.0, 0.0], [0.3, 0.0, 0.0, 1.0]])
    b = np.array([1.0, 1.0, 0.5, 0.0])
    rng = np.random.default_rng(8)
    x = pd.DataFrame(rng.multivariate_normal(np.zeros(4), c, 4000), columns=list("abcd"))
    table = shapley(x, x.to_numpy() @ b, rng).set_index("factor")
    truth = exact_gaussian(b, c)
    np.testing.assert_allclose(table.effect[list("abcd")], truth, atol=0.02)
    assert truth[3] > 0.005  # no direct effect, a share through its correlation
    assert table.effect[DUMMY] < 0.005
    assert table.effect[UNEXPLAINED] < 0.01


def test_independent_interaction_is_shared_equally() -> None:
    rng = np.random.default_rng(9)
    x = pd.DataFrame(rng.standard_normal((3000, 3)), columns=list("abc"))
    table = shapley(x, (x.a * x.b).to_numpy(), rng).set_index("factor")
    np.testing.assert_allclose(table.effect[["a", "b"]], 0.5, atol=0.03)
    assert abs(table.effect["c"]) < 0.02


def test_what_the_emulator_misses_is_reported() -> None:
    case = ishigami()
    rng = np.random.default_rng(10)
    x = pd.DataFrame(rng.uniform(-np.pi, np.pi, (3000, 3)), columns=["x1", "x2", "x3"])
    table = shapley(x, case.evaluate(x), rng).set_index("factor")
    assert table.effect[UNEXPLAINED] > 0.2
    assert table.effect.sum() == pytest.approx(1)


def test_constant_inputs_are_left_out_and_constant_outputs_have_no_effect() -> None:
    rng = np.random.default_rng(11)
    x = pd.DataFrame({"a": rng.random(200), "fixed": 1.0})
    table = shapley(x, np.ones(200), rng)
    assert list(table.factor) == ["a", DUMMY, UNEXPLAINED]
    assert table.effect.isna().all()


def test_too_few_runs_are_refused() -> None:
    rng = np.random.default_rng(12)
    with pytest.raises(ValueError, match="too few"):
        shapley(pd.DataFrame(rng.random((30, 5))).add_prefix("x"), rng.random(30), rng)


def test_intervals_are_as_wide_as_effects_scatter_over_samples() -> None:
    effects, halves = [], []
    for seed in range(30):
        rng = np.random.default_rng(seed)
        x = pd.DataFrame(rng.standard_normal((600, 3)), columns=list("abc"))
        y = (x.a + x.b + rng.standard_normal(600)).to_numpy()
        table = shapley(x, y, rng, orders=8, max_degree=1).set_index("factor")
        effects.append(table.effect["a"])
        halves.append((table.high["a"] - table.low["a"]) / 2)
    expected = 2.262 * np.std(effects, ddof=1)  # 97.5 % of t, nine degrees
    assert 0.7 * expected < np.mean(halves) < 1.5 * expected
    assert np.mean(effects) == pytest.approx(1 / 3, abs=0.02)
