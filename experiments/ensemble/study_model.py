"""The model of a study for allocation rules: the response of its members to targets, and the cost of its levers."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import xarray as xr

from calibration.members import quantiles
from experiments.allocation import base_state
from experiments.allocation.allocate import carbon_content_cut
from experiments.allocation.indicators import known_plan
from experiments.allocation.response import CostCurve, Response, Supply
from experiments.ensemble.core import Array, Ensemble, Params
from experiments.ensemble.member_design import design
from experiments.ensemble.scenario import prepare
from experiments.installation import Installation, ProvinceModel, checksums, model_texts, predictive_errors
from experiments.study.schema import AllocationChoice, MixChoice, Study, Target

GRID = (0.005, 0.02, *(round(0.04 + 0.02 * k, 2) for k in range(14)), 0.35, 0.4)
"""Targets (fractions) under which the response of reductions is simulated."""


BASE_MIX = "plan"
"""Mix under which the years to a base year that is not measured are simulated: policy as it was decided."""

ASSURED = 0.8
"""Chance with which the least-cost rule counts on a reduction."""


UNCOUNTED = "nonfossil power"
"""The lever whose saving of coal is none of total energy, which counts non-fossil power at the mean plant's coal."""
SAVED = ["saving in place", "annualised capital cost", "running cost", "energy bill saved"]
"""Outputs by lever that costs are worked out from: Mtce and billion yuan a year."""
LEAST = 1e-9
"""Saving in Mtce a year below which a lever is not used."""


@dataclass(frozen=True)
class StudyModel:
    """The model of the study that asks: its constants, its uncertain inputs, its sampling and its own mixes."""

    study: Study

    def response(self, plan: str, mix: str, members: int, seed: int, quantity: str = "energy") -> Response:
        """Reductions of the members under every target of GRID, all provinces at the same target, with errors.

        quantity: "energy" or "co2" per GDP, the latter by the metric of the plan.
        """
        return _response(*self._key(), plan, mix, members, seed, quantity)

    def cost_curve(self, plan: str, members: int, seed: int) -> CostCurve:
        """Gain and cost of the levers, from the base mix and the full mix without any target."""
        return _cost_curve(*self._key(), plan, members, seed)

    def supply(self, plan: str, members: int, seed: int, quantity: str = "energy") -> Supply:
        """What levers add to cuts of energy or CO2 per GDP, and their money, as `cost_curve` finds them."""
        return _supply(*self._key(), plan, members, seed, quantity)

    def base_state(self, plan: str, members: int, seed: int) -> xr.Dataset:
        """The members' state to the plan's base year under BASE_MIX, without errors: `base_state.WANTED`."""
        return _base_state(*self._key(), plan, members, seed)

    def ensemble(self, plan: str, mixes: Sequence[str], members: int, seed: int, quantity: str = "energy") -> Ensemble:
        """The study under another plan (12FYP, …), other mixes, another number of members and another seed.

        mixes: labels of the study's own mixes, or names of shipped ones. quantity: what its leading indicator counts.
        """
        own = {choice.label: choice for choice in self.study.mixes}
        changes = {
            "members": members,
            "seed": max(seed, 1),
            "target": Target.model_validate(
                {"plan": plan, "indicators": [leading(plan, quantity)], "national": self.study.target.national}
            ),
            "assigned": {},
            "allocations": [AllocationChoice(rule="uniform")],
            "mixes": [own.get(name, MixChoice(mix=name)) for name in mixes],
            "provinces": [],  # a rule shares out among all of them
        }
        study = self.study.model_copy(update=changes)
        model = ProvinceModel(0, texts=model_texts(study))
        return Ensemble.of(study, Installation(prepare, design, predictive_errors, model, checksums))

    def _key(self) -> tuple[str, Path]:
        """Everything on which the results depend, so that a repeated request is not simulated again."""
        return self.study.model_dump_json(), self.study.folder


def _study_of(text: str, folder: Path) -> StudyModel:
    study = Study.model_validate_json(text)
    study._folder = folder
    return StudyModel(study)


def leading(plan: str, quantity: str) -> str:
    """The indicator of energy or CO2 per GDP that a plan judges (co2_intensity_2026 in the 15th)."""
    if quantity == "energy":
        return "energy_intensity"
    carbon = [key for key in known_plan(plan).indicators if key.startswith("co2_intensity")]
    return carbon[0] if carbon else "co2_intensity"


