"""Editions (vintages) of one statistic. Two of them are not one series, so that `join` and `change` refuse to mix
them.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise

import xarray as xr

from models.reading.faults import InputError
from models.reading.names import choose


class VintageError(InputError):
    """A request for a series that crosses from one edition of its statistic to another.

    Args:
        name: the series.
        vintages: edition → years of the request that belong to it.
    """

    def __init__(self, name: str, vintages: Mapping[str, Sequence[int]]) -> None:
        self.name, self.vintages = name, dict(vintages)
        found = ", ".join(f"{vintage} ({spans(years)})" for vintage, years in vintages.items())
        super().__init__(f"{name}: the years asked for belong to {len(vintages)} vintages: {found}; stay within one")


def join(data: xr.Dataset, name: str, first: int, last: int) -> xr.DataArray:
    """The years `first` to `last` of one series, all of one vintage.

    Args:
        data: the measured baseline, as from `load`.
        name: the series.
        first: first year.
        last: last year.

    Returns:
        The series in its own dimensions, restricted to these years.

    Raises:
        VintageError: the years belong to several vintages; it names them.
        InputError: the name is unknown or a year has no figure.

    >>> from calibration import baseline
    >>> join(baseline.load(), "energy_total", 2005, 2010).sizes["year"]
    6
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
    """Relative change of a series between two years of one vintage.

    Args:
        data: the measured baseline, as from `load`.
        name: the series.
        first: first year.
        last: last year.

    Returns:
        The change as a fraction (0.1 means 10 % more), in the dimensions of the series without year.

    Raises:
        VintageError: the years belong to several vintages.
        InputError: the name is unknown or a year has no figure.

    >>> from calibration import baseline
    >>> round(float(change(baseline.load(), "gdp", 2005, 2010).sel(province="Guangdong")), 3)
    0.797
    """
    years = join(data, name, first, last)
    return years.sel(year=last, drop=True) / years.sel(year=first, drop=True) - 1


def breaks(data: xr.Dataset, name: str) -> list[tuple[int, str, str]]:
    """Years in which a series starts a new vintage.

    Args:
        data: the measured baseline, as from `load`.
        name: the series.

    Returns:
        (year, vintage before it, vintage from that year on) for each break, in order of the years.

    >>> from calibration import baseline
    >>> breaks(baseline.load(), "sector_energy")[1]
    (2008, 'balance-2005', 'balance-2008')
    """
    vintage = data[f"{name}_vintage"]
    if "year" not in vintage.dims:
        return []
    known = [(year, str(vintage.sel(year=year).item())) for year in _known(vintage)]
    return [(year, old, new) for (_, old), (year, new) in pairwise(known) if old != new]


def _known(vintage: xr.DataArray) -> list[int]:
    """Years in which a series has a figure."""
    return [int(year) for year in vintage["year"].values[vintage.values != ""]]


def spans(years: Sequence[int]) -> str:
    """Years in words, with consecutive years joined.

    Args:
        years: years in ascending order.

    Returns:
        Single years and spans, separated by commas.

    >>> spans([2005, 2006, 2007, 2013])
    '2005-2007, 2013'
    """
    parts: list[list[int]] = []
    for year in years:
        if parts and year == parts[-1][-1] + 1:
            parts[-1].append(year)
        else:
            parts.append([year])
    return ", ".join(f"{part[0]}-{part[-1]}" if len(part) > 1 else str(part[0]) for part in parts)
