"""Runs by name. Imports nothing heavy, so that a misspelt name is reported at once."""

from contextlib import suppress
from pathlib import Path

from models.reading.faults import InputError, shortened
from models.reading.json_file import read_json
from models.reading.names import match, refusal

MARKS = {"run", "status", "study_hash", "inputs_hash", "files"}
"""Keys of every manifest of ours."""


def is_run(folder: Path) -> bool:
    """Whether a folder is a run that this software made: its manifest names the study and the files behind it."""
    manifest = read_json(folder / "manifest.json", "the manifest of a run")
    return not manifest.faults and set(manifest.data) >= MARKS


def run_folders(runs: str | Path) -> list[Path]:
    """The folders of all runs under `runs`, by name; an absent folder has none."""
    folders = (path.parent for path in Path(runs).glob("*/study.yaml") if not path.parent.name.startswith("."))
    return sorted(folder for folder in folders if is_run(folder))


def find_run(path: str | Path, runs: str | Path) -> Path:
    """The folder `path` of a run, or of the one of that name (or unambiguous beginning of a name) under `runs`.

    Raises:
        InputError: there is none; the message gives the nearest names.
    """
    direct, typed = Path(path), str(path)
    with suppress(OSError, ValueError):  # a name too long for the system, or with a zero byte, is no folder
        if (direct / "study.yaml").is_file():
            return direct
    known = {folder.name: folder for folder in run_folders(runs)}
    begun = [name for name in known if name.startswith(typed)] if typed else []
    if len(begun) > 1 and typed not in known:
        raise InputError(f"run {shortened(typed)} is ambiguous: {', '.join(begun)}; give one of these names whole")
    name = begun[0] if len(begun) == 1 else match(typed, known)
    if name is None:
        raise InputError(f"{refusal(typed, known, 'run')} (runs are in {runs})")
    return known[name]
