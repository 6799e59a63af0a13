"""The program that a back end runs: inputs, statements in order, outputs.

An `ExecutionPlan` is made for one set of given inputs and one set of outputs. It has two programs of the same form:
`common`, what does not depend on the member (run once, with one member), and `member`, the rest, which takes the values
of the first as uniform inputs. Either may be None.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from sim.compiler.ir import Expr, LookupTable, Refs, Slot

Target = Literal["value", "next", "record"]


@dataclass(frozen=True, slots=True, eq=False)
class Statement:
    """`slot[refs] = expr` at every point of `axes` where `mask` holds.

    `target` is `value` (the slot itself), `next` (the state at the following step) or `record` (a history's present
    input). Statements of a stage are ordered; `next` and `record` never change what later statements read.
    """

    slot: int
    axes: tuple[str, ...]
    refs: Refs
    expr: Expr
    mask: NDArray[np.bool_] | None = None
    target: Target = "value"
    label: str = ""


@dataclass(frozen=True, slots=True)
class Input:
    """A slot whose values come from outside.

    Attributes:
        slot: the slot.
        per_step: a value for every step rather than one for the run.
        uniform: the same for all members (of a program for one member, nothing is).
        member: each member has its own value, given by the design.
    """

    slot: int
    per_step: bool
    uniform: bool
    member: bool


@dataclass(frozen=True, slots=True, eq=False)
class Program:
    """One run of the stages `const`, `init`, `settled` once, then `step` at every time.

    Attributes:
        sizes: length of every loop axis.
        states: slots with a present and a next value; the next becomes the present between two steps.
        histories: slots that keep the values of every step.
        outputs: slots saved at the save points, in this order.
        single: made for one member.
    """

    slots: tuple[Slot, ...]
    sizes: dict[str, int]
    tables: tuple[LookupTable, ...]
    inputs: tuple[Input, ...]
    const: tuple[Statement, ...]
    init: tuple[Statement, ...]
    settled: tuple[Statement, ...]
    step: tuple[Statement, ...]
    states: tuple[int, ...]
    histories: tuple[int, ...]
    outputs: tuple[int, ...]
    single: bool

    @property
    def stages(self) -> tuple[tuple[Statement, ...], ...]:
        """All stages in order."""
        return (self.const, self.init, self.settled, self.step)


@dataclass(frozen=True, slots=True, eq=False)
class ExecutionPlan:
    """The two programs, and the values that the second takes from the first.

    Attributes:
        static: slots that `common` computes once for `member`.
        moving: slots that `common` computes at every step for `member`.
        shifted: input slots that hold another one's values later within the step: slot → (the other, part of a step).
    """

    common: Program | None
    member: Program | None
    static: tuple[int, ...]
    moving: tuple[int, ...]
    shifted: Mapping[int, tuple[int, float]]
