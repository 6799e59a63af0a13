"""What a study asks of the model: the targets of its allocations, the levers of its mixes, the common parameters."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from experiments.allocation.response import ModelResponse
from experiments.ensemble.member_design import distribution_row
from experiments.ensemble.targets import allocation_targets
from experiments.installation import ScenarioInputs, calibrated, compiled_model
from experiments.study.schema import Study
from models.reading.faults import InputError


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
    except InputError as error:
        faults += error.faults
    targets = {}
    for choice in study.allocations:
        try:
            places = [str(name) for name in measured["base gdp"]["province"].to_numpy()]
            targets[choice.label] = allocation_targets(study, choice, places, model)
        except InputError as error:
            faults += [f"allocation {choice.label}: {fault}" for fault in error.faults]
    for name in study.uncertain:
        try:
            distribution_row(study, name)
        except InputError as error:
            faults += error.faults
    if faults:
        raise InputError(faults)
    fixed = {name: xr.DataArray(value) for name, value in study.parameters.items()}
    common = {**measured, "learning index data": shipped["learning index data"], **fixed}
    allocation = xr.concat(list(targets.values()), pd.Index(list(targets), name="allocation"))
    return ScenarioInputs(_dataset(common), allocation, mixes)


def _path(study: Study, mix: str) -> str | Path:
    return study.folder / mix if Path(mix).suffix in {".yaml", ".yml"} else mix


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
