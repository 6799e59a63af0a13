"""The policy analyses of a run for every province and the nation at once, from its own study, members and targets.

costs, cost_curve   savings and costs (social and private) of every option of the mix, who pays; row `all`
cost_variance       which numbers of the catalogue and which prices decide the spread of the net cost
measures            the cheapest measures that bring the target with a chance of 80 %, province by province
overlap             joint reduction in the model beside the sum of the levers' own actions and the packages alone
contributions       Shapley shares of the packages in the reduction, with their range
wedge               the same by year
lmdi                the gap split into activity, structure, sector intensity, fuel and power
indirect            value added and jobs through input-output multipliers, by package; assumptions beside them
health              deaths avoided by year, order of magnitude
triple_win          GDP, energy and emissions of every mix and package against no policy, with and without the loop of
                    energy income
goals               chance of each goal of the study's `policy`, to 2015 and beyond, by mix
published           the macro module beside a published study of Chongqing's transport options (the pilot's study)

One batch of members answers for all provinces: a run of the model holds the thirty of them.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from calibration.places import NATION, region
from experiments.analyses.intervals import wilson
from experiments.analyses.messages import message, part
from experiments.analyses.policy import costs, indirect, measures, published, variance
from experiments.analyses.policy import lmdi as decompose
from experiments.analyses.policy.costs import LEVELS, Account, Booked
from experiments.analyses.policy.paired_runs import DETAIL, TOTALS, PairedRuns
from experiments.analyses.policy.shapley import Coalition, coalitions, shapley
from experiments.ensemble import outputs
from experiments.installation import Installation, ScenarioInputs, predictive_errors
from experiments.policy.economics import Triangular, economics
from experiments.policy.mix import Mix, stored
from experiments.runs.store import Run
from experiments.study.schema import Goal, PolicyChoice
from models.indicators import indicators

Array = NDArray[np.float64]
Step = Callable[[int], AbstractContextManager[Callable[[int, int], None]]]
LATER = 2020  # the second goal of the pilot study
GOAL_MEMBERS = 500  # for chances by mix and year; the main target uses all members
COST_MEMBERS = 4096  # the account uses the members that quantiles use
COST_DRAWS = 6  # spawn key of the random stream of costs
LOOP = "switch energy income"


@dataclass
class Analysis:
    """Paired runs with the mix that is analysed and the draws of costs, one for each member."""

    bench: PairedRuns
    chosen: Mix
    base: Mix
    draw: Triangular
    tick: Callable[[], None]

    @property
    def end(self) -> int:
        """Last year of the plan that is judged."""
        return self.bench.study.target.period.last_year

    @property
    def goals(self) -> list[int]:
        """Years that results are shown for: the plan's last and, where the runs reach it, 2020."""
        return sorted({self.end, max(self.end, min(LATER, self.bench.years[-1]))})

    def run(
        self, one: Mix, outputs: Sequence[str] = TOTALS, extra: Mapping[str, xr.DataArray] | None = None
    ) -> xr.Dataset:
        """Results of a mix."""
        found = self.bench.run(one, extra, outputs)
        self.tick()
        return found

    def at(self, values: Array, year: int) -> Array:
        """(member, place) of a (member, place, year) array."""
        column: Array = values[..., self.bench.years.index(year)]
        return column

    @cached_property
    def singles(self) -> dict[str, Mix]:
        """Each package of the chosen mix alone."""
        packages = self.chosen.options.packages
        return {package: self.chosen.only(levers, package) for package, levers in packages.items()}


def analyse(
    run: Run, system: Installation, *, step: Step | None = None, say: Callable[[str], None] = lambda text: None
) -> dict[str, pd.DataFrame]:
    """Make the tables above for a complete run, as its study's `policy` asks, and store them in it.

    Raises InputError for a province or mix that does not exist.
    """
    study = run.study
    asked = study.policy or PolicyChoice()
    inputs = ScenarioInputs(**run.inputs())
    label = asked.mix or study.mixes[-1].label
    chosen = stored(inputs.mix, label)
    say(f"analysing the mix {label} by option and package for every province")
    end = study.target.period.last_year
    last = max(end, min(study.outputs.last_year, LATER))
    years = range(study.target.period.base_year, last + 1)
    whole = run.design(max(asked.members, COST_MEMBERS))
    bench = PairedRuns(study, inputs, system.simulate, whole.iloc[: asked.members], study.allocations[0].label, years)
    seed = np.random.SeedSequence(study.seed, spawn_key=(COST_DRAWS,))
    draw = Triangular(len(bench.design), np.random.default_rng(seed))
    runs = 2 ** len(chosen.options.packages) + 2 * len(study.mixes) + 10
    done = [0]
    with (step or (lambda total: nullcontext(_silent)))(runs) as advance:

        def tick() -> None:
            done[0] += 1
            advance(min(done[0], runs), 0)

        work = Analysis(bench, chosen, chosen.only([], "base"), draw, tick)
        found = tables(work)
        found |= money(work, whole.iloc[:COST_MEMBERS], asked.province)
        found["measures"] = measures.table(work.bench, work.chosen, system, found["costs"], tick)
        found["goals"] = goals(work, whole.iloc[:GOAL_MEMBERS], asked.goals, asked.province)
        if asked.province == published.PLACE and region() is None and published.YEAR in bench.years:
            found["published"] = published.table(work.bench, work.base, draw)
    for name, table in found.items():
        run.save_table(name, table if "province" in table else table.assign(province=asked.province))
    return found


