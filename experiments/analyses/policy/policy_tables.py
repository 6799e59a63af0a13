"""The policy analyses of a run, from its own study, members and targets; each a table stored in the run.

costs, cost_curve   every option on top of all the others: what it saves, what it costs
overlap             the model's joint reduction beside the product form and the plain sum of the options alone
contributions       Shapley shares of the packages in the reduction, with their range
wedge               the same by year
lmdi                the gap split into activity, structure, sector intensity, fuel and power
indirect            value added and jobs through input-output multipliers, by package; assumptions beside them
health              pollutants and deaths avoided, order of magnitude
triple_win          GDP, energy and emissions of every mix against the base mix, with sign and range
goals               chance of each goal of the study's `policy`, to 2015 and beyond, by mix
published           the macro module beside a published study of Chongqing's transport options
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from calibration import tables as data
from experiments.analyses.intervals import wilson
from experiments.analyses.policy import costs, indirect
from experiments.analyses.policy import lmdi as decompose
from experiments.analyses.policy.costs import LEVELS
from experiments.analyses.policy.paired_runs import PairedRuns
from experiments.analyses.policy.shapley import Coalition, coalitions, shapley
from experiments.installation import Installation, ScenarioInputs, predictive_errors
from experiments.policy.economics import Triangular, economics, real
from experiments.policy.mix import Mix, stored
from experiments.runs.store import Run
from experiments.study.schema import PolicyChoice

Array = NDArray[np.float64]
Step = Callable[[int], AbstractContextManager[Callable[[int, int], None]]]
LATER = 2020  # the second goal of the pilot study
GOAL_MEMBERS = 500  # for chances by mix and year; the main target uses all members
COST_DRAWS = 6  # spawn key of the random stream of costs


@dataclass
class Analysis:
    """A bench with the mix that is taken apart and the draws of costs, one a member."""

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
        """Years that results are shown for: the plan's last and, where the run reaches it, 2020."""
        return sorted({self.end, min(LATER, self.bench.years[-1])})

    def run(self, one: Mix) -> xr.Dataset:
        """Results of a mix."""
        found = self.bench.run(one)
        self.tick()
        return found

    def at(self, values: Array, year: int) -> Array:
        """(member,) of a (member, year) array."""
        column: Array = values[:, self.bench.years.index(year)]
        return column


def analyse(
    run: Run, system: Installation, *, step: Step | None = None, say: Callable[[str], None] = lambda text: None
) -> dict[str, pd.DataFrame]:
    """Make the tables above for a complete run, as its study's `policy` asks, and store them in it.

    Raises InputError for a province or mix that does not exist.
    """
    study = run.study
    asked = study.policy or PolicyChoice()
    say(f"taking the mix {asked.mix} apart for {asked.province}")
    years = range(study.target.period.base_year, study.outputs.last_year + 1)
    design = run.design().iloc[: asked.members]
    inputs = ScenarioInputs(**run.inputs())
    bench = PairedRuns(study, inputs, system.simulate, design, asked.province, study.allocations[0].label, years)
    seed = np.random.SeedSequence(study.seed, spawn_key=(COST_DRAWS,))
    draw = Triangular(len(design), np.random.default_rng(seed))
    scenarios = 2 * len(bench.options.options) + 2 ** len(bench.options.packages) + len(study.mixes)
    with (step or (lambda total: nullcontext(_silent)))(scenarios) as advance:
        chosen = stored(inputs.mix, asked.mix)
        work = Analysis(bench, chosen, chosen.only([], "base"), draw, lambda: advance(min(bench.runs, scenarios), 0))
        found = tables(work)
        found["goals"] = goals(
            work, run.design().iloc[:GOAL_MEMBERS], {goal.year: goal.reduction for goal in asked.goals}
        )
    for name, table in found.items():
        run.save_table(name, table.assign(province=asked.province))
    return found


def _silent(done: int, failed: int) -> None:
    """No progress."""


def tables(work: Analysis) -> dict[str, pd.DataFrame]:
    """All tables of the module's docstring."""
    without, alone = _options(work)
    worth = _packages(work)
    effects = {name: effect for name, (effect, _) in without.items()}
    cost = costs.table(work.bench.options.options, effects, work.draw, work.bench.base_year)
    return {
        "costs": cost,
        "cost_curve": costs.curve(cost),
        "overlap": overlap(work, alone),
        "contributions": contributions(work, worth),
        "wedge": wedge(work, worth),
        "lmdi": lmdi(work),
        "indirect": indirect_table(work, without),
        "health": health(work),
        "triple_win": triple_win(work),
        "published": published(work),
    }


