from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from experiments.analyses import solve
from experiments.analyses.solve import ForecastTarget
from experiments.cli.tables import terminal_tables
from models.parameters import parameters
from models.reading.faults import InputError
from tests.experiments import small_system

LEVERS = ("a", "b", "c")
GAIN = np.array([0.04, 0.02, 0.01])
BASE = np.random.default_rng(1).normal(0.12, 0.02, 999)


def question(**changes) -> ForecastTarget:
    """Reductions rise linearly in the strengths; the mix has a and b at a half and c at a quarter."""
    plain = {
        "levers": LEVERS,
        "mix": np.array([0.5, 0.5, 0.25]),
        "packages": {"first": ["a"], "others": ["b", "c"]},
        "cost": np.array([3.0, 1.0, 2.0]),
        "target": 0.14,
        "chance": 0.8,
        "reductions": lambda s: BASE + s @ GAIN,
    }
    return ForecastTarget(**plain | changes)


def needed(chance: float, target: float) -> float:
    """Gain of reduction that lifts the deciding quantile to the target."""
    return target - np.quantile(BASE, 1 - chance)


def test_the_least_factor_is_the_closed_form_one() -> None:
    gap = needed(0.8, 0.14)
    factor, strength = solve.least(question(), LEVERS)
    # Up to factor 2 no bound binds: the gain is factor × 0.5 × 0.04 + … = 0.0325 × factor; beyond, c rises alone.
    expected = gap / 0.0325 if gap <= 0.065 else 2 + (gap - 0.065) / 0.0025
    assert factor == pytest.approx(expected, abs=2 * solve.RESOLUTION)
    assert question().reached(strength) >= 0.8
    assert question().reached(question().scaled(factor - 2 * solve.RESOLUTION)) < 0.8


def test_an_indicator_without_a_national_value_needs_a_target_of_the_province(tmp_path: Path) -> None:
    twelfth = small_system.study(tmp_path)
    with pytest.raises(InputError, match=r"nonfossil_share: the 12th plan has no national value of it.*give --target"):
        solve.judged(twelfth, "nonfossil_share")
    assert solve.judged(twelfth, "nonfossil_share", 20.0).national == 20.0
    assert solve.judged(twelfth, None, 20.0).national == 16.0
    with pytest.raises(InputError, match=r"total_energy: .*\(energy_intensity 16, co2_intensity 17\)$"):
        solve.judged(twelfth, "total_energy", 20.0)


def test_no_policy_is_needed_where_the_chance_is_there_already() -> None:
    table = solve.solve(question(target=0.05))
    assert table.reached[0] == "yes"
    assert table.set_index("step").factor["whole mix"] == 0
    assert "needs no new policy" in solve.sentence(table, "x", 5, 0.8)


def test_not_reachable_names_the_binding_bound_and_the_best_chance() -> None:
    asked = question(target=0.19, chance=0.8)
    table = solve.solve(asked)
    whole = table[table.step == "whole mix"].iloc[0]
    assert whole.reached == "no"
    assert np.isnan(whole.factor)
    assert whole.chance == pytest.approx((BASE + 0.07 >= 0.19).mean())
    assert whole.binding == "a"
    assert whole.binding_gain == pytest.approx(100 * 0.25 * 0.04)
    assert "not reachable" in solve.sentence(table, "x", 19, 0.8)
    assert "lever by lever" not in set(table.step)


def test_a_chance_within_the_interval_is_said_to_be_too_close_to_tell() -> None:
    table = solve.solve(question(target=0.19, chance=0.8))
    best = table.set_index("step").chance["whole mix"]
    assert "more members would tell" in solve.sentence(table, "x", 19, best + 0.001)
    assert "more members would tell" not in solve.sentence(table, "x", 19, 0.8)


