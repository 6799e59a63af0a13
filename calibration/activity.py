"""Measured activity of the provinces up to a given year; a nowcast is conditioned on it.

After 2015 the provinces publish real growth, electricity, generation, capacity and products, but no energy balance
with fuel by sector. The functions here join the tables of 2005-2015 with those of later years, within one vintage.
They read nothing later than the year that the caller gives.
"""

from collections.abc import Sequence

import pandas as pd
import xarray as xr

from calibration import tables

FIRST = 2005
LINK = 2015
"""Last year of the earlier tables; the later table also has it where its source begins in that year."""
MEASURED_TO = 2024
"""Last year of the measured activity; growth is known for one more year."""
PER_MT = {"1e4_t": 100.0}
"""Unit of a table → number of these units in a million tonnes."""


def product_series(variable: str, last: int) -> xr.DataArray:
    """Yearly output of a product up to a year.

    Args:
        variable: name of the series in the tables industry_output and activity_after_2015.
        last: last year of the result.

    Returns:
        (province, year), in Mt/year for products and otherwise in the unit of the table; NaN where there is no figure.
    """
    return _product(
        variable,
        last,
        _join_tables("industry_output", activity_table()) if last > LINK else tables.read("industry_output"),
    )


def nowcast_year(base_year: int) -> int | None:
    """The last measured year before a plan that needs a nowcast; None where energy balances reach its base year."""
    return None if base_year <= LINK else min(base_year, MEASURED_TO)


def activity_table() -> pd.DataFrame:
    """Read the table of activity after 2015."""
    return tables.read("activity_after_2015")


def _join_tables(earlier: str, later: pd.DataFrame) -> pd.DataFrame:
    """Join the rows of an earlier table up to LINK with the later rows after it."""
    return pd.concat([tables.read(earlier), later[later["year"] > LINK]])


def _product(variable: str, last: int, rows: pd.DataFrame) -> xr.DataArray:
    rows = rows[(rows["variable"] == variable) & (rows["year"] <= last)]
    scale = PER_MT.get(str(rows["unit"].iloc[0]), 1.0)
    return _grid(rows, range(FIRST, last + 1)) / scale


def _grid(rows: pd.DataFrame, years: Sequence[int]) -> xr.DataArray:
    names = tables.provinces()
    wide = rows.set_index(["province", "year"])["value"].unstack("year")  # noqa: PD010 (keys are unique)
    wide = wide.reindex(index=names, columns=list(years))
    return xr.DataArray(wide.to_numpy(float), {"province": names, "year": list(years)}, ("province", "year"))


def over_time(yearly: xr.DataArray) -> xr.DataArray:
    """Turn a yearly series into the model's form, which is over `time`."""
    return yearly.rename(year="time").assign_coords(time=yearly["year"].values.astype(float))


HEAVY = {"output_pig_iron": 0.55, "output_cement": 0.10, "output_ten_nonferrous": 0.5}
"""Heavy product → fuel per tonne (tce/t), its weight in the index; an assumption in the order of China's norms."""
KINDS = ("hydro", "nuclear", "wind", "solar")
HOURS = {"hydro": 3.5, "nuclear": 7.5, "wind": 2.1, "solar": 1.15}
"""Thousand full-load hours per year where a province has no figures (national means, power yearbook 2021, rounded)."""
LEAST = 0.05
"""Capacity (GW) below which full-load hours are not computed."""
RECENT = 3
"""Number of years from which the pace of capacity additions is taken."""


def drivers(last: int, until: int) -> dict[str, xr.DataArray]:
    """The model's inputs of a nowcast: measured activity of the years after `last` up to `until`.

    Args:
        last: last year of the calibration. It must be LINK, because the later series begin there.
        until: last year of measured activity, at most MEASURED_TO.

    Returns:
        Parameter of the model → array over province and, where it has them, power kind or time. Indices are 1 in
        `last`.

    Raises:
        ValueError: for other years.
    """
    if last != LINK or not last < until <= MEASURED_TO:
        raise ValueError(f"nowcast {last}-{until}: from {LINK}, at most to {MEASURED_TO}")
    later = activity_table()
    capacities = _join_tables("power_capacity", later)
    measured = {kind: capacity(kind, until, capacities, later) for kind in (*KINDS, "thermal")}
    span = min(RECENT, until - last)
    recent = {
        kind: (item.sel(year=until, drop=True) - item.sel(year=until - span, drop=True)) / span
        for kind, item in measured.items()
    }
    kinds = pd.Index(KINDS, name="power kind")
    return {
        "switch nowcast": xr.DataArray(1.0),
        "activity measured until": xr.DataArray(float(until)),
        "thermal measured until": xr.DataArray(float(until)),
        "gdp index data": over_time(growth_index(last, until)),
        "heavy output index data": over_time(heavy_index(last, until, _join_tables("industry_output", later))),
        "electricity index data": over_time(electricity_index(last, until, later)),
        "thermal index data": over_time(without_gaps(electricity_series("generation_thermal", last, until, later))),
        "capacity data": over_time(xr.concat([_year_mean(measured[kind]) for kind in KINDS], kinds)),
        "capacity addition": xr.concat([recent[kind].clip(min=0) for kind in KINDS], kinds),
        "full load hours": xr.concat([full_load_hours(kind, measured[kind], later) for kind in KINDS], kinds),
        "thermal capacity data": over_time(measured["thermal"]),
        "thermal addition": recent["thermal"],
    }