def _silent(done: int, failed: int) -> None:
    """No progress."""


def tables(work: Analysis) -> dict[str, pd.DataFrame]:
    """The tables that compare runs."""
    worth = _packages(work)
    return {
        "contributions": contributions(work, worth),
        "wedge": wedge(work, worth),
        "lmdi": lmdi(work),
        "health": health(work),
        "triple_win": triple_win(work),
    }


def money(work: Analysis, design: pd.DataFrame, place: str = NATION) -> dict[str, pd.DataFrame]:
    """The tables that rest on the account: costs, cost_curve, cost_variance, indirect, overlap.

    design: the members of the account; place: for which, beside the nation, the numbers are ranked.
    """
    years = [*range(work.bench.base_year, work.end + 1)]
    booked, _ = work.bench.booked(work.chosen, design, years)
    work.tick()
    seed = np.random.SeedSequence(work.bench.study.seed, spawn_key=(COST_DRAWS,))
    draw = Triangular(len(design), np.random.default_rng(seed))
    cost = costs.table(booked, work.chosen.options, draw, work.bench.base_year)
    return {
        "costs": cost,
        "cost_curve": costs.curve(cost),
        "cost_variance": ranked(work, booked, dict.fromkeys((NATION, place))),
        "indirect": indirect_table(work, few(booked, len(work.bench.design))),
        "overlap": overlap(work, booked),
    }


def ranked(work: Analysis, booked: Booked, names: Iterable[str]) -> pd.DataFrame:
    """Which numbers decide the spread of the net cost of these places, the largest first."""
    if not booked.saving.any():
        return pd.DataFrame()
    seed = np.random.SeedSequence(work.bench.study.seed, spawn_key=(COST_DRAWS, 1))
    made = [variance.shares(booked, work.chosen, place, np.random.default_rng(seed)) for place in names]
    return pd.concat(made, ignore_index=True)


def few(booked: Booked, members: int) -> Booked:
    """The same of the first so many members."""
    short = slice(0, members)
    return replace(
        booked,
        saving=booked.saving[short],
        new=booked.new[short],
        index=booked.index[short],
        rate=booked.rate[short],
        programme=booked.programme[short],
    )


def _packages(work: Analysis) -> dict[str, dict[Coalition, Array]]:
    """Worth of every coalition of packages: quantity → coalition → (member, place, year)."""
    packages = work.chosen.options.packages
    found: dict[str, dict[Coalition, Array]] = {"energy": {}, "co2": {}, "intensity": {}}
    for coalition in coalitions(list(packages)):
        levers = [lever for package in coalition for lever in packages[package]]  # type: ignore[index]
        results = work.run(work.chosen.only(levers, " + ".join(sorted(coalition)) or "none"))
        energy = work.bench.total(results, "total energy")
        intensity = energy / work.bench.total(results, "gdp")
        found["energy"][coalition] = -energy
        found["co2"][coalition] = -work.bench.total(results, "energy co2")
        found["intensity"][coalition] = 100 * (1 - intensity / intensity[..., :1])
    return found


UNITS = {"energy": "Mtce/year", "co2": "Mt/year", "intensity": "percentage points"}


def contributions(work: Analysis, worth: Mapping[str, Mapping[Coalition, Array]]) -> pd.DataFrame:
    """Shapley shares in each goal year and place: energy and CO2 less than base, points of intensity reduction.

    `mean` adds exactly over packages to the row `total`; low … high are the 10 and 90 % quantiles over members.
    """
    frames = []
    for quantity, values in worth.items():
        shares = shapley(list(work.chosen.options.packages), values)
        shares["total"] = np.sum(list(shares.values()), axis=0)
        for year in work.goals:
            for package, share in shares.items():
                head = {"quantity": quantity, "year": year, "package": package}
                frames.append(_spread(work.at(share, year), work.bench.places, head, UNITS[quantity]))
    return pd.concat(frames, ignore_index=True).drop(columns="share positive")


