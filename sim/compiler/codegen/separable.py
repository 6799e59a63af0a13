"""Along which dim a program may be run in part: where no element reads another one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sim.compiler.ir import Along, Read, Recall, Refs, Slot, Vector, walk
from sim.compiler.plan.program import Program, Statement


def separable_dim(program: Program) -> str:
    """The first dim of an output whose elements do not depend on each other; empty if there is none."""
    firsts = dict.fromkeys(program.slots[slot].dims[0] for slot in program.outputs if program.slots[slot].dims)
    return next((dim for dim in firsts if not coupled(program, dim)), "")


def coupled(program: Program, dim: str) -> list[str]:
    """The variables that join elements of a dim, or take one of them apart, each once, in the order of the program.

    Given as parameters over time, they leave the elements independent of each other.
    """
    every = (one for stage in program.stages for one in stage)
    return list(dict.fromkeys(one.label for one in every if not _apart(one, dim, program.slots)))


def _apart(one: Statement, dim: str, slots: Sequence[Slot]) -> bool:
    """Whether a statement reads and writes a dim only at the element of its own loop."""
    places: list[tuple[int, Refs]] = [(one.slot, one.refs)]
    for node in walk(one.expr):
        if isinstance(node, Vector) and dim in node.over:
            return False
        if isinstance(node, Read | Recall):
            places.append((node.slot, node.refs))
    return all(_own(refs, slots[slot].dims, dim) for slot, refs in places)


def _own(refs: Refs, dims: Iterable[str], dim: str) -> bool:
    return all(of != dim or ref == Along(dim) for ref, of in zip(refs, dims, strict=True))
