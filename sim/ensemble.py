"""Members × dims × time: plans and kernels are made once, members run in batches, results go to a sink."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from sim.clock import Grid, grid
from sim.compiler.analyse import Given
from sim.compiler.backend import Backend, Job, Kernel
from sim.compiler.ir import Module, Series
from sim.compiler.numpy_backend import NumpyBackend
from sim.compiler.plan import plan
from sim.compiler.program import Input, Plan
from sim.design import Request
from sim.errors import Cancelled, SimError

Values = NDArray[np.float64]
Progress = Callable[[int, int], bool | None]

KEPT_PLANS = 64
BATCH_BYTES = 64 << 20  # of inputs and outputs of one batch


@dataclass(frozen=True, slots=True, eq=False)
class Ready:
    """A plan with its kernels."""

    plan: Plan
    common: Kernel | None
    member: Kernel | None


@dataclass(slots=True, eq=False)
class Engine:
    """The kernels of one module, each made when first needed."""

    module: Module
    kept: OrderedDict[object, Ready] = field(default_factory=OrderedDict)
    lock: threading.RLock = field(default_factory=threading.RLock)

    def ready(self, given: Given, outputs: tuple[int, ...], backend: Backend) -> Ready:
        """Kernels for what is given and wanted."""
        key = (given, outputs, backend.name)
        with self.lock:
            if key in self.kept:
                self.kept.move_to_end(key)
                return self.kept[key]
            made = plan(self.module, given, outputs)
            common, member = (None if part is None else backend.kernel(part) for part in (made.common, made.member))
            self.kept[key] = Ready(made, common, member)
            while len(self.kept) > KEPT_PLANS:
                self.kept.popitem(last=False)
            return self.kept[key]

    def grid(self, request: Request, times: Sequence[float] | None) -> Grid:
        """The times of a run; the control variables must be known before it and be the same for all members."""
        clock = self.module.clock
        controls = (clock.initial, clock.final, clock.step, clock.saveper)
        values = [self._control(slot, request) for slot in controls]
        if None in values:
            ready = self.ready(request.given, controls, NumpyBackend())
            if ready.member is not None or ready.plan.common is None or _moves(self.module, ready.plan):
                raise SimError("the control variables must not change over time or between members")
            start = next((value for value in values[:1] if value is not None), 0.0)
            job = Job(
                1, 1, np.zeros(1, dtype=np.int64), self.inputs(ready.plan.common.inputs, request, np.array([start]))
            )
            assert ready.common is not None
            results = ready.common.run(job, 1)
            values = [float(results[slot][0, 0, 0]) for slot in controls]
        initial, final, step, saveper = (float(value) for value in values if value is not None)
        return grid(initial, final, step, saveper, times)

    def _control(self, slot: int, request: Request) -> float | None:
        if slot in request.member or slot in request.member_series or slot in request.common_series:
            name = self.module.slots[slot].label
            raise SimError(f"{name!r} must be one number, the same for all members: give it in params")
        value = request.common.get(slot, self.module.defaults.get(slot))
        return None if value is None else float(np.ravel(value)[0])

    def inputs(self, wanted: Sequence[Input], request: Request, times: Values) -> dict[int, Values]:
        """Values common to all members, (cells,) or (steps, cells), as (…, cells, 1) where a member is asked for."""
        result = {}
        for one in wanted:
            values = self._common(one.slot, request, times)
            if values is not None:
                if not one.per_step and values.ndim > 1:
                    values = values[0]
                result[one.slot] = np.ascontiguousarray(values if one.uniform else values[..., np.newaxis])
        return result

    def _common(self, slot: int, request: Request, times: Values) -> Values | None:
        module = self.module
        if slot == module.clock.time:
            return times[:, np.newaxis]
        if slot in request.common:
            return request.common[slot].reshape(-1)
        series = request.common_series.get(slot) or (module.series.get(slot) if slot not in request.given.all else None)
        if series is not None:
            return interpolate(series, times).reshape(len(times), -1)
        if slot in request.member or slot in request.member_series:
            return None
        if slot in module.missing:
            raise SimError(f"{module.slots[slot].label!r} is {module.missing[slot]}")
        default = module.defaults.get(slot)
        return None if default is None else default.reshape(-1)


def _moves(module: Module, made: Plan) -> bool:
    assert made.common is not None
    return bool(made.common.step)


def interpolate(series: Series, times: Values) -> Values:
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


@dataclass(slots=True, eq=False)
class Run:
    """One ensemble: what is shared between batches.

    Attributes:
        outputs: output slots.
        backend: makes the kernels.
        threads: at most so many at a time; they share the members of a batch.
        batch: members at a time; None for a size that fits into memory.
    """

    engine: Engine
    request: Request
    outputs: tuple[int, ...]
    grid: Grid
    backend: Backend
    threads: int = 1
    batch: int | None = None
    progress: Progress | None = None
    stopped: threading.Event = field(default_factory=threading.Event)

    def batches(self) -> Iterator[tuple[slice, dict[int, Values]]]:
        """Members and their results, (saves, cells, members) by output slot; uniform results have one member.

        Raises:
            Cancelled: the progress callback returned False.
        """
        ready = self.engine.ready(self.request.given, self.outputs, self.backend)
        shared = self._shared(ready)
        uniform = {slot: values for slot, values in shared.items() if slot in self.outputs and slot not in _of(ready)}
        saved = self.grid.saved >= 0
        fixed = {slot: values[saved] for slot, values in uniform.items()}
        total, size = self.request.members, self._size(ready)
        if self.progress is not None and self.progress(0, total) is False:
            raise Cancelled(0, total)
        for first in range(0, total, size):
            members = slice(first, min(first + size, total))
            yield members, {**fixed, **self._member(ready, shared, members)}
            if self.progress is not None and self.progress(members.stop, total) is False:
                raise Cancelled(members.stop, total)

    def _shared(self, ready: Ready) -> dict[int, Values]:
        """What does not depend on the member, at every step."""
        if ready.common is None or ready.plan.common is None:
            return {}
        steps = len(self.grid.times)
        inputs = self.engine.inputs(ready.plan.common.inputs, self.request, self.grid.times)
        return ready.common.run(Job(1, steps, np.arange(steps), inputs), 1)

    def _member(self, ready: Ready, shared: dict[int, Values], members: slice) -> dict[int, Values]:
        if ready.member is None or ready.plan.member is None:
            return {}
        inputs = self.engine.inputs(ready.plan.member.inputs, self.request, self.grid.times)
        for one in ready.plan.member.inputs:
            if one.slot in inputs:
                continue
            if one.slot in shared:
                values = shared[one.slot][..., 0]
                inputs[one.slot] = np.ascontiguousarray(values if one.per_step else values[0])
            else:
                inputs[one.slot] = self._own(one, members)
        job = Job(members.stop - members.start, len(self.grid.times), self.grid.saved, inputs, self.stopped.is_set)
        return ready.member.run(job, self.threads)

    def _own(self, one: Input, members: slice) -> Values:
        """The design's values of some members, members last."""
        request = self.request
        if one.slot in request.member:
            values = request.member[one.slot][members]
            return np.ascontiguousarray(values.reshape(len(values), -1).T)
        series = request.member_series[one.slot]
        part = Series(series.times, series.values[:, members], series.rule)
        values = interpolate(part, self.grid.times)
        return np.ascontiguousarray(values.reshape(*values.shape[:2], -1).transpose(0, 2, 1))

    def _size(self, ready: Ready) -> int:
        if self.batch is not None:
            return self.batch
        if ready.plan.member is None:
            return self.request.members
        slots, saves = self.engine.module.slots, len(self.grid.labels)
        cells = saves * sum(slots[slot].size for slot in ready.plan.member.outputs)
        for one in ready.plan.member.inputs:
            if not one.uniform:
                cells += slots[one.slot].size * (len(self.grid.times) if one.per_step else 1)
        return max(256, min(self.request.members, BATCH_BYTES // (8 * max(cells, 1))))


def _of(ready: Ready) -> tuple[int, ...]:
    return () if ready.plan.member is None else ready.plan.member.outputs
