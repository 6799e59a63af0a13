"""Members × dims × time: plans and kernels are made once, members run in batches, results go to a sink."""

from __future__ import annotations

import functools
import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from sim.clock import Controls, Grid, grid
from sim.compiler.codegen.input_values import common_inputs, interpolate, later
from sim.compiler.codegen.kernel import Backend, Kernel, KernelJob
from sim.compiler.codegen.numpy_backend import NumpyBackend
from sim.compiler.ir import Module, TimeSeries
from sim.compiler.plan.dependence import Given
from sim.compiler.plan.planner import make_plan
from sim.compiler.plan.program import ExecutionPlan, Input
from sim.design import Request
from sim.errors import Cancelled, SimError
from sim.progress import Progress

Values = NDArray[np.float64]
KEPT_PLANS = 64
REPORTED = 1024  # members of a batch where somebody follows the progress
BATCH_BYTES = 64 << 20  # of inputs and outputs of one batch that goes to a file
MEMORY_BYTES = 1 << 30  # of one batch that stays in memory, where one batch is kept without a copy


@dataclass(frozen=True, slots=True, eq=False)
class Ready:
    """A plan with its kernels."""

    plan: ExecutionPlan
    common: Kernel | None
    member: Kernel | None


@dataclass(slots=True, eq=False)
class Engine:
    """The kernels of one module, each made when first needed."""

    module: Module
    kept: OrderedDict[object, Ready] = field(default_factory=OrderedDict)
    lock: threading.RLock = field(default_factory=threading.RLock)

    def ready(self, given: Given, outputs: tuple[int, ...], backend: Backend) -> Ready:
        """Kernels for given inputs and wanted outputs."""
        key = (given, outputs, backend.name)
        with self.lock:
            if key in self.kept:
                self.kept.move_to_end(key)
                return self.kept[key]
            made = make_plan(self.module, given, outputs)
            with ThreadPoolExecutor(2) as pool:  # a compiler run each
                parts = [
                    None if part is None else pool.submit(backend.kernel, part) for part in (made.common, made.member)
                ]
            common, member = (None if part is None else part.result() for part in parts)
            self.kept[key] = Ready(made, common, member)
            while len(self.kept) > KEPT_PLANS:
                self.kept.popitem(last=False)
            return self.kept[key]

    def grid(self, request: Request, times: Sequence[float] | None) -> Grid:
        """The times of a run; the control variables are the same for all members and do not depend on stocks."""
        clock = self.module.clock
        slots = (clock.initial, clock.final, clock.step, clock.saveper)
        known = [self._control(slot, request) for slot in slots]
        if None not in known:
            fixed = Controls(*(value for value in known if value is not None))
            return _fixed_grid(fixed, None if times is None else tuple(times))
        ready = self.ready(request.given, slots, NumpyBackend())
        common = ready.plan.common
        if ready.member is not None or ready.common is None or common is None or common.states or common.histories:
            raise SimError("the control variables must not depend on stocks or on what differs between members")
        kernel = ready.common

        def controls(time: float) -> Controls:
            inputs = _common(self.module, ready.plan, common.inputs, request, np.array([time]))
            results = kernel.run(KernelJob(1, 1, np.zeros(1, dtype=np.int64), inputs), 1)
            return Controls(*(float(results[slot][0, 0, 0]) for slot in slots))

        still = controls(0.0)
        return grid(controls if common.step else lambda time: still, times)

    def _control(self, slot: int, request: Request) -> float | None:
        if slot in request.member or slot in request.member_series or slot in request.common_series:
            name = self.module.slots[slot].label
            raise SimError(f"{name!r} must be one number, the same for all members: give it in params")
        value = request.common.get(slot, self.module.defaults.get(slot))
        return None if value is None else float(np.ravel(value)[0])


@functools.lru_cache(64)
def _fixed_grid(fixed: Controls, times: tuple[float, ...] | None) -> Grid:
    return grid(lambda time: fixed, times)


def _common(
    module: Module, plan: ExecutionPlan, wanted: Sequence[Input], request: Request, times: Values
) -> dict[int, Values]:
    return common_inputs(module, wanted, request.common, request.common_series, times, plan.shifted)


@dataclass(slots=True, eq=False)
class EnsembleRun:
    """One ensemble: everything that its batches share.

    Attributes:
        outputs: output slots.
        backend: makes the kernels.
        threads: at most so many at a time; they share the members of a batch.
        batch: members at a time; None for a size that fits into memory.
        progress: called with the numbers of finished and of all members; False stops the run.
        room: bytes of one batch where `batch` is None.
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
    room: int = BATCH_BYTES

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
        inputs = _common(self.engine.module, ready.plan, ready.plan.common.inputs, self.request, self.grid.times)
        return ready.common.run(KernelJob(1, steps, np.arange(steps), inputs), 1)

    def _member(self, ready: Ready, shared: dict[int, Values], members: slice) -> dict[int, Values]:
        if ready.member is None or ready.plan.member is None:
            return {}
        inputs = _common(self.engine.module, ready.plan, ready.plan.member.inputs, self.request, self.grid.times)
        for one in ready.plan.member.inputs:
            if one.slot in inputs:
                continue
            if one.slot in shared:
                values = shared[one.slot][..., 0]
                inputs[one.slot] = np.ascontiguousarray(values if one.per_step else values[0])
            else:
                inputs[one.slot] = self._own(ready.plan, one, members)
        job = KernelJob(
            members.stop - members.start, len(self.grid.times), self.grid.saved, inputs, self.stopped.is_set
        )
        return ready.member.run(job, self.threads)

    def _own(self, plan: ExecutionPlan, one: Input, members: slice) -> Values:
        """The design's values of some members, members last."""
        request = self.request
        if one.slot in request.member:
            values = request.member[one.slot][members]
            return np.ascontiguousarray(values.reshape(len(values), -1).T)
        source, fraction = plan.shifted.get(one.slot, (one.slot, 0.0))
        series = request.member_series[source]
        part = TimeSeries(series.times, series.values[:, members], series.rule)
        values = interpolate(part, later(self.grid.times, fraction))
        return np.ascontiguousarray(values.reshape(*values.shape[:2], -1).transpose(0, 2, 1))

    def _size(self, ready: Ready) -> int:
        if self.batch is not None:
            return self.batch
        if ready.plan.member is None:
            return self.request.members
        slots, saves = ready.plan.member.slots, len(self.grid.labels)
        cells = saves * sum(slots[slot].size for slot in ready.plan.member.outputs)
        for one in ready.plan.member.inputs:
            if not one.uniform:
                cells += slots[one.slot].size * (len(self.grid.times) if one.per_step else 1)
        size = max(256, min(self.request.members, self.room // (8 * max(cells, 1))))
        return size if self.progress is None else min(size, REPORTED)


def _of(ready: Ready) -> tuple[int, ...]:
    return () if ready.plan.member is None else ready.plan.member.outputs