def pressed(ensemble: Ensemble, params: Params, target: Array, quantity: str) -> Params:
    """The parameters under a target of energy or CO2 per GDP (province, fraction), with the pressure that it makes.

    CO2 presses by itself in a plan without an energy target; elsewhere by the energy target that belongs to it when CO2
    per energy falls as the plan's two national targets imply.
    """
    plan = ensemble.study.target.period
    if quantity == "energy":
        return ensemble.with_target(params, target)
    if np.isfinite(plan.energy_target):
        return ensemble.with_target(params, np.maximum(1 - (1 - target) / (1 - carbon_content_cut(plan)), 0.0))
    asked = params["carbon target reduction"].transpose("province", "plan").copy()
    asked.loc[{"plan": ensemble.study.target.plan}] = target
    return {**params, "carbon target reduction": asked}


@cache
def _response(text: str, folder: Path, plan: str, mix: str, members: int, seed: int, quantity: str) -> Response:
    ensemble = _study_of(text, folder).ensemble(plan, [mix], members, seed, quantity)
    params = ensemble.params(mix)
    provinces = len(ensemble.provinces)
    under = [
        ensemble.reduction(pressed(ensemble, params, np.full(provinces, target), quantity)).to_numpy()
        for target in GRID
    ]
    return Response(tuple(ensemble.provinces), np.array(GRID), np.stack(under))


@cache
def _base_state(text: str, folder: Path, plan: str, members: int, seed: int) -> xr.Dataset:
    ensemble = _study_of(text, folder).ensemble(plan, [BASE_MIX], members, seed)
    return ensemble.results(ensemble.params(BASE_MIX), base_state.WANTED, base_state.years(known_plan(plan)))


@cache
def _supply(text: str, folder: Path, plan: str, members: int, seed: int, quantity: str) -> Supply:
    """Base mix and full mix without a target, because effort induced by target pressure is not a priced option.

    Cuts are those that ASSURED of the members reach, costs are means. A lever's part of the gain is its part of the
    energy (or CO2) that the levers save at the end of the plan; the parts add up to what the model says of all of them
    together, so overlaps are taken out.
    """
    ensemble = _study_of(text, folder).ensemble(plan, ["base", "full"], members, seed, quantity)
    none = np.full(len(ensemble.provinces), GRID[0])
    base, full = (pressed(ensemble, ensemble.params(name), none, quantity) for name in ("base", "full"))
    low, gain = _assured(ensemble, base, full)
    levers, saving, money = _at_end(ensemble, full)
    used = saving > LEAST
    carbon = full["co2 per energy saved"].transpose("province", "lever").to_numpy()
    each = carbon if quantity == "co2" else np.array([name != UNCOUNTED for name in levers], float)
    weight = np.where(used, np.maximum(saving * each, 0.0), 0.0)
    part = weight / np.maximum(weight.sum(axis=1, keepdims=True), 1e-9)
    return Supply(tuple(ensemble.provinces), levers, low, gain[:, None] * part, money)


def _assured(ensemble: Ensemble, base: Params, full: Params) -> tuple[Array, Array]:
    """The cut that ASSURED of the members reach under the base mix, and how much more with all levers, (province,)."""
    low, high = (quantiles(ensemble.reduction(params).to_numpy(), [1 - ASSURED])[0] for params in (base, full))
    return low, high - low


def _at_end(ensemble: Ensemble, full: Params) -> tuple[tuple[str, ...], Array, Array]:
    """Levers, their saving in place and their money in the last year, means over members, (province, lever)."""
    last = ensemble.results(full, SAVED).isel(year=-1).mean("member").transpose("province", "lever")
    saving, capital, running, bill = (last[name].to_numpy() for name in SAVED)
    levers = tuple(str(name) for name in last["lever"].to_numpy())
    return levers, saving, np.where(saving > LEAST, capital + running - bill, 0.0)


@cache
def _cost_curve(text: str, folder: Path, plan: str, members: int, seed: int) -> CostCurve:
    """See `StudyModel.cost_curve`.

    Run without a target, because effort induced by target pressure is not a priced option. Reductions are those that
    ASSURED of the members reach, costs are means. A lever's part of the gain is its part of the saving in place at the
    end of the plan; the parts add up to what the model says of all together, so overlaps are taken out. Cost:
    (annuity + operation − energy bill) over saving.
    """
    ensemble = _study_of(text, folder).ensemble(plan, ["base", "full"], members, seed)
    none = np.full(len(ensemble.provinces), GRID[0])
    base, full = (ensemble.params(name, none) for name in ("base", "full"))
    low, gain = _assured(ensemble, base, full)
    levers, saving, money = _at_end(ensemble, full)
    used = saving > LEAST
    part = np.where(used, saving, 0.0) / np.maximum(saving.sum(axis=1, keepdims=True), LEAST)
    cost = np.where(used, money / np.where(used, saving, 1.0), 0.0)
    return CostCurve(tuple(ensemble.provinces), levers, low, gain[:, None] * part, cost)
