"""The analyses' tables as a planner reads them on a terminal: few columns, units in the heads, words for verdicts."""

import textwrap
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pandas as pd

from calibration.places import NATION, active_region, choose_province
from experiments.analyses.joint import counted
from experiments.analyses.regret import SURVIVES
from experiments.runs.store import Run
from experiments.words import box_sentences
from experiments.words.columns import columns, printed
from experiments.words.terms import Terms
from models.reading.faults import InputError

FEASIBILITY = (
    "feasibility",
    "indicators",
    "joint",
    "barometer",
    "pace",
    "boxes",
    "regret",
    "pressure",
    "ranking",
    "checks",
    "trust",
)
SENSITIVITY = (
    "sensitivity",
    "sensitivity_groups",
    "sensitivity_years",
    "screening",
    "convergence",
    "irrelevant",
    "shapley",
    "trust",
)
TOP = 12
SPREAD = ("margin_10+margin_90", "chance", "chance_low+chance_high", "red+yellow+green", "reach_50+reach_80+reach_90")
VERDICTS = ("province", "target", "reduction", "margin", *SPREAD)
CHECKS = ("check", "limit", "rate", "provinces_failing", "worst", "worst_province", "worst_year")
AMENDED = ("mended", "mended_inside", "fired", "cost", "regret", "regret_90", "regret_max", "efficient")
PLANS = ("plan", "chance", "chance_low+chance_high", *AMENDED)
SURVIVAL = ("allocation", "shortfall", "regret", "regret_90", "regret_max", "met", "national", "survives")


def tables(run: Run, names: Sequence[str]) -> dict[str, pd.DataFrame]:
    """The run's tables of these names, those that there are."""
    return {name: run.table(name) for name in names if name in run.tables}


def known_place(run: Run, province: str) -> str:
    """The province of the run, or the nation, whose name was typed. Raises InputError with the nearest names."""
    return choose_province(province, [str(p) for p in run.metrics("margin")["province"].to_numpy()])


def feasibility(run: Run, allocation: str, mix: str) -> Iterator[tuple[str, pd.DataFrame]]:
    """Titles and tables of one scenario."""
    where = f"allocation {allocation}, mix {mix}"
    table = _at(run.table("feasibility"), allocation, mix)
    pace = _at(run.table("pace"), allocation, mix).set_index("province")
    named = table.province.where(table.province != NATION, f"{NATION} (sum)")
    shown = printed("feasibility", table.assign(province=named), VERDICTS)
    record = pace.reindex(table["province"]).set_axis(table.index)
    shown = shown.join(printed("pace", record, ["needed", "own", "peer"]))
    n = int(table.members.max())
    yield (
        f"Can the target be reached? {where}\nchance, lights: share of {n} members, predictive error included, given "
        "this model and its assumptions\n95 % int.: error of counting members alone; margin in percentage points",
        shown,
    )
    regret = run.table("regret")
    if len(set(regret.allocation)) > 1:
        yield (
            f"Which allocation survives, mix {mix}\nmissed by: points, weighted by energy; regret: the same above the "
            "best allocation in that future\nsurvived: futures in which the nation and "
            f"{100 * SURVIVES:.0f} % of the provinces reach their targets",
            printed("regret", regret[regret.mix == mix], SURVIVAL),
        )
        yield from _pressure(run, mix)
    if "checks" in run.tables:
        worst = _at(run.table("checks"), allocation, mix)
        yield f"Reality checks, {where}: share of members that comply", printed("checks", worst, CHECKS)
    boxes = run.table("boxes")
    rows = _at(boxes, allocation, mix)
    judged = int((table.target.notna() & (table.province != NATION)).sum())
    told = [*box_sentences.own(rows)["sentence_en"], box_sentences.once(rows, judged, "en")]
    told = [text for text in told if text] or ["none that holds up on held-out members"]
    yield f"Failure conditions, {where}", _left(pd.DataFrame({"": "-", " ": told}))
    yield "How far to trust this", trust(run)


