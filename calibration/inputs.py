"""From measured series to the inputs of the model: base values, and parameters that belong to a single equation.

Parameters of one equation are fitted to that equation's data before the whole model is fitted (Oliva 2003, "smallest
equations first"): urbanisation, migration, investment share, fuel trends and the statistical residual. Nothing later
than the year `last` is read.
"""

import numpy as np
import pandas as pd
import xarray as xr
from scipy.optimize import nnls

from calibration import activity, tables
from calibration.members import pooled
from calibration.prior import INDUSTRY
from models.parameters import defaults, elements_of, row
from models.plans import plans

BASE = 2005
"""Base year of the model."""
PLANS = {key: plans()[key].name for key in elements_of("plan")}
"""Key of a plan in the model → its name in the tables."""
LOWERED = 2009
"""Year in which three targets of the 11th plan were lowered; before it only the first issue is known."""
ENOUGH = 15
"""Least number of provinces whose official growth targets can be compared with their mean."""
STATUS = {"reported": "official", "derived": "official", "recalled": "recalled"}
"""Flag of a target → how reliably it is known."""


def params(baseline: xr.Dataset, last: int = 2010, until: int | None = None) -> dict[str, xr.DataArray]:
    """The data-role parameters of the model, from figures up to the year `last`.

    Args:
        baseline: measured series, as from `calibration.baseline.load`.
        last: last year that is read.
        until: last year of a nowcast, up to which activity but not energy is measured; None without a nowcast.

    Returns:
        Arrays over province and, where the model has them, sector, fuel, plan or time (a yearly series).

    Raises:
        ValueError: `last` leaves no year after the base year.
    """
    if last <= BASE:
        raise ValueError(f"last = {last}: the fitted years must reach beyond {BASE}")
    base = baseline.sel(year=BASE, drop=True)
    fitted = baseline.sel(year=slice(BASE, last))
    balances = fitted.sel(year=fitted["final_energy_vintage"] != "assembled")
    targets = target_reduction(last)
    evidence = targets.where(targets > 0) - targets.where(targets > 0).mean("province")
    growth = growth_evidence(last)
    return {
        "base gdp": base["gdp"],
        "base capital": base["capital"],
        "base population": base["population"],
        "base employment": base["employment"],
        "base urban share": base["urban_share"],
        "base primary share": base["primary_share"],
        "base secondary share": base["secondary_share"],
        "base income growth": income_growth(baseline),
        "base building stock": base["floor_area"],
        "base cars": base["cars"],
        "base final energy": base["final_energy"].sum("fuel"),
        "base fuel share": _shares(base["final_energy"]),
        "base nonfossil share": base["nonfossil_share"],
        "base coal per kWh": base["coal_per_kwh"],
        "agriculture weight": base["agriculture_weight"],
        "feedstock share": feedstock_share(balances),
        "generation ratio": (fitted["generation"] / (fitted["generation"] + fitted["net_import"])).mean("year"),
        "net migration rate": migration(fitted),
        "nonfossil drift": nonfossil_drift(baseline, last),
        "urbanisation speed": urbanisation(fitted),
        "employment growth rate": employment_growth(fitted),
        "temperature anomaly": temperature(baseline, last),
        "fuel pull": fuel_pull(balances),
        "transformation residual": transformation_residual(balances),
        "target reduction": targets.fillna(0),
        "base target evidence": evidence.sel(plan="p11", drop=True).fillna(0),
        "target evidence": evidence.where(evidence["plan"] != "p11").fillna(0),
        "growth evidence": growth.fillna(0),
        "growth evidence known": growth.notnull().astype(float),
        "last measured year": xr.DataArray(float(last)),
        "cement data": activity.over_time(activity.product_series("output_cement", until or last)),
        "cement measured until": xr.DataArray(float(until or last)),
        **investment(fitted),
        **({} if until is None else activity.drivers(last, until)),
    }


def default(name: str) -> float:
    """The default of a scalar parameter."""
    return float(defaults(row(name)))


def log(values: xr.DataArray) -> xr.DataArray:
    """Natural logarithm of each element."""
    return xr.apply_ufunc(np.log, values)  # type: ignore[no-any-return]


def exp(values: xr.DataArray) -> xr.DataArray:
    """Exponential of each element."""
    return xr.apply_ufunc(np.exp, values)  # type: ignore[no-any-return]


def _shares(energy: xr.DataArray) -> xr.DataArray:
    total = energy.sum("fuel")
    return (energy / total).where(total > 0, energy.sum("province") / energy.sum(("province", "fuel"))).fillna(0)


