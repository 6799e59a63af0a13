"""The mix search against closed forms and an exhaustive grid."""

import numpy as np
import pytest

from experiments.analyses.mix_search import Point, Search, cheapest, front, grid, within

LEVERS = ("a", "b", "c", "d")
GAIN = np.array([0.04, 0.02, 0.03, 0.01])
COST = np.array([4.0, 1.0, 6.0, -0.5])
FALL = np.random.default_rng(1).normal(0.12, 0.02, 4000)


def search(**changes: object) -> Search:
    """Falls and costs rise linearly with the strengths; d pays for itself."""

    def evaluate(strength: np.ndarray) -> Point:
        return Point(FALL + GAIN @ strength, float(COST @ strength), 100 - 10 * float(GAIN @ strength))

    plain = {"levers": LEVERS, "bounds": np.ones(4), "target": 0.14, "evaluate": evaluate}
    return Search(**plain | changes)  # type: ignore[arg-type]


def needed(chance: float, target: float = 0.14) -> float:
    return target - float(np.quantile(FALL, 1 - chance))


def test_the_cheapest_set_is_that_of_the_linear_programme() -> None:
    """d pays for itself; then b at 50 a unit of fall, a at 100, c at 200."""
    found = cheapest(search(), 0.8)
    gap = needed(0.8) - GAIN[3]
    b = min(gap / GAIN[1], 1.0)
    a = max(gap - GAIN[1], 0.0) / GAIN[0]
    np.testing.assert_allclose(found.strength, [a, b, 0.0, 1.0], atol=0.03)
    assert found.reached
    assert search().chance(found.strength) >= 0.8
    assert found.binding in ("b", "d")


def test_the_search_is_as_cheap_as_the_best_point_of_the_grid() -> None:
    for chance in (0.5, 0.8, 0.9):
        one = search()
        _, reference = grid(one, LEVERS, chance)
        assert one.at(cheapest(one, chance).strength).cost <= reference + 1e-9


def test_what_no_strength_reaches_names_the_bound_that_binds() -> None:
    found = cheapest(search(target=0.3), 0.8)
    assert not found.reached
    np.testing.assert_array_equal(found.strength, np.ones(4))
    assert found.binding == "a"


def test_a_lever_without_an_object_stays_at_zero() -> None:
    found = cheapest(search(bounds=np.array([1.0, 0.0, 1.0, 1.0])), 0.8)
    assert found.strength[1] == 0.0
    assert found.reached


def test_a_budget_buys_the_best_chance() -> None:
    one = search()
    found = within(one, 1.0)
    assert one.at(found.strength).cost <= 1.0 + 1e-6
    # d and b first (0.5 for both), then 0.125 of a
    assert one.chance(found.strength) == pytest.approx((FALL + 0.03 + 0.125 * 0.04 >= 0.14).mean(), abs=0.03)


def test_the_front_costs_more_for_more_chance() -> None:
    table = front(search(), (0.5, 0.8, 0.9))
    assert table["asked"].tolist() == ["no new policy", "50 %", "80 %", "90 %", "every lever at its bound"]
    assert table["net cost Gyuan/year"].iloc[1:].is_monotonic_increasing
    assert (table["chance"].iloc[1:4] >= np.array([0.5, 0.8, 0.9]) - 1e-9).all()
    assert table["chance"].iloc[-1] == table["chance"].max()
    assert table["co2 Mt"].iloc[1:].is_monotonic_decreasing


@pytest.mark.slow
@pytest.mark.parametrize("province", ["Guangxi", "Guangdong"])
def test_on_the_model_the_search_is_as_cheap_as_an_exhaustive_grid_of_four_levers(province: str) -> None:
    from experiments.analyses.mix_search import search_of
    from experiments.ensemble.installed import installed
    from experiments.installation import load_study

    whole = search_of(load_study("twelfth-plan", ["members=16"]), installed(0), province)
    among = ["industrial retrofit", "new plant standard", "power plant upgrade", "coal to gas"]
    kept = np.isin(whole.levers, among)
    four = Search(whole.levers, np.where(kept, whole.bounds, 0.0), whole.target, whole.evaluate)
    _, reference = grid(four, among, 0.5, levels=4)
    found = cheapest(four, 0.5)
    assert found.reached
    assert four.at(found.strength).cost <= reference + 0.02 * abs(reference)