OptionEffects = dict[str, tuple[costs.Effect, dict[str, Array]]]


def _options(work: Analysis) -> tuple[OptionEffects, dict[str, costs.Effect]]:
    """Each option on what all the others left, and each alone on the base mix."""
    whole, nothing = work.run(work.chosen), work.run(work.base)
    last: OptionEffects = {}
    first: dict[str, costs.Effect] = {}
    for option in work.bench.options.options:
        if work.chosen.used(option) <= 0:
            continue
        last[option] = work.bench.effect(work.run(work.chosen.without(option)), whole, work.draw)
        first[option] = work.bench.effect(nothing, work.run(work.chosen.alone(option)), work.draw)[0]
    return last, first


def _packages(work: Analysis) -> dict[str, dict[Coalition, Array]]:
    """Worth of every coalition of packages: quantity → coalition → (member, year)."""
    packages = work.bench.options.packages
    found: dict[str, dict[Coalition, Array]] = {"energy": {}, "co2": {}, "intensity": {}}
    for coalition in coalitions(list(packages)):
        levers = [lever for package in coalition for lever in packages[package]]  # type: ignore[index]
        results = work.run(work.chosen.only(levers, " + ".join(sorted(coalition)) or "none"))
        energy = work.bench.total(results, "total energy")
        intensity = energy / work.bench.total(results, "gdp")
        found["energy"][coalition] = -energy
        found["co2"][coalition] = -work.bench.total(results, "energy co2")
        found["intensity"][coalition] = 100 * (1 - intensity / intensity[:, :1])
    return found


UNITS = {"energy": "Mtce/year", "co2": "Mt/year", "intensity": "percentage points"}


def contributions(work: Analysis, worth: Mapping[str, Mapping[Coalition, Array]]) -> pd.DataFrame:
    """Shapley shares in each goal year: energy and CO2 less than base, and points of intensity reduction.

    `mean` adds exactly over packages to the row `total`; low … high are the 10 and 90 % quantiles over members.
    """
    rows = []
    for quantity, values in worth.items():
        shares = shapley(list(work.bench.options.packages), values)
        for year in work.goals:
            parts = {package: work.at(share, year) for package, share in shares.items()}
            heading: dict[str, str | int] = {"quantity": quantity, "year": year}
            rows.append(decompose.table(parts, heading, UNITS[quantity]).rename(columns={"factor": "package"}))
    return pd.concat(rows, ignore_index=True)


def wedge(work: Analysis, worth: Mapping[str, Mapping[Coalition, Array]]) -> pd.DataFrame:
    """By year and package: energy and CO2 less than in the base mix (Shapley, mean and range); `base` and `all` levels.

    Base less the packages' means is the level with all of them.
    """
    rows = []
    packages = list(work.bench.options.packages)
    for quantity in ("energy", "co2"):
        values = worth[quantity]
        shares = shapley(packages, values)
        levels = {"base": -values[frozenset()], "all": -values[frozenset(packages)]}
        for package, share in {**shares, **levels}.items():
            low, high = np.quantile(share, (LEVELS[0], LEVELS[-1]), axis=0)
            for i, year in enumerate(work.bench.years):
                mean = float(share[:, i].mean())
                row = {"quantity": quantity, "year": year, "package": package, "mean": mean}
                rows.append({**row, "low": float(low[i]), "high": float(high[i]), "unit": UNITS[quantity]})
    return pd.DataFrame(rows)


def overlap(work: Analysis, alone: Mapping[str, costs.Effect]) -> pd.DataFrame:
    """Joint reduction of all options: in the model, by the product form, and as the plain sum of options alone."""
    whole, nothing = work.run(work.chosen), work.run(work.base)
    rows = []
    for field, quantity, variable in (("energy", "energy use", "total energy"), ("co2", "emissions", "energy co2")):
        base, full = work.bench.total(nothing, variable), work.bench.total(whole, variable)
        for year in work.goals:
            index = work.bench.years.index(year)
            each = np.array([getattr(effect, field)[:, index] for effect in alone.values()])
            total = base[:, index]
            ways = {
                "model": total - full[:, index],
                "product form": costs.product_form(total, each),
                "plain sum": each.sum(0),
            }
            for way, value in ways.items():
                low, middle, high = (float(q) for q in np.quantile(value, LEVELS))
                row = {"quantity": quantity, "year": year, "way": way, "low": low, "median": middle, "high": high}
                rows.append({**row, "mean": float(value.mean()), "unit": UNITS[field]})
    return pd.DataFrame(rows)


