"""The cheapest levers that reach a target with a wanted chance, the best chance under a budget, and the front between.

Sequential linear programming (Griffith & Stewart 1961) on the compiled ensemble: the deciding quantile of the reduction
and the net cost are linearised around the present strengths, scipy's `linprog` (HiGHS) finds the best step within a
trust region, and the model is asked again. All runs use the same members and the same draws of the predictive error
(common random numbers), each member with many of them, so that the quantile moves smoothly. The duals of the bounds say
which of them binds most.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import linprog

from calibration.members import achieved, error_of_change
from experiments.analyses.solve import judged
from experiments.ensemble import outputs
from experiments.ensemble.core import Ensemble, Params
from experiments.installation import Installation
from experiments.study.schema import AllocationChoice, MixChoice, Study
from models.indicators import Indicator
from models.reading.faults import InputError

Array = NDArray[np.float64]
FRONT = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95)
DRAWS = 16
STEP = 0.25
"""Part of a lever's bound by which it is moved to learn its slope."""
ROUNDS = 3
TRUST = (1.0, 0.5, 0.25)
"""Part of each bound that a lever may move in each round."""


@dataclass(frozen=True)
class Point:
    """Result of given strengths.

    Attributes:
        fall: achievement of the indicator (fraction, see `outputs.achieved`) of every member and draw.
        cost: net cost in the plan's last year, mean over members, Gyuan/year.
        co2: CO2 in the plan's last year, mean over members, Mt.
    """

    fall: Array
    cost: float
    co2: float

    def quantile(self, chance: float) -> float:
        """The fall that is reached or exceeded with this chance."""
        return float(np.quantile(self.fall, 1 - chance))


@dataclass
class Search:
    """A search over lever strengths in one province.

    Attributes:
        levers: names of the levers.
        bounds: full strength of each lever in the province (lever,).
        target: target achievement, a fraction.
        evaluate: function from strengths (lever,) to a Point.
        runs: number of simulations made.
    """

    levers: Sequence[str]
    bounds: Array
    target: float
    evaluate: Callable[[Array], Point]
    runs: int = field(default=0, init=False)
    _known: dict[bytes, Point] = field(default_factory=dict, init=False, repr=False)

    def at(self, strength: Array) -> Point:
        """The point; each is simulated once."""
        key = np.round(strength, 9).tobytes()
        if key not in self._known:
            self._known[key] = self.evaluate(strength)
            self.runs += 1
        return self._known[key]

    def chance(self, strength: Array) -> float:
        """Chance of the target."""
        return float((self.at(strength).fall >= self.target).mean())

    def slopes(self, strength: Array, chance: float) -> tuple[Array, Array]:
        """Change of the deciding quantile and of the cost per part of a lever's bound, (lever,)."""
        here = self.at(strength)
        gain, cost = np.zeros(len(self.bounds)), np.zeros(len(self.bounds))
        for k in np.flatnonzero(self.bounds > 0):
            part = strength[k] / self.bounds[k]
            step = STEP if part + STEP <= 1 else -STEP
            moved = strength.copy()
            moved[k] = (part + step) * self.bounds[k]
            there = self.at(moved)
            gain[k] = (there.quantile(chance) - here.quantile(chance)) / step
            cost[k] = (there.cost - here.cost) / step
        return gain, cost


@dataclass(frozen=True)
class Answer:
    """Result of a search.

    Attributes:
        strength: strengths found (lever,).
        reached: whether the chance is reached.
        binding: the lever whose bound binds most; "" for none.
    """

    strength: Array
    reached: bool
    binding: str


def cheapest(search: Search, chance: float) -> Answer:
    """The strengths with the least net cost that reach the target with a given chance.

    Args:
        search: the search.
        chance: required chance.

    Returns:
        The answer; every lever at its bound where no strengths reach the chance.
    """
    full = search.bounds.copy()
    part = np.where(full > 0, 0.5, 0.0)
    binding = ""
    best: Array | None = None
    for trust in TRUST[:ROUNDS]:
        here = search.at(part * full)
        gain, cost = search.slopes(part * full, chance)
        missing = search.target - here.quantile(chance)
        low, high = np.clip(part - trust, 0, 1), np.clip(part + trust, 0, 1)
        step = _step(cost, gain, missing, part, np.where(full > 0, low, 0.0), np.where(full > 0, high, 0.0))
        part = step.part
        binding = _named(search.levers, step.duals, part)
        part = _lifted(search, part, chance)
        if search.chance(part * full) >= chance and (best is None or _cost(search, part) < _cost(search, best)):
            best = part
    if best is None:
        return Answer(full, search.chance(full) >= chance, binding or _most(search, chance))
    return Answer(best * full, True, binding)


