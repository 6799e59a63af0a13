"""The robust decision loop on plans by hand."""

import numpy as np
import pytest
import xarray as xr

from experiments.analyses import robust
from experiments.analyses.robust import Outcome
from experiments.policy import mix


def outcome(margin: list[float], cost: float) -> Outcome:
    values = np.array(margin)
    return Outcome(values, values, np.full(values.size, cost), np.zeros(values.size))


def test_plans_by_hand_over_the_same_futures() -> None:
    results = {
        robust.PLAN: outcome([2, -1, -3, -1, np.nan], 10),
        "strong": outcome([3, 1, -1, 1, 5], 14),
        "adaptive": outcome([2, 1, -3, 0, 5], 11),
        "wasteful": outcome([-1, 1, -2, 0, 5], 15),
    }
    table = robust.compared(results).set_index("plan")
    assert table.members.unique().tolist() == [4]  # the last future failed under one plan
    assert table.chance.tolist() == [0.25, 0.75, 0.75, 0.5]
    assert table.mended.tolist() == pytest.approx([0, 2 / 3, 2 / 3, 2 / 3])
    assert table.broken.tolist() == [0, 0, 0, 1]
    assert table.cost.tolist() == [0, 4, 1, 5]
    # Misses (0 1 3 1), (0 0 1 0), (0 0 3 0), (1 0 2 0); the best of each future: 0 0 1 0.
    assert table.regret.tolist() == [1, 0, 0.5, 0.5]
    assert table.regret_max.tolist() == [2, 0, 2, 1]
    assert table.efficient.tolist() == [True, True, True, False]
    low, high = table.loc["strong", ["chance_low", "chance_high"]]
    assert low < 0.75 < high


def test_a_hedge_raises_its_levers_alone_and_begins_idle_ones_as_the_full_mix() -> None:
    chosen, levers = mix("base"), ["industrial retrofit"]
    full = xr.Dataset(mix("full").params())
    plan = mix("base").params()
    given = robust._begun(plan, chosen, full, levers)
    strength = given["lever strength"]
    assert (strength.sel(lever="industrial retrofit") > 0).any()
    assert (strength.drop_sel(lever=levers) == plan["lever strength"].drop_sel(lever=levers)).all()
    assert float(given["lever start"].sel(lever=levers[0])) == float(full["lever start"].sel(lever=levers[0]))
    other = given["lever start"].drop_sel(lever=levers)
    assert (other == plan["lever start"].drop_sel(lever=levers)).all()
