"""The cheapest measures that bring each province its target with a chance of 80 %, for all provinces in the same runs.

Options are ordered by their net cost per unit of what the target counts, coal equivalent or CO2 (the merit order of a
province, by the account of the whole mix); they are taken one after the other, the last in part, until the chance is
reached. Every run of the model tries a position in all provinces at once, so that a bisection costs ten runs for the
thirty of them. `tanlu solve --least-cost` searches one province without an order given beforehand.

Chances rest on the members of the policy analyses, each with many draws of its predictive error (the errors do not
depend on the parameters), so that they move smoothly and the same draws are used everywhere.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from calibration import members
from experiments.analyses.policy.costs import ALL
from experiments.analyses.policy.paired_runs import PairedRuns
from experiments.ensemble import outputs
from experiments.installation import Installation
from experiments.policy.mix import Mix

Array = NDArray[np.float64]
CHANCE = 0.8
DRAWS = 16
"""Draws of the predictive error for each member."""
STEPS = 9
BEYOND = 1.25
"""Strength at which the gain of lifting a bound is tried."""
LEAST = 0.01
"""Least part of a mix's saving in a place: an option below it is not listed as a measure."""
COUNTED = {
    "energy": ("energy saved Mtce", "cumulative energy Mtce"),
    "co2": ("co2 avoided Mt", "cumulative co2 Mt"),
}
"""What a target counts → columns of the account: in the plan's last year, over the plan."""
KEPT = ("quantity million", "energy saved Mtce", "co2 avoided Mt", "investment Gyuan")
MONEY = (
    "net cost Gyuan/year",
    "net cost Gyuan/year low",
    "net cost Gyuan/year high",
    "private net cost Gyuan/year",
)


@dataclass(frozen=True)
class Chances:
    """Chances of all provinces to meet the study's leading indicator under any strengths of the levers.

    The members and errors are the same each time.
    """

    bench: PairedRuns
    params: dict[str, xr.DataArray]
    errors: Array
    target: Array

    @classmethod
    def of(cls, bench: PairedRuns, mix: Mix, system: Installation) -> "Chances":
        """For the targets that the bench's members answer, with the mix's schedules, delivery and costs."""
        base, end = bench.study.target.period.span
        numbers = np.arange(len(bench.design) * DRAWS)
        moved = np.zeros((len(numbers), len(bench.provinces)))
        every = system.errors(bench.study, numbers)
        if parts := outputs.error_parts(bench.study.target.leading.variable):
            moved = members.error_of_change(every, parts, base, end).to_numpy()
        goal = bench.inputs.allocation["target"].sel(allocation=bench.allocation, province=bench.provinces).to_numpy()
        drawn = moved.reshape(DRAWS, len(bench.design), -1)
        return cls(bench, bench.params(mix, {}), drawn, goal / 100)

    def __call__(self, strength: Array) -> Array:
        """Chance by province under `lever strength` (province, lever)."""
        return np.asarray((self.achieved(strength, self.errors) >= self.target).mean((0, 1)))

    def achieved(self, strength: Array, error: Array | float = 0.0) -> Array:
        """What the leading indicator achieves, fraction: (member, province), with `error` (draw, member, province)."""
        leading = self.bench.study.target.leading
        years = list(self.bench.study.target.period.span)
        shape = self.params["lever strength"].sel(province=self.bench.provinces).transpose("province", "lever")
        given = {**self.params, "lever strength": shape.copy(data=strength)}
        found = self.bench.simulate(self.bench.design, given, [leading.variable], years)
        values = found[leading.variable].transpose("member", "province", "year").to_numpy()
        return members.achieved(values[..., 0], values[..., 1], leading.kind, years=years[1] - years[0], error=error)


