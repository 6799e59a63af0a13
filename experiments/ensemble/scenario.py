"""Scenarios of a study as inputs of the model: targets of its allocations, levers of its mixes, common parameters."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from calibration import region
from calibration.activity import over_time
from calibration.places import NATION
from experiments import model_file
from experiments.allocation.response import ModelResponse
from experiments.ensemble import own_projects, triggers
from experiments.ensemble.member_design import centre, drawn_rows
from experiments.ensemble.targets import allocation_targets
from experiments.installation import (
    FIRST_YEAR,
    ProvinceModel,
    ScenarioInputs,
    calibrated,
    compiled_model,
    model_texts,
)
from experiments.study.schema import MixChoice, Study
from models.reading.faults import InputError

CATALOGUE_BASE = 2010
"""Base year of the plan for which the shipped catalogue's schedules were written."""


def prepare(study: Study, model: ModelResponse | None = None) -> ScenarioInputs:
    """Targets, mixes and common parameters of a study. Raises InputError with the faults of all of them.

    model: the response of a model, for allocation rules that simulate it.
    """
    from experiments import policy

    shipped, measured = calibrated(study.target.period.base_year)
    known = compiled_model().subscripts["plan"]
    faults: list[str] = []
    faults += [
        f"target.indicators: {one.key}: the model has no variable {one.variable!r}"
        for one in study.target.asked
        if one.variable not in compiled_model().variables
    ]
    if study.target.plan not in known:
        faults.append(
            f"target.plan: {study.target.period.name} cannot be simulated: the model file has the plans "
            f"{', '.join(known)} and no {study.target.plan} in its range `plan`, and no measured base of "
            f"{study.target.period.base_year} is calibrated"
        )
        raise InputError(faults)
    chosen = [(choice.label, _path(study, choice.mix)) for choice in study.mixes]
    mixes = xr.Dataset()
    try:
        mixes = policy.mixes(chosen)
        faults += triggers.faults(mixes, study)
    except InputError as error:
        faults += error.faults
    targets = {}
    for choice in study.allocations:
        try:
            places = [str(name) for name in measured["base gdp"]["province"].to_numpy()]
            targets[choice.label] = allocation_targets(study, choice, places, model)
        except InputError as error:
            faults += [f"allocation {choice.label}: {fault}" for fault in error.faults]
    try:
        drawn_rows(study, [])
    except InputError as error:
        faults += error.faults
    try:
        projects = own_projects.entered(study)
    except InputError as error:
        faults += [f"projects: {fault}" for fault in error.faults]
    if study.model:
        given = [*measured, *map(str, mixes.data_vars), *study.parameters, *map(str, shipped["assumption"].to_numpy())]
        for name, text in zip(study.model, model_texts(study), strict=True):
            missing = model_file.lacking(compiled_model(text), compiled_model(), given, study.outputs.variables)
            faults += [f"model {name} {fault}" for fault in missing]
    if faults:
        raise InputError(faults)
    fixed = {name: xr.DataArray(value) for name, value in study.parameters.items()}
    common = {**measured, "learning index data": shipped["learning index data"], **fixed}
    common |= projects.inputs if projects else {}
    allocation = xr.concat(list(targets.values()), pd.Index(list(targets), name="allocation"))
    if region.active():
        common["switch learning"] = xr.DataArray(0.0)  # a small region learns from the nation, whose index is given
    if study.provinces:
        common |= national_series(study)
        here, places = list(study.provinces), [*study.provinces, NATION]
        common = {name: v.sel(province=here) if "province" in v.dims else v for name, v in common.items()}
        allocation, mixes = allocation.sel(province=places), mixes.sel(province=here)
    return ScenarioInputs(_dataset(common), allocation, begun_with(mixes, study.target.period.base_year))


def begun_with(mixes: xr.Dataset, base_year: int) -> xr.Dataset:
    """The mixes with levers that begin with the plan: those of an earlier plan's catalogue as long after its base year.

    What began before the base year is part of the state from which the plan is forecast; it does not count twice.
    """
    if "lever start" not in mixes or base_year <= CATALOGUE_BASE:
        return mixes
    start = mixes["lever start"]
    moved = start.where(start > base_year, start - CATALOGUE_BASE + base_year).assign_attrs(start.attrs)
    return mixes.assign({"lever start": moved})


NATIONAL = {
    "learning index data": "learning index",
    "mean growth trend": "mean growth trend",
    "national grid factor": "national grid factor",
    "nonfossil share of electricity trade": "nonfossil share of electricity trade",
}
"""What a province takes from all of them: input of a run of some provinces → output of the whole."""


def national_series(study: Study) -> dict[str, xr.DataArray]:
    """Inputs of a study's provinces from the provinces that it leaves out: series of the whole model at its centre.

    Where a study runs some provinces alone, learning, the mean growth, the factor of the grid and the non-fossil share
    of traded electricity are series of the model of all provinces at its central parameters and without new policy. The
    only simplification is that a member's own deviation from these central series is lost.
    """
    whole = study.model_copy(update={"provinces": [], "model": [], "mixes": [MixChoice(mix="base")], "uncertain": {}})
    model = ProvinceModel(0)
    last = max(study.outputs.last_year, study.target.period.last_year)
    years = list(range(FIRST_YEAR, last + 1))
    shipped, measured = calibrated(study.target.period.base_year)
    from experiments import policy

    fixed = {name: xr.DataArray(value) for name, value in study.parameters.items() if name in model.model.variables}
    base = policy.mixes([("base", "base")]).sel(mix="base", drop=True)
    levers = {str(name): values for name, values in base.data_vars.items()}
    params = {**measured, "learning index data": shipped["learning index data"], **fixed, **levers}
    found = model(centre(whole), params, list(NATIONAL.values()), years).isel(member=0, drop=True)
    there = [compiled_model(text).variables for text in model_texts(study)]
    known = [name for name in NATIONAL if all(name in variables for variables in there)]
    series = {name: over_time(found[NATIONAL[name]].drop_attrs()) for name in known}
    return {**series, "switch learning": xr.DataArray(0.0)}


def _path(study: Study, mix: str) -> str | Path:
    return study.path(mix) if Path(mix).suffix in {".yaml", ".yml"} else mix


def _dataset(params: Mapping[str, xr.DataArray]) -> xr.Dataset:
    """One Dataset of them; series of different years are read at all the years of any, as the model reads them."""
    plain = {name: values.reset_coords(drop=True) for name, values in params.items()}
    times = sorted({float(t) for values in plain.values() if "time" in values.dims for t in values["time"].to_numpy()})
    return xr.Dataset({name: _at(values, times) if "time" in values.dims else values for name, values in plain.items()})


def _at(series: xr.DataArray, times: Sequence[float]) -> xr.DataArray:
    """A series at other times: linear between its points, held beyond them."""
    found: xr.DataArray = xr.apply_ufunc(
        lambda values: np.interp(times, series["time"].to_numpy(), values),
        series,
        input_core_dims=[["time"]],
        output_core_dims=[["time"]],
        exclude_dims={"time"},
        vectorize=True,
    )
    return found.assign_coords(time=list(times)).assign_attrs(series.attrs)
