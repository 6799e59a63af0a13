"""Energy of a province: total, intensity, final energy by sector and fuel, and the residual between sectors and
total.
"""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import xarray as xr

from calibration import tables
from calibration.baseline.panel import (
    FUELS,
    INDUSTRY,
    PRICES,
    SECTORS,
    YEARS,
    MeasuredSeries,
    MeasurementErrors,
    combined_sigma,
    per_twh,
    select_rows,
    series_from_rows,
    to_grid,
    vintage_by_year,
)
from calibration.baseline.power import coal_per_kwh

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
"""Sector of the balances → sector of the baseline, before industry is divided."""
FUEL_OF = {
    "coal": "coal",
    "coke": "coal",
    "coal_gas": "coal",
    "oil": "oil",
    "gas": "gas",
    "electricity": "electricity",
    "heat": "heat",
}
"""Fuel of the balances → fuel of the baseline."""


def energy(
    folder: Path, names: Sequence[str], errors: MeasurementErrors, gdp: MeasuredSeries
) -> dict[str, MeasuredSeries]:
    """Total energy, intensity, final energy by sector and fuel, feedstock and residual, as series by name."""
    table = tables.read("energy_total", folder)

    def pick(variable: str) -> MeasuredSeries:
        rows = select_rows(table, names, variable=variable)
        key = "energy_total_mixed" if "mixed" in variable else "energy_total"
        return series_from_rows(
            rows, names, errors, key, scale=0.01, units="Mtce/year", doc="total energy, coal equivalent"
        )

    total = pick("energy_total")
    intensity = MeasuredSeries(
        total.value / gdp.value,
        combined_sigma(total, gdp),
        total.vintage,
        "kgce/yuan",
        f"energy over GDP at {PRICES} prices",
        total.source,
    )
    final = final_energy(folder, names, errors)
    flows = select_rows(tables.read("balance_flows", folder), names)
    residual = reconcile(total, final["final_energy"], coal_per_kwh(flows, errors, per_twh(folder)), per_twh(folder))
    return {
        "energy_total": total,
        "energy_total_mixed": pick("energy_total_mixed_vintage"),
        "energy_intensity": intensity,
        **final,
        "energy_residual": residual,
    }


def reconcile(
    total: MeasuredSeries, final: MeasuredSeries, coal: MeasuredSeries, heat_content: float
) -> MeasuredSeries:
    """The part of the official total that the sectors do not explain: losses, other transformation, statistical
    difference.

    residual = total − (Σ non-electric final energy + electricity × coal use of thermal plants of that year), in
    Mtce/year. It is kept and shown, and never distributed over the sectors.
    """
    summed = final.value.sum("sector", skipna=False)
    electricity = summed.sel(fuel="electricity", drop=True)
    primary = summed.sum("fuel", skipna=False) - electricity + electricity * coal.value / heat_content
    value = (total.value - primary).transpose("province", "year")
    years = value["year"].where(value.notnull().any("province"), drop=True).values
    vintage = final.vintage.where(value["year"].isin(years), "")
    scale = total.value / abs(value)
    return MeasuredSeries(
        value, total.sigma * scale, vintage, "Mtce/year", "official total less the sum of sectors", total.source
    )


def final_energy(folder: Path, names: Sequence[str], errors: MeasurementErrors) -> dict[str, MeasuredSeries]:
    """Final energy by sector and fuel (calorific, industry with feedstock), feedstock and sector sums, as series by
    name.

    For 2005-2014 these are the published balances; a fuel without a line counts as unused, because the lines add up to
    the printed total. For 2000-2004 and 2015 they are assembled from other tables, without feedstock. `split` divides
    industry into heavy and light.
    """
    official = select_rows(tables.read("final_energy_official", folder), names)
    assembled = select_rows(tables.read("final_energy_assembled", folder), names)
    other = assembled[~assembled.year.isin(official.year)]
    rows = pd.concat([official, other[other.sector.isin(SECTOR_OF)]])
    cells, sigma = _cells(rows, names, errors)
    emptied = other[other.sector.eq("industry") & other.fuel.eq("coal")]
    known = to_grid(emptied, names).notnull() | cells["year"].isin(official.year.unique())
    cells, sigma = cells.where(known), sigma.where(known)
    feedstock = _feedstock(official, names, errors)
    shares = split(assembled, names, folder)
    value, error = _heavy_and_light(cells, sigma, feedstock.value, shares, errors("final_energy", "S"))
    vintage = vintage_by_year(rows)
    source = "+".join(sorted(set(rows.source_id)))
    doc = "final energy, calorific, industry with feedstock; heavy and light by the assembled fossil split"
    return {
        "final_energy": MeasuredSeries(value, error, vintage, "Mtce/year", doc, source),
        "sector_energy": _sector_sums(value, error, vintage, source, errors),
        "feedstock": feedstock,
        "agriculture_weight": _agriculture(rows, names, vintage, source, errors),
    }


