"""The folder in which built kernels and lowered models are kept."""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
import stat
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from sim.errors import CompilerError

logger = logging.getLogger("sim")

CHECKSUM = 32  # bytes behind every file
KEPT = 1000  # files: some 50 MB
SPARED = 3600.0  # seconds since a file was last used in which no process drops it: it may be about to be loaded


def cache_dir() -> Path:
    """The folder of built libraries, readable and writable by this user alone."""
    chosen = os.environ.get("SIM_CACHE")
    base = Path(chosen) if chosen else Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "sim-kernels"
    for folder in (base, Path(tempfile.gettempdir()) / f"sim-kernels-{os.getuid() if hasattr(os, 'getuid') else 0}"):
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if _private(folder) and os.access(folder, os.W_OK):
                return folder
        except OSError:
            continue
    raise CompilerError(f"no private folder for built kernels: neither {base} nor the temporary folder; set SIM_CACHE")


def touch(path: Path) -> bool:
    """Whether a file is kept; if so, its time is set to now, so that `prune` spares it."""
    with suppress(OSError):
        os.utime(path)
        return True
    return path.exists()


def write_whole(path: Path, content: bytes) -> None:
    """Write a file with its checksum behind it: beside, to the disk, then renamed into place."""
    handle, part = tempfile.mkstemp(dir=path.parent, prefix="part-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content + hashlib.sha256(content).digest())
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    except BaseException:
        Path(part).unlink(missing_ok=True)
        raise


def read_whole(path: Path) -> bytes | None:
    """The content of a file that `write_whole` wrote; None, and the file is dropped, if it is damaged.

    A damaged library would end the process without a word when it is loaded.
    """
    try:
        held = path.read_bytes()
    except FileNotFoundError:
        return None
    content, checksum = held[:-CHECKSUM], held[-CHECKSUM:]
    if hashlib.sha256(content).digest() == checksum:
        touch(path)
        return content
    logger.info("%s is damaged and is made again", path)
    with suppress(OSError):
        path.unlink()
    return None


def prune(folder: Path) -> None:
    """Drop the least recently used files beyond KEPT, and what builds that were killed left behind.

    Safe beside other processes: a file used a moment ago stays, and a file that is gone already is not a fault.
    """
    found: list[tuple[float, Path]] = []
    for path in folder.iterdir():
        with suppress(OSError):
            found.append((path.stat().st_mtime, path))
    found.sort(reverse=True)
    whole = [entry for entry in found if entry[1].suffix in (".so", ".module")]
    parts = [entry for entry in found if entry[1].name.startswith(("build-", "part-", "module-"))]
    for when, path in (*whole[KEPT:], *parts):
        if time.time() - when <= SPARED:
            continue
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            with suppress(OSError):
                path.unlink()


def _private(folder: Path) -> bool:
    """Whether nobody else can put a library there."""
    if not hasattr(os, "getuid"):
        return True
    status = folder.stat()
    return status.st_uid == os.getuid() and not status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
