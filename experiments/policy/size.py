"""Size of an option in a province, its part of its lever, and the part of a lever that a province has an object for.

    size = energy of the sector and fuel × coverage × technical saving × penetration            (Mtce a year)
    size = (resource − use of the base year) × coverage × technical saving × penetration × saving of a unit

The energy is the measured balance of the plan's base year, at coal equivalent; resources are in `potentials.csv`.
An option's share of its lever is its size among the options of that lever, province by province. Where the sizes of a
province are too small for a lever's full effect (no river, no coast, no metro), the lever's strength is cut to them.
"""

from collections.abc import Callable, Mapping
from functools import cache

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from calibration import tables
from calibration.places import region
from experiments.policy.catalogue import FOLDER, Catalogue, Option, Quantity, catalogue
from experiments.policy.economics import measured

Array = NDArray[np.float64]
Number = Callable[[Quantity], float]

BASE_YEAR = {"2011-2015": 2010, "2026-2030": 2015}
"""Year of the measured balance that each set of options acts on; 2015 is the last that is measured by sector."""

HEAT_OF_POWER = 0.1229
"""Mtce/TWh: heat value of electricity, as in the balances."""

COAL_PER_KWH = 0.333
"""Mtce/TWh: coal of the average plant about 2010, with which electricity is counted (ndrc_2021)."""

MILLIONS = {"metro": 1e-6}
"""Resources that are not counted in millions of the option's unit."""

FULL: Mapping[str, tuple[str, tuple[str, ...], tuple[str, ...], float]] = {
    "nonfossil power": ("nonfossil maximum", ("power",), ("all power",), 1.5),
    "public transit": ("transit maximum", ("transport",), ("coal", "oil", "gas", "electricity", "heat"), 1.9),
}
"""Levers whose full effect must have an object: the parameter of the effect, the energy it is a part of, and that
energy's growth over ten years (assumption: as simulated without new policy)."""


@cache
def potentials() -> pd.DataFrame:
    """`potentials.csv`: value, low, high, unit, year and source by (province, resource)."""
    return pd.read_csv(FOLDER / "potentials.csv").set_index(["province", "resource"])


@cache
def stocks() -> pd.DataFrame:
    """`stocks.csv`: value, low, high, unit and source by (stock, year)."""
    return pd.read_csv(FOLDER / "stocks.csv").set_index(["stock", "year"])


@cache
def provinces() -> tuple[str, ...]:
    """The simulated provinces, in the model's order."""
    return tuple(tables.provinces())


@cache
def energy(plan: str) -> xr.DataArray:
    """Energy of the plan's base year, Mtce at coal equivalent: (province, sector, fuel), with the sector "power".

    "power coal" is the fuel of thermal plants, "all power" the coal equivalent of all generation.
    """
    year, data = BASE_YEAR[plan], measured()
    final = data["final_energy"].sel(year=year).fillna(0.0).transpose("province", "sector", "fuel")
    final = final.where(final["fuel"] != "electricity", final * COAL_PER_KWH / HEAT_OF_POWER).clip(0.0)
    made, clean = (data[name].sel(year=year).fillna(0.0) for name in ("generation", "nonfossil_share"))
    sectors, fuels = [*final["sector"].to_numpy(), "power"], [*final["fuel"].to_numpy(), "power coal", "all power"]
    whole = final.reindex(sector=sectors, fuel=fuels, fill_value=0.0).sel(province=list(provinces())).copy()
    thermal = (made * (1 - clean) * COAL_PER_KWH).sel(province=list(provinces()))
    whole.loc[{"sector": "power", "fuel": "power coal"}] = thermal.to_numpy()
    whole.loc[{"sector": "power", "fuel": "all power"}] = (made * COAL_PER_KWH).sel(province=list(provinces()))
    return whole.reset_coords(drop=True)


@cache
def _in_use(resource: str, plan: str) -> Array:
    """Capacity of the base year, GW, by province; zero where it was negligible or the resource is no capacity."""
    table = tables.read("power_capacity")
    own = table[(table["variable"] == f"capacity_{resource}") & (table["year"] == BASE_YEAR[plan])]
    return own.set_index("province")["value"].reindex(list(provinces())).fillna(0.0).to_numpy(float)


