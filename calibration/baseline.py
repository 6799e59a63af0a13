"""The measured baseline: every series of the tables on one grid, with its error and its vintage.

`load()` gives an xarray.Dataset over province (30), year (2000-2015), sector (6) and fuel (5). Beside each series
`name` stand `name_sigma` (relative standard deviation of its measurement, from the flag of the row by the table
measurement_errors) and `name_vintage` (the edition of the statistic, by year). Two editions are not one series:
`join` and `change` refuse to cross from one to another.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from calibration import tables
from calibration.errors import InputError, nearest
from calibration.tables import DATA

YEARS = range(2000, 2016)
PRICES = 2005  # base year of constant prices
SECTORS = ("heavy industry", "light industry", "transport", "services", "agriculture and construction", "residential")
FUELS = ("coal", "oil", "gas", "electricity", "heat")
INDUSTRY = SECTORS[:2]
DEPRECIATION = "capital depreciation (perpetual inventory, Zhang Jun)"  # row of policy_parameters
MISSING = "suspect"  # flag of inventories that are nearly empty: missing, not small

SECTOR_OF = {
    "industry": "industry",
    "transport": "transport",
    "trade_catering": "services",
    "other_services": "services",
    "agriculture": "agriculture and construction",
    "construction": "agriculture and construction",
    "residential_urban": "residential",
    "residential_rural": "residential",
}
FUEL_OF = {
    "coal": "coal",
    "coke": "coal",
    "coal_gas": "coal",
    "oil": "oil",
    "gas": "gas",
    "electricity": "electricity",
    "heat": "heat",
}
THREE_SECTORS = {"heavy industry": "industry", "light industry": "industry", "residential": "residential"}


class VintageError(InputError):
    """A series was asked for across editions of its statistic. vintages: edition → years of it in the request."""

    def __init__(self, name: str, vintages: Mapping[str, Sequence[int]]) -> None:
        self.name, self.vintages = name, dict(vintages)
        found = ", ".join(f"{vintage} ({spans(years)})" for vintage, years in vintages.items())
        super().__init__(f"{name}: the years asked for belong to {len(vintages)} vintages: {found}; stay within one")


@dataclass(frozen=True)
class Series:
    """One measured series. value, sigma: the same dims; vintage: one label a year, "" where there is no figure."""

    value: xr.DataArray
    sigma: xr.DataArray
    vintage: xr.DataArray
    units: str
    doc: str
    source: str = ""


class Errors:
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


def load(folder: Path = DATA) -> xr.Dataset:
    """All measured series (see the module), units and sources in attrs.

    Raises InputError (unreadable) or RuleError (a rule is violated), with all faults of the table.
    """
    errors = Errors(folder)
    names = tables.provinces(folder)
    series = {**economy(folder, names, errors), **people(folder, names, errors), **power(folder, names, errors)}
    series |= energy(folder, names, errors, series["gdp"])
    series |= emissions(folder, names, errors) | climate(folder, names, errors)
    return _dataset(series, names)


def _dataset(series: Mapping[str, Series], names: Sequence[str]) -> xr.Dataset:
    data = xr.Dataset(
        coords={"province": list(names), "year": list(YEARS), "sector": list(SECTORS), "fuel": list(FUELS)}
    )
    for name, item in series.items():
        data[name] = item.value.assign_attrs(units=item.units, long_name=item.doc, source=item.source)
        data[f"{name}_sigma"] = item.sigma.assign_attrs(units="1", long_name=f"relative error of {name}")
        data[f"{name}_vintage"] = item.vintage.assign_attrs(long_name=f"vintage of {name}")
    return data.assign_attrs(title="Measured baseline of China's provinces 2000-2015", prices=f"yuan of {PRICES}")


# From a table to a panel ---------------------------------------------------------------------------------------------


def _rows(table: pd.DataFrame, names: Sequence[str], **where: str | Sequence[str]) -> pd.DataFrame:
    """Rows of the simulated provinces and the baseline years that match."""
    keep = table.province.isin(names) & table.year.isin(YEARS)
    for column, wanted in where.items():
        keep &= table[column].isin([wanted] if isinstance(wanted, str) else list(wanted))
    return table[keep]


def _grid(rows: pd.DataFrame, names: Sequence[str], column: str = "value") -> xr.DataArray:
    """Province × year, NaN where there is no row."""
    wide = rows.set_index(["province", "year"])[column].unstack("year")  # noqa: PD010 (keys are unique: no aggregation)
    wide = wide.reindex(index=list(names), columns=list(YEARS))
    return xr.DataArray(
        wide.to_numpy(dtype=float), {"province": list(names), "year": list(YEARS)}, ("province", "year")
    )


def _vintage(rows: pd.DataFrame) -> xr.DataArray:
    """The one vintage of each year, "" where there is no row. Raises VintageError when a year has two."""
    found = rows.groupby("year").vintage.agg(lambda s: sorted(set(s)))
    for year, labels in found.items():
        if len(labels) > 1:
            raise VintageError("one year", {label: [int(str(year))] for label in labels})
    labels = [found[year][0] if year in found.index else "" for year in YEARS]
    return xr.DataArray(np.array(labels, dtype=object), {"year": list(YEARS)}, "year")


def _panel(
    rows: pd.DataFrame, names: Sequence[str], errors: Errors, key: str, *, scale: float = 1.0, units: str, doc: str
) -> Series:
    """A series straight from the rows of one variable. scale: from the unit of the table to `units`."""
    rows = rows.assign(sigma=[errors(key, flag) for flag in rows.flag])
    value = _grid(rows, names) * scale
    return Series(value, _grid(rows, names, "sigma"), _vintage(rows), units, doc, "+".join(sorted(set(rows.source_id))))


def _pick(
    table: pd.DataFrame,
    names: Sequence[str],
    errors: Errors,
    variable: str,
    key: str,
    scale: float,
    units: str,
    doc: str,
) -> Series:
    """The series of one variable of a table. key: its name in the table of measurement errors."""
    return _panel(_rows(table, names, variable=variable), names, errors, key, scale=scale, units=units, doc=doc)


def _together(*parts: Series) -> xr.DataArray:
    """Sigma of a product or ratio of independent series."""
    return xr.DataArray(sum(part.sigma**2 for part in parts)) ** 0.5


def _years(values: Iterable[object], vintage: str) -> xr.DataArray:
    """A vintage label for the given years."""
    wanted = set(values)
    labels = [vintage if year in wanted else "" for year in YEARS]
    return xr.DataArray(np.array(labels, dtype=object), {"year": list(YEARS)}, "year")


# Economy and people --------------------------------------------------------------------------------------------------


def economy(folder: Path, names: Sequence[str], errors: Errors) -> dict[str, Series]:
    """GDP, its structure, investment and capital."""
    table = tables.read("economy", folder)
    pick = partial(_pick, table, names, errors)
    nominal = pick("gdp_nominal", "gdp_nominal", 0.1, "Gyuan/year", "GDP at current prices")
    gdp = constant_prices(nominal, _rows(table, names, variable="gdp_index_prev100"), names, errors)
    invested = pick(
        "gross_fixed_capital_formation", "investment_share", 0.1, "Gyuan/year", "gross fixed capital formation"
    )
    ratio = Series(
        invested.value / nominal.value,
        _together(invested, nominal),
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


def constant_prices(nominal: Series, index: pd.DataFrame, names: Sequence[str], errors: Errors) -> Series:
    """GDP at 2005 prices: nominal GDP of 2005 moved by the official real growth of each year.

    After 2010 the level is no better than the chain over two vintages (flag `chain`), whatever the flag of the year.
    """
    growth = _grid(index, names) / 100
    steps = growth.fillna(1.0).where(growth["year"] > YEARS[0], 1.0).cumprod("year")
    value = nominal.value.sel(year=PRICES) * steps / steps.sel(year=PRICES)
    value = value.where(growth.notnull() | (growth["year"] == YEARS[0]))
    index = index.assign(sigma=[errors("gdp", flag) for flag in index.flag])
    own = _grid(index, names, "sigma").fillna(errors("gdp", "reported"))
    chain = (own["year"] > 2010) * errors("gdp", "chain")
    source = "+".join(sorted({nominal.source, *index.source_id}))
    return Series(
        value.drop_vars("year").assign_coords(year=list(YEARS)), own.clip(min=chain), nominal.vintage,
        "Gyuan/year", f"GDP at {PRICES} prices", source,
    )  # fmt: skip


def capital(invested: Series, nominal: Series, gdp: Series, errors: Errors, depreciation: float) -> Series:
    """Capital at the start of the year at 2005 prices, by perpetual inventory: K(t+1) = (1 − δ) K(t) + I(t).

    Deflator: that of GDP, province by province (no price index of investment is in the tables). Initial stock:
    K(2000) = I(2000) / (δ + g), g = mean real growth of GDP 2000-2005 (Harberger 1978). The ratio to GDP in 2000 is
    1.76 in the mean of the provinces; the two published stocks give 1.79 and 1.83.
    """
    real = invested.value * gdp.value / nominal.value
    growth = (gdp.value.sel(year=2005) / gdp.value.sel(year=2000)) ** (1 / 5) - 1
    stock = [real.sel(year=YEARS[0], drop=True) / (depreciation + growth)]
    for year in YEARS[:-1]:
        stock.append((1 - depreciation) * stock[-1] + real.sel(year=year, drop=True))
    value = xr.concat(stock, pd.Index(list(YEARS), name="year")).transpose("province", "year")
    sigma = xr.full_like(value, errors("capital", "constructed"))
    return Series(
        value, sigma, nominal.vintage, "Gyuan", f"capital at the start of the year, {PRICES} prices", invested.source
    )


def parameter(name: str, folder: Path = DATA) -> float:
    """The published value of a policy parameter in the unit of its row."""
    table = tables.read("policy_parameters", folder)
    return float(table.value[table.parameter == name].iloc[0])


def people(folder: Path, names: Sequence[str], errors: Errors) -> dict[str, Series]:
    """Population, urban share, residential floor area, cars."""
    pick = partial(_pick, tables.read("population", folder), names, errors)
    population = pick("population", "population", 0.01, "million", "resident population")
    urban = pick("urban_share", "urban_share", 0.01, "1", "urban in resident population")
    city = pick("floorspace_urban_percap", "floor_area", 1.0, "m2/person", "floor area per urban inhabitant")
    village = pick("floorspace_rural_percap", "floor_area", 1.0, "m2/person", "floor area per rural inhabitant")
    area = population.value * (urban.value * city.value + (1 - urban.value) * village.value)
    return {
        "population": population,
        "urban_share": urban,
        "floor_area": Series(area, city.sigma, city.vintage, "million m2", "residential floor area", city.source),
        "cars": pick("private_cars", "cars", 0.01, "million", "private cars"),
    }


def climate(folder: Path, names: Sequence[str], errors: Errors) -> dict[str, Series]:
    """Degree days of the capital in 2009, the one year known for all (five by regression), and yearly temperature."""
    table = tables.read("climate", folder)
    rows = _rows(table, names, variable="mean_temperature")
    found = {"mean_temperature": _panel(rows, names, errors, "mean_temperature", units="degC", doc="mean temperature")}
    for key in ("hdd", "cdd"):
        rows = _rows(table, names, variable=[f"{key}18_capital", f"{key}18_capital_estimate"])
        rows = rows[rows.year == 2009].drop_duplicates("province")
        series = _panel(rows, names, errors, key, units="degC day", doc=f"{key.upper()} at 18 degC, capital, 2009")
        found[key] = Series(
            series.value.sel(year=2009, drop=True), series.sigma.sel(year=2009, drop=True),
            series.vintage.sel(year=2009, drop=True), series.units, series.doc, series.source,
        )  # fmt: skip
    return found


def emissions(folder: Path, names: Sequence[str], errors: Errors) -> dict[str, Series]:
    """CO2 of the inventories; nearly empty inventories are missing."""
    table = tables.read("co2", folder)
    kinds = {
        "co2_energy": ("energy_total", "CO2 from energy"),
        "co2_cement": ("process_cement", "CO2 of cement process"),
    }
    found = {}
    for name, (variable, doc) in kinds.items():
        rows = _rows(table, names, variable=variable)
        found[name] = _panel(rows[rows.flag != MISSING], names, errors, name, units="Mt/year", doc=doc)
    return found


# Power ---------------------------------------------------------------------------------------------------------------


def power(folder: Path, names: Sequence[str], errors: Errors) -> dict[str, Series]:
    """Generation, its non-fossil share, consumption and net import of electricity; coal use of thermal plants."""
    table = tables.read("electricity", folder)
    total = _panel(
        _rows(table, names, variable="generation_total_best"),
        names,
        errors,
        "generation",
        units="TWh/year",
        doc="generation",
    )
    thermal = _panel(
        _rows(table, names, variable="generation_thermal_best"),
        names,
        errors,
        "generation",
        units="TWh/year",
        doc="thermal generation",
    )
    flows = _rows(tables.read("balance_flows", folder), names)
    used = consumption(flows, names, errors, per_twh(folder))
    share = (1 - thermal.value / total.value).clip(0, 1)
    share_sigma = xr.full_like(share, errors("nonfossil_generation", "reported"))
    net = Series(
        used.value - total.value, xr.full_like(total.value, errors("net_import", "reported")), used.vintage,
        "TWh/year", "consumption less generation (the trade statistics are erratic in five provinces)", used.source,
    )  # fmt: skip
    return {
        "generation": total,
        "nonfossil_share": Series(share, share_sigma, total.vintage, "1", "1 − thermal in generation", total.source),
        "electricity_consumption": used,
        "net_import": net,
        "coal_per_kwh": coal_per_kwh(flows, errors, per_twh(folder)),
    }


def per_twh(folder: Path = DATA) -> float:
    """Calorific coal equivalent of electricity, Mtce/TWh (0.1229 kgce/kWh)."""
    table = tables.read("conversion_factors", folder)
    row = table[(table.fuel == "electricity") & (table.factor == "coal_equivalent")]
    return float(row.value.iloc[0]) / 10


def consumption(flows: pd.DataFrame, names: Sequence[str], errors: Errors, heat_content: float) -> Series:
    """Final electricity and grid losses of the balances, TWh."""
    rows = _rows(flows, names, flow=["total_final", "losses"], fuel="electricity")
    summed = rows.groupby(["province", "year"])["value"].sum().reset_index()
    value = _grid(summed, names) / heat_content
    sigma = xr.full_like(value, errors("electricity_consumption", "reported"))
    source = "+".join(sorted(set(rows.source_id)))
    return Series(value, sigma, _vintage(rows), "TWh/year", "electricity consumption: final and losses", source)


def coal_per_kwh(flows: pd.DataFrame, errors: Errors, heat_content: float) -> Series:
    """Fuel into thermal plants over their output, pooled over the provinces: kgce/kWh = Mtce/TWh, by year."""
    plants = flows[flows.flow == "thermal_power"]
    burnt = -plants[plants.fuel.isin(["coal", "coke", "coal_gas", "oil", "gas"])].groupby("year")["value"].sum()
    output = plants[plants.fuel == "electricity"].groupby("year")["value"].sum() / heat_content
    value = xr.DataArray((burnt / output).reindex(list(YEARS)).to_numpy(), {"year": list(YEARS)}, "year")
    sigma = xr.full_like(value, errors("coal_per_kwh", "reported"))
    source = "+".join(sorted(set(plants.source_id)))
    return Series(value, sigma, _vintage(plants), "kgce/kWh", "coal equivalent per kWh of thermal plants", source)


# Energy --------------------------------------------------------------------------------------------------------------


def energy(folder: Path, names: Sequence[str], errors: Errors, gdp: Series) -> dict[str, Series]:
    """Totals, intensity, final energy by sector and fuel, feedstock, and the residual between sectors and total."""
    table = tables.read("energy_total", folder)

    def pick(variable: str) -> Series:
        rows = _rows(table, names, variable=variable)
        key = "energy_total_mixed" if "mixed" in variable else "energy_total"
        return _panel(rows, names, errors, key, scale=0.01, units="Mtce/year", doc="total energy, coal equivalent")

    total = pick("energy_total")
    intensity = Series(
        total.value / gdp.value,
        _together(total, gdp),
        total.vintage,
        "kgce/yuan",
        f"energy over GDP at {PRICES} prices",
        total.source,
    )
    final = final_energy(folder, names, errors)
    flows = _rows(tables.read("balance_flows", folder), names)
    residual = reconcile(total, final["final_energy"], coal_per_kwh(flows, errors, per_twh(folder)), per_twh(folder))
    return {
        "energy_total": total,
        "energy_total_mixed": pick("energy_total_mixed_vintage"),
        "energy_intensity": intensity,
        **final,
        "energy_residual": residual,
    }


def reconcile(total: Series, final: Series, coal: Series, heat_content: float) -> Series:
    """What the official total holds beyond the sectors: losses, other transformation, statistical difference (Mtce).

    residual = total − (Σ non-electric final + electricity × coal use of thermal plants of that year). It is kept and
    shown, never spread over the sectors.
    """
    summed = final.value.sum("sector", skipna=False)
    electricity = summed.sel(fuel="electricity", drop=True)
    primary = summed.sum("fuel", skipna=False) - electricity + electricity * coal.value / heat_content
    value = (total.value - primary).transpose("province", "year")
    years = value["year"].where(value.notnull().any("province"), drop=True).values
    vintage = final.vintage.where(value["year"].isin(years), "")
    scale = total.value / abs(value)
    return Series(
        value, total.sigma * scale, vintage, "Mtce/year", "official total less the sum of sectors", total.source
    )


def final_energy(folder: Path, names: Sequence[str], errors: Errors) -> dict[str, Series]:
    """Final energy by sector and fuel (calorific, industry with feedstock), feedstock, sector sums.

    2005-2014: published balances; a fuel without a line is not used there, because the lines add up to the printed
    total. 2000-2004 and 2015: assembled, without feedstock. Heavy and light industry: see `split`.
    """
    official = _rows(tables.read("final_energy_official", folder), names)
    assembled = _rows(tables.read("final_energy_assembled", folder), names)
    other = assembled[~assembled.year.isin(official.year)]
    rows = pd.concat([official, other[other.sector.isin(SECTOR_OF)]])
    cells, sigma = _cells(rows, names, errors)
    emptied = other[other.sector.eq("industry") & other.fuel.eq("coal")]
    known = _grid(emptied, names).notnull() | cells["year"].isin(official.year.unique())
    cells, sigma = cells.where(known), sigma.where(known)
    feedstock = _feedstock(official, names, errors)
    shares = split(assembled, names, folder)
    value, error = _heavy_and_light(cells, sigma, feedstock.value, shares, errors("final_energy", "S"))
    vintage = _vintage(rows)
    source = "+".join(sorted(set(rows.source_id)))
    doc = "final energy, calorific, industry with feedstock; heavy and light by the assembled fossil split"
    return {
        "final_energy": Series(value, error, vintage, "Mtce/year", doc, source),
        "sector_energy": _sector_sums(value, error, vintage, source, errors),
        "feedstock": feedstock,
        "agriculture_weight": _agriculture(rows, names, vintage, source, errors),
    }


def _cells(rows: pd.DataFrame, names: Sequence[str], errors: Errors) -> tuple[xr.DataArray, xr.DataArray]:
    """Province × year × sector (industry whole) × fuel: value and relative error (errors within a cell add up)."""
    rows = rows[rows.sector.isin(SECTOR_OF)]
    rows = rows.assign(sector=rows.sector.map(SECTOR_OF), fuel=rows.fuel.map(FUEL_OF))
    kinds = rows[["sector", "fuel", "flag"]].drop_duplicates()
    kinds = kinds.assign(
        sigma=[
            errors("final_energy", flag, INDUSTRY[0] if sector == "industry" else sector, fuel)
            for sector, fuel, flag in kinds.itertuples(index=False)
        ]
    )
    rows = rows.merge(kinds, on=["sector", "fuel", "flag"])
    rows = rows.assign(error=rows.value * rows.sigma)
    keys = ["province", "year", "sector", "fuel"]
    summed = rows.groupby(keys)[["value", "error"]].sum().to_xarray()
    summed = summed.reindex(province=list(names), year=list(YEARS), fuel=list(FUELS)).fillna(0.0)
    value = summed["value"]
    return value, (summed["error"] / value).where(value > 0)


def _feedstock(official: pd.DataFrame, names: Sequence[str], errors: Errors) -> Series:
    """Feedstock in industry by fuel; NaN where the balance has no line: missing is not zero."""
    rows = official[official.sector == "industry_non_energy"]
    rows = rows.assign(fuel=rows.fuel.map(FUEL_OF))
    value = rows.groupby(["province", "year", "fuel"]).value.sum().to_xarray()
    value = value.reindex(province=list(names), year=list(YEARS), fuel=list(FUELS))
    sigma = xr.full_like(value, errors("feedstock", "reported")).where(value.notnull())
    source = "+".join(sorted(set(rows.source_id)))
    return Series(value, sigma, _vintage(rows), "Mtce/year", "feedstock, of which of industry", source)


def split(assembled: pd.DataFrame, names: Sequence[str], folder: Path) -> xr.DataArray:
    """Share of heavy industry in industry's energy use by fuel: province × year × fuel. Not identified by the balances.

    Coal, oil, gas: the assembled split of the inventories' sub-sectors, the nation's where a province has none.
    Electricity and heat: one share for all years; its odds are those of the fossil fuels 2005-2014 times the national
    ratio of the two odds in 2007, the last year with electricity by sub-sector.
    """
    rows = assembled[assembled.sector.isin(["industry_heavy", "industry_light"])]
    rows = rows.assign(fuel=rows.fuel.map(FUEL_OF))
    used = rows.groupby(["province", "year", "fuel", "sector"]).value.sum().to_xarray()
    used = used.reindex(province=list(names), year=list(YEARS)).fillna(0.0)
    whole = used.sum("sector")
    heavy = used.sel(sector="industry_heavy", drop=True)
    fossil = (heavy / whole).where(whole > 0, heavy.sum("province") / whole.sum("province"))
    recent = {"year": slice(2005, 2014)}
    mean = heavy.sel(recent).sum(("year", "fuel")) / whole.sel(recent).sum(("year", "fuel"))
    national = heavy.sel(year=2007).sum() / whole.sel(year=2007).sum()
    odds = mean / (1 - mean) * _heavy_odds_of_electricity(folder) / (national / (1 - national))
    wired = (odds / (1 + odds)).expand_dims(year=list(YEARS))
    parts = [
        fossil.sel(fuel=["coal", "oil", "gas"]),
        *(wired.expand_dims(fuel=[fuel]) for fuel in ("electricity", "heat")),
    ]
    return xr.concat(parts, "fuel").sel(fuel=list(FUELS)).transpose("province", "year", "fuel")


def _heavy_odds_of_electricity(folder: Path, year: int = 2007) -> float:
    """Heavy over light industry's electricity in the national sub-sector table, less the grid losses booked there."""
    table = tables.read("national_reference", folder).merge(tables.read("national_subsectors", folder), on="sector")
    used = table[(table.quantity == "electricity") & (table.year == year)].groupby("group").value.sum() / 10
    flows = tables.read("balance_flows", folder)
    lost = flows[(flows.flow == "losses") & (flows.fuel == "electricity") & (flows.year == year)].value.sum()
    return float((used["heavy"] - lost / per_twh(folder)) / used["light"])


