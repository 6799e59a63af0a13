"""The annex of the expert process: what the group entered, compared, scored, monitored and discussed."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from experiments.report.content import Section, Table, table
from experiments.words.view import View

PREFIX = "process_"
"""Beginning of the names of the process's tables in a run."""

TITLES: Mapping[str, str] = {
    "experts": "Who took part",
    "baseline": "Own figures of the base beside published and modelled ones",
    "account": "Account of greenhouse gases: modelled CO2, other gases as entered",
    "goals": "Goals, their sources and their chances",
    "screening": "Scores of the options",
    "designs": "Option sheets",
    "barriers": "Barriers and remedies",
    "monitoring": "Measured years against their own paths",
    "verdicts": "Chance before and after each measured year",
    "comments": "Comments, open and answered",
    "log": "Who changed what, when and why",
}
CHANCES = ("chance", "chance before", "chance after", "chance by it alone")
HIDDEN = ("run", "mix", "allocation", "province", "source key")
AMOUNTS = (
    "energy saved in the plan's last year, Mtce",
    "CO2 avoided in the plan's last year, Mt",
    "net present cost, billion yuan",
)
"""Results on an option sheet whose unit differs between the languages."""
LEVELS = ("value", "published", "own", "modelled", "low", "high")
"""Columns that hold amounts in the unit which the table's column of units gives."""
NOTES: Mapping[str, str] = {
    "baseline": "text: own baseline",
    "account": "text: entered account",
    "monitoring": "text: own paths",
}


def process(view: View) -> Section | None:
    """The tables that `tanlu toolkit results` brought into the run; None where there are none."""
    found = [made for name in TITLES if (made := _table(view, name))]
    if not found:
        return None
    return Section("process", view.terms("The expert group's work"), [view.terms("text: process")], [], found)


def _table(view: View, name: str) -> Table | None:
    rows = view.table(f"{PREFIX}{name}")
    if rows is None or rows.empty:
        return None
    shown = rows[[column for column in rows if column not in HIDDEN and not _empty(rows[column])]].copy()
    for column in shown:
        if str(column).startswith("chance after: "):
            key = str(column).removeprefix("chance after: ")
            shown[column] = [view.terms.chance(float(value)) for value in shown[column]]
            shown = shown.rename(columns={column: view.terms("{name}: chance", name=_indicator(view, key))})
    years = [column for column in shown if column in ("year", "from", "to", "number") and name != "comments"]
    for column in years:
        shown[column] = [str(value).removesuffix(".0") for value in shown[column]]
    for column in CHANCES:
        if column in shown:
            shown[column] = [view.terms.chance(float(value)) for value in shown[column]]
    if name == "designs":
        factors = [view.terms.scale(str(field)) if field in AMOUNTS else 1.0 for field in shown["field"]]
        pairs = zip(shown["text"], factors, strict=True)
        shown["text"] = [text if factor == 1 else f"{factor * float(text):.4g}" for text, factor in pairs]
    if name in ("baseline", "account"):
        units = [_official(view, str(unit)) for unit in shown["unit"]]
        factors = [factor for _, factor in units]
        for column in [column for column in LEVELS if column in shown]:
            shown[column] = shown[column].astype(float) * factors
        shown["unit"] = [words for words, _ in units]
    if "not entered" in shown:
        parts = [[part for part in str(text).split("; ") if part] for text in shown["not entered"]]
        shown["not entered"] = [view.terms.names(names) for names in parts]
    if "title_zh" in shown:
        shown["title"] = shown["title_zh"] if view.terms.lang == "zh" else shown["title"]
        shown = shown.drop(columns="title_zh")
    note = view.terms(NOTES[name]) if name in NOTES else ""
    return table(view.terms, f"process-{name}", view.terms(TITLES[name]), shown, note=note)


def _official(view: View, unit: str) -> tuple[str, float]:
    """A unit of a sheet as officials write it, and the factor to it."""
    if unit == "MtCO2e/yr":
        return view.terms("MtCO2e a year"), 100.0 if view.terms.lang == "zh" else 1.0
    return view.terms.official(unit)


def _indicator(view: View, key: str) -> str:
    from models.indicators import indicators

    return view.terms.indicator(indicators()[key]) if key in indicators() else key


def _empty(values: "pd.Series[Any]") -> bool:
    return bool(values.isna().all() or (values.astype(str) == "").all())
