"""How much of the slope of outcomes on official targets is pressure: not identified, so answers at both of its ends.

Over provinces, outcomes rose with official targets by a joint slope. A part of it is evidence (officials who know a
province set its target), which stays when a rule assigns another number; the rest is pressure, which moves with it.
The measured years cannot split the two. The model's own split is one of many: what a reassigned target does in it,
R(t) − R(official), is scaled here so that pressure makes up a given share of the joint slope. Under the official
targets nothing changes, whatever the share, so every share fits the past and scores alike.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from experiments.allocation.indicators import known_plan
from experiments.allocation.national import Array
from experiments.allocation.response import CostCurve, ModelResponse, Response, Supply

SHARES = (0.2, 1.0)
"""Ends of the prior of the pressure share (docs/decisions.md): not identified."""
EQUAL_CHANCE = "equal-chance"
MEANING = (
    "Equal-chance targets at both ends of the pressure share, the part of the slope of outcomes on official targets "
    "that moves with a reassigned target: not identified"
)
MOVE = 0.02
"""Points (fraction) about the official target over which a response's slope is taken."""
LEAST = 1e-4
"""A slope below this is none: nothing of a reassigned target reaches the reductions, and nothing can be scaled."""


def joint_slope(base_year: int) -> float:
    """Slope of reductions on official targets, evidence and pressure together, as learnt before a plan's base year."""
    from calibration.forecast import LEARNT

    table = pd.read_csv(LEARNT).set_index("origin").sort_index()
    lessons = table[["slope_without", "slope_per_unit", "mean"]].ffill()
    known = lessons.loc[: max(base_year, int(table.index[1]))]  # the first origin has no lesson before it
    without, per_unit, strength = known.iloc[[-1]].to_numpy(float)[0]
    return float(without + per_unit * strength)


def factor(share: float, slope: float, joint: float) -> float:
    """By how much the model's answer to a reassigned target is scaled. slope: of that answer, points a point."""
    return share * joint / slope if slope > LEAST else 1.0


def response_slope(response: Response, official: Array) -> float:
    """Points of reduction a point of reassigned target, mean over provinces and members, about the official targets."""
    known = np.isfinite(official)
    middle = np.where(known, official, 0.15)
    low, high = (response.at(middle + sign * MOVE)[:, known] for sign in (-1, 1))
    return float(np.nanmean(high - low) / (2 * MOVE))


def rescaled(response: Response, official: Array, by: float) -> Response:
    """The response with its distance from that under the official targets scaled; a province without one keeps its own.

    Args:
        response: reductions of members under a grid of targets.
        official: targets by province, fractions, NaN where none is known.
        by: factor, as from `factor`.
    """
    known = np.isfinite(official)
    centre = response.at(np.where(known, official, 0.15))
    moved = centre + by * (response.reductions - centre)
    return replace(response, reductions=np.where(known, moved, response.reductions))


@dataclass(frozen=True)
class AtPressureShare:
    """A study's model in which pressure is a given share of the joint slope; costs are as they were."""

    model: ModelResponse
    share: float

    def response(self, plan: str, mix: str, members: int, seed: int, quantity: str = "energy") -> Response:
        """See `ModelResponse.response`.

        In a plan whose official targets are known for no province, what is reassigned counts from the nation's target
        for all. The joint slope was learnt on energy per GDP; for CO2 it is an assumption.
        """
        from calibration import inputs

        found = self.model.response(plan, mix, members, seed, quantity)
        goal = inputs.official_targets(quantity, plan)["target"].reindex(list(found.provinces)).to_numpy(float) / 100
        period = known_plan(plan)
        if not np.isfinite(goal).any():
            national = period.energy_target if quantity == "energy" else period.co2_target
            goal = np.full(len(found.provinces), national / 100)
        slope = response_slope(found, goal)
        return rescaled(found, goal, factor(self.share, slope, joint_slope(period.base_year)))

    def supply(self, plan: str, members: int, seed: int, quantity: str = "energy") -> Supply:
        """See `ModelResponse.supply`: without any target there is no pressure to scale."""
        return self.model.supply(plan, members, seed, quantity)

    def cost_curve(self, plan: str, members: int, seed: int) -> CostCurve:
        """See `ModelResponse.cost_curve`: without any target there is no pressure to scale."""
        return self.model.cost_curve(plan, members, seed)

    def base_state(self, plan: str, members: int, seed: int) -> xr.Dataset:
        """See `ModelResponse.base_state`: the years before the plan know nothing of its targets."""
        return self.model.base_state(plan, members, seed)


def equal_chance_at_both_ends(
    national: float | None, model: ModelResponse, options: Mapping[str, Any]
) -> tuple[pd.DataFrame, dict[str, str]]:
    """Equal-chance targets as the model splits the slope and at both ends of the pressure share.

    Args:
        national: national target, per cent; None: the plan's.
        model: the asking study's model.
        options: further options of the rule, as for `allocate`.

    Returns:
        A table (province, one column of targets in per cent each), and the common chance of each in words.
    """
    from experiments.allocation.allocate import allocate

    models = {"as modelled": model} | {f"pressure share {share:g}": AtPressureShare(model, share) for share in SHARES}
    found = {label: allocate(EQUAL_CHANCE, national, model=one, **options) for label, one in models.items()}
    table = pd.DataFrame({label: item.table["target_percent"] for label, item in found.items()})
    table.insert(0, "province", next(iter(found.values())).table["province"])
    return table, {label: item.says["common chance to meet the target"] for label, item in found.items()}