def trust(run: Run) -> pd.DataFrame:
    """The trust panel."""
    rows = run.table("trust")
    said = rows.assign(value=rows["value"].map(Terms("en").message))
    return _left(printed("trust", said, ["verdict", "topic", "value"]))


def _left(table: pd.DataFrame, width: int = 80) -> pd.DataFrame:
    """Texts set from the left, those of the last column over as many lines as they need."""
    rows = []
    for *heads, text in table.itertuples(index=False):
        first, *more = textwrap.wrap(str(text), width) or [""]
        rows += [(*heads, first), *((*("" for _ in heads), line) for line in more)]
    made = pd.DataFrame(rows, columns=table.columns)
    widths = {str(name): max(len(str(name)), int(made[name].str.len().max())) for name in made}
    return pd.DataFrame({name.ljust(width): made[name].str.ljust(width) for name, width in widths.items()})


def _pressure(run: Run, mix: str) -> Iterator[tuple[str, pd.DataFrame]]:
    """The comparison at both ends of the pressure share."""
    table = run.table("pressure") if "pressure" in run.tables else pd.DataFrame()
    if table.empty:
        return
    rows = table[(table["mix"] == mix) & table["pressure_share"].notna()]
    own = float(table["modelled_share"].iloc[0])
    yield (
        f"The same at both ends of the pressure share, mix {mix}\npressure share: part of the slope of outcomes on "
        f"official targets that moves with a reassigned target; not identified (this model: {own:.2f})",
        printed("pressure", rows, ["pressure_share", *SURVIVAL]),
    )


def _at(table: pd.DataFrame, allocation: str, mix: str) -> pd.DataFrame:
    return table[(table["allocation"] == allocation) & (table["mix"] == mix)]


def sensitivity(run: Run, province: str) -> Iterator[tuple[str, pd.DataFrame]]:
    """Titles and tables of the scenario that was analysed, for one province or the nation."""
    table = run.table("sensitivity")
    one = table[table.province == province]
    where = f"{province}, allocation {table.allocation.iloc[0]}, mix {table.mix.iloc[0]}, {table.runs.max()} runs"
    for output, of in (("hit", "hit or miss"), ("modelled margin", "the margin without predictive error")):
        rows = one[one.output == output].nlargest(TOP, "ST")
        yield f"What decides {of}: {where} (ranks only where intervals do not overlap)", _indices(rows)
    groups = run.table("sensitivity_groups")
    rows = groups[(groups.province == province) & (groups.output == "hit")].rename(columns={"group": "factor"})
    yield (
        f"Groups of inputs, all allocation rules, hit or miss: {province}",
        _indices(rows.sort_values("ST", ascending=False)),
    )
    years = run.table("sensitivity_years")
    years = years[(years.province == province) & (years.output == "margin")]
    yield f"Total index of the margin by year: {province}", years.pivot_table("ST", "group", "year").reset_index()
    if len(shapley := run.table("shapley")) and province in set(shapley.province):
        rows = shapley[shapley.province == province].nlargest(TOP, "effect")
        title = f"Shapley effects over the run's own, correlated members: {province}"
        yield title, printed("shapley", rows, ["factor", "effect", "low+high"])
    if "ranking_inputs" in run.tables and province in set((turns := run.table("ranking_inputs")).province):
        rows = turns[turns.province == province].nlargest(5, "effect")
        yield (
            f"What decides which mix leads: {province}",
            printed("ranking_inputs", rows, ["best", "second", "flips", "factor", "effect", "low+high"]),
        )
    yield "How far to trust this", trust(run)


def robust(found: Mapping[str, pd.DataFrame]) -> Iterator[tuple[str, pd.DataFrame]]:
    """Titles and tables of the robust decision loop."""
    plans, failed = found["robust_plans"], found["robust_failures"]
    named = plans.assign(
        plan=plans["plan"] + np.where(plans["amended"], " (amended plan)", ""),
        efficient=np.where(plans["efficient"], "yes", ""),
    )
    shown = printed("robust_plans", named, PLANS)
    first = plans.iloc[0]
    yield (
        f"Plan {first['mix']} and hedges: {first['province']}, allocation {first['allocation']}, {first['members']} "
        "futures\nmended: failures of the plan that now meet; cost: Gyuan a year more than the plan in its last year\n"
        "regret: points missed above the best plan of the same future; if behind: two years into the plan",
        shown,
    )
    told = failed["sentence_en"].where(failed["sentence_en"] != "", "no condition that holds up on other members")
    lines = [textwrap.fill(f"{plan}: {text}", 110) for plan, text in zip(failed["plan"], told, strict=True)]
    yield "Where they fail\n" + "\n".join(lines), printed("robust_failures", failed, ["plan", "misses"])


