"""How reductions answer targets: the members' reductions under a grid of targets, and the fixed points in it.

A target feeds back on effort, so "the target that is met with chance q" is no quantile of one ensemble: it is the t_p
that equals the (1 − q) quantile of the reduction *under* t_p.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from experiments.allocation.indicators import Indicators, known_plan
from experiments.allocation.national import Array
from models.reading.faults import InputError

Bool = NDArray[np.bool_]


@dataclass(frozen=True)
class Places:
    """Positions of an allocation's provinces among those that the model simulates."""

    provinces: tuple[str, ...]
    index: tuple[int, ...]

    @classmethod
    def of(cls, simulated: Sequence[str], asked: Sequence[str]) -> "Places":
        """asked: provinces of the allocation; index −1 for those that are not simulated."""
        place = {province: i for i, province in enumerate(simulated)}
        return cls(tuple(asked), tuple(place.get(province, -1) for province in asked))

    def __call__(self, values: NDArray[Any], absent: Any = np.nan) -> NDArray[Any]:
        """Values by simulated province as values by province of the allocation."""
        return np.where(np.array(self.index) >= 0, values[list(self.index)], absent)

    @property
    def notes(self) -> dict[str, str]:
        """A note for every province that is not simulated."""
        return {p: "not simulated" for p, i in zip(self.provinces, self.index, strict=True) if i < 0}


@dataclass(frozen=True)
class Response:
    """Members' reductions under targets, the same members at every target.

    provinces: names; targets (grid,): rising, fractions; reductions (grid, member, province): fractions, NaN for a
    member that failed.
    """

    provinces: tuple[str, ...]
    targets: Array
    reductions: Array

    def __post_init__(self) -> None:
        shape = (len(self.targets), len(self.provinces))
        if self.reductions.ndim != 3 or (self.reductions.shape[0], self.reductions.shape[2]) != shape:
            raise ValueError(f"reductions {self.reductions.shape}; asked for is (grid, member, province) with {shape}")
        if len(self.targets) < 2 or (np.diff(self.targets) <= 0).any():
            raise InputError(f"targets {self.targets.tolist()}: at least two, rising")

    @cached_property
    def ordered(self) -> Array:
        """Members that did not fail, sorted at every target and province: (grid, province, member)."""
        whole = np.isfinite(self.reductions).all(axis=(0, 2))
        if not whole.any():
            raise RuntimeError("every member failed under some target: there is no response")
        return np.ascontiguousarray(np.sort(self.reductions[:, whole], axis=1).swapaxes(1, 2))

    def quantile(self, level: float) -> Array:
        """Quantile of the reduction over members, linear between members: (grid, province)."""
        at = np.clip(level, 0, 1) * (self.ordered.shape[2] - 1)
        below = int(np.floor(at))
        above = min(below + 1, self.ordered.shape[2] - 1)
        low, high = self.ordered[:, :, below], self.ordered[:, :, above]
        return np.asarray(low + (at - below) * (high - low))

    def fixed_point(self, chance: float) -> tuple[Array, Bool]:
        """The deepest target (province, fraction) that is met with `chance`, and where it lies inside the grid.

        Linear between the targets of the grid. Where no fixed point lies inside, the target nearest to one: the
        lowest of the grid if even that is missed too often, the highest if even that is met more often.
        """
        gap = self.quantile(1 - chance) - self.targets[:, None]  # ≥ 0: met with at least this chance
        n = len(self.targets)
        last = n - 1 - np.argmax(gap[::-1] >= 0, axis=0)  # the highest target of the grid that is met
        met = (gap >= 0).any(axis=0)
        inside = met & (last < n - 1)
        at = np.where(inside, last, 0)
        column = np.arange(gap.shape[1])
        a, b = gap[at, column], gap[at + 1, column]
        step = np.divide(a, a - b, out=np.zeros_like(a), where=inside)
        crossing = self.targets[at] + step * (self.targets[at + 1] - self.targets[at])
        return np.where(inside, crossing, np.where(met, self.targets[-1], self.targets[0])), inside

    def at(self, target: Array) -> Array:
        """Reductions under a target of each province, linear between those of the grid: (member, province)."""
        at = np.clip(np.searchsorted(self.targets, target) - 1, 0, len(self.targets) - 2)
        column = np.arange(len(self.provinces))
        weight = (target - self.targets[at]) / (self.targets[at + 1] - self.targets[at])
        below, above = (self.reductions[k, :, column] for k in (at, at + 1))
        return np.asarray((below + weight[:, None] * (above - below)).T)

    def chance(self, target: Array) -> Array:
        """Share of members that meet `target` (province), the members' reductions taken linearly between targets."""
        got = self.at(target).T
        known = np.isfinite(got)
        return np.asarray((known & (got >= target[:, None])).sum(axis=1) / np.maximum(known.sum(axis=1), 1))


