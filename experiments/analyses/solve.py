"""The least policy that reaches a target with a wanted chance, or the reason why none does.

Strength is a factor on a mix: λ = 1 is the mix as it stands, and a lever goes on to its bound, the realistic maximum of
the catalogue, while λ rises. The search is for the whole mix, for each package alone, and lever by lever.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from calibration.members import quantiles
from calibration.places import NATION, choose_province, known_provinces, simulated
from experiments.analyses.intervals import wilson
from experiments.analyses.policy.costs import capital_recovery
from experiments.ensemble.core import Ensemble, Params
from experiments.ensemble.triggers import with_triggers
from experiments.installation import Installation
from experiments.study.known import check_target
from experiments.study.schema import AllocationChoice, MixChoice, Study, Target
from models.indicators import Indicator, indicators, known_indicators
from models.reading.faults import InputError, refuse
from models.reading.names import choose, match, refusal

Array = NDArray[np.float64]

BOUND = 1.0
"""Strength of a lever at the realistic maximum of the catalogue."""

BEYOND = 1.25
"""Strength at which it is tried what a bound costs: the bound whose lifting gains most is the binding one."""

RESOLUTION = 0.005
"""To which the strength is found."""

Chance = Callable[[Array], Array]
"""Strengths (lever) → reductions of every member (fraction) of the province."""


@dataclass(frozen=True)
class ForecastTarget:
    """What is asked: levers of one province, their strengths in the mix, and what counts as reached.

    levers: names; mix (lever): strengths of the mix; packages: package → its levers; cost (lever): by which levers are
    ordered, the dearest lowered first; target: fraction; chance: wanted share of members; reductions: the model.
    """

    levers: tuple[str, ...]
    mix: Array
    packages: Mapping[str, Sequence[str]]
    cost: Array
    target: float
    chance: float
    reductions: Chance
    bound: float = BOUND
    cache: dict[bytes, Array] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        if not 0 < self.chance < 1:
            raise InputError(f"got chance {self.chance:g}; allowed: above 0 and below 1, for example 0.8")
        if not (self.mix > 0).any():
            raise InputError("the mix moves no lever in this province; choose another mix, for example full")

    def members(self, strength: Array) -> Array:
        """Reductions of every member under a strength; each strength is simulated once."""
        key = strength.tobytes()
        if key not in self.cache:
            self.cache[key] = self.reductions(strength)
        return self.cache[key]

    def reached(self, strength: Array) -> float:
        """Share of members that meet the target."""
        values = self.members(strength)
        valid = values[np.isfinite(values)]
        return float((valid >= self.target).mean()) if valid.size else float("nan")

    def scaled(self, factor: float, among: Sequence[str] | None = None) -> Array:
        """The mix's strengths times a factor, each at most at its bound, levers not `among` at zero."""
        chosen = np.isin(self.levers, list(self.levers if among is None else among))
        return np.where(chosen, np.minimum(factor * self.mix, self.bound), 0.0)

    def top(self, among: Sequence[str]) -> float:
        """The factor at which every one of these levers is at its bound."""
        used = self.mix[np.isin(self.levers, list(among)) & (self.mix > 0)]
        return float(self.bound / used.min()) if used.size else 0.0


def least(question: ForecastTarget, among: Sequence[str]) -> tuple[float | None, Array]:
    """The least factor with which these levers alone reach the chance, and the strengths; None when none does."""
    low, high = 0.0, question.top(among)
    if question.reached(question.scaled(0.0, among)) >= question.chance:
        return 0.0, question.scaled(0.0, among)
    if question.reached(question.scaled(high, among)) < question.chance:
        return None, question.scaled(high, among)
    while high - low > RESOLUTION:
        middle = (low + high) / 2
        low, high = (
            (low, middle) if question.reached(question.scaled(middle, among)) >= question.chance else (middle, high)
        )
    return high, question.scaled(high, among)


def lowered(question: ForecastTarget) -> Array | None:
    """From every lever of the mix at its bound, each in turn, the dearest first, as low as the chance allows."""
    strength = np.where(question.mix > 0, question.bound, 0.0)
    if question.reached(strength) < question.chance:
        return None
    for lever in np.argsort(-question.cost, kind="stable"):
        strength = _lowest(question, strength, int(lever))
    return strength


