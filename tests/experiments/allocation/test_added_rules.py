"""The added rules by hand on three provinces, published examples, and the identity over indicators and plans."""

from dataclasses import replace
from itertools import combinations
from math import factorial, sqrt

import numpy as np
import pytest

from experiments.allocation import allocate, load
from experiments.allocation.allocate import INDICATORS, measured_indicators
from experiments.allocation.comparison import NEEDS
from experiments.allocation.indicators import Indicators, find_plan
from experiments.allocation.rules.entropy_index import entropy_weights
from experiments.allocation.rules.gini_optimal import least_gini
from experiments.allocation.rules.shapley_provinces import shapley_bill
from experiments.allocation.rules.zero_sum_gains_dea import efficiency, zero_sum_gains
from models.plans import plans

from .three import DOUBLES, provinces

STATED = ("official", "draft")
SHARED_OUT = [name for name in load() if name not in (*NEEDS, *STATED)]
GROWING = [DOUBLES, 0.0, 0.0]
"""A doubles its GDP: the nation grows by 4/3, and 10 % less per GDP leaves 0.9 · 400 · 4/3 = 480."""


def cuts(rule: str, data: Indicators, indicator: str = "energy", national: float = 10.0, **options) -> np.ndarray:
    """Targets as fractions on the data's own growth."""
    result = allocate(rule, national, indicators=data, indicator=indicator, growth="official", **options)
    return result.table["target_percent"].to_numpy() / 100


@pytest.fixture(scope="module")
def later() -> dict[str, Indicators]:
    """Indicators of every plan; where the base year is not measured, those of 2010 are used instead."""
    stand_in = measured_indicators(find_plan("12FYP"))
    return {
        plan.name: measured_indicators(plan) if plan.structure_year else replace(stand_in, plan=plan)
        for plan in plans().values()
    }


@pytest.mark.parametrize("plan", [plan.name for plan in plans().values()])
@pytest.mark.parametrize("indicator", INDICATORS)
@pytest.mark.parametrize("rule", SHARED_OUT)
def test_national_sum_is_exact_for_every_rule_indicator_and_plan(rule, indicator, plan, later):
    data = later[plan]
    quantity, form = INDICATORS[indicator]
    result = allocate(rule, 15.0, plan, indicators=data, indicator=indicator)
    growth = (1 + result.table["gdp_growth"].to_numpy() / 100) ** data.plan.years
    known = data.measured
    before, cut = data.amount(quantity)[known], result.table["target_percent"].to_numpy()[known] / 100
    if form == "total":
        after, share = np.sum(before * (1 - cut)), np.sum(before)
    else:
        after = np.sum(before * (1 - cut) * growth[known]) / np.sum(data.gdp[known] * growth[known])
        share = np.sum(before) / np.sum(data.gdp[known])
    assert abs(1 - after / share - 0.15) < 1e-9


def test_a_total_is_what_the_intensity_leaves_on_the_growth_assumed():
    data = provinces(growth=GROWING)
    intensity, total = (cuts("per-head", data, name, None) for name in ("energy", "energy-total"))
    np.testing.assert_allclose(total, 1 - (1 - intensity) * data.growth_factor, atol=1e-9)


def test_a_total_may_grow():
    assert cuts("grandfathering", provinces(), "co2-total", -5.0) == pytest.approx([-0.05] * 3)


def test_grandfathering_by_hand():
    assert cuts("grandfathering", provinces(growth=GROWING)) == pytest.approx([0.4, -0.2, -0.2])


@pytest.mark.parametrize(("year", "expected"), [(2015, [0.4, -1.4, 0.4]), (2020, [0.4, -0.8, 0.1])])
def test_equality_per_head_by_hand(year, expected):
    """The whole way: 480 over 200 people, 2.4 a head; half-way: (2, 1.5, 3) a head times 1.2."""
    assert cuts("per-head", provinces(growth=GROWING), equal_by_year=year) == pytest.approx(expected)


def test_cumulative_per_head_by_hand():
    """Five years left: A_T = R/3 − 2A/3, ΣR = 2240; with H = (0, 200, 0) every head gets b = 12.2."""
    data = provinces(growth=GROWING, accumulated_energy=[0.0, 200.0, 0.0])
    allowed = np.array([610, 1020, 610]) / 3 - np.array([200, 200, 400]) / 3
    expected = 1 - allowed / np.array([200, 100, 200])
    assert allowed.sum() == pytest.approx(480)
    result = allocate("cumulative-per-head", 10, "15FYP", indicators=data, growth="official", budget_until_year=2030)
    assert result.table["target_percent"].to_numpy() / 100 == pytest.approx(expected)


