"""The course: a pilot folder to practise on, and exercises whose answers the tool computes from the learner's folder.

The folder holds sheets as three reviewers might fill them in; every such value is marked as an exercise value and says
nothing about Chongqing. The right answers are not stored: `check_answers` reads them from the sheets, the run and the
tables that the learner's own commands made.
"""

import csv
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pandas as pd

from experiments.toolkit import sheets
from experiments.toolkit.prefill import init
from experiments.toolkit.sheets import Folder
from models.reading.faults import InputError
from models.reading.names import refusal
from models.reading.numbers import read_number
from models.reading.table_file import read_table
from models.reading.yaml_file import dump_yaml
from models.writing import write_text

TABLE = Path(__file__).with_name("course.csv")
MARK = "exercise value of the course, not a figure of Chongqing"
MEMBERS = 200
"""Members of the course's run: about a minute of one processor."""
GOALS = {"energy intensity": 13.0, "co2 intensity": 17.0, "gdp growth": 4.5, "non-fossil share of energy": 15.0}
"""Per cent (a year, of growth): exercise values; the carbon goal is the nation's."""
OTHER = (("methane", 2025, 12.0), ("forests", 2025, -20.0), ("methane", 2030, 11.0))
"""MtCO2e a year: exercise values."""
ANSWERS = "answers.csv"


@dataclass(frozen=True)
class Exercise:
    """A question. tolerance: exact, a number, or a share of the value such as 1 %. value: name in `VALUES`."""

    lesson: int
    number: str
    unit: str
    tolerance: str
    value: str
    question: str
    question_zh: str


@cache
def exercises() -> tuple[Exercise, ...]:
    """The exercises of the five lessons, in order."""
    with TABLE.open(encoding="utf-8", newline="") as stream:
        return tuple(
            Exercise(
                int(row["lesson"]),
                row["exercise"],
                row["unit"],
                row["tolerance"],
                row["value"],
                row["question"],
                row["question_zh"],
            )
            for row in csv.DictReader(stream)
        )


def start(folder: Path) -> Folder:
    """Make the course's pilot folder: Chongqing, 2025-2030, goals, scores and other gases filled in as an exercise.

    Raises InputError when the folder exists.
    """
    work = init("Chongqing", folder)
    rules = work.settings.model_copy(update={"members": MEMBERS})
    write_text(work.settings_file, dump_yaml(rules.model_dump()))
    goals = _read(work, "3-goals.csv")
    for goal, value in GOALS.items():
        goals.loc[goals["goal"] == goal, ["value", "source"]] = [str(value), MARK]
    sheets.write(work.sheet("3-goals.csv"), goals)
    entered = [(item, year, value, "MtCO2e/yr", MARK) for item, year, value in OTHER]
    names = [column.name for column in sheets.OTHER]
    sheets.write(work.sheet("2-other-emissions.csv"), pd.DataFrame(entered, columns=names))
    for order, reviewer in enumerate(rules.reviewers):
        name = f"5-screening/{reviewer}.csv"
        table = _read(work, name)
        for column, criterion in enumerate(rules.criteria):
            table[criterion] = [str(_score(row, column, order)) for row in range(len(table))]
        sheets.write(work.sheet(name), table)
    answers = [(one.number, one.question, one.question_zh, one.unit, "") for one in exercises()]
    columns = ["exercise", "question", "question_zh", "unit", "answer"]
    sheets.write(work.sheet(ANSWERS), pd.DataFrame(answers, columns=columns))
    return work


def _score(row: int, criterion: int, reviewer: int) -> int:
    """A made-up score of 1 to 5: a common one by option and criterion, from which single reviewers are 1 or 2 apart."""
    common = 1 + (5 * row + 3) % 8 // 2 + (row + 2 * criterion) % 5 // 3
    view = (7 * row + 3 * criterion + 11 * reviewer) % 43
    apart = 2 if view == 0 else 1 if view < 12 else 0
    return common + apart if common <= 3 else common - apart


def _read(work: Folder, name: str, *columns: str) -> pd.DataFrame:
    path = work.sheet(name)
    if not path.is_file():
        raise InputError(f"{name} is not there yet: the lesson's commands make it")
    table = read_table(path, "a sheet of the course", columns, other_columns=True, label=name)
    if table.faults:
        raise InputError(table.faults)
    return pd.DataFrame(table.rows, columns=table.columns, dtype=str)


def _numbers(work: Folder, name: str) -> pd.DataFrame:
    _read(work, name)
    return pd.read_csv(work.sheet(name), encoding=sheets.ENCODING)


def _result(work: Folder, name: str) -> pd.DataFrame:
    table = _numbers(work, f"7-results/{name}.csv")
    return table[table["mix"] == "designed"] if "mix" in table else table


def _median(work: Folder, mix: str) -> float:
    table = _numbers(work, "7-results/indicators.csv")
    own = table[(table["mix"] == mix) & (table["indicator"] == "co2_intensity_2026")]
    return float(own["reduction"].iloc[0])


def _gdp(work: Folder) -> float:
    table = _read(work, "2-baseline.csv")
    return float(table.loc[(table["quantity"] == "gdp") & (table["year"] == "2025"), "value"].iloc[0])


def _goal(work: Folder) -> float:
    table = _read(work, "3-goals.csv")
    return float(table.loc[table["goal"] == "non-fossil share of energy", "value"].iloc[0])


