"""The sheets of a working folder: columns, values that a cell may have, and reading with every fault listed."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal, TypeVar

import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from experiments.policy.catalogue import FIRST, NEXT, Catalogue, catalogue
from experiments.study.load import in_its_region
from models.plans import Plan, plans
from models.reading.faults import InputError
from models.reading.names import Spellings, choose, refusal
from models.reading.numbers import read_number
from models.reading.schema import validated
from models.reading.table_file import TableRows, read_table
from models.reading.yaml_file import read_yaml
from models.writing import write_text

NOTE = " (note)"
"""End of the head of a column that is a note: its content changes no result."""
ENCODING = "utf-8-sig"  # with the mark that spreadsheet programs need to read Chinese


@dataclass(frozen=True)
class Column:
    """A column: text, or a number within low … high, or one of the allowed words; filled in or not."""

    name: str
    number: bool = False
    low: float = float("-inf")
    high: float = float("inf")
    allowed: tuple[str, ...] = ()
    needed: bool = False

    def fault(self, text: str) -> str | None:
        """The fault of a cell; None where there is none."""
        if text == "":
            return f"{self.name}: empty, must be filled in" if self.needed else None
        if self.allowed and text not in self.allowed:
            return f"{self.name}: {refusal(text, self.allowed, 'value')}"
        try:
            if self.number:
                read_number(text, self.low, self.high)
        except InputError as fault:
            return f"{self.name}: {fault}"
        return None


OPTION_SETS = {"p12": FIRST, "p15": NEXT}
"""Plans that the process can be about → the set of options that its long list holds."""


def plans_served() -> Spellings:
    """The plans of OPTION_SETS with their other spellings."""
    return Spellings({key: plans()[key].spellings for key in OPTION_SETS})


GOALS_KNOWN = {
    "energy intensity": "% reduction",
    "co2 intensity": "% reduction",
    "gdp growth": "%/yr",
    "non-fossil share of energy": "% of energy",
}
"""Goals that a study judges → their unit."""

OTHER_ITEMS = ("methane", "nitrous oxide", "fluorinated gases", "forests", "waste", "other")
"""Items that the model does not contain and the account adds as entered."""

YES_NO = ("yes", "no")
STATUS = ("proposed", "agreed", "approved", "rejected")
EXPERTS = (Column("name", needed=True), Column("institution"), Column("role"), Column("steps"))
BASELINE = (
    Column("quantity", needed=True),
    Column("year", number=True, low=1990, high=2030, needed=True),
    Column("value", number=True, low=0),
    Column("unit"),
    Column("relative error", number=True, low=0, high=1),
    Column("vintage"),
    Column("own value", number=True, low=0),
    Column("own source"),
    Column("remark (note)"),
)
OTHER = (
    Column("item", needed=True, allowed=OTHER_ITEMS),
    Column("year", number=True, low=1990, high=2030, needed=True),
    Column("value", number=True, low=-5000, high=5000, needed=True),
    Column("unit", allowed=("MtCO2e/yr",)),
    Column("source", needed=True),
)
GOALS = (
    Column("goal", needed=True, allowed=tuple(GOALS_KNOWN)),
    Column("from", number=True, low=2005, high=2025, needed=True),
    Column("to", number=True, low=2006, high=2030, needed=True),
    Column("value", number=True, low=0.01, high=99),
    Column("unit", allowed=tuple(dict.fromkeys(GOALS_KNOWN.values()))),
    Column("source"),
)
COMMENTS = (
    Column("number", number=True, low=1, high=9999, needed=True),
    Column("about", needed=True),
    Column("comment", needed=True),
    Column("from"),
    Column("date"),
    Column("answer"),
    Column("answered by"),
)
FEASIBILITY = (
    Column("option", needed=True),
    Column("barrier"),
    Column("severity", number=True, low=1, high=5),
    Column("remedy"),
    Column("who"),
    Column("status", allowed=STATUS),
)
MONITORED = {
    "energy intensity change": "%/yr",
    "industry energy intensity change": "%/yr",
    "residential energy per head change": "%/yr",
    "other energy growth": "%/yr",
    "gdp growth": "%/yr",
    "co2 growth": "%/yr",
    "non-fossil share of energy": "%",
}
"""Quantities that can be monitored → their unit; `monitoring.QUANTITIES` says how the model gives them."""

MONITORING = (
    Column("year", number=True, low=2006, high=2030, needed=True),
    Column("quantity", needed=True, allowed=tuple(MONITORED)),
    Column("value", number=True, low=-50, high=100, needed=True),
    Column("unit", allowed=tuple(dict.fromkeys(MONITORED.values()))),
    Column("error", number=True, low=0.01, high=10),
    Column("source"),
)


def options_columns(options: Sequence[str]) -> tuple[Column, ...]:
    """The long list."""
    return (
        Column("option", needed=True, allowed=tuple(options)),
        Column("title (note)"),
        Column("package (note)"),
        Column("screen", needed=True, allowed=YES_NO),
        Column("remark (note)"),
    )


def screening_columns(options: Sequence[str], criteria: Sequence[str]) -> tuple[Column, ...]:
    """A reviewer's scores, 1 (poor) to 5 (good); a cell may stay empty. Remarks go into the second round unnamed."""
    scores = (Column(name, number=True, low=1, high=5) for name in criteria)
    return (Column("option", needed=True, allowed=tuple(options)), Column("title (note)"), *scores, Column("remark"))


