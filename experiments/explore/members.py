"""The members that the explorer holds, and how a state of its controls becomes inputs of the model.

This is the owner of what the page's `engine.js` repeats: tests hold both to the same numbers on the same members.
Values that go into the page are rounded to float32 here, so that both start from the same ones.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import xarray as xr

from calibration.members import run as run_members
from calibration.places import NATION, simulated
from experiments.ensemble import outputs
from experiments.explore.state import State

if TYPE_CHECKING:
    from experiments.installation import Installation, ScenarioInputs
    from experiments.study.schema import Study

Array = np.ndarray[Any, np.dtype[np.float64]]
MEMBERS = 200
FIRST_YEAR = 2005
BEYOND = 5  # years computed beyond the year of the target
DELIVERY = ("delivery delay", "compliance share")
OUTPUTS = outputs.NEEDED
CARBON = "carbon target reduction"
ENERGY_INTENSITY, CARBON_INTENSITY = "energy_intensity", "co2_intensity"


def rounded(values: Any) -> Array:
    """Values as the page gets them: float32."""
    return np.asarray(np.asarray(values, dtype=np.float32), dtype=float)


@dataclass(frozen=True, eq=False)
class Members:
    """A study prepared for the explorer: inputs that differ by member, and inputs that all members share.

    Attributes:
        system: data and model.
        study: its sampling, seed, plan and allocation rules; every preset is one of its mixes.
        start: label of the mix at which the explorer begins.
    """

    system: "Installation"
    study: "Study"
    start: str

    @cached_property
    def inputs(self) -> "ScenarioInputs":
        """What all members have in common."""
        return self.system.inputs(self.study)

    @cached_property
    def posterior(self) -> xr.Dataset:
        """The calibration, at its optimum alone where the study asks for no posterior."""
        from experiments.ensemble.member_design import optimum
        from experiments.installation import calibrated

        shipped, _ = calibrated(self.study.target.period.base_year)
        return shipped if self.study.sampling.posterior else optimum(shipped)

    @cached_property
    def text(self) -> str:
        """The study's own model file, empty for the shipped one. Raises InputError for several of them."""
        from experiments.installation import model_texts
        from models.reading.faults import InputError

        texts = model_texts(self.study)
        if len(texts) > 1:
            raise InputError(f"the explorer runs one model file; the study {self.study.name} has {len(texts)}")
        return texts[0]

    @property
    def model(self) -> Any:
        """The compiled model of the study."""
        from experiments.installation import compiled_model

        return compiled_model(self.text)

    @cached_property
    def names(self) -> list[str]:
        """Assumptions with one value for all elements, which move the calibrated parameters."""
        return [str(name) for name in self.posterior["assumption"].to_numpy() if name in self.drawn]

    @cached_property
    def movable(self) -> list[str]:
        """Assumptions that the page can move: those, and constants drawn element by element, moved all at once."""
        parts = [str(column).partition("[")[0] for column in self.drawn if "[" in str(column)]
        known = {str(name) for name in self.posterior["assumption"].to_numpy()}
        return [*self.names, *(name for name in dict.fromkeys(parts) if name in known)]

    @cached_property
    def drawn(self) -> pd.DataFrame:
        """Uncertain inputs of the members as the study draws them: one column per input."""
        from experiments.ensemble.member_design import assumptions, delivered, further
        from experiments.installation import narrowed

        table = assumptions(self.study, self.posterior)
        more = delivered(self.study).join(further(self.study, self.posterior, [*table.columns]))
        table = narrowed(table.join(more), self.provinces)
        there = [name for name in table if str(name).partition("[")[0] in self.model.variables]
        return pd.DataFrame({name: rounded(table[name]) for name in there})

    @cached_property
    def free(self) -> Array:
        """Free parameters before they move with the assumptions: (member, province, parameter).

        A study with constants of its own is fitted again; the result is taken back by the first order, so that it is
        the result again where no assumption is moved.
        """
        from calibration import posterior
        from calibration.assumptions import ROUNDS, refitted
        from experiments import model_file
        from experiments.ensemble.member_design import assumptions, own_constants_of
        from experiments.installation import compiled_model, model_texts

        chosen = posterior.drawn(self.posterior, self.study.members, self.study.seed)
        known = {str(name) for name in self.posterior["assumption"].to_numpy()}
        table = assumptions(self.study, self.posterior)
        whole = model_texts(self.study.model_copy(update={"provinces": []}))[0]
        if whole or self.study.parameters or set(self.study.uncertain) - known or set(table) - known:
            there = [name for name in table if str(name).partition("[")[0] in compiled_model(whole).variables]
            fixed = own_constants_of(self.study, known, whole)
            file = model_file.written(whole) if whole else None
            values = refitted(self.posterior, chosen, table[there], fixed, ROUNDS, repool=True, model=file)
            slope = self.posterior["response"].sel(assumption=self.names)
            by_name = slope.transpose("province", "parameter", "assumption").values
            chosen = values - np.einsum("pka,ma->mpk", by_name, table[self.names].to_numpy() - self.reference)
        rows = [list(self.posterior["province"].values).index(name) for name in self.provinces]
        return rounded(chosen[:, rows])

    @cached_property
    def response(self) -> Array:
        """How free parameters move with assumptions: (province, parameter, assumption)."""
        slope = self.posterior["response"].sel(assumption=self.names, province=self.provinces)
        return rounded(slope.transpose("province", "parameter", "assumption").values)

    @cached_property
    def reference(self) -> Array:
        """Values of the assumptions at which nothing is moved."""
        from calibration.assumptions import reference

        return reference(self.names)

    @cached_property
    def errors(self) -> xr.Dataset:
        """Predictive errors of logarithms (member, province, year), all years of the explorer."""
        log = self.system.errors(self.study, np.arange(self.study.members))
        log = log.reindex(year=self.years, method="ffill").fillna(0.0).sel(province=self.provinces)
        return log.transpose("member", "province", "year").map(lambda one: one.copy(data=rounded(one.values)))

    @cached_property
    def years(self) -> list[int]:
        """First year of the model … some years beyond the target."""
        return list(range(FIRST_YEAR, self.plan[1] + BEYOND + 1))

    @property
    def plan(self) -> tuple[int, int]:
        """Base year and year of the target."""
        return self.study.target.period.span

    @cached_property
    def rules(self) -> list[str]:
        """Labels of the allocation rules."""
        return [choice.label for choice in self.study.allocations]

    @cached_property
    def presets(self) -> list[str]:
        """Labels of the mixes."""
        return [choice.label for choice in self.study.mixes]

    @cached_property
    def provinces(self) -> list[str]:
        """The simulated provinces in the model's order."""
        from experiments.installation import provinces_of

        return provinces_of(self.study)

    @cached_property
    def levers(self) -> list[str]:
        """The model's levers."""
        return [str(name) for name in self.inputs.mix["lever strength"].lever.values]

    @cached_property
    def plans(self) -> list[str]:
        """The plans of the model."""
        return [str(name) for name in self.inputs.common["target reduction"]["plan"].values]

    @property
    def leads(self) -> str:
        """What the study judges first, energy or carbon: whose targets the page moves, and whose chance it shows."""
        return "carbon" if self.study.target.leading.key.startswith(CARBON_INTENSITY) else "energy"

    def targets(self, state: State) -> Array:
        """Targets of energy intensity (region), per cent, NaN where the plan has none; the nation's last."""
        if self.leads == "energy":
            return self._moved(self._indicator(state.rule, ENERGY_INTENSITY, "pressing"), state)
        asked = self._indicator(state.rule, ENERGY_INTENSITY, "target")
        return asked if ENERGY_INTENSITY in self.study.target.indicators else np.full_like(asked, np.nan)

    def carbon_targets(self, state: State) -> Array:
        """Targets of carbon intensity by the metric to 2025 (region), per cent, NaN where there is none."""
        asked = self._indicator(state.rule, CARBON_INTENSITY, "co2_target")
        return self._moved(asked, state) if self.leads == "carbon" else asked

    def leading_targets(self, state: State) -> Array:
        """Targets of what leads (region), per cent."""
        return self.carbon_targets(state) if self.leads == "carbon" else self.targets(state)

    def pressing(self, state: State) -> Array:
        """Cuts of energy intensity (province) that move effort, per cent: the targets or their substitutes."""
        name = "pressing" if "pressing" in self.inputs.allocation else "target"
        values = self._row(self.inputs.allocation[name], state.rule)
        return (self._moved(values, state) if self.leads == "energy" else values)[:-1]

    def carbon_pressing(self, state: State) -> Array:
        """Cuts of carbon intensity (province) that move effort, per cent."""
        if "carbon_pressing" not in self.inputs.allocation:
            return np.zeros(len(self.provinces))
        values = self._row(self.inputs.allocation["carbon_pressing"], state.rule)
        return (self._moved(values, state) if self.leads == "carbon" else values)[:-1]

    def _indicator(self, rule: str, begins: str, otherwise: str) -> Array:
        """Targets (region) of the indicator whose name begins so; of another column where the study has none."""
        given = self.inputs.allocation
        names = [str(key) for key in given["indicator"].values] if "indicator" in given else []
        chosen = [key for key in names if key == begins] or [key for key in names if key.startswith(begins)]
        values = given["targets"].sel(indicator=chosen[0]) if chosen else given[otherwise]
        return self._row(values, rule)

    def _row(self, values: xr.DataArray, rule: str) -> Array:
        return rounded(values.sel(allocation=rule).reindex(province=[*self.provinces, NATION]).values)

    def _moved(self, values: Array, state: State) -> Array:
        for province, value in state.targets.items():
            values[self.provinces.index(province)] = value
        return values

    def strength(self, preset: str) -> Array:
        """A mix's lever strength (province, lever)."""
        values = self.inputs.mix["lever strength"].sel(mix=preset, province=self.provinces)
        return rounded(values.transpose("province", "lever").values)

    def strengths(self, state: State) -> Array:
        """Lever strength (province, lever) that the state asks for."""
        values = self.strength(state.preset)
        for lever, strength in state.levers.items():
            values[:, self.levers.index(lever)] = strength
        for province, own in state.own.items():
            for lever, strength in own.items():
                values[self.provinces.index(province), self.levers.index(lever)] = strength
        return np.where(self.reach, values, 0.0)

    @cached_property
    def reach(self) -> np.ndarray:
        """Where a lever has something to act on: (province, lever)."""
        from experiments.policy import full_of, mix

        full = (
            mix(full_of(self.study.target.period.base_year)).strength().sel(province=self.provinces, lever=self.levers)
        )
        return np.asarray(full.transpose("province", "lever").values > 0)

    def delivery(self, preset: str) -> dict[str, Array]:
        """Delay and compliance of a mix (lever), or of the members (member) where the mix leaves them to the study."""
        from experiments.policy import mix

        found = {}
        for name in DELIVERY:
            values = self.inputs.mix[name].sel(mix=preset).values.astype(float)
            if np.isnan(values).all():
                central = mix("delivered").params()[name].values
                values = self.drawn[name].to_numpy() if name in self.drawn else central
            found[name] = rounded(values)
        return found

    def own(self, state: State) -> xr.Dataset:
        """What differs by member under a state, as the model takes it."""
        from calibration import prior
        from experiments.installation import unflat

        count = self.study.members
        held = {name: float(value) for name, value in state.assumptions.items()}
        moved = self.drawn[self.names].assign(**{name: held[name] for name in self.names if name in held})
        shift = moved[self.names].to_numpy() - self.reference
        values = self.free + np.einsum("pka,ma->mpk", self.response, shift)
        values = np.clip(values, self.posterior["low"].values, self.posterior["high"].values)
        here = {"province": self.provinces}
        inputs = {
            str(name): array.sel(here) if "province" in array.dims else array
            for name, array in self.inputs.common.data_vars.items()
        }
        found = prior.model_inputs(values, inputs)
        found = found.assign({name: ("member", moved[name].to_numpy()) for name in self.names})
        bases = {name: str(name).partition("[")[0] for name in self.drawn if name not in self.names}
        more = self.drawn[[n for n, base in bases.items() if base not in DELIVERY and base not in held]]
        more = more.assign(**{base: held[base] for base in dict.fromkeys(bases.values()) if base in held})
        dims = {name: variable.dims for name, variable in self.model.variables.items()}
        found = found.assign(unflat(more, self.model.subscripts, dims).data_vars)
        for name, given in self.delivery(state.preset).items():
            by_member = given.shape == (count,) and name in self.drawn
            full = np.broadcast_to(given[:, None] if by_member else given, (count, len(self.levers)))
            found[name] = (("member", "lever"), full)
        return found.assign_coords(member=np.arange(count), lever=self.levers)

    def common(self, state: State) -> dict[str, xr.DataArray | float]:
        """What all members share under a state."""
        own = set(self.own_names)
        params = self.inputs.params(state.rule, state.preset, self.study.target.plan)
        found: dict[str, xr.DataArray | float] = {
            name: v.sel(province=self.provinces) if "province" in v.dims else v
            for name, v in params.items()
            if name not in own and name in self.model.variables
        }
        found["lever strength"] = xr.DataArray(
            self.strengths(state), {"province": self.provinces, "lever": self.levers}, ("province", "lever")
        )
        asked = params["target reduction"].transpose("province", "plan").sel(province=self.provinces).copy()
        asked.loc[{"plan": self.study.target.plan}] = self.pressing(state) / 100
        found |= {"target reduction": asked, "FINAL TIME": float(self.years[-1])}
        if CARBON in params:
            carbon = xr.zeros_like(asked)
            carbon.loc[{"plan": self.study.target.plan}] = self.carbon_pressing(state) / 100
            found[CARBON] = carbon
        return found

    @cached_property
    def own_names(self) -> list[str]:
        """Inputs that differ by member."""
        return [str(name) for name in self.own(self.first).data_vars]

    @property
    def first(self) -> State:
        """The state in which the explorer opens."""
        return State(rule=self.rules[0], preset=self.start)

    def results(self, state: State) -> xr.Dataset:
        """The model's outputs (member, province, year), natively, without predictive error."""
        found = run_members(self.model, self.own(state), self.common(state), OUTPUTS, self.years, workers=1)
        return found.sel(province=self.provinces).transpose("member", "province", "year")


def open_members(study: "Study", system: "Installation", start: str, rules: Sequence[str] = ()) -> Members:
    """The members of a study with every preset among its mixes, and the rules that answer without a model.

    Args:
        study: gives sampling, seed and plan; its own allocations and mixes come first.
        system: data and model.
        start: label of the mix at which the explorer begins.
        rules: further rules, which need no model; those without data of the study's plan are left out.
    """
    from experiments.ensemble.targets import allocation_targets
    from experiments.policy import names
    from experiments.study.schema import AllocationChoice, MixChoice
    from models.reading.faults import InputError

    chosen = [choice.label for choice in study.mixes]
    mixes = [*study.mixes, *(MixChoice(mix=name) for name in names() if name not in chosen)]
    allocations = list(study.allocations)
    for rule in rules:
        choice = AllocationChoice(rule=rule)
        if choice.label in [one.label for one in allocations]:
            continue
        with suppress(InputError):  # no data of this plan
            allocation_targets(study, choice, simulated()[:-1], None)
            allocations.append(choice)
    return Members(system, study.model_copy(update={"mixes": mixes, "allocations": allocations}), start)
