"""The national ledger: sums of provinces against the nation, every year and scenario, the residual in plain sight.

Provincial figures do not add up to the national accounts: other vintages, double counting, and growth targets that
exceed the nation's. Nothing is scaled away here; a nation's figure that no table holds stays empty.
"""

import numpy as np
import pandas as pd
import xarray as xr

from calibration.places import NATION
from experiments.allocation import shipped
from experiments.allocation.allocate import Allocation, measured_indicators
from experiments.allocation.indicators import Indicators, find_plan
from experiments.allocation.national import Array

COLUMNS = ("scenario", "year", "quantity", "unit", "provinces", "nation", "residual", "residual_percent", "nation_is")
UNITS = {"gdp": "Gyuan", "energy": "Mtce", "co2": "Mt"}
PRICES_2010 = 2010  # base year of prices of the 2011 bulletin


def nation() -> pd.DataFrame:
    """The nation's GDP (Gyuan, current prices), energy (Mtce) and CO2 (Mt): year, quantity, value, nation_is.

    Energy: the national balance where transcribed; else published intensity times GDP at the same prices.
    """
    reference = shipped.table("national_reference")

    def series(quantity: str, sector: str, factor: float) -> "pd.Series[float]":
        rows = reference[(reference["quantity"] == quantity) & (reference["sector"] == sector)]
        return rows.set_index("year")["value"] * factor

    gdp = series("gdp", "total", 0.1)
    constant = series("gdp_2005p", "total", 0.1)
    balance = series("energy", "Total Consumption", 0.01)
    intensity = _published_intensity()
    computed = {year: intensity[year] * constant[year] for year in constant.index if year in intensity}
    if PRICES_2010 in gdp.index:
        computed[PRICES_2010] = _intensity_2010() * gdp[PRICES_2010]
    parts = [
        _rows("gdp", gdp, "published"),
        _rows("energy", pd.Series(computed), "published intensity times GDP"),
        _rows("energy", balance.drop(list(computed), errors="ignore"), "published, before the 2nd economic census"),
        _rows("co2", series("co2", "energy_total", 1.0), "published inventory"),
    ]
    return pd.concat(parts, ignore_index=True).sort_values(["quantity", "year"], ignore_index=True)


def _rows(quantity: str, values: "pd.Series[float]", how: str) -> pd.DataFrame:
    return pd.DataFrame({"quantity": quantity, "year": values.index, "nation": values.to_numpy(), "nation_is": how})


def _published_intensity() -> dict[int, float]:
    """Energy per GDP at 2005 prices after the census revision, Mtce/Gyuan, by year."""
    table = shipped.table("bulletin")
    rows = table[
        (table["province"] == NATION)
        & (table["variable"] == "energy_per_gdp")
        & (table["vintage"] == "revised-census-2")
    ]
    return {int(year): float(value) / 10 for year, value in zip(rows["year"], rows["value"], strict=True)}


def _intensity_2010() -> float:
    """Energy per GDP of 2010 at 2010 prices (Mtce/Gyuan): that of 2011 over its published change."""
    table, outcomes = shipped.table("bulletin"), shipped.table("plan_outcomes")
    year = table[(table["province"] == NATION) & (table["year"] == PRICES_2010 + 1)]
    value = float(year.loc[year["variable"] == "energy_per_gdp", "value"].iloc[0]) / 10
    change = outcomes[(outcomes["group"] == NATION) & (outcomes["period"] == f"{PRICES_2010}-{PRICES_2010 + 1}")]
    return value / (1 + float(change["value"].iloc[0]) / 100)


def against(provinces: xr.Dataset, national: pd.DataFrame, scenario: str | None = None) -> pd.DataFrame:
    """Sums over `province` against the nation: one row per scenario, year and quantity.

    provinces: variables gdp (Gyuan), energy (Mtce), co2 (Mt), any of them, over province, year and any scenario dims
    (allocation, mix, …). national: columns year, quantity, nation, nation_is and, where it differs, scenario. A year
    in which a province lacks a figure has no sum.
    """
    sums = provinces.sum("province", skipna=False)
    parts = []
    for name in (str(name) for name in sums.data_vars):
        frame = sums[name].to_dataframe("provinces").reset_index()
        others = [dim for dim in sums[name].dims if dim != "year"]
        labels = frame[others].astype(str).agg("|".join, axis=1) if others else scenario or "measured"
        parts.append(frame.assign(quantity=name, unit=UNITS[name], scenario=labels))
    ours = pd.concat(parts, ignore_index=True)
    keys = ["scenario", "year", "quantity"] if "scenario" in national else ["year", "quantity"]
    table = ours.merge(national, on=keys, how="left")
    table["residual"] = table["provinces"] - table["nation"]
    table["residual_percent"] = 100 * table["residual"] / table["nation"]
    table["nation_is"] = table["nation_is"].fillna("not in the tables")
    return table[list(COLUMNS)].sort_values(["scenario", "quantity", "year"], ignore_index=True)


def measured() -> pd.DataFrame:
    """The ledger of the measured years: GDP at current prices, energy and CO2, 30 provinces against the nation."""
    data = shipped.baseline()
    ours = xr.Dataset({"gdp": data["gdp_nominal"], "energy": data["energy_total"], "co2": data["co2_energy"]})
    return against(ours.drop_vars([name for name in ours.coords if name not in ours.dims]), nation())


def planned(allocation: Allocation, indicators: Indicators | None = None) -> pd.DataFrame:
    """The ledger of a plan: provinces on their growth and energy targets, the nation on its own, each year.

    Both move at constant yearly rates from the base year to the target year; GDP at base-year prices. CO2 follows
    energy with the carbon content that the nation's two targets imply.
    """
    data = measured_indicators(find_plan(allocation.plan)) if indicators is None else indicators
    plan, known = data.plan, data.measured
    cut = allocation.table["target_percent"].to_numpy()[known] / 100
    steps = np.arange(plan.years + 1)
    carbon = 1.0 if plan.co2_target == 0 else (1 - plan.co2_target / 100) / (1 - plan.energy_target / 100)
    growth = 1 + data.growth[known]
    intensity = (1 - cut) ** (1 / plan.years)
    amounts = {
        "gdp": _path(data.gdp[known], growth, steps),
        "energy": _path(data.energy[known], growth * intensity, steps),
        "co2": _path(data.co2[known], growth * intensity * carbon ** (1 / plan.years), steps),
    }
    coords = {
        "province": [p for p, ok in zip(data.provinces, known, strict=True) if ok],
        "year": plan.base_year + steps,
    }
    ours = xr.Dataset({name: (("province", "year"), values) for name, values in amounts.items()}, coords=coords)
    base = nation().query("year == @plan.base_year").set_index("quantity")["nation"]
    rise = 1 + plan.national_growth / 100
    fall = (1 - allocation.national / 100) ** (1 / plan.years)
    rates = {"gdp": rise, "energy": rise * fall, "co2": rise * fall * carbon ** (1 / plan.years)}
    theirs = pd.concat(
        pd.DataFrame(
            {
                "quantity": name,
                "year": plan.base_year + steps,
                "nation": base.get(name, np.nan) * rate**steps,
                "nation_is": "base year as published, then the nation's targets",
            }
        )
        for name, rate in rates.items()
    )
    return against(ours, theirs, scenario=f"{allocation.plan}|{allocation.rule}")


def _path(start: Array, factor: Array, steps: "np.ndarray[tuple[int], np.dtype[np.int_]]") -> Array:
    return np.asarray(start[:, None] * factor[:, None] ** steps)
