"""The robust decision loop for one plan: where does it fail, what would mend it, and what would be regretted.

Steps of Robust Decision Making (Lempert, Groves, Popper & Bankes 2006, Management Science 52, 514-528; Groves & Lempert
2007, Global Environmental Change 17, 73-85): propose a plan, stress it over many futures, find the conditions under
which it fails (scenario discovery, Bryant & Lempert 2010, Technological Forecasting & Social Change 77, 34-49), add
hedges that answer these failures, either from the start or when a signpost shows the plan behind (Lempert & Groves
2010, the same 77, 960-974), compare all of them over the same futures, and stress the amended plan again.

Futures are the run's members, with their predictive errors; no probability is laid on the futures beyond that of the
members, so `chance` and `regret` are shares and means over these members.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from calibration.places import NATION
from experiments import policy
from experiments.analyses.feasibility_tables import GROWTH, chance_of_miss, condition, units_of
from experiments.analyses.intervals import wilson
from experiments.analyses.sensitivity.sensitivity_tables import NOT_IDENTIFIED, inputs_of, label_of
from experiments.ensemble import outputs
from experiments.ensemble.core import Ensemble, Params
from experiments.ensemble.scenario import begun_with
from experiments.ensemble.triggers import Observed, applied
from experiments.installation import Installation, ScenarioInputs
from experiments.policy.mix import STRENGTH, Mix, Trigger, stacked, stored
from experiments.runs.store import Run
from models.reading.names import choose

Array = NDArray[np.float64]
MEMBERS = 400
PLAN, EVERYTHING = "the plan", "all packages"
FROM_START, IF_BEHIND = "from the start", "if behind"
LEVERS = ("lever start", "lever phase in")


@dataclass(frozen=True)
class Outcome:
    """What one plan gives in one place: margin with and without the predictive error (points), cost, growth.

    All (member,); cost Gyuan a year at 2005 prices in the plan's last year, growth of GDP per cent a year; fired: share
    of members in which a lever rose on a trigger.
    """

    margin: Array
    modelled: Array
    cost: Array
    growth: Array
    fired: float = 0.0


def robust_tables(
    run: Run,
    system: Installation,
    sentence_row: Callable[..., dict[str, object]],
    *,
    mix: str | None = None,
    province: str = NATION,
    members: int = MEMBERS,
    say: Callable[[str], None] = lambda text: None,
) -> dict[str, pd.DataFrame]:
    """The loop for a mix of a run in one place; its tables, which are saved in the run too.

    Args:
        run: a complete run.
        system: the installation that the run was made with.
        sentence_row: makes the row of a box, with its sentences.
        mix: label of the mix that is the plan; the study's first when left out.
        province: the place whose target counts; the nation is the sum of the provinces.
        members: at most so many of the run's members.
        say: gets a line as each step begins.

    Returns:
        `robust_plans` (see `compared`) and `robust_failures` (see `failures`; plan: the plan itself, and the amended
        one, which is that of the least mean regret among the efficient ones).

    Raises:
        InputError: a mix or province that the run does not have.
    """
    label, chosen = run.study.scenario(None, mix)
    ensemble = Ensemble(run.study, system, ScenarioInputs(**run.inputs()), run.design().iloc[:members])
    place = choose(province, [*ensemble.provinces, NATION], "province of the run")
    say(f"{chosen} in {place}: hedges over {len(ensemble.members)} futures")
    results = {
        name: outcome(ensemble, params, label, place) for name, params in hedges(ensemble, label, chosen, place).items()
    }
    plans = compared(results)
    say("where it fails, and where the amended plan still does")
    rest = plans[plans["efficient"]].sort_values(["regret", "cost"], kind="stable")
    amended = str(rest["plan"].iloc[0])
    rows = [
        failures(ensemble, results[name], sentence_row, name, label, chosen, place)
        for name in dict.fromkeys((PLAN, amended))
    ]
    _, inputs, limits = rows[0]
    sides = [inputs[name].between(low, high).to_numpy() for name, (low, high) in limits.items()]
    inside = np.logical_and.reduce(sides) if sides else np.zeros(len(inputs), dtype=bool)
    missed = results[PLAN].margin < 0
    plans["mended_inside"] = [_share((one.margin >= 0) & missed & inside, missed & inside) for one in results.values()]
    plans["amended"] = plans["plan"] == amended
    at = {"allocation": label, "mix": chosen, "province": place}
    found = {"robust_plans": plans.assign(**at), "robust_failures": pd.DataFrame([row[0] for row in rows])}
    for name, table in found.items():
        run.save_table(name, table)
    return found


def hedges(ensemble: Ensemble, allocation: str, mix: str, place: str) -> dict[str, Params]:
    """The plan, and the plan with one package or all of them, from the start or only where it falls behind.

    A package is all its levers at the realistic maximum. "If behind" reads the statistics two years into the plan: any
    lag behind the even path raises the levers a year later, in the provinces that lag, or in all of them where the
    place is the nation and it lags. Returns name → parameters.
    """
    base = ensemble.study.target.period.base_year
    plan, chosen = ensemble.scenario(allocation, mix), stored(ensemble.inputs.mix, mix)
    full = begun_with(stacked({"full": policy.mix("full")}), base).sel(mix="full")
    packages: Mapping[str, list[str]] = {name: list(levers) for name, levers in chosen.options.packages.items()}
    packages = {**packages, EVERYTHING: [lever for levers in packages.values() for lever in levers]}
    errors = lambda: ensemble.system.errors(ensemble.study, ensemble.members.index.to_numpy())  # noqa: E731
    observed = Observed(ensemble.study, ensemble.inputs, ensemble.system.simulate, ensemble.members, allocation, errors)
    found: dict[str, Params] = {PLAN: plan}
    for name, levers in packages.items():
        found[f"{name}, {FROM_START}"] = _begun(plan, chosen, full, levers)
        trigger = Trigger.model_validate(
            {
                "year": base + 2,
                "start": base + 3,
                "levers": dict.fromkeys(levers, 1.0),
                "of": "nation" if place == NATION else "province",
            }
        )
        found[f"{name}, {IF_BEHIND}"] = applied(plan, [trigger], observed, chosen.reach())
    return found


def _begun(plan: Params, chosen: Mix, full: xr.Dataset, levers: list[str]) -> Params:
    """The plan with these levers at the realistic maximum; those that it leaves alone as the full mix begins them."""
    strength = plan[STRENGTH]
    reach = chosen.reach().sel(province=strength["province"])
    wanted = reach.where(reach["lever"].isin(levers), 0.0)
    idle = [lever for lever in levers if not bool((strength.sel(lever=lever) > 0).any())]
    schedule = {name: plan[name].where(~plan[name]["lever"].isin(idle), full[name]) for name in LEVERS}
    return {**plan, **schedule, STRENGTH: strength.where(strength > wanted, wanted).transpose(*strength.dims)}


def outcome(ensemble: Ensemble, params: Params, allocation: str, place: str) -> Outcome:
    """What a plan's parameters give in a place."""
    lead, (base, end) = ensemble.study.target.leading, ensemble.study.target.period.span
    kept = [*dict.fromkeys([lead.variable, outputs.GDP, outputs.COST])]
    found = ensemble.results(params, [*dict.fromkeys([*kept, *sorted(outputs.weights(kept))])])
    errors = ensemble.system.errors(ensemble.study, ensemble.members.index.to_numpy())
    goal = float(ensemble.inputs.allocation["target"].sel(allocation=allocation, province=place))

    def series(results: xr.Dataset, name: str) -> Array:
        values = outputs.with_nation(results, [name])[name].sel(province=place, year=[base, end])
        return np.asarray(values.transpose("member", "year").to_numpy(), dtype=float)

    def margin(results: xr.Dataset) -> Array:
        values = series(results, lead.variable)
        reached = values[:, 1] if lead.is_share else 1 - values[:, 1] / values[:, 0]
        return np.asarray(100 * reached - goal)

    seen = outputs.with_error(found, errors)
    gdp = series(seen, outputs.GDP)
    strength = params[STRENGTH]
    rose = strength.isel(time=-1) > strength.isel(time=0) if "time" in strength.dims else None
    fired = 0.0 if rose is None else float(rose.any([dim for dim in rose.dims if dim != "member"]).mean())
    growth = 100 * ((gdp[:, 1] / gdp[:, 0]) ** (1 / (end - base)) - 1)
    return Outcome(margin(seen), margin(found), series(found, outputs.COST)[:, 1], growth, fired)