def _lowest(question: ForecastTarget, strength: Array, lever: int) -> Array:
    """The same with one lever as low as the chance allows, all others as they are."""

    def at(value: float) -> Array:
        return np.where(np.arange(len(strength)) == lever, value, strength)

    if strength[lever] == 0 or question.reached(at(0.0)) >= question.chance:
        return at(0.0)
    low, high = 0.0, float(strength[lever])
    while high - low > RESOLUTION:
        middle = (low + high) / 2
        low, high = (low, middle) if question.reached(at(middle)) >= question.chance else (middle, high)
    return at(high)


def binding(question: ForecastTarget, strength: Array) -> tuple[str, float]:
    """The lever at its bound whose lifting gains most, and the gain: per cent points of reduction for + 0.25 strength.

    Taken at that quantile of the reduction which decides the chance.
    """

    def deciding(strength: Array) -> float:
        return float(quantiles(question.members(strength), [1 - question.chance])[0])

    here = deciding(strength)
    at_bound = [k for k in range(len(strength)) if strength[k] >= question.bound - 1e-9]
    gains = {question.levers[k]: 100 * (deciding(_lifted(strength, k)) - here) for k in at_bound}
    best = max(gains, key=lambda name: gains[name], default="")
    return best, float(gains.get(best, 0.0))


def _lifted(strength: Array, lever: int) -> Array:
    return np.where(np.arange(len(strength)) == lever, strength * BEYOND, strength)


def solve(question: ForecastTarget) -> pd.DataFrame:
    """All answers as a table: `no new policy`, `whole mix`, each package alone, then lever by lever.

    Columns: step, name, reached (yes, no), factor (on the mix; NaN when not reached), strength (mean over the levers
    moved), chance with its 95 % Wilson interval (at the bound when not reached: the best chance), median (reduction,
    per cent), binding (lever whose bound binds) and binding_gain (points per + 0.25 strength).
    """
    used = [lever for lever, s in zip(question.levers, question.mix, strict=True) if s > 0]
    zero = np.zeros(len(question.levers))
    rows = [_row(question, "no new policy", "", zero, reached=question.reached(zero) >= question.chance, factor=0.0)]
    rows.append(_search(question, "whole mix", "", used))
    for package, levers in question.packages.items():
        if among := [lever for lever in levers if lever in used]:
            rows.append(_search(question, "package alone", package, among))
    pruned = lowered(question)
    if pruned is not None:
        rows.append(_row(question, "lever by lever", "together", pruned, reached=True, factor=np.nan))
        rows += [
            {"step": "lever by lever", "name": lever, "reached": "yes", "strength": pruned[k], "cost": question.cost[k]}
            for k, lever in enumerate(question.levers)
            if lever in used
        ]
    return pd.DataFrame(rows)


def _search(question: ForecastTarget, step: str, name: str, among: Sequence[str]) -> dict[str, object]:
    factor, strength = least(question, among)
    row = _row(question, step, name, strength, reached=factor is not None, factor=np.nan if factor is None else factor)
    if factor is None:
        lever, gain = binding(question, strength)
        row |= {"binding": lever, "binding_gain": gain}
    return row


def _row(
    question: ForecastTarget, step: str, name: str, strength: Array, *, reached: bool, factor: float
) -> dict[str, object]:
    values = question.members(strength)
    n = int(np.isfinite(values).sum())
    hits = int((np.nan_to_num(values, nan=-np.inf) >= question.target).sum())
    low, high = wilson(hits, n)
    moved = strength[strength > 0]
    return {
        "step": step,
        "name": name,
        "reached": "yes" if reached else "no",
        "factor": factor,
        "strength": float(moved.mean()) if moved.size else 0.0,
        "chance": hits / max(n, 1),
        "chance_low": float(low),
        "chance_high": float(high),
        "median": 100 * float(np.nanmedian(values)),
        "members": n,
        "binding": "",
    }