def table(
    bench: PairedRuns, mix: Mix, system: Installation, costs: pd.DataFrame, tick: Callable[[], None] = lambda: None
) -> pd.DataFrame:
    """A row for each measure of each province, in the order in which they are taken; see the module.

    Columns: province, status (needed, none needed, out of reach), rank, option, title, title_zh, package, quantity in
    real units with unit and unit_zh, savings, investment over the plan, net cost (social with range, private) a year,
    who pays, start and complete (first and last year of the phase-in), chance of the set, assumed, price_year; bound:
    the lever whose bound binds where the target is out of reach.
    """
    chances = Chances.of(bench, mix, system)
    counted = COUNTED["co2" if "co2" in bench.study.target.leading.variable else "energy"]
    order = {place: _order(costs, place, *counted) for place in bench.provinces}
    parts = mix.option_parts().loc[bench.provinces]
    full = mix.strength().sel(province=bench.provinces).transpose("province", "lever")
    levers = [str(name) for name in full["lever"].to_numpy()]
    share = {name: parts[name].to_numpy(float) for name in parts.columns}

    def strengths(position: Array) -> Array:
        found = np.zeros(full.shape)
        for i, place in enumerate(bench.provinces):
            for rank, option in enumerate(order[place]):
                found[i, levers.index(mix.options[option].lever)] += (
                    np.clip(position[i] - rank, 0, 1) * share[option][i]
                )
        return np.asarray(found * full.to_numpy())

    counts = np.array([len(order[place]) for place in bench.provinces], float)
    none, best = chances(strengths(np.zeros(len(counts)))), chances(strengths(counts))
    low, high = np.zeros(len(counts)), counts.copy()
    for _ in range(STEPS):
        middle = (low + high) / 2
        enough = chances(strengths(middle)) >= CHANCE
        low, high = np.where(enough, low, middle), np.where(enough, middle, high)
        tick()
    reached = chances(strengths(high))
    bounds = _bounds(chances, strengths(counts), best < CHANCE, levers, tick)
    rows = []
    for i, place in enumerate(bench.provinces):
        if none[i] >= CHANCE:
            rows.append(pd.DataFrame([{"province": place, "status": "none needed", "chance": none[i]}]))
        elif best[i] < CHANCE:
            head = {"province": place, "status": "out of reach", "chance": best[i], "bound": bounds[i]}
            rows.append(pd.DataFrame([head]))
        else:
            rows.append(_rows(costs, place, order[place], high[i]).assign(chance=reached[i]))
    target = dict(zip(bench.provinces, 100 * chances.target, strict=True))
    found = pd.concat(rows, ignore_index=True)
    return found.assign(price_year=2005, target=[target[place] for place in found["province"]])


def _order(costs: pd.DataFrame, place: str, yearly: str, cumulative: str) -> list[str]:
    """Options that save some of what counts in the place, the cheapest per unit of it first."""
    own = costs[(costs["province"] == place) & (costs["option"] != ALL)]
    own = own[own[yearly] > LEAST * own[yearly].clip(lower=0).sum()]
    return list(own.assign(cost=own["npv Gyuan"] / own[cumulative]).sort_values("cost")["option"])


def _rows(costs: pd.DataFrame, place: str, order: list[str], position: float) -> pd.DataFrame:
    """The measures taken in a place, the last in part."""
    own = costs[costs["province"] == place].set_index("option").loc[order[: int(np.ceil(position))]].reset_index()
    part = np.clip(position - np.arange(len(own)), 0, 1)
    heads = ["option", "title", "title_zh", "package", "unit", "unit_zh", "start", "complete"]
    payers = ["enterprises", "government", "households", "yuan per tce", "yuan per tCO2", "assumed"]
    found = own[heads + payers].copy()
    for name in (*KEPT, *MONEY):
        found[name] = own[name] * part
    found["quantity"] = 1e6 * found.pop("quantity million")
    return found.assign(province=place, status="needed", rank=np.arange(1, len(found) + 1), strength=part)


def _bounds(
    chances: Chances, strength: Array, missing: NDArray[np.bool_], levers: list[str], tick: Callable[[], None]
) -> list[str]:
    """By province, the lever whose lifting by a quarter gains most at the deciding quantile; "" where none need."""
    if not missing.any():
        return [""] * len(missing)
    best, found = np.zeros(len(missing)), [""] * len(missing)
    here = members.quantiles(chances.achieved(strength), [1 - CHANCE])[0]
    for column, lever in enumerate(levers):
        if not (strength[missing, column] > 0).any():
            continue
        lifted = strength.copy()
        lifted[:, column] *= BEYOND
        gain = members.quantiles(chances.achieved(lifted), [1 - CHANCE])[0] - here
        tick()
        for i in np.flatnonzero(missing & (gain > best)):
            best[i], found[i] = gain[i], lever
    return found
