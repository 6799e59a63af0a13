"""Base-year indicators where no base is measured: amounts from the asking study's model, people and GDP as measured.

The 14th and 15th plans start from years whose energy and CO2 by province are not published. The model simulates
(nowcasts) them, one state a member; an allocation is worked out for the members' mean, and its range over members.
GDP (at prices of the last nominal figure), population and growth are measured or announced.
"""

from dataclasses import replace

import numpy as np
import pandas as pd
import xarray as xr

from calibration.prior import INDUSTRY
from experiments.allocation import shipped
from experiments.allocation.growth import growth_targets
from experiments.allocation.indicators import OTHER, RECENT, Indicators
from experiments.allocation.national import Array
from models.plans import Plan

WANTED = (
    "total energy",
    "energy co2",
    "total co2",
    "final energy by fuel",
    "electricity use",
    "generation",
    "nonfossil share",
    "coal per kWh",
    "national grid factor",
)
"""Outputs of the model by year from FIRST to the base year."""
FIRST = 2015
NEW_METRIC_FROM = 2025
"""First base year whose CO2 counts by the metric of 2026 (cement in, non-energy use out)."""


def years(plan: Plan) -> list[int]:
    """The years of the model that a plan's base state needs."""
    return list(range(FIRST, plan.base_year + 1))


def mean_state(states: xr.Dataset) -> xr.Dataset:
    """The members' mean, as one member."""
    return states.mean("member").expand_dims(member=[-1])


def indicators_of(states: xr.Dataset, plan: Plan) -> list[Indicators]:
    """One set of indicators a member.

    states (member, province, year, sector, fuel): the variables of WANTED by `years`. Sectors are prior knowledge
    where the state is a nowcast: no fuel by sector is published after 2019.
    """
    return [_one(states.isel(member=k, drop=True), plan) for k in range(states.sizes["member"])]


def stand_in(plan: Plan, measured: Indicators) -> Indicators:
    """Indicators for rules that read no amount: those of another plan under this plan's years."""
    return replace(measured, plan=plan)


def _one(state: xr.Dataset, plan: Plan) -> Indicators:
    everyone = tuple(shipped.table("provinces")["province"])
    base = plan.base_year

    def spread(values: xr.DataArray) -> Array:
        return np.asarray(values.to_series().reindex(everyone), dtype=np.float64)

    now = state.sel(year=base, drop=True)
    metric = "total co2" if base >= NEW_METRIC_FROM else "energy co2"
    ratio = now["coal per kWh"] / _electricity_content()
    sector = _coal_equivalent(now["final energy by fuel"], ratio)
    parts = {
        "industry": sector.sel(sector=list(INDUSTRY)).sum("sector"),
        "residential": sector.sel(sector="residential", drop=True),
        "other": sector.sel(sector=list(OTHER)).sum("sector"),
    }
    scale = now["total energy"] / sector.sum("sector")
    final = now["final energy by fuel"].sum("fuel")
    gdp, people, rate, added = _economy(everyone, base)
    growth = growth_targets(
        everyone,
        shipped.table("targets"),
        _recent_growth(everyone, base),
        plan=plan.name,
        first_year=base + 1,
        national=plan.national_growth / 100 if np.isfinite(plan.national_growth) else 0.05,
    )
    windows = ((base - RECENT, base),)
    rises = {name: [_rise(state, name, *window) for window in windows] for name in ("industry", "other")}
    grown = _real_growth(everyone).loc[:, base - RECENT + 1 : base].to_numpy()
    gdp_rise = np.log1p(grown / 100).sum(axis=1)[None, :]
    past = slice(FIRST + 1, base)
    measured = shipped.baseline()
    return Indicators(
        provinces=everyone,
        plan=plan,
        energy=spread(now["total energy"]),
        co2=spread(now[metric]),
        gdp=gdp,
        population=people,
        population_growth=rate,
        growth=growth.annual,
        growth_origin=growth.origin,
        **{name: spread(part * scale) for name, part in parts.items()},
        industry_electricity=spread(_electric(now["final energy by fuel"], ratio, INDUSTRY)),
        domestic_electricity=spread(_electric(now["final energy by fuel"], ratio, (*OTHER, "residential"))),
        industry_value_added=added,
        heavy_share=spread(final.sel(sector="heavy industry") / final.sel(sector=list(INDUSTRY)).sum("sector")),
        hdd=spread(measured["hdd"]),
        cdd=spread(measured["cdd"]),
        industry_rise=np.stack([spread(own) for own, _ in rises["industry"]]),
        other_rise=np.stack([spread(own) for own, _ in rises["other"]]),
        gdp_rise=gdp_rise,
        industry_rise_nation=np.array([nation for _, nation in rises["industry"]]),
        other_rise_nation=np.array([nation for _, nation in rises["other"]]),
        gdp_rise_nation=np.array([np.log(np.nansum(gdp) / np.nansum(gdp / np.exp(gdp_rise[0])))]),
        responsibility=spread(measured["co2_energy"].mean("year") * measured.sizes["year"])
        + spread(state["energy co2"].sel(year=past).sum("year")),
        accumulated_energy=spread(measured["energy_total_mixed"].mean("year") * measured.sizes["year"])
        + spread(state["total energy"].sel(year=past).sum("year")),
        past_cut_energy=1 - spread(_grown(state["total energy"], base)) / np.exp(gdp_rise[0]),
        past_cut_co2=1 - spread(_grown(state[metric], base)) / np.exp(gdp_rise[0]),
        nonfossil_power=spread(now["nonfossil share"]),
        net_import=spread(now["electricity use"] - now["generation"]),
        grid_factor_nation=np.array([float(now["national grid factor"].mean())]),
    )