def sentence(table: pd.DataFrame, province: str, target: float, chance: float, one: Indicator | None = None) -> str:
    """The answer in words, for a target (per cent) of an indicator, energy intensity when none is named."""
    one = one or indicators()["energy_intensity"]
    whole = table[table.step == "whole mix"].iloc[0]
    none = table[table.step == "no new policy"].iloc[0]
    goal = {
        "cut": f"a cut of {target:g} %",
        "cap": f"growth of at most {-target:g} %",
        "floor": f"a share of {target:g} %",
        "growth": f"growth of at least {target:g} % a year",
    }[one.kind]
    of = "" if one.key == "energy_intensity" else f" of {one.name}"
    asked = f"{province}: {goal}{of} with a chance of {100 * chance:.0f} %"
    spread = f"95 % interval {100 * whole.chance_low:.0f}–{100 * whole.chance_high:.0f} %, {whole.members:.0f} members"
    if none.reached == "yes":
        return f"{asked} needs no new policy: the chance without is {100 * none.chance:.1f} %."
    if whole.reached == "yes":
        return f"{asked} is reached with {whole.factor:.2f} times the mix: {100 * whole.chance:.1f} % ({spread})."
    near = " That interval holds the chance asked for: more members would tell." if chance <= whole.chance_high else ""
    return (
        f"{asked} is not reachable with this mix: with all its levers at their bounds the chance is "
        f"{100 * whole.chance:.1f} % ({spread}).{near} The bound that binds most is that of {whole.binding}: lifting "
        f"it by a quarter would add {whole.binding_gain:.2f} points of reduction."
    )


def reductions_of(futures: Ensemble, params: Params, province: str) -> Chance:
    """The model as `Question.reductions`: the levers of one province are moved, all else stays as `params` say."""
    place = futures.provinces.index(province)
    levers = params["lever strength"].transpose("province", "lever")

    def reductions(strength: Array) -> Array:
        changed = levers.copy()
        changed[{"province": place}] = strength
        return futures.reduction({**params, "lever strength": changed}).to_numpy()[:, place]

    return reductions


def net_costs(table: pd.DataFrame, levers: Sequence[str]) -> Array:
    """Net cost of a unit saved by each lever, yuan per kgce: capital at its annuity + operation − price of the energy.

    table: as from `models.parameters.parameters()`.
    """
    from models.parameters import defaults

    rows = table.set_index("name").T
    names = ("capital cost", "operating cost", "price of energy saved", "lever lifetime")
    capital, running, price, life = (defaults(rows[n]) for n in names)
    rate = float(defaults(rows["discount rate"]))
    cost = capital * capital_recovery(rate, life) + running - price
    if cost.shape != (len(levers),):
        raise ValueError(f"{cost.shape} costs for {len(levers)} levers")
    return np.asarray(cost, dtype=float)


def question(
    futures: Ensemble,
    province: str,
    mix: str,
    *,
    target: xr.DataArray,
    chance: float,
    packages: Mapping[str, Sequence[str]],
    cost: Array,
) -> ForecastTarget:
    """The question for one province of a study's futures. target (province): per cent, of all provinces.

    Raises InputError for a mix with triggers, because the strengths searched hold from the start in every member.
    """
    if mix in with_triggers(futures.inputs.mix):
        raise InputError(
            f"mix {mix}: it raises levers on triggers, and `tanlu solve` searches strengths that hold from the start; "
            "allowed: a mix without triggers (`tanlu robust` compares plans with triggers)"
        )
    goal = target.sel(province=futures.provinces).to_numpy() / 100
    national = float(target.sel(province=NATION)) / 100 if NATION in target["province"] else np.nan
    params = futures.with_goal(futures.params(mix), np.where(np.isfinite(goal), goal, national))
    strength = params["lever strength"].transpose("province", "lever")
    levers = tuple(str(v) for v in strength["lever"].to_numpy())
    place = futures.provinces.index(province)
    return ForecastTarget(
        levers=levers,
        mix=strength.to_numpy()[place],
        packages=packages,
        cost=cost,
        target=float(goal[place]),
        chance=chance,
        reductions=reductions_of(futures, params, province),
    )


