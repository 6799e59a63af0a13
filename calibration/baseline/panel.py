"""The grid of provinces and years, and the way from the rows of a table to one measured series on it."""

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
"""Years of the baseline."""
PRICES = 2005
"""Base year of constant prices."""
SECTORS = ("heavy industry", "light industry", "transport", "services", "agriculture and construction", "residential")
"""Sectors of final energy."""
FUELS = ("coal", "oil", "gas", "electricity", "heat")
"""Fuels of final energy."""
INDUSTRY = SECTORS[:2]
"""The two sectors that together are the industry of the balances."""


@dataclass(frozen=True)
class MeasuredSeries:
    """One measured series.

    Attributes:
        value: figures over province and year, some also over sector and fuel, in `units`; NaN where there is no figure.
        sigma: relative standard deviation of the measurement, in the same dimensions.
        vintage: edition of the statistic by year; "" where there is no figure.
        units: unit of the values.
        doc: meaning of the series.
        source: keys of the table of sources, joined by "+".
    """

    value: xr.DataArray
    sigma: xr.DataArray
    vintage: xr.DataArray
    units: str
    doc: str
    source: str = ""


class MeasurementErrors:
    """Relative standard deviations of measured figures by series, sector, fuel and flag.

    Args:
        folder: data folder that contains the table measurement_errors.

    >>> from calibration.tables import DATA
    >>> MeasurementErrors(DATA)("energy_total", "reported")
    0.01
    """

    def __init__(self, folder: Path) -> None:
        table = tables.read("measurement_errors", folder)
        keys = zip(table.series, table.sector, table.fuel, table.flag, strict=True)
        self._sigma = dict(zip(keys, table.sigma, strict=True))

    def __call__(self, series: str, flag: str, sector: str = "", fuel: str = "") -> float:
        """The standard deviation in the most specific row of the table.

        Args:
            series: name of the series in the table.
            flag: flag of the figure.
            sector: sector of the figure, if any.
            fuel: fuel of the figure, if any.

        Returns:
            Relative standard deviation, a fraction.

        Raises:
            InputError: the table has no row for the series and the flag.
        """
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
    """Rows of the given provinces and the baseline years whose columns have the given values."""
    keep = table.province.isin(names) & table.year.isin(YEARS)
    for column, wanted in where.items():
        keep &= table[column].isin([wanted] if isinstance(wanted, str) else list(wanted))
    return table[keep]


def to_grid(rows: pd.DataFrame, names: Sequence[str], column: str = "value") -> xr.DataArray:
    """A column of a table over (province, year); NaN where there is no row."""
    wide = rows.set_index(["province", "year"])[column].unstack("year")  # noqa: PD010 (keys are unique: no aggregation)
    wide = wide.reindex(index=list(names), columns=list(YEARS))
    return xr.DataArray(
        wide.to_numpy(dtype=float), {"province": list(names), "year": list(YEARS)}, ("province", "year")
    )


def vintage_by_year(rows: pd.DataFrame) -> xr.DataArray:
    """The one vintage of each year; "" where there is no row. Raises VintageError when a year has two."""
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
    """A series from the rows of one variable.

    Args:
        rows: rows of the table.
        names: provinces of the grid.
        errors: the table of measurement errors.
        key: name of the series in that table.
        scale: factor from the unit of the table to `units`.
        units: unit of the series.
        doc: meaning of the series.
    """
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
    """The series of one variable of a table; the arguments are those of `series_from_rows`."""
    return series_from_rows(
        select_rows(table, names, variable=variable), names, errors, key, scale=scale, units=units, doc=doc
    )


def combined_sigma(*parts: MeasuredSeries) -> xr.DataArray:
    """Relative standard deviation of a product or ratio of independent series."""
    return xr.DataArray(sum(part.sigma**2 for part in parts)) ** 0.5


def parameter(name: str, folder: Path = DATA) -> float:
    """The published value of a policy parameter.

    Args:
        name: name of the parameter in the table policy_parameters, which holds unit and source.
        folder: data folder; by default the tables that ship.

    Returns:
        The value in the unit of its row.

    Raises:
        IndexError: the table has no such parameter.

    >>> parameter("capital depreciation (perpetual inventory, Zhang Jun)")
    9.6
    """
    table = tables.read("policy_parameters", folder)
    return float(table.value[table.parameter == name].iloc[0])


def per_twh(folder: Path = DATA) -> float:
    """Calorific coal equivalent of electricity, from the table conversion_factors (0.1229 kgce/kWh).

    Args:
        folder: data folder; by default the tables that ship.

    Returns:
        Coal equivalent in Mtce/TWh.

    >>> round(per_twh(), 4)
    0.1229
    """
    table = tables.read("conversion_factors", folder)
    row = table[(table.fuel == "electricity") & (table.factor == "coal_equivalent")]
    return float(row.value.iloc[0]) / 10
