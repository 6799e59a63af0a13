"""Outlook of the members on targets by several rules: chances, number expected to meet, shortfall and regret.

Every rule's targets are held against the same members, whose reductions under a grid of targets are known
(`Response`), so no rule needs a simulation of its own. Chances move with the targets: pressure is part of the model.
"""

import numpy as np
import pandas as pd

from experiments.allocation.national import Array
from experiments.allocation.response import Response, Supply


def _reached(response: Response, target: Array) -> Array:
    """Members' reductions under a target of each province; one outside the grid presses as the grid's nearest."""
    return response.at(np.clip(np.nan_to_num(target), response.targets[0], response.targets[-1]))


def chances(response: Response, targets: pd.DataFrame) -> pd.DataFrame:
    """Chance that each province meets its target (province × rule), fraction; NaN where it has none.

    targets: per cent, province × rule.
    """
    table = {}
    for rule, column in targets.items():
        target = column.reindex(list(response.provinces)).to_numpy(float) / 100
        met = _reached(response, target) >= target
        table[rule] = np.where(np.isfinite(target), met.mean(axis=0), np.nan)
    return pd.DataFrame(table, index=pd.Index(response.provinces, name="province"))


def judged(response: Response, targets: pd.DataFrame, weight: "pd.Series[float]") -> pd.DataFrame:
    """One row per rule: number of provinces expected to meet, chances, shortfall and regret.

    targets: per cent, province × rule. weight: amount of the target year at unchanged intensity, by province; the
    shortfall is what provinces lack, in points of the nation's amount. Regret: shortfall above that of the best of
    these rules in the same member.
    """
    places = list(response.provinces)
    part = weight.reindex(places).to_numpy(float)
    part = part / np.nansum(part)
    chance = chances(response, targets)
    lacking: dict[str, Array] = {}
    for rule, column in targets.items():
        target = column.reindex(places).to_numpy(float) / 100
        gap = np.clip(target - _reached(response, target), 0.0, None)
        lacking[str(rule)] = 100 * np.nansum(gap * part, axis=1)
    best = np.min(np.stack(list(lacking.values())), axis=0)
    return pd.DataFrame(
        {
            "rule": rule,
            "provinces": int(chance[rule].notna().sum()),
            "expected_to_meet": float(chance[rule].sum()),
            "lowest_chance": float(chance[rule].min()),
            "highest_chance": float(chance[rule].max()),
            "shortfall": float(np.mean(short)),
            "regret": float(np.mean(short - best)),
            "regret_90": float(np.quantile(short - best, 0.9)),
        }
        for rule, short in lacking.items()
    )


def bearable(response: Response, levels: tuple[float, ...] = (0.5, 0.8, 0.9)) -> pd.DataFrame:
    """The target that each province meets with a chance (province × chance), per cent; NaN outside the grid.

    A deeper target calls forth more effort, so this is the target at which the chance under it equals the given one.
    """
    table = {
        level: np.where(inside, 100 * target, np.nan)
        for level in levels
        for target, inside in [response.fixed_point(level)]
    }
    return pd.DataFrame(table, index=pd.Index(response.provinces, name="province"))


def costs(supply: Supply, targets: pd.DataFrame) -> pd.DataFrame:
    """Net cost of meeting each target with the cheapest levers (province × rule), billion yuan of 2005 a year.

    targets: per cent, province × rule. Where all levers together do not reach a target the cost is that of all of them;
    `priced` counts such provinces.
    """
    found = {str(rule): supply.cost(_fractions(supply, column))[0] for rule, column in targets.items()}
    return pd.DataFrame(found, index=pd.Index(supply.provinces, name="province"))


def priced(supply: Supply, targets: pd.DataFrame) -> pd.DataFrame:
    """One row per rule: what its targets cost the nation, who pays most, and how many provinces no lever brings there.

    Columns: rule, net_cost (billion yuan of 2005 in the plan's last year), highest_cost with its province, out_of_reach
    (provinces whose target lies beyond all levers of the full mix), unneeded (provinces that need none).
    """
    rows = []
    for rule, column in targets.items():
        target = _fractions(supply, column)
        cost, reached = supply.cost(target)
        known = np.isfinite(target)
        highest = int(np.nanargmax(cost))
        rows.append(
            {
                "rule": rule,
                "net_cost": float(np.nansum(cost)),
                "highest_cost": float(cost[highest]),
                "highest_in": supply.provinces[highest],
                "out_of_reach": int((known & ~reached).sum()),
                "unneeded": int((known & (target <= supply.base)).sum()),
            }
        )
    return pd.DataFrame(rows)


def _fractions(supply: Supply, targets: "pd.Series[float]") -> Array:
    return targets.reindex(list(supply.provinces)).to_numpy(float) / 100
