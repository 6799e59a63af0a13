"""Where results go: memory, NetCDF or Parquet. A sink sees one batch of members at a time."""

from __future__ import annotations

import glob
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from sim.compiler.ir import Variable
from sim.errors import SimError

Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ResultLayout:
    """The shape of a result.

    Attributes:
        variables: the variables that are kept.
        subscripts: the elements of every dim of the variables, as its coordinate.
        members: the member coordinate.
        times: save points.
    """

    variables: Sequence[Variable]
    subscripts: Mapping[str, xr.Variable]
    members: NDArray[Any]
    times: Values

    def shape(self, variable: Variable) -> tuple[int, ...]:
        """Number of elements of every dim of a variable."""
        return tuple(len(self.subscripts[dim]) for dim in variable.dims)

    def coords(self) -> dict[str, Any]:
        """Coordinates of the dims of the variables, and time."""
        return {**self.subscripts, "time": self.times}


class Sink(Protocol):
    """Receives the results of an ensemble batch by batch. The engine calls `begin`, `write` for each batch, then
    `finish`.
    """

    def begin(self, layout: ResultLayout) -> None:
        """Prepare."""

    def write(self, members: slice, values: Mapping[str, Values]) -> None:
        """Take the values (times, cells, members) of some members by name; a single member is valid for all of them."""

    def finish(self) -> xr.Dataset:
        """Close and return the results, with dims (member, model dims..., time)."""

    def abort(self) -> None:
        """Leave nothing half-written."""


@dataclass(slots=True)
class InMemory:
    """Keeps everything in memory."""

    layout: ResultLayout | None = None
    data: dict[str, Values] = field(default_factory=dict)

    def begin(self, layout: ResultLayout) -> None:
        """Remember the shape."""
        self.layout, self.data = layout, {}

    def write(self, members: slice, values: Mapping[str, Values]) -> None:
        """Keep a batch of all members as it is, copy part of them."""
        assert self.layout is not None
        total = len(self.layout.members)
        for name, array in values.items():
            if array.shape[-1] == total:
                self.data[name] = array
                continue
            if name not in self.data:
                self.data[name] = np.empty((*array.shape[:2], total))
            self.data[name][:, :, members] = array

    def finish(self) -> xr.Dataset:
        """A Dataset with dims (member, model dims..., time)."""
        assert self.layout is not None
        variables = {}
        for variable in self.layout.variables:
            array = _members_first(self.data[variable.name], self.layout.shape(variable))
            variables[variable.name] = (("member", *variable.dims, "time"), array, {"units": variable.units})
        return xr.Dataset(variables, coords={"member": self.layout.members, **self.layout.coords()})

    def one(self) -> xr.Dataset:
        """The first member alone, without the dim."""
        assert self.layout is not None
        variables = {}
        for variable in self.layout.variables:
            array = _members_first(self.data[variable.name], self.layout.shape(variable))[0]
            variables[variable.name] = ((*variable.dims, "time"), array, {"units": variable.units})
        return xr.Dataset(variables, coords=self.layout.coords())

    def abort(self) -> None:
        """Forget."""
        self.data.clear()


def _members_first(data: Values, shape: tuple[int, ...]) -> Values:
    full = data.reshape((data.shape[0], *shape, data.shape[-1]))
    return full.transpose((full.ndim - 1, *range(1, full.ndim - 1), 0))


class NetCDF:
    """Writes one NetCDF file; `finish` returns it lazily opened.

    The file appears under its name when it is complete, never half-written.

    Args:
        path: the file.
        dtype: of the stored values, float64 or float32.

    >>> from sim import Model
    >>> design = {"contacts": [6.0, 9.0]}
    >>> result = Model.load("docs/sir.mdl").ensemble(design, ["recovered"], sink=NetCDF(folder / "r.nc", "float32"))
    >>> result["recovered"].dtype, result.sizes["member"]
    (dtype('float32'), 2)
    >>> result.close()
    """

    def __init__(self, path: str | Path, dtype: str = "float64") -> None:
        self.path, self.dtype = Path(path), dtype
        self.part = _part_of(self.path)
        self.file: Any = None
        self.layout: ResultLayout | None = None
        self.stored: dict[str, str] = {}

    def begin(self, layout: ResultLayout) -> None:
        """Create dims, coordinates and variables."""
        import netCDF4

        self.layout = layout
        self.file = file = netCDF4.Dataset(self.part, "w")
        file.createDimension("member", len(layout.members))
        kinds = {"f": "f8", "i": "i8", "u": "u8"}
        kind: Any = kinds.get(layout.members.dtype.kind, str)
        members = layout.members if kind is not str else np.array([str(one) for one in layout.members], dtype=object)
        file.createVariable("member", kind, ("member",))[:] = members
        file.createDimension("time", len(layout.times))
        file.createVariable("time", "f8", ("time",))[:] = layout.times
        for dim, elements in layout.subscripts.items():
            file.createDimension(_safe(dim), len(elements))
            file.createVariable(_safe(dim), str, (_safe(dim),))[:] = np.array(elements, dtype=object)
        for variable in layout.variables:
            self.stored[variable.name] = _safe(variable.name)
            dims = ("member", *map(_safe, variable.dims), "time")
            stored = file.createVariable(_safe(variable.name), self.dtype, dims)
            stored.units, stored.model_name = variable.units, variable.name

    def write(self, members: slice, values: Mapping[str, Values]) -> None:
        """Write a batch."""
        assert self.layout is not None
        count = members.stop - members.start
        for variable in self.layout.variables:
            array = _members_first(values[variable.name], self.layout.shape(variable))
            full = np.broadcast_to(array, (count, *array.shape[1:]))
            self.file[self.stored[variable.name]][members] = full

    def finish(self) -> xr.Dataset:
        """Close the file, give it its name and open it."""
        self.file.close()
        os.replace(self.part, self.path)
        opened = xr.open_dataset(self.path)
        names = {name: array.attrs["model_name"] for name, array in opened.data_vars.items()}
        return opened.rename({name: new for name, new in names.items() if name != new})

    def abort(self) -> None:
        """Remove what was written."""
        if self.file is not None and self.file.isopen():
            self.file.close()
        self.part.unlink(missing_ok=True)