def electricity_series(variable: str, first: int, until: int, rows: pd.DataFrame) -> xr.DataArray:
    """An electricity series after 2015 over (province, year), in the unit of its row; NaN where no figure is usable.

    Args:
        variable: name of the series in the table of activity.
        first: first year of the result.
        until: last year of the result.
        rows: the table of activity, as from `activity_table`.
    """
    return _grid(rows[rows["variable"] == variable], range(first, until + 1))


def growth_index(last: int, until: int) -> xr.DataArray:
    """Real GDP as an index (`last` = 1) from published growth; a missing year gets the mean growth of the provinces."""
    rows = tables.read("growth_after_2015")
    yearly = _grid(rows[rows["variable"] == "gdp_growth"], range(last, until + 1)) / 100
    yearly = yearly.fillna(yearly.mean("province")).fillna(0.0)  # the index is 1 in the first year
    return (1 + yearly).cumprod("year")


def without_gaps(measured: xr.DataArray) -> xr.DataArray:
    """An index (first year = 1) without gaps.

    Missing years between two figures are interpolated linearly; after the last figure its level is kept.
    """
    whole = _frame(measured).interpolate(axis=1, limit_area="inside").ffill(axis=1)
    return measured.copy(data=whole.div(whole.iloc[:, 0], axis=0).to_numpy())


def _frame(yearly: xr.DataArray) -> pd.DataFrame:
    """A table with one row per province and one column per year."""
    table = yearly.transpose("province", "year")
    return pd.DataFrame(table.to_numpy(), index=table["province"].to_numpy(), columns=table["year"].to_numpy())


def heavy_index(last: int, until: int, rows: pd.DataFrame) -> xr.DataArray:
    """Heavy products weighted by their fuel, as an index (`last` = 1); a missing figure of a product counts as zero."""
    parts = [
        _product(name, until, rows).sel(year=slice(last, until)).fillna(0) * weight for name, weight in HEAVY.items()
    ]
    total = sum(parts[1:], parts[0])
    return without_gaps(total.where(total > 0))


def electricity_index(last: int, until: int, rows: pd.DataFrame) -> xr.DataArray:
    """Electricity use as an index (`last` = 1).

    Where the coverage of the statistic changes (flag `differs`), the change of that year is the geometric mean of the
    changes in the years before and after it.
    """
    use = electricity_series("electricity_consumption", last, until, rows)
    narrow = rows[(rows["variable"] == "electricity_consumption") & (rows["flag"] == "differs") & (rows["year"] > last)]
    step = (use / use.shift(year=1)).fillna(1.0)
    for province, year in narrow.groupby("province")["year"].max().items():
        if province in use["province"] and int(year) + 1 < until:
            beside = [step.sel(province=province, year=int(year) + by) for by in (0, 2)]
            step.loc[{"province": province, "year": int(year) + 1}] = float(beside[0] * beside[1]) ** 0.5
    return step.cumprod("year")


def capacity(kind: str, until: int, rows: pd.DataFrame, later: pd.DataFrame) -> xr.DataArray:
    """Capacity of one kind (GW) from LINK to `until`: (province, year).

    Missing years between two figures are interpolated linearly, and after the last figure the mean pace continues.
    Before the first figure, or without any, capacity is the generation of the power yearbook over the usual full-load
    hours.
    """
    rows = rows[(rows["variable"] == f"capacity_{kind}") & (rows["year"] <= until)]
    grid = _grid(rows, range(LINK, until + 1))
    known = _frame(grid).interpolate(axis=1, limit_area="inside")
    pace = known.diff(axis=1).mean(axis=1).clip(lower=0).fillna(0)
    beyond = known.ffill(axis=1)
    beyond = beyond.add((known.isna() & beyond.notna()).cumsum(axis=1).mul(pace, axis=0))
    if kind != "thermal":
        made = _frame(_yearbook(kind, until, later)).interpolate(axis=1, limit_direction="both")
        beyond = beyond.fillna(made / HOURS[kind])
    return grid.copy(data=beyond.bfill(axis=1).fillna(0.0).to_numpy())


def _yearbook(kind: str, until: int, rows: pd.DataFrame) -> xr.DataArray:
    """Generation of all plants (TWh) in the power yearbook, known for 2016, 2017 and 2021."""
    return electricity_series(f"cpsy_generation_{kind}", LINK, until, rows)


def _year_mean(at_end: xr.DataArray) -> xr.DataArray:
    """Mean capacity during a year, from its values at the end of this and the previous year."""
    return (at_end + at_end.shift(year=1).fillna(at_end)) / 2


def full_load_hours(kind: str, measured: xr.DataArray, rows: pd.DataFrame) -> xr.DataArray:
    """Full-load hours per year (thousand hours = TWh/GW): generation of the power yearbook over mean capacity.

    For hydropower this is the mean of the years with figures, because rainfall varies; for other kinds it is the
    latest.
    """
    mean = _frame(_year_mean(measured))
    found = _frame(_yearbook(kind, int(measured["year"][-1]), rows)) / mean.where(mean > LEAST)
    used = found.mean(axis=1) if kind == "hydro" else found.ffill(axis=1).iloc[:, -1]
    usual = HOURS[kind]
    used = used.fillna(usual).clip(0.4 * usual, min(1.6 * usual, 8.5))
    return xr.DataArray(used.to_numpy(), {"province": measured["province"]}, "province")
