"""The model as a test bench for policy: any mix, the run's own members, one province or all of them.

Every comparison is paired: the same members, the same targets, another mix. What two runs differ by is what the
policy did, with every feedback of the model in it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from calibration.places import NATION, choose_province
from experiments.analyses.policy.costs import BURNT, Effect
from experiments.installation import ScenarioInputs, Simulate
from experiments.policy.catalogue import Catalogue, catalogue
from experiments.policy.economics import Draw, economics, real
from experiments.policy.mix import Mix
from experiments.study.schema import Study

Array = NDArray[np.float64]
OUTPUTS = (
    "gdp",
    "total energy",
    "energy co2",
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


@dataclass
class PairedRuns:
    """A study's model, members and targets, ready to be run with any mix.

    focus: a province, or "China" for all. allocation: label of the targets that the provinces answer.
    years: those kept, from the plan's base year on.
    """

    study: Study
    inputs: ScenarioInputs
    simulate: Simulate
    design: pd.DataFrame
    focus: str
    allocation: str
    years: range
    _done: dict[str, xr.Dataset] = field(default_factory=dict, init=False, repr=False)

    def __post_init__(self) -> None:
        known = [str(p) for p in self.inputs.common["base gdp"]["province"].to_numpy()]
        self.focus = choose_province(self.focus, [*known, NATION])
        self.provinces = known if self.focus == NATION else [self.focus]

    @property
    def base_year(self) -> int:
        """Base year of the plan that is judged."""
        return self.study.target.period.base_year

    @property
    def runs(self) -> int:
        """How many mixes have been run."""
        return len(self._done)

    @property
    def options(self) -> Catalogue:
        """The catalogue."""
        return catalogue()

    def run(
        self, mix: Mix, extra: Mapping[str, xr.DataArray] | None = None, outputs: Sequence[str] = OUTPUTS
    ) -> xr.Dataset:
        """Outputs with dims (member, province, …, year) for the provinces in focus; all of them are kept for next time.

        extra: model inputs on top of the mix's, for experiments that no mix expresses.
        """
        if extra or tuple(outputs) != OUTPUTS:
            return self._run(mix, extra or {}, outputs)
        key = mix.spec.model_dump_json()
        if key not in self._done:
            self._done[key] = self._run(mix, {}, outputs)
        return self._done[key]

    def _run(self, mix: Mix, extra: Mapping[str, xr.DataArray], outputs: Sequence[str]) -> xr.Dataset:
        labels = self.inputs.mix["mix"].to_numpy()
        params = self.inputs.params(self.allocation, str(labels[0]), self.study.target.plan)
        left_open = {name for name in mix.uncertain() if self._drawn(name)}
        given = {**params, **mix.params(), **extra}
        given = {name: values for name, values in given.items() if name not in left_open}
        found = self.simulate(self.design, given, list(outputs), list(self.years))
        found = found.rename(time="year").assign_coords(year=list(self.years), member=self.design.index.to_numpy())
        return found.sel(province=self.provinces).transpose("member", "province", ..., "year")

    def _drawn(self, name: str) -> bool:
        return any(str(c) == name or str(c).startswith(f"{name}[") for c in self.design.columns)

    def total(self, results: xr.Dataset, name: str) -> Array:
        """A variable summed over the provinces in focus and over its sectors and fuels: (member, year)."""
        values = results[name]
        over = [dim for dim in values.dims if dim not in ("member", "year")]
        summed: Array = values.sum(over).transpose("member", "year").to_numpy()
        return summed

    def effect(self, without: xr.Dataset, with_it: xr.Dataset, draw: Draw) -> tuple[Effect, dict[str, Array]]:
        """What `with_it` changed against `without`: the effect, and the spending saved by fuel, Gyuan/year."""
        fuels = self.spending(without, with_it, draw)
        less = (without["final energy by fuel"] - with_it["final energy by fuel"]).sum(["province", "sector"])
        return (
            Effect(
                years=list(self.years),
                energy=self.total(without, "total energy") - self.total(with_it, "total energy"),
                co2=self.total(without, "energy co2") - self.total(with_it, "energy co2"),
                spending=np.sum(list(fuels.values()), axis=0),
                fuels={fuel: less.sel(fuel=fuel).transpose("member", "year").to_numpy() for fuel in BURNT},
            ),
            fuels,
        )

    def spending(self, without: xr.Dataset, with_it: xr.Dataset, draw: Draw) -> dict[str, Array]:
        """Energy not bought, Gyuan/year at 2005 prices, by fuel, (member, year).

        Users pay for what they use; power plants save coal only by needing less for the same electricity (what they
        burn less because users take less is already in the users' bills).
        """
        prices = economics().prices

        def price(name: str) -> Array:
            return draw(real(prices[name]))[:, None]

        less = (without["final energy by fuel"] - with_it["final energy by fuel"]).sum(["province", "sector"])
        saved = {
            fuel: less.sel(fuel=fuel).transpose("member", "year").to_numpy() * price(fuel) / 1000
            for fuel in ("coal", "oil", "gas", "heat")
        }
        power = {name: self.total(results, "electricity use") for name, results in (("0", without), ("1", with_it))}
        saved["electricity"] = (power["0"] - power["1"]) * price("electricity")
        rate = self.total(without, "power fuel") / power["0"] - self.total(with_it, "power fuel") / power["1"]
        saved["coal"] = saved["coal"] + power["1"] * rate * price("power coal") / 1000
        return saved

    def burnt(self, without: xr.Dataset, with_it: xr.Dataset) -> dict[tuple[str, str], Array]:
        """Fuel burnt less in the last year, Mtce, by (place, fuel), (member,): for air and health."""
        less = (without["final energy by fuel"] - with_it["final energy by fuel"]).isel(year=-1).sum("province")
        places = {"industry": ["heavy industry", "light industry"], "buildings": ["services", "residential"]}
        found = {
            (place, fuel): less.sel(sector=sectors, fuel=fuel).sum("sector").to_numpy()
            for place, sectors in places.items()
            for fuel in BURNT
        }
        plants = self.total(without, "power fuel") - self.total(with_it, "power fuel")
        return found | {("power", "coal"): plants[:, -1]}
