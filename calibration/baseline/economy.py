"""Economy and population of a province: GDP, capital, population, housing, climate and CO2 inventories."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import pandas as pd
import xarray as xr

from calibration import tables
from calibration.baseline.panel import (
    PRICES,
    YEARS,
    MeasuredSeries,
    MeasurementErrors,
    combined_sigma,
    parameter,
    select_rows,
    series_from_rows,
    series_of_variable,
    to_grid,
)

DEPRECIATION = "capital depreciation (perpetual inventory, Zhang Jun)"  # row of policy_parameters
MISSING = "suspect"  # flag of inventories that are nearly empty, whose totals would be far too small


def economy(folder: Path, names: Sequence[str], errors: MeasurementErrors) -> dict[str, MeasuredSeries]:
    """GDP, its structure, investment, capital and employment, as series by name."""
    table = tables.read("economy", folder)
    pick = partial(series_of_variable, table, names, errors)
    nominal = pick("gdp_nominal", "gdp_nominal", 0.1, "Gyuan/year", "GDP at current prices")
    gdp = constant_prices(nominal, select_rows(table, names, variable="gdp_index_prev100"), names, errors)
    invested = pick(
        "gross_fixed_capital_formation", "investment_share", 0.1, "Gyuan/year", "gross fixed capital formation"
    )
    ratio = MeasuredSeries(
        invested.value / nominal.value,
        combined_sigma(invested, nominal),
        invested.vintage,
        "1",
        "investment over GDP",
        invested.source,
    )
    shares = {
        f"{part}_share": pick(f"{part}_share", "share", 0.01, "1", f"{part} in GDP, current prices")
        for part in ("primary", "secondary", "tertiary", "construction")
    }
    employed = pick("employment", "employment", 0.01, "million", "employed persons")
    return {
        "gdp": gdp,
        "gdp_nominal": nominal,
        **shares,
        "investment_share": ratio,
        "capital": capital(invested, nominal, gdp, errors, parameter(DEPRECIATION, folder) / 100),
        "employment": employed,
    }


def constant_prices(
    nominal: MeasuredSeries, index: pd.DataFrame, names: Sequence[str], errors: MeasurementErrors
) -> MeasuredSeries:
    """GDP at 2005 prices: nominal GDP of 2005 extended by the official real growth of each year.

    Args:
        nominal: GDP at current prices.
        index: rows of the growth index (previous year = 100) with their flags.
        names: provinces of the result.
        errors: the table of measurement errors.

    Returns:
        GDP in Gyuan/year. After 2010 its error is at least that of a chain over two vintages (flag `chain`).

    Raises:
        InputError: the table of measurement errors has no row for a flag.
    """
    growth = to_grid(index, names) / 100
    steps = growth.fillna(1.0).where(growth["year"] > YEARS[0], 1.0).cumprod("year")
    value = nominal.value.sel(year=PRICES) * steps / steps.sel(year=PRICES)
    value = value.where(growth.notnull() | (growth["year"] == YEARS[0]))
    index = index.assign(sigma=[errors("gdp", flag) for flag in index.flag])
    own = to_grid(index, names, "sigma").fillna(errors("gdp", "reported"))
    chain = (own["year"] > 2010) * errors("gdp", "chain")
    source = "+".join(sorted({nominal.source, *index.source_id}))
    return MeasuredSeries(
        value.drop_vars("year").assign_coords(year=list(YEARS)), own.clip(min=chain), nominal.vintage,
        "Gyuan/year", f"GDP at {PRICES} prices", source,
    )  # fmt: skip


def capital(
    invested: MeasuredSeries,
    nominal: MeasuredSeries,
    gdp: MeasuredSeries,
    errors: MeasurementErrors,
    depreciation: float,
) -> MeasuredSeries:
    """Capital at the start of the year at 2005 prices, by perpetual inventory: K(t+1) = (1 − δ) K(t) + I(t).

    The deflator is that of each province's GDP, because the tables have no price index of investment. The initial stock
    is K(2000) = I(2000) / (δ + g), where g is the mean real growth of GDP in 2000-2005 (Harberger 1978). The ratio of
    capital to GDP in 2000 is 1.76 in the mean of the provinces; the two published stocks give 1.79 and 1.83.

    Args:
        invested: gross fixed capital formation at current prices, Gyuan/year.
        nominal: GDP at current prices, Gyuan/year.
        gdp: GDP at 2005 prices, Gyuan/year.
        errors: the table of measurement errors.
        depreciation: δ, a fraction per year.

    Returns:
        Capital in Gyuan, one series over province and year.
    """
    real = invested.value * gdp.value / nominal.value
    growth = (gdp.value.sel(year=2005) / gdp.value.sel(year=2000)) ** (1 / 5) - 1
    stock = [real.sel(year=YEARS[0], drop=True) / (depreciation + growth)]
    for year in YEARS[:-1]:
        stock.append((1 - depreciation) * stock[-1] + real.sel(year=year, drop=True))
    value = xr.concat(stock, pd.Index(list(YEARS), name="year")).transpose("province", "year")
    sigma = xr.full_like(value, errors("capital", "constructed"))
    return MeasuredSeries(
        value, sigma, nominal.vintage, "Gyuan", f"capital at the start of the year, {PRICES} prices", invested.source
    )


def people(folder: Path, names: Sequence[str], errors: MeasurementErrors) -> dict[str, MeasuredSeries]:
    """Population, urban share, residential floor area and private cars, as series by name."""
    pick = partial(series_of_variable, tables.read("population", folder), names, errors)
    population = pick("population", "population", 0.01, "million", "resident population")
    urban = pick("urban_share", "urban_share", 0.01, "1", "urban in resident population")
    city = pick("floorspace_urban_percap", "floor_area", 1.0, "m2/person", "floor area per urban inhabitant")
    village = pick("floorspace_rural_percap", "floor_area", 1.0, "m2/person", "floor area per rural inhabitant")
    area = population.value * (urban.value * city.value + (1 - urban.value) * village.value)
    return {
        "population": population,
        "urban_share": urban,
        "floor_area": MeasuredSeries(
            area, city.sigma, city.vintage, "million m2", "residential floor area", city.source
        ),
        "cars": pick("private_cars", "cars", 0.01, "million", "private cars"),
    }


def climate(folder: Path, names: Sequence[str], errors: MeasurementErrors) -> dict[str, MeasuredSeries]:
    """Yearly mean temperature and the degree days of the provincial capital in 2009.

    2009 is the one year known for all capitals; five of them are estimated by regression.
    """
    table = tables.read("climate", folder)
    rows = select_rows(table, names, variable="mean_temperature")
    found = {
        "mean_temperature": series_from_rows(
            rows, names, errors, "mean_temperature", units="degC", doc="mean temperature"
        )
    }
    for key in ("hdd", "cdd"):
        rows = select_rows(table, names, variable=[f"{key}18_capital", f"{key}18_capital_estimate"])
        rows = rows[rows.year == 2009].drop_duplicates("province")
        series = series_from_rows(
            rows, names, errors, key, units="degC day", doc=f"{key.upper()} at 18 degC, capital, 2009"
        )
        found[key] = MeasuredSeries(
            series.value.sel(year=2009, drop=True), series.sigma.sel(year=2009, drop=True),
            series.vintage.sel(year=2009, drop=True), series.units, series.doc, series.source,
        )  # fmt: skip
    return found


def emissions(folder: Path, names: Sequence[str], errors: MeasurementErrors) -> dict[str, MeasuredSeries]:
    """CO2 of the inventories, as series by name; inventories that are nearly empty count as missing."""
    table = tables.read("co2", folder)
    kinds = {
        "co2_energy": ("energy_total", "CO2 from energy"),
        "co2_cement": ("process_cement", "CO2 of cement process"),
    }
    found = {}
    for name, (variable, doc) in kinds.items():
        rows = select_rows(table, names, variable=variable)
        found[name] = series_from_rows(rows[rows.flag != MISSING], names, errors, name, units="Mt/year", doc=doc)
    return found
