"""A model file, ready to run: once, or for every member of an ensemble."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from sim import oracle, pysd_backend, pysd_parser
from sim.backends import choose
from sim.clock import Grid
from sim.compiler import module_cache
from sim.compiler.build import build_module
from sim.compiler.codegen.separable import coupled
from sim.compiler.ir import Module, Variable
from sim.compiler.plan.planner import check_order, make_plan
from sim.design import Names, Request, as_design, draw, read
from sim.ensemble import BATCH_BYTES, MEMORY_BYTES, Engine, EnsembleRun
from sim.errors import ModelError, SimError, UnknownNameError
from sim.finite import Finite
from sim.progress import QUIET, Printer, Progress, callback
from sim.sinks import InMemory, ResultLayout, Sink, sink_for
from sim.wasm_export import WasmExport, export

Value = float | xr.DataArray
Design = pd.DataFrame | xr.Dataset | Mapping[str, Any] | None
RANDOM = ("refuse", "parameters")
INTEGRATIONS = ("euler", "rk2", "rk4")
KINDS = {"constant": "constant", "control": "clock", "stock": "initial value", "data": "series"}


class Model:
    """A Vensim or XMILE model.

    Attributes:
        path: the model file.
        variables: every variable by its name in the file.
        subscripts: the elements of every subscript range.
    """

    def __init__(self, path: Path, module: Module, encoding: str | None = None, data_files: Any = None) -> None:
        self.path, self._module = path, module
        self._encoding, self._data_files = encoding, data_files
        self.variables: Mapping[str, Variable] = MappingProxyType(module.variables)
        self.subscripts: Mapping[str, tuple[str, ...]] = MappingProxyType(
            {name: axis.elements for name, axis in module.axes.items() if not name.endswith("!")}
        )
        self._names, self._engine = Names(module), Engine(module)
        labels = {dim: np.array(elements, dtype=str) for dim, elements in self.subscripts.items()}
        self._labels = xr.Dataset(coords=labels).variables

    @classmethod
    def load(
        cls,
        path: str | Path,
        *,
        encoding: str | None = None,
        data_files: Any = None,
        random: str = "refuse",
        integration: str | None = None,
    ) -> Model:
        """Read a model file of Vensim (.mdl) or XMILE (.xmile, .xml, .stmx, .itmx).

        Args:
            path: the file.
            encoding: of the file; by default its own declaration, UTF-8, or GBK where it can be nothing else.
            data_files: files with the values of data variables, as PySD takes them.
            random: treatment of random functions: `refuse` them, or turn them into `parameters`. A result must depend
                on its parameters alone, so that their values are drawn outside (`Model.parameters` states from what).
            integration: euler, rk2 or rk4; by default the method of the file.

        Returns:
            the model, ready to run.

        Raises:
            ModelError: not a model file, or one that PySD cannot parse.
            Refused: the model uses a feature that the engine does not reproduce.
            CircularError: equations that need each other.
            UnknownNameError: an equation uses a name that is not defined.

        >>> model = Model.load("docs/sir.mdl")
        >>> model
        Model('sir.mdl': 3 stocks, 3 auxiliaries, 5 constants; age 3; time 0 to 160 by 0.25, euler)
        """
        path = Path(path)
        if random not in RANDOM:
            raise SimError(f"random={random!r}: it must be one of {', '.join(RANDOM)}")
        if integration is not None and integration not in INTEGRATIONS:
            raise SimError(f"integration={integration!r}: it must be one of {', '.join(INTEGRATIONS)}")
        usable = data_files is None and path.is_file() and path.stat().st_size <= pysd_parser.LARGEST
        key = module_cache.key(path, encoding, random) if usable else ""
        module = module_cache.load(key) if usable else None
        if module is None:
            module = build_module(pysd_parser.abstract_model(path, encoding), path, data_files, random)
            check_order(module)
            if usable and not module.external:
                module_cache.store(key, module)
        module.integration = integration or module.integration
        if module.integration not in INTEGRATIONS:
            raise ModelError(
                path,
                f"the file asks for {module.integration.upper()}, whose steps follow a tolerance; give "
                f"integration='{module.integration.split()[0]}' for steps of TIME STEP",
            )
        return cls(path, module, encoding, data_files)

    def __repr__(self) -> str:
        counts = Counter(one.kind for one in self.variables.values())
        words = {"auxiliary": "auxiliaries", "data": "data series"}
        kinds = [
            f"{counts[kind]} {kind if counts[kind] == 1 else words.get(kind, kind + 's')}"
            for kind in ("stock", "auxiliary", "constant", "lookup", "data")
            if counts[kind]
        ]
        used = {dim for one in self.variables.values() for dim in one.dims}
        dims = [f"{dim} {len(elements)}" for dim, elements in self.subscripts.items() if dim in used]
        clock, defaults = self._module.clock, self._module.defaults
        times = [defaults.get(slot) for slot in (clock.initial, clock.final, clock.step)]
        shown = [f"{float(value):g}" if value is not None else "?" for value in times]
        span = f"time {shown[0]} to {shown[1]} by {shown[2]}, {self._module.integration}"
        return f"Model({self.path.name!r}: {'; '.join(filter(None, [', '.join(kinds), ', '.join(dims), span]))})"

    def parameters(self) -> pd.DataFrame:
        """What can be given as a parameter.

        Returns:
            one row per parameter, by name (index `name`), with columns `default` (a number, an array over `dims`, or
            None where a value must be given or, for a stock, an equation gives it), `unit`, `dims`, `kind` (constant,
            clock, initial value, series, random), `low` and `high` (limits in the file) and `meaning`. The initial
            value of a stock goes by the name of the stock.

        >>> Model.load("docs/sir.mdl").parameters().loc["infectivity", ["default", "unit"]].to_list()
        [0.05, 'Dmnl']
        """
        module, rows = self._module, []
        for one in self.variables.values():
            kind = KINDS.get(one.kind)
            if kind is None or one.slot is None or one.slot in module.fixed:
                continue
            value = module.defaults.get(one.slot) if kind != "initial value" else None
            if kind == "clock" and value is None:  # computed from other constants
                continue
            stated = module.distributions.get(one.slot)
            rows.append(
                {
                    "name": one.name,
                    "default": None if value is None else _default(value, one, self.subscripts),
                    "unit": one.units,
                    "dims": one.dims,
                    "kind": "random" if stated else kind,
                    "low": one.limits[0],
                    "high": one.limits[1],
                    "meaning": stated or one.doc,
                }
            )
        columns = ["name", "default", "unit", "dims", "kind", "low", "high", "meaning"]
        return pd.DataFrame(rows, columns=columns).set_index("name")

    def __reduce__(self) -> tuple[type[Model], tuple[Path, Module, str | None, Any]]:
        """A model may be sent to another process; kernels come from the cache on disk there."""
        return Model, (self.path, self._module, self._encoding, self._data_files)

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
            params: values of constants (or of other variables, whose equations are then cut) by name or
                `name[element,element]`: a number, an array over some of the variable's dims (a pandas Series or
                DataFrame or a dict by its labels), or an array with a dim `time` (linear between its points, held
                beyond them). A stock's name stands for its value at the start.
            outputs: names of variables; by default all that have values.
            times: save points; by default those of SAVEPER.
            backend: auto, native, numpy or pysd.

        Returns:
            float64 variables with dims (model dims..., time) and attribute `units`.

        Raises:
            UnknownNameError: an output that the model does not have.
            DesignError: parameters that do not fit.

        >>> result = Model.load("docs/sir.mdl").run({"infectivity": 0.08}, ["infectious"])
        >>> result["infectious"].dims
        ('age', 'time')
        """
        memory = InMemory()
        self._simulate(None, outputs, params, times, backend, memory, EngineOptions())
        return memory.one()

    def ensemble(
        self,
        design: Design,
        outputs: Iterable[str] | None = None,
        *,
        params: Mapping[str, Value] | None = None,
        times: Iterable[float] | None = None,
        workers: int = 1,
        batch: int | None = None,
        backend: str = "auto",
        sink: Sink | str | Path | None = None,
        progress: bool | Progress | None = None,
    ) -> xr.Dataset:
        """One run for every member of a design. The result does not depend on `workers` or `batch`.

        Args:
            design: a DataFrame (columns are parameter names, rows members; numbers or text in its index name the
                members), a dict of such columns, or a Dataset of arrays with a dim `member`, any dims of the variable
                and, for a series, `time`.
            outputs: names of variables; by default all that have values.
            params: values common to all members, as in `run`; the design has precedence.
            times: save points; by default those of SAVEPER.
            workers: threads.
            batch: members at a time (bounds memory).
            backend: auto (native, else NumPy), native, numpy or pysd.
            sink: takes the results batch by batch: a path ending in .nc or .parquet, or a `Sink`; by default they are
                kept in memory.
            progress: True prints to standard error; a function is called with (members done, members in all) and stops
                the run by returning False.

        Returns:
            float64 variables with dims (member, model dims..., time) and attribute `units`.

        Raises:
            UnknownNameError: an output that the model does not have.
            DesignError: a design or parameters that do not fit; the message names all faults.
            Cancelled: the progress callback returned False.

        >>> design = pd.DataFrame({"infectivity": [0.04, 0.06]}, index=["mild", "severe"])
        >>> peaks = Model.load("docs/sir.mdl").ensemble(design, ["infectious"])["infectious"].max("time")
        >>> bool((peaks.sel(member="severe") > peaks.sel(member="mild")).all())
        True
        """
        target = sink_for(sink)
        room = MEMORY_BYTES if isinstance(target, InMemory) else BATCH_BYTES
        report = self._simulate(
            as_design(design),
            outputs,
            params,
            times,
            backend,
            target,
            EngineOptions(workers, batch, callback(progress, "members"), room),
        )
        try:
            return target.finish().assign_attrs(report)
        except BaseException:
            target.abort()
            raise

    def _simulate(
        self, design: Any, outputs: Any, params: Any, times: Any, backend: str, sink: Sink, options: EngineOptions
    ) -> dict[str, Any]:
        """Run into a sink; returns the attributes of the result."""
        if options.workers < 1 or (options.batch is not None and options.batch < 1):
            raise SimError(f"workers and batch must be 1 or more, got {options.workers} and {options.batch}")
        request = read(self._names, params, design)
        chosen = self._outputs(outputs)
        saves = _save_points(times)
        grid, finite = self._engine.grid(request, saves), Finite()
        try:
            sink.begin(self._layout(request, chosen, grid.labels))
            for members, values in self._batches(request, chosen, grid, saves, backend, options):
                named = {one.name: values[one.slot] for one in chosen if one.slot is not None}
                finite.look(members, named)
                sink.write(members, named)
        except BaseException:
            sink.abort()
            raise
        return finite.report(request.members, self._parameters(request))

    def _batches(
        self, request: Request, chosen: Sequence[Variable], grid: Grid, saves: Any, backend: str, options: EngineOptions
    ) -> Iterator[tuple[slice, dict[int, np.ndarray]]]:
        if backend == "pysd":
            oracle = self._oracle()
            return pysd_backend.batches(oracle, self._module, request, chosen, saves, options.progress)
        slots = tuple(dict.fromkeys(variable.slot for variable in chosen if variable.slot is not None))
        run = EnsembleRun(
            self._engine, request, slots, grid, choose(backend), options.workers, options.batch, options.progress
        )
        return run.batches()

    def joins(
        self,
        design: Design,
        outputs: Iterable[str],
        dim: str,
        *,
        params: Mapping[str, Value] | None = None,
    ) -> list[str]:
        """The variables that join elements of a dim on the way to some outputs.

        Given over time, they leave the elements independent, so that a range of them can be run alone. A stock cannot
        be given over time; give the variables that read it.
        """
        request = read(self._names, params, as_design(design))
        slots = tuple(one.slot for one in self._outputs(outputs) if one.slot is not None)
        plan = make_plan(self._module, request.given, slots)
        return [] if plan.member is None else coupled(plan.member, dim)

    def wasm(
        self,
        design: Design,
        outputs: Iterable[str] | None = None,
        *,
        params: Mapping[str, Value] | None = None,
        times: Iterable[float] | None = None,
    ) -> WasmExport:
        """The model for a browser, without its compiled kernel (no compiler is needed): see `to_wasm`.

        >>> export = Model.load("docs/sir.mdl").wasm({"infectivity": [0.05]}, ["infectious"], times=[0, 80, 160])
        >>> export.description["times"], sorted(export.texts)
        ([0.0, 80.0, 160.0], ['run_common', 'run_member'])
        """
        request = read(self._names, params, as_design(design))
        saves = _save_points(times)
        return export(self._module, request, self._outputs(outputs), self._engine.grid(request, saves))

    def to_wasm(
        self,
        folder: str | Path,
        design: Design,
        outputs: Iterable[str] | None = None,
        *,
        params: Mapping[str, Value] | None = None,
        times: Iterable[float] | None = None,
    ) -> WasmExport:
        """Write the model for a browser: kernel.wasm, kernel.json, kernel.f64 and runtime.js, whose head shows its use.

        The page gives the values of every member, and may give other values of all constants of the model that are the
        same for all members, by name. Where no element of the outputs' first dim depends on another, it can run a range
        of them alone. Same model, same bytes.

        Args:
            folder: where the files go.
            design: inputs by member, as in `ensemble`; one member is enough, because its values are not written.
            outputs: as in `ensemble`.
            params: values common to all members, as in `ensemble`; series and times are fixed by them.
            times: save points, as in `ensemble`.

        Returns:
            the exported model.

        Raises:
            CompilerError: the package `ziglang` is not installed (`pip install 'tanlu[wasm]'`), or it fails.
            UnknownNameError: an output that the model does not have.
            DesignError: a design or parameters that do not fit.
        """
        made = self.wasm(design, outputs, params=params, times=times)
        made.write(Path(folder))
        return made

    def verify(
        self,
        design: Design,
        k: int,
        rng: np.random.Generator,
        *,
        outputs: Iterable[str] | None = None,
        params: Mapping[str, Value] | None = None,
        backend: str = "auto",
        progress: bool | Progress | None = None,
    ) -> float:
        """Run k random members of a design through PySD as well.

        PySD runs one member after the other, and a large model takes seconds or minutes for each: where the whole is
        expected to take more than a few seconds, the number of finished members and the remaining time are printed.

        Args:
            design: as in `ensemble`.
            k: number of members, drawn without replacement (all if there are fewer).
            rng: draws them.
            outputs: as in `ensemble`.
            params: as in `ensemble`.
            backend: the back end that is compared with PySD.
            progress: True prints always, False never; a function is called with (members done, members in all).

        Returns:
            the largest difference between the two, relative to the largest absolute value of its variable and member;
            infinite where only one of them is finite.

        Raises:
            SimError: PySD is no reference for this model (it integrates by Euler's method only) or for these
                parameters (it takes no initial values of stocks).

        >>> design, rng = {"contacts": [6.0, 9.0]}, np.random.default_rng(0)
        >>> Model.load("docs/sir.mdl").verify(design, 1, rng, outputs=["infectious"], progress=False) < 1e-9
        True
        """
        part = draw(as_design(design), k, rng)
        names = None if outputs is None else list(outputs)
        ours = self.ensemble(part, names, params=params, backend=backend)
        shown = (
            Printer("verify: PySD's members", QUIET)
            if progress is None
            else callback(progress, "verify: PySD's members")
        )
        theirs = self.ensemble(part, names, params=params, backend="pysd", progress=shown)
        return max((_difference(ours[name], theirs[name]) for name in ours.data_vars), default=0.0)

    def _oracle(self) -> oracle.Oracle:
        return oracle.Oracle(self.path, encoding=self._encoding, data_files=self._data_files)

    def _parameters(self, request: Request) -> dict[str, np.ndarray]:
        labels = {variable.slot: variable.name for variable in self.variables.values()}
        labels |= {slot: labels[stock] for stock, slot in self._module.initials.items()}
        return {labels[slot]: values for slot, values in request.member.items()}

    def _outputs(self, outputs: Iterable[str] | None) -> Sequence[Variable]:
        if outputs is None:
            return [variable for variable in self.variables.values() if variable.slot is not None]
        if isinstance(outputs, str):
            raise SimError(f"outputs must be a list of names, got the text {outputs!r}")
        chosen = [self._output(name) for name in outputs]
        lookups = [variable.name for variable in chosen if variable.slot is None]
        if lookups:
            raise SimError(f"lookups have no values of their own: {', '.join(lookups)}")
        return list({variable.name: variable for variable in chosen}.values())

    def _output(self, name: str) -> Variable:
        try:
            return self._names.find(name)
        except UnknownNameError:
            if str(name).endswith("]") and "[" in str(name):
                whole = self._names.find(str(name).partition("[")[0])
                raise SimError(f"no output {name!r}: ask for {whole.name!r} and select the element") from None
            raise

    def _layout(self, request: Request, chosen: Sequence[Variable], labels: np.ndarray) -> ResultLayout:
        dims = dict.fromkeys(dim for variable in chosen for dim in variable.dims)
        members = request.labels if request.labels is not None else np.arange(request.members)
        return ResultLayout(chosen, {dim: self._labels[dim] for dim in dims}, members, labels)


