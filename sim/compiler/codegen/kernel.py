"""The interface of a back end.

A new one is a class with the two methods of `Backend`, named in `BACKENDS` of `sim.backends`; the tests then run it on
every model. What it runs is a `Program` (`sim.compiler.plan.program`), whose expressions are described in
`sim.compiler.ir`; `numpy_backend` is the shorter of the two examples. It may raise `Unsupported` for an operation that
it lacks: `auto` then takes NumPy.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from sim.compiler.plan.program import Program
from sim.errors import SimError

Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class KernelJob:
    """The data on which a kernel works.

    Attributes:
        members: number of members.
        steps: number of times, the first and the last included.
        saved: for every time the number of its save point, or -1.
        inputs: by slot: (cells,) for a uniform input, (cells, members) otherwise; one dim (steps,) more in front for an
            input a step. C-contiguous float64.
        cancelled: asked from time to time; a true answer ends the run early.
        rows: first element, and the one behind the last, of the dim that a native kernel can run in part
            (`NativeKernel.ranged`); by default all. Elements outside are NaN in the results.
    """

    members: int
    steps: int
    saved: NDArray[np.int64]
    inputs: Mapping[int, Values]
    cancelled: Callable[[], bool] | None = None
    rows: tuple[int, int] | None = None

    @property
    def saves(self) -> int:
        """Number of save points."""
        return int(self.saved.max(initial=-1)) + 1


class Unsupported(SimError):  # noqa: N818 - a property of the program, not a failure
    """An operation that this back end does not have."""


class Kernel(Protocol):
    """A program made ready to run."""

    def run(self, job: KernelJob, threads: int) -> dict[int, Values]:
        """Run all members.

        Returns:
            by output slot an array (saves, cells, members). It must not depend on `threads`.
        """


class Backend(Protocol):
    """Makes kernels."""

    name: str

    def available(self) -> str | None:
        """None if it can be used, otherwise why not."""

    def kernel(self, program: Program) -> Kernel:
        """Make a program ready to run.

        Raises:
            Unsupported: it holds an operation that this back end lacks.
        """
