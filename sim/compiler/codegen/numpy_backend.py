"""The NumPy back end: expressions become closures over arrays (cells..., members); nothing is generated as text."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from sim.compiler.codegen import numpy_vector_ops
from sim.compiler.codegen.kernel import KernelJob, Values
from sim.compiler.ir import Along, Apply, Expr, Interp, LookupTable, Number, Read, Recall, Reduce, Refs, Vector
from sim.compiler.numeric import OPERATIONS, Array
from sim.compiler.plan.program import Program, Statement
from sim.compiler.plan.schedule import identity

BLOCK_BYTES = 1 << 18  # of one operand: small enough to stay in the processor's cache
REDUCTIONS = {"sum": np.add, "product": np.multiply, "minimum": np.minimum, "maximum": np.maximum}


class BlockMemory:
    """The arrays of one block of members.

    Attributes:
        arrays: present value by slot, (dims..., members) or (dims..., 1).
        pipes: recorded inputs by history slot, (steps, dims..., members).
        step: number of the present step.
        width: number of members, the padding included.
    """

    def __init__(self, slots: int, width: int) -> None:
        self.arrays: list[Array] = [np.empty(0)] * slots
        self.following: dict[int, Array] = {}
        self.pipes: dict[int, Array] = {}
        self.step = 0
        self.width = width


Evaluate = Callable[[BlockMemory], Array]
Execute = Callable[[BlockMemory], None]


class NumpyBackend:
    """Always there."""

    name = "numpy"

    def available(self) -> str | None:
        """NumPy is a dependency."""
        return None

    def kernel(self, program: Program) -> NumpyKernel:
        """Closures for every statement."""
        return NumpyKernel(program)


class NumpyKernel:
    """A program as closures."""

    def __init__(self, program: Program) -> None:
        self.program = program
        compiler = _Compiler(program)
        self.stages = [[compiler.statement(one) for one in stage] for stage in program.stages]
        self.written = {one.slot for stage in program.stages for one in stage} - {*program.histories}
        cells = max([slot.size for slot in program.slots if slot.number in self.written], default=1)
        self.block = max(8, min(256, BLOCK_BYTES // (8 * cells)))

    def run(self, job: KernelJob, threads: int) -> dict[int, Values]:
        """Run all members block by block; see `Kernel`."""
        shapes = {slot: (job.saves, self.program.slots[slot].size, job.members) for slot in self.program.outputs}
        results = {slot: np.empty(shape) for slot, shape in shapes.items()}
        starts = range(0, job.members, self.block)

        def one(first: int) -> None:
            with np.errstate(all="ignore"):
                self._block(job, first, min(first + self.block, job.members), results)

        if threads > 1 and len(starts) > 1:
            with ThreadPoolExecutor(threads) as pool:
                list(pool.map(one, starts))
        else:
            for first in starts:
                one(first)
        return results

    def _block(self, job: KernelJob, first: int, last: int, results: dict[int, Values]) -> None:
        # One member alone would change the order in which NumPy adds; two members are computed instead.
        width = max(last - first, 2)
        memory = self._memory(job, width)
        members = slice(first, last) if last - first == width else np.full(width, first)
        per_step = [one for one in self.program.inputs if one.per_step]
        for one in self.program.inputs:
            if not one.per_step:
                memory.arrays[one.slot] = self._input(job.inputs[one.slot], one.slot, one.uniform, members)
        for step in range(job.steps):
            if job.cancelled is not None and job.cancelled():
                return
            memory.step = step
            for one in per_step:
                memory.arrays[one.slot] = self._input(job.inputs[one.slot][step], one.slot, one.uniform, members)
            for stage in self.stages[:3] if step == 0 else ():
                for execute in stage:
                    execute(memory)
            for execute in self.stages[3]:
                execute(memory)
            if job.saved[step] >= 0:
                for slot, result in results.items():
                    values = np.broadcast_to(memory.arrays[slot], (*self.program.slots[slot].shape, width))
                    result[job.saved[step], :, first:last] = values.reshape(-1, width)[:, : last - first]
            for slot, value in memory.following.items():
                memory.arrays[slot] = value
            memory.following = {}

    def _input(self, values: Values, slot: int, uniform: bool, members: slice | NDArray[np.int64]) -> Array:
        shape = self.program.slots[slot].shape
        return values.reshape((*shape, 1)) if uniform else values[:, members].reshape((*shape, -1))

    def _memory(self, job: KernelJob, width: int) -> BlockMemory:
        slots = self.program.slots
        memory = BlockMemory(len(slots), width)
        for slot in self.written:
            memory.arrays[slot] = np.full((*slots[slot].shape, width), np.nan)
        for slot in self.program.histories:
            memory.pipes[slot] = np.zeros((job.steps, *slots[slot].shape, width))
        return memory


class _Compiler:
    """Statements and expressions → closures."""

    def __init__(self, program: Program) -> None:
        self.program = program

    def statement(self, one: Statement) -> Execute:
        """Evaluate and store."""
        value = self.expression(one.expr, one.axes)
        slot, shape = one.slot, self.program.slots[one.slot].shape
        if one.target == "record":
            return self._record(one, value)
        if one.mask is None and identity(one.refs, one.axes):
            if isinstance(one.expr, Read):  # a view of an array that later steps may write in place
                return _store_whole(slot, shape, lambda memory: value(memory).copy(), one.target == "next")
            return _store_whole(slot, shape, value, one.target == "next")
        return self._store_part(one, value)

    def _record(self, one: Statement, value: Evaluate) -> Execute:
        slot, index = one.slot, self.index(one.slot, one.refs, one.axes)

        def execute(memory: BlockMemory) -> None:
            memory.pipes[slot][memory.step][index] = value(memory)

        return execute

    def _store_part(self, one: Statement, value: Evaluate) -> Execute:
        slot, mask, following = one.slot, one.mask, one.target == "next"
        sizes = tuple(self.program.sizes[axis] for axis in one.axes)
        index = tuple(np.broadcast_to(part, sizes) for part in self.index(slot, one.refs, one.axes))
        if mask is not None:
            index = tuple(part[mask] for part in index)

        def execute(memory: BlockMemory) -> None:
            values = np.broadcast_to(value(memory), (*sizes, memory.width))
            if following and slot not in memory.following:
                memory.following[slot] = memory.arrays[slot].copy()
            target = memory.following[slot] if following else memory.arrays[slot]
            target[index] = values if mask is None else values[mask]

        return execute

    def index(self, slot: int, refs: Refs, axes: Sequence[str]) -> tuple[NDArray[np.int64], ...]:
        """Positions along each dim of a slot, broadcastable over the axes."""
        parts = []
        for ref in refs:
            if isinstance(ref, int):
                parts.append(np.full([1] * len(axes), ref))
            else:
                size = self.program.sizes[ref.axis]
                shape = [size if axis == ref.axis else 1 for axis in axes]
                parts.append(np.array(ref.map or range(size)).reshape(shape))
        return tuple(parts)

    def expression(self, node: Expr, axes: Sequence[str]) -> Evaluate:
        """A closure whose value broadcasts over (axes..., members)."""
        if isinstance(node, Number):
            constant = np.full([1] * (len(axes) + 1), node.value)
            return lambda memory: constant
        if isinstance(node, Read):
            return self.read(node.slot, node.refs, axes)
        lower: dict[type, Callable[..., Evaluate]] = {
            Apply: self._apply,
            Reduce: self._reduce,
            Interp: self._interp,
            Recall: self._recall,
            Vector: self._vector,
        }
        return lower[type(node)](node, axes)

    def read(self, slot: int, refs: Refs, axes: Sequence[str]) -> Evaluate:
        """A view where the slot can be cut by slices, a copy by index otherwise."""
        order = [axes.index(ref.axis) for ref in refs if isinstance(ref, Along)]
        cuts = tuple(_cut(ref) for ref in refs)
        if order != sorted(set(order)) or any(cut is None for cut in cuts):
            index = self.index(slot, refs, axes)
            return lambda memory: memory.arrays[slot][index]
        given = {ref.axis: self.program.sizes[ref.axis] for ref in refs if isinstance(ref, Along)}
        shape = (*(given.get(axis, 1) for axis in axes), -1)
        key = (*cuts, slice(None))
        if all(cut == slice(None) for cut in cuts) and len(given) == len(axes):
            return lambda memory: memory.arrays[slot]
        return lambda memory: memory.arrays[slot][key].reshape(shape)

    def _apply(self, node: Apply, axes: Sequence[str]) -> Evaluate:
        operation = OPERATIONS[node.op]
        args = [self.expression(arg, axes) for arg in node.args]
        if len(args) == 1:
            (only,) = args
            return lambda memory: operation(only(memory))
        if len(args) == 2:
            left, right = args
            return lambda memory: operation(left(memory), right(memory))
        return lambda memory: operation(*(arg(memory) for arg in args))

    def _reduce(self, node: Reduce, axes: Sequence[str]) -> Evaluate:
        body = self.expression(node.body, (*axes, *node.over))
        sizes = [self.program.sizes[axis] for axis in node.over]
        count, reduce = int(np.prod(sizes)), REDUCTIONS[node.op].reduce

        def evaluate(memory: BlockMemory) -> Array:
            values = body(memory)
            outer, width = values.shape[: len(axes)], values.shape[-1]
            result: Array = reduce(values.reshape((*outer, count, width)), axis=-2)
            return result

        return evaluate

    def _interp(self, node: Interp, axes: Sequence[str]) -> Evaluate:
        table = self.program.tables[node.table]
        arg = self.expression(node.arg, axes)
        rows = self.index(-1, node.refs, axes)
        return interpolator(table, rows, arg)

    def _recall(self, node: Recall, axes: Sequence[str]) -> Evaluate:
        lag, start = self.expression(node.lag, axes), self.expression(node.start, axes)
        index, sizes = self.index(node.slot, node.refs, axes), tuple(self.program.sizes[axis] for axis in axes)
        slot = node.slot

        def evaluate(memory: BlockMemory) -> Array:
            shape = (*sizes, memory.width)
            back = np.broadcast_to(lag(memory), shape)
            known = back <= memory.step  # a lag of NaN recalls the start
            when = np.where(known, memory.step - back, 0).astype(np.int64)
            where = tuple(part[..., None] for part in index)
            recorded = memory.pipes[slot][(when, *where, np.arange(memory.width))]
            return np.where(known, recorded, start(memory))

        return evaluate

    def _vector(self, node: Vector, axes: Sequence[str]) -> Evaluate:
        inner = (*(axis for axis in axes if axis not in node.over), *node.over)
        args = [self.expression(arg, inner) for arg in node.args]
        sizes = tuple(self.program.sizes[axis] for axis in inner)
        order = [inner.index(axis) for axis in axes]
        operation = numpy_vector_ops.OPERATIONS[node.op]

        def evaluate(memory: BlockMemory) -> Array:
            values = operation([arg(memory) for arg in args], sizes, memory.width)
            return values.transpose([*order, values.ndim - 1])

        return evaluate


def _cut(ref: int | Along) -> int | slice | None:
    """A ref as basic index, None where only a list of positions will do."""
    if isinstance(ref, int):
        return ref
    if ref.map is None:
        return slice(None)
    first = ref.map[0]
    return slice(first, first + len(ref.map)) if ref.map == tuple(range(first, first + len(ref.map))) else None


def _store_whole(slot: int, shape: tuple[int, ...], value: Evaluate, following: bool) -> Execute:
    def execute(memory: BlockMemory) -> None:
        full = (*shape, memory.width)
        values = value(memory)
        if values.shape != full:
            values = np.broadcast_to(values, full)
        if following:
            memory.following[slot] = values
        else:
            memory.arrays[slot] = values

    return execute


def slopes(table: LookupTable) -> Values:
    """Slope to the right of every point; beyond the last 0, or that of the last piece where the rule extrapolates."""
    result = np.zeros(table.y.shape)
    if len(table.x) > 1:
        with np.errstate(all="ignore"):
            result[..., :-1] = np.diff(table.y) / np.diff(table.x)
        if table.rule == "extrapolate":
            result[..., -1] = result[..., -2]
    return result


def interpolator(table: LookupTable, rows: tuple[NDArray[np.int64], ...], arg: Evaluate) -> Evaluate:
    """A closure for a lookup; `rows` choose the row of ordinates."""
    x, y, slope = table.x, table.y, slopes(table)
    where = tuple(part[..., None] for part in rows)
    low, high, clamp, flat = x[0], x[-1], table.rule != "extrapolate", table.rule == "hold_backward"

    def evaluate(memory: BlockMemory) -> Array:
        at = arg(memory)
        if clamp:
            at = np.clip(at, low, high)
        piece = np.maximum(np.searchsorted(x, at, side="right") - 1, 0)
        base = y[(*where, piece)]
        if flat:
            return np.where(np.isnan(at), at, base)
        result: Array = slope[(*where, piece)] * (at - x[piece]) + base
        return result

    return evaluate
