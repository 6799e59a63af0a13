"""Faults in a user's input: they are collected and then raised as one exception."""

from collections.abc import Iterable
from typing import Any

LONGEST = 60
"""Greatest number of characters of a value that a message shows."""


class InputError(ValueError):
    """Wrong input, with every fault found (command line: exit code 2).

    Args:
        faults: one sentence each: the value found, the allowed values, and how to correct it.
    """

    def __init__(self, faults: str | Iterable[str]) -> None:
        self.faults = [faults] if isinstance(faults, str) else list(faults)
        super().__init__("\n".join(self.faults))


class RuleError(InputError):
    """Values that are readable but violate a rule (a `check` command: exit code 3)."""


def refuse(faults: Iterable[str | None]) -> None:
    """Raise the faults as one exception, if there are any.

    Args:
        faults: sentences; None means no fault.

    Raises:
        InputError: with every fault.
    """
    if present := [fault for fault in faults if fault]:
        raise InputError(present)


def shortened(value: Any) -> str:
    """A value in the form that a message shows: on one line and with at most LONGEST characters.

    >>> shortened("p12"), shortened(None), shortened("x" * 100)[-3:]
    ("'p12'", 'nothing', 'xx…')
    """
    if value is None:
        return "nothing"
    text = repr(value) if isinstance(value, str | int | float | list | tuple | dict) else str(value)
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
