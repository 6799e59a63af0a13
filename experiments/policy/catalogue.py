"""The option catalogue: what can be done, what it costs, how far it can go, and who says so.

One YAML file a field of action in `catalogue/`. Every number is a mapping `value, low, high, unit, source`; the source
is a key of `sources.yaml` (several joined by commas, a remark after a colon), a statement of the form `assumption: why`
or `definition: why`, or a citation that names its place. What is assumed is thereby counted, not hidden.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from models.reading.document import Document
from models.reading.faults import InputError
from models.reading.names import choose, near, refusal
from models.reading.schema import validated
from models.reading.yaml_file import read_yaml

FOLDER = Path(__file__).parent
CATALOGUE = FOLDER / "catalogue"
SHARES_SUM = 1e-9
Package = Literal["industrial development", "economic shift", "energy shift", "urbanisation", "modern agriculture"]
Kind = Literal["efficiency", "closure", "standard", "structure", "fuel switch", "supply"]
Fuel = Literal["coal", "oil", "gas", "electricity", "heat"]
Scope = Literal["China", "US", "generic", "assumption", "definition"]
Text = Annotated[str, Field(min_length=1)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Quantity(_Strict):
    """A number of the world: value within low … high, its unit and where it comes from."""

    value: float
    low: float
    high: float
    unit: Text
    source: Text
    price_year: int | None = None

    @model_validator(mode="after")
    def _ordered(self) -> "Quantity":
        if not self.low <= self.value <= self.high:
            raise ValueError(f"low ≤ value ≤ high is asked for, got {self.low:g}, {self.value:g}, {self.high:g}")
        return self

    @property
    def scope(self) -> Scope:
        """Whose number it is: the weakest of its sources (see `scope_of`)."""
        return scope_of(self.source)


class LeverShare(_Strict):
    """Part of a model lever's full effect that the option stands for."""

    lever: Text
    share: Annotated[float, Field(gt=0, le=1)]
    source: Text


class Schedule(_Strict):
    """First year and years until the full effect."""

    start: Annotated[int, Field(ge=2005, le=2030)]
    phase_in: Annotated[float, Field(gt=0, le=25)]
    source: Text


class Payers(_Strict):
    """Who bears the cost; the parts add to one."""

    enterprises: float
    government: float
    households: float
    source: Text

    @model_validator(mode="after")
    def _whole(self) -> "Payers":
        total = self.enterprises + self.government + self.households
        if abs(total - 1) > SHARES_SUM:
            raise ValueError(f"enterprises, government and households must add to 1, got {total:g}")
        return self


class Best(_Strict):
    """The best that was ever shown: who, when, what."""

    who: Text
    period: Text
    text: Text
    source: Text


class Option(_Strict):
    """A policy option: design, effect per unit, limits, costs and the doubts about them.

    Costs are per `unit` (a m2, a kW, a car, a tce/yr …), each with its price year; `unit_saving` is the energy that
    one unit saves a year (tce of coal equivalent), `unit_avoided` the fossil fuel that it avoids where that differs.
    Options that `counts: co2` avoid fuel which the official energy total counts all the same.
    """

    id: Annotated[str, Field(pattern=r"^[A-Z]{2,4}-\d{2}$")]
    title: Text
    title_zh: Text
    package: Package
    sector: str = ""
    kind: Kind
    description: Text
    goal: Text
    parties: Text
    mechanisms: Annotated[list[str], Field(min_length=1)]
    levers: Annotated[list[LeverShare], Field(min_length=1)]
    schedule: Schedule
    unit: Text
    fuel: Fuel
    fuel_in: Fuel | None = None
    counts: Literal["energy", "co2"] = "energy"
    coverage: Quantity
    technical_saving: Quantity
    penetration: Quantity
    unit_saving: Quantity
    unit_avoided: Quantity | None = None
    capital_cost: Quantity
    operating_cost: Quantity
    programme_cost: Quantity
    attributable: Quantity | None = None
    lifetime: Quantity
    who_pays: Payers
    goods: Text
    realistic: Quantity
    best: Best
    related: list[str]
    uncertainty: Text
    feasibility: Text
    benefits: Text

    @model_validator(mode="after")
    def _whole(self) -> "Option":
        missing = [name for name in ("capital_cost", "operating_cost") if getattr(self, name).price_year is None]
        if missing:
            raise ValueError(f"{' and '.join(missing)} must state a price_year")
        if self.counts == "energy" and self.unit_saving.low <= 0:
            raise ValueError("unit_saving must be positive; an option that saves no counted energy has `counts: co2`")
        if self.counts == "co2" and self.unit_avoided is None:
            raise ValueError("an option with `counts: co2` must state unit_avoided")
        return self

    @property
    def avoided(self) -> Quantity:
        """Fuel avoided a year by one unit, tce: `unit_avoided`, or the saving where nothing else is stated."""
        return self.unit_avoided or self.unit_saving

    def quantities(self) -> dict[str, Quantity]:
        """Every number with low, value and high, by field."""
        fields = ((name, getattr(self, name)) for name in type(self).model_fields)
        return {name: value for name, value in fields if isinstance(value, Quantity)}

    def sources(self) -> dict[str, str]:
        """The source of every number and share, by field."""
        found = {name: quantity.source for name, quantity in self.quantities().items()}
        found |= {f"levers[{entry.lever}]": entry.source for entry in self.levers}
        return found | {name: getattr(self, name).source for name in ("schedule", "who_pays", "best")}


