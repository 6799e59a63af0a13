"""Faults in what a person gave us: collected, then raised as one."""

from collections.abc import Iterable, Sequence
from difflib import get_close_matches


class InputError(ValueError):
    """Wrong input, with every fault found (command line: exit code 2).

    faults: one sentence each, saying what was got, what is allowed and what to do.
    """

    def __init__(self, faults: str | Iterable[str]) -> None:
        self.faults = [faults] if isinstance(faults, str) else list(faults)
        super().__init__("\n".join(self.faults))


class RuleError(InputError):
    """Values that are readable but violate a rule (a `check` command: exit code 3)."""


def nearest(name: str, allowed: Sequence[str], n: int = 3) -> str:
    """`; did you mean 'a' or 'b'?` for the closest allowed names, else the empty string."""
    close = get_close_matches(name, allowed, n=n, cutoff=0.6)
    return f"; did you mean {' or '.join(map(repr, close))}?" if close else ""
