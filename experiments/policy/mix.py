"""Policy mixes: which options and levers, how strong, from when, and how much of it arrives.

A mix is a YAML file. Strengths are given by option (0 … 1 of the option's realistic maximum) or by lever; a lever's
strength in a province is the sum of its options' strengths times their shares there (`experiments.policy.size`), unless
the lever itself is named, and never more than the province has an object for. A file `extends` others: mappings are
merged, and the later entry wins. `lever strength` 0 means no new policy: the base mix. `catalogue` names the
plan whose options are meant.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import pandas as pd
import xarray as xr
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, FiniteFloat, model_validator

from calibration import tables
from calibration.places import known_provinces, region
from experiments.policy import lever_costs, size
from experiments.policy.catalogue import FIRST, Catalogue, catalogue, sets
from experiments.policy.economics import energy_supply_shares
from experiments.study import known
from models.reading.document import Document, Route
from models.reading.faults import InputError, shortened
from models.reading.names import Known, choose, match, refusal
from models.reading.schema import validated
from models.reading.yaml_file import read_yaml

FOLDER = known.MIXES
LATE = 2025  # base year from which the options of 2026-2030 are those of the time
IDLE_START = 2030  # of a lever without options in a set
STRONGEST = 1.5  # beyond the realistic maximum, for tests of limits only
STRENGTH = "lever strength"
DELIVERY = {"delivery delay": "delay", "compliance share": "compliance"}


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Strength(_Part):
    """0 … 1 of the realistic maximum, and why."""

    value: Annotated[FiniteFloat, Field(ge=0, le=STRONGEST)]
    source: str = ""


class Uncertain(_Part):
    """A number, fixed or with a range; a range makes it an uncertain input of the study."""

    value: FiniteFloat
    low: FiniteFloat | None = None
    high: FiniteFloat | None = None
    source: str = ""

    @property
    def ranged(self) -> bool:
        """Is it drawn rather than fixed?"""
        return self.low is not None and self.high is not None


def _plain(value: Any) -> Any:
    """A bare number stands for its value."""
    if isinstance(value, Mapping | _Part):
        return value
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"got {shortened(value)}, allowed: a number, or a mapping with `value`")
    return {"value": value}


def _within(least: float, most: float) -> AfterValidator:
    """Checks a range: both bounds or none, in order, inside what the model bears."""

    def check(quantity: Uncertain) -> Uncertain:
        if (quantity.low is None) != (quantity.high is None):
            raise ValueError("give both low and high, or neither")
        values = [v for v in (quantity.low, quantity.value, quantity.high) if v is not None]
        if values != sorted(values) or not (least <= values[0] and values[-1] <= most):
            raise ValueError(f"got {values}, allowed: low ≤ value ≤ high within {least:g} … {most:g}")
        return quantity

    return AfterValidator(check)


Strengths = dict[str, Annotated[Strength, BeforeValidator(_plain)]]


class When(_Part):
    """Schedule of a lever."""

    start: Annotated[float, Field(ge=2005, le=2030)] | None = None
    phase_in: Annotated[float, Field(gt=0, le=25)] | None = None


class Delivery(_Part):
    """Delay (years) and compliance (0 … 1): fixed, or with low and high."""

    delay: Annotated[Uncertain, BeforeValidator(_plain), _within(0.25, 10.0)] = Uncertain(value=1.0)
    compliance: Annotated[Uncertain, BeforeValidator(_plain), _within(0.0, 1.0)] = Uncertain(value=1.0)


class Trigger(_Part):
    """Levers that rise where the leading indicator is behind its path in a year (see `experiments.ensemble.triggers`).

    year: whose statistics are read; behind: percentage points of the target by which it must lag; of: each province by
    itself, or all of them where the nation lags; levers: the strengths that they rise to, 0 … 1; start: year from which
    they rise, after `year`; phase_in: years until they are there.
    """

    year: Annotated[int, Field(ge=2006, le=2029)]
    behind: Annotated[FiniteFloat, Field(ge=0, le=50)] = 0.0
    of: Literal["province", "nation"] = "province"
    levers: Annotated[Strengths, Field(min_length=1)]
    start: Annotated[int, Field(ge=2007, le=2030)]
    phase_in: Annotated[float, Field(gt=0, le=25)] = 1.0

    @model_validator(mode="after")
    def _after_what_is_read(self) -> "Trigger":
        if self.start <= self.year:
            raise ValueError(f"got start {self.start}, allowed: a year after {self.year}, whose statistics are read")
        return self


class Spec(_Part):
    """A mix file after merging."""

    title: str = ""
    title_zh: str = ""
    description: str = ""
    options: Strengths = {}
    levers: Strengths = {}
    schedule: dict[str, When] = {}
    delivery: Delivery = Delivery()
    provinces: dict[str, Strengths] = {}
    where: list[str] = []
    catalogue: str = FIRST
    triggers: list[Trigger] = []


@dataclass(frozen=True)
class Mix:
    """A policy mix in the form that the model takes.

    Attributes:
        name: name of the mix.
        spec: content of its file.
    """

    name: str
    spec: Spec

    @property
    def options(self) -> Catalogue:
        """The catalogue that the mix chooses from."""
        return catalogue(self.spec.catalogue)

    def strength(self) -> xr.DataArray:
        """`lever strength` (province, lever), 0 … 1; cut to the part that a province has an object for."""
        table = pd.DataFrame(0.0, index=list(_provinces()), columns=list(self.options.levers))
        for lever in table.columns:
            table[lever] = self._lever(lever)
        for province, own in self.spec.provinces.items():
            for lever in own:
                table.loc[province, lever] = own[lever].value
        table *= size.shipped_reach(self.spec.catalogue)
        if self.spec.where:
            table.loc[~table.index.isin(self.spec.where)] = 0.0
        return xr.DataArray(table, dims=("province", "lever"), attrs={"units": "Dmnl"})

    def reach(self) -> xr.DataArray:
        """What the mix may ask of each lever at most (province, lever): 1 where there is an object, less or 0 else."""
        table = size.shipped_reach(self.spec.catalogue).copy()
        if self.spec.where:
            table.loc[~table.index.isin(self.spec.where)] = 0.0
        return _of_region(STRENGTH, xr.DataArray(table, dims=("province", "lever"), attrs={"units": "Dmnl"}))

    def option_parts(self) -> pd.DataFrame:
        """Each option's part of its lever in this mix: a row for each province, a column for each option."""
        strengths = {name: self.used(name) for name in self.options.options}
        return lever_costs.weights(self.options, size.shares_of_places(self.spec.catalogue), strengths)

    def costs(self) -> dict[str, xr.DataArray]:
        """The model's cost parameters (province, lever): costs and savings of the options behind each lever."""
        return lever_costs.parameters(self.options, self.spec.catalogue, self.option_parts())

    def start(self) -> xr.DataArray:
        """`lever start` (lever), calendar year: the earliest of the active options."""
        return self._by_lever("year", lambda lever: self._when(lever)[0])

    def phase_in(self) -> xr.DataArray:
        """`lever phase in` (lever), years from the start until the last active option is complete."""
        return self._by_lever("year", lambda lever: self._when(lever)[1])

    def delay(self) -> xr.DataArray:
        """`delivery delay` (lever), years: the central value."""
        return self._by_lever("year", lambda _: self.spec.delivery.delay.value)

    def compliance(self) -> xr.DataArray:
        """`compliance share` (lever): the central value."""
        return self._by_lever("Dmnl", lambda _: self.spec.delivery.compliance.value)

    def params(self) -> dict[str, xr.DataArray]:
        """The model's inputs, uncertain ones at their central value."""
        made = {
            STRENGTH: self.strength(),
            "lever start": self.start(),
            "lever phase in": self.phase_in(),
            "delivery delay": self.delay(),
            "compliance share": self.compliance(),
            **self.costs(),
            "energy supply share": energy_supply_shares(),
        }
        return {name: _of_region(name, values) for name, values in made.items()}

    def uncertain(self) -> dict[str, Uncertain]:
        """Model inputs that this mix leaves uncertain, with their range."""
        found = {name: getattr(self.spec.delivery, field) for name, field in DELIVERY.items()}
        return {name: quantity for name, quantity in found.items() if quantity.ranged}

    def only(self, levers: Sequence[str], name: str = "") -> "Mix":
        """The same mix with every lever but these at zero, schedules and delivery unchanged."""
        return self._kept(dict.fromkeys(levers, 1.0), name or self.name)

    def used(self, option: str) -> float:
        """Strength of an option in this mix, 0 … 1."""
        lever = self.options[option].lever
        if lever in self.spec.levers:
            return self.spec.levers[lever].value
        return self.spec.options.get(option, Strength(value=0.0)).value

    def _kept(self, fractions: Mapping[str, float], name: str) -> "Mix":
        """Every lever, in every province, at a fraction of its strength; levers not named at zero."""
        of = {lever: fractions.get(lever, 0.0) for lever in self.options.levers}
        options = {
            option: Strength(value=strength.value * of.get(self.options[option].lever, 0.0))
            for option, strength in self.spec.options.items()
        }
        levers = {lever: Strength(value=of[lever] * strength.value) for lever, strength in self.spec.levers.items()}
        own = {
            province: {lever: Strength(value=of[lever] * strength.value) for lever, strength in given.items()}
            for province, given in self.spec.provinces.items()
        }
        triggers = [
            one.model_copy(update={"levers": left})
            for one in self.spec.triggers
            if (left := {lever: strength for lever, strength in one.levers.items() if of[lever] > 0})
        ]
        change = {"options": options, "levers": levers, "schedule": self._times(), "provinces": own}
        change["triggers"] = triggers
        return Mix(name, self.spec.model_copy(update=change))

    def _lever(self, lever: str) -> "float | pd.Series[float]":
        """Strength of a lever, by province where the options' shares differ."""
        if lever in self.spec.levers:
            return self.spec.levers[lever].value
        named = [name for name in self.options.moving(lever) if name in self.spec.options]
        if not named:
            return 0.0
        parts = size.shipped_shares(self.spec.catalogue)[named]
        return (parts * [self.spec.options[name].value for name in named]).sum(axis=1)

    def _when(self, lever: str) -> tuple[float, float]:
        """Start and phase-in of a lever: as the mix says, else from its active options (all of them if none is)."""
        given = self.spec.schedule.get(lever, When())
        moving = [self.options[option] for option in self.options.moving(lever)]
        active = [o for o in moving if o.id in self.spec.options and self.spec.options[o.id].value > 0] or moving
        if not moving:
            return given.start or float(IDLE_START), given.phase_in or 1.0
        start = given.start if given.start is not None else float(min(o.schedule.start for o in active))
        end = max(o.schedule.complete for o in active)
        return start, given.phase_in if given.phase_in is not None else max(1.0, end - start)

    def _times(self) -> dict[str, When]:
        pairs = {lever: self._when(lever) for lever in self.options.levers}
        return {lever: When(start=start, phase_in=phase) for lever, (start, phase) in pairs.items()}

    @staticmethod
    def _by_lever(units: str, of: Any) -> xr.DataArray:
        names = list(catalogue().levers)
        return xr.DataArray([float(of(n)) for n in names], {"lever": names}, "lever", attrs={"units": units})


