"""Levers that rise where a plan falls behind: adaptive policies, member by member.

A mix may say: if in 2013 a province is behind its path by more than a point, then the lever rises to full strength from
2014 (adaptation tipping points and signposts: Kwadijk et al. 2010, WIREs Climate Change 1; Haasnoot et al. 2013, Global
Environmental Change 23, 485-498, dynamic adaptive policy pathways; Walker et al. 2001, EJOR 128). The model stays as
it is: the members run to the year that is read, without the trigger; whoever is behind gets the lever as a series over
time; all run again with the same draws. Until the lever rises, a member is bit by bit that of the run without trigger.

What is read is the leading indicator with its predictive error, as statistics would show it, against the even path to
the target (20 % of it due after one year of five).
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from calibration.members import achieved
from calibration.places import NATION
from experiments.ensemble import outputs
from experiments.installation import ScenarioInputs, Simulate
from experiments.policy.mix import STRENGTH, Trigger, stored
from experiments.study.schema import Study

Array = NDArray[np.float64]
Params = Mapping[str, xr.DataArray]
START, PHASE = "lever start", "lever phase in"


@dataclass(frozen=True)
class Observed:
    """The members whose paths a trigger reads, with all that is needed to read them.

    study, inputs, simulate: of the run; design: the members; allocation: label of the targets; errors: log errors of
    these members (`intensity`, `growth`, `carbon` by member, province and year).
    """

    study: Study
    inputs: ScenarioInputs
    simulate: Simulate
    design: pd.DataFrame
    allocation: str
    errors: Callable[[], xr.Dataset]

    def behind(self, params: Params, year: int) -> xr.DataArray:
        """Points by which the leading indicator lies behind its path in a year: (member, province), nation last.

        Negative: ahead. NaN where there is no target or the member failed.
        """
        base, end = self.study.target.period.span
        lead = self.study.target.leading
        names = [lead.variable, *sorted(outputs.weights([lead.variable]))]
        found = self.simulate(self.design, params, names, [base, year])
        seen = outputs.with_nation(outputs.with_error(found, self.errors()), [lead.variable])[lead.variable]
        first, last = (seen.sel(year=at, drop=True) for at in (base, year))
        due = (year - base) / (end - base)
        fall = achieved(first, last, lead.kind, due=due, years=year - base)
        goal = self.inputs.allocation["target"].sel(allocation=self.allocation, drop=True)
        return (due * goal - 100 * fall).transpose("member", "province")


def with_triggers(mixes: xr.Dataset) -> list[str]:
    """Labels of the mixes that have triggers; mixes: as a run stores them."""
    specs = json.loads(mixes.attrs.get("specs", "{}"))
    return [str(label) for label, spec in specs.items() if spec.get("triggers")]


def of_mix(inputs: ScenarioInputs, mix: str) -> list[Trigger]:
    """The triggers of a mix of a run, by year."""
    if mix not in with_triggers(inputs.mix):
        return []
    return sorted(stored(inputs.mix, mix).spec.triggers, key=lambda one: one.year)


def applied(params: Params, triggers: Sequence[Trigger], observed: Observed, reach: xr.DataArray) -> Params:
    """The parameters with the levers raised that each member's path has triggered.

    Args:
        params: of the mix without its triggers.
        triggers: by year; a later one sees what an earlier one did.
        observed: the members.
        reach: (province, lever), 1 where a province has an object for the lever, else less.

    Returns:
        the same with `lever strength` by time and member (time, member, province, lever) where there are triggers.
    """
    given: Params = params
    for one in triggers:
        behind = observed.behind(given, one.year)
        places = given[STRENGTH]["province"]
        fired = behind.sel(province=NATION, drop=True) if one.of == "nation" else behind.sel(province=places)
        given = _raised(given, one, fired > one.behind, reach.sel(province=places))
    return given


def _raised(params: Params, one: Trigger, fired: xr.DataArray, reach: xr.DataArray) -> Params:
    """The parameters with one trigger's levers raised where it fired (member, [province])."""
    before = params[STRENGTH]
    if "time" not in before.dims:
        before = before.expand_dims(time=[float(one.start)])
    times = sorted({*map(float, before["time"].to_numpy()), float(one.start), one.start + one.phase_in})
    if before.sizes["time"] > 1:
        known = before["time"].to_numpy()
        held = before.interp(time=np.clip(times, known[0], known[-1])).assign_coords(time=times)
    else:
        held = before.isel(time=0, drop=True).expand_dims(time=times)
    wanted = xr.zeros_like(reach)
    for lever, strength in one.levers.items():
        wanted.loc[{"lever": lever}] = strength.value * reach.sel(lever=lever)
    time = xr.DataArray(times, {"time": times}, "time")
    grown = ((time - one.start) / one.phase_in).clip(0, 1)
    risen = held + grown * (np.maximum(held, wanted) - held)
    series = risen.where(fired, held).transpose("time", "member", "province", "lever")
    start, phase = params[START].copy(), params[PHASE].copy()
    idle = [lever for lever in one.levers if not bool((before.sel(lever=lever) > 0).any())]
    for lever in idle:  # of a lever that the mix leaves alone the schedule is the trigger's
        start.loc[{"lever": lever}], phase.loc[{"lever": lever}] = one.start - 1.0, 1.0
    return {**params, STRENGTH: series, START: start, PHASE: phase}


def scenario(observed: Observed, mix: str) -> Params:
    """The model's parameters under a mix of the run, its triggers applied to the members observed."""
    params = observed.inputs.params(observed.allocation, mix, observed.study.target.plan)
    triggers = of_mix(observed.inputs, mix)
    return applied(params, triggers, observed, stored(observed.inputs.mix, mix).reach()) if triggers else params


def faults(mixes: xr.Dataset, study: Study) -> list[str]:
    """Faults of the triggers of a study's mixes: years outside its plan."""
    base, end = study.target.period.span
    specs = json.loads(mixes.attrs.get("specs", "{}"))
    return [
        f"mix {label}: triggers: got year {one['year']}, allowed: {base + 1} to {end - 1}, inside the plan"
        for label, spec in specs.items()
        for one in spec.get("triggers", [])
        if not base < one["year"] < end
    ]