def wedge(work: Analysis, worth: Mapping[str, Mapping[Coalition, Array]]) -> pd.DataFrame:
    """By year, package and place: energy and CO2 less than in the base mix (Shapley); `base` and `all` levels.

    Base less the packages' means is the level with all of them.
    """
    frames = []
    packages = list(work.chosen.options.packages)
    for quantity in ("energy", "co2"):
        values = worth[quantity]
        shares = shapley(packages, values)
        levels = {"base": -values[frozenset()], "all": -values[frozenset(packages)]}
        for package, share in {**shares, **levels}.items():
            for year in work.bench.years:
                head = {"quantity": quantity, "year": year, "package": package}
                frames.append(_spread(work.at(share, year), work.bench.places, head, UNITS[quantity]))
    return pd.concat(frames, ignore_index=True).drop(columns=["share positive", "median"])


def overlap(work: Analysis, booked: Booked) -> pd.DataFrame:
    """Joint reduction of energy at the plan's end: in the model, the levers' own actions added, the packages alone.

    What the levers book adds to more than the model's difference because a rebound takes part of it back and because
    non-fossil power saves coal that the official total counts all the same (left out here).
    """
    counted = [lever for lever in booked.levers if lever != "nonfossil power"]
    own = costs.places(booked.saving[:, :, [booked.levers.index(n) for n in counted], -1].sum(2))
    nothing = work.at(work.bench.total(work.run(work.base), "total energy"), work.end)
    whole = work.at(work.bench.total(work.run(work.chosen), "total energy"), work.end)
    alone = np.array(
        [nothing - work.at(work.bench.total(work.run(one), "total energy"), work.end) for one in work.singles.values()]
    )
    ways = {
        "model": nothing - whole,
        "product form": costs.product_form(nothing, alone),
        "plain sum": alone.sum(0),
        "own actions": own[: len(nothing)],
    }
    heads = {way: {"quantity": "energy use", "year": work.end, "way": way} for way in ways}
    frames = [_spread(values, work.bench.places, heads[way], UNITS["energy"]) for way, values in ways.items()]
    return pd.concat(frames, ignore_index=True).drop(columns="share positive")


def lmdi(work: Analysis) -> pd.DataFrame:
    """Splits of intensity over the plan (base mix and chosen mix) and of the gap between the two at the plan's end."""
    whole, nothing = work.run(work.chosen, DETAIL), work.run(work.base, DETAIL)
    first, year = work.bench.base_year, work.end
    names = {"base mix": nothing, work.chosen.name: whole}
    at = {(label, when): found.sel(year=when).load() for label, found in names.items() for when in (first, year)}
    frames = []
    for label in names:
        start, last = at[label, first], at[label, year]
        level = work.bench.total(start.expand_dims("year"), "total energy")[..., 0]
        level = level / work.bench.total(start.expand_dims("year"), "gdp")[..., 0]
        parts = {name: 100 * values / level for name, values in _split(start, last, "total energy", True).items()}
        head = {"change": f"{label}, {first}-{year}", "of": "energy intensity", "year": year}
        frames += _rows(parts, work.bench.places, head, f"% of {first}")
    for of, unit in (("total energy", "Mtce/year"), ("energy co2", "Mt/year")):
        parts = _split(at["base mix", year], at[work.chosen.name, year], of, False)
        head = {"change": f"base mix to {work.chosen.name}", "of": of, "year": year}
        frames += _rows(parts, work.bench.places, head, unit)
    return pd.concat(frames, ignore_index=True).drop(columns="share positive")


def _split(before: xr.Dataset, after: xr.Dataset, of: str, intensity: bool) -> dict[str, Array]:
    """Contribution of each factor, (member, place): every province by itself, and the nation with its structure.

    Structure is named apart from the mix of that name.
    """
    each, all_ = (decompose.split(before, after, of, intensity, own) for own in (True, False))
    parts = {name: np.concatenate([values, all_[name][:, None]], 1) for name, values in each.items()}
    return {("structural change" if name == "structure" else name): values for name, values in parts.items()}