def feedstock_share(fitted: xr.Dataset) -> xr.DataArray:
    """Share of feedstock in industry's use of each fuel, mean over the fitted years; the nation's where a province
    has none.

    A year without a printed figure is left out of the mean, because a missing figure does not mean zero.
    """
    industry = fitted["final_energy"].sel(sector=list(INDUSTRY)).sum("sector")
    known = fitted["feedstock"].notnull() & (industry > 0)
    national = (
        fitted["feedstock"].where(known).sum(("province", "year")) / industry.where(known).sum(("province", "year"))
    ).fillna(0)
    own = (fitted["feedstock"] / industry).where(known).mean("year")
    share = own.fillna(national).clip(0, default_high("feedstock share"))
    return share.where(share["fuel"].isin(["coal", "oil", "gas"]), 0.0)


def default_high(name: str) -> float:
    """Upper end of a parameter's allowed range."""
    return float(row(name)["high"])


def migration(fitted: xr.Dataset) -> xr.DataArray:
    """Mean growth rate of the population (1/year) less births plus deaths."""
    population = fitted["population"]
    years = population["year"].size - 1
    growth = log(population.isel(year=-1, drop=True) / population.isel(year=0, drop=True)) / years
    return growth - default("birth rate") + default("death rate")


def income_growth(baseline: xr.Dataset) -> xr.DataArray:
    """Mean growth rate of GDP per head (1/year) in the five years up to the base year."""
    return _slope(log((baseline["gdp"] / baseline["population"]).sel(year=slice(BASE - 5, BASE))))


def urbanisation(fitted: xr.Dataset) -> xr.DataArray:
    """Slope (1/year) of the logit of the urban share under its ceiling."""
    share = fitted["urban_share"].clip(max=default("urban share ceiling") - 0.02)
    return _slope(log(share / (default("urban share ceiling") - share))).clip(0, default_high("urbanisation speed"))


def nonfossil_drift(baseline: xr.Dataset, last: int) -> xr.DataArray:
    """Slope (1/year) of the nation's non-fossil share of generation over the fitted years, at least five."""
    years = baseline.sel(year=slice(min(BASE, last - 5), last))
    return _slope(pooled(years["nonfossil_share"] * years["generation"], years["generation"]))


def employment_growth(fitted: xr.Dataset) -> xr.DataArray:
    """Mean growth rate of employment (1/year), with a free step at each break of its vintage."""
    years = fitted["year"].values
    columns = [
        years - years.mean(),
        *(years >= first for first in breaks("employment") if years[0] < first <= years[-1]),
    ]
    design = np.stack([np.ones(years.size), *columns], axis=1).astype(float)
    series = log(fitted["employment"]).transpose("year", "province")
    slope = np.linalg.lstsq(design, series.values, rcond=None)[0][1]
    return series.isel(year=0, drop=True).copy(data=slope)


def breaks(series: str) -> dict[int, float]:
    """First year of each new vintage of a series → standard deviation of the unknown step (logarithm)."""
    table = tables.read("breaks")
    rows = table[table["series"] == series]
    return {int(year): float(sigma) for year, sigma in zip(rows["year"], rows["sigma"], strict=True)}


def _slope(series: xr.DataArray) -> xr.DataArray:
    time = series["year"] - series["year"].mean()
    return ((series - series.mean("year")) * time).sum("year") / (time**2).sum()


def investment(fitted: xr.Dataset) -> dict[str, xr.DataArray]:
    """Starting level and long-run level of the investment share.

    They are the non-negative least-squares fit of share(t) = start·d(t) + long run·(1 − d(t)) with
    d = exp(−(t − 2005)/adjustment time).
    """
    decay = np.exp(-(fitted["year"].values - BASE) / default("investment adjustment time"))
    design = np.stack([decay, 1 - decay], axis=1)
    share = fitted["investment_share"].transpose("province", "year")
    levels = np.array([nnls(design, row)[0] for row in share.values])
    high = default_high("investment share long run")
    coords = {"province": fitted["province"]}
    return {
        "base investment share": xr.DataArray(levels[:, 0], coords, "province"),
        "investment share long run": xr.DataArray(levels[:, 1], coords, "province").clip(0.2, high),
    }


def temperature(baseline: xr.Dataset, last: int) -> xr.DataArray:
    """Yearly mean temperature less its mean up to `last`, over time (degC); zero after `last`, where it is unknown."""
    measured = baseline["mean_temperature"]
    anomaly = (measured - measured.sel(year=slice(None, last)).mean("year")).sel(year=slice(BASE, last)).fillna(0)
    after = anomaly.isel(year=-1, drop=True).expand_dims(year=[last + 1]) * 0
    return xr.concat([anomaly, after], "year").rename(year="time").assign_coords(time=lambda a: a["time"].astype(float))