def within(search: Search, budget: float, chance: float = 0.8) -> Answer:
    """The strengths with the highest chance whose net cost stays within a budget.

    Args:
        search: the search.
        budget: greatest net cost, Gyuan/year.
        chance: chance at which the slopes are taken.

    Returns:
        The answer; `reached` states whether any strengths stay within the budget.
    """
    full = search.bounds.copy()
    part = np.where(full > 0, 0.5, 0.0)
    best: Array | None = None
    binding = ""
    for trust in TRUST[:ROUNDS]:
        here = search.at(part * full)
        gain, cost = search.slopes(part * full, chance)
        low, high = np.clip(part - trust, 0, 1), np.clip(part + trust, 0, 1)
        step = _step(
            -gain, -cost, here.cost - budget, part, np.where(full > 0, low, 0.0), np.where(full > 0, high, 0.0)
        )
        part, binding = step.part, _named(search.levers, step.duals, step.part)
        if _cost(search, part) <= budget + 1e-9 and (
            best is None or search.chance(part * full) > search.chance(best * full)
        ):
            best = part
        elif _cost(search, part) > budget:
            part = _shrunk(search, part, budget)
            if _cost(search, part) <= budget + 1e-9 and best is None:
                best = part
    if best is None:
        return Answer(np.zeros(len(full)), search.at(np.zeros(len(full))).cost <= budget, binding)
    return Answer(best * full, True, binding)


@dataclass(frozen=True)
class _Step:
    part: Array
    duals: Array


def _step(cost: Array, gain: Array, missing: float, part: Array, low: Array, high: Array) -> _Step:
    """Least cost·x with gain·(x − part) ≥ missing and low ≤ x ≤ high; the most gain where nothing reaches it."""
    found = linprog(cost, A_ub=-gain[None, :], b_ub=[-missing - gain @ part], bounds=list(zip(low, high, strict=True)))
    if found.status != 0:  # not feasible: as far as the trust region lets it
        found = linprog(-gain, bounds=list(zip(low, high, strict=True)))
    return _Step(np.asarray(found.x, float), np.asarray(found.upper.marginals, float))


def _named(levers: Sequence[str], duals: Array, part: Array) -> str:
    """The lever at its bound whose lifting would gain most."""
    worth = np.where(part >= 1 - 1e-6, -duals, 0.0)
    return levers[int(worth.argmax())] if worth.max() > 1e-12 else ""


def _lifted(search: Search, part: Array, chance: float) -> Array:
    """A step corrected by the model itself: moved toward all levers at their bounds as far as the chance needs it."""
    used = np.where(search.bounds > 0, 1.0, 0.0)
    if search.chance(part * search.bounds) >= chance or search.chance(used * search.bounds) < chance:
        return part
    low, high = 0.0, 1.0
    for _ in range(6):
        middle = (low + high) / 2
        enough = search.chance((part + middle * (used - part)) * search.bounds) >= chance
        low, high = (low, middle) if enough else (middle, high)
    return np.asarray(part + high * (used - part))


def _shrunk(search: Search, part: Array, budget: float) -> Array:
    """A step that costs too much, drawn toward no policy until the budget bears it."""
    low, high = 0.0, 1.0
    for _ in range(6):
        middle = (low + high) / 2
        fits = _cost(search, middle * part) <= budget
        low, high = (middle, high) if fits else (low, middle)
    return np.asarray(low * part)


def _cost(search: Search, part: Array) -> float:
    return search.at(part * search.bounds).cost


def _most(search: Search, chance: float) -> str:
    """The lever whose bound gains most at full strength."""
    gain, _ = search.slopes(search.bounds.copy(), chance)
    return search.levers[int(gain.argmax())]


def grid(search: Search, among: Sequence[str], chance: float, levels: int = 5) -> tuple[Array, float]:
    """Reference for `cheapest`: the cheapest point of a coarse grid over some levers that reaches the chance.

    Args:
        search: the search.
        among: levers of the grid; all others are zero.
        chance: required chance.
        levels: number of grid values per lever.

    Returns:
        Strengths (lever,) and net cost (Gyuan/year), NaN where no point reaches the chance.
    """
    columns = [search.levers.index(name) for name in among]
    best, least = np.full(len(search.bounds), np.nan), np.inf
    for parts in np.stack(np.meshgrid(*[np.linspace(0, 1, levels)] * len(columns)), -1).reshape(-1, len(columns)):
        strength = np.zeros(len(search.bounds))
        strength[columns] = parts * search.bounds[columns]
        if search.chance(strength) >= chance and search.at(strength).cost < least:
            best, least = strength, search.at(strength).cost
    return best, least if np.isfinite(least) else float("nan")