def _central(quantity: Quantity) -> float:
    return quantity.value


def size(option: Option, plan: str, number: Number = _central) -> Array:
    """Saving of an option in each province in full effect, Mtce a year: (province,). See the module.

    number: reads the sheet's quantities; another reader shows what each of them moves.
    """
    part = number(option.coverage) * number(option.technical_saving) * number(option.penetration)
    if option.base.resource is None:
        base = energy(plan).sel(sector=list(option.base.sectors), fuel=list(option.base.fuels)).sum(("sector", "fuel"))
        return np.asarray(base, float) * part
    name = option.base.resource
    known = potentials().xs(name, level="resource")["value"].reindex(list(provinces())).to_numpy(float)
    free = np.maximum(known - _in_use(name, plan), 0.0)
    return np.asarray(free * MILLIONS.get(name, 1.0) * part * number(option.basis), float)


def units(option: Option, plan: str, number: Number = _central) -> Array:
    """Units of an option in full effect in each province, millions: (province,)."""
    return np.asarray(size(option, plan, number) / number(option.basis), float)


def sizes(found: Catalogue, plan: str, number: Number = _central) -> pd.DataFrame:
    """Size of every option: a row for each province, a column for each option, Mtce a year."""
    return pd.DataFrame({o.id: size(o, plan, number) for o in found.options.values()}, index=list(provinces()))


def shares(found: Catalogue, table: pd.DataFrame) -> pd.DataFrame:
    """Part of its lever that each option holds, by province; the parts of a lever add to one.

    A province without an object for a lever takes the national shares, which then count for nothing (see `reach`).
    """
    parts = pd.DataFrame(0.0, index=table.index, columns=table.columns)
    for lever in found.levers:
        ids = found.moving(lever)
        if not ids:
            continue
        own = table[ids].to_numpy(float)
        nation, total = own.sum(0), own.sum(1, keepdims=True)
        alike = nation / nation.sum() if nation.sum() > 0 else np.full(len(ids), 1 / len(ids))
        parts[ids] = np.where(total > 0, own / np.where(total > 0, total, 1.0), alike)
    return parts


def reach(found: Catalogue, table: pd.DataFrame, plan: str) -> pd.DataFrame:
    """Usable part of a lever's full strength (0 … 1): one row per province, one column per lever."""
    from models.parameters import row

    limits = pd.DataFrame(1.0, index=table.index, columns=list(found.levers))
    for lever in found.levers:
        own = table[found.moving(lever)].sum(axis=1)
        limits[lever] = (own > 0).astype(float)
        if lever in FULL:
            name, sectors, fuels, growth = FULL[lever]
            object_ = energy(plan).sel(sector=list(sectors), fuel=list(fuels)).sum(("sector", "fuel")).to_numpy()
            full = float(str(row(name)["default"])) * object_ * growth
            limits[lever] = np.clip(own / np.maximum(full, 1e-9), 0.0, 1.0)
    zones = tables.read("climate_zone")
    zone = list(zones.loc[zones["central_heating_zone"].astype(float) == 1, "province"])
    limits.loc[~limits.index.isin(zone), "heat reform"] = 0.0
    return limits


@cache
def shipped_shares(plan: str) -> pd.DataFrame:
    """`shares` of the shipped options of a plan."""
    return shares(catalogue(plan), sizes(catalogue(plan), plan))


@cache
def shares_of_places(plan: str) -> pd.DataFrame:
    """`shipped_shares`; in a region pack every place has the shares of all shipped provinces together."""
    own = region()
    if own is None:
        return shipped_shares(plan)
    whole = sizes(catalogue(plan), plan).sum().to_frame().T
    pooled = shares(catalogue(plan), whole)
    return pd.DataFrame(np.repeat(pooled.to_numpy(), len(own.places), axis=0), list(own.places), pooled.columns)


@cache
def shipped_reach(plan: str) -> pd.DataFrame:
    """`reach` of the shipped options of a plan."""
    return reach(catalogue(plan), sizes(catalogue(plan), plan), plan)