def test_early_action_by_hand():
    """A cut 20 % before, the nation 5 %: with full credit A's intensity may end 0.95/0.8 as high as B's and C's."""
    data = provinces(past_cut_energy=[0.2, 0.0, 0.0])
    left = 0.9 * 400 / (118.75 + 95 + 190)
    expected = 1 - left * np.array([1.1875, 0.95, 0.95])
    assert cuts("early-action", data, early_credit=1) == pytest.approx(expected)
    assert cuts("early-action", data, early_credit=0) == pytest.approx([0.1] * 3)


def test_entropy_index_by_hand():
    """Only GDP per head differs, so it has all the weight: index 4/3, 2/3, 4/3."""
    amount = np.array([100.0, 200.0, 100.0])
    data = provinces(
        energy=amount, accumulated_energy=amount, industry=amount / 2, industry_value_added=amount, co2=amount
    )
    assert cuts("entropy", data) == pytest.approx([0.4 / 3, 0.2 / 3, 0.4 / 3])


def test_entropy_weights_are_those_published():
    """X. Xu, European Journal of Operational Research 156 (2004) 530-532, as reproduced to four digits elsewhere."""
    matrix = np.array([[30, 30, 38, 29], [19, 54, 86, 29], [19, 15, 85, 28.9], [68, 70, 60, 29]])
    assert entropy_weights(matrix) == pytest.approx([0.4630, 0.3992, 0.1378, 0.0], abs=5e-5)


def test_dea_efficiency_is_that_published():
    """Cooper, Seiford & Tone, Data Envelopment Analysis (2nd ed. 2007), table 1.1: eight stores."""
    employees, sales = np.array([2.0, 3, 3, 4, 5, 5, 6, 8]), np.array([1.0, 3, 2, 3, 4, 2, 3, 5])
    published = [0.5, 1, 0.667, 0.75, 0.8, 0.4, 0.5, 0.625]
    assert efficiency(employees, sales[:, None]) == pytest.approx(published, abs=5e-4)


@pytest.mark.parametrize("constant_returns", [True, False])
def test_zero_sum_gains_keeps_the_sum_and_leaves_all_efficient(constant_returns):
    rng = np.random.default_rng(3)
    amount, outputs = rng.uniform(1, 5, 12), rng.uniform(1, 5, (12, 2))
    after = zero_sum_gains(amount, outputs, constant_returns)
    assert after.sum() == pytest.approx(amount.sum())
    assert efficiency(after, outputs, constant_returns) == pytest.approx(np.ones(12), abs=1e-9)
    assert efficiency(amount, outputs, constant_returns).min() < 0.9


def test_zero_sum_gains_by_hand():
    """GDP alone, the whole way: 480 by GDP of the target year, 200, 100, 100."""
    data = provinces(growth=GROWING)
    found = cuts("zsg-dea", data, dea_outputs="gdp", equal_by_year=2015)
    assert found == pytest.approx([-0.2, -0.2, 0.4])


@pytest.mark.parametrize(("span", "expected"), [(15, [0.0, 0.0, 0.2]), (5, [0.05, 0.05, 0.15])])
def test_gini_optimal_by_hand(span, expected):
    """360 over 360 people: one each; within 5 points of 10 % C stops at 15 %, A and B at 5 %."""
    data = provinces(population=[100.0, 100.0, 160.0])
    options = {"gini_weight_population": 1, "gini_weight_gdp": 0, "gini_span": span}
    assert cuts("gini", data, **options) == pytest.approx(expected, abs=1e-6)


def test_no_other_allowances_have_a_lower_gini():
    from experiments.allocation.comparison import gini

    rng = np.random.default_rng(5)
    low, high, bases = np.full(6, 5.0), np.full(6, 20.0), rng.uniform(1, 9, (2, 6))
    best = least_gini(60.0, bases, np.ones(2), low, high)

    def objective(amount):
        return sum(gini(amount / base, base) for base in bases)

    for _ in range(300):
        change = rng.normal(size=6)
        other = best + 0.5 * (change - change.mean())
        if np.all((other >= low) & (other <= high)):
            assert objective(other) >= objective(best) - 1e-9