def _heavy_and_light(
    cells: xr.DataArray, sigma: xr.DataArray, feedstock: xr.DataArray, share: xr.DataArray, split_error: float
) -> tuple[xr.DataArray, xr.DataArray]:
    """Put heavy and light in the place of industry. Feedstock is chemistry's and refining's: heavy."""
    industry, error = cells.sel(sector="industry", drop=True), sigma.sel(sector="industry", drop=True)
    raw = feedstock.fillna(0.0).clip(max=industry)
    light = (industry - raw) * (1 - share)
    heavy = industry - light
    light_error = (error**2 + split_error**2) ** 0.5
    heavy_error = (error**2 + (split_error * light / heavy) ** 2) ** 0.5
    value = _stack(cells, heavy, light)
    return value, _stack(sigma, heavy_error, light_error).where(value > 0)


def _stack(cells: xr.DataArray, heavy: xr.DataArray, light: xr.DataArray) -> xr.DataArray:
    parts = [part.expand_dims(sector=[name]) for part, name in zip((heavy, light), INDUSTRY, strict=True)]
    joined = xr.concat([*parts, cells.sel(sector=list(SECTORS[2:]))], "sector")
    return joined.transpose("province", "year", "sector", "fuel")


def _sector_sums(
    value: xr.DataArray, error: xr.DataArray, vintage: xr.DataArray, source: str, errors: Errors
) -> Series:
    """Sums over fuels; the error is that of whole sectors in the table, with the split's for heavy and light."""
    total = value.sum("fuel", skipna=False)
    table = xr.DataArray(
        [errors("sector_energy", "reported", "industry" if name in INDUSTRY else name) for name in SECTORS],
        {"sector": list(SECTORS)},
        "sector",
    )
    light = total.sel(sector=INDUSTRY[1], drop=True) / total.sel(sector=list(INDUSTRY))
    divided = errors("final_energy", "S") * light.where(light["sector"] == INDUSTRY[0], 1.0)
    sigma = (table**2 + divided.reindex(sector=list(SECTORS), fill_value=0.0) ** 2) ** 0.5
    assembled = (error * value).sum("fuel") / total
    sigma = sigma.where(vintage != "assembled", assembled).where(total.notnull())
    doc = "final energy by sector, all fuels, calorific"
    return Series(total, sigma.transpose(*total.dims), vintage, "Mtce/year", doc, source)


