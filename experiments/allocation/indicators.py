"""The measured indicators that rules work on: one value per province, 31 provinces, from the calibrated baseline.

Sector energy is coal-equivalent ("primary"): electricity counts at the coal that a kilowatt hour takes, and the
sectors are scaled to the province's total energy, so that losses and transformation fall on the sectors in proportion.
Tibet has an economy and targets but no energy statistics: its energy is NaN and it has no weight in the national sum.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from calibration.prior import INDUSTRY
from experiments.allocation import shipped
from experiments.allocation.growth import growth_targets
from experiments.allocation.national import Array
from models.plans import TABLE, Plan, known_plan_names, plans
from models.reading.faults import InputError
from models.reading.names import choose

OTHER = ("transport", "services", "agriculture and construction")
RECENT = 5  # years of "recent growth"


@dataclass(frozen=True)
class Indicators:
    """Indicators of one plan; every array has one value per province, in the order of `provinces`.

    Attributes:
        provinces: names of the provinces.
        plan: the plan.
        energy: total energy in the base year, Mtce.
        co2: energy-related CO2 in the base year, Mt.
        gdp: Gyuan at base-year prices.
        population: million.
        population_growth: fraction per year.
        growth: growth of GDP over the plan, fraction per year.
        growth_origin: origin of each province's growth.
        industry: energy of industry in the base year, Mtce.
        residential: energy of households, Mtce.
        other: energy of the other sectors, Mtce.
        industry_electricity: electricity as a fraction of the energy of industry.
        domestic_electricity: electricity as a fraction of the remaining energy.
        industry_value_added: value added of the secondary sector, Gyuan.
        heavy_share: heavy industry as a fraction of the energy of industry.
        hdd: heating degree days, °C day.
        cdd: cooling degree days, °C day.
        industry_rise: logarithmic growth of the energy of industry in each trend window (window, province).
        other_rise: the same of the other sectors.
        gdp_rise: the same of GDP.
        industry_rise_nation: growth of the energy of industry of all provinces together (window,).
        other_rise_nation: the same of the other sectors.
        gdp_rise_nation: the same of GDP.
        responsibility: CO2 from 2000 to the base year, Mt.
        accumulated_energy: energy from 2000 to the base year, Mtce.
        past_cut_energy: cut of energy per GDP in the five years before the base year, fraction.
        past_cut_co2: cut of CO2 per GDP in the five years before the base year, fraction.
        nonfossil_power: fraction of generation that is not thermal.
        net_import: electricity used less electricity generated, TWh.
        grid_factor_nation: CO2 per kilowatt hour generated, all provinces together, kg (one number).
    """

    provinces: tuple[str, ...]
    plan: Plan
    energy: Array
    co2: Array
    gdp: Array
    population: Array
    population_growth: Array
    growth: Array
    growth_origin: tuple[str, ...]
    industry: Array
    residential: Array
    other: Array
    industry_electricity: Array
    domestic_electricity: Array
    industry_value_added: Array
    heavy_share: Array
    hdd: Array
    cdd: Array
    industry_rise: Array
    other_rise: Array
    gdp_rise: Array
    industry_rise_nation: Array
    other_rise_nation: Array
    gdp_rise_nation: Array
    responsibility: Array
    accumulated_energy: Array
    past_cut_energy: Array
    past_cut_co2: Array
    nonfossil_power: Array
    net_import: Array
    grid_factor_nation: Array

    def amount(self, quantity: str) -> Array:
        """Base-year amount that a target counts: energy (Mtce) or, for quantity `co2`, CO2 (Mt)."""
        return np.asarray(np.where(self.measured, self.co2 if quantity == "co2" else self.energy, np.nan))

    @property
    def future_population(self) -> Array:
        """Population of the target year, million: its growth of the last five years goes on."""
        return np.asarray(self.population * (1 + self.population_growth) ** self.plan.years)

    @property
    def growth_factor(self) -> Array:
        """GDP of the target year over that of the base year."""
        return np.asarray((1 + self.growth) ** self.plan.years)

    @property
    def gdp_per_capita(self) -> Array:
        """Thousand yuan a head."""
        return self.gdp / self.population

    @property
    def measured(self) -> NDArray[np.bool_]:
        """Provinces with energy statistics."""
        return np.asarray(np.isfinite(self.energy), dtype=np.bool_)

    def with_growth(self, growth: Array) -> "Indicators":
        """The same with another GDP growth (fraction a year)."""
        return replace(self, growth=growth)

    def permuted(self, order: NDArray[np.intp]) -> "Indicators":
        """The same provinces in another order."""
        changed: dict[str, object] = {}
        for item in fields(self):
            value = getattr(self, item.name)
            if item.name in ("provinces", "growth_origin"):
                changed[item.name] = tuple(value[i] for i in order)
            elif isinstance(value, np.ndarray) and not item.name.endswith("_nation"):
                changed[item.name] = value[..., order]
        return replace(self, **changed)  # type: ignore[arg-type]


def served() -> Mapping[str, Plan]:
    """The plans that the measured data can serve, by name (12FYP)."""
    return {plan.name: plan for plan in plans().values() if plan.structure_year is not None}


def known_plan(name: str) -> Plan:
    """The plan of that name (12FYP, p12, 12th, 12, 十二五). Raises InputError where there is none."""
    by_name = {plan.name: plan for plan in plans().values()}
    return by_name[choose(name, known_plan_names(), "plan")]


def find_plan(name: str) -> Plan:
    """The plan of that name with a measured base. Raises InputError where there is none, or no data."""
    plan = known_plan(name)
    if plan.structure_year is None:
        raise InputError(
            f"got plan {plan.name}, whose base year {plan.base_year} has no measured structure in the data; allowed: "
            f"{', '.join(served())}; for another plan add measured data and fill structure_year and trend_windows "
            f"in {TABLE.name}"
        )
    return plan


def load(plan: Plan, baseline: xr.Dataset | None = None) -> Indicators:
    """The indicators of a plan. baseline: as from `calibration.baseline.load` (default: the shipped one)."""
    data = shipped.baseline() if baseline is None else baseline
    everyone = tuple(shipped.table("provinces")["province"])
    base, structure = plan.base_year, plan.structure_year
    assert structure is not None  # `find_plan` gives no other

    def spread(values: xr.DataArray) -> Array:
        """Values of the 30 on all 31 provinces, NaN for the rest."""
        return np.asarray(values.to_series().reindex(everyone), dtype=np.float64)

    gdp, population, real = _economy(everyone)
    sectors = _coal_equivalent(data, structure)
    total = sum(sectors.values())
    energy = data["energy_total"].sel(year=base, drop=True)
    sector = {name: spread(energy * part / total) for name, part in sectors.items()}
    final = data["final_energy"].sel(year=structure, drop=True)
    share = data["secondary_share"] * data["gdp_nominal"]
    recent = (real[base] / real[base - RECENT]) ** (1 / RECENT) - 1
    targets = shipped.table("targets")
    growth = growth_targets(
        everyone,
        targets,
        recent.to_numpy(),
        plan=plan.name,
        first_year=plan.base_year + 1,
        national=plan.national_growth / 100,
    )
    rises = _rises(data, plan)
    past = {"energy": "energy_total", "co2": "co2_energy"}
    return Indicators(
        provinces=everyone,
        plan=plan,
        energy=spread(energy),
        co2=spread(data["co2_energy"].sel(year=base, drop=True)),
        gdp=gdp[base].to_numpy(),
        population=population[base].to_numpy(),
        population_growth=((population[base] / population[base - RECENT]) ** (1 / RECENT) - 1).to_numpy(),
        growth=growth.annual,
        growth_origin=growth.origin,
        industry=sector["industry"],
        residential=sector["residential"],
        other=sector["other"],
        industry_electricity=spread(_electric_share(data, structure, INDUSTRY)),
        domestic_electricity=spread(_electric_share(data, structure, (*OTHER, "residential"))),
        industry_value_added=spread(share.sel(year=base, drop=True)),
        heavy_share=spread(
            final.sel(sector="heavy industry").sum("fuel") / final.sel(sector=list(INDUSTRY)).sum(("sector", "fuel"))
        ),
        hdd=spread(data["hdd"]),
        cdd=spread(data["cdd"]),
        **{f"{name}_rise": np.stack([spread(own) for own, _ in windows]) for name, windows in rises.items()},
        **{f"{name}_rise_nation": np.array([nation for _, nation in windows]) for name, windows in rises.items()},
        responsibility=spread(_accumulated(data["co2_energy"], base)),
        accumulated_energy=spread(_accumulated(data["energy_total_mixed"], base)),
        **{f"past_cut_{name}": spread(_past_cut(data[amount], data["gdp"], base)) for name, amount in past.items()},
        nonfossil_power=spread(_at(data["nonfossil_share"], base)),
        net_import=spread(_at(data["net_import"], base)),
        grid_factor_nation=np.array([_grid_factor(data, base)]),
    )


def _at(series: xr.DataArray, year: int) -> xr.DataArray:
    """Values of the year, or of the nearest year with figures of all provinces."""
    found: xr.DataArray = series.dropna("year").sel(year=year, method="nearest", drop=True)
    return found


def _accumulated(series: xr.DataArray, year: int) -> xr.DataArray:
    """Sum to the year; a year without a figure counts as the mean of the others."""
    past: xr.DataArray = series.sel(year=slice(None, year))
    return past.mean("year") * past.sizes["year"]


def _past_cut(amount: xr.DataArray, gdp: xr.DataArray, year: int) -> xr.DataArray:
    """Cut of the amount per GDP over RECENT years before `year`, fraction (province).

    The mean yearly change of the steps within one vintage, times RECENT: a step between vintages is a change of
    statistics.
    """
    vintage = shipped.baseline()[f"{amount.name}_vintage"].to_series()
    intensity = (amount / gdp).sel(year=slice(year - RECENT, year))
    steps = intensity.copy(data=np.log(intensity.values)).diff("year")
    same = [bool(vintage[end] == vintage[end - 1]) for end in steps["year"].to_numpy()]
    mean: xr.DataArray = RECENT * steps.isel(year=np.flatnonzero(same)).mean("year")
    return 1 - mean.copy(data=np.exp(mean.values))


def _grid_factor(data: xr.Dataset, year: int) -> float:
    """CO2 of a kilowatt hour generated in all provinces together, kg."""
    table = shipped.table("electricity")
    rows = table[table["variable"] == "co2_intensity_thermal_incl_heat"]
    thermal = rows.pivot_table(index="province", columns="year", values="value")
    near = min(thermal.columns, key=lambda known: abs(int(known) - year))
    generation, nonfossil = (_at(data[name], year).to_series() for name in ("generation", "nonfossil_share"))
    return float((thermal[near] * generation * (1 - nonfossil)).sum() / generation.sum())


def _economy(provinces: tuple[str, ...]) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """GDP at current prices (Gyuan), population (million) and real GDP (any fixed prices), province × year, all 31."""
    economy, people = shipped.table("economy"), shipped.table("population")

    def series(table: pd.DataFrame, variable: str, factor: float) -> pd.DataFrame:
        rows = table[table["variable"] == variable]
        return rows.pivot_table(index="province", columns="year", values="value").reindex(provinces) * factor

    gdp = series(economy, "gdp_nominal", 0.1)
    real = shipped.baseline()["gdp"].to_pandas()
    return gdp, series(people, "population", 0.01), pd.DataFrame(real).reindex(provinces)


def _factor(data: xr.Dataset, year: int) -> float:
    """Coal that makes a unit of electricity, both as energy (Mtce/Mtce); of the nearest year where measured."""
    table = shipped.table("conversion_factors")
    rows = table[(table["fuel"] == "electricity") & (table["factor"] == "coal_equivalent")]
    measured = data["coal_per_kwh"].dropna("year")
    return float(measured.sel(year=year, method="nearest")) / (float(rows["value"].iloc[0]) / 10)


def _coal_equivalent(data: xr.Dataset, year: int) -> dict[str, xr.DataArray]:
    """Energy of the three end-use sectors, electricity at its coal, Mtce (province)."""
    final = data["final_energy"].sel(year=year, drop=True)
    electricity = final.sel(fuel="electricity", drop=True)
    sector = final.sum("fuel") + electricity * (_factor(data, year) - 1)
    return {
        "industry": sector.sel(sector=list(INDUSTRY)).sum("sector"),
        "residential": sector.sel(sector="residential", drop=True),
        "other": sector.sel(sector=list(OTHER)).sum("sector"),
    }


def _electric_share(data: xr.Dataset, year: int, sectors: tuple[str, ...]) -> xr.DataArray:
    """Electricity, at its coal, in the coal-equivalent energy of some sectors (province)."""
    final = data["final_energy"].sel(year=year, drop=True).sel(sector=list(sectors)).sum("sector")
    electricity = final.sel(fuel="electricity", drop=True) * _factor(data, year)
    return electricity / (final.sum("fuel") - final.sel(fuel="electricity", drop=True) + electricity)


def _rises(data: xr.Dataset, plan: Plan) -> dict[str, list[tuple[xr.DataArray, float]]]:
    """Logarithmic growth in each trend window, by province and of all together: industry, other, gdp."""
    vintages = data["final_energy_vintage"].to_series()
    outside = [year for window in plan.trend_windows for year in window if year not in vintages.index]
    if outside:
        raise InputError(f"got trend years {outside}; the balances cover {min(vintages.index)}-{max(vintages.index)}")
    crossed = [
        f"got trend window {first}-{last}, which crosses from balances of vintage {vintages[first]!r} to "
        f"{vintages[last]!r}; a jump between them is no growth: stay within one"
        for first, last in plan.trend_windows
        if vintages[first] != vintages[last]
    ]
    if crossed:
        raise InputError(crossed)
    amounts = {
        year: {**_coal_equivalent(data, year), "gdp": data["gdp"].sel(year=year, drop=True)}
        for window in plan.trend_windows
        for year in window
    }

    def rise(name: str, first: int, last: int) -> tuple[xr.DataArray, float]:
        start, end = amounts[first][name], amounts[last][name]
        ratio = (end / start).where((start > 0) & (end > 0))  # nearly empty inventories are missing, not zero
        return ratio.copy(data=np.log(ratio.values)), float(np.log(end.sum() / start.sum()))

    return {
        name: [rise(name, first, last) for first, last in plan.trend_windows] for name in ("industry", "other", "gdp")
    }