def lmdi(work: Analysis) -> pd.DataFrame:
    """Splits of intensity over the plan (base mix and chosen mix) and of the gap between the two in the goal years."""
    whole, nothing = work.run(work.chosen), work.run(work.base)
    first = work.bench.base_year
    frames = []
    for label, results in (("base mix", nothing), (work.chosen.name, whole)):
        start = results.sel(year=first)
        level = (start["total energy"].sum("province") / start["gdp"].sum("province")).to_numpy()
        for year in work.goals:
            parts = decompose.split(start, results.sel(year=year), "total energy", True)
            percent = {name: 100 * values / level for name, values in parts.items()}
            change = {"change": f"{label}, {first}-{year}", "of": "energy intensity"}
            frames.append(_split(percent, {**change, "year": year}, f"% of {first}"))
    for of, unit in (("total energy", "Mtce/year"), ("energy co2", "Mt/year")):
        for year in work.goals:
            parts = decompose.split(nothing.sel(year=year), whole.sel(year=year), of, False)
            change = {"change": f"base mix to {work.chosen.name}", "of": of}
            frames.append(_split(parts, {**change, "year": year}, unit))
    return pd.concat(frames, ignore_index=True)


def _split(parts: Mapping[str, Array], heading: Mapping[str, str | int], unit: str) -> pd.DataFrame:
    """As `decompose.table`, structure named apart from the mix of that name."""
    return decompose.table(parts, heading, unit).replace({"factor": {"structure": "structural change"}})


def indirect_table(work: Analysis, effects: OptionEffects) -> pd.DataFrame:
    """Value added and jobs by package and in all, mean over the years after the base; type I and with induced round.

    Positive and negative parts come from the stated closure (local share, displacement, respending); `share positive`
    is the part of members with a gain.
    """
    options = work.bench.options.options
    gdp = work.bench.total(work.run(work.base), "gdp")[:, 1:].mean(1)
    sums: dict[str, list[Array]] = {}
    for name, (effect, fuel) in effects.items():
        own = costs.account(options[name], effect, work.draw)
        demand = indirect.final_demand(options[name], own, fuel, work.draw)
        value, jobs = indirect.effects(demand, work.draw)
        more, more_jobs = indirect.effects(demand, work.draw, induced=True)
        yearly = [a[:, 1:].mean(1) for a in (own.investment, value, jobs, more, more_jobs)]
        for key in (options[name].package, "all packages"):
            known = sums.get(key, [np.zeros_like(yearly[0])] * len(yearly))
            sums[key] = [a + b for a, b in zip(known, yearly, strict=True)]
    rows = []
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
            rows.append({"package": package, "quantity": quantity, **_spread(values), "unit": unit})
    given = economics().closure
    ranges = {name: f"{q.value:g} ({q.low:g}–{q.high:g})" for name, q in given.items()}
    en = "Assumptions that decide the sign: " + "; ".join(f"{n.replace('_', ' ')} {r}" for n, r in ranges.items())
    zh = "决定正负号的假设：" + "；".join(f"{CLOSURE_ZH[n]} {r}" for n, r in ranges.items())
    return _noted(pd.DataFrame(rows), f"{en}. National multipliers of 2020.", f"{zh}。乘数取自2020年全国投入产出表。")


CLOSURE_ZH = {
    "local_share": "省内供给比例",
    "displaced_investment": "挤占其他投资比例",
    "respent": "再支出比例",
    "labour_income": "劳动报酬占比",
}


def _noted(table: pd.DataFrame, en: str, zh: str) -> pd.DataFrame:
    """The table with what a reader must know beside it, in two languages."""
    return table.assign(note_en=en, note_zh=zh)


def _spread(values: Array) -> dict[str, Any]:
    low, middle, high = (float(q) for q in np.quantile(values, LEVELS))
    mean, positive = float(values.mean()), float((values > 0).mean())
    return {"mean": mean, "low": low, "median": middle, "high": high, "share positive": positive}


def health(work: Analysis) -> pd.DataFrame:
    """Air pollutants, deaths and their value avoided in the last year by the chosen mix against the base mix."""
    saved = work.bench.burnt(work.run(work.base), work.run(work.chosen))
    found = indirect.health(saved, work.draw).assign(year=work.bench.years[-1], mix=work.chosen.name)
    en = "Old emission factors and US incidence, scaled by assumed controls and exposure: order of magnitude only."
    return _noted(found, en, "排放因子较旧、发病率为美国数据，并按假设的治理与暴露程度缩放：仅为数量级。")


