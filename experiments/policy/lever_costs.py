"""Costs and savings of a lever in each province: the sum of its options, which the model's accounts read.

Everything is per unit of the saving that the model books for a lever (Mtce a year), at 2005 prices:

    capital    Σ w K (1 − learning)^(years) / saving of a unit          Gyuan·year/Mtce
    operating  Σ w O / saving of a unit                                  Gyuan/Mtce
    price      Σ w (price out × avoided − price in × taken) / saving     Gyuan/Mtce
    carbon     Σ w (carbon out × avoided − carbon in × taken) / saving   Mt/Mtce

w is an option's part of its lever (`experiments.policy.size.shares` times its strength). Social: prices without taxes,
the social rate of discount; private: what users pay, the rate that firms ask. The model carries the social account.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from calibration.places import region
from experiments.policy.catalogue import FOLDER, Catalogue, Option
from experiments.policy.economics import Draw, central, deflator, economics, real
from experiments.policy.size import COAL_PER_KWH, HEAT_OF_POWER, provinces

Array = NDArray[np.float64]
Value = Callable[[str], Array]
Perspective = Literal["social", "private"]
MIDDLE = {"2011-2015": 2013, "2026-2030": 2028}
"""Middle year of each plan, for which costs and prices are given."""

AT_HEAT_VALUE = ("electrification",)
"""Levers whose saving the model books with electricity at its heat value; elsewhere it counts at coal equivalent."""

IDLE_LIFE = 15.0
"""Years, for a lever without options or cost, where it does not count."""

THOUSAND = 1000.0  # yuan/tce = Gyuan/Mtce × 1,000
PARAMETERS = {
    "capital cost": "Gyuan*year/Mtce",
    "operating cost": "Gyuan/Mtce",
    "price of energy saved": "Gyuan/Mtce",
    "co2 per energy saved": "Mt/Mtce",
    "programme cost weight": "Dmnl",
    "lever lifetime": "year",
}
"""The model's parameters that come from the options, with their units."""


@cache
def _provincial_prices() -> pd.DataFrame:
    """`prices.csv`: nominal price, yuan/tce, one row per province, one column per fuel."""
    table = pd.read_csv(FOLDER / "prices.csv")
    return table.pivot_table(index="province", columns="fuel", values="value").reindex(list(provinces()))


def price(fuel: str, plan: str, perspective: Perspective, draw: Draw = central) -> Array:
    """Price of a fuel, yuan of 2005 per tce at heat value, mean of the plan's years: (draw, province).

    Electricity per tce of heat value too. Social prices leave out value-added and excise tax.
    """
    tables = economics()
    own = tables.prices[plan]["coal" if fuel == "power coal" else fuel]
    level = draw(own)[:, None] / deflator(own.price_year or 2005)
    if fuel in ("coal", "power coal", "oil", "gas"):
        column = "coal" if fuel == "power coal" else fuel
        level = level * _provincial_prices()[column].to_numpy(float)[None, :]
    else:
        level = level * np.ones((1, len(provinces())))
    if fuel == "electricity":
        level = level * THOUSAND / HEAT_OF_POWER  # yuan/kWh = Gyuan/TWh; over Mtce/TWh
    if perspective == "social":
        vat = draw(tables.taxes["vat_reduced" if fuel in ("gas", "heat") else "vat"])[:, None]
        excise = draw(real(tables.taxes["excise_oil"]))[:, None] if fuel == "oil" else 0.0
        level = level / (1 + vat) - excise
    return np.asarray(level, float)


def _carbon(fuel: str, draw: Draw) -> Array:
    """CO2 of a fuel, t per tce at heat value: (draw,); electricity at the coal of the average plant."""
    if fuel == "electricity":
        return draw(economics().carbon["power coal"]) * COAL_PER_KWH / HEAT_OF_POWER
    return draw(economics().carbon[fuel])


@dataclass(frozen=True)
class UnitCosts:
    """Costs of one option per Mtce that its lever books: (draw,) or, prices, (draw, province). See the module."""

    capital: Array
    operating: Array
    price: Array
    carbon: Array
    programme: Array
    life: Array

    def price_in(self, names: Sequence[str]) -> Array:
        """Prices of these provinces: (draw, province); in a region pack the median of the shipped ones."""
        if region() is not None:
            return np.repeat(np.median(self.price, axis=1, keepdims=True), len(names), axis=1)
        known = list(provinces())
        return self.price[:, [known.index(name) for name in names]]


