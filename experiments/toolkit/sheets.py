"""The sheets of a working folder: their columns, what may stand in them, and reading them with every fault."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal, TypeVar

import pandas as pd
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from calibration.errors import InputError, nearest
from experiments.policy.catalogue import described

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
        """What is wrong with a cell, if anything."""
        if text == "":
            return f"{self.name}: empty, must be filled in" if self.needed else None
        if self.allowed and text not in self.allowed:
            return f"{self.name}: got {text!r}{nearest(text, self.allowed)}; allowed: {', '.join(self.allowed)}"
        if not self.number:
            return None
        try:
            value = float(text)
        except ValueError:
            return f"{self.name}: got {text!r}, a number is asked for"
        if not self.low <= value <= self.high:
            most = f"{self.low:g} to {self.high:g}" if self.high < float("inf") else f"{self.low:g} or more"
            return f"{self.name}: got {text}, allowed is {most}"
        return None


YES_NO = ("yes", "no")
STATUS = ("proposed", "agreed", "approved", "rejected")
CONSENSUS = ("none", "majority", "supermajority", "unanimous")
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
    Column("remark"),
)
GOALS = (
    Column("goal", needed=True, allowed=("energy intensity", "co2 intensity", "gdp growth", "non-fossil share")),
    Column("from", number=True, low=2005, high=2025, needed=True),
    Column("to", number=True, low=2010, high=2030, needed=True),
    Column("value", number=True, low=-50, high=100),
    Column("unit"),
    Column("source"),
)
FEASIBILITY = (
    Column("option", needed=True),
    Column("barrier"),
    Column("severity", number=True, low=1, high=5),
    Column("remedy"),
    Column("who"),
    Column("status", allowed=STATUS),
)
MONITORING = (
    Column("year", number=True, low=2006, high=2030, needed=True),
    Column("quantity", needed=True, allowed=("energy intensity change",)),
    Column("value", number=True, low=-30, high=30, needed=True),
    Column("unit", allowed=("%/yr",)),
    Column("error", number=True, low=0.01, high=5),
    Column("source"),
)


def options_columns(options: Sequence[str]) -> tuple[Column, ...]:
    """The long list."""
    return (
        Column("option", needed=True, allowed=tuple(options)),
        Column("title"),
        Column("package"),
        Column("screen", needed=True, allowed=YES_NO),
        Column("remark"),
    )


def screening_columns(options: Sequence[str], criteria: Sequence[str]) -> tuple[Column, ...]:
    """A reviewer's scores, 1 (poor) to 5 (good); a cell may stay empty."""
    scores = (Column(name, number=True, low=1, high=5) for name in criteria)
    return (Column("option", needed=True, allowed=tuple(options)), Column("title"), *scores, Column("remark"))


def _label(path: Path) -> str:
    """A sheet's name inside the working folder."""
    return f"{path.parent.name}/{path.name}" if path.parent.name in ("5-screening", "6-design") else path.name


def read(path: Path, columns: Sequence[Column], faults: list[str], key: str = "") -> pd.DataFrame:
    """A sheet as texts, numbers where the column says so; what is wrong is appended to `faults`, line by line.

    key: a column in which no value may stand twice.
    """
    names = [column.name for column in columns]
    empty = pd.DataFrame(columns=names)
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False, encoding=ENCODING)
    except (OSError, UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        faults.append(f"{_label(path)}: not readable as a table in UTF-8: {' '.join(str(error).split())}")
        return empty
    found = list(table.columns)
    for name in names:
        if name not in found:
            faults.append(f"{_label(path)}: column {name!r} is missing; it has: {', '.join(found)}")
    for name in found:
        if name not in names:
            faults.append(f"{_label(path)}: unknown column {name!r}{nearest(name, names)}")
    if set(names) - set(found):
        return empty
    table = table[names].apply(lambda column: column.str.strip())
    table = table[(table != "").any(axis=1)]
    wrong = list(_cells(_label(path), table, columns, key))
    faults += wrong
    return empty if wrong else _typed(table, columns)


def _cells(file: str, table: pd.DataFrame, columns: Sequence[Column], key: str) -> Iterator[str]:
    for line, row in zip(table.index, table.to_dict("records"), strict=True):
        for column in columns:
            if fault := column.fault(str(row[column.name])):
                yield f"{file}, line {line + 2}: {fault}"
    if key:
        for value in table[key][table[key].duplicated()].unique():
            yield f"{file}: {key} {value!r} stands more than once"


def _typed(table: pd.DataFrame, columns: Sequence[Column]) -> pd.DataFrame:
    typed = table.copy()
    for column in columns:
        if column.number:
            typed[column.name] = pd.to_numeric(table[column.name], errors="coerce")
    return typed.reset_index(drop=True)


def write(path: Path, table: pd.DataFrame) -> None:
    """Write a sheet."""
    path.parent.mkdir(parents=True, exist_ok=True)
    table.to_csv(path, index=False, encoding=ENCODING)


Filled = TypeVar("Filled", bound=BaseModel)


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Settings(_Strict):
    """toolkit.yaml: the rules of the process."""

    province: str
    plan: Literal["p12", "p13"] = "p12"
    reviewers: Annotated[list[str], Field(min_length=1)]
    criteria: dict[str, Annotated[float, Field(gt=0, le=1)]]
    choose_from: Annotated[float, Field(ge=1, le=5)] = 3.0
    talk_again_from: Annotated[float, Field(ge=1, le=4)] = 2.0
    members: Annotated[int, Field(ge=32, le=100_000)] = 500
    measurement_error: Annotated[float, Field(gt=0, le=5)] = 0.5

    @model_validator(mode="after")
    def _weights(self) -> "Settings":
        total = sum(self.criteria.values())
        if abs(total - 1) > 1e-6:
            raise ValueError(f"the weights of the criteria must add to 1, got {total:g}")
        return self


class Design(_Strict):
    """A design sheet: what exactly is to be done, by whom, from when, how strongly."""

    option: str
    title: str
    strength: Annotated[float, Field(ge=0, le=1)] = 1.0
    start: Annotated[int, Field(ge=2006, le=2030)] = 2011
    phase_in: Annotated[float, Field(gt=0, le=20)] = 5.0
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
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        if not isinstance(content, Mapping):
            faults.append(f"{_label(path)}: a mapping is asked for, got {type(content).__name__}")
            return None
        return kind.model_validate(content)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        faults.append(f"{_label(path)}: not readable as YAML: {' '.join(str(error).split())}")
    except ValidationError as error:
        faults += [f"{_label(path)}, {fault}" for fault in described(error, kind)]
    return None


@dataclass(frozen=True)
class Folder:
    """A working folder."""

    path: Path

    @classmethod
    def open(cls, path: str | Path) -> "Folder":
        """The folder; InputError when it holds no toolkit.yaml."""
        folder = cls(Path(path))
        if not folder.settings_file.is_file():
            raise InputError(f"{path} is no working folder (no toolkit.yaml); `tanlu toolkit init PROVINCE` makes one")
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

    def sheet(self, name: str) -> Path:
        """Path of a sheet."""
        return self.path / name

    @property
    def screening(self) -> list[Path]:
        """The reviewers' score sheets."""
        return sorted(p for p in (self.path / "5-screening").glob("*.csv") if p.name != "merged.csv")

    @property
    def designs(self) -> list[Path]:
        """The design sheets."""
        return sorted((self.path / "6-design").glob("*.yaml"))
