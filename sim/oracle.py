"""The reference run of a model file: PySD's own, under the names of the model file.

PySD translates a model into Python beside it and imports that file. Here the translation happens in a private temporary
folder (nothing is written beside the user's model), once for each content of the file, and everything of the file
that PySD would paste into Python unquoted is removed or refused first: names from a model file never become code.
"""

from __future__ import annotations

import functools
import hashlib
import tempfile
from collections.abc import Hashable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from sim.errors import ModelError, UnknownNameError
from sim.pysd_parser import abstract_model, call_pysd, check_file, lock, nodes, quiet

Value = float | xr.DataArray

CONTROLS = ("initial time", "final time", "time step", "saveper")
KEYWORDS = (None, "interpolate", "look_forward", "hold_backward", "raw")
FAR = 1e9  # time units before and after a series over which its end values are held


class Oracle:
    """The PySD run of one model file.

    Attributes:
        path: the model file.
        dims: dims of every variable that has a value of its own (lookups have none), by the name in the model file.
        units: their units as text.
    """

    def __init__(self, path: str | Path, *, encoding: str | None = None, data_files: Any = None) -> None:
        """Translate the model file.

        Args:
            path: a .mdl or XMILE file that PySD reads.
            encoding: of the file; by default its own declaration, or UTF-8.
            data_files: PySD's `data_files`, for variables whose data come from a run of another model.

        Raises:
            ModelError: PySD cannot read or translate the file, or one of its names would become code.
        """
        self.path = Path(path)
        self._data_files = data_files
        self._python, self._renamed = _translated(self.path, encoding)
        doc = self._load(initialize=False).doc
        doc = doc[(doc["Type"] != "Lookup") & (doc["Real Name"] != "Time")]
        self._type: dict[str, str] = dict(zip(doc["Real Name"], doc["Type"], strict=True))
        self._python_name: dict[str, str] = dict(zip(doc["Real Name"], doc["Py Name"], strict=True))
        self.dims: dict[str, tuple[str, ...]] = {
            name: self._own(subs or ()) for name, subs in zip(doc["Real Name"], doc["Subscripts"], strict=True)
        }
        self.units: dict[str, str] = {
            name: units or "" for name, units in zip(doc["Real Name"], doc["Units"], strict=True)
        }

    def run(
        self,
        params: Mapping[str, Value] | None = None,
        outputs: Iterable[str] | None = None,
        times: Iterable[float] | None = None,
    ) -> xr.Dataset:
        """One run of PySD.

        Args:
            params: values of constants by name, or by `name[element,element]`: a number, an array over some of the
                variable's dims, or an array with a `time` dim (linear between its points, held beyond them). The
                control variables (FINAL TIME, ...) are set in the same way.
            outputs: names to return; by default every variable that has a value.
            times: save points; by default those of SAVEPER.

        Returns:
            float64 variables with dims (model dims..., time) and attribute `units`.

        Raises:
            UnknownNameError: a parameter or output that the model does not have (nearest names are given).
            ModelError: PySD failed while running.
        """
        names = [self._match(name) for name in outputs] if outputs is not None else list(self.dims)
        points = [float(time) for time in times] if times is not None else []
        with lock, quiet():
            model = self._fresh(params or {})
            model.set_components(self._settings(model, params or {}))
            model.clean_caches()  # or the clock would start from values that were cached before
            frame = call_pysd(
                self.path,
                lambda: model.run(
                    return_columns=[self._python_name[name] for name in names],
                    return_timestamps=points or None,
                    final_time=_final_time(model, points),
                    flatten_output=False,
                ),
            )
            coords = {name: self._coords(model, name) for name in names}
        # PySD may give dims of its own making, which fit nothing.
        made: xr.Dataset = call_pysd(self.path, lambda: self._dataset(frame, names, coords))
        return made

    def _own(self, names: Iterable[str]) -> tuple[str, ...]:
        """Subscripts as the model file calls them."""
        return tuple(self._renamed.get(name, name) for name in names)

    def _coords(self, model: Any, name: str) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
        """Dims and elements of a variable as the model file calls them, and as PySD does."""
        coords, dims = model.get_coords(self._python_name[name]) or ({}, [])
        theirs = {dim: list(coords[dim]) for dim in dims}
        return {self._own([dim])[0]: list(self._own(elements)) for dim, elements in theirs.items()}, theirs

    def _load(self, *, initialize: bool) -> Any:
        with lock, quiet():
            import pysd

            def load() -> Any:
                return pysd.load(str(self._python), data_files=self._data_files, initialize=initialize)

            return call_pysd(self.path, load)

    def _fresh(self, params: Mapping[str, Value]) -> Any:
        """A model for one run.

        It is initialised by the run only, after the parameters are set: a second initialisation crashes when it lowers
        the order of a delay. Parameters that replace data, or one element of a constant, need loaded values first.
        """
        names = [_split(key, self.dims) for key in params]
        loaded = any(element or self._type[self._match(name)] == "Data" for name, element in names)
        return self._load(initialize=loaded)

    def _match(self, name: str) -> str:
        """The model's own spelling: Vensim ignores case and takes underscores for spaces."""
        found = {_key(known): known for known in self.dims}.get(_key(name))
        if found is None:
            raise UnknownNameError(name, self.dims)
        return found

    def _settings(self, model: Any, params: Mapping[str, Value]) -> dict[str, Any]:
        """PySD's form of the parameters: floats, full arrays, or Series of either over time."""
        values: dict[str, Any] = {}
        for key, value in params.items():
            name, element = _split(key, self.dims)
            name = self._match(name)
            if _key(name) in CONTROLS:
                _set_control(model, _key(name).replace(" ", "_"), float(value))
                continue
            python = self._python_name[name]
            own, theirs = self._coords(model, name)
            if element:
                full = values[python] if python in values else model[name]
                values[python] = _with_element(full, own, element, float(value))
            else:
                values[python] = _full(value, own, theirs)
        return values

    def _dataset(self, frame: pd.DataFrame, names: list[str], coords: Mapping[str, Any]) -> xr.Dataset:
        variables, shared = {}, {"time": frame.index.to_numpy(dtype=float)}
        for name in names:
            own, theirs = coords[name]
            cells = frame[self._python_name[name]].to_list()
            shape = tuple(map(len, own.values()))
            data = np.empty((*shape, len(cells)))
            for step, cell in enumerate(cells):
                values = _values(cell, theirs)
                if np.iscomplexobj(values):
                    raise ModelError(self.path, f"PySD gives {name!r} a complex value: a power of a negative number")
                data[..., step] = values.reshape(shape) if values.size > 1 else values.item()
            variables[name] = ((*own, "time"), data, {"units": self.units[name]})
            shared.update({dim: np.asarray(elements, dtype=str) for dim, elements in own.items()})
        return xr.Dataset(variables, coords=shared)