@dataclass(frozen=True)
class CostCurve:
    """Reduction that each lever adds in a province, and the cost of a unit of energy saved by it.

    provinces, levers: names; base (province): reduction without policy, fraction; gain (province, lever): what the
    lever adds at full strength, fraction, overlaps taken out; cost (province, lever): net cost, yuan per kgce saved.
    """

    provinces: tuple[str, ...]
    levers: tuple[str, ...]
    base: Array
    gain: Array
    cost: Array

    def used(self, price: float, spread: float) -> Array:
        """Part of each lever (province, lever) in use at a price, yuan per kgce.

        A lever enters linearly while the price rises through ± `spread` about its cost: sites differ, and the curve
        must have no steps.
        """
        return np.clip((price - self.cost + spread) / (2 * spread), 0.0, 1.0)

    def reduction(self, price: float, spread: float) -> Array:
        """Reduction (province) with every lever in use that costs no more than `price`, yuan per kgce.

        Below the cheapest and above the dearest lever no price tells provinces apart: cuts then fall or rise alike
        everywhere, a point of the intensity for each yuan.
        """
        below = max(0.0, float(self.cost.min()) - spread - price)
        above = max(0.0, price - float(self.cost.max()) - spread)
        return np.asarray(self.base + (self.gain * self.used(price, spread)).sum(axis=1) + 0.01 * (above - below))


@dataclass(frozen=True)
class Supply:
    """Cut of the judged intensity that each lever adds at full strength in a province, and its cost.

    provinces, levers: names; base (province): the cut without policy and without a target, fraction; gain (province,
    lever): what the lever adds, fraction, overlaps taken out; money (province, lever): net cost in the plan's last
    year, billion yuan of 2005 a year (annuity + operation − energy saved, at the province's own prices).
    """

    provinces: tuple[str, ...]
    levers: tuple[str, ...]
    base: Array
    gain: Array
    money: Array

    def cost(self, target: Array) -> tuple[Array, Bool]:
        """Net cost of meeting a target (province, fraction) with the cheapest levers, and whether they suffice.

        Levers are taken in the order of their cost per point, the last in part, until the target is met; where all of
        them do not suffice the cost is that of all. Nothing is taken where the base meets the target; NaN without one.
        """
        useful = self.gain > 1e-12
        each = np.where(useful, self.money / np.where(useful, self.gain, 1.0), np.inf)
        order = np.argsort(each, axis=1, kind="stable")
        gain = np.take_along_axis(np.where(useful, self.gain, 0.0), order, axis=1)
        money = np.take_along_axis(np.where(useful, self.money, 0.0), order, axis=1)
        missing = target - self.base
        before = np.cumsum(gain, axis=1) - gain
        part = np.clip((missing[:, None] - before) / np.where(gain > 0, gain, 1.0), 0.0, 1.0)
        found = np.where(np.isfinite(target), (part * money).sum(axis=1), np.nan)
        return found, np.asarray(missing <= gain.sum(axis=1) + 1e-12)


class ModelResponse(Protocol):
    """The asking study's model, as far as rules that are built on it need it."""

    def response(self, plan: str, mix: str, members: int, seed: int, quantity: str = "energy") -> Response:
        """Cuts of energy or CO2 per GDP by the members under a grid of targets of it, the same in every province."""

    def cost_curve(self, plan: str, members: int, seed: int) -> CostCurve:
        """Reduction and cost of each lever in a province."""

    def supply(self, plan: str, members: int, seed: int, quantity: str = "energy") -> Supply:
        """Cut of energy or CO2 per GDP and cost of each lever in a province."""

    def base_state(self, plan: str, members: int, seed: int) -> xr.Dataset:
        """The members' state to the plan's base year: see `base_state.indicators_of`."""


def asked_model(options: Mapping[str, Any]) -> ModelResponse:
    """The model among the options of a rule. Raises InputError when the caller gave none."""
    if options.get("model") is None:
        raise InputError("this rule simulates the model: call `allocate` with `model`, the response of a study's model")
    model: ModelResponse = options["model"]
    return model


def simulated_plan(indicators: Indicators) -> str:
    """The plan that the model simulates for a rule. Raises InputError for other years than the plan's."""
    plan = indicators.plan
    years = known_plan(plan.name).base_year
    if plan.base_year != years:
        raise InputError(
            f"got base year {plan.base_year}; a rule that simulates the model has the plan's, {years}: leave it out"
        )
    return plan.name
