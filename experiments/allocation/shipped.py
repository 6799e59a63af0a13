"""The shipped figures, read once a process: reading validates a table, and rules are called hundreds of times."""

from functools import cache

import pandas as pd
import xarray as xr

from calibration import tables


@cache
def table(name: str) -> pd.DataFrame:
    """A measured table. Whoever wants to change it takes a copy."""
    return tables.read(name)


@cache
def baseline() -> xr.Dataset:
    """The measured baseline; in a region pack the figures of that pack."""
    from calibration import baseline as measured
    from calibration import region

    pack = region.active()
    return region.as_baseline(pack, measured.load()) if pack else measured.load()
