"""A run as a kill or a damage leaves it: snapshots at every write, and every file damaged in every way."""

import hashlib
import io
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from experiments.runs.store import Run

CHANGING = {"manifest.json", "log.txt", ".lock", ".owner"}
"""Files of a run that tell of its sessions, so that they differ after an interruption."""
DEAD = 2**31 - 1
"""Number of no living process."""


def digests(run: Run) -> dict[str, str]:
    """SHA-256 of every file of a run, whatever its name, but for those that tell of sessions."""
    files = (path for path in run.folder.rglob("*") if path.is_file() and path.name not in CHANGING)
    return {path.relative_to(run.folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def snapshots(
    work: Callable[[], object], runs: Path, kept: Path, monkeypatch: pytest.MonkeyPatch
) -> list[tuple[str, Path]]:
    """The folder of runs as a kill would leave it: before and after each file is put in place or opened for writing.

    Parts of files in the snapshots carry the number of another process, because the one that was killed is gone.

    Args:
        work: writes into the folder of runs.
        runs: that folder.
        kept: folder of the snapshots.
        monkeypatch: sets the hooks.

    Returns:
        what was written and the snapshot, in order.
    """
    found: list[tuple[str, Path]] = []

    def keep(what: object) -> None:
        if not runs.exists():
            return
        copy = Path(shutil.copytree(runs, kept / f"{len(found):03}"))
        for part in copy.rglob(f".*.{os.getpid()}.part"):
            part.rename(part.with_name(part.name.replace(f".{os.getpid()}.", f".{DEAD}.")))
        found.append((str(what), copy))

    def around(act: Callable[..., Any]) -> Callable[..., Any]:
        def acting(source: Any, target: Any, **options: Any) -> Any:
            if not str(target).startswith(str(runs)):
                return act(source, target, **options)
            keep(f"before {Path(target).name}")
            result = act(source, target, **options)
            keep(f"after {Path(target).name}")
            return result

        return acting

    def opening(file: Any, mode: str = "r", *given: Any, **options: Any) -> Any:
        if set(mode) & set("wax") and str(runs) in str(file):
            keep(f"opening {Path(file).name}")
        return real(file, mode, *given, **options)

    real = io.open
    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", around(os.replace))
        patch.setattr(os, "rename", around(os.rename))
        patch.setattr(io, "open", opening)
        patch.setattr("builtins.open", opening)
        work()
    return found


def damages(path: Path, other: Path) -> Iterator[tuple[str, bytes | None]]:
    """Ways to damage a file, each with the content that it then has; None: it is missing.

    Args:
        path: the file.
        other: the file of the same name in another run.
    """
    content = path.read_bytes()
    yield "missing", None
    if content:
        yield "empty", b""
        yield "cut in half", content[: len(content) // 2]
        edited = bytearray(content)
        edited[len(edited) // 2] ^= 1
        yield "edited", bytes(edited)
    if other.is_file() and other.read_bytes() != content:
        yield "swapped", other.read_bytes()


def files_of(run: Run) -> list[Path]:
    """The files of a run that a damage can change, below its folder."""
    inside = (path.relative_to(run.folder) for path in sorted(run.folder.rglob("*")) if path.is_file())
    return [path for path in inside if path.name not in CHANGING - {"manifest.json"}]


def damaged_copy(run: Run, folder: Path, name: Path, content: bytes | None) -> Run:
    """A copy of a run in another folder of runs, with one file missing or of other content."""
    copy = Run(Path(shutil.copytree(run.folder, folder / run.name)))
    if content is None:
        (copy.folder / name).unlink()
    else:
        (copy.folder / name).write_bytes(content)
    return copy
