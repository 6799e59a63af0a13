"""Order of statements: each after those that it reads, element by element where a variable has several definitions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from sim.compiler.ir import Along, Refs
from sim.compiler.plan.dependence import CONST, SETTLED, STEP, Work
from sim.compiler.plan.program import Statement
from sim.compiler.plan.recurrence import by_element
from sim.errors import CircularError


def order(work: Work, statements: Sequence[Statement], what: str) -> list[Statement]:
    """Topological order; statements keep their order where nothing forces another.

    Statements that need each other are written out by element: the elements may follow from each other.

    Raises:
        CircularError: elements need each other; the message names the variables of one circle.
    """
    sizes = {name: axis.size for name, axis in work.module.axes.items()}
    while True:
        try:
            return _order(work, statements)
        except _Circle as circle:
            chosen = {i: by_element(work.graph, statements[i], sizes) for i in circle.statements}
            if all(len(parts) == 1 for parts in chosen.values()):
                raise _circular(statements, circle.statements, what) from None
            statements = [part for i, one in enumerate(statements) for part in chosen.get(i, [one])]


class _Circle(Exception):  # noqa: N818 - caught above
    """Statements that need each other, by number."""

    def __init__(self, statements: list[int]) -> None:
        super().__init__()
        self.statements = statements


def _order(work: Work, statements: Sequence[Statement]) -> list[Statement]:
    writers: dict[int, list[int]] = {}
    for i, statement in enumerate(statements):
        if statement.target == "value":
            writers.setdefault(statement.slot, []).append(i)
    needs = [_needs(work, statement, statements, writers) for statement in statements]
    done: list[int] = []
    state = [0] * len(statements)
    for i in range(len(statements)):
        _visit(i, needs, state, done)
    return [statements[i] for i in done]


def _visit(first: int, needs: list[list[int]], state: list[int], done: list[int]) -> None:
    """Depth-first, without recursion: chains of thousands of variables are common."""
    stack = [(first, iter(needs[first]))] if not state[first] else []
    if stack:
        state[first] = 1
    while stack:
        current, remaining = stack[-1]
        following = next(remaining, None)
        if following is None:
            state[current] = 2
            done.append(current)
            stack.pop()
        elif state[following] == 1:
            path = [one for one, _ in stack]
            raise _Circle(path[path.index(following) :])
        elif state[following] == 0:
            state[following] = 1
            stack.append((following, iter(needs[following])))


def _circular(statements: Sequence[Statement], circle: list[int], what: str) -> CircularError:
    return CircularError([statements[i].label for i in circle], what)


def _needs(
    work: Work, statement: Statement, statements: Sequence[Statement], writers: dict[int, list[int]]
) -> list[int]:
    needed: dict[int, None] = {}
    for node in work.reads(statement.expr):
        if node.slot not in writers:
            continue
        candidates = writers[node.slot]
        if len(candidates) > 1:
            wanted = _cells(work, node.slot, node.refs)
            candidates = [i for i in candidates if (wanted & _written(work, statements[i])).any()]
        needed.update(dict.fromkeys(candidates))
    return list(needed)


def _written(work: Work, statement: Statement) -> NDArray[np.bool_]:
    if statement.mask is None:
        return _cells(work, statement.slot, statement.refs)
    cells = np.zeros(work.slots[statement.slot].shape, dtype=bool)
    index = []
    for ref in statement.refs:
        if isinstance(ref, int):
            index.append(np.full([1] * len(statement.axes), ref))
        else:
            size = work.module.axes[ref.axis].size
            shape = [size if axis == ref.axis else 1 for axis in statement.axes]
            index.append(np.array(ref.map or range(size)).reshape(shape))
    full = tuple(np.broadcast_arrays(*index))
    cells[tuple(one[statement.mask] for one in full)] = True
    return cells


def _cells(work: Work, slot: int, refs: Refs) -> NDArray[np.bool_]:
    """The cells of a slot that refs may touch: the product of the positions along each dim."""
    shape = work.slots[slot].shape
    cells = np.ones(shape, dtype=bool)
    for dim, ref in enumerate(refs):
        positions = [ref] if isinstance(ref, int) else list(ref.map or range(shape[dim]))
        row = np.zeros(shape[dim], dtype=bool)
        row[positions] = True
        cells &= row.reshape([-1 if i == dim else 1 for i in range(len(shape))])
    return cells


Stages = tuple[list[Statement], list[Statement], list[Statement], list[Statement]]


def stages(work: Work, member: bool, wanted: Iterable[int]) -> Stages:
    """The statements of one program in the stages const, init, settled and step.

    `wanted` are the slots whose values are needed outside the program.
    """
    values = [one for group in work.values.values() for one in group if work.member[one.slot] == member]
    starts = [one for group in work.initial.values() for one in group if work.member[one.slot] == member]
    following = [one for group in work.following.values() for one in group if work.member[one.slot] == member]
    const = [one for one in values if work.level[one.slot] == CONST]
    settled = [one for one in values if work.level[one.slot] == SETTLED]
    step = [one for one in values if work.level[one.slot] == STEP]
    init = [*_read_by(work, starts, [*settled, *step]), *starts]
    running = {*(one.slot for one in _read_by(work, [*following, *_of(wanted, step)], step)), *wanted}
    step = [one for one in step if one.slot in running]
    return (
        order(work, const, "constants"),
        order(work, init, "initial values"),
        order(work, settled, "equations"),
        order(work, [*following, *step], "equations"),  # roots first: what they need stands right before them
    )


def _read_by(work: Work, roots: Sequence[Statement], values: Sequence[Statement]) -> list[Statement]:
    """Those of the values that the roots need, directly or through others."""
    by_slot: dict[int, list[Statement]] = {}
    for one in values:
        by_slot.setdefault(one.slot, []).append(one)
    wanted: set[int] = set()
    queue = list(roots)
    while queue:
        for node in work.reads(queue.pop().expr):
            if node.slot in by_slot and node.slot not in wanted:
                wanted.add(node.slot)
                queue.extend(by_slot[node.slot])
    return [one for one in values if one.slot in wanted]


def _of(slots: Iterable[int], statements: Sequence[Statement]) -> list[Statement]:
    chosen = set(slots)
    return [one for one in statements if one.slot in chosen]


def identity(refs: Refs, axes: tuple[str, ...]) -> bool:
    """Whether refs run through a slot in the order of the axes, element for element."""
    return refs == tuple(Along(axis) for axis in axes)