def compared(results: Mapping[str, Outcome]) -> pd.DataFrame:
    """Every plan over the same futures, a row each; the first is the plan that is tested.

    Columns: plan; chance (share of futures that meet the target) with its 95 % Wilson interval; shortfall (mean points
    by which it is missed); mended (share of the first plan's failures that meet now), broken (share of its successes
    that fail now); fired (share of futures in which a trigger raised a lever); cost (mean, Gyuan a year at 2005 prices
    in the last year, more than the first plan); regret (shortfall above that of the best plan in the same future: mean,
    90 % quantile, largest, points); efficient (no other plan has both a higher chance and a lower cost); members.
    Futures in which any plan has no finite value are left out.
    """
    margin = np.stack([one.margin for one in results.values()])
    cost = np.stack([one.cost for one in results.values()])
    known = np.isfinite(margin).all(axis=0)
    margin, cost = margin[:, known], cost[:, known]
    missed = np.clip(-margin, 0, None)
    regret = missed - missed.min(axis=0)
    hit = margin >= 0
    low, high = wilson(hit.sum(axis=1), np.full(len(hit), known.sum()))
    found = pd.DataFrame(
        {
            "plan": list(results),
            "chance": hit.mean(axis=1),
            "chance_low": low,
            "chance_high": high,
            "shortfall": missed.mean(axis=1),
            "mended": [_share(row & ~hit[0], ~hit[0]) for row in hit],
            "broken": [_share(~row & hit[0], hit[0]) for row in hit],
            "fired": [one.fired for one in results.values()],
            "cost": (cost - cost[0]).mean(axis=1),
            "regret": regret.mean(axis=1),
            "regret_90": np.quantile(regret, 0.9, axis=1),
            "regret_max": regret.max(axis=1),
            "members": int(known.sum()),
        }
    )
    better = (found["chance"].to_numpy()[:, None] > found["chance"].to_numpy()) & (
        found["cost"].to_numpy()[:, None] < found["cost"].to_numpy()
    )
    return found.assign(efficient=~np.asarray(better.any(axis=0)))


