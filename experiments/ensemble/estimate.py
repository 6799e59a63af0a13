"""Time, memory and disk that a study needs on this machine, from a timed pilot batch."""

import shutil
import time
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from experiments.ensemble.batches import BATCH, Batch, Job
from experiments.ensemble.simulation import BLOCK
from experiments.installation import Installation
from experiments.runs import manifest
from experiments.study.schema import Study

PILOT = 64
"""Members of the batch that is timed for an estimate."""


LARGE = 50_000
"""Member runs from which a study is estimated before it begins: the pilot takes seconds."""

COPIES_OF_DRAWS, COPIES_OF_A_BLOCK, COPIES_OF_A_BATCH = 3, 4, 6
"""How often the assumptions of all members, a block of the design and the yearly results of a batch are in memory at
once: measured at 10,000, 100,000 and 1,000,000 members (docs/runs.md)."""

FLOAT32 = np.dtype(np.float32).itemsize


def estimate(study: Study, system: Installation, runs: Path) -> dict[str, Any]:
    """Time, memory and disk that a study needs, from a timed pilot batch; nothing is written.

    Seconds of the member runs (and of the sensitivity's, where the study asks for it) on this machine and process,
    without verification, other analyses and report, whose minutes do not grow with the members. Memory and disk in
    bytes, the disk without the report, the temporary disk beside the final.
    """
    few = min(PILOT, study.members)
    pilot = study.model_copy(update={"members": few})
    inputs, design = system.inputs(study), system.design(pilot)
    job = Job(pilot, inputs, system.simulate, system.errors, system.checksums, {})
    allocation, mix = study.allocations[0].label, study.mixes[0].label
    seconds, sizes = {}, {}
    for paths in (True, False):
        batch = Batch(allocation, mix, 0, few, paths, "")
        job(batch, design)  # the first call compiles
        began = time.perf_counter()
        found = job(batch, design)
        seconds[paths] = (time.perf_counter() - began) / few
        sizes[paths] = sum(values.nbytes for values in found.values()) / few
    scenarios = len(study.allocations) * len(study.mixes)
    long = min(study.members, study.outputs.quantile_members)
    short = study.members - long
    row = design.memory_usage(deep=True, index=False).sum() / few
    table = row * study.members
    places = {str(place) for place in inputs.common["province"].to_numpy()}
    drawn = sum(str(name).partition("[")[2].rstrip("]").split(",")[0] not in places for name in design)
    draws = study.members * drawn * np.dtype(float).itemsize
    block = min(study.members, BLOCK)
    yearly = scenarios * block * inputs.allocation.sizes["province"] * 5 * FLOAT32
    working = COPIES_OF_A_BLOCK * row * block + COPIES_OF_A_BATCH * BATCH * sizes[True] + yearly
    whole_paths = len(study.outputs.quantiles) + (len(study.outputs.members) or study.outputs.trajectories)
    kept = study.members * sizes[False] + whole_paths * (sizes[True] - sizes[False])
    deciding = (
        {"seconds of sensitivity": round(study.sensitivity.runs * seconds[False], 1)} if study.sensitivity else {}
    )
    return {
        "members": study.members,
        "scenarios": scenarios,
        "member runs": scenarios * study.members,
        "seconds": round(scenarios * (long * seconds[True] + short * seconds[False]), 1),
        **deciding,
        "memory bytes": int(manifest.peak_memory() + max(COPIES_OF_DRAWS * draws, draws + working)),
        "disk bytes": int(table + scenarios * kept),
        "temporary disk bytes": int(scenarios * (long * sizes[True] + short * sizes[False])),
        "free disk bytes": shutil.disk_usage(_there(runs)).free,
        "judged": " ".join(map(str, (study.target.period.name, *study.target.period.span))),
    }


def shortages(found: dict[str, Any]) -> list[str]:
    """Resources that this machine lacks for a study, in words. found: result of `estimate`."""
    free = psutil.virtual_memory().available
    needed = found["disk bytes"] + found["temporary disk bytes"]
    said = []
    if found["memory bytes"] > free:
        said.append(
            f"the study needs about {found['memory bytes'] / 1e9:.1f} GB of memory, {free / 1e9:.1f} GB are available: "
            "ask for fewer members"
        )
    if needed > found["free disk bytes"]:
        said.append(
            f"the study needs about {needed / 1e9:.1f} GB of disk, {found['free disk bytes'] / 1e9:.1f} GB are free: "
            "ask for fewer members or outputs, or for another folder with --runs"
        )
    return said


def _there(folder: Path) -> Path:
    """The nearest folder above that exists."""
    while not folder.exists():
        folder = folder.absolute().parent
    return folder
