"""Base-year indicators for the allocation rules, and the energy intensity of the sum of provinces."""

import pandas as pd
import xarray as xr

from calibration import tables
from calibration.baseline.dataset import load
from calibration.baseline.panel import INDUSTRY, SECTORS, per_twh
from calibration.baseline.vintage import change, join

THREE_SECTORS = {"heavy industry": "industry", "light industry": "industry", "residential": "residential"}
"""Sector → sector of the rules that distinguish industry, households and the rest."""


def pooled_intensity_change(data: xr.Dataset, first: int = 2005, last: int = 2010, prices: int = 2010) -> float:
    """Relative change of the energy intensity of the sum of provinces, with GDP at the prices of one year.

    GDP of each province at those prices is its nominal GDP of that year extended by its real growth. Energy and GDP are
    summed over the provinces.

    Args:
        data: the measured baseline, as from `load`.
        first: first year.
        last: last year, of the same vintage as `first`.
        prices: year whose prices are used.

    Returns:
        The change as a fraction (-0.2 means a fall of 20 %).

    Raises:
        VintageError: the years belong to two vintages.

    >>> from calibration import baseline
    >>> round(100 * pooled_intensity_change(baseline.load(), 2005, 2010, prices=2010), 1)
    -20.0
    """
    energy_used = join(data, "energy_total", first, last).sum("province", skipna=False)
    real = join(data, "gdp", min(first, prices), max(last, prices))
    gdp = (data["gdp_nominal"].sel(year=prices) * real / real.sel(year=prices)).sum("province", skipna=False)
    intensity = energy_used / gdp
    return float(intensity.sel(year=last) / intensity.sel(year=first) - 1)


def indicators(year: int = 2010, data: xr.Dataset | None = None, since: int = 2005) -> pd.DataFrame:
    """Base-year indicators of each province for the allocation rules.

    Growth is the mean rate per year from `since`. The intensity of industry and the three sectors count electricity at
    the coal use of thermal plants.

    Args:
        year: base year.
        data: the measured baseline; by default it is loaded.
        since: first year of the growth rates, of the same vintage as `year`.

    Returns:
        One row per province, all 31 in yearbook order; Tibet has economy, population and climate only. Columns as in
        `attrs["units"]`, which maps each column to its unit.

    Raises:
        VintageError: the years `since` and `year` belong to two vintages.

    >>> from calibration import baseline
    >>> table = indicators(2010, baseline.load())
    >>> table.attrs["units"]["energy_intensity"], round(float(table.loc["Guangdong", "energy_intensity"]), 4)
    ('kgce/yuan at 2005 prices', 0.0664)
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
    """Final energy by sector, Mtce, with electricity at the coal use of thermal plants."""
    final = now["final_energy"]
    electricity = final.sel(fuel="electricity", drop=True)
    factor = now["coal_per_kwh"] / per_twh()
    return final.sum("fuel", skipna=False) + electricity * (factor - 1)


def _tibet(year: int) -> dict[str, float]:
    """The indicators of Tibet that the tables contain; it has no energy statistics."""
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