def triple_win(work: Analysis) -> pd.DataFrame:
    """GDP, energy and CO2 of every mix against the base mix, per cent, with sign and range, in the goal years.

    GDP is the dynamic model's own (crowding out, rationing avoided). `share of members` is the part of members on the
    winning side (GDP not lower, energy and CO2 lower); the row `all three` is the part that wins in all at once.
    """
    nothing = work.run(work.base)
    rows = []
    for choice in work.bench.study.mixes:
        results = work.run(stored(work.bench.inputs.mix, choice.label))
        for year in work.goals:
            change = {
                name: 100
                * (
                    work.at(work.bench.total(results, variable), year)
                    / work.at(work.bench.total(nothing, variable), year)
                    - 1
                )
                for name, variable in (("GDP", "gdp"), ("energy use", "total energy"), ("emissions", "energy co2"))
            }
            wins = {name: values >= 0 if name == "GDP" else values < 0 for name, values in change.items()}
            for name, values in change.items():
                spread = _spread(values)
                spread.pop("share positive")
                sign = _sign(values)
                row = {"mix": choice.label, "year": year, "quantity": name, **spread, "sign": sign, "unit": "%"}
                rows.append({**row, "share of members": float(wins[name].mean())})
            joint = float(np.logical_and.reduce(list(wins.values())).mean())
            rows.append({"mix": choice.label, "year": year, "quantity": "all three", "share of members": joint})
    return pd.DataFrame(rows)


def goals(work: Analysis, design: pd.DataFrame, asked: Mapping[int, float]) -> pd.DataFrame:
    """Chance of each goal by mix: reduction of intensity since the base year with predictive errors, per cent.

    The error accumulates over all years to the goal, so a later goal is less certain. `chance low` … `chance high` is
    the Wilson 95 % interval of the members. Goals beyond the run's last year are left out; without any no rows.
    """
    base, within = work.bench.base_year, sorted(year for year in asked if year in work.bench.years)
    rows: list[dict[str, Any]] = []
    if not within:
        return pd.DataFrame(rows)
    shocks = _shocks(work.bench, design, within[-1] - base)
    for choice in work.bench.study.mixes:
        few = replace(work.bench, design=design, years=range(base, within[-1] + 1))
        results = few.run(stored(few.inputs.mix, choice.label), outputs=("gdp", "total energy"))
        energy = (results["total energy"] * np.exp(shocks)).sum("province").transpose("member", "year").to_numpy()
        intensity = energy / few.total(results, "gdp")
        for year in within:
            fall = 100 * (1 - intensity[:, year - base] / intensity[:, 0])
            low, middle, high = (float(q) for q in np.quantile(fall, LEVELS))
            hits = int((fall >= asked[year]).sum())
            least, most = wilson(hits, len(fall))
            reach = {"low": low, "median": middle, "high": high, "chance": hits / len(fall)}
            span = {"chance low": float(least), "chance high": float(most)}
            rows.append({"mix": choice.label, "year": year, "goal": asked[year], **reach, **span, "unit": "%"})
    return pd.DataFrame(rows)


def _shocks(bench: PairedRuns, design: pd.DataFrame, years: int) -> xr.DataArray:
    """Errors of ln(intensity) since the base year, (member, province, year)."""
    log = predictive_errors(bench.study, design.index.to_numpy())["intensity"]
    span = log.sel(province=bench.provinces, year=slice(bench.base_year, bench.base_year + years))
    return span - span.isel(year=0, drop=True)


def _sign(values: Array) -> str:
    """`+` or `−` where at least nine members in ten agree, `0` where nothing moves, else `±`."""
    if float(np.abs(values).max()) < 1e-9:
        return "0"
    for sign, agree in (("+", values > 0), ("−", values < 0)):
        if float(agree.mean()) >= 0.9:
            return sign
    return "±"


PUBLISHED = {
    "fuel economy 5.7 l/100 km": "Chongqing GDP effect, fuel economy 5.7 l/100 km",
    "EV 7% of private car sales": "Chongqing GDP effect, EV 7% of private car sales",
    "policy mix": "Chongqing GDP effect, policy mix",
}
PLACE = "Chongqing"
WHY_EN = (
    "The published general equilibrium model counts dearer cars as lost productivity and adds taxes, "
    "prices and trade; ours lets the spending displace other investment, which builds up slowly (crowding out). Beside "
    "the published figure stands ours with the extra cost counted as lost output; fuel saved is left out on our side."
)
WHY_ZH = (
    "已发表的一般均衡模型把更贵的汽车视为生产率损失，并计入税收、价格与贸易；本模型只让这部分支出挤出其他投资，"
    "影响累积较慢（挤出）。与已发表数值对照的是把额外成本计为产出损失的结果；我方未计节省的燃料。"
)