@dataclass(frozen=True)
class SolveRequest:
    """What a person asks: see `answer`.

    target: another target of the province, per cent on the scale of what the indicator achieves. indicator: what is to
    be reached; the study's leading one when left out.
    """

    province: str
    rule: str = "official"
    mix: str = "full"
    chance: float = 0.8
    target: float | None = None
    indicator: str | None = None


def _single() -> list[str]:
    """The provinces, or the places of a region pack, without their sum."""
    return [name for name in simulated() if name != NATION]


def impossible(asked: SolveRequest) -> list[str]:
    """What of a question has no answer under any study."""
    known = known_provinces(_single())
    faults = []
    if match(asked.province, known) is None:
        faults.append(refusal(asked.province, known, "province"))
    if not 0 < asked.chance < 1:
        faults.append(f"got chance {asked.chance:g}; allowed: above 0 and below 1, for example 0.8")
    if wrong := check_target(asked.target):
        faults.append(wrong)
    if asked.indicator is not None and match(asked.indicator, known_indicators()) is None:
        faults.append(refusal(asked.indicator, known_indicators(), "indicator"))
    return faults


def judged(study: Study, indicator: str | None, target: float | None = None) -> Target:
    """The study's target with one indicator alone, the leading one unless another is named.

    target: per cent; it is also the national value where the plan has none of the indicator, except for a cap, whose
    national value is an amount. Raises InputError where no national value is known.
    """
    key = study.target.indicators[0] if indicator is None else choose(indicator, known_indicators(), "indicator")
    period = study.target.period
    national = study.target.value(key) if key in study.target.indicators else period.targets.get(key)
    if national is None and indicators()[key].kind != "cap" and target is not None and 0 < target < 100:
        national = target
    if national is None:
        known = ", ".join(f"{name} {value:g}" for name, value in period.targets.items())
        way = "" if indicators()[key].kind == "cap" else ", or give --target"
        raise InputError(
            f"{key}: the {period.ordinal} plan has no national value of it; name one that it has ({known}){way}"
        )
    return Target.model_validate({"plan": study.target.plan, "indicators": [key], "national": national})


def answer(study: Study, system: Installation, asked: SolveRequest) -> tuple[pd.DataFrame, str]:
    """The table of `solve` and the sentence, for a province under a rule and a mix; the members are the study's.

    Raises InputError for an unknown province, rule or mix, an impossible chance or target: all faults at once, with the
    nearest names.
    """
    from experiments.policy import levers
    from models.parameters import parameters

    faults = impossible(asked)
    known = asked.indicator is None or match(asked.indicator, known_indicators()) is not None
    target = judged(study, asked.indicator if known else None, asked.target)
    changes = {
        "target": target,
        "assigned": {p: {k: v for k, v in one.items() if k in target.indicators} for p, one in study.assigned.items()},
        "allocations": [AllocationChoice(rule=asked.rule)],
        "mixes": [MixChoice(mix=asked.mix)],
    }
    try:
        futures = Ensemble.of(study.model_copy(update=changes), system)
    except InputError as error:
        raise InputError([*faults, *error.faults]) from None
    refuse(faults)
    asked = replace(asked, province=choose_province(asked.province, _single()))
    goal = futures.inputs.allocation["target"].isel(allocation=0, drop=True).copy()
    if asked.target is not None:
        goal.loc[{"province": asked.province}] = asked.target
    if not np.isfinite(float(goal.sel(province=asked.province))):
        raise InputError(
            f"{asked.province}: the rule {asked.rule} has no target of {target.indicators[0]} for it in the "
            f"{target.period.ordinal} plan; give --target, or another rule"
        )
    packages: dict[str, list[str]] = {}
    for name, lever in levers().items():
        packages.setdefault(lever.package, []).append(name)
    label = str(futures.inputs.mix["mix"].to_numpy()[0])
    cost = net_costs(parameters(), [str(n) for n in futures.inputs.mix["lever"].to_numpy()])
    one = question(futures, asked.province, label, target=goal, chance=asked.chance, packages=packages, cost=cost)
    table = solve(one)
    return table, sentence(table, asked.province, 100 * one.target, asked.chance, target.leading)
