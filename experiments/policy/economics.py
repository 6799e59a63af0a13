"""Prices, rates and the stated assumptions of the accounts (economics.yaml), in 2005 prices, fixed or drawn."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from experiments.policy.catalogue import FOLDER, Quantity
from models.reading.faults import InputError
from models.reading.schema import validated
from models.reading.yaml_file import read_yaml

Array = NDArray[np.float64]
Draw = Callable[[Quantity], Array]
"""A quantity as an array over draws: its central value, or one draw per member."""


class Economics(BaseModel):
    """The tables of economics.yaml."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    rates: Mapping[str, Quantity]
    prices: Mapping[str, Mapping[str, Quantity]]
    taxes: Mapping[str, Quantity]
    carbon: Mapping[str, Quantity]
    goods: Mapping[str, Any]
    demand: Mapping[str, Any]
    closure: Mapping[str, Quantity]
    health: Mapping[str, Quantity]
    comparison: Mapping[str, Quantity]


@cache
def economics(path: Path = FOLDER / "economics.yaml") -> Economics:
    """The assumptions as read. Raises InputError with every fault."""
    document = read_yaml(path, "the table of prices")
    tables, faults = validated(Economics, document)
    if tables is None or document.faults:
        raise InputError(document.faults + faults)
    return tables


@cache
def measured() -> xr.Dataset:
    """The measured baseline, once a process."""
    from calibration import baseline

    return baseline.load()


@cache
def _deflators() -> Mapping[int, float]:
    """Pooled GDP deflator of the provinces, 2005 = 1: current over constant prices of 2005."""
    data = measured()
    both = data[["gdp_nominal", "gdp"]].sum("province", min_count=data.sizes["province"])
    ratio = (both["gdp_nominal"] / both["gdp"]).dropna("year")
    index = ratio / ratio.sel(year=2005)
    return {int(year): float(value) for year, value in zip(index["year"], index, strict=True)}


def deflator(year: int) -> float:
    """Price level of a year, 2005 = 1: measured to 2015, then the assumed yearly rise.

    Raises InputError for a year before the table.
    """
    known = _deflators()
    last = max(known)
    if year > last:
        return float(known[last] * (1 + economics().rates["deflator_after_2015"].value) ** (year - last))
    if year not in known:
        raise InputError(f"no price level for {year}; prices may be of {min(known)} or later")
    return known[year]


def real(quantity: Quantity) -> Quantity:
    """A money quantity at 2005 prices; one without a price year stays as it is."""
    if quantity.price_year is None:
        return quantity
    level = deflator(quantity.price_year)
    change = {name: getattr(quantity, name) / level for name in ("low", "value", "high")}
    return quantity.model_copy(update={**change, "price_year": 2005})


def central(quantity: Quantity) -> Array:
    """The central value of a number, in the form of draws.

    Args:
        quantity: the number.

    Returns:
        One value (1,), in the unit of the number.
    """
    return np.array([quantity.value])


@dataclass
class Triangular:
    """One draw per member and quantity, dense near its value and as often below as above it: the value is the median.

    Each side is half a triangle that falls from the value to its bound. Asked twice for the same quantity it gives the
    same draws.
    """

    members: int
    rng: np.random.Generator

    def __post_init__(self) -> None:
        self._known: dict[Quantity, Array] = {}

    def __call__(self, quantity: Quantity) -> Array:
        """Shape (members,); a quantity without range is constant."""
        if quantity not in self._known:
            side, far = self.rng.random(self.members) < 0.5, 1 - np.sqrt(self.rng.random(self.members))
            reach = np.where(side, quantity.low - quantity.value, quantity.high - quantity.value)
            self._known[quantity] = quantity.value + reach * far
        return self._known[quantity]


@cache
def energy_supply_shares() -> xr.DataArray:
    """Each province's part of the coal, oil and gas that the provinces produce, by heat value (balance of 2007)."""
    from calibration import tables

    table = tables.read("balance_2007")
    made = table[(table["flow"] == "production") & table["fuel"].isin(["raw_coal", "crude_oil", "natural_gas"])]
    names = list(tables.provinces())
    amount = made.groupby("province")["value"].sum().reindex(names).fillna(0.0)
    return xr.DataArray(amount / amount.sum(), {"province": names}, ("province",), attrs={"units": "Dmnl"})