def _agriculture(
    rows: pd.DataFrame, names: Sequence[str], vintage: xr.DataArray, source: str, errors: Errors
) -> Series:
    """Agriculture in the energy of agriculture and construction."""
    parts = rows[rows.sector.isin(["agriculture", "construction"])]
    used = parts.groupby(["province", "year", "sector"]).value.sum().to_xarray()
    used = used.reindex(province=list(names), year=list(YEARS))
    value = used.sel(sector="agriculture", drop=True) / used.sum("sector")
    sigma = xr.full_like(value, errors("sector_energy", "reported", "agriculture and construction"))
    return Series(value, sigma, vintage, "1", "agriculture in the energy of agriculture and construction", source)


# Reading the baseline ------------------------------------------------------------------------------------------------


def join(data: xr.Dataset, name: str, first: int, last: int) -> xr.DataArray:
    """The years first … last of one series, which must be of one vintage.

    Raises VintageError naming years and vintages when they are not, InputError for an unknown name or missing year.
    """
    series = sorted(str(key).removesuffix("_vintage") for key in data if str(key).endswith("_vintage"))
    if name not in series:
        raise InputError(f"no series {name!r}{nearest(name, series)}; series: {', '.join(series)}")
    vintage = data[f"{name}_vintage"]
    if "year" not in vintage.dims:
        raise InputError(f"{name} is not a yearly series")
    found: dict[str, list[int]] = {}
    for year in range(first, last + 1):
        label = str(vintage.sel(year=year).item()) if year in vintage["year"] else ""
        found.setdefault(label, []).append(year)
    missing = found.pop("", [])
    if len(found) > 1:
        raise VintageError(name, found)
    if missing:
        raise InputError(f"{name}: no figure for {spans(missing)}; known: {spans(_known(vintage))}")
    return data[name].sel(year=slice(first, last))