def given_data(table: pd.DataFrame) -> tuple[str, pd.DataFrame]:
    """Title and rows of a PAWN or delta table, the strongest inputs first."""
    first, rows = table.iloc[0], table.head(TOP)
    shown = printed("given_data", rows, ["factor", "index", "low+high", "noise", "verdict"], method=first["method"])
    title = (
        f"What moves the distribution of the margin: {first['province']}, allocation {first['allocation']}, mix "
        f"{first['mix']}, {first['members']} members\nnoise: largest of twenty random inputs. Tells that an input "
        "moves the margin;\nnot whether alone or with others, nor its share of variance; none is called irrelevant"
    )
    return title, shown


INDICES = ("factor", "S1", "S1_low+S1_high", "ST", "ST_low+ST_high", "rank", "verdict")


def _indices(rows: pd.DataFrame) -> pd.DataFrame:
    return printed("sensitivity", rows, INDICES)


SOLVED = ("step", "name", "reached", "factor", "strength", "chance", "chance_low+chance_high", "median")
BOUNDS = ("binding", "binding_gain", "cost")


def solved(table: pd.DataFrame) -> pd.DataFrame:
    """The table of `solve`, without empty columns."""
    return printed("solve", table.dropna(axis=1, how="all"), [*SOLVED, *BOUNDS])


SUM = f"{NATION} (sum of {'places' if active_region() else 'provinces'})"


def verdicts(run: Run, allocation: str | None = None, mix: str | None = None) -> pd.DataFrame:
    """The table for the terminal, texts: one row per province, the nation last. Default: the study's first scenario."""
    table = run.table("feasibility")
    allocation = allocation or run.study.allocations[0].label
    mix = mix or run.study.mixes[0].label
    rows = table[(table["allocation"] == allocation) & (table["mix"] == mix)]
    if rows.empty:
        known = sorted({f"{a} × {m}" for a, m in zip(table["allocation"], table["mix"], strict=True)})
        raise InputError(f"{run.name} has no {allocation} × {mix}; it has: {', '.join(known)}")
    half = (rows["chance_high"] - rows["chance_low"]) / 2
    names = ["province", "target", "reduction", "reduction_10+reduction_90", "margin", "chance", "light"]
    shown = printed("feasibility", rows.assign(province=rows["province"].replace(NATION, SUM)), names)
    shown[columns("feasibility")["chance"].short] += (100 * half).map(lambda h: f" ± {h:.0f}" if np.isfinite(h) else "")
    return shown.reset_index(drop=True)


def joint(run: Run, allocation: str | None = None, mix: str | None = None) -> pd.DataFrame:
    """Target and chance of every indicator, and the chance of all at once, as texts: one row per province.

    A star marks a target that was not read in an official text.
    """
    at = run.study.scenario(allocation, mix)
    every, whole = _at(run.table("indicators"), *at), _at(run.table("joint"), *at)
    shown = printed("joint", whole.assign(province=whole["province"].replace(NATION, SUM)), ["province"])
    for key in run.study.target.indicators:
        rows = every[every["indicator"] == key].set_axis(whole.index)
        star = np.where(rows["status"].isin(["recalled", "rule"]), "*", "")
        own = printed("indicators", rows, ["target", "chance"], indicator=key)
        shown = shown.join(own.assign(**{own.columns[0]: own.iloc[:, 0] + star}))
    if len(counted(run.study.target.indicators)) > 1:
        shown = shown.join(printed("joint", whole, ["chance", "fails_most"]))
    return shown.reset_index(drop=True)