def _chance(work: Folder, key: str) -> float:
    table = _result(work, "indicators")
    return 100 * float(table.loc[table["indicator"] == key, "chance"].iloc[0])


def _cheapest(work: Folder) -> str:
    cost = ["yuan per tCO2 low", "yuan per tCO2", "yuan per tCO2 high"]
    table = _result(work, "costs").query("option != 'all'").dropna(subset=cost)
    return str(table.sort_values("yuan per tCO2")["option"].iloc[0])


def _most_missed(work: Folder) -> tuple[str, ...]:
    """Every indicator that as many members miss as the one of joint.csv."""
    table = _result(work, "indicators")
    tied = table.loc[table["chance"] == table["chance"].min(), "indicator"]
    return (str(_result(work, "joint")["fails_most"].iloc[0]), *map(str, tied))


def _best(work: Folder) -> tuple[str, ...]:
    """The options with the highest score."""
    table = _read(work, "5-screening/merged.csv")
    return tuple(table.loc[table["score"] == table["score"].iloc[0], "option"])


def _whole(work: Folder) -> float:
    return float(_result(work, "costs").query("option == 'all'")["co2 avoided Mt"].iloc[0])


def _account(work: Folder) -> float:
    table = _result(work, "process_account")
    return float(table.loc[(table["item"] == "sum") & (table["year"] == 2025), "value"].iloc[0])


def _off(work: Folder) -> str:
    table = _read(work, "paths.csv")
    own = table[(table["year"] == "2027") & table["state"].str.startswith("off")]
    return ", ".join(own["quantity"]) or "none"


def _after(work: Folder) -> float:
    table = _numbers(work, "verdicts.csv")
    own = table[table["year"] == 2027]
    if own.empty:
        raise InputError("verdicts.csv has no year 2027 yet: enter the figures of both years")
    return 100 * float(own["chance after"].iloc[0])


def _changed(work: Folder) -> int:
    numbers = _read(work, "log.csv")["number"].astype(int)
    return int((numbers == numbers.max()).sum())


VALUES: Mapping[str, Callable[[Folder], str | tuple[str, ...] | float]] = {
    "baseline gdp 2025": _gdp,
    "options": lambda work: len(_read(work, "4-options.csv")),
    "goal non-fossil share": _goal,
    "best option": _best,
    "best score": lambda work: float(_read(work, "5-screening/merged.csv")["score"].iloc[0]),
    "talk again": lambda work: int((_read(work, "5-screening/merged.csv")["talk again"] == "yes").sum()),
    "design sheets": lambda work: len(work.designs),
    "chance co2_intensity_2026": lambda work: _chance(work, "co2_intensity_2026"),
    "joint chance": lambda work: 100 * float(_result(work, "joint")["chance"].iloc[0]),
    "fails most": _most_missed,
    "gain of the mix": lambda work: _median(work, "designed") - _median(work, "base"),
    "cheapest option": _cheapest,
    "co2 avoided": _whole,
    "account 2025": _account,
    "open comments": lambda work: int((_read(work, "comments.csv")["answer"] == "").sum()),
    "off path": _off,
    "chance after 2027": _after,
    "changed cells": _changed,
}
"""Name of a value in course.csv → how the learner's folder gives it; several texts are right where options tie."""


def check_answers(folder: str | Path) -> pd.DataFrame:
    """The learner's answers, each checked against the value in the folder: exercise, answer, state.

    state: right, wrong (the value is not shown), empty, or the file that the folder still lacks. Raises InputError when
    answers.csv is missing or names an exercise that there is not.
    """
    work = Folder.open(folder)
    if not work.sheet(ANSWERS).is_file():
        raise InputError(f"{ANSWERS} is not in {folder}: tanlu toolkit course start FOLDER makes the course's folder")
    given = _read(work, ANSWERS, "exercise", "answer")
    known = {one.number: one for one in exercises()}
    unknown = [number for number in given["exercise"] if number not in known]
    if unknown:
        raise InputError([f"{ANSWERS}: {refusal(number, known, 'exercise')}" for number in unknown])
    answers = dict(zip(given["exercise"], given["answer"], strict=True))
    rows = [(one.number, answers.get(one.number, ""), _state(work, one, answers)) for one in exercises()]
    return pd.DataFrame(rows, columns=["exercise", "answer", "state"])


def _state(work: Folder, one: Exercise, answers: Mapping[str, str]) -> str:
    text = answers.get(one.number, "").strip()
    if not text:
        return "empty"
    try:
        value = VALUES[one.value](work)
    except InputError as fault:
        return str(fault)
    if isinstance(value, str | tuple):
        accepted = (value,) if isinstance(value, str) else value
        return "right" if text.casefold() in (one.casefold() for one in accepted) else "wrong"
    try:
        number = read_number(text.removesuffix("%").strip(), -1e12, 1e12)
    except InputError:
        return f"got {text!r}, allowed: a number"
    return "right" if abs(number - value) <= allowed(one.tolerance, value) else "wrong"


def allowed(tolerance: str, value: float) -> float:
    """By how much an answer may differ.

    >>> allowed("1 %", 200.0), allowed("0.5", 200.0)
    (2.0, 0.5)
    """
    if tolerance == "exact":
        return 1e-6
    if tolerance.endswith("%"):
        return abs(value) * float(tolerance.removesuffix("%")) / 100
    return float(tolerance)
