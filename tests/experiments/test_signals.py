"""Ctrl-C and SIGTERM end a command in one line, free its lock and lose nothing, at every moment."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from experiments import INTERRUPTED

STUDY = [
    "run",
    "twelfth-plan",
    "--members",
    "16",
    "--set",
    "policy=null",
    "--set",
    "sensitivity=null",
    "--set",
    "hindcast=false",
]


def interrupted(folder: Path, after: float, number: signal.Signals) -> tuple[int, str]:
    """Exit code and words of a run that gets a signal after so many seconds."""
    environment = {**os.environ, "TANLU_RUNS": str(folder)}
    process = subprocess.Popen(
        [sys.executable, "-m", "experiments", *STUDY], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL,
        text=True, env=environment,
    )  # fmt: skip
    try:
        time.sleep(after)
        process.send_signal(number)
        _, said = process.communicate(timeout=120)
    finally:
        process.kill()
    return process.returncode, said


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(15))
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_run_in_one_line(tmp_path: Path, number: signal.Signals, seed: int) -> None:
    code, said = interrupted(tmp_path, random.Random(seed).uniform(0.3, 15), number)
    if code == 0:
        return  # it had ended before
    assert code == 1, said
    assert "Traceback" not in said
    assert said.splitlines()[-1] == f"tanlu: {INTERRUPTED}"
    assert subprocess.run([sys.executable, "-m", "experiments", "runs", "list"], check=False).returncode == 0


SIGNALLED_IMPORT = """
import os, signal, sys
class Finder:
    def find_spec(self, name, *rest):
        if name == "experiments.cli.toolkit":
            os.kill(os.getpid(), signal.{name})
sys.meta_path.insert(0, Finder())
sys.argv = ["tanlu", "runs", "list"]
from experiments.__main__ import main
main()
"""


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_a_signal_in_the_imports_is_answered(name: str) -> None:
    script = SIGNALLED_IMPORT.replace("{name}", name)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, f"tanlu: {INTERRUPTED}\n")