@dataclass(frozen=True, slots=True)
class EngineOptions:
    """How an ensemble is run."""

    workers: int = 1
    batch: int | None = None
    progress: Progress | None = None
    room: int = BATCH_BYTES


def _default(value: np.ndarray, one: Variable, subscripts: Mapping[str, tuple[str, ...]]) -> float | xr.DataArray:
    """A default as a number where all elements have the same, with its labels otherwise."""
    if one.dims and not (value == value.flat[0]).all():
        return xr.DataArray(value, {dim: list(subscripts[dim]) for dim in one.dims}, one.dims)
    return float(value.flat[0])


def _save_points(times: Any) -> list[float] | None:
    try:
        return None if times is None else [float(time) for time in times]
    except (TypeError, ValueError):
        raise SimError(f"times must be a list of numbers, got {times!r:.200}") from None


def _difference(ours: xr.DataArray, theirs: xr.DataArray) -> float:
    """Largest difference over a variable, relative to its size in each member."""
    a, b = (array.to_numpy().reshape(array.sizes["member"], -1) for array in (ours, theirs))
    same = (a == b) | (np.isnan(a) & np.isnan(b))
    if same.all():
        return 0.0
    size = np.abs(np.where(np.isfinite(b), b, 0.0)).max(axis=1, keepdims=True)
    with np.errstate(all="ignore"):
        off = np.where(same, 0.0, np.abs(a - b) / np.where(size > 0, size, 1.0))
    return float(np.where(np.isnan(off), np.inf, off).max())
