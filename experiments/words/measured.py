"""Measured series, drawn under projections."""

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import xarray as xr

from calibration.places import NATION
from experiments.words.charts import Dots

Array = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True)
class Measured:
    """The measured series, drawn under the projections."""

    data: xr.Dataset

    @staticmethod
    @cache
    def load() -> "Measured":
        """The shipped baseline, read once a process."""
        from experiments.allocation.shipped import baseline

        return Measured(baseline())

    @property
    def last_year(self) -> int:
        """Last year in which the energy intensity of any province was measured."""
        known = self.data["energy_intensity"].notnull().any("province")
        return int(self.data.year.values[known.values].max())

    def editions(self, name: str, years: Array) -> tuple[str, ...]:
        """The edition of the statistic that each of these years of a series belongs to."""
        return tuple(str(self.data[f"{name}_vintage"].sel(year=int(year)).item()) for year in years)

    def dots(self, name: str, province: str, label: str, scale: float = 1.0) -> Dots:
        """A series as it is drawn: values with errors and editions."""
        years, values, errors = self.series(name, province, scale)
        return Dots(label, years, values, errors, self.editions(name, years))

    def series(self, name: str, province: str, scale: float = 1.0, first: int = 2005) -> tuple[Array, Array, Array]:
        """Years, values and absolute errors (each (year), measured years only) of a series of a province.

        For "China" the sum of provinces (an intensity: their mean weighted by GDP), nothing where one is missing.
        """
        chosen = self.data[name].sel(year=slice(first, None))
        nation = province == NATION
        if nation and name.endswith("intensity"):
            gdp = self.data["gdp"].sel(year=slice(first, None))
            chosen = (chosen * gdp).sum("province", skipna=False) / gdp.sum("province", skipna=False)
        else:
            chosen = chosen.sum("province", skipna=False) if nation else chosen.sel(province=province)
        for dim in [dim for dim in chosen.dims if dim != "year"]:
            chosen = chosen.sum(str(dim), min_count=1)
        values = chosen.values.astype(float) * scale
        errors = np.zeros_like(values)
        if (
            (sigma := f"{name}_sigma") in self.data
            and province != NATION
            and self.data[sigma].dims == ("province", "year")
        ):
            errors = self.data[sigma].sel(province=province, year=slice(first, None)).values * values
        known = np.isfinite(values)
        return chosen.year.values[known].astype(float), values[known], np.nan_to_num(errors[known])
