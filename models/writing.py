"""Files written whole or not at all: beside their place, to the disk, then moved into it.

A reader, and whoever comes after a kill, a power cut or a full disk, finds the old file or the whole new one.
"""

import errno
import glob
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
"""The system's numbers for no space: disk, quota, largest size of a file."""
FORBIDDEN = {errno.EROFS, errno.EACCES, errno.EPERM}
"""The system's numbers for no permission."""
PROBE = 1 << 20
"""Bytes that `refusal_of` tries to write."""


def write_whole(path: Path, put: Callable[[Path], Any]) -> None:
    """Let `put` write a file, then move it into place.

    Args:
        path: the file's place, in a folder that exists.
        put: writes the file that it is given.

    Raises:
        OSError: nothing was changed; its `filename` is the place.

    >>> import tempfile
    >>> place = Path(tempfile.mkdtemp()) / "notes.txt"
    >>> write_whole(place, lambda part: part.write_text("whole"))
    >>> place.read_text(), [one.name for one in place.parent.iterdir()]
    ('whole', ['notes.txt'])
    """
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    for other in path.parent.glob(f".{glob.escape(path.name)}.*.part"):
        if is_abandoned(other):
            _drop(other)
    try:
        put(part)
        with part.open("rb") as stream:
            os.fsync(stream.fileno())
        part.replace(path)
    except OSError as fault:
        raise OSError(fault.errno, _words(fault), str(path)) from fault
    except RuntimeError as fault:  # the netCDF library reports a full disk as "HDF error"
        if refused := refusal_of(path.parent):
            raise OSError(refused.errno, _words(refused), str(path)) from fault
        raise
    finally:
        _drop(part)


def write_text(path: Path, text: str, encoding: str = "utf-8") -> None:
    """`write_whole` for a text; line ends are kept as they are."""
    write_whole(path, lambda part: part.write_text(text, encoding=encoding, newline=""))


def is_abandoned(part: Path) -> bool:
    """Whether the process that wrote a part of a file (`.name.process.part`) is gone."""
    from psutil import pid_exists

    number = part.name.split(".")[-2]
    return number.isdecimal() and not pid_exists(int(number))


def refusal_of(folder: Path) -> OSError | None:
    """The system's refusal to write PROBE bytes in a folder; None where it does not refuse."""
    part = folder / f".probe.{os.getpid()}.part"
    try:
        part.write_bytes(bytes(PROBE))
    except OSError as fault:
        return fault
    finally:
        _drop(part)
    return None


def advice(fault: OSError) -> str:
    """A system's refusal in one sentence: the place, the reason, what to do."""
    place = f"{fault.filename}: " if fault.filename else ""
    if fault.errno in FULL:
        return f"{place}no space left ({_words(fault)}); free some, and run the command again"
    if fault.errno in FORBIDDEN:
        return f"{place}no permission ({_words(fault)}); choose another place, or change its permissions"
    return f"{place}{_words(fault)}"


def _drop(part: Path) -> None:
    with suppress(OSError):
        part.unlink()


def _words(fault: OSError) -> str:
    return os.strerror(fault.errno) if fault.errno else str(fault)