def _cells(rows: pd.DataFrame, names: Sequence[str], errors: MeasurementErrors) -> tuple[xr.DataArray, xr.DataArray]:
    """Value and relative error over province, year, sector (industry as a whole) and fuel; errors within a cell add
    up.
    """
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


def _feedstock(official: pd.DataFrame, names: Sequence[str], errors: MeasurementErrors) -> MeasuredSeries:
    """Feedstock in industry by fuel; NaN where the balance has no line, because a missing line does not mean zero."""
    rows = official[official.sector == "industry_non_energy"]
    rows = rows.assign(fuel=rows.fuel.map(FUEL_OF))
    value = rows.groupby(["province", "year", "fuel"]).value.sum().to_xarray()
    value = value.reindex(province=list(names), year=list(YEARS), fuel=list(FUELS))
    sigma = xr.full_like(value, errors("feedstock", "reported")).where(value.notnull())
    source = "+".join(sorted(set(rows.source_id)))
    return MeasuredSeries(value, sigma, vintage_by_year(rows), "Mtce/year", "feedstock, of which of industry", source)


def split(assembled: pd.DataFrame, names: Sequence[str], folder: Path) -> xr.DataArray:
    """Share of heavy industry in industry's energy use by fuel: (province, year, fuel). The balances do not identify
    it.

    For coal, oil and gas it is the assembled split of the inventories' sub-sectors, and the nation's where a province
    has none. Electricity and heat have one share for all years. Its odds are those of the fossil fuels in 2005-2007
    times the national ratio of the two odds in 2007, the last year with electricity by sub-sector.
    """
    rows = assembled[assembled.sector.isin(["industry_heavy", "industry_light"])]
    rows = rows.assign(fuel=rows.fuel.map(FUEL_OF))
    used = rows.groupby(["province", "year", "fuel", "sector"]).value.sum().to_xarray()
    used = used.reindex(province=list(names), year=list(YEARS)).fillna(0.0)
    whole = used.sum("sector")
    heavy = used.sel(sector="industry_heavy", drop=True)
    fossil = (heavy / whole).where(whole > 0, heavy.sum("province") / whole.sum("province"))
    recent = {"year": slice(2005, 2007)}  # no forecast may use years after the first origin
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
    """Electricity of heavy over light industry in the national sub-sector table, without the grid losses recorded
    there.
    """
    table = tables.read("national_reference", folder).merge(tables.read("national_subsectors", folder), on="sector")
    used = table[(table.quantity == "electricity") & (table.year == year)].groupby("group").value.sum() / 10
    flows = tables.read("balance_flows", folder)
    lost = flows[(flows.flow == "losses") & (flows.fuel == "electricity") & (flows.year == year)].value.sum()
    return float((used["heavy"] - lost / per_twh(folder)) / used["light"])


def _heavy_and_light(
    cells: xr.DataArray, sigma: xr.DataArray, feedstock: xr.DataArray, share: xr.DataArray, split_error: float
) -> tuple[xr.DataArray, xr.DataArray]:
    """Replace industry by heavy and light industry; feedstock is used by chemistry and refining and therefore counts
    as heavy.
    """
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
    value: xr.DataArray, error: xr.DataArray, vintage: xr.DataArray, source: str, errors: MeasurementErrors
) -> MeasuredSeries:
    """Sums over fuels; their error is that of whole sectors, and for heavy and light industry also that of the
    split.
    """
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
    return MeasuredSeries(total, sigma.transpose(*total.dims), vintage, "Mtce/year", doc, source)


def _agriculture(
    rows: pd.DataFrame, names: Sequence[str], vintage: xr.DataArray, source: str, errors: MeasurementErrors
) -> MeasuredSeries:
    """Share of agriculture in the energy use of agriculture and construction."""
    parts = rows[rows.sector.isin(["agriculture", "construction"])]
    used = parts.groupby(["province", "year", "sector"]).value.sum().to_xarray()
    used = used.reindex(province=list(names), year=list(YEARS))
    value = used.sel(sector="agriculture", drop=True) / used.sum("sector")
    sigma = xr.full_like(value, errors("sector_energy", "reported", "agriculture and construction"))
    return MeasuredSeries(
        value, sigma, vintage, "1", "agriculture in the energy of agriculture and construction", source
    )
