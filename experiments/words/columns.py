"""The columns of the tables that people read: unit, digits and heads, one row of `columns.csv` each.

The terminal (`printed`), the pages of the report (`content.listed`, and `headed` where cells are composed of several
figures), the description of exported tables (`described`) and the IAMC tables (`factor`) take them from here.
"""

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd

from experiments.words.terms import LANGS, Terms

TABLE = Path(__file__).with_name("columns.csv")
SHARE = "share"
"""Unit of fractions, which people read in per cent."""
LIKE = {
    "indicators": "feasibility",
    "pressure": "regret",
    "mixes of energy_intensity": "mixes",
    "mixes of co2_intensity": "mixes",
    "mixes of co2_intensity_2026": "mixes",
    "sensitivity_groups": "sensitivity",
    "sensitivity_pawn": "given_data",
    "sensitivity_delta": "given_data",
}
"""Table → the one whose columns it has beside its own."""


@dataclass(frozen=True)
class Column:
    """One column as people read it.

    parts: the stored columns, more than one where people read them together; unit: of the stored values; form: of a
    printed number (empty: a text, or a number as it comes); mark: between the parts; short: head on a terminal; head:
    key of `terms.csv`, the head on a page. Both heads may have a placeholder for the indicator.
    """

    parts: tuple[str, ...]
    unit: str
    form: str
    mark: str
    short: str
    head: str

    @property
    def factor(self) -> float:
        """From the stored values to those that are read."""
        return 100.0 if self.unit == SHARE else 1.0

    @property
    def decimals(self) -> int:
        """Of a printed number, two where none are given."""
        return int(self.form.strip("+.f")) if self.form else 2

    def texts(self, rows: pd.DataFrame) -> "pd.Series[str]":
        """The column as a terminal shows it: a dash where there is no number, the parts joined."""

        def text(value: Any) -> str:
            return format(self.factor * float(value), self.form) if pd.notna(value) else "–"

        cells = [rows[part].map(text) if self.form else rows[part] for part in self.parts]
        return (
            pd.Series([self.mark.join(row) for row in zip(*cells, strict=True)], rows.index) if self.mark else cells[0]
        )


@cache
def columns(table: str) -> Mapping[str, Column]:
    """The columns of a table by the name of what is stored, parts joined with "+", those of every table last.

    >>> columns("feasibility")["chance_low+chance_high"].short
    '95 % int.'
    """
    with TABLE.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    return {
        row["column"]: Column(
            tuple(row["column"].split("+")),
            row["unit"],
            row["form"],
            row["mark"],
            row["short"] or row["column"],
            row["head"],
        )
        for owner in ("", LIKE.get(table, table), table)
        for row in rows
        if row["table"] == owner
    }


def printed(table: str, rows: pd.DataFrame, names: Iterable[str], **values: object) -> pd.DataFrame:
    """The chosen columns for a terminal, heads with units and numbers as texts.

    Args:
        table: whose columns they are.
        rows: as stored.
        names: keys of `columns`; one whose parts the rows lack is left out.
        **values: what placeholders of the heads stand for.

    >>> printed("feasibility", pd.DataFrame({"province": ["Hebei"], "chance": [0.4]}), ["province", "chance"])
      province chance %
    0    Hebei       40
    """
    known = columns(table)
    chosen = [known[name] for name in names if set(known[name].parts) <= set(rows)]
    heads = [column.short.format(**values) if values else column.short for column in chosen]
    return pd.DataFrame({head: column.texts(rows) for head, column in zip(heads, chosen, strict=True)})


def heads(table: str, names: Iterable[str]) -> dict[str, str]:
    """Column → its head on a page, a key of `terms.csv`."""
    return {name: columns(table)[name].head for name in names}


def headed(terms: Terms, table: str, cells: Mapping[str, Iterable[Any]], **values: object) -> pd.DataFrame:
    """Cells that a page has composed, under the heads of the specification.

    Args:
        terms: the language.
        table: whose columns they are.
        cells: cells by key of `columns`, in the order of the page.
        **values: what placeholders of the heads stand for.

    >>> headed(Terms("en"), "triggers", {"fired": ["12 %"]})
      Trigger fires
    0          12 %
    """
    return pd.DataFrame({terms(columns(table)[key].head, **values): list(column) for key, column in cells.items()})


def described(table: str, names: Iterable[str]) -> dict[str, dict[str, str]]:
    """Stored column → unit and heads in both languages, of those columns that have a row in `columns.csv`."""
    known = {part: column for column in columns(table).values() for part in column.parts}
    known |= {name: column for name, column in columns(table).items() if len(column.parts) == 1}
    return {
        name: {"unit": known[name].unit, **{lang: Terms(lang)(known[name].head) for lang in LANGS}}
        for name in names
        if name in known
    }
