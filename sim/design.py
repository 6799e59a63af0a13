"""Parameters and designs: from names and arrays to values by slot."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from sim.compiler.ir import Module, TimeSeries, Variable
from sim.compiler.lowering.scope import clean
from sim.compiler.plan.dependence import Given
from sim.errors import DesignError, SimError, UnknownNameError

Values = NDArray[np.float64]

NUMBERS = "iuf"
"""NumPy's kinds of number; text and booleans are none."""


@dataclass(slots=True)
class Request:
    """Given values by slot.

    Attributes:
        members: number of members.
        labels: the member coordinate.
        common: (dims...) values for all members.
        common_series: values over time for all members.
        member: (members, dims...) values of each member.
        member_series: values over time of each member, (points, members, dims...).
    """

    members: int = 1
    labels: NDArray[Any] | None = None
    common: dict[int, Values] = field(default_factory=dict)
    common_series: dict[int, TimeSeries] = field(default_factory=dict)
    member: dict[int, Values] = field(default_factory=dict)
    member_series: dict[int, TimeSeries] = field(default_factory=dict)

    @property
    def given(self) -> Given:
        """Which slots are given, and how."""
        return Given(
            frozenset(self.common), frozenset(self.common_series), frozenset(self.member), frozenset(self.member_series)
        )


def _key(name: str) -> str:
    return clean(" ".join(str(name).split()))


class Names:
    """The variables of a module by name, as a user may write it."""

    def __init__(self, module: Module) -> None:
        self.module = module
        self.by_key = {_key(name): variable for name, variable in module.variables.items()}

    def find(self, name: str) -> Variable:
        """The variable of a name; case, blanks and underscores do not matter."""
        variable = self.by_key.get(_key(name))
        if variable is None:
            raise UnknownNameError(str(name), self.module.variables)
        return variable

    def settable(self, name: str) -> tuple[Variable, tuple[str, ...]]:
        """The variable and the element of a parameter name `name` or `name[element,element]`."""
        key = str(name)
        elements: tuple[str, ...] = ()
        if _key(key) not in self.by_key and key.endswith("]") and "[" in key:
            key, _, inside = key[:-1].partition("[")
            elements = tuple(part.strip() for part in inside.split(","))
        variable = self.find(key)
        if variable.slot is None:
            raise SimError(f"{variable.name!r} is a lookup; its points cannot be given as a parameter")
        if variable.kind == "stock":  # its initial value
            return replace(variable, slot=self.module.initials[variable.slot]), elements
        if variable.slot in self.module.fixed:
            raise SimError(f"{variable.name!r} cannot be changed: {self.module.fixed[variable.slot]}")
        return variable, elements


def read(names: Names, params: Mapping[str, Any] | None, design: Any) -> Request:
    """The values of a run.

    Args:
        names: the variables of the model.
        params: common to all members: numbers, arrays over model dims, arrays with a `time` dim.
        design: a DataFrame (columns are names, rows members), a Dataset with a `member` dim, or None. A name in both
            is refused; a single element in the design replaces that part of a parameter given whole.

    Raises:
        DesignError: everything that is wrong with the two, at once.
    """
    request, faults = Request(), list[str]()
    reader = _RequestReader(names.module, names, request)
    if not isinstance(params, Mapping | None):
        raise DesignError([f"params must map names to values, got {type(params).__name__}"])
    for name, value in _whole_first((params or {}).items()):
        _try(faults, lambda name=name, value=value: reader.param(str(name), value))
    if design is not None:
        reader.given, reader.seen = set(reader.seen), {}
        for name, value in _whole_first(_columns(design, request, faults)):
            _try(faults, lambda name=name, value=value: reader.column(str(name), value))
    if faults:
        raise DesignError(faults)
    return request


def draw(design: Any, k: int, rng: np.random.Generator) -> Any:
    """Some members of a design: k without replacement (all if there are fewer).

    Raises:
        DesignError: not a design, or k below 1.
    """
    faults = [] if k >= 1 else [f"k must be 1 or more, got {k}"]
    if design is None and not faults:
        return None
    request = Request()
    _columns(design, request, faults)
    if faults:
        raise DesignError(faults)
    members = np.sort(rng.choice(request.members, size=min(k, request.members), replace=False))
    return design.iloc[members] if isinstance(design, pd.DataFrame) else design.isel(member=members)


def _whole_first(items: Iterable[tuple[Any, Any]]) -> list[tuple[Any, Any]]:
    """Whole variables before elements, which replace a part of them."""
    return sorted(items, key=lambda item: str(item[0]).endswith("]"))


