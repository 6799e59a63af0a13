"""One completion record a stage of a run: written last, with the checksums of the files that the stage wrote.

A stage is finished when its record is there, every file that it names has the checksum it names, and every stage that
it needs is finished with the very files that it was made from. A file that is missing, truncated, exchanged or edited
is therefore made again by the next `finish`, with everything that was made from it.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from experiments.runs.store import Run, write_text
from experiments.runs.written import written

FOLDER = "stages"


@contextmanager
def stage(run: Run, name: str, needs: Sequence[str] = ()) -> Iterator[None]:
    """Context in which a stage does its work: its record covers the files written inside.

    Args:
        run: the run that the files belong to.
        name: the stage's name.
        needs: stages whose files this one is made from; all must be finished.
    """
    with written() as files:
        yield
    save_record(run, name, files, needs)


def save_record(run: Run, name: str, files: Iterable[Path], needs: Sequence[str] = ()) -> None:
    """Write a stage's completion record: checksums of its files, and of the records of what it needs."""
    inside = sorted({path for path in files if path.is_relative_to(run.folder)})
    content = {
        "files": {path.relative_to(run.folder).as_posix(): checksum(path) for path in inside},
        "needs": {need: checksum(_path(run, need)) for need in needs},
    }
    (run.folder / FOLDER).mkdir(exist_ok=True)
    write_text(_path(run, name), json.dumps(content, indent=1, sort_keys=True) + "\n")


def finished(run: Run, name: str, needs: Sequence[str] = ()) -> bool:
    """Whether a stage is finished, and made from the stages in `needs` as they are now."""
    try:
        record = json.loads(_path(run, name).read_text(encoding="utf-8"))
        files, made_from = dict(record["files"]), dict(record["needs"])
        return (
            bool(files)
            and set(made_from) == set(needs)
            and all(checksum(run.folder / file) == known for file, known in files.items())
            and all(checksum(_path(run, need)) == known for need, known in made_from.items())
        )
    except (OSError, ValueError, KeyError, TypeError):
        return False


def is_recorded(run: Run, name: str) -> bool:
    """Whether a stage was ever finished."""
    return _path(run, name).is_file()


def checksum(path: Path) -> str:
    """SHA-256 of a file's bytes."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _path(run: Run, name: str) -> Path:
    return run.folder / FOLDER / f"{name}.json"