def published(work: Analysis) -> pd.DataFrame:
    """A comparable shock in Chongqing, whatever the focus, beside the published effect on GDP in 2020, per cent.

    The extra cost of the cars sold enters the model as policy investment of the province; the loop of crowding out,
    capital and output does the rest (`crowding out`). `with cost as lost output` adds the spending itself, as a
    technology that costs more and yields no more output. `demand side`: input-output, financed and displaced as stated.
    An empty table when the run ends before 2020.
    """
    bench = replace(work.bench, focus=PLACE)
    if bench.years[-1] < LATER:
        return pd.DataFrame()
    quiet = bench.run(work.base)
    gdp = bench.total(quiet, "gdp")
    rows = data.read("policy_parameters").set_index("parameter")["value"]
    spending = _car_spending(work, bench)
    found = []
    for label, parameter in PUBLISHED.items():
        amount = np.sum([v for k, v in spending.items() if label in (k, "policy mix")], axis=0)
        shocked = bench.run(work.base, {"total policy investment": _in_chongqing(bench, amount.mean(0))})
        crowding = 100 * (work.at(bench.total(shocked, "gdp"), LATER) / work.at(gdp, LATER) - 1)
        spent = 100 * work.at(amount, LATER) / work.at(gdp, LATER)
        own = costs.spending_only(list(bench.years), amount)
        value, _ = indirect.effects(indirect.final_demand(bench.options["TRA-05"], own, {}, work.draw), work.draw)
        ours = {
            "crowding out": crowding,
            "with cost as lost output": crowding - spent,
            "demand side": 100 * work.at(value, LATER) / work.at(gdp, LATER),
        }
        known = float(rows[parameter])
        row: dict[str, Any] = {"shock": label, "published": known}
        for name, values in ours.items():
            low, middle, high = (float(q) for q in np.quantile(values, LEVELS))
            row |= {name: middle, f"{name} low": low, f"{name} high": high}
        row["same sign"] = bool(np.sign(row["with cost as lost output"]) == np.sign(known))
        row["ours over published"] = row["with cost as lost output"] / known
        found.append({**row, "unit": "% of GDP 2020"})
    agree, ratios = sum(row["same sign"] for row in found), [row["ours over published"] for row in found]
    least, most = f"{min(ratios):.1f}", f"{max(ratios):.1f}"
    en = f"Same sign in {agree} of {len(found)} shocks, {least} to {most} times the published effect. {WHY_EN}"
    zh = f"{len(found)}个冲击中{agree}个方向一致，为已发表影响的{least}至{most}倍。{WHY_ZH}"
    return _noted(pd.DataFrame(found), f"{en} Source: Tan et al. 2020.", f"{zh}来源：Tan 等（2020）。")


def _car_spending(work: Analysis, bench: PairedRuns) -> dict[str, Array]:
    """Extra cost of cars in Chongqing, Gyuan/year at 2005 prices, (member, year), by shock."""
    given, draw = economics().comparison, work.draw
    population = data.read("population")
    own = population[(population["province"] == PLACE) & (population["variable"] == "private_cars")]
    last = own.sort_values("year").iloc[-1]
    years = np.asarray(bench.years, float)[None, :]
    cars = float(last["value"]) / 100 * (1 + draw(given["car_growth"])[:, None]) ** np.maximum(years - last["year"], 0)
    sold = np.where(years >= given["first_year"].value, cars * draw(given["new_car_share"])[:, None], 0.0)  # million
    parts = {
        "fuel economy 5.7 l/100 km": ("TRA-03", "fuel_economy_part"),
        "EV 7% of private car sales": ("TRA-05", "electric_sales"),
    }
    return {
        label: sold * (draw(real(bench.options[option].capital_cost)) * draw(given[part]))[:, None] / 1000
        for label, (option, part) in parts.items()
    }


def _in_chongqing(bench: PairedRuns, amount: Array) -> xr.DataArray:
    """A series of spending in the province, nothing elsewhere: (province, time)."""
    provinces = bench.inputs.common["base gdp"]["province"].to_numpy()
    there = xr.DataArray((provinces == PLACE).astype(float), {"province": provinces}, ("province",))
    return there * xr.DataArray(amount, {"time": np.asarray(bench.years, float)}, ("time",))


def names() -> Sequence[str]:
    """The tables that `analyse` stores."""
    return (
        "costs",
        "cost_curve",
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
