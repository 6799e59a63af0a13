"""Reality checks: what experts hold true of any believable future, written as data, evaluated over all members.

- name: no recession
  en: GDP of no province falls in any year of the plan.
  zh: (the same in Chinese)
  source: …                       # author of the statement, or its grounds
  variable: gdp                   # any variable of the model, summed over dims other than the province …
  where: {sector: [residential]}  # … after choosing these elements
  over: population                # divided by another variable, if wanted
  take: growth                    # level | growth (relative, year on year) | change (relative to the first year)
  years: [2010, 2015]             # without it the years of the plan that the study asks about, from its base year on
  min: 0.0                        # at least one of min and max, in the unit of what is taken
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import pandas as pd
import xarray as xr
from pydantic import BaseModel, ConfigDict, Field, model_validator

from calibration.places import known_provinces
from experiments.analyses.intervals import wilson
from models.reading.faults import InputError
from models.reading.names import Known, match, refusal
from models.reading.schema import validated
from models.reading.yaml_file import read_yaml

FOLDER = Path(__file__).parent


class Check(BaseModel):
    """One statement about every member; see the module's text for the keys."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    en: str
    zh: str
    source: str
    variable: str
    where: dict[str, list[str]] = {}
    over: str = ""
    take: Literal["level", "growth", "change"] = "level"
    years: Annotated[tuple[int, int] | None, Field(description="first and last year; default: the plan's")] = None
    min: float = -np.inf
    max: float = np.inf

    @model_validator(mode="after")
    def _bounded(self) -> "Check":
        if not self.min <= self.max or (np.isinf(self.min) and np.isinf(self.max)):
            raise ValueError(f"min {self.min} and max {self.max}: give at least one number, min ≤ max")
        if self.years and not self.years[0] < self.years[1]:
            raise ValueError(f"years {list(self.years)}: the first must come before the last")
        return self

    @property
    def variables(self) -> set[str]:
        """What it needs of the model."""
        return {self.variable, self.over} - {""}

    def taken(self, results: xr.Dataset) -> xr.DataArray:
        """What is compared with min and max: (member, province, year)."""
        value = self._summed(results, self.variable)
        if self.over:
            value = value / self._summed(results, self.over)
        if self.years:
            value = value.sel(year=slice(*self.years))
        if self.take == "growth":
            before = value.shift(year=1)
            return (value / before - 1).isel(year=slice(1, None))
        return value / value.isel(year=0) - 1 if self.take == "change" else value

    def _summed(self, results: xr.Dataset, name: str) -> xr.DataArray:
        value = results[name]
        value = value.sel({d: self.where[d] for d in value.dims if d in self.where})
        return value.sum([d for d in value.dims if d not in ("member", "province", "year")])


Dims = Mapping[str, tuple[str, ...]]


def load(
    paths: Iterable[Path] | None = None,
    variables: Dims | None = None,
    elements: Mapping[str, Sequence[str]] | None = None,
    years: tuple[int, int] = (0, 9999),
) -> list[Check]:
    """The checks of the files (all shipped ones by default).

    variables: model variable → its dims; elements: dim → its names (both: not checked when None); years: first and last
    of the model. Raises InputError with every fault of every file: unknown keys, variables and elements with the
    nearest names, years outside the model's, names that stand twice.
    """
    faults: list[str] = []
    found: list[Check] = []
    for path in sorted(FOLDER.glob("*.yaml")) if paths is None else paths:
        document = read_yaml(path, "a file of reality checks", list)
        faults += document.faults
        for index, entry in enumerate(document.data):
            check, invalid = validated(Check, document, data=entry, route=(index,))
            faults += invalid
            if check is None:
                continue
            place = f"{document.place((index,))}: {check.name}"
            check = _with_known_names(check, variables, elements, place, faults)
            if check.years and not years[0] <= check.years[0] < check.years[1] <= years[1]:
                got, allowed = ("–".join(map(str, span)) for span in (check.years, years))
                faults.append(f"{place}: years {got}; the model runs {allowed}")
            found.append(check)
    names = [c.name for c in found]
    faults += [f"the check {n!r} appears {names.count(n)} times" for n in dict.fromkeys(names) if names.count(n) > 1]
    if faults:
        raise InputError(faults)
    return found


def everything(extra: Sequence[Path] = ()) -> list[Check]:
    """The shipped checks and those of further files, their names checked against the province model."""
    from experiments.installation import compiled_model

    model = compiled_model()
    variables = {name: tuple(variable.dims) for name, variable in model.variables.items()}
    clock, values = model.module.clock, model.module.defaults
    years = int(values[clock.initial]), int(values[clock.final])
    return load([*sorted(FOLDER.glob("*.yaml")), *extra], variables, model.subscripts, years)