def full_of(base_year: int) -> str:
    """The shipped mix of every package for a plan with this base year.

    Args:
        base_year: base year of the plan.

    Returns:
        Name of the mix, whose options belong to that time.
    """
    return "full-2030" if base_year >= LATE else "full"


def names() -> list[str]:
    """Names of the shipped mixes.

    Returns:
        The names.
    """
    return known.mixes()


def mix(name_or_path: str | Path, overrides: Mapping[str, Any] | None = None) -> Mix:
    """Load a mix.

    Args:
        name_or_path: name of a shipped mix, or path of a YAML file.
        overrides: values that replace those of the file.

    Returns:
        The mix.

    Raises:
        InputError: with all faults at once: unknown names (with the nearest), strengths out of range, circles.
    """
    path = find_mix(name_or_path)
    return _checked(path.stem, Document(dict(overrides or {})).over(_read(path, ())))


def merge(name: str, *parts: str | Path | Mapping[str, Any]) -> Mix:
    """Merge several mixes in order; the later wins.

    Args:
        name: name of the result.
        parts: shipped names, paths or mappings.

    Returns:
        The merged mix.

    Raises:
        InputError: with all faults at once.
    """
    content = Document({})
    for part in parts:
        above = Document(dict(part)) if isinstance(part, Mapping) else _read(find_mix(part), ())
        content = above.over(content)
    return _checked(name, content)


