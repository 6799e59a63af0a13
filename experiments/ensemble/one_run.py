"""One run of the model: its outputs by year, without predictive error."""

from collections.abc import Sequence
from typing import Any

import pandas as pd
import xarray as xr

from calibration.places import known_provinces
from experiments.ensemble import outputs
from experiments.ensemble.batches import Job
from experiments.installation import FIRST_YEAR, Installation
from experiments.study.schema import Study
from models.reading.faults import InputError
from models.reading.names import choose_all


def one_run(
    study: Study, system: Installation, design: pd.DataFrame, member: int, allocation: str, mix: str
) -> xr.Dataset:
    """The study's outputs of one row of a design, by year: (province with "China", …, year), no predictive error.

    Raises InputError for a scenario or member that is not there.
    """
    allocation, mix = study.scenario(allocation, mix)
    if not 0 <= member < len(design):
        raise InputError(f"member {member}: members are numbered 0 to {len(design) - 1}")
    inputs = system.inputs(study)
    job = Job(study, inputs, system.simulate, system.errors, system.checksums, {})
    years = range(FIRST_YEAR, study.outputs.last_year + 1)
    row = design.iloc[[member]]
    found, _ = job.results(allocation, mix, row, study.outputs.variables, years)
    return outputs.with_nation(outputs.aggregate_sectors(found), study.outputs.variables).isel(member=0, drop=True)


def by_year(found: xr.Dataset, provinces: Sequence[str]) -> pd.DataFrame:
    """One row per province and year, one column per output with its unit (and element). Raises InputError."""
    known = [str(name) for name in found["province"].to_numpy()]
    provinces = choose_all(provinces, known_provinces(known), "province")
    columns: dict[str, pd.Series[Any]] = {}
    for name, values in found.sel(province=list(provinces)).data_vars.items():
        extra = [dim for dim in values.dims if dim not in ("province", "year")]
        for element in values[extra[0]].to_numpy() if extra else [None]:
            one = values if element is None else values.sel({extra[0]: element}, drop=True)
            label = f"{name}{'' if element is None else f'[{element}]'} {values.attrs.get('units', '')}".strip()
            columns[label] = one.to_series()
    return pd.DataFrame(columns).reset_index()