def _electricity_content() -> float:
    """Heat content of electricity, Mtce a TWh."""
    table = shipped.table("conversion_factors")
    rows = table[(table["fuel"] == "electricity") & (table["factor"] == "coal_equivalent")]
    return float(rows["value"].iloc[0]) / 10


def _coal_equivalent(fuels: xr.DataArray, ratio: xr.DataArray) -> xr.DataArray:
    """Energy by sector with electricity at its coal, Mtce (province, sector)."""
    return fuels.sum("fuel") + fuels.sel(fuel="electricity", drop=True) * (ratio - 1)


def _electric(fuels: xr.DataArray, ratio: xr.DataArray, sectors: tuple[str, ...]) -> xr.DataArray:
    """Electricity, at its coal, in the coal-equivalent energy of some sectors (province)."""
    chosen = fuels.sel(sector=list(sectors)).sum("sector")
    electricity = chosen.sel(fuel="electricity", drop=True) * ratio
    return electricity / (chosen.sum("fuel") - chosen.sel(fuel="electricity", drop=True) + electricity)


def _rise(state: xr.Dataset, name: str, first: int, last: int) -> tuple[xr.DataArray, float]:
    """Logarithmic growth of a group of sectors, by province and of all together."""
    sectors = list(INDUSTRY if name == "industry" else OTHER)
    ratio = state["coal per kWh"] / _electricity_content()
    amount = _coal_equivalent(state["final energy by fuel"], ratio).sel(sector=sectors).sum("sector")
    start, end = (amount.sel(year=year, drop=True) for year in (first, last))
    grown = end / start
    return grown.copy(data=np.log(grown.values)), float(np.log(end.sum() / start.sum()))


def _grown(amount: xr.DataArray, base: int) -> xr.DataArray:
    """Amount of the base year over that RECENT years before."""
    return amount.sel(year=base, drop=True) / amount.sel(year=base - RECENT, drop=True)


def _activity(variable: str, everyone: tuple[str, ...]) -> pd.DataFrame:
    table = shipped.table("activity_after_2015")
    rows = table[table["variable"] == variable]
    return rows.pivot_table(index="province", columns="year", values="value").reindex(everyone)


def _real_growth(everyone: tuple[str, ...]) -> pd.DataFrame:
    """Real GDP growth, per cent a year (province × year); a year without a figure takes the year before."""
    table = shipped.table("growth_after_2015")
    wide = table.pivot_table(index="province", columns="year", values="value").reindex(everyone)
    return wide.ffill(axis=1)


def _recent_growth(everyone: tuple[str, ...], base: int) -> Array:
    """Mean growth of the five years before the base year, fraction a year."""
    return np.asarray(_real_growth(everyone).loc[:, base - RECENT + 1 : base].mean(axis=1) / 100)


def _economy(everyone: tuple[str, ...], base: int) -> tuple[Array, Array, Array, Array]:
    """GDP (Gyuan at prices of the last nominal figure), population (million), its growth (a year), secondary sector."""
    nominal = _activity("gdp_nominal", everyone) * 0.1
    known = min(base, int(nominal.columns.max()))
    growth = _real_growth(everyone)
    rise = np.ones(len(everyone))
    for year in range(known + 1, base + 1):
        rise = rise * (1 + growth[year].to_numpy() / 100)
    gdp = nominal[known].to_numpy() * rise
    share = (_activity("va_secondary", everyone) * 0.1 / nominal).loc[:, :known].ffill(axis=1)[known].to_numpy()
    people = _activity("population", everyone) * 0.01
    last = min(base, int(people.columns.max()))
    first = max(last - RECENT, int(people.columns.min()))
    rate = (people[last] / people[first]) ** (1 / (last - first)) - 1
    return gdp, (people[last] * (1 + rate) ** (base - last)).to_numpy(), rate.to_numpy(), gdp * share
