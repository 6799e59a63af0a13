"""The same members under any target and any policy, for solvers and for rules that call the model.

A run answers for the allocations and mixes that its study names. A solver asks for others, again and again; it wants
few outputs, and the same draws of parameters and predictive errors each time, so that differences are paired.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from calibration import members
from experiments.ensemble import outputs
from experiments.ensemble.batches import BATCH
from experiments.ensemble.triggers import Observed, scenario
from experiments.installation import Installation, ScenarioInputs
from experiments.policy.mix import DELIVERY
from experiments.study.schema import Study
from models.indicators import Indicator
from models.reading.faults import refuse
from models.reading.names import choose

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
        """Log error of the leading indicator by the plan's last year: (member, province)."""
        return self.error_of(self.study.target.leading)

    def error_of(self, one: Indicator) -> xr.DataArray:
        """Log error of an indicator by the plan's last year: (member, province)."""
        base, end = self.study.target.period.span
        parts = outputs.error_parts(one.variable)
        if not parts:
            where = {"member": self.members.index.to_numpy(), "province": self.provinces}
            return xr.DataArray(np.zeros((len(self.members), len(self.provinces))), where, ("member", "province"))
        every = self.system.errors(self.study, self.members.index.to_numpy())
        return members.error_of_change(every, parts, base, end)

    def params(self, mix: str, target: Array | None = None) -> dict[str, xr.DataArray]:
        """The model's parameters under a mix and a cut of energy per GDP (province, fraction) or the study's own."""
        mix = choose(mix, [str(label) for label in self.inputs.mix["mix"].to_numpy()], "mix of the study")
        label = self.study.allocations[0].label
        return self.with_target(self.scenario(label, mix), target)

    def scenario(self, allocation: str, mix: str) -> dict[str, xr.DataArray]:
        """The model's parameters under an allocation and mix of the study, a mix's triggers applied to the members.

        Triggers read the path to the study's own targets; levers that rise have a dim `member`.
        """
        errors = lambda: self.system.errors(self.study, self.members.index.to_numpy())  # noqa: E731
        observed = Observed(self.study, self.inputs, self.system.simulate, self.members, allocation, errors)
        return dict(scenario(observed, mix))

    def with_target(self, params: Params, target: Array | None) -> dict[str, xr.DataArray]:
        """The parameters with another target of the judged plan, a cut of energy per GDP (province, fraction)."""
        if target is None:
            return dict(params)
        asked = params["target reduction"].transpose("province", "plan").copy()
        asked.loc[{"plan": self.study.target.plan}] = target
        return {**params, "target reduction": asked}

    def with_goal(self, params: Params, goal: Array) -> dict[str, xr.DataArray]:
        """The parameters when the leading indicator has this target (province, fraction) instead of the study's.

        Effort responds to a target of energy per GDP, and to one of CO2 per GDP in a plan without an energy target; any
        other target induces no effort.
        """
        one, period = self.study.target.leading, self.study.target.period
        if one.key == "energy_intensity":
            return self.with_target(params, goal)
        name = "carbon target reduction"
        if one.kind != "cut" or np.isfinite(period.energy_target) or name not in params:
            return dict(params)
        asked = params[name].transpose("province", "plan").copy()
        asked.loc[{"plan": period.key}] = goal
        return {**params, name: asked}

    def reduction(self, params: Params) -> xr.DataArray:
        """Simulate the reduction that the leading indicator achieves, with the predictive error.

        Args:
            params: inputs of the model, as from `params`.

        Returns:
            (member, province), a fraction (attribute units: "1"), where `Run.metrics` stores per cent (units: "%"). For
            energy intensity it is the fall of the reported intensity over the plan. A member with a value that is not
            finite is NaN throughout.

        Raises:
            InputError: a parameter that is also drawn for each member.
        """
        return self.achieved(params, [self.study.target.leading])[self.study.target.indicators[0]]

    def reduction_with_nation(self, params: Params) -> Array:
        """`reduction` with the sum of the provinces in a last column: (member, province and nation)."""
        base, end = self.study.target.period.span
        lead = self.study.target.leading
        results = self.results(params, [lead.variable, *sorted(outputs.weights([lead.variable]))])
        errors = self.system.errors(self.study, self.members.index.to_numpy())
        seen = outputs.with_nation(outputs.with_error(results, errors), [lead.variable])[lead.variable]
        series = seen.transpose("member", "province", "year").sel(year=[base, end]).to_numpy()
        value = series[..., 1] if lead.is_share else 1 - series[..., 1] / series[..., 0]
        return np.asarray(np.where(np.isfinite(value).all(axis=1, keepdims=True), value, np.nan), dtype=float)

    def achieved(self, params: Params, asked: Sequence[Indicator]) -> dict[str, xr.DataArray]:
        """Simulate what indicators achieve with the predictive error (see `outputs.achieved`).

        Args:
            params: inputs of the model, as from `params`.
            asked: indicators.

        Returns:
            Indicator → (member, province), a fraction (attribute units: "1").

        Raises:
            InputError: a parameter that is also drawn for each member.
        """
        where = {"member": self.members.index.to_numpy(), "province": self.provinces}
        names = [*dict.fromkeys(one.variable for one in asked)]
        results = self.results(params, names)
        found = {}
        for one in asked:
            series = results[one.variable].transpose("member", "province", "year").to_numpy()
            error = (self.errors if one is self.study.target.leading else self.error_of(one)).to_numpy()
            base, end = self.study.target.period.span
            value = members.achieved(series[:, :, 0], series[:, :, -1], one.kind, years=end - base, error=error)
            value[~np.isfinite(value).all(axis=1)] = np.nan
            attrs = {"units": "1", "long_name": f"{one.key} achieved over the plan, fraction"}
            found[one.key] = xr.DataArray(value, where, ("member", "province"), "achieved", attrs)
        return found

    def results(self, params: Params, wanted: Sequence[str], years: Sequence[int] | None = None) -> xr.Dataset:
        """Outputs of every member, without predictive error: (member, province, …, year); plan's ends by default."""
        return xr.concat(list(self.batches(params, wanted, years)), "member")

    def batches(
        self, params: Params, wanted: Sequence[str], years: Sequence[int] | None = None, size: int = BATCH
    ) -> Iterator[xr.Dataset]:
        """`results` in pieces of so many members, so that memory stays bounded."""
        base, end = self.study.target.period.span
        asked = list(years or (base, end))
        self._refuse_clash(params)
        for start in range(0, len(self.members), size):
            part = self.members.iloc[start : start + size]
            yield self.system.simulate(part, params, list(wanted), asked)

    def _refuse_clash(self, params: Params) -> None:
        """Raise InputError where a column of the members would silently override a user's parameter.

        The study's own inputs are exempt: calibrated parameters replace measured inputs, and the members draw the
        delivery of a mix that gives none.
        """
        drawn = {str(column).partition("[")[0] for column in self.members.columns} - set(DELIVERY)
        common = self.inputs.common
        clash = [
            str(name)
            for name in sorted(set(params) & drawn)
            if name not in common or not np.array_equal(params[name].broadcast_like(common[name]), common[name])
        ]
        refuse(
            f"params: {name!r} is also drawn for each member (a column of `members`), which would win; leave it out of "
            f"`params`, or fix it with open_ensemble(…, parameters={{{name!r}: …}})"
            for name in clash
        )


def chances(futures: Ensemble, mix: str, target: Array) -> Array:
    """Share of members that meet `target` (province, fraction) when every province has its own: the exact check."""
    reduction = futures.reduction(futures.params(mix, target)).to_numpy()
    known = np.isfinite(reduction)
    return np.asarray((known & (reduction >= target)).sum(axis=0) / np.maximum(known.sum(axis=0), 1))
