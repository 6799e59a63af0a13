"""Cost of runs by number of members: wall time, rate, peak memory, disk. Each size runs in a new process.

    python benchmarks/runs.py [--members 1000 10000 100000] [--scenarios 1] [--runs FOLDER]

Prints a Markdown table. `--scenarios 4` runs the whole shipped study, `--scenarios 1` its first allocation and mix.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from experiments.ensemble import installed, simulation
from experiments.runs.manifest import peak_memory
from experiments.study import load


def measure(members: int, scenarios: int, runs: Path) -> dict[str, float]:
    """Measure one run in this process; its results are not kept."""
    one = ["allocations=[official]", "mixes=[base]"] if scenarios == 1 else []
    asked = load.load(load.DEFAULT, [f"members={members}", *one])
    system = installed.installed(0)
    began = time.perf_counter()
    run = simulation.start(asked, system, runs)
    largest, watching = [0], threading.Event()

    def watch() -> None:
        while not watching.wait(0.5):
            largest[0] = max(largest[0], sum(p.stat().st_size for p in run.folder.rglob("*") if p.exists()))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        simulation.resume(run, system)
    finally:
        watching.set()
        watcher.join()
    return {
        "members": members,
        "wall": time.perf_counter() - began,
        "peak": peak_memory(),
        "disk": run.size(),
        "largest": max(largest[0], run.size()),
        "failed": run.manifest["members"]["failed"],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--members", type=int, nargs="+", default=[1_000, 10_000, 100_000])
    parser.add_argument("--scenarios", type=int, choices=(1, 4), default=1)
    parser.add_argument("--runs", type=Path, default=None, help="folder on the disk to measure; default: temporary")
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        print(json.dumps(measure(given.members[0], given.scenarios, given.runs)))
        return
    print("| members | member runs | wall, s | runs/s | peak memory, MB | disk, MB | disk at most, MB | failed |")
    print("|---|---|---|---|---|---|---|---|")
    for members in given.members:
        with tempfile.TemporaryDirectory(dir=given.runs) as folder:
            words = [sys.executable, __file__, "--one", "--members", str(members), "--scenarios", str(given.scenarios)]
            done = subprocess.run([*words, "--runs", folder], capture_output=True, text=True, check=True)
            got = json.loads(done.stdout.splitlines()[-1])
        many = members * given.scenarios
        sizes = (got["peak"], got["disk"], got["largest"])
        row = [f"{members:,}", f"{many:,}", f"{got['wall']:.0f}", f"{many / got['wall']:,.0f}"]
        print("|", " | ".join([*row, *(f"{size / 2**20:,.0f}" for size in sizes), str(got["failed"])]), "|", flush=True)


if __name__ == "__main__":
    main()
