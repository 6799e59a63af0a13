"""The same members under any target and any policy: what solvers and rules built on the model need.

A run answers for the allocations and mixes that its study names. A solver asks for others, again and again; it wants
few outputs, and the same draws of parameters and predictive errors each time, so that differences are paired.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from calibration.errors import InputError, nearest
from experiments.allocation.response import CostCurve, Response
from experiments.ensemble import outputs
from experiments.ensemble.batches import BATCH
from experiments.ensemble.member_design import design
from experiments.ensemble.scenario import prepare
from experiments.installation import Installation, ProvinceModel, ScenarioInputs, checksums, predictive_errors
from experiments.study.schema import Study
from models.plans import PLANS

Array = NDArray[np.float64]
Params = Mapping[str, xr.DataArray]


@dataclass(frozen=True)
class Ensemble:
    """Members of a study, ready to be run under other targets and policies.

    members: how many of the study's members, the first so many of its design.
    """

    study: Study
    system: Installation
    inputs: ScenarioInputs
    members: pd.DataFrame

    @classmethod
    def of(cls, study: Study, system: Installation, members: int | None = None) -> "Ensemble":
        """The members that a run of the study has, or the first `members` of them."""
        return cls(study, system, system.inputs(study), system.design(study).iloc[:members])

    @property
    def provinces(self) -> list[str]:
        """The simulated provinces, in the order of every array here."""
        return [str(p) for p in self.inputs.common["province"].to_numpy()]

    @cached_property
    def errors(self) -> xr.DataArray:
        """Log error of the intensity by the plan's last year: (member, province)."""
        _, base, end = PLANS[self.study.target.plan]
        error = self.system.errors(self.study, self.members.index.to_numpy())
        at = error.reindex(year=[base, end], method="ffill").fillna(0.0)
        return (at.sel(year=end) - at.sel(year=base)).transpose("member", "province")

    def params(self, mix: str, target: Array | None = None) -> dict[str, xr.DataArray]:
        """The model's parameters under a mix and a target (province, fraction); without one, the study's first."""
        if mix not in self.inputs.mix["mix"].to_numpy():
            known = [str(m) for m in self.inputs.mix["mix"].to_numpy()]
            raise InputError(f"mix {mix!r} is not in the study{nearest(mix, known)}; it has: {', '.join(known)}")
        label = self.study.allocations[0].label
        return self.with_target(self.inputs.params(label, mix, self.study.target.plan), target)

    def with_target(self, params: Params, target: Array | None) -> dict[str, xr.DataArray]:
        """The parameters with another target of the judged plan (province, fraction)."""
        if target is None:
            return dict(params)
        asked = params["target reduction"].transpose("province", "plan").copy()
        asked.loc[{"plan": self.study.target.plan}] = target
        return {**params, "target reduction": asked}

    def reduction(self, params: Params) -> Array:
        """Fall of reported intensity over the plan with the predictive error, fraction: (member, province).

        A member that gives a value that is not finite is NaN throughout.
        """
        found = self.results(params, [outputs.REPORTED])[outputs.REPORTED].transpose("member", "province", "year")
        intensity = found.to_numpy()
        value = 1 - intensity[:, :, -1] / intensity[:, :, 0] * np.exp(self.errors.to_numpy())
        value[~np.isfinite(value).all(axis=1)] = np.nan
        return np.asarray(value, dtype=float)

    def results(self, params: Params, wanted: Sequence[str], years: Sequence[int] | None = None) -> xr.Dataset:
        """Outputs of every member, without predictive error: (member, province, …, year); plan's ends by default."""
        return xr.concat(list(self.batches(params, wanted, years)), "member")

    def batches(
        self, params: Params, wanted: Sequence[str], years: Sequence[int] | None = None, size: int = BATCH
    ) -> Iterator[xr.Dataset]:
        """`results` in pieces of so many members, so that memory stays bounded."""
        _, base, end = PLANS[self.study.target.plan]
        asked = list(years or (base, end))
        for start in range(0, len(self.members), size):
            part = self.members.iloc[start : start + size]
            found = self.system.simulate(part, params, list(wanted), asked).rename(time="year")
            yield found.assign_coords(member=part.index.to_numpy(), year=asked)