@dataclass(frozen=True)
class Lever:
    """A lever of the model: its package, its meaning and the parameters that hold its effect at strength 1."""

    name: str
    package: Package
    maxima: tuple[str, ...]
    meaning: str
    meaning_zh: str


@dataclass(frozen=True)
class Catalogue:
    """All options, by id, with the levers they move."""

    options: Mapping[str, Option]
    levers: Mapping[str, Lever]

    def __getitem__(self, option: str) -> Option:
        return self.options[choose(option, self.options, "option")]

    @cached_property
    def packages(self) -> dict[Package, list[str]]:
        """Levers of each package, in the model's order."""
        found: dict[Package, list[str]] = {}
        for lever in self.levers.values():
            found.setdefault(lever.package, []).append(lever.name)
        return found

    def moving(self, lever: str) -> dict[str, float]:
        """Options that move a lever, with their share of its effect; the shares add to one."""
        return {o.id: e.share for o in self.options.values() for e in o.levers if e.lever == lever}

    def scopes(self) -> dict[Scope, int]:
        """How many numbers rest on each kind of source: the open account of what is assumed."""
        counts: dict[Scope, int] = {}
        for option in self.options.values():
            for source in option.sources().values():
                counts[scope_of(source)] = counts.get(scope_of(source), 0) + 1
        return counts


@cache
def references() -> Mapping[str, Mapping[str, str]]:
    """`sources.yaml`: key → scope and text."""
    return _mapping(FOLDER / "sources.yaml")


@cache
def levers() -> Mapping[str, Lever]:
    """`levers.yaml`, in the model's order."""
    entries = _mapping(FOLDER / "levers.yaml")
    return {
        name: Lever(name, e["package"], tuple(e["maxima"]), e["meaning"], e["meaning_zh"])
        for name, e in entries.items()
    }


def scope_of(source: str) -> Scope:
    """The scope of a source text; a citation without a key is taken as Chinese."""
    kind, _, _ = source.partition(":")
    if kind == "assumption":
        return "assumption"
    if kind == "definition":
        return "definition"
    scopes = {references()[key]["scope"] for key in source_keys(source) if key in references()}
    if "US" in scopes:
        return "US"
    if "generic" in scopes:
        return "generic"
    return "assumption" if "assumption" in source else "China"


def source_keys(source: str) -> list[str]:
    """Keys of `sources.yaml` at the head of a source text; empty for assumptions, definitions and citations."""
    head = re.split(r"[:;]", source, maxsplit=1)[0]
    keys = [key.strip() for key in head.split(",")]
    plain = all(re.fullmatch(r"[a-z][a-z0-9_]*", key) for key in keys) and keys[0] not in ("assumption", "definition")
    return keys if plain else []


