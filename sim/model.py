"""A model file, ready to run: once, or for every member of an ensemble."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from sim import oracle
from sim.backends import choose
from sim.compiler.ir import Module, Variable
from sim.compiler.plan import check
from sim.compiler.structure import build
from sim.design import Names, Request, read
from sim.ensemble import Engine, Progress, Run
from sim.errors import SimError
from sim.sinks import Memory, Sink

Value = float | xr.DataArray


class Model:
    """A Vensim or XMILE model.

    Attributes:
        path: the model file.
        variables: every variable by its name in the file.
        subscripts: the elements of every subscript range.
    """

    def __init__(self, path: Path, module: Module) -> None:
        self.path, self._module = path, module
        self.variables: Mapping[str, Variable] = MappingProxyType(module.variables)
        self.subscripts: Mapping[str, tuple[str, ...]] = MappingProxyType(
            {name: axis.elements for name, axis in module.axes.items() if not name.endswith("!")}
        )
        self._names, self._engine = Names(module), Engine(module)

    @classmethod
    def load(cls, path: str | Path, *, encoding: str | None = None, data_files: Any = None) -> Model:
        """Read a model file that PySD can parse.

        Args:
            path: a .mdl or XMILE file.
            encoding: of the file; by default its own declaration, or UTF-8.
            data_files: files with the values of data variables, as PySD takes them.

        Raises:
            ModelError: not a model file, or one that PySD cannot parse.
            Refused: the model uses what the engine does not reproduce.
            CircularError: equations that need each other.
            UnknownNameError: an equation uses a name that is not defined.
        """
        path = Path(path)
        module = build(oracle.abstract_model(path, encoding), path, data_files)
        check(module)
        return cls(path, module)

    @property
    def module(self) -> Module:
        """The intermediate form."""
        return self._module

    def run(
        self,
        params: Mapping[str, Value] | None = None,
        outputs: Iterable[str] | None = None,
        times: Iterable[float] | None = None,
        backend: str = "auto",
    ) -> xr.Dataset:
        """One run.

        Args:
            params: values of constants (or of other variables but stocks, whose equations are then cut) by name or
                `name[element,element]`: a number, an array over some of the variable's dims, or an array with a dim
                `time` (linear between its points, held beyond them).
            outputs: names of variables; by default all that have values.
            times: save points; by default those of SAVEPER.
            backend: auto, native, numpy or pysd.

        Returns:
            float64 variables with dims (model dims..., time) and attribute `units`.

        Raises:
            UnknownNameError: an output that the model does not have.
            DesignError: parameters that do not fit.
        """
        return self.ensemble(None, outputs, params=params, times=times, backend=backend).isel(member=0, drop=True)

    def ensemble(
        self,
        design: pd.DataFrame | xr.Dataset | None,
        outputs: Iterable[str] | None = None,
        *,
        params: Mapping[str, Value] | None = None,
        times: Iterable[float] | None = None,
        workers: int = 1,
        batch: int | None = None,
        backend: str = "auto",
        sink: Sink | None = None,
        progress: Progress | None = None,
    ) -> xr.Dataset:
        """One run for every member of a design. The result does not depend on `workers` or `batch`.

        Args:
            design: a DataFrame (columns are parameter names, rows members), or a Dataset of arrays with a dim `member`,
                any dims of the variable and, for a series, `time`.
            outputs: names of variables; by default all that have values.
            params: values common to all members, as in `run`; the design has precedence.
            times: save points; by default those of SAVEPER.
            workers: threads.
            batch: members at a time (bounds memory).
            backend: auto (native, else NumPy), native, numpy or pysd.
            sink: takes the results batch by batch; by default they are kept in memory.
            progress: called with (members done, members in all); False stops the run.

        Returns:
            float64 variables with dims (member, model dims..., time) and attribute `units`.

        Raises:
            UnknownNameError: an output that the model does not have.
            DesignError: a design or parameters that do not fit; the message names all faults.
            Cancelled: the progress callback returned False.
        """
        if workers < 1 or (batch is not None and batch < 1):
            raise SimError(f"workers and batch must be 1 or more, got {workers} and {batch}")
        request = read(self._module, params, design)
        chosen = self._outputs(outputs)
        grid = self._engine.grid(request, None if times is None else [float(time) for time in times])
        slots = tuple(dict.fromkeys(variable.slot for variable in chosen if variable.slot is not None))
        run = Run(self._engine, request, slots, grid, choose(backend), workers, batch, progress)
        target = sink or Memory()
        target.begin(self._template(request, chosen, grid.labels), request.members)
        try:
            for members, values in run.batches():
                target.write(members, {one.name: values[one.slot] for one in chosen if one.slot is not None})
        except BaseException:
            target.abort()
            raise
        return target.finish()

    def _outputs(self, outputs: Iterable[str] | None) -> Sequence[Variable]:
        if outputs is None:
            return [variable for variable in self.variables.values() if variable.slot is not None]
        if isinstance(outputs, str):
            raise SimError(f"outputs must be a list of names, got the text {outputs!r}")
        chosen = [self._names.find(name) for name in outputs]
        lookups = [variable.name for variable in chosen if variable.slot is None]
        if lookups:
            raise SimError(f"lookups have no values of their own: {', '.join(lookups)}")
        return list({variable.name: variable for variable in chosen}.values())

    def _template(self, request: Request, chosen: Sequence[Variable], labels: np.ndarray) -> xr.Dataset:
        """The coordinates and, without data, the variables of a result."""
        dims = dict.fromkeys(dim for variable in chosen for dim in variable.dims)
        coords: dict[str, Any] = {dim: np.array(self.subscripts[dim], dtype=str) for dim in dims}
        members = request.labels if request.labels is not None else np.arange(request.members)
        template = xr.Dataset(coords={"member": members, **coords, "time": labels})
        template.attrs["variables"] = tuple(chosen)
        return template