def change(data: xr.Dataset, name: str, first: int, last: int) -> xr.DataArray:
    """Relative change of a series between two years of one vintage (0.1 = 10 % more). Raises as `join`."""
    years = join(data, name, first, last)
    return years.sel(year=last, drop=True) / years.sel(year=first, drop=True) - 1


def breaks(data: xr.Dataset, name: str) -> list[tuple[int, str, str]]:
    """Years in which a series starts a new vintage: (year, the vintage before, the vintage from then on)."""
    vintage = data[f"{name}_vintage"]
    if "year" not in vintage.dims:
        return []
    known = [(year, str(vintage.sel(year=year).item())) for year in _known(vintage)]
    return [(year, old, new) for (_, old), (year, new) in pairwise(known) if old != new]


def pooled_intensity_change(data: xr.Dataset, first: int = 2005, last: int = 2010, prices: int = 2010) -> float:
    """Change of the energy intensity of the sum of provinces, GDP at the prices of one year (−0.2 = a fall by 20 %).

    GDP of each province at those prices is its nominal GDP of that year moved by its real growth; energy and GDP are
    summed over the provinces. Over 2005-2010 at 2010 prices: −20.0 %.
    """
    energy_used = join(data, "energy_total", first, last).sum("province", skipna=False)
    real = join(data, "gdp", min(first, prices), max(last, prices))
    gdp = (data["gdp_nominal"].sel(year=prices) * real / real.sel(year=prices)).sum("province", skipna=False)
    intensity = energy_used / gdp
    return float(intensity.sel(year=last) / intensity.sel(year=first) - 1)


