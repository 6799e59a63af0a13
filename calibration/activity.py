"""Activity as measured, up to a year: what a nowcast is conditioned on where no energy balance exists any more.

After 2015 the provinces publish real growth, electricity, generation, capacity and products, and no fuel by sector.
`series` joins the table of 2005-2015 with the one of the years since, within one vintage. Nothing later than the year
asked for is read.
"""

from collections.abc import Sequence

import pandas as pd
import xarray as xr

from calibration import tables

FIRST = 2005
LINK = 2015
"""Last year of the earlier tables; the later table has it too where its source begins there."""
MEASURED_TO = 2024
"""Last year of the measured activity (growth is known for one year more)."""
PER_MT = {"1e4_t": 100.0}
"""Unit of a table → units in a million tonnes."""


def series(variable: str, last: int) -> xr.DataArray:
    """A product's output (Mt/year) or another series in its unit: (province, year), NaN where there is no figure.

    variable: as the tables industry_output and activity_after_2015 name it.
    """
    tables_read = [tables.read("industry_output")]
    if last > LINK:
        later = tables.read("activity_after_2015")
        tables_read.append(later[later["year"] > LINK])
    rows = pd.concat(tables_read)
    rows = rows[(rows["variable"] == variable) & (rows["year"] <= last)]
    scale = PER_MT.get(str(rows["unit"].iloc[0]), 1.0)
    return _grid(rows, range(FIRST, last + 1)) / scale


def _grid(rows: pd.DataFrame, years: Sequence[int]) -> xr.DataArray:
    names = tables.provinces()
    wide = rows.set_index(["province", "year"])["value"].unstack("year")  # noqa: PD010 (keys are unique)
    wide = wide.reindex(index=names, columns=list(years))
    return xr.DataArray(wide.to_numpy(float), {"province": names, "year": list(years)}, ("province", "year"))


def over_time(yearly: xr.DataArray) -> xr.DataArray:
    """A yearly series as the model reads one: over `time`."""
    return yearly.rename(year="time").assign_coords(time=yearly["year"].values.astype(float))