def test_the_printed_table_has_units_and_no_empty_column() -> None:
    for target in (0.14, 0.3):
        made = terminal_tables.solved(solve.solve(question(target=target)))
        assert {"chance %", "95 % int.", "median cut %"} <= set(made)
        assert made.notna().any().all()


def test_packages_alone_are_tried() -> None:
    table = solve.solve(question(target=0.13)).query("step == 'package alone'").set_index("name")
    assert set(table.index) == {"first", "others"}
    gap = needed(0.8, 0.13)
    assert table.reached["first"] == ("yes" if gap <= 0.04 else "no")
    assert table.reached["others"] == ("yes" if gap <= 0.03 else "no")


def test_the_dearest_lever_is_lowered_first() -> None:
    asked = question(target=0.12, chance=0.8)
    strength = solve.lowered(asked)
    gap = needed(0.8, 0.12)
    # a is the dearest and alone is spared as far as b and c (0.03) carry the rest.
    assert strength[0] == pytest.approx(max(0, (gap - 0.03) / 0.04), abs=2 * solve.RESOLUTION)
    assert asked.reached(strength) >= 0.8
    assert solve.lowered(question(target=0.3)) is None


def test_levers_outside_the_mix_stay_at_zero() -> None:
    asked = question(mix=np.array([0.0, 0.5, 0.0]))
    _, strength = solve.least(asked, LEVERS)
    assert strength[0] == strength[2] == 0
    assert solve.lowered(question(mix=np.array([0.0, 0.5, 0.5]), target=0.11))[0] == 0


@pytest.mark.parametrize("chance", [0.0, 1.0, 1.2, -1.0])
def test_a_chance_outside_zero_and_one_is_refused(chance: float) -> None:
    with pytest.raises(InputError, match="allowed: above 0 and below 1"):
        question(chance=chance)


def test_a_mix_without_levers_is_refused() -> None:
    with pytest.raises(InputError, match="moves no lever"):
        question(mix=np.zeros(3))


def test_failed_members_do_not_count() -> None:
    holes = BASE.copy()
    holes[::3] = np.nan
    table = solve.solve(question(reductions=lambda s: holes + s @ GAIN))
    assert (table.members.dropna() == 666).all()


def test_net_costs_follow_the_annuity() -> None:
    table = parameters()
    levers = [f"l{k}" for k in range(len(table.loc["capital cost"]["default"].split(",")))]
    cost = solve.net_costs(table, levers)
    capital, life = (float(table.loc[name]["default"].split(",")[0]) for name in ("capital cost", "lever lifetime"))
    annuity = capital * 0.08 / (1 - 1.08**-life)
    row = table.loc["operating cost"], table.loc["price of energy saved"]
    assert cost[0] == pytest.approx(
        annuity + float(row[0]["default"].split(",")[0]) - float(row[1]["default"].split(",")[0])
    )
    assert isinstance(table, pd.DataFrame)


def test_the_binding_bound_is_the_one_that_helps_the_members_who_decide() -> None:
    # Lever a helps the lower half of the members, b helps the upper half more. With a chance of 80 % the member at
    # the 20 % quantile decides, whom only a can help; with a chance of 20 % the one at 80 %, whom only b can.
    members = np.linspace(0.0, 0.3, 101)
    lower = np.arange(101) < 50

    def reductions(strength: np.ndarray) -> np.ndarray:
        return members + np.where(lower, 0.04 * strength[0], 0.06 * strength[1])

    for chance, lever, gain in ((0.8, "a", 1.0), (0.2, "b", 1.5)):  # points for a quarter more: 100 × 0.25 × 0.04
        asked = question(
            levers=("a", "b"), mix=np.ones(2), cost=np.ones(2), packages={}, target=0.5, chance=chance,
            reductions=reductions,
        )  # fmt: skip
        whole = solve.solve(asked).set_index("step").loc["whole mix"]
        assert whole.reached == "no"
        assert whole.binding == lever
        assert whole.binding_gain == pytest.approx(gain)
