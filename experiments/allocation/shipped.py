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
    """The measured baseline."""
    from calibration import baseline as measured

    return measured.load()