def _share(part: NDArray[np.bool_], of: NDArray[np.bool_]) -> float:
    return float(part.sum() / of.sum()) if of.any() else float("nan")


def failures(
    ensemble: Ensemble,
    result: Outcome,
    sentence_row: Callable[..., dict[str, object]],
    plan: str,
    allocation: str,
    mix: str,
    place: str,
) -> tuple[dict[str, object], pd.DataFrame, Mapping[str, tuple[float, float]]]:
    """The conditions under which a plan fails (PRIM), found on one half of the futures and judged on the other.

    Returns:
        a row: plan, misses (share of futures), and of the box inputs, coverage, density and base rate with intervals,
        and the sentences in both languages (empty: no condition holds up, or fewer than 20 hits or misses in a half);
        the inputs searched; and the limits of the box by input.
    """
    x = inputs_of(ensemble.members, place).assign(**{GROWTH: result.growth})
    known = np.isfinite(result.margin)
    miss = result.margin[known] < 0
    row: dict[str, object] = {"plan": plan, "misses": float(miss.mean()), "members": int(known.sum())}
    chance = chance_of_miss(result.margin[known], result.modelled[known])
    seed = np.random.SeedSequence(ensemble.study.seed, spawn_key=(5,))
    box, _, kind = condition(x[known], miss, chance, seed)
    at = {"allocation": allocation, "mix": mix, "province": place}
    if box is None:
        return {**row, **at, "inputs": "", "sentence_en": "", "sentence_zh": ""}, x, {}
    unknown = {c for c in x.columns if label_of(str(c)) == NOT_IDENTIFIED}
    goal = float(ensemble.inputs.allocation["target"].sel(allocation=allocation, province=place))
    told = sentence_row(box, {**units_of(x.columns), GROWTH: "%/year"}, unknown, **at, target=goal)
    return {**row, **told, "kind": kind}, x, box.limits