def _rows(parts: Mapping[str, Array], places: Sequence[str], head: Mapping[str, Any], unit: str) -> list[pd.DataFrame]:
    """A factor a frame, and the total, to which the means add."""
    with_total = {**parts, "total": np.sum(list(parts.values()), axis=0)}
    return [_spread(values, places, {**head, "factor": name}, unit) for name, values in with_total.items()]


def indirect_table(work: Analysis, booked: Booked) -> pd.DataFrame:
    """Value added and jobs by package, place and in all, mean over the plan's years; type I and with induced round.

    Positive and negative parts come from the stated closure (local share, displacement, respending); `share positive`
    is the part of members with a gain. Jobs follow each year's productivity of labour.
    """
    found = work.chosen.options
    years = list(booked.years)
    inside = [work.bench.years.index(year) for year in years[1:]]
    gdp = work.bench.total(work.run(work.base), "gdp")[..., inside].mean(2)
    sums: dict[str, list[Array]] = {}
    for plain in costs.accounts(booked, found):
        option = found[plain.option]
        account = _everywhere(plain)
        fuel = {"electricity" if option.fuel == "electricity" else option.fuel.removeprefix("power "): account.fuel}
        demand = indirect.final_demand(option, account, fuel, work.draw)
        value, jobs = indirect.effects(demand, work.draw, years=years)
        more, more_jobs = indirect.effects(demand, work.draw, induced=True, years=years)
        yearly = [a[..., 1:].mean(2) for a in (account.investment, value, jobs, more, more_jobs)]
        for key in (option.package, "all packages"):
            known = sums.get(key, [np.zeros_like(yearly[0])] * len(yearly))
            sums[key] = [a + b for a, b in zip(known, yearly, strict=True)]
    frames = []
    for package, (investment, value, jobs, more, more_jobs) in sums.items():
        quantities = {
            ("investment", "Gyuan/year"): investment,
            ("value added, type I", "Gyuan/year"): value,
            ("value added, type I", "% of GDP"): 100 * value / gdp,
            ("jobs, type I", "thousand"): jobs,
            ("value added, with induced round", "Gyuan/year"): more,
            ("jobs, with induced round", "thousand"): more_jobs,
        }
        for (quantity, unit), values in quantities.items():
            head = {"package": package, "quantity": quantity}
            frames.append(_spread(values, work.bench.places, head, unit))
    given = economics().closure
    ranges = {name: f"{q.value:g} ({q.low:g}–{q.high:g})" for name, q in given.items()}
    assumptions = [part(f"closure: {name}", range=text) for name, text in ranges.items()]
    table = pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()
    return table.assign(note=message("note: indirect", assumptions=assumptions))


def _everywhere(account: Account) -> Account:
    """An account with the nation as one more province."""
    return Account(
        option=account.option,
        saving=costs.places(account.saving),
        co2=costs.places(account.co2),
        units=costs.places(account.units),
        annuity=costs.places(account.annuity),
        investment=costs.places(account.investment),
        operation=costs.places(account.operation),
        programme=costs.places(account.programme),
        fuel=costs.places(account.fuel),
    )


def _spread(values: Array, places: Sequence[str], head: Mapping[str, Any], unit: str) -> pd.DataFrame:
    """Mean and quantiles over members, one row per place. values: (member, place)."""
    low, middle, high = np.quantile(values, LEVELS, axis=0)
    columns = {"mean": values.mean(0), "low": low, "median": middle, "high": high}
    return pd.DataFrame(
        {**head, "province": list(places), **columns, "share positive": (values > 0).mean(0), "unit": unit}
    )


def health(work: Analysis) -> pd.DataFrame:
    """Deaths from fine particles avoided and their value by year, by the chosen mix against the base mix."""
    saved = work.bench.burnt(work.run(work.base, DETAIL), work.run(work.chosen, DETAIL))
    years = list(work.bench.years)
    found = indirect.health(saved, work.draw, years)
    frames = [
        _spread(values[..., i], work.bench.places, {"quantity": quantity, "year": year, "mix": work.chosen.name}, unit)
        for (quantity, unit), values in found.items()
        for i, year in enumerate(years)
        if year > work.bench.base_year
    ]
    table = pd.concat(frames, ignore_index=True).drop(columns=["share positive", "mean"])
    return table.assign(note=message("note: health"))


