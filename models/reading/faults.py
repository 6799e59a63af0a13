"""Faults in what a person gave us: collected, then raised as one."""

from collections.abc import Iterable
from typing import Any

LONGEST = 60
"""Characters of a value that a message shows."""


class InputError(ValueError):
    """Wrong input, with every fault found (command line: exit code 2).

    Args:
        faults: one sentence each, saying what was got, what is allowed and what to do.
    """

    def __init__(self, faults: str | Iterable[str]) -> None:
        self.faults = [faults] if isinstance(faults, str) else list(faults)
        super().__init__("\n".join(self.faults))


class RuleError(InputError):
    """Values that are readable but violate a rule (a `check` command: exit code 3)."""


def refuse(faults: Iterable[str | None]) -> None:
    """Raises the faults, if there are any.

    Args:
        faults: sentences; None stands for no fault.

    Raises:
        InputError: with every fault given.
    """
    if present := [fault for fault in faults if fault]:
        raise InputError(present)


def shortened(value: Any) -> str:
    """A value as a message shows it, on one line and of at most LONGEST characters.

    >>> shortened("p12"), shortened(None), shortened("x" * 100)[-3:]
    ("'p12'", 'nothing', 'xx…')
    """
    if value is None:
        return "nothing"
    text = repr(value) if isinstance(value, str | int | float | list | tuple | dict) else str(value)
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
