"""Parts of a page: charts with their data, tables, and notes on analyses that a run lacks."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from pandas.api.types import is_bool_dtype, is_numeric_dtype

from experiments.analyses.numbers import number
from experiments.words import svg
from experiments.words.claims import Claim
from experiments.words.columns import SHARE, Column, columns
from experiments.words.ratings import LIGHTS, WORDS, Rating
from experiments.words.terms import Terms
from experiments.words.view import Standing


@dataclass(frozen=True)
class Chart:
    """A picture with its title and its data for download. claim: the change that the title names, with its dots."""

    id: str
    title: str
    subtitle: str
    svg: str
    csv: str
    note: str = ""
    wide: bool = False
    claim: Claim | None = None


def chart(
    name: str,
    title: str,
    subtitle: str,
    picture: str,
    data: pd.DataFrame,
    *,
    note: str = "",
    wide: bool = False,
    claim: Claim | None = None,
) -> Chart:
    """A chart of the page. picture: from `charts`; data: what it shows, one row per observation."""
    return Chart(name, title, subtitle, svg.accessible(picture, f"{title} {subtitle}"), csv(data), note, wide, claim)


def csv(data: pd.DataFrame) -> str:
    """The table as CSV with six significant digits; a text that a spreadsheet would run as a formula is quoted."""
    safe = data.copy()
    for column in safe.columns[[not is_numeric_dtype(kind) for kind in safe.dtypes]]:
        safe[column] = [f"'{value}" if str(value)[:1] in set("=+-@\t\r") else value for value in safe[column]]
    return "\ufeff" + str(safe.to_csv(index=False, float_format="%.6g"))


@dataclass(frozen=True)
class Head:
    """The head of a column."""

    text: str
    number: bool = False


@dataclass(frozen=True)
class Cell:
    """A cell: text, and a light where the column holds lights."""

    text: str
    light: Rating | None = None


@dataclass(frozen=True)
class Table:
    """A table of the page, with its data for download."""

    id: str
    title: str
    heads: Sequence[Head]
    rows: Sequence[Sequence[Cell]]
    csv: str
    note: str = ""
    long: bool = False
    code: bool = False


def table(
    terms: Terms,
    name: str,
    title: str,
    data: pd.DataFrame,
    *,
    of: Mapping[str, Column] | None = None,
    note: str = "",
    limit: int = 400,
    code: bool = False,
) -> Table:
    """A table of the page: the columns of a specification, or all of them, their names translated where known.

    of: column → its specification. code: the texts keep their spaces. Numbers follow the unit that the
    head names in the language (see `Terms.scale`); the CSV keeps the unit of the English head.
    A column called "light" holds levels or words and is shown as lights. More rows than `limit` stay in the CSV only.
    """
    known = of or {}
    chosen = [column for column in known or data.columns if column in data]
    shown = data[chosen].head(limit)
    number = {c: is_numeric_dtype(shown[c]) and not is_bool_dtype(shown[c]) and c != "light" for c in chosen}
    columns = [Head(terms(known[c].head) if c in known else terms.name(c), number[c]) for c in chosen]
    scale = {c: terms.scale(known[c].head) if c in known and number[c] else 1.0 for c in chosen}
    digits = {c: known[c].decimals if c in known else 2 for c in chosen}
    shares = {c for c in chosen if c in known and known[c].unit == SHARE}
    rows = [
        [
            Cell(terms.share(value)) if column in shares else _cell(terms, column, value, digits[column], scale[column])
            for column, value in zip(chosen, row, strict=True)
        ]
        for row in shown.itertuples(index=False, name=None)
    ]
    if len(data) > limit:
        note = " ".join(
            filter(None, (note, terms("The first {n} of {total} rows; the CSV holds all.", n=limit, total=len(data))))
        )
    return Table(name, title, columns, rows, csv(data), note, len(chosen) > 7, code)


def listed(
    terms: Terms,
    name: str,
    title: str,
    data: pd.DataFrame,
    of: str,
    names: Sequence[str],
    note: str = "",
    limit: int = 400,
    code: bool = False,
) -> Table:
    """A table of the page by the column specification. of: the table of `columns.csv`; names: its columns."""
    known = columns(of)
    return table(terms, name, title, data, of={key: known[key] for key in names}, note=note, limit=limit, code=code)


def _cell(terms: Terms, column: str, value: Any, decimals: int, scale: float = 1.0) -> Cell:
    """How a value looks in a table."""
    if column == "light":
        light = WORDS.get(str(value)) or (LIGHTS.get(int(value)) if _is_number(value) else None)
        return Cell("", light) if light else Cell("–")
    if isinstance(value, bool | np.bool_):
        return Cell(terms("yes") if value else terms("no"))
    if _is_number(value):
        return Cell(figure(scale * float(value), decimals))
    if value is None or value is pd.NA or (isinstance(value, float) and np.isnan(value)):
        return Cell("–")
    if isinstance(value, list | tuple | np.ndarray):
        return Cell(terms.names([str(item) for item in value]))
    return Cell(terms.name(value, column))


def _is_number(value: Any) -> bool:
    return (
        isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool) and np.isfinite(value)
    )


def spread(terms: Terms, median: float, low: float, high: float, decimals: int = 1) -> str:
    """A median with its range in brackets."""
    shown = (number(value, decimals) for value in (median, low, high))
    return terms("{median} ({low} to {high})", **dict(zip(("median", "low", "high"), shown, strict=True)))


def figure(value: float, decimals: int) -> str:
    """A number of a table: whole where it is whole, significant digits where the decimals would show none."""
    if value == int(value) and abs(value) < 1e12:
        return f"{int(value)}".replace("-", "−")
    if abs(value) < 10 ** (1 - decimals):
        return f"{value:.2g}".replace("-", "−")
    return number(value, decimals)


@dataclass(frozen=True)
class Missing:
    """Something that the run lacks, and the command that makes it."""

    what: str
    command: str


@dataclass(frozen=True)
class Section:
    """One chapter of the report."""

    id: str
    title: str
    text: Sequence[str] = ()
    charts: Sequence[Chart] = ()
    tables: Sequence[Table] = ()
    missing: Sequence[Missing] = ()


@dataclass(frozen=True)
class ProvincePage:
    """The page of one province. briefs: addresses of its brief as a page and for printing."""

    id: str
    label: str
    standing: Standing
    finding: str
    charts: Sequence[Chart] = ()
    conditions: Sequence[str] = ()
    tables: Sequence[Table] = ()
    missing: Sequence[Missing] = field(default=())
    briefs: Sequence[tuple[str, str]] = ()


def slug(*words: str) -> str:
    """An id for anchors and file names: letters, digits and hyphens only, whatever comes in."""
    return re.sub(r"[^A-Za-z0-9\u4e00-\u9fff]+", "-", "-".join(words)).strip("-")[:80] or "x"


def short(text: object, limit: int = 200) -> str:
    """The text, cut where somebody's name is longer than a page can bear."""
    words = str(text)
    return words if len(words) <= limit else f"{words[: limit - 1]}…"
