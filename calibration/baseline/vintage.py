"""Editions of one statistic: two of them are not one series, so `join` and `change` refuse to cross between them."""

from collections.abc import Mapping, Sequence
from itertools import pairwise

import xarray as xr

from models.reading.faults import InputError
from models.reading.names import choose


class VintageError(InputError):
    """A series was asked for across editions of its statistic. vintages: edition → years of it in the request."""

    def __init__(self, name: str, vintages: Mapping[str, Sequence[int]]) -> None:
        self.name, self.vintages = name, dict(vintages)
        found = ", ".join(f"{vintage} ({spans(years)})" for vintage, years in vintages.items())
        super().__init__(f"{name}: the years asked for belong to {len(vintages)} vintages: {found}; stay within one")


def join(data: xr.Dataset, name: str, first: int, last: int) -> xr.DataArray:
    """The years first … last of one series, which must be of one vintage.

    Raises VintageError naming years and vintages when they are not, InputError for an unknown name or missing year.
    """
    series = sorted(str(key).removesuffix("_vintage") for key in data if str(key).endswith("_vintage"))
    name = choose(name, series, "series")
    vintage = data[f"{name}_vintage"]
    if "year" not in vintage.dims:
        raise InputError(f"{name} is not a yearly series")
    found: dict[str, list[int]] = {}
    for year in range(first, last + 1):
        label = str(vintage.sel(year=year).item()) if year in vintage["year"] else ""
        found.setdefault(label, []).append(year)
    missing = found.pop("", [])
    if len(found) > 1:
        raise VintageError(name, found)
    if missing:
        raise InputError(f"{name}: no figure for {spans(missing)}; known: {spans(_known(vintage))}")
    return data[name].sel(year=slice(first, last))


def change(data: xr.Dataset, name: str, first: int, last: int) -> xr.DataArray:
    """Relative change of a series between two years of one vintage (0.1 = 10 % more). Raises as `join`."""
    years = join(data, name, first, last)
    return years.sel(year=last, drop=True) / years.sel(year=first, drop=True) - 1


def breaks(data: xr.Dataset, name: str) -> list[tuple[int, str, str]]:
    """Years in which a series starts a new vintage: (year, the vintage before, the vintage from then on)."""
    vintage = data[f"{name}_vintage"]
    if "year" not in vintage.dims:
        return []
    known = [(year, str(vintage.sel(year=year).item())) for year in _known(vintage)]
    return [(year, old, new) for (_, old), (year, new) in pairwise(known) if old != new]


def _known(vintage: xr.DataArray) -> list[int]:
    return [int(year) for year in vintage["year"].values[vintage.values != ""]]


def spans(years: Sequence[int]) -> str:
    """2005-2010, 2013 for a list of years."""
    parts: list[list[int]] = []
    for year in years:
        if parts and year == parts[-1][-1] + 1:
            parts[-1].append(year)
        else:
            parts.append([year])
    return ", ".join(f"{part[0]}-{part[-1]}" if len(part) > 1 else str(part[0]) for part in parts)
