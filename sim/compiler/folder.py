"""The folder in which built kernels and lowered models are kept."""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path

from sim.errors import CompilerError


def cache() -> Path:
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


def _private(folder: Path) -> bool:
    """Whether nobody else can put a library there."""
    if not hasattr(os, "getuid"):
        return True
    status = folder.stat()
    return status.st_uid == os.getuid() and not status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
