"""Summaries of stored runs: state, speed, time and size."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from experiments.runs import store
from experiments.runs.store import Run


def statistics(run: Run) -> str:
    """The closing line of a command: member runs, speed, time and memory."""
    record = run.manifest
    members, sessions = record["members"], record["sessions"]
    wall = sum(s["wall_seconds"] for s in sessions)
    commands = record.get("commands", [])
    peak = max((s["peak_memory_bytes"] for s in [*sessions, *commands]), default=0)
    check = record.get("verify", {}).get("largest_relative_difference")
    return "; ".join(
        [
            f"{members['done']:,} member runs in {wall:,.1f} s ({members['done'] / max(wall, 1e-9):,.0f}/s)",
            f"{members['failed']:,} failed",
            *([f"{whole:,.0f} s in all"] if (whole := sum(c["wall_seconds"] for c in commands)) else []),
            f"peak memory {peak / 2**20:,.0f} MB",
            f"{run.size() / 2**20:,.1f} MB on disk",
            *([f"largest difference from PySD {check:.1e}"] if check is not None else []),
        ]
    )


def listing(runs: Path) -> pd.DataFrame:
    """One row per run: name, status, members done and in all, failed, created, size in MB."""
    rows: list[Mapping[str, Any]] = []
    for run in store.list_runs(runs):
        record = run.manifest
        members = record["members"]
        left = run.folder / "batches"
        stored = sum(1 for _ in left.glob("*.npz")) if left.exists() else 0
        rows.append(
            {
                "run": run.name,
                "status": record["status"],
                "done": members["done"],
                "total": members["total"],
                "failed": members["failed"],
                "batches stored": stored,
                "created": record["created"],
                "MB": round(run.size() / 2**20, 1),
            }
        )
    rows += [{"run": folder.name, "status": "manifest.json is damaged"} for folder in store.damaged(runs)]
    return pd.DataFrame(rows, columns=["run", "status", "done", "total", "failed", "batches stored", "created", "MB"])


def described(run: Run, title: str) -> dict[str, str]:
    """A run's state in a few lines, below the title of its study."""
    record, study = run.manifest, run.study
    scenarios = [f"{a.label} × {m.label}" for a in study.allocations for m in study.mixes]
    return {
        "run": run.name,
        "title": title,
        "status": record["status"],
        "created": record["created"],
        "command": record["command"],
        "commit": f"{record['commit'] or 'unknown'}{' with changes' if record['dirty'] else ''}",
        "scenarios": ", ".join(scenarios),
        "members": f"{study.members:,} drawn by {study.sampling.method}, seed {study.seed}",
        "tables": ", ".join(run.tables) or "none",
    }
