"""Time from a lever to the picture in a headless Chromium: size, opening, moves of levers and assumptions, page
memory.

    python -m benchmarks.explorer [--members 200] [--moves 50] [--many 2000]

The budgets are 100 ms for the picture of one province and 1 s for the whole map, on two free cores.
"""

import argparse
import json
import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from tests.experiments.browser import start, until

MOVE = """const [id, value, what] = arguments, done = arguments[3];
    const input = document.getElementById('set-' + id);
    const seen = counter, from = performance.now();
    input.value = Number(input.min) + value * (input.max - input.min);
    input.dispatchEvent(new Event('input')); input.dispatchEvent(new Event('change'));
    const wait = () => counter > seen && document.body.dataset[what] === String(counter)
        ? requestAnimationFrame(() => done([performance.now() - from, numbers.members])) : setTimeout(wait, 1);
    wait();"""
LEVERS = ("industrial-retrofit", "plant-closure", "new-plant-standard", "services-shift", "coal-to-gas")
ASSUMPTIONS = ("energy-price-growth", "learning-exponent", "grid-loss")


def moves(driver: Any, controls: tuple[str, ...], count: int, what: str, rng: np.random.Generator) -> dict[str, float]:
    """Milliseconds from a moved control to a picture, and the fewest members that it shows.

    what: `part`, the province; `map`, the first picture of all provinces; `whole`, all provinces and members.
    """
    times, members, differences = [], [], []
    for number in range(count):
        control = controls[number % len(controls)]
        time, shown = driver.execute_async_script(MOVE, control, float(rng.uniform()), what)
        times.append(float(time))
        members.append(int(shown))
        until(lambda: driver.execute_script("return document.body.dataset.whole === String(counter)"), 60)
        differences.append(float(driver.execute_script("return difference ?? 0")))
    median, late = np.quantile(times, [0.5, 0.9])
    found = {"median ms": round(median, 1), "90 % ms": round(late, 1), "fewest members": min(members)}
    return {**found, "largest difference": max(differences)}


def memory(driver: Any) -> float:
    """Megabytes of JavaScript heap of the page after a garbage collection."""
    driver.execute_cdp_cmd("HeapProfiler.collectGarbage", {})
    return round(float(driver.execute_cdp_cmd("Runtime.getHeapUsage", {})["usedSize"]) / 1e6, 1)


def tell(name: str, value: object) -> None:
    """Print one measurement as soon as it is taken."""
    print(json.dumps({name: value}), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--members", type=int, default=200)
    parser.add_argument("--moves", type=int, default=50)
    parser.add_argument("--many", type=int, default=0, help="Moves after which the memory is measured again.")
    parser.add_argument("--page", type=Path, help="A page that is there already.")
    asked = parser.parse_args()
    if asked.page is None:
        from experiments.explore import write_explorer

        asked.page = write_explorer(Path(tempfile.mkdtemp(), "explorer.html"), members=asked.members)
    driver, rng = start(), np.random.default_rng(1)
    driver.set_script_timeout(120)
    try:
        driver.get(asked.page.resolve().as_uri())
        until(lambda: driver.execute_script("return document.body.dataset.whole"), 60)
        opened = {key: driver.execute_script(f"return document.body.dataset.{key}") for key in ("first", "ready")}
        tell("opening", {"megabytes": asked.page.stat().st_size / 1e6, "ms": opened})
        tell("lever, province", moves(driver, LEVERS, asked.moves, "part", rng))
        tell("assumption, province", moves(driver, ASSUMPTIONS, asked.moves, "part", rng))
        tell("lever, map", moves(driver, LEVERS, asked.moves, "map", rng))
        tell("lever, all members", moves(driver, LEVERS, asked.moves // 5, "whole", rng))
        tell("heap, MB", memory(driver))
        for number in range(asked.many):
            control = LEVERS[number % len(LEVERS)]
            driver.execute_async_script(MOVE, control, float(rng.uniform()), "part")
            if (number + 1) % 500 == 0 or number + 1 == asked.many:
                until(lambda: driver.execute_script("return document.body.dataset.whole === String(counter)"), 60)
                tell(f"heap after {number + 1} moves, MB", memory(driver))
        tell("machine", {"cores": len(os.sched_getaffinity(0)), "load": os.getloadavg()[0]})
    finally:
        driver.quit()


if __name__ == "__main__":
    main()