def mixes(chosen: Sequence[tuple[str, str | Path]]) -> xr.Dataset:
    """Model inputs of several mixes along a dim `mix`; NaN where a mix leaves an input to the design.

    Args:
        chosen: pairs of label and mix (name or path).

    Returns:
        Inputs of the model by name, over mix and province, lever or both.

    Raises:
        InputError: with the faults of all mixes.
    """
    found, faults = {}, []
    for label, name in chosen:
        try:
            found[label] = mix(name)
        except InputError as error:
            faults += error.faults
    if faults:
        raise InputError(faults)
    return stacked(found)


def stacked(found: Mapping[str, Mix]) -> xr.Dataset:
    """`mixes` for mixes that are loaded already.

    Args:
        found: label → mix.

    Returns:
        Inputs of the model by name, with the specifications as an attribute.
    """
    parts = []
    for one in found.values():
        params = one.params()
        params.update({name: xr.full_like(params[name], np.nan) for name in one.uncertain()})
        parts.append(xr.Dataset(params))
    specs = {label: one.spec.model_dump(exclude_defaults=True) for label, one in found.items()}
    stack = xr.concat(parts, pd.Index(list(found), name="mix", dtype=object))
    return stack.assign_attrs(specs=json.dumps(specs, ensure_ascii=False))


