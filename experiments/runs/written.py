"""Record of written files: `store.write` reports every file to the blocks that listen."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

_LISTENERS: ContextVar[tuple[list[Path], ...]] = ContextVar("listeners", default=())


@contextmanager
def written() -> Iterator[list[Path]]:
    """The files put in place inside the block, in order."""
    files: list[Path] = []
    token = _LISTENERS.set((*_LISTENERS.get(), files))
    try:
        yield files
    finally:
        _LISTENERS.reset(token)


def note(path: Path) -> None:
    """Tell the listeners that a file was put in place."""
    for files in _LISTENERS.get():
        files.append(path)
