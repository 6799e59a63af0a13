"""From the rows of a table to one measured series on the grid of provinces and years."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from calibration import tables
from calibration.baseline.vintage import VintageError
from calibration.tables import DATA
from models.reading.faults import InputError

YEARS = range(2000, 2016)
PRICES = 2005  # base year of constant prices
SECTORS = ("heavy industry", "light industry", "transport", "services", "agriculture and construction", "residential")
FUELS = ("coal", "oil", "gas", "electricity", "heat")
INDUSTRY = SECTORS[:2]


@dataclass(frozen=True)
class MeasuredSeries:
    """One measured series. value, sigma: the same dims; vintage: one label a year, "" where there is no figure."""

    value: xr.DataArray
    sigma: xr.DataArray
    vintage: xr.DataArray
    units: str
    doc: str
    source: str = ""


class MeasurementErrors:
    """Relative standard deviation of a figure by series, sector, fuel and flag: the most specific row of the table."""

    def __init__(self, folder: Path) -> None:
        table = tables.read("measurement_errors", folder)
        keys = zip(table.series, table.sector, table.fuel, table.flag, strict=True)
        self._sigma = dict(zip(keys, table.sigma, strict=True))

    def __call__(self, series: str, flag: str, sector: str = "", fuel: str = "") -> float:
        """Raises InputError when the table has no row for the series and the flag."""
        for key in (
            (series, sector, fuel, flag),
            (series, sector, "", flag),
            (series, "", fuel, flag),
            (series, "", "", flag),
        ):
            if key in self._sigma:
                return float(self._sigma[key])
        known = sorted({flag for name, *_, flag in self._sigma if name == series})
        raise InputError(f"measurement_errors.csv: no row for series {series!r} with flag {flag!r}; its flags: {known}")


def select_rows(table: pd.DataFrame, names: Sequence[str], **where: str | Sequence[str]) -> pd.DataFrame:
    """Rows of the simulated provinces and the baseline years that match."""
    keep = table.province.isin(names) & table.year.isin(YEARS)
    for column, wanted in where.items():
        keep &= table[column].isin([wanted] if isinstance(wanted, str) else list(wanted))
    return table[keep]


def to_grid(rows: pd.DataFrame, names: Sequence[str], column: str = "value") -> xr.DataArray:
    """Province × year, NaN where there is no row."""
    wide = rows.set_index(["province", "year"])[column].unstack("year")  # noqa: PD010 (keys are unique: no aggregation)
    wide = wide.reindex(index=list(names), columns=list(YEARS))
    return xr.DataArray(
        wide.to_numpy(dtype=float), {"province": list(names), "year": list(YEARS)}, ("province", "year")
    )


def vintage_by_year(rows: pd.DataFrame) -> xr.DataArray:
    """The one vintage of each year, "" where there is no row. Raises VintageError when a year has two."""
    found = rows.groupby("year").vintage.agg(lambda s: sorted(set(s)))
    for year, labels in found.items():
        if len(labels) > 1:
            raise VintageError("one year", {label: [int(str(year))] for label in labels})
    labels = [found[year][0] if year in found.index else "" for year in YEARS]
    return xr.DataArray(np.array(labels, dtype=object), {"year": list(YEARS)}, "year")


def series_from_rows(
    rows: pd.DataFrame,
    names: Sequence[str],
    errors: MeasurementErrors,
    key: str,
    *,
    scale: float = 1.0,
    units: str,
    doc: str,
) -> MeasuredSeries:
    """A series straight from the rows of one variable. scale: from the unit of the table to `units`."""
    rows = rows.assign(sigma=[errors(key, flag) for flag in rows.flag])
    value = to_grid(rows, names) * scale
    return MeasuredSeries(
        value, to_grid(rows, names, "sigma"), vintage_by_year(rows), units, doc, "+".join(sorted(set(rows.source_id)))
    )


def series_of_variable(
    table: pd.DataFrame,
    names: Sequence[str],
    errors: MeasurementErrors,
    variable: str,
    key: str,
    scale: float,
    units: str,
    doc: str,
) -> MeasuredSeries:
    """The series of one variable of a table. key: its name in the table of measurement errors."""
    return series_from_rows(
        select_rows(table, names, variable=variable), names, errors, key, scale=scale, units=units, doc=doc
    )


def combined_sigma(*parts: MeasuredSeries) -> xr.DataArray:
    """Sigma of a product or ratio of independent series."""
    return xr.DataArray(sum(part.sigma**2 for part in parts)) ** 0.5


def parameter(name: str, folder: Path = DATA) -> float:
    """The published value of a policy parameter in the unit of its row."""
    table = tables.read("policy_parameters", folder)
    return float(table.value[table.parameter == name].iloc[0])


def per_twh(folder: Path = DATA) -> float:
    """Calorific coal equivalent of electricity, Mtce/TWh (0.1229 kgce/kWh)."""
    table = tables.read("conversion_factors", folder)
    row = table[(table.fuel == "electricity") & (table.factor == "coal_equivalent")]
    return float(row.value.iloc[0]) / 10