def indicators(year: int = 2010, data: xr.Dataset | None = None, since: int = 2005) -> pd.DataFrame:
    """Base-year indicators of each province for the allocation rules; units in `attrs["units"]`.

    One row a province, all 31 in yearbook order: Tibet has GDP and population only. Growth: mean per year from `since`.
    Industry's intensity and the three sectors count electricity at the coal use of thermal plants.
    """
    data = load() if data is None else data
    now = data.sel(year=year)
    primary = _primary(now)
    three = primary.groupby(now["sector"].copy(data=[THREE_SECTORS.get(name, "other") for name in SECTORS])).sum()
    heavy = primary.sel(sector=INDUSTRY[0]) / primary.sel(sector=list(INDUSTRY)).sum("sector")
    frame = pd.DataFrame(index=pd.Index(tables.provinces(simulated=False), name="province"))
    people_now, industry = now["population"], three.sel(sector="industry")
    columns: dict[str, tuple[str, xr.DataArray]] = {
        "gdp": ("Gyuan at 2005 prices", now["gdp"]),
        "gdp_nominal": ("Gyuan", now["gdp_nominal"]),
        "population": ("million", people_now),
        "gdp_per_head": ("yuan/person, current prices", 1000 * now["gdp_nominal"] / people_now),
        "industrial_share": ("1", now["secondary_share"]),
        "tertiary_share": ("1", now["tertiary_share"]),
        "urban_share": ("1", now["urban_share"]),
        "energy_total": ("Mtce", now["energy_total"]),
        "energy_intensity": ("kgce/yuan at 2005 prices", now["energy_intensity"]),
        "energy_per_head": ("tce/person", now["energy_total"] / people_now),
        "industrial_intensity": ("kgce/yuan, current prices", industry / (now["secondary_share"] * now["gdp_nominal"])),
        "heavy_share": ("1", heavy),
        "energy_industry": ("Mtce", industry),
        "energy_residential": ("Mtce", three.sel(sector="residential")),
        "energy_other": ("Mtce", three.sel(sector="other")),
        "residential_energy_per_head": ("tce/person", three.sel(sector="residential") / people_now),
        "hdd": ("degC day", data["hdd"]),
        "cdd": ("degC day", data["cdd"]),
        "nonfossil_share": ("1", now["nonfossil_share"]),
        "co2": ("Mt", now["co2_energy"]),
        "co2_per_head": ("t/person", now["co2_energy"] / people_now),
        "co2_intensity": ("kg/yuan at 2005 prices", now["co2_energy"] / now["gdp"]),
        **{
            f"{name}_growth": ("1/year", (1 + change(data, name, since, year)) ** (1 / (year - since)) - 1)
            for name in ("gdp", "energy_total", "energy_intensity", "population", "co2_energy")
        },
    }
    for name, (_, values) in columns.items():
        frame[name] = values.to_series().reindex(frame.index)
    for name, value in _tibet(year).items():
        frame.loc["Tibet", name] = value
    frame.attrs["units"] = {name: units for name, (units, _) in columns.items()}
    return frame


