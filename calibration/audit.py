"""Audit of the measured tables: coverage, residuals, sums against the nation, breaks of vintage, and one province."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from calibration import baseline, tables
from calibration.places import NATION, choose_province
from calibration.tables import DATA, TableFault

JUMP = 0.25  # smallest deviation of a log change from the province's median change that counts as a jump
AGREE = 1e-3  # relative difference allowed between two routes to one figure (printed with four digits)
CLOSE = 1.0  # per cent by which sectors may miss the printed total (printed with three digits)

NATIONAL_SERIES = {  # series → quantity and sector in national_reference, factor to the unit of the series
    "gdp_nominal": ("gdp", "total", 0.1),
    "energy_total": ("energy", "Total Consumption", 0.01),
    "co2_energy": ("co2", "energy_total", 1.0),
    "electricity_consumption": ("electricity", "Total Consumption", 0.1),
}


def coverage(data: xr.Dataset) -> pd.DataFrame:
    """Coverage of each yearly series, one row per series.

    Returns:
        Columns series, units, years, provinces (number with a figure), missing (gaps inside those years), sigma (median
        relative error) and vintages.
    """
    rows = []
    for key in data:
        name = str(key)
        if f"{name}_vintage" not in data or "year" not in data[f"{name}_vintage"].dims:
            continue
        values, vintage = data[name], data[f"{name}_vintage"]
        years = [int(year) for year in values["year"].values[vintage.values != ""]]
        known = values.sel(year=years).notnull()
        known = known.any([dim for dim in ("sector", "fuel") if dim in known.dims])
        cells = known.size
        rows.append(
            {
                "series": name,
                "units": values.attrs["units"],
                "years": baseline.spans(years),
                "provinces": int(known.any("year").sum()) if "province" in known.dims else 0,
                "missing": cells - int(known.sum()),
                "sigma": float(data[f"{name}_sigma"].median()),
                "vintages": ", ".join(
                    f"{label} {baseline.spans(span)}" for label, span in _by_vintage(vintage).items()
                ),
            }
        )
    return pd.DataFrame(rows)


def _by_vintage(vintage: xr.DataArray) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for year, label in zip(vintage["year"].values, vintage.values, strict=True):
        if label:
            found.setdefault(str(label), []).append(int(year))
    return found


def residuals(data: xr.Dataset) -> pd.DataFrame:
    """Official total less the sum of sectors, in per cent of the total: mean of each sector vintage, one row per
    province.
    """
    share = 100 * data["energy_residual"] / data["energy_total"]
    frame = pd.DataFrame(index=pd.Index(data["province"].values, name="province"))
    for label, years in _by_vintage(data["energy_residual_vintage"]).items():
        column = f"{label} ({baseline.spans(years)})"
        frame[column] = share.sel(year=years).mean("year").to_series()
        pooled = data["energy_residual"].sel(year=years).sum() / data["energy_total"].sel(year=years).sum()
        frame.loc[NATION, column] = 100 * float(pooled)
    return frame.reset_index()


def closure(folder: Path = DATA) -> pd.DataFrame:
    """Gap between the sum of sectors and the printed total final energy of each balance (calorific), per cent;
    largest first.
    """
    sectors = tables.read("final_energy_official", folder)
    flows = tables.read("balance_flows", folder)
    keys = ["province", "year"]
    gap = pd.DataFrame(
        {
            "sectors": sectors[sectors.sector.isin(baseline.SECTOR_OF)].groupby(keys)["value"].sum(),
            "printed_total": flows[flows.flow == "total_final"].groupby(keys)["value"].sum(),
        }
    ).reset_index()
    gap["gap_percent"] = 100 * (gap.sectors / gap.printed_total - 1)
    return gap.sort_values("gap_percent", key=np.abs, ascending=False)


def against_nation(data: xr.Dataset, folder: Path = DATA) -> pd.DataFrame:
    """How far the sum of the 30 provinces lies above the national accounts, per cent, for the years known to both."""
    reference = tables.read("national_reference", folder)
    rows = []
    for name, (quantity, sector, scale) in NATIONAL_SERIES.items():
        known = reference[(reference.quantity == quantity) & (reference.sector == sector)]
        total = data[name].sum("province", skipna=False)
        for year, value in zip(known.year, known.value * scale, strict=True):
            ours = float(total.sel(year=year)) if year in total["year"] else np.nan
            if np.isfinite(ours):
                above = 100 * (ours / value - 1)
                rows.append({"series": name, "year": year, "provinces": ours, "nation": value, "above_percent": above})
    return pd.DataFrame(rows)


def breaks(data: xr.Dataset) -> pd.DataFrame:
    """Jumps of each series where a new vintage starts: ratio of the sum over provinces, and the provinces that jump.

    A province jumps when its change differs from its median change by more than 0.25 in the logarithm.
    """
    rows = []
    for name in ("energy_total", "co2_energy", "sector_energy"):
        for year, before, after in baseline.breaks(data, name):
            for sector, series in _parts(data[name]):
                rows.append(
                    {"series": name, "sector": sector, "year": year, "from": before, "to": after} | _jump(series, year)
                )
    return pd.DataFrame(rows)


def _parts(series: xr.DataArray) -> Iterable[tuple[str, xr.DataArray]]:
    if "sector" not in series.dims:
        return [("", series)]
    return [(str(name), series.sel(sector=name, drop=True)) for name in series["sector"].values]


def _jump(series: xr.DataArray, year: int) -> dict[str, object]:
    known = series.dropna("year", how="all")
    last = max(int(y) for y in known["year"].values if y < year)
    total = known.sum("province")
    logs = known.copy(data=np.log(known.values))
    usual = logs.diff("year").median("year")
    change = logs.sel(year=year, drop=True) - logs.sel(year=last, drop=True) - usual * (year - last)
    names = change["province"].values[np.abs(change.values) > JUMP]
    return {"since": last, "ratio": float(total.sel(year=year) / total.sel(year=last)), "jumping": ", ".join(names)}


def verify(folder: Path = DATA) -> None:
    """Check that the tables of a folder agree with their descriptor and with each other.

    Raises:
        InputError: a table is unreadable by its schema; with all faults.
        RuleError: values violate a rule; with all faults.
    """
    _checked_baseline(folder)


def _checked_baseline(folder: Path) -> xr.Dataset:
    tables.refuse(tables.check(folder))
    data = baseline.load(folder)
    tables.refuse(list(contradictions(data, folder)))
    return data


def contradictions(data: xr.Dataset, folder: Path = DATA) -> Iterator[TableFault]:
    """Figures of two tables that must agree by definition but do not."""
    total, economy = tables.read("energy_total", folder), tables.read("economy", folder)
    intensity_2005 = (10 * data["energy_total"] / data["gdp"]).to_series()
    growth = (data["gdp"] / data["gdp"].shift(year=1) * 100).to_series()
    chain = (data["gdp"] / data["gdp"].sel(year=2010) * 100).to_series()
    pairs = [
        ("energy_total.csv", total, "energy_intensity_2005p", intensity_2005, "energy_total over GDP"),
        ("economy.csv", economy, "gdp_real_cum_2010_2013", chain, "the product of the yearly growth"),
        ("economy.csv", economy, "gdp_real_cum_2010_2015", chain, "the product of the yearly growth"),
        ("economy.csv", economy, "gdp_real_1997p", _levels(economy, growth), "GDP of 2000 moved by the yearly growth"),
    ]
    for file, table, variable, ours, meaning in pairs:
        known = table[(table.variable == variable) & table.province.isin(data["province"].values)]
        off = known.assign(ours=ours.reindex(pd.MultiIndex.from_frame(known[["province", "year"]])).to_numpy())
        for row in off[(off.ours / off.value - 1).abs() > AGREE].itertuples():
            got = f"{variable}: {row.province} {row.year} got {row.value:g}, but {meaning} is {row.ours:.6g}"
            yield TableFault(file, int(str(row.Index)) + 2, f"{got}; allowed: a difference of {100 * AGREE:g} %")
    gaps = closure(folder)
    for row in gaps[gaps.gap_percent.abs() > CLOSE].itertuples():
        got = f"sectors of {row.province} {row.year} sum to {row.sectors:.6g} Mtce, printed is {row.printed_total:.6g}"
        yield TableFault("final_energy_official.csv", None, f"{got}; allowed: a difference of {CLOSE:g} %")


def _levels(economy: pd.DataFrame, growth: pd.Series) -> pd.Series:
    """Real GDP at 1997 prices: the level of 2000 extended by the growth of each year."""
    start = economy[(economy.variable == "gdp_real_1997p") & (economy.year == 2000)].set_index("province")["value"]
    steps = (growth.fillna(100) / 100).groupby("province").cumprod()
    return steps.mul(start.rename_axis("province"), level="province")


def summary(folder: Path = DATA) -> dict[str, pd.DataFrame]:
    """All tables of this module by name.

    Raises:
        InputError: a table is unreadable by its schema; with all faults.
        RuleError: values violate a rule; with all faults.
    """
    data = _checked_baseline(folder)
    return {
        "coverage": coverage(data),
        "residuals": residuals(data),
        "closure": closure(folder).head(5),
        "against_nation": against_nation(data, folder),
        "breaks": breaks(data),
        "intensity": intensity(data),
    }


def intensity(data: xr.Dataset) -> pd.DataFrame:
    """Change of the energy intensity of the sum of provinces in 2005-2010, per cent, at the prices of 2005 and of
    2010.
    """
    rows = [(prices, 100 * baseline.pooled_intensity_change(data, prices=prices)) for prices in (2005, 2010)]
    return pd.DataFrame(rows, columns=["prices", "change_2005_2010_percent"])


# One province --------------------------------------------------------------------------------------------------------


def province(name: str, folder: Path = DATA) -> dict[str, pd.DataFrame]:
    """Series, sectors, targets and outcomes of one province by year; Tibet, without energy statistics, has no
    sectors.

    Args:
        name: English or Chinese name, code or letters of the province.
        folder: the data folder.

    Returns:
        Tables `series`, `sectors`, `targets` and `outcomes`; their columns state the unit.

    Raises:
        InputError: for an unknown name.
    """
    name = choose_province(name, tables.provinces(folder, simulated=False))
    found = {"targets": _province_rows("targets", name, folder), "outcomes": _province_rows("outcomes", name, folder)}
    if name not in tables.provinces(folder):
        return {"series": _published_by_year(name, folder), **found}
    data = baseline.load(folder).sel(province=name)
    series = {
        "GDP, Gyuan 2005": data["gdp"],
        "population, million": data["population"],
        "urban share, %": 100 * data["urban_share"],
        "secondary share, %": 100 * data["secondary_share"],
        "capital, Gyuan 2005": data["capital"],
        "energy, Mtce": data["energy_total"],
        "energy vintage": data["energy_total_vintage"],
        "intensity, tce/1e4 yuan 2005": 10 * data["energy_intensity"],
        "residual, Mtce": data["energy_residual"],
        "CO2, Mt": data["co2_energy"],
        "generation, TWh": data["generation"],
        "non-fossil, %": 100 * data["nonfossil_share"],
    }
    by_year = pd.DataFrame({key: values.values for key, values in series.items()}, index=pd.Index(data["year"].values))
    sectors = data["sector_energy"].transpose("year", "sector").to_pandas()
    return {
        "series": by_year.rename_axis("year").reset_index(),
        "sectors": pd.DataFrame(sectors).assign(vintage=data["sector_energy_vintage"].values).reset_index(),
        **found,
    }


def _province_rows(table: str, name: str, folder: Path) -> pd.DataFrame:
    rows = tables.read(table, folder)
    return rows[rows.province == name].drop(columns=["province", "vintage"]).reset_index(drop=True)


def _published_by_year(name: str, folder: Path) -> pd.DataFrame:
    """Economy and population of a province without energy statistics: one row per variable, one column per year."""
    both = pd.concat([tables.read("economy", folder), tables.read("population", folder)])
    both = both[both.province == name].assign(year=lambda rows: rows.year.astype(str))
    wide = both.set_index(["variable", "unit", "year"])["value"].unstack("year")  # noqa: PD010 (no aggregation)
    return wide.reset_index().rename_axis(columns=None)
