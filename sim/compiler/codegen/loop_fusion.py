"""Fusing: statements of a stage → loop nests, as few and as large as their dependences allow."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sim.compiler.ir import Along, Read, Recall, Reduce, Vector, walk
from sim.compiler.plan.program import Statement

LARGEST = 48  # statements of one nest: keeps registers and compile time in bounds
LONGEST, TERMS = 64, 256  # elements and nodes of a reduction that is written out


@dataclass(slots=True)
class Nest:
    """Loops over `axes` around statements.

    `kept` are slots whose values are needed outside the nest; the others live in registers.
    """

    axes: tuple[str, ...]
    statements: list[Statement] = field(default_factory=list)


def alone(one: Statement, sizes: Mapping[str, int]) -> bool:
    """Whether a statement needs a separate nest: a long reduction, a row operation or a mask."""
    if isinstance(one.expr, Reduce):
        return one.mask is not None or not written_out(one.expr, sizes)
    return one.mask is not None or isinstance(one.expr, Vector)


def written_out(node: Reduce, sizes: Mapping[str, int]) -> bool:
    """Whether a reduction is short enough to be written term by term, which keeps it in registers."""
    count = math.prod(sizes[axis] for axis in node.over)
    return count <= LONGEST and count * sum(1 for _ in walk(node.body)) <= TERMS


def fuse(statements: Sequence[Statement], sizes: Mapping[str, int]) -> list[Nest]:
    """Group statements, which are given in a valid order, into nests in a valid order."""
    apart = [alone(one, sizes) for one in statements]
    reads = [_reads(one) for one in statements]
    writers: dict[int, list[int]] = {}
    needs: list[list[int]] = []
    for i, one in enumerate(statements):
        needs.append([writer for slot in reads[i] for writer in writers.get(slot, ())])
        if one.target == "value":
            writers.setdefault(one.slot, []).append(i)
    pending, done, nests = list(range(len(statements))), set[int](), list[Nest]()
    while pending:
        ready = [i for i in pending if done.issuperset(needs[i])]
        first = next((i for i in ready if isinstance(statements[i].expr, Reduce)), ready[0])  # they hold others up
        chosen = [first] if apart[first] else _gather(statements, needs, pending, done, first, apart)
        nests.append(Nest(statements[first].axes, [statements[i] for i in chosen]))
        done.update(chosen)
        taken = set(chosen)
        pending = [i for i in pending if i not in taken]
    return nests


def _gather(
    statements: Sequence[Statement],
    needs: list[list[int]],
    pending: list[int],
    done: set[int],
    first: int,
    apart: list[bool],
) -> list[int]:
    """All pending statements that can share the loops of the first."""
    axes = set(statements[first].axes)
    chosen: list[int] = []
    inside: set[int] = set()
    grown = True
    while grown and len(chosen) < LARGEST:
        grown = False
        for i in pending:
            one = statements[i]
            if i in inside or apart[i] or set(one.axes) != axes or len(chosen) >= LARGEST:
                continue
            near = [j for j in needs[i] if j not in done]
            if all(j in inside for j in near) and _pointwise(one, [statements[j] for j in near]):
                chosen.append(i)
                inside.add(i)
                grown = True
    return chosen


def _pointwise(reader: Statement, writers: Sequence[Statement]) -> bool:
    """Whether a statement reads what others write only at the point of the loop where they write it."""
    written = {one.slot: one.refs for one in writers}
    if len(written) != len(writers):
        return False
    for one in writers:
        if sorted(ref.axis for ref in one.refs if isinstance(ref, Along)) != sorted(one.axes):
            return False
    reads = [node for node in walk(reader.expr) if isinstance(node, Read | Recall) and node.slot in written]
    return all(isinstance(node, Read) and node.refs == written[node.slot] for node in reads)


def _reads(one: Statement) -> set[int]:
    return {node.slot for node in walk(one.expr) if isinstance(node, Read | Recall)}