ROUND = ("own before", "lowest", "median", "highest")
"""What a sheet of the second round shows beside each criterion: the reviewer's own score and the group's, unnamed."""


def round_columns(options: Sequence[str], criteria: Sequence[str]) -> tuple[Column, ...]:
    """A reviewer's sheet of the second round: a new score beside what the group gave, without names."""
    scores = [
        column
        for name in criteria
        for column in (
            Column(name, number=True, low=1, high=5),
            *(Column(f"{name}: {shown}{NOTE}") for shown in ROUND),
        )
    ]
    head = (Column("option", needed=True, allowed=tuple(options)), Column("title (note)"))
    return (*head, *scores, Column("remarks of the group (note)"), Column("remark"))


def _label(path: Path) -> str:
    """A sheet's name inside the working folder."""
    if path.parent.name == "round-2":
        return f"5-screening/round-2/{path.name}"
    return f"{path.parent.name}/{path.name}" if path.parent.name in ("5-screening", "6-design") else path.name


def read(path: Path, columns: Sequence[Column], faults: list[str], key: str = "") -> pd.DataFrame:
    """A sheet as texts, numbers in numeric columns; faults are appended to `faults`, line by line.

    key: a column in which no value may stand twice.
    """
    names = [column.name for column in columns]
    sheet = read_table(path, "a sheet of the working folder", names, label=_label(path))
    wrong = [*sheet.faults, *_cells(sheet, columns, key)]
    faults += wrong
    if wrong:
        return pd.DataFrame(columns=names)
    return _typed(pd.DataFrame(sheet.rows, columns=sheet.columns, dtype=str)[names], columns)


def _cells(sheet: TableRows, columns: Sequence[Column], key: str) -> Iterator[str]:
    values: Counter[str] = Counter()
    for place, row in sheet.records():
        if key:
            values[row[key]] += 1
        for column in columns:
            if fault := column.fault(row[column.name]):
                yield f"{place}: {fault}"
    yield from (f"{sheet.label}: {key} {value!r} appears {n} times; keep one" for value, n in values.items() if n > 1)


def _typed(table: pd.DataFrame, columns: Sequence[Column]) -> pd.DataFrame:
    typed = table.copy()
    for column in columns:
        if column.number:
            typed[column.name] = pd.to_numeric(table[column.name], errors="coerce")
    return typed.reset_index(drop=True)


def write(path: Path, table: pd.DataFrame) -> None:
    """Write a sheet."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, table.to_csv(index=False), ENCODING)


MADE = ("merged.csv",)
"""Files beside the reviewers' sheets that the tool makes."""

