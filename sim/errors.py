"""Faults of a model file, a parameter or a design. Every message names the value found and the correction."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from pathlib import Path


class SimError(ValueError):
    """Wrong input to this package; the message is meant for the user."""


class ModelError(SimError):
    """A model file that cannot be read, translated or run.

    Attributes:
        path: the file.
        reason: the fault.
    """

    def __init__(self, path: str | Path, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path, self.reason = Path(path), reason


class UnknownNameError(SimError):
    """A name that the model does not have.

    Attributes:
        name: the name that was given.
        nearest: names of the model that look like it.
    """

    def __init__(self, name: str, known: Iterable[str], what: str = "variable") -> None:
        known = list(known)
        lower = {str(one).lower(): str(one) for one in known}
        near = difflib.get_close_matches(str(name).lower()[:200], list(lower), n=3, cutoff=0.5)
        self.name, self.nearest = str(name), tuple(lower[one] for one in near)
        hint = f"; nearest: {', '.join(map(repr, self.nearest))}" if near else f"; the model has {len(known)} names"
        super().__init__(f"no {what} {str(name)[:200]!r} in the model{hint}")


class UnknownSubscriptError(UnknownNameError):
    """A subscript range or element that the model does not have."""

    def __init__(self, name: str, known: Iterable[str], what: str = "subscript") -> None:
        super().__init__(name, known, what)


class Refused(SimError):  # noqa: N818 - a refusal is a verdict on the model, not a failure
    """A model that uses a feature that the engine does not reproduce; running it would give a wrong number.

    Attributes:
        variable: where.
        line: line of the model file, None if unknown.
        reason: the unsupported or contradictory feature.
    """

    def __init__(self, variable: str, line: int | None, reason: str) -> None:
        where = f" (line {line})" if line else ""
        super().__init__(f"refused: {variable[:200]!r}{where}: {reason}")
        self.variable, self.line, self.reason = variable, line, reason


class CircularError(SimError):
    """Variables that need each other at the same time.

    Attributes:
        names: the variables of one circle, in order.
    """

    def __init__(self, names: Iterable[str], what: str) -> None:
        self.names = tuple(dict.fromkeys(names))
        path = " → ".join(repr(name[:80]) for name in (*self.names[:20], self.names[0]))
        super().__init__(f"circular {what}: {path}; a stock, delay or initial value must break the circle")


class DesignError(SimError):
    """Parameters or a design that do not fit the model.

    Attributes:
        faults: everything that is wrong.
    """

    def __init__(self, faults: Iterable[str]) -> None:
        self.faults = tuple(faults)
        super().__init__("; ".join(self.faults))


class Cancelled(SimError):  # noqa: N818 - the user's wish, not a failure
    """The progress callback stopped the run.

    Attributes:
        done: members that were finished.
        total: members that were asked for.
    """

    def __init__(self, done: int, total: int) -> None:
        super().__init__(f"stopped after {done} of {total} members")
        self.done, self.total = done, total


class CompilerError(RuntimeError):
    """The system's C compiler is missing or fails; the NumPy back end runs everything without it."""
