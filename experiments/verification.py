"""Member runs of a finished simulation repeated with PySD, in a process of its own beside the analyses.

    python -m experiments.verification FOLDER COUNT

PySD runs one member after the other and takes minutes for 30 provinces; nothing but the manifest waits for it.
"""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from experiments import installation
from experiments.ensemble import installed, outputs
from experiments.installation import Simulate
from experiments.runs.design_file import DesignFile
from experiments.runs.store import Run
from models.reading.faults import InputError


def repeat(run: Run, fast: Simulate, reference: Simulate, count: int) -> dict[str, Any]:
    """Repeat random member runs with the reference.

    Args:
        run: a run whose members are simulated.
        fast: runs the members of a design.
        reference: does the same, slowly.
        count: how many runs; which ones follows from the study's seed.

    Returns:
        the largest relative difference of the outputs behind the metrics up to the plan's last year, relative to each
        output's largest value, and the runs that were repeated.
    """
    if count < 1:
        raise ValueError(f"{count} member runs cannot be repeated")
    study = run.study
    random = np.random.default_rng(np.random.SeedSequence(study.seed, spawn_key=(2**32 - 1,)))
    inputs, design = installation.ScenarioInputs(**run.inputs()), DesignFile(run.folder / "design.parquet")
    years = list(range(installation.FIRST_YEAR, study.target.period.last_year + 1))
    names = outputs.needed(study.target.asked)
    repeated, worst = [], 0.0
    for _ in range(count):
        member = int(random.integers(study.members))
        allocation = str(random.choice([a.label for a in study.allocations]))
        mix = str(random.choice([m.label for m in study.mixes]))
        params = inputs.params(allocation, mix, study.target.plan)
        rows = design.rows(member, member + 1)
        quick, slow = (engine(rows, params, names, years) for engine in (fast, reference))
        for name in names:
            scale = float(np.abs(slow[name]).max()) or 1.0
            worst = max(worst, float(np.abs(quick[name].to_numpy() - slow[name].to_numpy()).max()) / scale)
        repeated.append({"member": member, "allocation": allocation, "mix": mix})
    return {"against": "PySD", "largest_relative_difference": worst, "member_runs": repeated}


def is_possible(run: Run) -> bool:
    """Whether PySD can run the study's model: it drops a range of one element, so not for a single province."""
    return len(installation.provinces_of(run.study)) > 1


@contextmanager
def alongside(run: Run, count: int) -> Iterator[Callable[[], dict[str, Any]]]:
    """Start the repetition in a process of its own, which ends with the block.

    Args:
        run: a run whose members are simulated.
        count: how many member runs.

    Yields:
        a function that waits for the result of `repeat`; it raises InputError when PySD failed.
    """
    command = [sys.executable, "-m", "experiments.verification", str(run.folder.resolve()), str(count)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    with subprocess.Popen(command, text=True, **pipes) as process:  # type: ignore[call-overload]

        def result() -> dict[str, Any]:
            assert process.stdout
            *_, last = process.stdout.read().splitlines() or ["no output"]
            if process.wait():
                raise InputError(f"PySD could not repeat a member run: {last}")
            found: dict[str, Any] = json.loads(last)
            return found

        try:
            yield result
        finally:
            process.kill()


def _end_with_parent() -> None:
    """Wait for the end of the standard input, which comes when the parent process is gone, and stop."""
    sys.stdin.read()
    os._exit(1)


def main(folder: str, count: str) -> None:
    """Print the result of `repeat` as JSON."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    run = Run(Path(folder))
    fast = installed.installed(1, run.study).simulate
    print(json.dumps(repeat(run, fast, installed.reference(run.study), int(count))))


if __name__ == "__main__":
    main(*sys.argv[1:])