def _values(cell: Any, labels: Mapping[str, list[str]]) -> np.ndarray:
    """A cell of PySD's table over all elements of its dims; NaN where the model never defines one."""
    if not isinstance(cell, xr.DataArray):
        return np.asarray(cell)
    if any(cell.sizes.get(dim, 1) != len(elements) for dim, elements in labels.items()) and cell.size > 1:
        cell = cell.reindex(labels)
    return np.asarray(cell.transpose(*labels))


def run(
    path: str | Path,
    params: Mapping[str, Value] | None = None,
    outputs: Iterable[str] | None = None,
    times: Iterable[float] | None = None,
) -> xr.Dataset:
    """One PySD run of a model file; see `Oracle.run`."""
    return Oracle(path).run(params, outputs, times)


def _translated(path: Path, encoding: str | None) -> tuple[Path, dict[str, str]]:
    """The Python file that PySD makes of the model, in a temporary folder that lives as long as this process.

    With it the own names of the subscripts that were renamed.
    """
    check_file(path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    with lock:
        return _translate(path.resolve(), digest, encoding)


@functools.lru_cache(maxsize=64)
def _translate(path: Path, digest: str, encoding: str | None) -> tuple[Path, dict[str, str]]:
    with quiet():
        from pysd.builders.python.python_model_builder import ModelBuilder

    del digest  # part of the key only: a changed file is translated anew
    model = abstract_model(path, encoding)
    renamed = _make_harmless(model, path)
    folder = Path(_temporary_folder().name, str(_translate.cache_info().misses))
    folder.mkdir(exist_ok=True)
    for number, section in enumerate(model.sections):
        section.path = folder / f"section_{number}.py"
    with quiet():
        return Path(call_pysd(path, lambda: ModelBuilder(model).build_model())), renamed


@functools.cache
def _temporary_folder() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="sim-oracle-", ignore_cleanup_errors=True)


