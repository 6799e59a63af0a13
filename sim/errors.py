"""What can be wrong with a model file, a parameter or a design. Every message says what was got and what to do."""

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
        reason: what is wrong with it.
    """

    def __init__(self, path: str | Path, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path, self.reason = Path(path), reason


class UnknownNameError(SimError):
    """A name that the model does not have.

    Attributes:
        name: what was asked for.
        nearest: names of the model that look like it.
    """

    def __init__(self, name: str, known: Iterable[str], what: str = "variable") -> None:
        known = list(known)
        lower = {str(one).lower(): str(one) for one in known}
        near = difflib.get_close_matches(str(name).lower()[:200], list(lower), n=3, cutoff=0.5)
        self.name, self.nearest = str(name), tuple(lower[one] for one in near)
        hint = f"; nearest: {', '.join(map(repr, self.nearest))}" if near else f"; the model has {len(known)} names"
        super().__init__(f"no {what} {str(name)[:200]!r} in the model{hint}")
