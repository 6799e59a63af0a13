"""Progress messages while members run."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

Progress = Callable[[int, int], bool | None]

QUIET = 5.0  # seconds of work that need no progress line


class Printer:
    """Prints how many members are done to standard error, at most once a second.

    Args:
        what: the activity, printed before the numbers.
        after: seconds that the whole must be expected to take before anything is printed.
    """

    def __init__(self, what: str = "members", after: float = 0.0) -> None:
        self.what, self.after = what, after
        self.start = self.last = time.monotonic()
        self.printed = False

    def __call__(self, done: int, total: int) -> None:
        """Take note that members are done."""
        now = time.monotonic()
        if done == 0:
            self.start = self.last = now
            return
        spent = now - self.start
        left = spent / done * (total - done)
        if spent + left < self.after or (done < total and self.printed and now - self.last < 1):
            return
        rest = f", about {left:.0f} s left" if done < total else f" in {spent:.1f} s"
        print(f"{self.what}: {done} of {total} done{rest}", file=sys.stderr, flush=True)
        self.last, self.printed = now, True


def callback(progress: bool | Progress | None, what: str) -> Progress | None:
    """The callback of an argument: a function as it is, True for a `Printer`, False or None for nothing."""
    if progress is True:
        return Printer(what)
    return progress or None