def triple_win(work: Analysis) -> pd.DataFrame:
    """GDP, energy and CO2 of every mix and package against no policy, per cent, with sign and range, in the goal years.

    GDP is the dynamic model's own: crowding out, rationing avoided and, with `loop` "with", the income of saved energy
    (less what its sellers lose). `share of members` is the part of members on the winning side (GDP not lower, energy
    and CO2 lower); the row `all three` is the part that wins in all at once.
    """
    frames = []
    mixes = {choice.label: stored(work.bench.inputs.mix, choice.label) for choice in work.bench.study.mixes}
    mixes |= {f"package: {name}": one for name, one in work.singles.items()}
    for loop, extra in (("with", None), ("without", {LOOP: xr.DataArray(0.0)})):
        nothing = work.run(work.base)  # without levers the loop carries nothing
        for label, one in mixes.items():
            results = work.run(one, TOTALS, extra)
            for year in work.goals:
                frames += _wins(work, results, nothing, {"mix": label, "loop": loop, "year": year})
    return pd.concat(frames, ignore_index=True)


QUANTITIES = (("GDP", "gdp"), ("energy use", "total energy"), ("emissions", "energy co2"))


def _wins(work: Analysis, results: xr.Dataset, nothing: xr.Dataset, head: Mapping[str, Any]) -> list[pd.DataFrame]:
    """The rows of `triple_win` for one mix and year."""
    frames, wins = [], []
    for name, variable in QUANTITIES:
        before, after = (work.at(work.bench.total(r, variable), head["year"]) for r in (nothing, results))
        change = 100 * (after / before - 1)
        won = change >= 0 if name == "GDP" else change < 0
        wins.append(won)
        rows = _spread(change, work.bench.places, {**head, "quantity": name}, "%").drop(columns="share positive")
        frames.append(rows.assign(sign=_signs(change), **{"share of members": won.mean(0)}))
    joint = np.logical_and.reduce(wins).mean(0)
    rows = pd.DataFrame({**head, "quantity": "all three", "province": work.bench.places, "share of members": joint})
    return [*frames, rows]


def _signs(values: Array) -> list[str]:
    """By place: `+` or `−` where at least nine members in ten agree, `0` where nothing moves, else `±`."""
    still = np.abs(values).max(0) < 1e-9
    up, down = (values > 0).mean(0) >= 0.9, (values < 0).mean(0) >= 0.9
    return [
        "0" if quiet else "+" if rises else "−" if falls else "±"
        for quiet, rises, falls in zip(still, up, down, strict=True)
    ]


def goals(work: Analysis, design: pd.DataFrame, asked: Sequence[Goal], place: str) -> pd.DataFrame:
    """Chance of each goal by mix in one place: what its indicator achieves since the base year, per cent, with errors.

    The error accumulates over all years to the goal, so a later goal is less certain. `chance low` … `chance high` is
    the Wilson 95 % interval of the members. Goals beyond the run's last year are left out; without any no rows.
    """
    base, within = work.bench.base_year, sorted((g for g in asked if g.year in work.bench.years), key=_by_year)
    rows: list[dict[str, Any]] = []
    if not within:
        return pd.DataFrame(rows)
    variables = [*dict.fromkeys(indicators()[goal.indicator].variable for goal in within)]
    wanted = [*dict.fromkeys([*variables, *sorted(outputs.weights(variables))])]
    bench = replace(work.bench, design=design, years=range(base, within[-1].year + 1))
    error = predictive_errors(bench.study, design.index.to_numpy())
    for choice in bench.study.mixes:
        results = bench.run(stored(bench.inputs.mix, choice.label), outputs=wanted)
        whole = outputs.with_nation(outputs.with_error(results, error), variables).sel(province=place)
        for goal in within:
            one = indicators()[goal.indicator]
            path = whole[one.variable].transpose("member", "year").sel(year=slice(base, goal.year)).to_numpy()
            reached = outputs.achieved(path, one.kind)[:, -1]
            low, middle, high = (float(q) for q in np.quantile(reached, LEVELS))
            hits = int((reached >= goal.reduction).sum())
            least, most = wilson(hits, len(reached))
            found = {"low": low, "median": middle, "high": high, "chance": hits / len(reached)}
            head = {"mix": choice.label, "indicator": one.key, "year": goal.year, "goal": goal.reduction}
            rows.append({**head, **found, "chance low": float(least), "chance high": float(most), "unit": "%"})
    return pd.DataFrame(rows).assign(province=place)


def _by_year(goal: Goal) -> int:
    return goal.year


def names() -> Sequence[str]:
    """The tables that `analyse` stores."""
    return (
        "costs",
        "cost_curve",
        "cost_variance",
        "measures",
        "overlap",
        "contributions",
        "wedge",
        "lmdi",
        "indirect",
        "health",
        "triple_win",
        "goals",
        "published",
    )
