"""The back ends by name."""

from __future__ import annotations

from sim.compiler.backend import Backend
from sim.compiler.numpy_backend import NumpyBackend
from sim.errors import SimError

BACKENDS: dict[str, Backend] = {"numpy": NumpyBackend()}


def choose(name: str) -> Backend:
    """The back end of a name; `auto` is the fastest that can be used."""
    if name == "auto":
        return BACKENDS["numpy"]
    if name not in BACKENDS:
        raise SimError(f"no back end {name!r}; there are auto, {', '.join(BACKENDS)} and pysd")
    reason = BACKENDS[name].available()
    if reason is not None:
        raise SimError(f"the back end {name!r} cannot be used: {reason}")
    return BACKENDS[name]