def fuel_pull(fitted: xr.Dataset) -> xr.DataArray:
    """Trend of the national fuel mix of each sector (1/year): slope of the log share, with a free step at a vintage
    break.

    A small share is added to each, so that the trend of a fuel that is hardly used stays small. The trend is limited to
    the range in the table of parameters.
    """
    energy = fitted["final_energy"].sum("province")
    share = log(energy / energy.sum("fuel") + 0.002)
    years = fitted["year"].values
    columns = [years - years.mean(), *(years >= first for first in breaks("industry") if years[0] < first <= years[-1])]
    design = np.stack([np.ones(years.size), *columns], axis=1).astype(float)
    stacked = share.stack(series=("sector", "fuel")).transpose("year", "series")
    slope = np.linalg.lstsq(design, stacked.values, rcond=None)[0][1]
    bound = default_high("fuel pull")
    clipped = np.clip(slope, -bound, bound)
    return stacked.isel(year=0, drop=True).copy(data=clipped).unstack("series")  # noqa: PD010 (an array, not a table)


def transformation_residual(fitted: xr.Dataset) -> xr.DataArray:
    """Official total over the sum of its parts, less one: mean over the years of the latest fitted sector vintage."""
    first = max([BASE, *(year for year in breaks("industry") if year <= int(fitted["year"][-1]))])
    latest = fitted.sel(year=slice(first, None))
    return (latest["energy_total"] / modelled_total(latest)).mean("year") - 1


def modelled_total(data: xr.Dataset) -> xr.DataArray:
    """Total energy (Mtce) as the model adds it up from final energy, before the statistical residual."""
    energy = data["final_energy"].sum("sector")
    power = energy.sel(fuel="electricity", drop=True) / default("heat content of electricity")
    heat = energy.sel(fuel="heat", drop=True) * (1 / default("heat supply efficiency") - 1)
    return (
        energy.sel(fuel=["coal", "oil", "gas", "heat"]).sum("fuel")
        + power * (1 + default("grid loss")) * data["coal_per_kwh"]
        + heat
    )


def official_targets(kind: str, plan: str, last: int | None = None) -> pd.DataFrame:
    """Targets of a plan that were published or are recalled, by province.

    Args:
        kind: energy or co2.
        plan: name of the plan, such as 12FYP.
        last: last year known; before LOWERED the targets of the 11th plan are those first issued.

    Returns:
        Columns target (per cent) and status, indexed by province. A province without a number has no row.
    """
    table = tables.read("targets")
    variable = f"{kind}_intensity_reduction"
    rows = table[(table["plan"] == plan) & table["value"].notna() & table["flag"].isin(list(STATUS))]
    first = rows[rows["variable"] == f"{variable}_original"]
    rows = rows[rows["variable"] == variable]
    if last is not None and last < LOWERED:
        rows = pd.concat([first, rows[~rows["province"].isin(first["province"])]])
    return pd.DataFrame(
        {"target": rows["value"].to_numpy(float), "status": rows["flag"].map(STATUS).to_numpy()},
        pd.Index(rows["province"], name="province"),
    )


def target_reduction(last: int | None = None) -> xr.DataArray:
    """Energy targets of the plans (fractions): (province, plan), NaN where none is known; see `official_targets`."""
    names = tables.provinces()
    columns = [official_targets("energy", label, last)["target"].reindex(names) / 100 for label in PLANS.values()]
    return xr.DataArray(np.stack(columns, axis=1), {"province": names, "plan": list(PLANS)}, ("province", "plan"))


def growth_evidence(last: int) -> xr.DataArray:
    """Official growth targets of the year or plan after `last`, less their mean (1/year); NaN where none is known.

    The target of the year is used first; that of the plan, shifted by the mean difference of the two, where there is
    none. All values are NaN when fewer than ENOUGH provinces are known, because their mean is then not the nation's.
    """
    names = tables.provinces()
    table = tables.read("targets")
    plan = next((label for key, label in PLANS.items() if plans()[key].base_year == last), "")

    def known(variable: str, period: str) -> pd.Series:
        rows = table[(table["variable"] == variable) & (table["plan"].astype(str) == period)]
        return rows.set_index("province")["value"].reindex(names) / 100

    year, whole = known("gdp_growth_annual_target_of_year", str(last + 1)), known("gdp_growth_annual", plan)
    moved = year.fillna(whole + (year - whole).mean()) if (year.notna() & whole.notna()).any() else year.fillna(whole)
    found = moved - moved.mean() if moved.notna().sum() >= ENOUGH else moved * np.nan
    return xr.DataArray(found.to_numpy(float), {"province": names}, "province")
