"""Values outside the equations: lookup points, spreadsheets and text files, data series.

PySD's own readers are used, so that the rules for missing values, cell names and file types are the same.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.compiler.ir import TimeSeries
from sim.compiler.lowering.place import Place
from sim.compiler.lowering.scope import Subscripts
from sim.errors import Refused, SimError

Points = tuple[NDArray[np.float64], NDArray[np.float64], str]


def used(elements: Iterable[Any], subscripts: Subscripts) -> bool:
    """Whether a model takes values or subscripts from other files."""
    asts = (component.ast for element in elements for component in element.components)
    return subscripts.external or any(type(ast).__name__.startswith("Get") for ast in asts)


def _coords(subscripts: Subscripts, given: Sequence[str], dims: Sequence[str]) -> dict[str, list[str]]:
    """The elements that a definition covers, under the dims of the variable."""
    coords = {}
    for name, dim in zip(given, dims, strict=True):
        element = subscripts.fixed(name)
        coords[dim] = [element] if element is not None else list(subscripts.elements(name))
    return coords


def _full(subscripts: Subscripts, dims: Sequence[str]) -> dict[str, list[str]]:
    return {dim: list(subscripts.elements(dim)) for dim in dims}


SHAPES = ("cannot reshape array", "too many indices for array")
"""How NumPy begins its sentence when a range of cells does not have the shape of a variable."""


def _read(make: Callable[[], Any]) -> Any:
    """An initialised PySD reader; its failures become plain words."""
    from pysd.py_backend.external import Excels

    try:
        with _quiet():
            reader = make()
            reader.initialize()
            return reader
    except (OSError, ValueError, KeyError, IndexError, AttributeError, TypeError, NotImplementedError) as error:
        words = " ".join(str(error).replace("_value", "", 1).split())
        if words.startswith(SHAPES):
            words = "the file holds fewer cells there than the variable has elements"
        raise ValueError(f"its values cannot be read: {words[:500]}") from error
    finally:
        Excels.clean()


@contextmanager
def _quiet() -> Any:
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        yield


def lookup(element: Any, dims: tuple[str, ...], subscripts: Subscripts, path: Path) -> Points:
    """Abscissae, ordinates (dims..., points) and rule of a lookup variable."""
    from pysd.py_backend.external import ExtLookup
    from pysd.py_backend.lookups import HardcodedLookups

    asts = [component.ast for component in element.components]
    kinds = {type(ast).__name__ for ast in asts}
    if len(kinds) > 1:
        raise ValueError("defined partly in the file, partly outside it")
    coords = [_coords(subscripts, component.subscripts[0], dims) for component in element.components]
    full = _full(subscripts, dims)

    def make() -> Any:
        if kinds == {"LookupsStructure"}:
            reader = HardcodedLookups(list(asts[0].x), list(asts[0].y), coords[0], asts[0].type, full, "_value")
            for ast, place in zip(asts[1:], coords[1:], strict=True):
                reader.add(list(ast.x), list(ast.y), place)
            return reader
        reader = ExtLookup(*_file(asts[0], "x_row_or_col"), coords[0], path.parent, full, "_value")
        for ast, place in zip(asts[1:], coords[1:], strict=True):
            reader.add(*_file(ast, "x_row_or_col"), place)
        return reader

    if kinds == {"LookupsStructure"} and not dims:  # as it is: PySD's reader refuses a jump at one abscissa
        return np.array(asts[0].x, dtype=float), np.array(asts[0].y, dtype=float), asts[0].type
    data = _read(make).data
    if dims:
        data = data.reindex(full) if any(data.sizes[dim] != len(full[dim]) for dim in dims) else data
        data = data.transpose(*dims, "lookup_dim")
    rule = getattr(asts[0], "type", "interpolate")
    return data["lookup_dim"].to_numpy().astype(float), data.to_numpy().astype(float), rule


def _file(ast: Any, series: str | None = None) -> tuple[str, ...]:
    return (ast.file, ast.tab, *((getattr(ast, series),) if series else ()), ast.cell)


def constant(place: Place, component: Any, dims: tuple[str, ...]) -> NDArray[np.float64]:
    """The values of a constant read from a file, over the dims of the variable (length 1 where fixed)."""
    from pysd.py_backend.external import ExtConstant

    coords = _coords(place.scope.subscripts, component.subscripts[0], dims)
    root = place.lowering.path.parent
    try:
        reader = _read(lambda: ExtConstant(*_file(component.ast), coords, root, coords, "_value"))
    except SimError:
        raise
    except ValueError as error:
        raise place.refuse(str(error)) from error
    values = np.asarray(reader.data, dtype=float)
    if np.isnan(values).any():
        where = f"{component.ast.file}, {component.ast.tab}, from {component.ast.cell}"
        raise place.refuse(f"{int(np.isnan(values).sum())} of its cells are blank or hold no number ({where})")
    return values


def data(place: Place, components: Sequence[Any], dims: tuple[str, ...], files: Any) -> TimeSeries | None:
    """The series of a data variable; None if its values come with the run."""
    kinds = {type(component.ast).__name__ for component in components}
    if len(kinds) > 1 or not kinds <= {"GetDataStructure", "DataStructure"}:
        raise place.refuse("a data variable is defined in different ways")
    try:
        reader = _from_cells(place, components, dims) if kinds == {"GetDataStructure"} else None
        if reader is None:
            reader = _from_columns(place, components, dims, files)
    except SimError:
        raise
    except ValueError as error:
        raise place.refuse(str(error)) from error
    return None if reader is None else _series(place, reader, dims)


def _from_cells(place: Place, components: Sequence[Any], dims: tuple[str, ...]) -> Any:
    from pysd.py_backend.external import ExtData

    subscripts, root = place.scope.subscripts, place.lowering.path.parent
    coords = [_coords(subscripts, component.subscripts[0], dims) for component in components]

    def make() -> Any:
        first = components[0]
        arguments = (*_file(first.ast, "time_row_or_col"), _keyword(first), coords[0], root, _full(subscripts, dims))
        reader = ExtData(*arguments, "_value")
        for component, place_ in zip(components[1:], coords[1:], strict=True):
            reader.add(*_file(component.ast, "time_row_or_col"), _keyword(component), place_)
        return reader

    return _read(make)


def _keyword(component: Any) -> str | None:
    keyword: str | None = getattr(component, "keyword", None)
    return keyword


def _from_columns(place: Place, components: Sequence[Any], dims: tuple[str, ...], files: Any) -> Any:
    """A data variable without equation: a column of the data files handed to `Model.load`."""
    from pysd.py_backend.data import TabData

    if not files:
        return None
    if len(components) > 1:
        raise Refused(place.variable, place.line or None, "a data variable has several definitions without values")
    coords = _coords(place.scope.subscripts, components[0].subscripts[0], dims)
    wanted = [files] if isinstance(files, str | Path) else files
    if isinstance(wanted, dict):
        wanted = [file for file, names in wanted.items() if place.variable in names]
    reader = TabData(place.variable, place.variable, coords, _keyword(components[0]) or "interpolate")
    with _quiet():
        reader.load_data(list(wanted))
    return reader


def _series(place: Place, reader: Any, dims: tuple[str, ...]) -> TimeSeries:
    data = reader.data
    if dims:
        full = _full(place.scope.subscripts, dims)
        data = data.reindex(full) if any(data.sizes[dim] != len(full[dim]) for dim in dims) else data
        data = data.transpose("time", *dims)
    times = data["time"].to_numpy().astype(float)
    if not len(times) or np.any(np.diff(times) <= 0):
        raise place.refuse("the times of its data are not in increasing order")
    return TimeSeries(times, data.to_numpy().astype(float), (reader.interp or "interpolate").replace(" ", "_"))
