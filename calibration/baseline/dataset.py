"""All measured series in one dataset."""

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
    """Load all measured series with their errors and vintages (see `calibration.baseline`).

    Args:
        folder: data folder with a descriptor; by default the tables that ship.

    Returns:
        Series over province, year and, where they have them, sector and fuel, with `units` and `source` in their
        attributes; for each series also `<name>_sigma` (relative standard deviation) and `<name>_vintage`.

    Raises:
        InputError: a table is unreadable by its schema; with all faults of the table.
        RuleError: values violate a rule; with all faults of the table.

    >>> from calibration import baseline
    >>> data = baseline.load()
    >>> data["energy_total"].dims, data["energy_total"].attrs["units"]
    (('province', 'year'), 'Mtce/year')
    >>> round(float(data["energy_total"].sel(province="Guangdong", year=2010)), 1)
    269.1
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