def _try(faults: list[str], action: Any) -> None:
    try:
        action()
    except (SimError, ValueError, TypeError) as error:
        faults.append(str(error))


def _columns(design: Any, request: Request, faults: list[str]) -> Iterable[tuple[str, Any]]:
    """Names and values of a design; sets the members of the request."""
    if isinstance(design, pd.DataFrame):
        request.members, labels = len(design), design.index.to_numpy()
        request.labels = _member_labels(labels)
        duplicated = sorted({str(name) for name in design.columns[design.columns.duplicated()]})
        if duplicated:
            faults.append(f"the design has columns twice: {', '.join(duplicated)}")
            return []
        kinds = zip(design.columns, design.dtypes, strict=True)
        usable = [name for name, kind in kinds if _numeric(str(name), kind, faults)]
        numbers = (design if len(usable) == design.shape[1] else design[usable]).to_numpy(dtype=np.float64)
        columns: list[tuple[str, Any]] = [(str(name), numbers[:, i]) for i, name in enumerate(usable)]
    elif isinstance(design, xr.Dataset):
        if "member" not in design.dims:
            faults.append(f"the design is a Dataset with dims {list(design.dims)}; it needs a dim 'member'")
            return []
        request.members = design.sizes["member"]
        request.labels = design["member"].to_numpy() if "member" in design.coords else np.arange(request.members)
        columns = [(str(name), array) for name, array in design.data_vars.items()]
    else:
        faults.append(f"the design must be a DataFrame, a Dataset or a dict of columns, got {type(design).__name__}")
        return []
    if request.members == 0:
        faults.append("the design has no members")
    return columns


def _member_labels(labels: NDArray[Any]) -> NDArray[Any]:
    """The index of a design as the member coordinate: numbers as they are, anything else as text.

    The levels of a hierarchical index are joined by commas.
    """
    if labels.dtype.kind in "if":
        return labels
    return np.array([", ".join(map(str, one)) if isinstance(one, tuple) else str(one) for one in labels], dtype=str)


def as_design(design: Any) -> Any:
    """A design as a DataFrame or Dataset: a dict of columns becomes one, anything else stays."""
    if not isinstance(design, Mapping) or isinstance(design, xr.Dataset):
        return design
    if any(isinstance(values, xr.DataArray) for values in design.values()):
        return xr.Dataset({name: _column(values) for name, values in design.items()})
    if design and all(np.ndim(values) == 0 for values in design.values()):
        return pd.DataFrame(dict(design), index=[0])
    try:
        return pd.DataFrame(dict(design))
    except ValueError as error:
        raise DesignError([f"the columns of the design do not fit together: {error}"]) from error


def _column(values: Any) -> Any:
    return values if isinstance(values, xr.DataArray) or np.ndim(values) == 0 else ("member", np.asarray(values))


def _numeric(name: str, kind: Any, faults: list[str]) -> bool:
    if getattr(kind, "kind", "O") in NUMBERS:
        return True
    faults.append(f"{name!r}: the design holds {kind} values, numbers are needed")
    return False


