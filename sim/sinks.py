"""Where results go: memory, or files of any size."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import numpy as np
import xarray as xr
from numpy.typing import NDArray

Values = NDArray[np.float64]


class Sink(Protocol):
    """Takes the results of an ensemble batch by batch."""

    def begin(self, template: xr.Dataset, members: int) -> None:
        """Prepare for results with the coordinates of `template`; its attribute `variables` lists the variables."""

    def write(self, members: slice, values: Mapping[str, Values]) -> None:
        """Take the values (times, cells, members) of some members by name; one member stands for all of them."""

    def finish(self) -> xr.Dataset:
        """Close and return the results."""

    def abort(self) -> None:
        """Leave nothing half-written."""


class Memory:
    """Keeps everything in memory."""

    def __init__(self) -> None:
        self.template = xr.Dataset()
        self.data: dict[str, Values] = {}

    def begin(self, template: xr.Dataset, members: int) -> None:
        """Make room."""
        self.template = template
        for variable in template.attrs["variables"]:
            cells = int(np.prod([template.sizes[dim] for dim in variable.dims], dtype=np.int64))
            self.data[variable.name] = np.empty((template.sizes["time"], cells, members))

    def write(self, members: slice, values: Mapping[str, Values]) -> None:
        """Copy a batch."""
        for name, array in values.items():
            self.data[name][:, :, members] = array

    def finish(self) -> xr.Dataset:
        """A Dataset with dims (member, model dims..., time)."""
        variables = {}
        for variable in self.template.attrs["variables"]:
            data = self.data[variable.name]
            shape = [self.template.sizes[dim] for dim in variable.dims]
            full = data.reshape((data.shape[0], *shape, data.shape[-1]))
            array = full.transpose((full.ndim - 1, *range(1, full.ndim - 1), 0))
            variables[variable.name] = (("member", *variable.dims, "time"), array, {"units": variable.units})
        return xr.Dataset(variables, coords=self.template.coords)

    def abort(self) -> None:
        """Forget."""
        self.data.clear()
