"""The trust panel: how far the numbers of a run may be believed, item by item, as keys of texts with their values."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import astuple, dataclass, fields
from functools import wraps
from typing import Any

import pandas as pd

from experiments.analyses import members_fit
from experiments.analyses.members_fit import ALLOWED, SPAN
from experiments.analyses.messages import message, part
from experiments.analyses.numbers import number
from experiments.runs.store import Run

GOOD, CAUTION, BAD, ABSENT = "good", "caution", "bad", "not done"
WIDE = 0.05
"""Half-width of a chance's interval above which more members are advised."""


@dataclass(frozen=True)
class Item:
    """One line: topic, result, verdict (good, caution, bad, not done) and meaning; result and meaning are messages."""

    topic: str
    value: str
    verdict: str
    meaning: str


def panel(run: Run) -> pd.DataFrame:
    """Columns topic, value, verdict, meaning (see `messages`); an analysis that was not made has its own row."""
    items = [item for make in PARTS for item in make(run.tables, run.manifest)]
    return pd.DataFrame([astuple(item) for item in items], columns=[field.name for field in fields(Item)])


Tables = Mapping[str, pd.DataFrame]
Part = Callable[[Tables, Mapping[str, Any]], Iterator[Item]]


def members(tables: Tables, manifest: Mapping[str, Any]) -> Iterator[Item]:
    """How many members, how many failed."""
    count = manifest["members"]
    failed = count["failed"] / max(count["done"], 1)
    yield Item(
        "members",
        message("trust: members", **{name: count[name] for name in ("drawn", "done", "failed")}),
        GOOD if failed == 0 else CAUTION if failed < 0.01 else BAD,
        message("trust meaning: members"),
    )


def of(name: str, topic: str, command: str) -> Callable[[Callable[[pd.DataFrame, Tables], Iterator[Item]]], Part]:
    """Makes a part of the panel from what a table of the run tells; without that table the command that makes it."""

    def of_table(rows: Callable[[pd.DataFrame, Tables], Iterator[Item]]) -> Part:
        @wraps(rows)
        def items(tables: Tables, manifest: Mapping[str, Any]) -> Iterator[Item]:
            return rows(tables[name], tables) if name in tables else iter([_absent(topic, command)])

        return items

    return of_table


@of("feasibility", "Monte-Carlo error", "tanlu feasibility")
def intervals(table: pd.DataFrame, tables: Tables) -> Iterator[Item]:
    """Widest Monte-Carlo interval of a chance."""
    half = float((0.5 * (table.chance_high - table.chance_low)).max())
    yield Item(
        "Monte-Carlo error",
        message("trust: interval", half=100 * half),
        GOOD if half <= WIDE else CAUTION,
        message("trust meaning: interval"),
    )


@of("convergence", "sensitivity", "tanlu sensitivity")
def ranking(table: pd.DataFrame, tables: Tables) -> Iterator[Item]:
    """Sensitivity: dummy, convergence, overlap."""
    stable = float(table.stable.mean())
    yield Item(
        "ranking at N and N/2",
        message("trust: stable", share=100 * stable, outputs=len(table)),
        GOOD if stable == 1 else CAUTION,
        message("trust meaning: stable"),
    )
    yield Item(
        "dummy input",
        message("trust: dummy", index=table.total_dummy.max()),
        GOOD if table.total_dummy.max() < 0.05 else BAD,
        message("trust meaning: dummy"),
    )
    yield Item(
        "widest interval of a total index",
        message("trust: widest", index=table.widest.max()),
        GOOD if table.widest.max() < 0.1 else CAUTION,
        message("trust meaning: widest"),
    )
    if "sensitivity" in tables:
        one = tables["sensitivity"].query("factor != 'dummy' and rank != '–'")  # a constant output has no ranks
        shared = float(one["rank"].astype(str).str.contains("–").mean()) if len(one) else 0.0
        yield Item(
            "ranks refused",
            message("trust: shared rank", share=100 * shared),
            GOOD if shared < 0.5 else CAUTION,
            message("trust meaning: shared rank"),
        )


@of("irrelevant", "irrelevant inputs", "tanlu sensitivity")
def irrelevance(table: pd.DataFrame, tables: Tables) -> Iterator[Item]:
    """Were inputs called irrelevant confirmed on fresh runs?"""
    some = table[table.fixed > 0]
    yield Item(
        "irrelevant inputs on fresh runs",
        message(
            "trust: irrelevant",
            fewest=some.fixed.min(),
            most=some.fixed.max(),
            moved=100 * some.difference.abs().max(),
        )
        if len(some)
        else message("trust: none irrelevant"),
        GOOD if bool(some.holds.all()) else CAUTION,
        message("trust meaning: irrelevant"),
    )