Filled = TypeVar("Filled", bound=BaseModel)


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Settings(_Strict):
    """toolkit.yaml: the rules of the process."""

    province: str
    plan: str = "p15"
    reviewers: Annotated[list[str], Field(min_length=1)]
    criteria: dict[str, Annotated[float, Field(gt=0, le=1)]]
    choose_from: Annotated[float, Field(ge=1, le=5)] = 3.0
    talk_again_from: Annotated[float, Field(ge=1, le=4)] = 2.0
    members: Annotated[int, Field(ge=32, le=100_000)] = 500
    measurement_error: Annotated[float, Field(gt=0, le=5)] = 0.5
    region: str = ""  # folder of a region pack, relative to this one; empty: the shipped provinces

    @field_validator("plan")
    @classmethod
    def _served(cls, name: str) -> str:
        return choose(name, plans_served(), "plan with options")

    @model_validator(mode="after")
    def _weights(self) -> "Settings":
        total = sum(self.criteria.values())
        if abs(total - 1) > 1e-6:
            raise ValueError(f"the weights of the criteria must add to 1, got {total:g}")
        return self


class Design(_Strict):
    """A design sheet: what exactly is to be done, by whom, from when (the catalogue's years when left out)."""

    option: str
    title: str
    strength: Annotated[float, Field(ge=0, le=1)] = 1.0
    start: Annotated[int, Field(ge=2006, le=2030)] | None = None
    phase_in: Annotated[float, Field(gt=0, le=20)] | None = None
    goal: str = ""
    coverage: str = ""
    parties: str = ""
    mechanisms: list[str] = []
    related: list[str] = []
    kind_of_reduction: str = ""
    data_and_methods: str = ""
    assumptions: str = ""
    uncertainties: str = ""
    added_benefits: str = ""
    feasibility_issues: str = ""
    barriers: list[str] = []
    consensus: Literal["none", "majority", "supermajority", "unanimous"] = "none"
    status: Literal["proposed", "agreed", "approved", "rejected"] = "proposed"


def model_of(path: Path, kind: type[Filled], faults: list[str]) -> Filled | None:
    """A YAML sheet as a model; faults appended."""
    document = read_yaml(path, "a sheet of the working folder", label=_label(path))
    model, invalid = validated(kind, document)
    faults += [*document.faults, *invalid]
    return None if document.faults else model


@dataclass(frozen=True)
class Folder:
    """A working folder."""

    path: Path

    @classmethod
    def open(cls, path: str | Path) -> "Folder":
        """The folder.

        Raises:
            InputError: it holds no toolkit.yaml, or names a region pack that is not there.
            OtherRegionError: it is about another region than this process works with.
        """
        folder, region = cls(Path(path)), ""
        if not folder.settings_file.is_file():
            raise InputError(f"{path} is no working folder (no toolkit.yaml); `tanlu toolkit init PROVINCE` makes one")
        with suppress(InputError):  # `check` lists the faults of the settings with those of the sheets
            region = folder.settings.region
        in_its_region(region, folder.path, "toolkit.yaml: region")
        return folder

    @property
    def settings_file(self) -> Path:
        """toolkit.yaml."""
        return self.path / "toolkit.yaml"

    @cached_property
    def settings(self) -> Settings:
        """The rules; InputError with all faults."""
        faults: list[str] = []
        found = model_of(self.settings_file, Settings, faults)
        if found is None:
            raise InputError(faults)
        return found

    @property
    def plan(self) -> Plan:
        """The plan that the process is about."""
        return plans()[self.settings.plan]

    @property
    def catalogue(self) -> Catalogue:
        """The options of that plan."""
        return catalogue(OPTION_SETS[self.settings.plan])

    def sheet(self, name: str) -> Path:
        """Path of a sheet."""
        return self.path / name

    @property
    def screening(self) -> list[Path]:
        """The reviewers' score sheets."""
        return sorted(p for p in (self.path / "5-screening").glob("*.csv") if p.name not in MADE)

    @property
    def second_round(self) -> list[Path]:
        """The reviewers' score sheets of the second round."""
        return sorted((self.path / "5-screening" / "round-2").glob("*.csv"))

    @property
    def designs(self) -> list[Path]:
        """The design sheets."""
        return sorted((self.path / "6-design").glob("*.yaml"))
