import numpy as np

from experiments.analyses.sensitivity import screen
from experiments.analyses.sensitivity.factors import DUMMY, Factor
from tests.experiments.sensitivity.published import linear


def test_linear_effects_are_exact_and_the_dummy_is_dropped() -> None:
    factors = [Factor(n) for n in ("a", "b", "nothing")]
    table = screen.effects(lambda x: (3 * x.a - x.b).to_numpy(), factors, trajectories=10, levels=4)
    effect = table.set_index("factor")
    # Points lie in the middles of four cells, so a step of SALib's grid is 3/4 of itself in the factor's own range.
    np.testing.assert_allclose(effect.mu[["a", "b"]], [3 * 0.75, -0.75])
    np.testing.assert_allclose(effect.sigma[["a", "b"]], 0, atol=1e-12)
    assert dict(effect.kept) == {"a": True, "b": True, "nothing": False, DUMMY: False}
    assert screen.survivors(table) == ["a", "b"]


def test_an_input_that_acts_by_interaction_only_survives() -> None:
    factors = [Factor("a", -1, 1), Factor("b", -1, 1)]
    table = screen.effects(lambda x: (x.a * x.b).to_numpy(), factors, trajectories=20)
    assert set(screen.survivors(table)) == {"a", "b"}
    assert (table.set_index("factor").sigma[["a", "b"]] > 0.1).all()


def test_an_input_survives_when_one_output_of_several_needs_it() -> None:
    factors = [Factor("a"), Factor("b")]
    table = screen.effects(lambda x: np.column_stack([x.a, x.b]), factors, outputs=["y", "z"])
    assert set(screen.survivors(table)) == {"a", "b"}


def test_same_seed_same_table() -> None:
    case = linear()
    one, two = (screen.effects(case.evaluate, case.factors, seed=4) for _ in range(2))
    assert one.equals(two)
    assert not one.equals(screen.effects(case.evaluate, case.factors, seed=5))