def load(folder: Path = CATALOGUE) -> Catalogue:
    """Read and check every option file of a folder.

    Raises InputError with the faults of all files at once: unreadable YAML, unknown or missing fields, numbers without
    range or source, unknown sources and levers (with the nearest names), double ids, shares of a lever not adding to 1.
    """
    faults: list[str] = []
    options: dict[str, Option] = {}
    for path in sorted(folder.glob("*.yaml")):
        for option in _file(path, faults):
            if option.id in options:
                faults.append(f"{path.name}: the id {option.id} is used twice")
            options[option.id] = option
    if not options and not faults:
        faults.append(f"{folder} holds no option files (*.yaml)")
    catalogue = Catalogue(options, levers())
    if not faults:
        faults += _unbalanced(catalogue)
    if faults:
        raise InputError(faults)
    return catalogue


@cache
def catalogue() -> Catalogue:
    """The shipped catalogue."""
    return load()


def _file(path: Path, faults: list[str]) -> list[Option]:
    document = read_yaml(path, "a file of options")
    content = document.data
    faults += document.faults
    allowed = ["package", "sector", "defaults", "options"]
    faults += [f"{document.place((key,))}: {refusal(key, allowed, 'key')}" for key in content if key not in allowed]
    entries, defaults = content.get("options") or [], content.get("defaults") or {}
    if not isinstance(entries, list) or not isinstance(defaults, Mapping):
        faults.append(f"{path.name}: `options` must be a list of mappings and `defaults` a mapping")
        return []
    filled = [_filled(entry, content) if isinstance(entry, Mapping) else entry for entry in entries]
    return [option for i, entry in enumerate(filled) if (option := _option(document, i, entry, faults))]


def _filled(entry: Mapping[str, Any], content: Mapping[str, Any]) -> dict[str, Any]:
    """An entry with the file's package, sector and defaults; `share_source` goes into each lever."""
    defaults = dict(content.get("defaults") or {})
    share_source = entry.get("share_source", defaults.pop("share_source", None))
    heading = {key: content[key] for key in ("package", "sector") if key in content}
    filled = {**heading, **defaults, **{k: v for k, v in entry.items() if k != "share_source"}}
    if isinstance(filled.get("levers"), list) and share_source:
        filled["levers"] = [{"source": share_source, **e} if isinstance(e, dict) else e for e in filled["levers"]]
    return filled


def _option(document: Document, index: int, entry: Any, faults: list[str]) -> Option | None:
    option, invalid = validated(Option, document, data=entry, route=("options", index))
    faults += invalid
    if isinstance(entry, Mapping):
        faults += [f"{document.place(('options', index))}: options.{index}.{fault}" for fault in _unknown(entry)]
    return option


def _unknown(entry: Mapping[str, Any]) -> Iterable[str]:
    """Sources, levers and goods that nobody knows; what has the wrong shape is left to the schema."""
    parts = {name: part for name, part in entry.items() if isinstance(part, Mapping)}
    moved = entry.get("levers")
    levers_moved = [one for one in moved if isinstance(one, Mapping)] if isinstance(moved, list) else []
    parts |= {f"levers[{one.get('lever')}]": one for one in levers_moved}
    for field, part in parts.items():
        source = str(part.get("source") or "")
        if re.fullmatch(r"(assumption|definition):?\s*", source):
            yield f"{field}: state the reason, as `assumption: why`; got {source!r}"
        for key in source_keys(source):
            if key not in references():
                yield f"{field}: unknown source {key!r}{near(key, references())}"
    for name in (str(one.get("lever")) for one in levers_moved):
        if name not in levers():
            yield f"levers: {refusal(name, levers(), 'lever')}"
    goods = [name for name in _mapping(FOLDER / "economics.yaml")["goods"] if name != "source"]
    if "goods" in entry and entry["goods"] not in goods:
        yield f"goods: {refusal(str(entry['goods']), goods, 'composition')}"


def _unbalanced(catalogue: Catalogue) -> Iterable[str]:
    for lever in catalogue.levers:
        total = sum(catalogue.moving(lever).values())
        if abs(total - 1) > SHARES_SUM:
            yield f"the options' shares of lever {lever!r} must add to 1, got {total:g}: {catalogue.moving(lever)}"


def _mapping(path: Path) -> dict[str, Any]:
    return read_yaml(path, "a table of the catalogue").mapping()