def _make_harmless(model: Any, path: Path) -> dict[str, str]:
    """Remove, rename or refuse the texts that PySD pastes into Python unchanged.

    Names of variables and units go through `repr` or are reduced to letters and digits. Documentation lands between
    triple quotes and is removed; names of subscripts land between single ones and are renamed where they hold any;
    keywords and the arguments of GET ... are refused then.

    Returns:
        The subscripts that were renamed: new name → own name.
    """
    refused, renamed = [], dict[str, str]()
    for section in model.sections:
        for subscript in section.subscripts:
            names = subscript.subscripts if isinstance(subscript.subscripts, list) else []
            renamed |= {
                name: f"renamed {len(renamed) + i}"
                for i, name in enumerate((subscript.name, *names))
                if _breaks_out(name) and name not in renamed
            }
        for element in section.elements:
            element.documentation = ""
            for component in element.components:
                if getattr(component, "keyword", None) not in KEYWORDS:
                    refused.append(f"keyword :{component.keyword}: of {element.name!r}")
    for node in nodes(model):
        texts = (getattr(node, field, "") for field in ("file", "tab", "x_row_or_col", "time_row_or_col", "cell"))
        refused += [f"argument {text!r} of an external data function" for text in texts if _breaks_out(text)]
    if refused:
        raise ModelError(path, f"PySD would turn these names into code: {'; '.join(refused)[:2000]}")
    if renamed:
        _rename(model, renamed)
    return {new: old for old, new in renamed.items()}


def _rename(model: Any, renamed: Mapping[str, str]) -> None:
    """Give subscripts other names, everywhere in the abstract model."""
    references = {name.lower().replace(" ", "_"): new.replace(" ", "_") for name, new in renamed.items()}

    def new(value: Any) -> Any:
        if isinstance(value, str):
            bare = value.removesuffix("!")
            return renamed.get(bare, bare) + "!" * value.endswith("!")
        return type(value)(new(one) for one in value) if isinstance(value, list | tuple) else value

    for node in nodes(model):
        for field in ("subscripts", "mapping"):
            if isinstance(getattr(node, field, None), str | list | tuple) and not hasattr(node, "elements"):
                setattr(node, field, new(getattr(node, field)))
        if type(node).__name__ == "AbstractSubscriptRange":
            node.name = new(node.name)
        if hasattr(node, "reference"):
            node.reference = references.get(node.reference, node.reference)


def _breaks_out(text: Any) -> bool:
    return isinstance(text, str) and text != "\\t" and ("'" in text or "\\" in text or not text.isprintable())


def _key(name: str) -> str:
    return " ".join(str(name).replace("_", " ").lower().split())


def _split(key: str, known: Mapping[str, Any]) -> tuple[str, tuple[str, ...]]:
    """`name[a,b]` → name and elements; a name of the model that holds brackets itself stays whole."""
    if key in known or not key.endswith("]") or "[" not in key:
        return key, ()
    name, elements = key[:-1].split("[", 1)
    return name, tuple(element.strip() for element in elements.split(","))


def _set_control(model: Any, name: str, value: float) -> None:
    """A control variable lives in PySD's clock, which takes it from this table whenever a run begins."""
    model.components._control_vars[name] = lambda: value
    model.time.set_control_vars(**{name: value})


def _final_time(model: Any, points: list[float]) -> Any:
    """FINAL TIME as the model has it, or the last save point if that is later; left alone, PySD takes the last."""
    final = model.components._control_vars["final_time"]
    return (lambda: max(final(), *points)) if points else final


def _with_element(full: Any, own: Mapping[str, list[str]], element: tuple[str, ...], value: float) -> xr.DataArray:
    changed: xr.DataArray = full.copy(deep=True).astype(float)
    changed[tuple(elements.index(one) for elements, one in zip(own.values(), element, strict=True))] = value
    return changed


def _full(value: Value, own: Mapping[str, list[str]], theirs: Mapping[str, list[str]]) -> Any:
    """Python floats (a numpy scalar breaks PySD's subscripted stocks), arrays over all dims, or a Series of them."""
    if not isinstance(value, xr.DataArray):
        return _broadcast(xr.DataArray(float(value)), own, theirs)
    if "time" not in value.dims:
        return _broadcast(value, own, theirs)
    value = value.sortby("time")
    points = [_broadcast(value.isel(time=i, drop=True), own, theirs) for i in range(value.sizes["time"])]
    index = value["time"].to_numpy().astype(float)
    # PySD leaves NaN outside the range of a series of arrays; ours holds the ends, as it does for numbers.
    held = np.concatenate([[index[0] - FAR], index, [index[-1] + FAR]])
    return pd.Series([points[0], *points, points[-1]], index=held)


def _broadcast(value: xr.DataArray, own: Mapping[str, list[str]], theirs: Mapping[str, list[str]]) -> Any:
    if not own:
        return float(value)
    extra: list[Hashable] = [dim for dim in value.dims if dim not in own]
    if extra:
        raise ValueError(f"got an array with dims {extra}, but the variable has {list(own)}")
    base = xr.DataArray(np.zeros([len(elements) for elements in own.values()]), dict(own), list(own))
    full = (base + value.reset_coords(drop=True)).transpose(*own).reindex_like(base)
    return xr.DataArray(full.to_numpy(), dict(theirs), list(theirs))