@of("checks", "reality checks", "tanlu feasibility")
def reality(table: pd.DataFrame, tables: Tables) -> Iterator[Item]:
    """Experts' reality checks."""
    worst = table.sort_values("rate").iloc[0]
    yield Item(
        "reality checks",
        message("trust: checks", rate=100 * worst.rate, check={"en": worst.check, "zh": worst.statement_zh}),
        GOOD if worst.rate >= 0.99 else CAUTION if worst.rate >= 0.9 else BAD,
        message("trust meaning: checks"),
    )


def identified(tables: Tables, manifest: Mapping[str, Any]) -> Iterator[Item]:
    """Identifiability labels of the calibrated parameters, if they were made for the calibration that is used."""
    from calibration import identifiability

    if not identifiability.PUBLISHED.exists() or not identifiability.belongs_to_shipped():
        yield _absent("identifiability", "tanlu identifiability")
        return
    known = float((identifiability.load_labels()["label"] == identifiability.IDENTIFIED).mean())
    yield Item(
        "identified parameters",
        message("trust: identified", share=100 * known),
        GOOD if known > 0.8 else CAUTION,
        message("trust meaning: identified"),
    )


@of("members_fit", "members fit the past", "tanlu feasibility")
def fits(table: pd.DataFrame, tables: Tables) -> Iterator[Item]:
    """Do the members reproduce the measured fall of energy intensity under the study's own constants?"""
    nation = table.iloc[-1]
    first, last = SPAN
    yield Item(
        "members fit the past",
        message("trust: fit", first=first, last=last, modelled=nation.modelled, measured=nation.measured),
        GOOD if members_fit.fits(table) else BAD,
        message("trust meaning: fit", allowed=ALLOWED),
    )


def scored_plans(tables: Tables, manifest: Mapping[str, Any]) -> Iterator[Item]:
    """The printed question on past plans: did the chance of meeting the target beat the base rate?"""
    from calibration import scorecard

    table = scorecard.published()
    if table is None:
        yield _absent("verdicts on past plans", "tanlu backtest --all")
        return
    passed = scorecard.published_passed()
    model = table[table["forecast"] == scorecard.MODEL]
    scores = ("plan", "brier", "brier_base", "auc")
    plans = [
        part(
            "trust: past plan",
            verdicts=dict.fromkeys(("en", "zh"), row["verdicts"]),
            **{name: row[name] for name in scores},
        )
        for row in model.to_dict("records")
    ]  # "plan" is here a way to judge, not the mix of that name
    yield Item(
        "verdicts on past plans",
        message("trust: past plans passed" if passed else "trust: past plans failed", plans=plans),
        GOOD if passed else BAD,
        message("trust meaning: past plans"),
    )


def holdout(tables: Tables, manifest: Mapping[str, Any]) -> Iterator[Item]:
    """The verdict of the backtest, on which calibrated words depend, with the verdicts on past plans."""
    from calibration import scorecard

    passed, value = backtest_verdict(tables)
    worded = bool(passed) and scorecard.published_passed()
    if passed is None:
        yield _absent("hold-out test", "tanlu backtest --run")
    else:
        yield Item(
            "hold-out test",
            value,
            GOOD if passed else BAD,
            message("trust meaning: hold-out"),
        )
    yield Item(
        "calibrated words",
        message("trust: words given" if worded else "trust: words withheld"),
        GOOD if worded else CAUTION,
        message("trust meaning: words"),
    )


def backtest_verdict(tables: Tables) -> tuple[bool | None, str]:
    """Whether the model passed the main question of the backtest that the run holds, with its message.

    Passed: the 90 % interval of its CRPS less the naive opponent's lies below zero, and its 80 % bands hold 70-90 % of
    the provinces. (None, "") without a backtest.
    """
    from calibration.backtest import MODEL, OPPONENT

    if "backtest" not in tables:
        return None, ""
    card = tables["backtest"]
    main = card[(card.question == card.question.iloc[0]) & (card.run == MODEL)].set_index("forecast")
    row, held = main.loc[OPPONENT], float(main.loc[MODEL, "coverage_80"])
    crps, mae = (
        "{} ({} … {})".format(*(number(row[f"delta_{of}{end}"], 2, sign=True) for end in ("", "_low", "_high")))
        for of in ("crps", "mae")
    )
    text = message("trust: hold-out", question=row.question, opponent=OPPONENT, crps=crps, mae=mae, held=100 * held)
    return bool(row.delta_crps_high < 0) and 0.7 <= held <= 0.9, text


def trusted(run: Run) -> bool:
    """May calibrated words be used: a passed backtest, members that fit the past, verdicts on past plans that allow?"""
    from calibration import scorecard

    tables = run.tables
    fitting = "members_fit" not in tables or members_fit.fits(tables["members_fit"])
    return backtest_verdict(tables)[0] is True and fitting and scorecard.published_passed()


def _absent(topic: str, command: str) -> Item:
    return Item(topic, "–", ABSENT, message("trust meaning: not done", command=command))


PARTS: tuple[Part, ...] = (members, intervals, ranking, irrelevance, identified, fits, scored_plans, holdout, reality)