def _with_known_names(
    check: Check, variables: Dims | None, elements: Mapping[str, Sequence[str]] | None, place: str, faults: list[str]
) -> Check:
    """The check with the names that are meant, in any case; what the model does not have adds a fault."""

    def known(name: str, names: Known | None, what: str) -> str:
        if names is None or (own := match(name, names)):
            return name if names is None else str(own)
        faults.append(f"{place}: {refusal(name, names, what)}")
        return name

    variable = known(check.variable, variables, "variable")
    over = known(check.over, variables, "variable") if check.over else ""
    where = {}
    for typed, chosen in check.where.items():
        dim = known(typed, elements, "dimension")
        names = (elements or {}).get(dim)
        own = known_provinces(names) if dim == "province" and names else names
        where[dim] = [known(element, own, dim) for element in chosen]
    read = {dim for name in {variable, over} for dim in (variables or {}).get(name, ())}
    for name in sorted({variable, over} & set(variables or ())):
        if "province" not in (variables or {})[name]:
            faults.append(f"{place}: variable {name!r} is not by province")
    for dim in where:
        if read and dim in (elements or {}) and dim not in read:
            by = f"{', '.join(sorted({variable, over} - {''}))} is not by {dim}, only by {', '.join(sorted(read))}"
            faults.append(f"{place}: where: {by}")
    return check.model_copy(update={"variable": variable, "over": over, "where": where})


def needed(checks: Iterable[Check]) -> list[str]:
    """Model variables that the checks read."""
    return sorted(set().union(*(c.variables for c in checks)))


def in_plan(checks: Iterable[Check], first: int, last: int) -> list[Check]:
    """The checks; those without years are about the years `first` (the plan's base year) to `last`."""
    return [check if check.years else check.model_copy(update={"years": (first, last)}) for check in checks]


def span(checks: Iterable[Check]) -> range:
    """Years that the checks read."""
    years = [y for c in checks for y in c.years or ()]
    return range(min(years), max(years) + 1)


def evaluate(checks: Iterable[Check], results: xr.Dataset, **of: str) -> pd.DataFrame:
    """Pass rates of the checks over the members of `results` (member, province, …, year).

    Columns: of (allocation, mix, …), check, members, passed (members in which every province and year complies), rate
    with its 95 % Wilson interval, provinces_failing (in any member) and their names, worst (the value farthest outside,
    or nearest the limit) with its slack (distance to the limit, below 0: outside), worst_province, worst_year, limit,
    statement_en, statement_zh, source. A value that is not finite does not comply.
    """
    return pd.DataFrame([{**of, **_row(check, results)} for check in checks])


def _row(check: Check, results: xr.Dataset) -> dict[str, Any]:
    value = check.taken(results).transpose("member", "province", "year")
    data, provinces = value.to_numpy().astype(float), value["province"].to_numpy().astype(str)
    slack = np.nan_to_num(np.minimum(data - check.min, check.max - data), nan=-np.inf)
    complies = slack >= -1e-9
    at = np.unravel_index(np.argmin(slack), data.shape)
    return {
        "check": check.name,
        **_counted(len(data), int(complies.all(axis=(1, 2)).sum()), provinces[~complies.all(axis=(0, 2))]),
        "worst": data[at],
        "slack": slack[at],
        "worst_province": provinces[at[1]],
        "worst_year": int(value["year"].to_numpy()[at[2]]),
        "limit": " ".join(f"{sign} {v:g}" for sign, v in (("≥", check.min), ("≤", check.max)) if np.isfinite(v)),
        "statement_en": check.en,
        "statement_zh": check.zh,
        "source": check.source,
    }


def _counted(members: int, passed: int, failing: Iterable[str]) -> dict[str, Any]:
    low, high = wilson(passed, members)
    names = sorted(set(failing))
    counts = {"members": members, "passed": passed, "rate": passed / members}
    counts |= {"rate_low": float(low), "rate_high": float(high)}
    return {**counts, "provinces_failing": len(names), "failing": "; ".join(names)}


def merged(tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Tables of batches of one ensemble (`evaluate` with the same `of`) as one: the same as of all members at once."""
    parts = pd.concat(tables, ignore_index=True)
    keys = [c for c in ("allocation", "mix", "check") if c in parts]
    rows = []
    for _, one in parts.groupby(keys, sort=False):
        failing = [name for names in one.failing for name in names.split("; ") if name]
        worst = {str(k): v for k, v in one.iloc[int(one.slack.argmin())].items()}
        rows.append(worst | _counted(int(one.members.sum()), int(one.passed.sum()), failing))
    return pd.DataFrame(rows)


Simulate = Callable[[list[str], range], Iterable[xr.Dataset]]
"""(variables, years) → batches of results (member, province, …, year)."""


def over_ensemble(checks: Sequence[Check], simulate: Simulate, **of: str) -> pd.DataFrame:
    """`evaluate` over an ensemble that comes in batches, so that memory stays bounded."""
    return merged([evaluate(checks, batch, **of) for batch in simulate(needed(checks), span(checks))])
