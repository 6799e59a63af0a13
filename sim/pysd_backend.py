"""PySD as a back end: every member by the oracle, for comparison. Slow."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from sim.compiler.ir import Module, TimeSeries, Variable
from sim.design import Request
from sim.errors import Cancelled, SimError
from sim.oracle import Oracle
from sim.progress import Progress


def parameters(module: Module, request: Request, member: int) -> dict[str, Any]:
    """The parameters of one member in the form that the oracle takes."""
    values: dict[str, Any] = {}
    for slot in sorted(request.given.all):
        variable = next((one for one in module.variables.values() if one.slot == slot), None)
        if variable is None:
            raise SimError(f"{module.slots[slot].label!r}: PySD cannot be given the initial value of a stock")
        values[variable.name] = _value(module, variable, request, member)
    return values


def _value(module: Module, variable: Variable, request: Request, member: int) -> Any:
    slot = variable.slot
    assert slot is not None
    series: TimeSeries | None = request.common_series.get(slot)
    if slot in request.member_series:
        one = request.member_series[slot]
        series = TimeSeries(one.times, one.values[:, member], one.rule)
    coords = {dim: list(module.axes[dim].elements) for dim in variable.dims}
    if series is not None:
        return xr.DataArray(series.values, {"time": series.times, **coords}, ["time", *variable.dims])
    array = request.member[slot][member] if slot in request.member else request.common[slot]
    return xr.DataArray(array, coords, variable.dims) if variable.dims else float(np.ravel(array)[0])


def batches(
    oracle: Oracle,
    module: Module,
    request: Request,
    outputs: Sequence[Variable],
    times: Sequence[float] | None,
    progress: Progress | None = None,
) -> Iterator[tuple[slice, dict[int, NDArray[np.float64]]]]:
    """Members one by one, (times, cells, 1) by slot.

    Raises:
        SimError: what PySD cannot do: another method than Euler's, the initial value of a stock.
    """
    if module.integration != "euler":
        raise SimError(
            f"PySD integrates by Euler's method only, this model by {module.integration}: it is no reference here"
        )
    if progress is not None:
        progress(0, request.members)
    for member in range(request.members):
        found = oracle.run(parameters(module, request, member), [one.name for one in outputs], times)
        values = {}
        for one in outputs:
            assert one.slot is not None
            array = found[one.name].transpose("time", *one.dims).to_numpy()
            values[one.slot] = array.reshape(array.shape[0], -1, 1)
        yield slice(member, member + 1), values
        if progress is not None and progress(member + 1, request.members) is False:
            raise Cancelled(member + 1, request.members)
