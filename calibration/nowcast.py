"""The nowcast and its checks: energy and CO2 of years without energy balances, given the activity measured in them.

After the last balances the provinces publish growth, electricity, thermal power, capacity and products, but no fuel by
sector. The model reads them (`calibration.activity.drivers`) and computes the rest. There are three checks: provincial
CO2 of 2015-2019 against inventories that the nowcast does not use, the nation's published yearly changes up to 2024,
and thermal power up to 2024 from a nowcast that has it only up to 2020.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from calibration import activity, forecast, inputs, posterior, tables
from calibration.forecast import LATEST, Options, Origin
from calibration.members import achieved
from calibration.members import run as run_members
from models import PROVINCE
from sim.model import Model

Values = NDArray[np.float64]
FOLDER = posterior.PUBLISHED.parent
LAST_INVENTORY = 2019
MARK = 8.0
"""Greatest mean absolute error of provincial CO2 (per cent) with which the nowcast may be used as a starting state."""
OUTPUTS = (
    "energy co2", "total co2", "process co2", "nonenergy co2", "gdp", "total energy", "thermal generation",
    "generation", "nonfossil generation", "coal per kWh", "electricity demand",
)  # fmt: skip
POWER_HELD_BACK = 2020
"""Last year of measured thermal power in the check of later years."""


def run(
    until: int | None, years: range, baseline: xr.Dataset, members: int = 200, seed: int = 1, thermal: int | None = None
) -> xr.Dataset:
    """Simulate members fitted to 2015 and conditioned on later activity.

    Args:
        until: last year of measured activity; None leaves the model alone after 2015.
        years: years of the result.
        baseline: measured series.
        members: number of members.
        seed: seed of the draws.
        thermal: last year of measured thermal power, where it differs from `until`.

    Returns:
        The OUTPUTS over (member, province, year), without predictive error.
    """
    origin = Origin(LATEST.last, years[-1], LATEST.plan, until)
    fitted = posterior.load(origin.path)
    given = inputs.params(baseline, origin.last, until)
    if thermal is not None:
        given["thermal measured until"] = xr.DataArray(float(thermal))
    how = Options(members, seed)
    design = forecast.members(fitted, given, how).merge(forecast.further(fitted, how))
    return run_members(Model.load(PROVINCE), design, given, OUTPUTS, years)


def inventory(variable: str = "energy_total") -> xr.DataArray:
    """CO2 of the inventories in 2015-2019, Mt/year: (province, year)."""
    rows = pd.concat([tables.read("co2"), tables.read("co2_after_2015")])
    rows = rows[(rows["variable"] == variable) & rows["year"].between(LATEST.last, LAST_INVENTORY)]
    wide = rows.pivot_table(index="province", columns="year", values="value").reindex(tables.provinces())
    return xr.DataArray(
        wide.to_numpy(float),
        {"province": list(wide.index), "year": [int(y) for y in wide.columns]},
        ("province", "year"),
    )


@dataclass(frozen=True)
class ProvincialCheck:
    """CO2 of the provinces in 2019, measured and forecast from the inventory of 2015.

    Attributes:
        measured: Mt/year by province.
        forecasts: name of the forecast → Mt/year by province.
    """

    measured: pd.Series
    forecasts: Mapping[str, pd.Series]

    def errors(self) -> pd.DataFrame:
        """Error of each forecast in per cent, one row per province."""
        return pd.DataFrame({name: 100 * (item / self.measured - 1) for name, item in self.forecasts.items()})

    def scores(self) -> pd.DataFrame:
        """Mean and median absolute error and median error in per cent, one row per forecast."""
        wrong = self.errors()
        return pd.DataFrame(
            {"mae": wrong.abs().mean(), "median_absolute_error": wrong.abs().median(), "median_error": wrong.median()}
        )

    @property
    def passed(self) -> bool:
        """Whether the nowcast keeps MARK and is better than both no change and the national mean."""
        mae = self.scores()["mae"]
        return bool(mae[NOWCAST] <= MARK and mae[NOWCAST] < min(mae["no change"], mae["national mean"]))


NOWCAST = "nowcast"


def provincial_check(
    baseline: xr.Dataset, members: int = 200, seed: int = 1, progress: Callable[[str], None] = lambda text: None
) -> ProvincialCheck:
    """Compare the nowcast of provincial CO2 in 2019 with the model alone and with naive rules, all from the CO2 of
    2015.

    The national mean is the measured one, which no forecast made in 2015 could know.
    """
    measured = inventory()
    first, last = measured.sel(year=LATEST.last), measured.sel(year=LAST_INVENTORY)
    nation = float(last.sum() / first.sum())
    found = {"no change": first, "national mean": first * nation}
    for name, until in ((NOWCAST, LAST_INVENTORY), ("model without activity", None)):
        progress(f"{name}: 2015-2019, {members} members")
        co2 = run(until, range(LATEST.last, LAST_INVENTORY + 1), baseline, members, seed)["energy co2"]
        growth = co2.sel(year=LAST_INVENTORY, drop=True) / co2.sel(year=LATEST.last, drop=True)
        found[name] = first * growth.median("member")
    series = {name: item.reset_coords(drop=True).to_series() for name, item in found.items()}
    return ProvincialCheck(last.reset_coords(drop=True).to_series(), series)


def nation(made: xr.Dataset) -> xr.Dataset:
    """Sums of the provinces by member and year: both CO2 metrics over GDP, the non-fossil share (per cent), power
    and CO2.
    """
    total = made.sum("province")
    nonfossil = (made["nonfossil generation"] * made["coal per kWh"]).sum("province")
    return xr.Dataset(
        {
            "old": total["energy co2"] / total["gdp"],
            "feedstock": (total["energy co2"] + total["nonenergy co2"]) / total["gdp"],
            "new": total["total co2"] / total["gdp"],
            "nonfossil_share": 100 * nonfossil / total["total energy"],
            "thermal": total["thermal generation"],
            "energy_co2": total["energy co2"],
            "process_co2": total["process co2"],
        }
    )


def national_table(baseline: xr.Dataset, members: int = 200, seed: int = 1) -> pd.DataFrame:
    """The nation against published figures, one row per figure: published value, median and 80 % band of the
    nowcast.
    """
    years = range(LATEST.last, 2026)
    sums = nation(run(activity.MEASURED_TO, years, baseline, members, seed))
    published = tables.read("national_targets").set_index(["variable", "year"])["value"]
    rows: list[tuple[object, ...]] = []

    def add(check: str, unit: str, measured: float, values: xr.DataArray) -> None:
        low, middle, high = np.quantile(values.values, [0.1, 0.5, 0.9])
        rows.append((check, unit, measured, round(float(middle), 2), round(float(low), 2), round(float(high), 2)))

    def fell(metric: str, first: int, last: int) -> xr.DataArray:
        return 100 * achieved(sums[metric].sel(year=first), sums[metric].sel(year=last))

    for variable, year in sorted(published.index):
        if variable == "co2_intensity_reduction_old_definition" and year > LATEST.last:
            add(f"CO2 per GDP {year}, fall, old metric", "%", published[variable, year], fell("old", year - 1, year))
            add(
                f"CO2 per GDP {year}, fall, old metric with feedstock", "%", published[variable, year],
                fell("feedstock", year - 1, year),
            )  # fmt: skip
        if variable == "nonfossil_share" and year in years:
            add(
                f"non-fossil share {year}",
                "% of primary energy",
                published[variable, year],
                sums["nonfossil_share"].sel(year=year),
            )
    known = {name: float(published[f"outcome_14fyp_co2_intensity_{name}_definition", 2025]) for name in ("old", "new")}
    add("CO2 per GDP 2020-2025, fall, new metric", "%", -known["new"], fell("new", 2020, 2025))
    add("CO2 per GDP 2020-2025, fall, old metric", "%", -known["old"], fell("old", 2020, 2025))
    add("CO2 per GDP 2020-2025, fall, old metric with feedstock", "%", -known["old"], fell("feedstock", 2020, 2025))
    add(
        "CO2 per GDP 2015-2020, fall, old metric",
        "%",
        float(published["outcome_13fyp_co2_intensity_reduction", 2020]),
        fell("old", 2015, 2020),
    )
    return pd.DataFrame(rows, columns=["check", "unit", "published", "q50", "q10", "q90"])


def thermal_table(baseline: xr.Dataset, members: int = 200, seed: int = 1) -> pd.DataFrame:
    """Growth of thermal power in 2020-2024 by province, per cent: measured, and the remainder of demand in the
    nowcast.

    Electricity use and capacity are known up to 2024, thermal power up to 2020.
    """
    years = range(POWER_HELD_BACK, activity.MEASURED_TO + 1)
    made = run(activity.MEASURED_TO, years, baseline, members, seed, POWER_HELD_BACK)["thermal generation"]
    growth = 100 * (made.sel(year=years[-1], drop=True) / made.sel(year=years[0], drop=True) - 1)
    seen = activity.electricity_series("generation_thermal", years[0], years[-1], activity.activity_table())
    happened = 100 * (seen.sel(year=years[-1], drop=True) / seen.sel(year=years[0], drop=True) - 1)
    low, middle, high = (growth.quantile(level, "member").to_series() for level in (0.1, 0.5, 0.9))
    return pd.DataFrame({"measured": happened.to_series(), "q50": middle, "q10": low, "q90": high})


def published(name: str) -> Path:
    """Path of a shipped table of the checks: provinces, nation or thermal."""
    return FOLDER / f"nowcast-{name}.csv"


def save(check: ProvincialCheck, national: pd.DataFrame, thermal: pd.DataFrame) -> list[Path]:
    """Write the tables of the checks and return their paths."""
    provinces = pd.DataFrame({"measured": check.measured, **check.forecasts}).round(3)
    made = {"provinces": provinces.reset_index(), "nation": national, "thermal": thermal.round(2).reset_index()}
    for name, table in made.items():
        table.to_csv(published(name), index=False, lineterminator="\n")
    return [published(name) for name in made]


@dataclass(frozen=True)
class Lean:
    """Years in which the nowcast lets the nation's CO2 per GDP fall faster than published, and by how many points."""

    first: int
    last: int
    low: float
    high: float


def lean() -> Lean | None:
    """The last published years in a row whose fall lies below the nowcast's 80 % band; None where the last does not.

    >>> lean()
    Lean(first=2022, last=2024, low=1.52, high=2.61)
    """
    rows = pd.read_csv(published("nation"))
    rows["year"] = rows["check"].str.extract(r"^CO2 per GDP (\d{4}), fall, old metric$", expand=False)
    rows = rows.dropna(subset="year").astype({"year": int}).sort_values("year", ascending=False)
    rows = rows[(rows["published"] < rows["q10"]).cummin()]
    if rows.empty:
        return None
    excess = (rows["q50"] - rows["published"]).round(2)
    return Lean(int(rows["year"].min()), int(rows["year"].max()), float(excess.min()), float(excess.max()))


def load_check() -> ProvincialCheck:
    """Read the shipped check of the provinces (CO2 of 2019, Mt/year)."""
    table = pd.read_csv(published("provinces"), index_col="province")
    return ProvincialCheck(table["measured"], {str(name): table[name] for name in table.columns[1:]})
