"""The origin of a run: software, data, machine, command, time and memory, in one JSON file beside the results."""

import hashlib
import json
import platform
import resource
import subprocess
import sys
import time
import tomllib
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

PACKAGES = ("tanlu", "pysd", "numpy", "pandas", "xarray", "scipy", "SALib", "netCDF4", "pyarrow", "distributed")
ROOT = Path(__file__).parents[2]
SEAL = "seal"


def now() -> str:
    """The time in UTC, ISO 8601, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def versions() -> dict[str, str]:
    """Python, system and the packages that results depend on."""
    found = {"python": platform.python_version(), "system": platform.platform()}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:  # run from a source tree that was not installed
            found[name] = "not installed"
    return found


def version() -> str:
    """The version of this software: as installed, or as its source tree says."""
    with suppress(metadata.PackageNotFoundError):
        return metadata.version("tanlu")
    with suppress(OSError, KeyError):
        return str(tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"])
    return "of unknown version"


def commit() -> dict[str, Any]:
    """The commit of the software and whether its files differ from it; nulls where neither is known.

    A wheel carries the commit that it was built from. A repository around an installed copy, a user's own, says nothing
    about the software.
    """

    def git(*words: str) -> str | None:
        try:
            done = subprocess.run(["git", "-C", str(ROOT), *words], capture_output=True, text=True, check=True)
        except (OSError, subprocess.CalledProcessError):
            return None
        return done.stdout.strip()

    top = git("rev-parse", "--show-toplevel")
    if top is None or Path(top).resolve() != ROOT.resolve():
        return _built_from()
    ours = ("models", "sim", "calibration", "experiments")
    changed = git("status", "--porcelain", "--", *ours)
    return {"commit": git("rev-parse", "HEAD"), "dirty": None if changed is None else bool(changed)}


def _built_from() -> dict[str, Any]:
    """What tools/commit_hook.py wrote into the wheel that is installed."""
    try:
        commit, changed, *_ = (ROOT / "experiments" / "commit.txt").read_text(encoding="utf-8").split("\n")
    except OSError:
        return {"commit": None, "dirty": None}
    return {"commit": commit, "dirty": bool(changed)}


def digest(content: Any) -> str:
    """SHA-256 of plain data in canonical JSON."""
    text = json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def peak_memory() -> int:
    """Largest resident memory of this process so far, bytes."""
    largest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return largest if sys.platform == "darwin" else largest * 1024


class Session:
    """One sitting of work on a run: who, when, how long, how much memory. A resumed run has several."""

    def __init__(self, **settings: Any) -> None:
        """settings: what else to record, for example workers and the batch size."""
        self._began = time.perf_counter()
        self.settings = {"started": now(), "command": command(), **settings}

    def record(self, **counts: Any) -> dict[str, Any]:
        """The entry for the manifest, up to now."""
        return {
            **self.settings,
            "wall_seconds": round(time.perf_counter() - self._began, 2),
            "peak_memory_bytes": peak_memory(),
            **counts,
        }


def whole_command() -> dict[str, Any]:
    """What this process has used since it began: everything, imports, analyses and reports included."""
    import psutil

    wall = time.time() - psutil.Process().create_time()
    return {"command": command(), "wall_seconds": round(wall, 1), "peak_memory_bytes": peak_memory()}


def command() -> str:
    """The command line, without the folder of the program."""
    return " ".join([Path(sys.argv[0]).name, *sys.argv[1:]])


def text(content: Mapping[str, Any]) -> str:
    """The manifest as JSON text, sealed by the checksum of its content."""
    return json.dumps({**content, SEAL: _seal(content)}, indent=2, ensure_ascii=False) + "\n"


def unsealed(record: Mapping[str, Any]) -> dict[str, Any]:
    """A manifest as it was read, without its seal. `edited` is true once somebody has changed the file by hand.

    Manifests of earlier versions have no seal, and are taken as they are.

    >>> import json
    >>> unsealed(json.loads(text({"run": "mine"})))
    {'run': 'mine'}
    >>> unsealed(json.loads(text({"run": "mine"}).replace("mine", "yours")))
    {'run': 'yours', 'edited': True}
    """
    content = {name: value for name, value in record.items() if name != SEAL}
    return content if record.get(SEAL) in (None, _seal(content)) else {**content, "edited": True}


def _seal(content: Mapping[str, Any]) -> str:
    return digest(json.loads(json.dumps(content)))  # as it will be read: keys are texts, tuples are lists
