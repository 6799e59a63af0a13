"""The model behind the explorer: a few hundred members, answered while the lever moves."""

import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import pandas as pd
import xarray as xr

from calibration.places import NATION
from experiments.analyses.intervals import wilson
from experiments.ensemble.outputs import GDP, REPORTED
from experiments.explore.state import State

if TYPE_CHECKING:
    from experiments.installation import Installation, ScenarioInputs
    from experiments.study.schema import Study

Array = np.ndarray[Any, np.dtype[np.float64]]
MEMBERS = 200
FIRST_YEAR = 2005
BEYOND = 0  # years computed beyond the year of the target
LEVELS = (0.025, 0.1, 0.25, 0.5, 0.75, 0.9, 0.975)
KEPT = 256  # answers remembered


@dataclass(frozen=True)
class Paths:
    """Reported energy intensity, kgce/yuan: values (region, member, year), the nation last; failed members are NaN."""

    values: Array

    def quantiles(self) -> Array:
        """(level, region, year) over the members that did not fail."""
        ordered = np.sort(self.values, axis=1)
        n = np.isfinite(self.values).all(axis=2).sum(axis=1)  # (region,)
        at = np.maximum(n - 1, 0)[None] * np.array(LEVELS)[:, None]
        low, high = np.floor(at).astype(int), np.ceil(at).astype(int)
        rows = np.arange(len(ordered))[None]
        below, above = ordered[rows, low], ordered[rows, high]
        return np.asarray(below + (at - low)[..., None] * (above - below))


class Simulator(Protocol):
    """The model as the explorer runs it: what differs by member is made once, the levers change at each move."""

    def members(
        self, design: pd.DataFrame, params: Mapping[str, xr.DataArray]
    ) -> tuple[xr.Dataset, dict[str, xr.DataArray]]:
        """What differs by member, and what is common to all."""

    def results(
        self, members: xr.Dataset, common: Mapping[str, xr.DataArray], outputs: Sequence[str], years: Sequence[int]
    ) -> xr.Dataset:
        """Outputs (member, province, time)."""


