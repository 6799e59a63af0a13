"""`tanlu`, also `python -m experiments`: the command, which Ctrl-C and SIGTERM end in one line at every moment."""

import os
import signal
import sys
from types import FrameType

from experiments import INTERRUPTED


def _interrupt(number: int, frame: FrameType | None) -> None:
    """Unwinds the command, so that locks are freed and scratch files removed; a second signal ends it at once."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    raise KeyboardInterrupt


def main() -> None:
    """Run the command that the arguments name."""
    signal.signal(signal.SIGINT, _interrupt)
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        from experiments.cli import app  # reads every command's module: an interrupt may fall into it

        app()
    except KeyboardInterrupt:
        sys.stderr.write(f"tanlu: {INTERRUPTED}\n")
    finally:
        if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:  # interrupted, here or in the command
            # No further Python runs: an interpreter in the middle of an import prints a traceback at its end, or
            # ends by the signal instead of the exit code.
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(1)


if __name__ == "__main__":
    main()
