"""The option catalogue: measures with their costs, their limits and their sources.

One folder per plan in `catalogue/` (2011-2015, 2026-2030), one YAML file a field of action. Every number is a mapping
`value, low, high, unit, source`; the source is a key of `sources.yaml` (several joined by commas, a remark after a
colon), a statement of the form `assumption: why` or `definition: why`, or a citation that names its place. What is
assumed is thereby counted, not hidden. Every number of a sheet is read by a calculation (`experiments.policy.size`,
`experiments.policy.lever_costs`); `tanlu policy check` tries it.
"""

import math
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
SETS = FOLDER / "catalogue"
FIRST, NEXT = "2011-2015", "2026-2030"
CATALOGUE = SETS / FIRST
SHARES_SUM = 1e-9
Package = Literal["industrial development", "economic shift", "energy shift", "urbanisation", "modern agriculture"]
Kind = Literal[
    "efficiency", "closure", "standard", "structure", "modal shift", "fuel switch", "supply", "capture", "instrument"
]
Fuel = Literal["coal", "power coal", "oil", "gas", "electricity", "heat"]
Sector = Literal[
    "heavy industry",
    "light industry",
    "transport",
    "services",
    "agriculture and construction",
    "residential",
    "power",
]
Resource = Literal["hydro", "wind", "solar", "nuclear", "metro", "arable land", "heated floor"]
Scope = Literal["China", "US", "generic", "assumption", "definition"]
Text = Annotated[str, Field(min_length=1)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Quantity(_Strict):
    """A number with its range, unit and source.

    Attributes:
        value: central value.
        low: lowest plausible value.
        high: highest plausible value.
        unit: unit.
        source: source, or an assumption with its reason.
        price_year: year of the prices; None where the number is not a price.
    """

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


class Base(_Strict):
    """What an option acts on: a province's energy of these sectors and fuels, or its resource (potentials.csv)."""

    sectors: list[Sector] = []
    fuels: list[Fuel] = []
    resource: Resource | None = None

    @model_validator(mode="after")
    def _one(self) -> "Base":
        if (self.resource is None) == (not self.sectors or not self.fuels):
            raise ValueError("give sectors and fuels, or a resource")
        return self


class Schedule(_Strict):
    """First year and years until the full effect."""

    start: Annotated[int, Field(ge=2005, le=2030)]
    phase_in: Annotated[float, Field(gt=0, le=25)]
    source: Text

    @property
    def complete(self) -> float:
        """Time from which the option is in full effect: 2031.0 is the beginning of 2031."""
        return self.start + self.phase_in

    @property
    def last_year(self) -> int:
        """The last calendar year of the phase-in: that of five years from 2026 is 2030, that of six months 2026."""
        return math.ceil(self.complete) - 1


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
    kind: Kind
    description: Text
    goal: Text
    parties: Text
    mechanisms: Annotated[list[str], Field(min_length=1)]
    lever: str = ""
    schedule: Schedule
    unit: Text
    unit_zh: Text
    stock: Text
    fuel: Fuel
    fuel_in: Fuel | None = None
    counts: Literal["energy", "co2"] = "energy"
    base: Base
    coverage: Quantity
    technical_saving: Quantity
    penetration: Quantity
    unit_saving: Quantity | None = None
    unit_avoided: Quantity | None = None
    capital_cost: Quantity
    operating_cost: Quantity
    programme_cost: Quantity
    attributable: Quantity | None = None
    learning: Quantity | None = None
    lifetime: Quantity
    who_pays: Payers
    goods: Text
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
        if self.counts == "energy" and (self.unit_saving is None or self.unit_saving.low <= 0):
            raise ValueError("unit_saving must be positive; an option that saves no counted energy has `counts: co2`")
        if self.counts == "co2" and self.unit_saving is not None:
            raise ValueError("an option with `counts: co2` saves no counted energy: leave unit_saving out")
        if self.counts == "co2" and self.unit_avoided is None:
            raise ValueError("an option with `counts: co2` must state unit_avoided")
        return self

    @property
    def basis(self) -> Quantity:
        """What a unit's costs are divided by, tce a year: the energy it saves, or avoids where that is not counted."""
        found = self.unit_saving if self.counts == "energy" else self.unit_avoided
        assert found is not None  # the schema has seen to it
        return found

    @property
    def avoided(self) -> Quantity:
        """Fuel avoided a year by one unit, tce: `unit_avoided`, or the saving where nothing else is stated."""
        return self.unit_avoided or self.basis

    def quantities(self) -> dict[str, Quantity]:
        """Every number with low, value and high, by field."""
        fields = ((name, getattr(self, name)) for name in type(self).model_fields)
        return {name: value for name, value in fields if isinstance(value, Quantity)}

    def sources(self) -> dict[str, str]:
        """The source of every number and share, by field."""
        found = {name: quantity.source for name, quantity in self.quantities().items()}
        return found | {name: getattr(self, name).source for name in ("schedule", "who_pays", "best")}


@dataclass(frozen=True)
class Lever:
    """A lever of the model.

    Attributes:
        name: name in the model.
        package: package to which it belongs.
        maxima: parameters with its effect at strength 1.
        meaning: meaning in English.
        sectors: sectors on which it acts.
        fuels: fuels on which it acts.
        meaning_zh: meaning in Chinese.
    """

    name: str
    package: Package
    maxima: tuple[str, ...]
    meaning: str
    sectors: tuple[str, ...] = ()
    fuels: tuple[str, ...] = ()
    meaning_zh: str = ""


@dataclass(frozen=True)
class Catalogue:
    """All options with the levers that they move.

    Attributes:
        options: id → option.
        levers: name → lever.
    """

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

    def moving(self, lever: str) -> list[str]:
        """Options that move a lever, by id."""
        return [option.id for option in self.options.values() if option.lever == lever]

    def scopes(self) -> dict[Scope, int]:
        """Number of figures by kind of source, which shows how many are assumptions."""
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
    """The levers in `levers.yaml`, in the model's order.

    Returns:
        Name → lever.
    """
    entries = _mapping(FOLDER / "levers.yaml")
    return {
        name: Lever(
            name,
            e["package"],
            tuple(e["maxima"]),
            e["meaning"],
            tuple(e["sectors"]),
            tuple(e["fuels"]),
            e["meaning_zh"],
        )
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

    Args:
        folder: folder with option files (*.yaml).

    Returns:
        The catalogue.

    Raises:
        InputError: with the faults of all files at once: unreadable YAML, unknown or missing fields, numbers without
            range or source, unknown sources and levers (with the nearest names), repeated ids.
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
    if faults:
        raise InputError(faults)
    return Catalogue(options, levers())


def sets() -> list[str]:
    """The plans for which the shipped catalogue has options.

    Returns:
        Names of the plans.
    """
    return sorted(path.name for path in SETS.iterdir() if path.is_dir())


@cache
def catalogue(plan: str = FIRST) -> Catalogue:
    """The shipped catalogue of a plan.

    Args:
        plan: name of a set of options, see `sets`.

    Returns:
        The catalogue.

    Raises:
        InputError: there is no such set, with the nearest names.
    """
    return load(SETS / choose(plan, sets(), "set of options"))


def _file(path: Path, faults: list[str]) -> list[Option]:
    document = read_yaml(path, "a file of options")
    content = document.data
    faults += document.faults
    allowed = ["package", "defaults", "options"]
    faults += [f"{document.place((key,))}: {refusal(key, allowed, 'key')}" for key in content if key not in allowed]
    entries, defaults = content.get("options") or [], content.get("defaults") or {}
    if not isinstance(entries, list) or not isinstance(defaults, Mapping):
        faults.append(f"{path.name}: `options` must be a list of mappings and `defaults` a mapping")
        return []
    filled = [_filled(entry, content) if isinstance(entry, Mapping) else entry for entry in entries]
    return [option for i, entry in enumerate(filled) if (option := _option(document, i, entry, faults))]


def _filled(entry: Mapping[str, Any], content: Mapping[str, Any]) -> dict[str, Any]:
    """An entry with the file's package and defaults."""
    heading = {key: content[key] for key in ("package",) if key in content}
    return {**heading, **(content.get("defaults") or {}), **entry}


def _option(document: Document, index: int, entry: Any, faults: list[str]) -> Option | None:
    option, invalid = validated(Option, document, data=entry, route=("options", index))
    faults += invalid
    if isinstance(entry, Mapping):
        faults += [f"{document.place(('options', index))}: options.{index}.{fault}" for fault in _unknown(entry)]
    return option


def _unknown(entry: Mapping[str, Any]) -> Iterable[str]:
    """Sources, levers and goods that nobody knows; what has the wrong shape is left to the schema."""
    parts = {name: part for name, part in entry.items() if isinstance(part, Mapping)}
    for field, part in parts.items():
        source = str(part.get("source") or "")
        if re.fullmatch(r"(assumption|definition):?\s*", source):
            yield f"{field}: state the reason, as `assumption: why`; got {source!r}"
        for key in source_keys(source):
            if key not in references():
                yield f"{field}: unknown source {key!r}{near(key, references())}"
    if entry.get("lever") and str(entry["lever"]) not in levers():
        yield f"lever: {refusal(str(entry['lever']), levers(), 'lever')}"
    goods = [name for name in _mapping(FOLDER / "economics.yaml")["goods"] if name != "source"]
    if "goods" in entry and entry["goods"] not in goods:
        yield f"goods: {refusal(str(entry['goods']), goods, 'composition')}"


def _mapping(path: Path) -> dict[str, Any]:
    return read_yaml(path, "a table of the catalogue").mapping()
