"""Repetition of a run from its own folder, and comparison of every result file byte by byte."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import pandas as pd

from experiments.runs.store import Run

RESULTS = ("study.yaml", "inputs.nc", "design.parquet", "metrics.nc", "quantiles.nc", "trajectories.nc")
"""Files of a run that its study, the model and the data alone decide; so do the folders of FOLDERS."""
FOLDERS = ("files", "tables")


def result_files(folder: Path) -> list[Path]:
    """The result files that a run's folder has, as paths below it."""
    found = [Path(name) for name in RESULTS if (folder / name).is_file()]
    inside = [path for name in FOLDERS for path in sorted((folder / name).rglob("*")) if path.is_file()]
    return [*found, *(path.relative_to(folder) for path in inside if not path.name.startswith("."))]


def compared(first: Run, second: Run) -> pd.DataFrame:
    """One row per result file of the first run: file, bytes, identical (yes, no, or in which run it is missing)."""
    rows = [(name, 0, "missing in the first") for name in RESULTS if not (first.folder / name).is_file()]
    for file in result_files(first.folder):
        one, other = first.folder / file, second.folder / file
        state = "missing" if not other.is_file() else "yes" if _checksum(one) == _checksum(other) else "no"
        rows.append((file.as_posix(), one.stat().st_size, state))
    return pd.DataFrame(rows, columns=["file", "bytes", "identical"])


def reproduce(run: Run, carry_out: Callable[[Path], Run]) -> tuple[Run, pd.DataFrame]:
    """Repeat a run from the study in its folder, and compare the results.

    Args:
        run: the run as it was published.
        carry_out: makes the run of a study file in a folder of its own.

    Returns:
        the new run, and the table of `compared`.
    """
    again = carry_out(run.folder / "study.yaml")
    return again, compared(run, again)


def _checksum(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
