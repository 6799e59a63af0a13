"""The interface of a back end. A new one is a class with these two methods, named in `BACKENDS` of `sim.ensemble`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from sim.compiler.program import Program

Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Job:
    """What a kernel works on.

    Attributes:
        members: number of members.
        steps: number of times, the first and the last included.
        saved: for every time the number of its save point, or -1.
        inputs: by slot: (cells,) for a uniform input, (cells, members) otherwise; one dim (steps,) more in front for an
            input a step. C-contiguous float64.
        cancelled: asked from time to time; a true answer ends the run early.
    """

    members: int
    steps: int
    saved: NDArray[np.int64]
    inputs: Mapping[int, Values]
    cancelled: Callable[[], bool] | None = None

    @property
    def saves(self) -> int:
        """Number of save points."""
        return int(self.saved.max(initial=-1)) + 1


class Kernel(Protocol):
    """A program made ready to run."""

    def run(self, job: Job, threads: int) -> dict[int, Values]:
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
        """Make a program ready to run."""