GRID = (0.005, 0.02, *(round(0.04 + 0.02 * k, 2) for k in range(14)), 0.35, 0.4)
"""Targets (fractions) under which the response of reductions is simulated."""

ASSURED = 0.8
"""Chance with which the least-cost rule counts on a reduction."""

PLAN_OF = {long: short for short, (long, _, _) in PLANS.items()}


def plan_ensemble(plan: str, mixes: Sequence[str], members: int, seed: int) -> Ensemble:
    """Members of the default study under another plan (11FYP, 12FYP, …), mixes, number and seed."""
    from experiments.installation import load_study
    from experiments.study.schema import AllocationChoice, MixChoice, Target

    known = load_study()
    changes = {
        "members": members,
        "seed": max(seed, 1),
        "target": Target.model_validate({"plan": PLAN_OF[plan], "national": known.target.national}),
        "allocations": [AllocationChoice(rule="uniform")],
        "mixes": [MixChoice(mix=name) for name in mixes],
        "parameters": {},
        "uncertain": {},
    }
    return Ensemble.of(
        known.model_copy(update=changes), Installation(prepare, design, predictive_errors, ProvinceModel(0), checksums)
    )


@cache
def response(plan: str, mix: str, members: int, seed: int) -> Response:
    """Reductions of the members under every target of GRID, all provinces at the same target, with errors."""
    futures = plan_ensemble(plan, [mix], members, seed)
    params = futures.params(str(futures.inputs.mix["mix"].to_numpy()[0]))
    provinces = len(futures.provinces)
    under = [futures.reduction(futures.with_target(params, np.full(provinces, t))) for t in GRID]
    return Response(tuple(futures.provinces), np.array(GRID), np.stack(under))


@cache
def cost_curve(plan: str, members: int, seed: int) -> CostCurve:
    """What levers add to reductions and cost, from the base mix and the full mix without any target.

    Without a target, for the pressure that one puts on offices is no measure of the catalogue and has no price there.
    Reductions are those that ASSURED of the futures reach, costs are means. A lever's part of the gain is its part of
    the saving in place at the end of the plan; the parts add up to what the model says of all together, so overlaps
    are taken out. Cost: (annuity + operation − energy bill) over saving.
    """
    futures = plan_ensemble(plan, ["base", "full"], members, seed)
    none = np.full(len(futures.provinces), GRID[0])
    base, full = (futures.params(name, none) for name in ("base", "full"))
    low, high = (np.nanquantile(futures.reduction(params), 1 - ASSURED, axis=0) for params in (base, full))
    names = ["saving in place", "annualised capital cost", "running cost", "energy bill saved"]
    last = futures.results(full, names).isel(year=-1).mean("member").transpose("province", "lever")
    saving, capital, running, bill = (last[name].to_numpy() for name in names)
    used = saving > 1e-9
    part = np.where(used, saving, 0.0) / np.maximum(saving.sum(axis=1, keepdims=True), 1e-9)
    cost = np.where(used, (capital + running - bill) / np.where(used, saving, 1.0), 0.0)
    levers = tuple(str(name) for name in last["lever"].to_numpy())
    return CostCurve(tuple(futures.provinces), levers, low, (high - low)[:, None] * part, cost)


class DefaultModel:
    """The default study's model, for rules that need one (see `allocation.response.ModelResponse`)."""

    def response(self, plan: str, mix: str, members: int, seed: int) -> Response:
        """See `response`."""
        return response(plan, mix, members, seed)

    def cost_curve(self, plan: str, members: int, seed: int) -> CostCurve:
        """See `cost_curve`."""
        return cost_curve(plan, members, seed)


def chances(futures: Ensemble, mix: str, target: Array) -> Array:
    """Share of members that meet `target` (province, fraction) when every province has its own: the exact check."""
    reduction = futures.reduction(futures.params(mix, target))
    known = np.isfinite(reduction)
    return np.asarray((known & (reduction >= target)).sum(axis=0) / np.maximum(known.sum(axis=0), 1))