@dataclass(frozen=True)
class Live:
    """One study ready to be moved: answers a `State`.

    system, simulator: data and model; study: its sampling, seed, plan and allocation rules; mix: label of the mix from
    which the levers start. One computation at a time: the engine has its own threads.
    """

    system: "Installation"
    simulator: Simulator
    study: "Study"
    mix: str
    _answers: OrderedDict[str, dict[str, Any]] = field(default_factory=OrderedDict, repr=False)
    _busy: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @cached_property
    def inputs(self) -> "ScenarioInputs":
        """What all members have in common."""
        return self.system.inputs(self.study)

    def members(
        self, rule: str, mix: str, assumptions: Mapping[str, float]
    ) -> tuple[xr.Dataset, dict[str, xr.DataArray]]:
        """What differs by member, and what is common; an assumption that is held moves what was calibrated with it."""
        key = f"members {rule!r} {mix!r} {sorted(assumptions.items())}"
        if key not in self._answers:
            held = {**self.study.parameters, **assumptions}
            free = {name: law for name, law in self.study.uncertain.items() if name not in held}
            design = self.system.design(self.study.model_copy(update={"parameters": held, "uncertain": free}))
            params = self.inputs.params(rule, mix, self.study.target.plan)
            params |= {name: xr.DataArray(float(value)) for name, value in assumptions.items()}
            self._answers[key] = {"members": self.simulator.members(design, params)}
        members, common = self._answers[key]["members"]
        return members, dict(common)

    @cached_property
    def years(self) -> list[int]:
        """First year of the model … year of the target."""
        return list(range(FIRST_YEAR, self.plan[1] + BEYOND + 1))

    @property
    def plan(self) -> tuple[int, int]:
        """Base year and year of the target."""
        return self.study.target.period.span

    @cached_property
    def rules(self) -> list[str]:
        """Labels of the study's allocation rules."""
        return [choice.label for choice in self.study.allocations]

    @cached_property
    def provinces(self) -> list[str]:
        """The simulated provinces in the model's order."""
        return [str(name) for name in self.inputs.mix["lever strength"].province.values]

    @cached_property
    def levers(self) -> list[str]:
        """The model's levers."""
        return [str(name) for name in self.inputs.mix["lever strength"].lever.values]

    def strength(self, mix: str) -> Array:
        """A mix's lever strength (province, lever)."""
        values = self.inputs.mix["lever strength"].sel(mix=mix)
        return np.asarray(values.transpose("province", "lever").values, dtype=float)

    @cached_property
    def factors(self) -> tuple[Array, Array]:
        """Predictive errors as factors on intensity and on GDP, each (province, member, year)."""
        log = self.system.errors(self.study, np.arange(self.study.members))
        log = log.reindex(year=self.years, method="ffill").fillna(0.0).sel(province=self.provinces)
        logs = (log[name].transpose("province", "member", "year").values for name in ("intensity", "growth"))
        intensity, gdp = (np.asarray(np.exp(values), dtype=float) for values in logs)
        return intensity, gdp

    def targets(self, rule: str) -> Array:
        """Target (region), per cent; the nation's last."""
        values = self.inputs.allocation["target"].sel(allocation=rule)
        found = values.sel(province=self.provinces).values.astype(float)
        national = float(values.sel(province=NATION)) if NATION in values.province else float("nan")
        return np.append(found, national if np.isfinite(national) else self.study.target.national)

    def strengths(self, state: State) -> Array:
        """Lever strength (province, lever) that the state asks for."""
        values = self.strength(self.mix).copy()
        rows = slice(None) if state.where == NATION else self.provinces.index(state.where)
        for lever, strength in state.levers.items():
            values[rows, self.levers.index(lever)] = strength
        return values

    def paths(self, rule: str, strength: Array, assumptions: Mapping[str, float], mix: str) -> Paths:
        """Run the members. mix: the one whose schedule and delivery hold."""
        members, common = self.members(rule, mix, assumptions)
        like = common["lever strength"].transpose("province", "lever")
        common["lever strength"] = like.copy(data=strength)
        found = self.simulator.results(members, common, [REPORTED, GDP], self.years)
        ordered = found[[REPORTED, GDP]].sel(province=self.provinces).transpose("province", "member", "time")
        intensity, gdp = (ordered[name].values * by for name, by in zip((REPORTED, GDP), self.factors, strict=True))
        nation = (intensity * gdp).sum(axis=0) / gdp.sum(axis=0)
        values = np.concatenate([intensity, nation[None]])
        broken = ~np.isfinite(values).all(axis=2)
        values[broken] = np.nan
        return Paths(values)

    def answer(self, state: State) -> dict[str, Any]:
        """What the page shows: verdicts of all regions, their bands, and the four lines.

        Keys: verdicts (columns by region), bands (level, region, year), lines (name → region, year); the lines are
        default and modified assumptions, each with and without policy, present where they differ from each other.
        """
        key = state.model_dump_json()
        with self._busy:
            if key in self._answers:
                self._answers.move_to_end(key)
                return self._answers[key]
            found = self._compute(state)
            self._answers[key] = found
            while len(self._answers) > KEPT:
                self._answers.popitem(last=False)
        return found

    def _compute(self, state: State) -> dict[str, Any]:
        moved = self.paths(state.rule, self.strengths(state), state.assumptions, self.mix)
        quantiles = moved.quantiles()
        median = LEVELS.index(0.5)
        lines = {"policy": quantiles[median], "none": self._without(state.rule, {})}
        if state.assumptions:
            lines["modified policy"] = lines["policy"]
            lines["policy"] = self._default(state)
            lines["modified none"] = self._without(state.rule, state.assumptions)
        return {
            "members": int(np.isfinite(moved.values[-1, :, -1]).sum()),
            "verdicts": verdicts(moved, self.targets(state.rule), self.years, self.plan),
            "bands": np.round(quantiles, 5).tolist(),
            "lines": {name: np.round(values, 5).tolist() for name, values in lines.items()},
        }

    def _default(self, state: State) -> Array:
        """Medians (region, year) of the same levers under the study's own assumptions."""
        return self._remembered("policy", state.rule, self.strengths(state), {}, self.mix)

    def _without(self, rule: str, assumptions: Mapping[str, float]) -> Array:
        """Medians (region, year) without new policy."""
        nothing = np.zeros((len(self.provinces), len(self.levers)))
        return self._remembered("none", rule, nothing, assumptions, self.mix)

    def _remembered(self, name: str, rule: str, strength: Array, assumptions: Mapping[str, float], mix: str) -> Array:
        """Medians that do not change while other things move."""
        key = repr((name, rule, strength.tobytes(), sorted(assumptions.items()), mix))
        if key not in self._answers:
            medians = self.paths(rule, strength, assumptions, mix).quantiles()[LEVELS.index(0.5)]
            self._answers[key] = {"medians": medians}
        return np.asarray(self._answers[key]["medians"])


def verdicts(paths: Paths, targets: Array, years: list[int], plan: tuple[int, int]) -> dict[str, list[float | None]]:
    """Columns by region: target, chance with its 95 % interval, margin (10, 50, 90 % quantile), reduction, level."""
    from experiments.analyses.feasibility import RED_BEYOND

    base, end = years.index(plan[0]), years.index(plan[1])
    reduction = 100 * (1 - paths.values[:, :, end] / paths.values[:, :, base])  # (region, member)
    known = np.isfinite(reduction)
    n = known.sum(axis=1)
    met = (np.where(known, reduction, -np.inf) >= targets[:, None]).sum(axis=1)
    low, high = wilson(met, n)
    enough = n > 0
    margin = np.full((3, len(targets)), np.nan)
    for region in np.flatnonzero(enough):
        margin[:, region] = np.quantile(reduction[region, known[region]], [0.1, 0.5, 0.9]) - targets[region]
    level = np.where(margin[1] >= 0, 3, np.where(margin[1] >= -RED_BEYOND * targets, 2, 1)).astype(float)
    columns = {
        "target": targets,
        "chance": met / np.where(enough, n, 1),
        "low": low,
        "high": high,
        "margin_10": margin[0],
        "margin": margin[1],
        "margin_90": margin[2],
        "reduction": margin[1] + targets,
        "level": np.where(enough, level, 0),
    }
    return {name: [round(float(v), 4) if np.isfinite(v) else None for v in values] for name, values in columns.items()}