class _RequestReader:
    """Fills a request, one name at a time."""

    def __init__(self, module: Module, names: Names, request: Request) -> None:
        self.module, self.names, self.request = module, names, request
        self.seen: dict[tuple[int, tuple[str, ...]], str] = {}
        self.given: set[tuple[int, tuple[str, ...]]] = set()  # by the parameters, while the design is read

    def param(self, name: str, value: Any) -> None:
        """A value common to all members."""
        if isinstance(value, float | int) and not isinstance(value, bool) and not name.endswith("]"):
            self._plain(name, np.float64(value), member=False)
            return
        array = value if isinstance(value, xr.DataArray) else self._array(name, value)
        if "member" in array.dims:
            raise SimError(f"{name!r}: a parameter common to all members has a dim 'member'; put it in the design")
        self._take(name, array, member=False)

    def column(self, name: str, values: Any) -> None:
        """A value of each member: a DataArray, or (members,) numbers."""
        if isinstance(values, xr.DataArray):
            self._take(name, values, member="member" in values.dims)
        elif name.endswith("]"):
            self._take(name, xr.DataArray(values, dims="member"), member=True)
        else:
            self._plain(name, values, member=True)

    def _plain(self, name: str, values: Any, member: bool) -> None:
        """One number for all elements of a variable, for each member or for all."""
        variable, _ = self.names.settable(name)
        slot = variable.slot
        assert slot is not None
        self._once(name, slot)
        if member:
            self._refuse_elements_as_members(name, variable)
        _finite(name, values, ("member",))
        shape = self.module.slots[slot].shape
        lead = values.shape if member else ()
        full = np.broadcast_to(np.reshape(values, (*lead, *[1] * len(shape))), (*lead, *shape))
        (self.request.member if member else self.request.common)[slot] = np.ascontiguousarray(full).reshape(full.shape)

    def _refuse_elements_as_members(self, name: str, variable: Variable) -> None:
        """Values labelled by element in a design would count as members, each with one value for all elements."""
        labels = self.request.labels
        if labels is None or labels.dtype.kind != "U":
            return
        for dim in variable.dims:
            if set(labels.tolist()) == set(self.module.axes[dim].elements):
                raise SimError(
                    f"{name!r}: the members of the design are named like the elements of {dim!r}; give values by "
                    f"element in `params`, values by member and element as a DataArray with the dims 'member' and "
                    f"{dim!r}, or other names to the members"
                )

    def _array(self, name: str, value: Any) -> xr.DataArray:
        """A value that is no DataArray: pandas objects and dicts by their labels, all others by position."""
        variable, elements = self.names.settable(name)
        dims = () if elements else variable.dims
        if isinstance(value, Mapping) and not isinstance(value, xr.Dataset):
            value = pd.Series(dict(value))
        if isinstance(value, pd.Series | pd.DataFrame):
            return _labelled(name, value, dims)
        values = _numbers(name, value)
        if values.ndim not in (0, len(dims)):
            raise SimError(
                f"{name!r}: got an array of shape {values.shape}, the variable has dims {list(dims) or 'none'}"
            )
        return xr.DataArray(values, dims=dims if values.ndim else ())

    def _take(self, name: str, array: xr.DataArray, member: bool) -> None:
        variable, elements = self.names.settable(name)
        slot = variable.slot
        assert slot is not None
        if elements:
            self._element(name, variable, elements, array, member)
            return
        self._once(name, slot)
        values = self._aligned(name, variable, array)
        _finite(name, values, tuple(dim for dim in ("time", "member") if dim in array.dims) + variable.dims)
        request = self.request
        if "time" in array.dims:
            if variable.kind == "stock":
                raise SimError(f"{name!r} is a stock: what is given is its value at the start, got values over time")
            series = TimeSeries(_times(name, array), values)
            (request.member_series if member else request.common_series)[slot] = series
        else:
            (request.member if member else request.common)[slot] = values

    def _once(self, name: str, slot: int, elements: tuple[str, ...] = ()) -> None:
        other = self.seen.setdefault((slot, elements), name)
        if other != name:
            raise SimError(f"{name!r} is given twice, also as {other!r}")
        if (slot, elements) in self.given or (not elements and any(slot == one for one, _ in self.given)):
            raise SimError(
                f"{name!r} is given twice: for all members in the parameters, and for each in the design; leave one out"
            )

    def _aligned(self, name: str, variable: Variable, array: xr.DataArray) -> Values:
        """Over all dims of the variable, in the order (time, member, dims...), elements in the order of the model."""
        lead = [dim for dim in ("time", "member") if dim in array.dims]
        extra = [str(dim) for dim in array.dims if dim not in (*variable.dims, *lead)]
        if extra:
            raise SimError(f"{name!r}: got dims {extra}, the variable has {list(variable.dims) or 'none'}")
        present = [dim for dim in variable.dims if dim in array.dims]
        for dim in present:
            array = _ordered(name, array, dim, self.module.axes[dim].elements)
        if list(array.dims) != [*lead, *present]:
            array = array.transpose(*lead, *present)
        values = _numbers(name, array.to_numpy())
        sizes = [self.module.axes[dim].size for dim in variable.dims]
        kept = [size if dim in present else 1 for dim, size in zip(variable.dims, sizes, strict=True)]
        full = np.broadcast_to(
            values.reshape((*values.shape[: len(lead)], *kept)), (*values.shape[: len(lead)], *sizes)
        )
        return np.ascontiguousarray(full).reshape(full.shape)

    def _element(
        self, name: str, variable: Variable, elements: tuple[str, ...], array: xr.DataArray, member: bool
    ) -> None:
        """One element of a constant; the other elements keep their values."""
        slot, request = variable.slot, self.request
        assert slot is not None
        self._once(name, slot, elements)
        if slot in request.common_series or slot in request.member_series:
            raise SimError(f"{name!r}: {variable.name!r} is given as a series; put the element into the series")
        index: tuple[Any, ...] = (..., *self._position(name, variable, elements))
        if array.dims not in ((), ("member",)):
            raise SimError(f"{name!r}: one element takes a number, got dims {list(array.dims)}")
        _finite(name, array.to_numpy(), tuple(map(str, array.dims)))
        base = request.common.get(slot, self.module.defaults.get(slot))
        if member:
            if slot not in request.member and base is not None:
                request.member[slot] = np.repeat(base[np.newaxis].copy(), request.members, axis=0)
                request.common.pop(slot, None)
            base = request.member.get(slot)
            if base is not None and not base.flags.owndata:  # the caller's array
                base = request.member[slot] = base.copy()
        if base is None:
            raise SimError(f"{name!r}: only constants can be given by element; give all of {variable.name!r}")
        if not member:
            base = request.common[slot] = base.copy()
        base[index] = array.to_numpy()

    def _position(self, name: str, variable: Variable, elements: tuple[str, ...]) -> tuple[int, ...]:
        if len(elements) != len(variable.dims):
            raise SimError(f"{name!r}: the variable has {len(variable.dims)} subscripts {list(variable.dims)}")
        index = []
        for element, dim in zip(elements, variable.dims, strict=True):
            known = self.module.axes[dim].elements
            if element not in known:
                raise UnknownNameError(element, known, f"element of {dim!r} (in {name!r})")
            index.append(known.index(element))
        return tuple(index)