def stored(stack: xr.Dataset, label: str) -> Mix:
    """A mix from the result of `stacked`, for example from the inputs of a run.

    Args:
        stack: result of `stacked`.
        label: label of the mix.

    Returns:
        The mix.

    Raises:
        InputError: there is no such mix, or the stack was made without specifications.
    """
    specs = json.loads(stack.attrs.get("specs", "{}"))
    label = choose(label, specs, "stored mix")
    return _checked(label, Document(specs[label], {(): f"stored mix {label}"}))


def resolve_delivery(
    design: pd.DataFrame, params: Mapping[str, xr.DataArray]
) -> tuple[pd.DataFrame, dict[str, xr.DataArray]]:
    """Decide between a mix and the design on delay and compliance, before the model is called.

    Where the mix fixes an input (no NaN), the design's columns of that name are dropped. Where the mix leaves it open,
    the design's columns are used, or, without any, the central value of the mix "delivered".

    Args:
        design: one row per member, one column per input.
        params: inputs of the mix by name.

    Returns:
        The design and the inputs without conflicts.
    """
    kept, given = design, dict(params)
    for name, field in DELIVERY.items():
        columns = [c for c in kept.columns if c == name or str(c).startswith(f"{name}[")]
        if name not in given or not bool(np.isnan(given[name]).all()):
            kept = kept.drop(columns=columns if name in given else [])
        elif columns:
            del given[name]
        else:
            central = getattr(mix("delivered").spec.delivery, field).value
            given[name] = xr.full_like(given[name], central)
    return kept, given


def _of_region(name: str, values: xr.DataArray) -> xr.DataArray:
    """In a region pack: the median of the shipped provinces in every place; heat networks only where it has them."""
    own = region()
    if own is None or "province" not in values.dims:
        return values
    pooled = values.median("province").expand_dims(province=list(own.places)).transpose(*values.dims).copy()
    if name == STRENGTH:
        without = [place for place in own.places if place not in own.central_heating]
        full = values.max("province").sel(lever="heat reform")
        pooled.loc[{"lever": "heat reform"}] = full
        pooled.loc[{"lever": "heat reform", "province": without}] = 0.0
    return pooled.assign_attrs(values.attrs)


@cache
def _provinces() -> tuple[str, ...]:
    """The simulated provinces, in the model's order."""
    return tuple(tables.provinces())