def row(search: Search, answer: Answer, name: str) -> dict[str, object]:
    """An answer as a table row.

    Args:
        search: the search.
        answer: its answer.
        name: label of the row.

    Returns:
        Chance, net cost, CO2, binding lever, and the strength of every lever as a part of its bound.
    """
    here = search.at(answer.strength)
    safe = np.where(search.bounds > 0, search.bounds, 1.0)
    parts = dict(zip(search.levers, (answer.strength / safe).round(3).tolist(), strict=True))
    head = {"asked": name, "reached": "yes" if answer.reached else "no", "chance": search.chance(answer.strength)}
    return {**head, "net cost Gyuan/year": here.cost, "co2 Mt": here.co2, "binding": answer.binding, **parts}


def front(search: Search, chances: Sequence[float] = FRONT) -> pd.DataFrame:
    """The Pareto front of net cost against chance and CO2.

    Args:
        search: the search.
        chances: required chances.

    Returns:
        One row each for no policy, for each chance, and for every lever at its bound.
    """
    nothing = Answer(np.zeros(len(search.bounds)), True, "")
    rows = [row(search, nothing, "no new policy")]
    rows += [row(search, cheapest(search, chance), f"{100 * chance:.0f} %") for chance in chances]
    full = Answer(search.bounds.copy(), True, "")
    return pd.DataFrame([*rows, row(search, full, "every lever at its bound")])


def search_of(
    study: Study,
    system: Installation,
    province: str,
    mix: str = "full",
    target: float | None = None,
    indicator: str | None = None,
) -> Search:
    """The search for one province of a study, with the study's members.

    Args:
        study: the study.
        system: the model and data of this machine.
        province: the province.
        mix: mix whose levers are searched.
        target: target in per cent; default: the province's own.
        indicator: the indicator; default: the study's leading one.

    Returns:
        The search.

    Raises:
        InputError: the mix or the allocation does not exist, or the rule has no target for the province.
    """
    goals = judged(study, indicator, target)
    asked = study.model_copy(
        update={
            "target": goals,
            "assigned": {
                p: {k: v for k, v in one.items() if k in goals.indicators} for p, one in study.assigned.items()
            },
            "allocations": [AllocationChoice(rule=study.allocations[0].rule)],
            "mixes": [MixChoice(mix=mix)],
        }
    )
    futures = Ensemble.of(asked, system)
    goal = futures.inputs.allocation["target"].isel(allocation=0).sel(province=futures.provinces).to_numpy() / 100
    place = futures.provinces.index(province)
    if target is not None:
        goal[place] = target / 100
    if not np.isfinite(goal[place]):
        raise InputError(
            f"{province}: the rule {study.allocations[0].rule} has no target of {goals.indicators[0]} for it in the "
            f"{goals.period.ordinal} plan; give --target, or another rule"
        )
    label = str(futures.inputs.mix["mix"].to_numpy()[0])
    params = futures.with_goal(futures.params(label), goal)
    levers = params["lever strength"].transpose("province", "lever")
    errors = _errors(asked, system, len(futures.members), place)

    def evaluate(strength: Array) -> Point:
        changed = levers.copy()
        changed[{"province": place}] = strength
        return _point(futures, {**params, "lever strength": changed}, place, errors)

    names = [str(name) for name in levers["lever"].to_numpy()]
    return Search(names, levers.to_numpy()[place].copy(), float(goal[place]), evaluate)


def _errors(study: Study, system: Installation, members: int, place: int) -> Array:
    """Draws of the indicator's log error over the plan, (draw, member): other numbers, other errors."""
    base, end = study.target.period.span
    parts = outputs.error_parts(study.target.leading.variable)
    if not parts:
        return np.zeros((DRAWS, members))
    drawn = error_of_change(system.errors(study, np.arange(members * DRAWS)), parts, base, end)
    return drawn.to_numpy()[:, place].reshape(DRAWS, members)


def _point(futures: Ensemble, params: Params, place: int, errors: Array) -> Point:
    one = futures.study.target.leading
    co2 = _co2(one)
    wanted = [one.variable, outputs.COST, co2]
    found = futures.results(params, wanted).isel(province=place).transpose("member", "year")
    values, (base, end) = found[one.variable].to_numpy(), futures.study.target.period.span
    fall = achieved(values[:, 0], values[:, 1], one.kind, years=end - base, error=errors)
    last = found.isel(year=-1).mean("member")
    return Point(fall.ravel(), float(last[outputs.COST]), float(last[co2]))


def _co2(one: Indicator) -> str:
    """The CO2 that an indicator is about: with process emissions where its metric has them."""
    return "total co2" if one.variable == "co2 intensity new metric" else outputs.CO2


__all__ = ["FRONT", "Answer", "Point", "Search", "cheapest", "front", "grid", "row", "search_of", "within"]