def test_shapley_by_subsets_gives_the_same_shares():
    """The textbook sum over coalitions without the player, an independent route."""
    duty, capacity = np.array([3.0, 1.0, 2.0]), np.array([1.0, 4.0, 2.0])

    def bill(coalition: tuple[int, ...]) -> float:
        return sum(duty[list(coalition)]) ** 2 / sum(capacity[list(coalition)]) if coalition else 0.0

    value = [
        sum(
            factorial(size) * factorial(2 - size) / 6 * (bill((*others, player)) - bill(others))
            for size in range(3)
            for others in combinations([p for p in range(3) if p != player], size)
        )
        for player in range(3)
    ]
    rng = np.random.default_rng(1)
    assert shapley_bill(duty, capacity, 1, rng) == pytest.approx(np.array(value) / sum(value))


def test_shapley_by_hand():
    """Capacity in proportion to duty makes the bill linear: all cut alike. More capacity means a smaller share."""
    assert cuts("shapley", provinces()) == pytest.approx([0.1] * 3)
    found = cuts("shapley", provinces(industry_value_added=[5.0, 25.0, 50.0]))
    assert found[0] < found[1]


def test_shapley_of_thirty_players_is_good_to_one_per_cent():
    rng = np.random.default_rng(2)
    duty, capacity = rng.uniform(1, 9, 30), rng.uniform(1, 9, 30)
    first, second = (shapley_bill(duty, capacity, 4000, np.random.default_rng(seed)) for seed in (1, 2))
    assert np.abs(first - second).max() < 0.01 * np.abs(first).max()


def test_shadow_price_by_hand():
    """Intensities 3/4, 3/4, 3/2 of the nation's: with x = exp(−0.75 P), 200 x + 200 x² = 360."""
    left = (sqrt(1 + 7.2) - 1) / 2
    assert cuts("shadow-price", provinces()) == pytest.approx([1 - left, 1 - left, 1 - left**2])
    assert cuts("shadow-price", provinces(), shadow_elasticity=0) == pytest.approx([0.1] * 3)


def test_consumption_responsibility_by_hand():
    """B makes 10 Mt for A's electricity: all of it moves, half of it, and for energy none."""
    data = provinces(net_import=[10.0, -10.0, 0.0])
    assert cuts("consumption", data, "co2", consumption_share=1) == pytest.approx([0.11, 0.09, 0.1])
    assert cuts("consumption", data, "co2") == pytest.approx([0.105, 0.095, 0.1])
    assert cuts("consumption", data) == pytest.approx([0.1] * 3)


def test_basic_needs_by_hand():
    """One unit a head is needed: 50, 0 and 150 are left to cut, and 40 must go."""
    assert cuts("basic-needs", provinces(), need_per_head=1) == pytest.approx([0.1, 0.0, 0.15])


def test_bounds_of_power_in_the_triptych_by_hand():
    """All CO2 is of power: the thermal part falls by ten points, and to 90 % at most."""
    data = provinces(industry_electricity=[1.0] * 3, domestic_electricity=[1.0] * 3, nonfossil_power=[0.0, 0.1, 0.5])
    options = {"nonfossil_rise": 10, "coal_power_most": 0.85, "power_efficiency": 0}
    allowed = np.array([100 * 0.85, 100 * 0.8 / 0.9, 200 * 0.4 / 0.5])
    expected = 1 - allowed * 0.9 * 400 / allowed.sum() / np.array([100, 100, 200])
    assert cuts("triptych", data, "co2", **options) == pytest.approx(expected)


@pytest.mark.parametrize("rule", SHARED_OUT)
def test_order_of_three_provinces_changes_nothing(rule):
    data = provinces(growth=GROWING, net_import=[10.0, -10.0, 0.0], past_cut_energy=[0.2, 0.1, 0.0])
    order = np.array([2, 0, 1])
    assert cuts(rule, data.permuted(order)) == pytest.approx(cuts(rule, data)[order], abs=1e-8)


def test_every_rule_names_where_it_comes_from():
    assert not [name for name, entry in load().items() if not entry.source and entry.origin.startswith("published")]