def sink_for(sink: Sink | str | Path | None) -> Sink:
    """The sink of an argument: a path by its ending (.nc, .parquet), a sink as it is, None for memory.

    Raises:
        SimError: a path with another ending, or in a folder that does not exist.
    """
    if sink is None:
        return InMemory()
    if not isinstance(sink, str | Path):
        return sink
    if not Path(sink).absolute().parent.is_dir():
        raise SimError(f"sink={str(sink)!r}: there is no folder {str(Path(sink).parent)!r}; make it first")
    if Path(sink).suffix.lower() == ".nc":
        return NetCDF(sink)
    if Path(sink).suffix.lower() == ".parquet":
        return Parquet(sink)
    raise SimError(f"sink={str(sink)!r}: the ending must be .nc or .parquet")


def _part_of(path: Path) -> Path:
    """The file beside `path` that this process fills; those of processes that were killed are deleted."""
    for part in path.parent.glob(f".{glob.escape(path.name)}.*.part"):
        from psutil import pid_exists

        number = part.name.split(".")[-2]
        if number.isdecimal() and not pid_exists(int(number)):
            part.unlink(missing_ok=True)
    return path.with_name(f".{path.name}.{os.getpid()}.part")


def _safe(name: str) -> str:
    """A name that NetCDF takes: it forbids slashes, control characters and blanks at the end."""
    kept = "".join("_" if char == "/" or not char.isprintable() else char for char in name.strip())
    return kept[:200] if kept and (kept[0].isalnum() or kept[0] == "_") else f"v_{kept[:200]}"


class Parquet:
    """Writes one long table (member, time, one column per variable) for variables with the same dims.

    Columns of dims hold the element names. `finish` returns an empty Dataset whose attribute `path` is the file.

    Args:
        path: the file; it appears under this name when it is complete.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.part = _part_of(self.path)
        self.writer: Any = None
        self.layout: ResultLayout | None = None

    def begin(self, layout: ResultLayout) -> None:
        """Check that one table can hold the variables."""
        dims = {variable.dims for variable in layout.variables}
        if len(dims) > 1:
            raise SimError(f"one table needs variables of the same dims, got {sorted(dims)}; write one file for each")
        self.layout = layout

    def write(self, members: slice, values: Mapping[str, Values]) -> None:
        """Append a batch."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        assert self.layout is not None
        layout, count = self.layout, members.stop - members.start
        first = layout.variables[0]
        shape = (count, *layout.shape(first), len(layout.times))
        axes: list[tuple[str, Any]] = [("member", layout.members[members])]
        axes += [(dim, np.array(layout.subscripts[dim], dtype=object)) for dim in first.dims]
        axes += [("time", layout.times)]
        columns: dict[str, Any] = {}
        for position, (name, labels) in enumerate(axes):
            view = labels.reshape([-1 if i == position else 1 for i in range(len(shape))])
            columns[name] = np.broadcast_to(view, shape).reshape(-1)
        for variable in layout.variables:
            array = _members_first(values[variable.name], layout.shape(variable))
            columns[variable.name] = np.broadcast_to(array, shape).reshape(-1)
        table = pa.table(columns)
        if self.writer is None:
            self.writer = pq.ParquetWriter(self.part, table.schema)
        self.writer.write_table(table)

    def finish(self) -> xr.Dataset:
        """Close the file and give it its name."""
        self.writer.close()
        os.replace(self.part, self.path)
        return xr.Dataset(attrs={"path": str(self.path)})

    def abort(self) -> None:
        """Remove what was written."""
        if self.writer is not None:
            self.writer.close()
        self.part.unlink(missing_ok=True)