def unit_costs(option: Option, plan: str, perspective: Perspective = "social", draw: Draw = central) -> UnitCosts:
    """The costs of one option per Mtce of saving, at the middle of the plan."""
    per = draw(option.basis)
    share = draw(option.attributable) if option.attributable else np.ones_like(per)
    capital = draw(real(option.capital_cost)) * share * _learnt(option, plan, draw)
    return UnitCosts(
        capital=capital / per / THOUSAND,
        operating=draw(real(option.operating_cost)) * share / per / THOUSAND,
        price=_bill(option, per, plan, perspective, draw),
        carbon=_net(option, per, draw, lambda fuel: _carbon(fuel, draw)[:, None])[:, 0],
        programme=draw(option.programme_cost),
        life=draw(option.lifetime),
    )


def _learnt(option: Option, plan: str, draw: Draw) -> Array:
    """What learning leaves of the capital cost by the middle of the plan."""
    if option.learning is None or option.capital_cost.price_year is None:
        return np.ones(1)
    years = max(MIDDLE[plan] - option.capital_cost.price_year, 0)
    return np.asarray((1 - draw(option.learning)) ** years, float)


def _bill(option: Option, per: Array, plan: str, perspective: Perspective, draw: Draw) -> Array:
    """Energy not bought, Gyuan/Mtce: (draw, province); none where output moves.

    What moves to another sector is value added, from which the energy that was bought is already taken off: the bill
    that goes with it is no gain. Capture keeps CO2 from the air and saves no fuel; what it burns is an operating cost.
    """
    if option.kind in ("structure", "capture"):
        return np.zeros((len(per), len(provinces())))
    return _net(option, per, draw, lambda fuel: price(fuel, plan, perspective, draw)) / THOUSAND


def _net(option: Option, per: Array, draw: Draw, value: Value) -> Array:
    """Value of the energy that an option saves, per unit of its saving: energy avoided less energy taken instead."""
    out = value(option.fuel)
    if option.fuel == "electricity":
        out = out * HEAT_OF_POWER / COAL_PER_KWH  # a tce of coal equivalent is less electricity than one of heat value
    if option.fuel_in is None:
        return out * np.ones_like(per)[:, None]
    avoided = draw(option.avoided)[:, None]
    taken = avoided - draw(option.basis)[:, None]
    into = value(option.fuel_in)
    if option.fuel_in == "electricity" and option.lever not in AT_HEAT_VALUE:
        into = into * HEAT_OF_POWER / COAL_PER_KWH
    return np.asarray((out * avoided - into * taken) / per[:, None], float)


def weights(found: Catalogue, parts: pd.DataFrame, strengths: Mapping[str, float]) -> pd.DataFrame:
    """Each option's part of its lever in a mix, by province; the parts of a lever add to one.

    parts: `size.shares`; strengths: of the options in the mix. A lever that does not move keeps its plain shares.
    """
    moved = parts * pd.Series({name: strengths.get(name, 0.0) for name in parts.columns})
    for lever in found.levers:
        ids = found.moving(lever)
        total = moved[ids].sum(axis=1)
        moved[ids] = moved[ids].div(total.where(total > 0, 1.0), axis=0).where(total > 0, parts[ids], axis=0)
    return moved


@cache
def mean_programme() -> float:
    """The model's `programme cost share`, over which an option's own share is a weight."""
    from models.parameters import row

    return float(str(row("programme cost share")["default"]))


def parameters(found: Catalogue, plan: str, parts: pd.DataFrame) -> dict[str, xr.DataArray]:
    """The model's cost parameters (province, lever), social: see PARAMETERS. parts: as from `weights`."""
    levers = list(found.levers)
    values = {name: np.zeros((len(parts), len(levers))) for name in PARAMETERS}
    grown = (1 + economics().rates["price_growth"].value) ** (MIDDLE[plan] - 2005)
    for column, lever in enumerate(levers):
        capital = np.zeros(len(parts))
        for name in found.moving(lever):
            share, cost = parts[name].to_numpy(float), unit_costs(found[name], plan)
            own = share * cost.capital
            capital += own
            values["operating cost"][:, column] += share * cost.operating
            values["price of energy saved"][:, column] += share * cost.price_in(list(parts.index))[0] / grown
            values["co2 per energy saved"][:, column] += share * cost.carbon
            values["programme cost weight"][:, column] += own * cost.programme / mean_programme()
            values["lever lifetime"][:, column] += own * cost.life
        values["capital cost"][:, column] = capital
        safe = np.where(capital > 0, capital, 1.0)
        values["programme cost weight"][:, column] /= safe
        life = values["lever lifetime"][:, column] / safe
        values["lever lifetime"][:, column] = np.where(capital > 0, life, IDLE_LIFE)
    coords = {"province": list(parts.index), "lever": levers}
    return {
        name: xr.DataArray(array, coords, ("province", "lever"), attrs={"units": PARAMETERS[name]})
        for name, array in values.items()
    }
