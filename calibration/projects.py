"""Large energy-intensive projects known at an origin, as inputs of the model: planned energy and the part that
arrives.

The trend already contains the additions of the average province, so that only the difference counts: a province's own
projects less its share, by energy, of the sum of all. This list is not blind, because those who collected it knew which
provinces missed their targets.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from calibration import tables

BUILDING = 3.0  # years from the beginning of construction to the planned start
SOONEST = 1.5  # a project under way starts at the earliest in the middle of the year after the origin
DIES = 0.15  # probability that a project under way is not finished within the plan (assumption)
SLIP = 1.0  # mean delay of finished projects, years (assumption)
UNDERWAY = 2015  # origin of the table projects_underway


@dataclass(frozen=True)
class Projects:
    """Projects as inputs of the model.

    Attributes:
        inputs: series of the model by name.
        table: columns name, province, start (planned year) and energy (Mtce/year).
        provinces: provinces in the order of the series.
        end: last year of the plan.
    """

    inputs: dict[str, xr.DataArray]
    table: pd.DataFrame
    provinces: tuple[str, ...]
    end: int

    def delivery(self, members: int, seed: int) -> xr.DataArray:
        """Fraction of the planned energy of the last year that arrives after delays and cancellations: (member,
        province).
        """
        random = np.random.default_rng([seed, 7])
        shape = (members, len(self.table))
        late = random.exponential(SLIP, shape)
        alive = random.random(shape) >= DIES
        start, energy = self.table["start"].to_numpy(), self.table["energy"].to_numpy()
        planned = energy * in_operation(start, self.end)
        arrived = energy * in_operation(start + late, self.end) * alive
        where = np.array([self.provinces.index(name) for name in self.table["province"]], dtype=int)
        sums = np.zeros((2, members, len(self.provinces)))
        for column, place in enumerate(where):
            sums[0, :, place] += planned[column]
            sums[1, :, place] += arrived[:, column]
        part = np.divide(sums[1], sums[0], out=np.ones_like(sums[0]), where=np.abs(sums[0]) > 0)
        return xr.DataArray(np.clip(part, 0, 2), {"province": list(self.provinces)}, ("member", "province"))


def in_operation(start: NDArray[np.float64] | float, year: int) -> NDArray[np.float64]:
    """Fraction of a calendar year in which a plant that starts at `start` runs."""
    return np.asarray(np.clip(year + 1 - start, 0.0, 1.0))


def known_projects(last: int) -> pd.DataFrame:
    """Projects under construction in `last` that had not started: name, province, planned start, energy (Mtce/year)."""
    if last == UNDERWAY:
        table = tables.read("projects_underway").rename(columns={"planned_start": "start"})
    else:
        table = tables.read("projects")
        table = table[(table["construction_from"] < last + 1) & (table["start"] >= last + 1)]
        table = table.assign(start=np.maximum(table["construction_from"] + BUILDING, last + SOONEST))
    table = table[table["energy_full_load_mtce"] > 0]
    return table.rename(columns={"energy_full_load_mtce": "energy"})[["name", "province", "start", "energy"]]


def entered(last: int, end: int, baseline: xr.Dataset, table: pd.DataFrame | None = None) -> Projects:
    """The projects as inputs of the model.

    Args:
        last: year of the origin.
        end: last year of the plan.
        baseline: measured series.
        table: projects in place of the shipped list, with the columns of `known_projects`.
    """
    chosen = known_projects(last) if table is None else table
    provinces = tuple(str(name) for name in baseline["province"].values)
    chosen = chosen[chosen["province"].isin(provinces)].reset_index(drop=True)
    years = range(last, end + 1)
    own = np.zeros((len(provinces), len(years)))
    planned = chosen["energy"].to_numpy(float), chosen["start"].to_numpy(float)
    for name, energy, start in zip(chosen["province"], *planned, strict=True):
        own[provinces.index(str(name))] += [energy * float(in_operation(start, year)) for year in years]
    size = baseline["energy_total"].sel(year=last).to_numpy()
    usual = (size / size.sum())[:, None] * own.sum(0)
    coords = {"province": list(provinces), "time": [float(year) for year in years]}
    series = xr.DataArray(own - usual, coords, ("province", "time"))
    return Projects({"project energy": series}, chosen, provinces, end)