def _numbers(name: str, value: Any) -> Values:
    values = np.asarray(value)
    if values.dtype.kind not in NUMBERS:
        shown = {"b": "booleans", "U": "text", "S": "text"}.get(values.dtype.kind, f"{values.dtype} values")
        raise SimError(f"{name!r}: got {shown}, numbers are needed")
    return values.astype(np.float64)


def _labelled(name: str, value: pd.Series[Any] | pd.DataFrame, dims: tuple[str, ...]) -> xr.DataArray:
    """A pandas object by its labels, never by position.

    The axes of `value` (levels of its index, then its columns) are the variable's dims, or `time` and then these; names
    of axes, where all are given, decide the order.
    """
    series = value.stack() if isinstance(value, pd.DataFrame) else value
    axes = series.index.nlevels
    expected = dims if axes == len(dims) else ("time", *dims)
    if axes != len(expected):
        raise SimError(f"{name!r}: got labels on {axes} axes, the variable has dims {list(dims) or 'none'}")
    if not series.index.is_unique:
        raise SimError(f"{name!r}: labels are given twice: {list(series.index[series.index.duplicated()][:8])}")
    if expected == dims and isinstance(series.index, pd.RangeIndex):
        raise SimError(
            f"{name!r}: the rows are numbered, not labelled; label them with the elements of {dims[0]!r}, or give "
            f"`.to_numpy()` to go by position"
        )
    order = [str(axis) for axis in series.index.names]
    named = order if sorted(order) == sorted(expected) else list(expected)
    array = xr.DataArray(series.set_axis(series.index.set_names(named)).to_xarray()).transpose(*expected)
    if "time" in expected and array["time"].dtype.kind not in NUMBERS:
        raise SimError(f"{name!r}: got times {list(array['time'].to_numpy()[:3])}, numbers are needed")
    return array


def _ordered(name: str, array: xr.DataArray, dim: str, elements: tuple[str, ...]) -> xr.DataArray:
    if dim not in array.coords:
        if array.sizes[dim] != len(elements):
            raise SimError(f"{name!r}: dim {dim!r} has {array.sizes[dim]} elements, the model has {len(elements)}")
        return array
    given = [str(label) for label in array[dim].to_numpy()]
    if tuple(given) == elements:
        return array
    missing = [element for element in elements if element not in given]
    unknown = [label for label in given if label not in elements]
    if missing or unknown or len(given) != len(elements):
        raise SimError(
            f"{name!r}: dim {dim!r} must have the elements of the model once each; missing {missing[:8]}, "
            f"unknown {unknown[:8]}"
        )
    return array.isel({dim: [given.index(element) for element in elements]})


def _times(name: str, values: xr.DataArray) -> Values:
    if "time" not in values.coords:
        raise SimError(f"{name!r}: a series needs a time coordinate")
    times = values["time"].to_numpy().astype(np.float64)
    if not len(times) or not np.isfinite(times).all() or np.any(np.diff(times) <= 0):
        raise SimError(f"{name!r}: the times of a series must be finite and increasing")
    return times


def _finite(name: str, values: Values, dims: tuple[str, ...]) -> None:
    values = np.asarray(values, dtype=np.float64)
    bad = ~np.isfinite(values)
    if bad.any():
        first = tuple(int(i) for i in np.argwhere(bad)[0])
        where = ", ".join(f"{dim} {i}" for dim, i in zip(dims, first, strict=False))
        place = f", the first at {where}" if where and values.ndim else ""
        raise SimError(f"{name!r}: {int(bad.sum())} value(s) are not finite{place}")
