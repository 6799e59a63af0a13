"""Values of the input slots of a program that are the same for all members."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from sim.compiler.ir import Module, TimeSeries
from sim.compiler.plan.program import Input
from sim.errors import SimError

Values = NDArray[np.float64]


def common_inputs(
    module: Module,
    wanted: Sequence[Input],
    fixed: Mapping[int, Values],
    series: Mapping[int, TimeSeries],
    times: Values,
    shifted: Mapping[int, tuple[int, float]],
) -> dict[int, Values]:
    """Values by slot, (cells,) or (steps, cells), with one more dim of length 1 where a member is asked for.

    Args:
        module: the model.
        wanted: the inputs of a program; those without a common value are left out.
        fixed: values that replace the model's.
        series: values over time that replace the model's.
        times: (steps,) the times of the run.
        shifted: slots that hold another one's values later within the step: slot → (the other, part of a step).

    Raises:
        SimError: a data variable without values.
    """
    result = {}
    for one in wanted:
        source, fraction = shifted.get(one.slot, (one.slot, 0.0))
        values = _value(module, replace(one, slot=source), fixed, series, later(times, fraction))
        if values is not None:
            result[one.slot] = np.ascontiguousarray(values if one.uniform else values[..., np.newaxis])
    return result


def later(times: Values, fraction: float) -> Values:
    """Times after a part of the step that follows each."""
    if not fraction or len(times) < 2:
        return times
    steps = np.diff(times)
    return times + fraction * np.append(steps, steps[-1])


def _value(
    module: Module, one: Input, fixed: Mapping[int, Values], series: Mapping[int, TimeSeries], times: Values
) -> Values | None:
    slot = one.slot
    if slot == module.clock.time:
        return times[:, np.newaxis]
    if slot in fixed:
        return fixed[slot].reshape(-1)
    if slot in series:
        return interpolate(series[slot], times).reshape(len(times), -1)
    if not one.member and slot in module.series:
        return interpolate(module.series[slot], times).reshape(len(times), -1)
    if not one.member and slot in module.missing:
        raise SimError(f"{module.slots[slot].label!r} is {module.missing[slot]}")
    default = module.defaults.get(slot)
    return None if default is None or one.member else default.reshape(-1)


def interpolate(series: TimeSeries, times: Values) -> Values:
    """Values of a series at given times, (times, ...): PySD's rules for data variables; ends are held."""
    known, values = series.times, series.values
    after = np.clip(np.searchsorted(known, times, side="left"), 0, len(known) - 1)
    before = np.clip(np.searchsorted(known, times, side="right") - 1, 0, len(known) - 1)
    if series.rule == "look_forward":
        return values[after]
    if series.rule == "hold_backward":
        return values[before]
    exact = np.isin(times, known)
    extra = (slice(None), *[np.newaxis] * (values.ndim - 1))
    if series.rule == "raw":
        return np.where(exact[extra], values[before], np.nan)
    gap = np.where(after > before, known[after] - known[before], 1.0)
    slope = (values[after] - values[before]) / gap[extra]
    inside = np.where(after > before, times - known[before], 0.0)
    return np.where((after > before)[extra], slope * inside[extra] + values[before], values[before])
