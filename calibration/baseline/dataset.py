"""All measured series in one Dataset."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import xarray as xr

from calibration import tables
from calibration.baseline.economy import climate, economy, emissions, people
from calibration.baseline.energy import energy
from calibration.baseline.panel import FUELS, PRICES, SECTORS, YEARS, MeasuredSeries, MeasurementErrors
from calibration.baseline.power import power
from calibration.tables import DATA


def load(folder: Path = DATA) -> xr.Dataset:
    """All measured series (see the module), units and sources in attrs.

    Raises InputError (unreadable) or RuleError (a rule is violated), with all faults of the table.
    """
    errors = MeasurementErrors(folder)
    names = tables.provinces(folder)
    series = {**economy(folder, names, errors), **people(folder, names, errors), **power(folder, names, errors)}
    series |= energy(folder, names, errors, series["gdp"])
    series |= emissions(folder, names, errors) | climate(folder, names, errors)
    return _dataset(series, names)


def _dataset(series: Mapping[str, MeasuredSeries], names: Sequence[str]) -> xr.Dataset:
    data = xr.Dataset(
        coords={"province": list(names), "year": list(YEARS), "sector": list(SECTORS), "fuel": list(FUELS)}
    )
    for name, item in series.items():
        data[name] = item.value.assign_attrs(units=item.units, long_name=item.doc, source=item.source)
        data[f"{name}_sigma"] = item.sigma.assign_attrs(units="1", long_name=f"relative error of {name}")
        data[f"{name}_vintage"] = item.vintage.assign_attrs(long_name=f"vintage of {name}")
    return data.assign_attrs(title="Measured baseline of China's provinces 2000-2015", prices=f"yuan of {PRICES}")
