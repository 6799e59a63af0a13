"""Operations on whole rows, in NumPy; rows run along the last axis (or axes) before the members."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from sim.compiler.numeric import Array
from sim.errors import Refused

Operation = Callable[[Sequence[Array], tuple[int, ...], int], Array]


def _spread(values: Array, sizes: tuple[int, ...], width: int) -> Array:
    return np.broadcast_to(values, (*sizes, width))


def _order(values: Array, ascending: Array) -> Array:
    """Positions that sort each row; where descending, the ascending order reversed (as PySD does, ties included)."""
    up = np.argsort(values, axis=-2, kind="stable").astype(np.float64)
    return np.where(ascending, up, np.flip(up, axis=-2))


def _sort_order(args: Sequence[Array], sizes: tuple[int, ...], width: int) -> Array:
    direction = np.broadcast_to(args[1], (*sizes, width))
    return _order(_spread(args[0], sizes, width), direction > 0)


def _rank(args: Sequence[Array], sizes: tuple[int, ...], width: int) -> Array:
    order = _sort_order(args, sizes, width)
    return np.argsort(order, axis=-2, kind="stable").astype(np.float64) + 1


def _reorder(args: Sequence[Array], sizes: tuple[int, ...], width: int) -> Array:
    values, order = (_spread(arg, sizes, width) for arg in args)
    size = sizes[-1]
    known = (order > -1) & (order < size)
    picked = np.take_along_axis(values, np.where(known, order, 0).astype(np.int64), axis=-2)
    return np.where(known, picked, np.nan)


def _inverse(args: Sequence[Array], sizes: tuple[int, ...], width: int) -> Array:
    if sizes[-1] != sizes[-2]:
        raise ValueError(f"INVERT MATRIX needs a square matrix, got {sizes[-2]} x {sizes[-1]}")
    matrices = np.moveaxis(_spread(args[0], sizes, width), -1, 0)
    result = np.full(matrices.shape, np.nan)
    for member in range(width):
        for cell in np.ndindex(*sizes[:-2]):
            try:
                result[(member, *cell)] = np.linalg.inv(matrices[(member, *cell)])
            except np.linalg.LinAlgError:  # singular: stays NaN and is reported with the non-finite members
                continue
    return np.moveaxis(result, 0, -1)


def _by_priority(args: Sequence[Array], sizes: tuple[int, ...], width: int) -> Array:
    request, priority, distance, supply = (_spread(arg, sizes, width) for arg in args)
    result = np.empty((*sizes, width))
    for cell in np.ndindex(*sizes[:-1]):
        for member in range(width):
            row = (*cell, slice(None), member)
            one = (*cell, 0, member)
            result[row] = allocate_by_priority(request[row], priority[row], distance[one], supply[one])
    return result


def allocate_by_priority(request: Array, priority: Array, width: float, supply: float) -> Array:
    """Vensim's ALLOCATE BY PRIORITY for one row; NaN where PySD would refuse the arguments."""
    from pysd.py_backend.allocation import _allocate_by_priority_1d

    if not (np.all(request >= 0) and width > 0 and supply >= 0):
        return np.full(len(request), np.nan)
    return np.asarray(_allocate_by_priority_1d(request, priority, width, supply), dtype=float)


def _available(args: Sequence[Array], sizes: tuple[int, ...], width: int) -> Array:
    from pysd.py_backend.allocation import _allocate_available_1d

    request, profile, supply = (_spread(arg, sizes, width) for arg in args)
    result = np.full((*sizes[:-1], width), np.nan)
    for cell in np.ndindex(*sizes[:-2]):
        for member in range(width):
            wanted = request[(*cell, slice(None), 0, member)]
            given = supply[(*cell, 0, 0, member)]
            rows = profile[(*cell, slice(None), slice(None), member)]
            if np.all(wanted >= 0) and given >= 0 and np.all(rows[:, 2] > 0):
                try:
                    result[(*cell, slice(None), member)] = _allocate_available_1d(wanted, rows, given)
                except (NotImplementedError, ValueError) as error:
                    raise Refused("ALLOCATE AVAILABLE", None, " ".join(str(error).split())) from error
    return result


OPERATIONS: Mapping[str, Operation] = {
    "sort order": _sort_order,
    "rank": _rank,
    "reorder": _reorder,
    "inverse": _inverse,
    "allocate by priority": _by_priority,
    "allocate available": _available,
}
