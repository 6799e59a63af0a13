"""The model as a test bench for policy: any mix, the run's own members, all provinces at once.

Every comparison is paired: the same members, the same targets, another mix. The difference of two runs is the effect
of the policy, with every feedback of the model in it. One run answers for all provinces and, added up, for the nation.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from calibration.places import NATION
from calibration.prior import INDUSTRY
from experiments.analyses.policy.costs import BURNT, Booked, places
from experiments.ensemble.scenario import begun_with
from experiments.ensemble.triggers import Observed, Params, applied
from experiments.installation import ScenarioInputs, Simulate, predictive_errors
from experiments.policy.lever_costs import mean_programme
from experiments.policy.mix import Mix
from experiments.study.schema import Study

Array = NDArray[np.float64]
TOTALS = ("gdp", "total energy", "energy co2")
DETAIL = (
    *TOTALS,
    "activity",
    "final energy by fuel",
    "end use co2",
    "heat co2",
    "power co2",
    "electricity use",
    "power fuel",
    "power input",
    "heat loss",
    "other transformation",
)
BOOKED = ("saving in place", "new saving", "energy price index", "annualised policy cost")
BATCH = 512


@dataclass
class PairedRuns:
    """A study's model, members and targets, ready to be run with any mix.

    allocation: label of the targets that the provinces answer. years: those kept, from the plan's base year on.
    """

    study: Study
    inputs: ScenarioInputs
    simulate: Simulate
    design: pd.DataFrame
    allocation: str
    years: range
    _done: dict[tuple[str, tuple[str, ...]], xr.Dataset] = field(default_factory=dict, init=False, repr=False)

    @property
    def base_year(self) -> int:
        """Base year of the plan that is judged."""
        return self.study.target.period.base_year

    @property
    def provinces(self) -> list[str]:
        """The simulated provinces, in the order of every array."""
        return [str(p) for p in self.inputs.common["base gdp"]["province"].to_numpy()]

    @property
    def places(self) -> list[str]:
        """The provinces and the nation."""
        return [*self.provinces, NATION]

    def run(
        self, mix: Mix, extra: Mapping[str, xr.DataArray] | None = None, outputs: Sequence[str] = TOTALS
    ) -> xr.Dataset:
        """Outputs with dims (member, province, …, year); kept for next time, unless `extra` is given.

        extra: model inputs on top of the mix's, for experiments that no mix expresses.
        """
        if extra:
            return self._run(mix, extra, outputs, self.design, self.years)
        key = (mix.spec.model_dump_json(), tuple(outputs))
        if key not in self._done:
            self._done[key] = self._run(mix, {}, outputs, self.design, self.years)
        return self._done[key]

    def params(self, mix: Mix, extra: Mapping[str, xr.DataArray]) -> dict[str, xr.DataArray]:
        """The model's parameters under a mix, as a run of the study has them: its provinces, levers of its plan."""
        labels = self.inputs.mix["mix"].to_numpy()
        params = self.inputs.params(self.allocation, str(labels[0]), self.study.target.plan)
        left_open = {name for name in mix.uncertain() if self._drawn(name)}
        levers = begun_with(xr.Dataset(mix.params()), self.base_year).sel(province=self.provinces)
        given = {**params, **{str(name): values for name, values in levers.data_vars.items()}, **extra}
        return {name: values for name, values in given.items() if name not in left_open}

    def _run(
        self,
        mix: Mix,
        extra: Mapping[str, xr.DataArray],
        outputs: Sequence[str],
        design: pd.DataFrame,
        years: Sequence[int],
    ) -> xr.Dataset:
        given: Params = self.params(mix, extra)
        if mix.spec.triggers:
            errors = lambda: predictive_errors(self.study, design.index.to_numpy())  # noqa: E731
            observed = Observed(self.study, self.inputs, self.simulate, design, self.allocation, errors)
            given = applied(given, sorted(mix.spec.triggers, key=lambda one: one.year), observed, mix.reach())
        found = self.simulate(design, given, list(outputs), list(years))
        return found.transpose("member", "province", ..., "year", missing_dims="ignore")

    def _drawn(self, name: str) -> bool:
        return any(str(c) == name or str(c).startswith(f"{name}[") for c in self.design.columns)

    def total(self, results: xr.Dataset, name: str) -> Array:
        """A variable summed over its sectors and fuels: (member, place, year), the nation last."""
        values = results[name]
        over = [dim for dim in values.dims if dim not in ("member", "province", "year")]
        return places(values.sum(over).transpose("member", "province", "year").to_numpy())

    def booked(self, mix: Mix, design: pd.DataFrame, years: Sequence[int]) -> tuple[Booked, Array]:
        """What the model booked for the levers of a mix, and its `annualised policy cost` (member, place, year)."""
        parts = list(self._booked_batches(mix, design, years))
        given = self.params(mix, {})
        levers, names = list(mix.options.levers), list(self.provinces)

        def joined(name: str, *dims: str) -> Array:
            return np.concatenate([part[name].transpose("member", *dims, "year").to_numpy() for part in parts])

        costs = ("capital cost", "lever lifetime")
        booked = Booked(
            years=list(years),
            levers=levers,
            provinces=names,
            saving=joined("saving in place", "province", "lever"),
            new=joined("new saving", "province", "lever"),
            index=joined("energy price index"),
            rate=self._value("discount rate", design),
            programme=self._value("programme cost share", design) / mean_programme(),
            parameters={name: given[name].sel(province=names, lever=levers).to_numpy() for name in costs},
            parts=mix.option_parts().loc[names],
            plan=mix.spec.catalogue,
        )
        return booked, places(joined("annualised policy cost", "province"))

    def _booked_batches(self, mix: Mix, design: pd.DataFrame, years: Sequence[int]) -> Iterator[xr.Dataset]:
        for start in range(0, len(design), BATCH):
            yield self._run(mix, {}, BOOKED, design.iloc[start : start + BATCH], years)

    def _value(self, name: str, design: pd.DataFrame) -> Array:
        """A scalar of the model for each member: drawn, fixed by the study, or the table's."""
        from models.parameters import row

        if name in design:
            return design[name].to_numpy(float)
        given = self.inputs.common.get(name)
        value = float(given) if given is not None else float(str(row(name)["default"]))
        return np.full(len(design), value)

    def burnt(self, without: xr.Dataset, with_it: xr.Dataset) -> dict[tuple[str, str], Array]:
        """Fuel burnt less, Mtce/year, by (place of use, fuel), (member, place, year): for air and health."""
        less = without["final energy by fuel"] - with_it["final energy by fuel"]
        uses = {"industry": list(INDUSTRY), "buildings": ["services", "residential"]}
        found = {
            (use, fuel): places(
                less.sel(sector=sectors, fuel=fuel).sum("sector").transpose("member", "province", "year").to_numpy()
            )
            for use, sectors in uses.items()
            for fuel in BURNT
        }
        return found | {("power", "coal"): self.total(without, "power fuel") - self.total(with_it, "power fuel")}
