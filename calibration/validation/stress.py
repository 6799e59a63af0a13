"""Dependence of a verdict on conventions: the baseline under other vintages and accounting rules.

Each switch is a way in which the figures of the same years were, or could have been, recorded:

- second-hand totals: total energy from second-hand tables that mix original and revised years province by province
  (vintage `mixed`); the provinces are fitted again.
- census revision: total energy raised by a part that grows from zero in the base year to CENSUS in the last fitted
  year, as a census does that finds energy use missed since the census before; fitted again.
- electricity at heat value: total energy counts electricity at its heat content instead of the average thermal
  plant's coal use; nothing is fitted again, and the same runs are counted differently.

The result is the chance and the verdict of every province on its target of the 12th plan.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
import pandas as pd
import xarray as xr

from calibration import assumptions, baseline, discrepancy, fit, inputs, posterior
from calibration.likelihood import likelihood
from calibration.members import run as run_members
from models import PROVINCE
from sim import Model

AS_CALIBRATED = "as calibrated"
HEAT_VALUE = "electricity at heat value"
CENSUS = 0.05  # assumption: the size of the second census' revision of GDP, 4-5 % of that year
START, END = 2010, 2015
OUTPUTS = (
    "reported energy intensity",
    "total energy",
    "gdp",
    "power input",
    "electricity use",
    "heat content of electricity",
)

Switch = Callable[[xr.Dataset], xr.Dataset]


def second_hand(measured: xr.Dataset) -> xr.Dataset:
    """Total energy of the fitted years from the table of mixed vintages, where it has a figure."""
    mixed = measured["energy_total_mixed"]
    use = mixed.notnull() & (mixed["year"] <= START)
    return measured.assign(energy_total=mixed.where(use, measured["energy_total"]))


def census(measured: xr.Dataset) -> xr.Dataset:
    """Total energy raised by a part that grows to CENSUS in the last fitted year."""
    year = measured["year"]
    grown = CENSUS * ((year - inputs.BASE) / (START - inputs.BASE)).clip(0, 1)
    return measured.assign(energy_total=measured["energy_total"] * (1 + grown))


SWITCHES: Mapping[str, Switch] = {"second-hand totals": second_hand, "census revision": census}


def verdicts(
    policy: Mapping[str, xr.DataArray] | None = None, members: int = 200, seed: int = 1,
    progress: Callable[[str], None] = lambda text: None,
) -> pd.DataFrame:  # fmt: skip
    """Chance and verdict of every province under each switch.

    A verdict is "met" when the chance is at least one half. The chance includes the yearly shocks of the error model.

    Args:
        policy: the model's inputs of a policy mix; by default none.
        members: number of members.
        seed: seed of draws and shocks.
        progress: called with a sentence before each fit.

    Returns:
        Columns switch, province, target and reduction (median) in per cent, chance, verdict, and changed (whether the
        verdict differs from that as calibrated).
    """
    shipped = posterior.load()
    measured = baseline.load()
    runs = {AS_CALIBRATED: _run(shipped, measured, policy or {}, members, seed)}
    for name, switch in SWITCHES.items():
        progress(f"fitting again: {name}")
        other = switch(measured)
        runs[name] = _run(refitted(shipped, other), other, policy or {}, members, seed)
    reductions = {name: _reduction(run["reported energy intensity"]) for name, run in runs.items()}
    reductions[HEAT_VALUE] = _reduction(_at_heat_value(runs[AS_CALIBRATED]))
    shocks = discrepancy.from_attrs(shipped).sample(range(members), shipped.sizes["province"], END - START, seed)[
        ..., -1
    ]
    return verdict_table(reductions, np.exp(shocks))


def refitted(shipped: xr.Dataset, measured: xr.Dataset) -> xr.Dataset:
    """The shipped draws, moved by the change of the optimum when the provinces are fitted to other measurements."""
    last = int(shipped.attrs["last year fitted"])
    problem, prior = assumptions.restore(shipped)
    other = replace(
        problem, inputs={**problem.inputs, **inputs.params(measured, last)}, likelihood=likelihood(measured, last=last)
    )
    found = fit.maximise(fit.residuals(other, prior), prior, shipped["optimum"].values[None])
    moved = shipped["draws"] + xr.DataArray(found.values - shipped["optimum"].values, dims=("province", "parameter"))
    return shipped.assign(draws=moved.clip(shipped["low"], shipped["high"]).transpose(*shipped["draws"].dims))


def _run(
    shipped: xr.Dataset, measured: xr.Dataset, policy: Mapping[str, xr.DataArray], members: int, seed: int
) -> xr.Dataset:
    given = inputs.params(measured, int(shipped.attrs["last year fitted"]))
    design = posterior.design(members, seed, inputs=given, posterior=shipped)
    return run_members(Model.load(PROVINCE), design, {**given, **policy}, OUTPUTS, [START, END])


def _at_heat_value(run: xr.Dataset) -> xr.DataArray:
    """Energy intensity with electricity at its heat content, so that the losses stay with the power plant."""
    calorific = run["electricity use"] * run["heat content of electricity"]
    return (run["total energy"] - run["power input"] + calorific) / run["gdp"]


def _reduction(intensity: xr.DataArray) -> xr.DataArray:
    values = intensity.transpose("member", "province", "year")
    return values.sel(year=END) / values.sel(year=START)


def verdict_table(ratios: Mapping[str, xr.DataArray], shocks: np.ndarray) -> pd.DataFrame:
    """The table of `verdicts`, from ratios of final to first intensity (member, province) and shocks as factors."""
    target = 100 * inputs.target_reduction().sel(plan="p12")
    parts = []
    for name, ratio in ratios.items():
        reduction = 100 * (1 - ratio * shocks)
        chance = (reduction >= target).mean("member")
        columns = {
            "province": target["province"].values,
            "target": target.values,
            "reduction": reduction.median("member").values,
            "chance": chance.values,
            "verdict": np.where(chance >= 0.5, "met", "missed"),
        }
        parts.append(pd.DataFrame({"switch": name, **columns}))
    first = parts[0]["verdict"]
    return pd.concat([part.assign(changed=part["verdict"] != first) for part in parts], ignore_index=True)


def summary(table: pd.DataFrame) -> pd.DataFrame:
    """Summary of the verdicts, one row per switch.

    Returns:
        Columns switch, met (number of provinces with a chance of at least one half), mean_chance (over provinces),
        changed and provinces (number and names of those whose verdict changes), mean_change and largest_change (of the
        median reduction, percentage points).
    """
    first = table[table["switch"] == AS_CALIBRATED].set_index("province")
    rows = []
    for name, part in table.groupby("switch", sort=False):
        move = part.set_index("province")["reduction"] - first["reduction"]
        changed = list(part.loc[part["changed"], "province"])
        met = int((part["verdict"] == "met").sum())
        rows.append((name, met, part["chance"].mean(), len(changed), ", ".join(changed), move.mean(), move.abs().max()))
    columns = ["switch", "met", "mean_chance", "changed", "provinces", "mean_change", "largest_change"]
    return pd.DataFrame(rows, columns=columns)
