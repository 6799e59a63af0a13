"""The numbers that the explorer shows for a state: from the model's outputs to chances, margins and bands.

The page's `engine.js` repeats this on its own runs of the same members; tests hold both equal.
"""

from typing import Any

import numpy as np
import xarray as xr

from experiments.analyses import feasibility
from experiments.ensemble import outputs
from experiments.explore.members import Members
from experiments.explore.state import State

Array = np.ndarray[Any, np.dtype[np.float64]]
LEVELS = (0.025, 0.1, 0.25, 0.5, 0.75, 0.9, 0.975)
INDICATORS = ("intensity", "carbon", "energy", "co2", "cost", "gdp")
"""What the page can show by year: tce per 10⁴ yuan, t per 10⁴ yuan, Mtce, Mt, 10⁹ yuan, 10⁹ yuan of 2005."""


def paths(held: Members, results: xr.Dataset) -> dict[str, Array]:
    """Indicators (region, member, year) with predictive error; a member with a number that is not finite is NaN."""
    whole = outputs.with_nation(outputs.with_error(results, held.errors), outputs.NEEDED)
    rows = {name: whole[name].transpose("province", "member", "year").to_numpy() for name in outputs.NEEDED}
    found = {
        "intensity": rows[outputs.REPORTED],
        "carbon": rows[outputs.CO2] / rows[outputs.GDP],
        "energy": rows[outputs.ENERGY],
        "co2": rows[outputs.CO2],
        "cost": rows[outputs.COST],
        "gdp": rows[outputs.GDP],
    }
    valid = np.logical_and.reduce([np.isfinite(values).all(axis=(0, 2)) for values in found.values()])
    return {name: np.where(valid[None, :, None], values, np.nan) for name, values in found.items()}


def answer(held: Members, state: State, results: xr.Dataset | None = None) -> dict[str, Any]:
    """Every number of the page, plain data.

    Returns:
        members: how many are valid; targets (region) of what the study judges first, per cent; energy, carbon: columns
        by region of the verdict on each target (chance with its 95 % interval, margin in points with its 80 % range,
        reduction, level); joint: chance of both; yearly: chance by region and year of the plan that the year's part of
        the target is met; quantiles: indicator → (level, region, year); national: the cut that all targets amount to,
        per cent.
    """
    found = paths(held, held.results(state) if results is None else results)
    base, end = (held.years.index(year) for year in held.plan)
    targets, carbon_targets = held.targets(state), held.carbon_targets(state)
    leading, leads = held.leading_targets(state), {"energy": "intensity", "carbon": "carbon"}[held.leads]
    fall = {
        name: 100 * (1 - found[name][:, :, base + 1 : end + 1] / found[name][:, :, [base]])
        for name in ("intensity", "carbon")
    }
    valid = np.isfinite(found["intensity"][-1, :, -1])
    both = (fall["intensity"][:, :, -1] >= targets[:, None]) & (fall["carbon"][:, :, -1] >= carbon_targets[:, None])
    due = leading[:, None] * np.array(feasibility.PROGRESS)
    yearly = np.where(np.isfinite(due), (fall[leads][:, valid] >= due[:, None]).mean(axis=1), np.nan)
    return {
        "members": int(valid.sum()),
        "targets": leading,
        "energy": verdict(fall["intensity"][:, :, -1], targets),
        "carbon": verdict(fall["carbon"][:, :, -1], carbon_targets),
        "joint": np.where(np.isfinite(carbon_targets + targets), both[:, valid].mean(axis=1), np.nan),
        "yearly": yearly,
        "quantiles": {name: feasibility.quantiles(values.swapaxes(1, 2), LEVELS) for name, values in found.items()},
        "national": national(held, leading),
    }


def verdict(reduction: Array, targets: Array) -> dict[str, Array]:
    """Columns by region from reductions (region, member), per cent."""
    metrics = xr.Dataset(
        {
            "reduction": (("allocation", "mix", "province", "member"), reduction[None, None]),
            "target": (("allocation", "province"), targets[None]),
        },
        {"allocation": ["one"], "mix": ["one"], "province": np.arange(len(targets))},
    )
    rows = feasibility.summary(metrics)
    level = rows["light"].map({"red": 1.0, "yellow": 2.0, "green": 3.0}).where(np.isfinite(targets), 0.0)
    columns = {"low": "chance_low", "high": "chance_high", "margin_10": "margin_10", "margin_90": "margin_90"}
    columns |= {name: name for name in ("chance", "margin", "reduction")}
    found = {name: rows[column].to_numpy(dtype=float) for name, column in columns.items()}
    rated = {name: np.where(np.isfinite(targets) | (name == "reduction"), v, np.nan) for name, v in found.items()}
    return {"target": targets, **rated, "level": level.fillna(0.0).to_numpy()}


def weights(held: Members) -> dict[str, Array]:
    """Energy (CO2 where carbon leads), GDP and growth (province) by which targets join: 0 where they are not known.

    Measured, or the members' mean state where the plan's base year is not measured.
    """
    from experiments.allocation.allocate import base_indicators
    from experiments.ensemble.study_model import StudyModel

    data = base_indicators(held.study.target.period, StudyModel(held.study))
    rows = [list(data.provinces).index(name) for name in held.provinces]
    amount = data.amount("co2" if held.leads == "carbon" else "energy")
    counted = np.isfinite(amount)
    columns = {
        "energy": np.where(counted, amount, 0.0)[rows],
        "gdp": np.where(counted, data.gdp, 0.0)[rows],
        "growth": np.asarray(data.growth_factor, dtype=float)[rows],
    }
    return {name: np.asarray(np.float32(values), dtype=float) for name, values in columns.items()}


def national(held: Members, targets: Array) -> float:
    """The nation's cut that the provinces' targets amount to, per cent, by the exact identity of the allocation."""
    from experiments.allocation.national import Weights

    return 100 * Weights(**weights(held)).aggregate(targets[:-1] / 100)