def _primary(now: xr.Dataset) -> xr.DataArray:
    """Final energy by sector with electricity at the coal use of thermal plants, Mtce."""
    final = now["final_energy"]
    electricity = final.sel(fuel="electricity", drop=True)
    factor = now["coal_per_kwh"] / per_twh()
    return final.sum("fuel", skipna=False) + electricity * (factor - 1)


def _tibet(year: int) -> dict[str, float]:
    """What the tables know of Tibet: it has no energy statistics."""
    economy_now, people_now, climate_2009 = (
        table[(table.province == "Tibet") & (table.year == when)].set_index("variable").value
        for table, when in (
            (tables.read("economy"), year),
            (tables.read("population"), year),
            (tables.read("climate"), 2009),
        )
    )
    gdp, people_count = economy_now["gdp_nominal"] / 10, people_now["population"] / 100
    return {
        "gdp_nominal": gdp,
        "population": people_count,
        "gdp_per_head": 1000 * gdp / people_count,
        "industrial_share": economy_now["secondary_share"] / 100,
        "tertiary_share": economy_now["tertiary_share"] / 100,
        "urban_share": people_now["urban_share"] / 100,
        "hdd": climate_2009["hdd18_capital_estimate"],
        "cdd": climate_2009["cdd18_capital_estimate"],
    }


def _known(vintage: xr.DataArray) -> list[int]:
    return [int(year) for year in vintage["year"].values[vintage.values != ""]]


def spans(years: Sequence[int]) -> str:
    """2005-2010, 2013 for a list of years."""
    parts: list[list[int]] = []
    for year in years:
        if parts and year == parts[-1][-1] + 1:
            parts[-1].append(year)
        else:
            parts.append([year])
    return ", ".join(f"{part[0]}-{part[-1]}" if len(part) > 1 else str(part[0]) for part in parts)
