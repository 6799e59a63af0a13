"""Rules compared at both ends of the pressure share, which the data do not identify (see `allocation.pressure`)."""

from dataclasses import replace

import numpy as np
import pandas as pd
import xarray as xr

from calibration.places import NATION
from experiments.allocation.pressure import SHARES, factor, joint_slope
from experiments.analyses import feasibility, regret
from experiments.ensemble import outputs
from experiments.ensemble.batches import Job
from experiments.installation import Installation, ScenarioInputs
from experiments.runs.store import Run

MEMBERS = 200
"""Members that are run under the official targets where the run has none; the comparison is then of these."""
ENERGY_INTENSITY = "energy_intensity"
"""The indicator whose slope on official targets was learnt; runs that another one leads are not compared so."""
APART = 0.5
"""Points by which a target must differ from the official one to tell the slope of the model's answer."""


def tables(run: Run, system: Installation, weight: xr.DataArray | None = None) -> dict[str, pd.DataFrame]:
    """The comparison of a run's allocations as modelled and at each of SHARES; no rows where nothing is compared.

    pressure: the columns of `regret.table` and pressure_share (NaN: as modelled), slope (points of reduction a point
    of reassigned target), modelled_share. pressure_chances: allocation, mix, province, target, and the median
    reduction and the chance as modelled and at both ends, per cent. weight: as of `regret.table`.
    """
    if len(run.study.allocations) < 2 or run.study.target.leading.key != ENERGY_INTENSITY:
        return {"pressure": pd.DataFrame(), "pressure_chances": pd.DataFrame()}
    metrics = run.metrics("reduction", "target", members=feasibility.LOOKED_AT)
    official, goal = official_reductions(run, system, metrics)
    metrics = metrics.sel(member=official["member"])
    slope = reassigned_slope(metrics, official, goal)
    joint = joint_slope(run.study.target.period.base_year)
    at = {np.nan: metrics}
    at |= {share: at_factor(metrics, official, factor(share, slope, joint)) for share in SHARES}
    national = float(metrics["target"].sel(province=NATION).isel(allocation=0))
    slopes = {share: slope if np.isnan(share) else joint * share for share in at}
    rows = [
        regret.table(one, national, weight).assign(
            pressure_share=share, slope=slopes[share], modelled_share=slope / joint
        )
        for share, one in at.items()
    ]
    return {"pressure": pd.concat(rows, ignore_index=True), "pressure_chances": _chances(at)}


def official_reductions(run: Run, system: Installation, metrics: xr.Dataset) -> tuple[xr.DataArray, xr.DataArray]:
    """Reductions (mix, province, member) under the official targets, per cent, and those targets (province)."""
    inputs = ScenarioInputs(**run.inputs())
    known = 100 * inputs.common["target reduction"].sel(plan=run.study.target.plan, drop=True)
    goal = known.where(known > 0).reindex(province=metrics["province"].to_numpy())
    label = next((choice.label for choice in run.study.allocations if choice.rule == "official"), "")
    if label:
        stated = metrics["target"].sel(allocation=label, drop=True)
        return metrics["reduction"].sel(allocation=label, drop=True), stated.where(goal.notnull())
    first = inputs.allocation.isel(allocation=[0]).assign_coords(allocation=["official"])
    given = first["target"].where(goal.isnull(), goal).transpose(*first["target"].dims)
    given_too = {name: given for name in ("target", "pressing") if name in first}
    job = Job(
        run.study, replace(inputs, allocation=first.assign(given_too)), system.simulate, system.errors,
        system.checksums, {},
    )  # fmt: skip
    base, end = job.plan
    parts = []
    design = run.design(MEMBERS)
    for choice in run.study.mixes:
        results, error = job.results("official", choice.label, design, [], range(base, end + 1))
        parts.append(outputs.metrics(results, error, base, end, run.study.target.asked)["reduction"])
    coords = {
        "mix": [choice.label for choice in run.study.mixes],
        "province": metrics["province"].to_numpy(),
        "member": design.index.to_numpy(),
    }
    return xr.DataArray(np.stack(parts), coords, ("mix", "province", "member")), goal


def reassigned_slope(metrics: xr.Dataset, official: xr.DataArray, goal: xr.DataArray) -> float:
    """Points of reduction a point of target reassigned by the run's rules: least squares through the origin."""
    moved = (metrics["target"] - goal).where(goal.notnull())
    told = (abs(moved) >= APART) & (metrics["province"] != NATION)
    answer = (metrics["reduction"] - official).median("member").where(told)
    moved = moved.where(told)
    squares = float((moved**2 * answer.notnull()).sum())
    return float((answer * moved).sum() / squares) if squares else 0.0


def at_factor(metrics: xr.Dataset, official: xr.DataArray, by: float) -> xr.Dataset:
    """Metrics with the distance of every reduction from that under the official targets scaled."""
    reduction = metrics["reduction"]
    moved = official + by * (reduction - official)
    return metrics.assign(reduction=moved.where(official.notnull(), reduction).transpose(*reduction.dims))


def _chances(at: dict[float, xr.Dataset]) -> pd.DataFrame:
    columns = {}
    for share, metrics in at.items():
        ending = "" if np.isnan(share) else f"_{share:g}"
        known = metrics["reduction"].notnull()
        met = ((metrics["reduction"] >= metrics["target"]) & known).sum("member") / known.sum("member")
        columns[f"reduction{ending}"] = metrics["reduction"].median("member")
        columns[f"chance{ending}"] = met.where(metrics["target"].notnull())
    columns["target"] = next(iter(at.values()))["target"].broadcast_like(columns["chance"])
    data = xr.Dataset(columns).transpose("allocation", "mix", "province")
    return data.to_dataframe().reset_index()[["allocation", "mix", "province", "target", *list(columns)[:-1]]]
