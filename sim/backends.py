"""The back ends by name."""

from __future__ import annotations

import logging

from sim.compiler.codegen.kernel import Backend, Kernel, Unsupported
from sim.compiler.codegen.native_backend import NativeBackend
from sim.compiler.codegen.numpy_backend import NumpyBackend
from sim.compiler.plan.program import Program
from sim.errors import CompilerError, SimError

logger = logging.getLogger("sim")


class AutoBackend:
    """Native code where it is available, otherwise NumPy, with one message."""

    name = "auto"

    def __init__(self) -> None:
        self.said: set[str] = set()

    def available(self) -> str | None:
        """NumPy is always there."""
        return None

    def kernel(self, program: Program) -> Kernel:
        """The fastest kernel that can be made."""
        reason = BACKENDS["native"].available()
        if reason is None:
            try:
                return BACKENDS["native"].kernel(program)
            except (Unsupported, CompilerError) as error:
                reason = str(error)
        if reason not in self.said:
            self.said.add(reason)
            logger.warning("no native kernel, NumPy runs instead (about ten times slower): %s", reason)
        return BACKENDS["numpy"].kernel(program)


BACKENDS: dict[str, Backend] = {"native": NativeBackend(), "numpy": NumpyBackend(), "auto": AutoBackend()}


def choose(name: str) -> Backend:
    """The back end of a name; `auto` is the fastest that can be used."""
    if name not in BACKENDS:
        raise SimError(f"no back end {name!r}; there are {', '.join(BACKENDS)} and pysd")
    reason = BACKENDS[name].available()
    if reason is not None:
        raise SimError(f"the back end {name!r} cannot be used: {reason}; backend='auto' runs without it")
    return BACKENDS[name]