def find_mix(name_or_path: str | Path) -> Path:
    """The file of a mix.

    Args:
        name_or_path: name of a shipped mix, or path of a YAML file.

    Returns:
        Path of the file.

    Raises:
        InputError: there is no such mix, with the nearest names.
    """
    path, typed = Path(name_or_path), str(name_or_path)
    if path.suffix not in (".yaml", ".yml"):
        return FOLDER / f"{choose(typed, names(), 'policy mix (or a YAML file)')}.yaml"
    if not path.exists():
        raise InputError(f"mix file {shortened(typed)} does not exist; shipped mixes: {', '.join(names())}")
    return path


def _read(path: Path, seen: tuple[Path, ...]) -> Document:
    """The file laid over what it extends."""
    if path.resolve() in seen:
        circle = " → ".join(p.name for p in (*seen, path))
        return Document({}, faults=[f"{path.name}: `extends` goes in a circle: {circle}"])
    document = read_yaml(path, "a mix file")
    bases = document.data.pop("extends", [])
    listed = [bases] if isinstance(bases, str) else bases
    place = document.place(("extends",))
    if not isinstance(listed, list) or not all(isinstance(base, str) for base in listed):
        got = f"{place}: extends: got {shortened(bases)}"
        document.faults.append(f"{got}, allowed: the name or path of a mix, or a list of them")
        return document
    below = Document({})
    for base in listed:
        try:
            beside = path.parent / base
            below = _read(beside if beside.is_file() else find_mix(base), (*seen, path.resolve())).over(below)
        except InputError as fault:
            document.faults += [f"{place}: extends: {one}" for one in fault.faults]
    return document.over(below)


def _checked(name: str, document: Document) -> Mix:
    """The mix that a document describes, names of options, levers and provinces in any case. Raises InputError."""
    faults: list[str] = []
    data = _known_names(document, faults)
    spec, invalid = validated(Spec, document, data=data)
    faults = [*document.faults, *invalid, *faults]
    if spec is None or faults:
        raise InputError(faults)
    return Mix(name, spec)


def _known_names(document: Document, faults: list[str]) -> dict[str, Any]:
    """The data with the names that are meant; unknown ones add a fault. What has the wrong shape stays as it is."""
    levers, provinces = list(catalogue().levers), known_provinces(_provinces())
    chosen = match(str(document.data.get("catalogue", FIRST)), sets()) or FIRST
    known: dict[str, tuple[Known, str]] = {
        "options": (catalogue(chosen).options, "option"),
        "levers": (levers, "lever"),
        "schedule": (levers, "lever"),
        "provinces": (provinces, "province"),
        "where": (provinces, "province"),
    }
    data = dict(document.data)
    if "catalogue" in data:
        if match(str(data["catalogue"]), sets()) is None:
            faults.append(f"catalogue: {refusal(str(data['catalogue']), sets(), 'set of options')}")
        data["catalogue"] = chosen
    for field, (names, what) in known.items():
        data[field] = _renamed(document, (field,), data.get(field), names, what, faults)
    if isinstance(data["provinces"], dict):
        data["provinces"] = {
            place: _renamed(document, ("provinces", place), own, levers, "lever", faults)
            for place, own in data["provinces"].items()
        }
    if isinstance(given := data.get("triggers"), list):
        data["triggers"] = [
            {**one, "levers": _renamed(document, ("triggers", i, "levers"), one.get("levers"), levers, "lever", faults)}
            if isinstance(one, dict)
            else one
            for i, one in enumerate(given)
        ]
    return {field: value for field, value in data.items() if field in document.data}


def _renamed(document: Document, route: Route, given: Any, known: Known, what: str, faults: list[str]) -> Any:
    """A mapping by name or a list of names with the names that are meant."""
    if not isinstance(given, Mapping | list):
        return given
    meant: list[Any] = []
    for index, name in enumerate(given):
        own = match(name, known) if isinstance(name, str) else name
        if own is None or (own in meant and own != name):
            at = document.place((*route, name if isinstance(given, Mapping) else index))
            fault = refusal(name, known, what) if own is None else f"{name!r} is {own!r}, which stands there already"
            faults.append(": ".join(filter(None, (at, ".".join(map(str, route)), fault))))
        meant.append(own or name)
    return dict(zip(meant, given.values(), strict=True)) if isinstance(given, Mapping) else meant
