"""Equal chance and least cost on responses in closed form."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments.allocation import allocate, outlook
from experiments.allocation.indicators import find_plan, load
from experiments.allocation.response import CostCurve, Response, Supply
from experiments.allocation.rules.least_cost import SPREAD
from models.reading.faults import InputError

GRID = np.linspace(0.0, 0.4, 21)


def linear(
    rng: np.random.Generator, provinces: tuple[str, ...], members: int = 400
) -> tuple[Response, np.ndarray, np.ndarray]:
    """reduction = free + feedback × target, free by province and member; feedback below 1."""
    feedback = rng.uniform(0.1, 0.7, len(provinces))
    free = rng.normal(0.08, 0.015, (members, len(provinces))) + rng.normal(0, 0.01, len(provinces))
    reductions = free[None] + feedback * GRID[:, None, None]
    return Response(provinces, GRID, reductions), free, feedback


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0.1, 0.95))
def test_fixed_point_of_a_linear_response_is_exact(seed: int, chance: float) -> None:
    response, free, feedback = linear(np.random.default_rng(seed), ("x", "y", "z"))
    target, inside = response.fixed_point(chance)
    assert inside.all()
    np.testing.assert_allclose(target, np.quantile(free, 1 - chance, axis=0) / (1 - feedback), atol=1e-9)
    # Under that very target the share of members that meet it is the chance asked for, to one member.
    met = (free + feedback * target >= target - 1e-12).mean(axis=0)
    np.testing.assert_allclose(met, chance, atol=1.5 / len(free))
    np.testing.assert_allclose(response.chance(target), met, atol=1.5 / len(free))


def test_cuts_rise_as_the_common_chance_falls() -> None:
    response, _, _ = linear(np.random.default_rng(2), ("x", "y"))
    cuts = np.stack([response.fixed_point(q)[0] for q in np.linspace(0.99, 0.01, 30)])
    assert (np.diff(cuts, axis=0) >= 0).all()


def test_a_fixed_point_outside_the_grid_is_said() -> None:
    free = np.stack([np.full(50, 0.9), np.full(50, -0.2), np.full(50, 0.1)], axis=1)
    response = Response(("far", "never", "fine"), GRID, np.broadcast_to(free, (21, 50, 3)).copy())
    target, inside = response.fixed_point(0.5)
    assert inside.tolist() == [False, False, True]
    np.testing.assert_allclose(target, [0.4, 0.0, 0.1])


def test_failed_members_are_left_out() -> None:
    response, _, _ = linear(np.random.default_rng(3), ("x", "y"))
    holes = response.reductions.copy()
    holes[:, ::4] = np.nan
    target, _ = Response(response.provinces, GRID, holes).fixed_point(0.8)
    whole, _ = Response(response.provinces, GRID, np.delete(response.reductions, np.s_[::4], axis=1)).fixed_point(0.8)
    np.testing.assert_allclose(target, whole)


@pytest.mark.parametrize("targets", [[0.1], [0.2, 0.1]])
def test_a_grid_must_rise(targets: list[float]) -> None:
    with pytest.raises(InputError, match="at least two, rising"):
        Response(("x",), np.array(targets), np.zeros((len(targets), 3, 1)))


@pytest.fixture(scope="module")
def simulated() -> tuple[str, ...]:
    data = load(find_plan("12FYP"))
    return tuple(p for p, known in zip(data.provinces, data.measured, strict=True) if known)


def test_equal_chance_meets_the_sum_with_equal_chances(simulated: tuple[str, ...]) -> None:
    response, free, feedback = linear(np.random.default_rng(4), simulated, 1000)
    found = allocate("equal-chance", 16.0, chance=response)
    assert found.aggregate == pytest.approx(16.0, abs=1e-6)
    table = found.table[found.table.province.isin(simulated)]
    target = table.target_percent.to_numpy() / 100
    met = (free + feedback * target >= target).mean(axis=0)
    assert met.max() - met.min() <= 2.5 / 1000
    assert table.common_chance.iloc[0] == pytest.approx(met.mean(), abs=2 / 1000)
    assert (table.converged == "yes").all()
    assert table.target_percent.std() > 0.5  # they differ: equal chance is not equal targets
    tibet = found.table[~found.table.province.isin(simulated)]
    assert tibet.target_percent.isna().all()
    assert (tibet.converged == "not simulated").all()


def test_least_cost_equalises_the_marginal_cost(simulated: tuple[str, ...]) -> None:
    rng = np.random.default_rng(5)
    n = len(simulated)
    curve = CostCurve(
        simulated,
        ("p", "q", "r"),
        rng.uniform(0.08, 0.12, n),
        rng.uniform(0.01, 0.05, (n, 3)),
        rng.uniform(-1, 3, (n, 3)),
    )
    found = allocate("least-cost", 16.0, cost=curve)
    assert found.aggregate == pytest.approx(16.0, abs=1e-6)
    table = found.table[found.table.province.isin(simulated)].reset_index(drop=True)
    price = table.price.iloc[0]
    np.testing.assert_allclose(table.target_percent, 100 * curve.reduction(price, SPREAD))
    # No unit of saving can be moved to a cheaper place: unused savings cost more than used ones.
    assert curve.cost[curve.cost + SPREAD < price].max() < curve.cost[curve.cost - SPREAD > price].min()


def test_provinces_without_a_fixed_point_are_named_and_the_sum_stays_exact(simulated: tuple[str, ...]) -> None:
    response, _, _ = linear(np.random.default_rng(4), simulated, 200)
    stuck = response.reductions.copy()
    stuck[:, :, simulated.index("Hainan")] = -0.1  # misses even the lowest target
    found = allocate("equal-chance", 16.0, chance=Response(simulated, GRID, stuck))
    assert found.aggregate == pytest.approx(16.0, abs=1e-6)
    assert found.table.set_index("province").converged["Hainan"] == "no"
    said = found.summary()
    assert said["no fixed point, so another chance"] == "Hainan"
    assert said["common chance to meet the target"].startswith(
        f"{100 * found.table.common_chance.iloc[0]:.1f} % of 200"
    )


def test_the_chance_is_that_of_the_target_after_a_cap(simulated: tuple[str, ...]) -> None:
    response, free, feedback = linear(np.random.default_rng(4), simulated, 1000)
    cap = allocate("equal-chance", 16.0, chance=response).table.target_percent.max() - 0.5
    found = allocate("equal-chance", 16.0, chance=response, cap=cap)
    table = found.table[found.table.province.isin(simulated)]
    target = table.target_percent.to_numpy() / 100
    np.testing.assert_allclose(table.chance, (free + feedback * target >= target).mean(axis=0), atol=2.5 / 1000)
    held = table.province[table.converged == "held at a bound"]
    assert len(held)
    assert found.summary()["held at a bound, so another chance"] == ", ".join(held)


@pytest.mark.parametrize("rule", ["equal-chance", "least-cost"])
def test_a_rule_that_simulates_refuses_another_base_year(rule: str) -> None:
    with pytest.raises(InputError, match="has the plan's, 2010: leave it out"):
        allocate(rule, 16.0, base_year=2008)


def test_what_all_levers_lack_is_put_on_every_province_alike_and_said(simulated: tuple[str, ...]) -> None:
    n = len(simulated)
    curve = CostCurve(simulated, ("p",), np.full(n, 0.1), np.full((n, 1), 0.05), np.full((n, 1), 2.0))
    found = allocate("least-cost", 16.0, cost=curve)
    assert found.aggregate == pytest.approx(16.0, abs=1e-6)
    assert "points are lacking, put on every province alike" in found.summary()["price of the last unit saved"]


def test_beyond_all_levers_a_yuan_is_a_point_of_the_intensity(simulated: tuple[str, ...]) -> None:
    curve = CostCurve(("x", "y"), ("p",), np.array([0.1, 0.08]), np.array([[0.05], [0.02]]), np.array([[2.0], [1.0]]))
    np.testing.assert_allclose(curve.reduction(2.0 + SPREAD, SPREAD), [0.15, 0.10])  # both levers in full
    np.testing.assert_allclose(curve.reduction(5.0 + SPREAD, SPREAD), [0.18, 0.13])  # three yuan more: three points
    np.testing.assert_allclose(curve.reduction(1.0 - SPREAD, SPREAD), [0.10, 0.08])  # none yet
    np.testing.assert_allclose(curve.reduction(-1.0 - SPREAD, SPREAD), [0.08, 0.06])  # two yuan less: two points
    n = len(simulated)
    one = CostCurve(simulated, ("p",), np.full(n, 0.1), np.full((n, 1), 0.05), np.full((n, 1), 2.0))
    found = allocate("least-cost", 16.0, cost=one)
    table = found.table[found.table.province.isin(simulated)]
    lacking = table.target_percent - table.reduction_at_most
    words = found.summary()["price of the last unit saved"]
    assert f"{lacking.iloc[0]:.2f} points are lacking" in words


def test_the_cost_of_targets_is_that_of_the_cheapest_levers_the_last_in_part() -> None:
    """Three provinces, levers of 2, 4 and −1 points at 4, 2 and 1 billion yuan (2, 0.5 a point; the third only harms).

    A target of 9 % at a base of 10 % needs none; 13 % needs 3 of the 4 cheap points, 1.5; 17 % all 6 points, 6, and
    lies beyond them. A lever that pays for itself comes first.
    """
    flat = np.ones((3, 1))
    supply = Supply(
        ("x", "y", "z"),
        ("dear", "cheap", "harm"),
        np.full(3, 0.1),
        flat * [0.02, 0.04, -0.01],
        flat * [4.0, 2.0, 1.0],
    )
    cost, reached = supply.cost(np.array([0.09, 0.13, 0.17]))
    assert cost == pytest.approx([0, 1.5, 6])
    assert reached.tolist() == [True, True, False]
    paying = Supply(("x",), ("a", "b"), np.zeros(1), np.array([[0.05, 0.05]]), np.array([[3.0, -2.0]]))
    assert paying.cost(np.array([0.07]))[0] == pytest.approx([-2 + 1.2])
    targets = pd.DataFrame({"even": [13.0, 13, 13], "bent": [9.0, 13, 17]}, index=["x", "y", "z"])
    rows = outlook.priced(supply, targets).set_index("rule")
    assert rows["net_cost"].to_dict() == pytest.approx({"even": 4.5, "bent": 7.5})
    assert rows.loc["bent", ["highest_in", "out_of_reach", "unneeded"]].tolist() == ["z", 1, 1]
    assert outlook.costs(supply, targets)["bent"].tolist() == pytest.approx([0, 1.5, 6])
