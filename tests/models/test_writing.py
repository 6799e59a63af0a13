"""Files are written whole, and what a killed process left of them goes with the next writing."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from models.writing import write_text


@pytest.fixture
def gone() -> int:
    """The number of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_the_next_writing_drops_the_parts_of_processes_that_are_gone(tmp_path: Path, gone: int) -> None:
    kept = {f".notes[1].txt.{os.getppid()}.part", f".other.txt.{gone}.part", ".notes[1].txt.mine.part"}
    for name in (*kept, f".notes[1].txt.{gone}.part"):
        (tmp_path / name).write_text("half")
    write_text(tmp_path / "notes[1].txt", "whole")
    assert {path.name for path in tmp_path.iterdir()} == {*kept, "notes[1].txt"}
