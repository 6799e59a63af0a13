"""Lever to picture: how long from a moved lever to the answer, and to the drawn picture in a headless Chromium.

    python -m benchmarks.explorer [--members 200] [--moves 40] [--browser]

The budget is 300 ms at the median with 200 members × 30 provinces on two cores.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable

import numpy as np

BUDGET = 300.0


def in_process(members: int, moves: int, clock: Callable[[], float] = time.perf_counter) -> list[float]:
    """Milliseconds of `Live.answer`, one lever moved each time; of wall time, or of all threads' processor time."""
    from experiments.explore import open_live
    from experiments.explore.state import State

    live = open_live(members=members)
    live.answer(State(rule=live.rules[0]))
    rng = np.random.default_rng(1)

    def move() -> None:
        lever = str(rng.choice(live.levers))
        live.answer(State(rule=live.rules[0], levers={lever: float(rng.uniform())}))

    return [timed(move, clock) for _ in range(moves)]


def processor_time(members: int, moves: int) -> list[float]:
    """The same in processor time, which a busy machine does not stretch."""
    return in_process(members, moves, time.process_time)


def in_browser(members: int, moves: int) -> list[float]:
    """Milliseconds from the lever's event to the drawn picture, as the page measures them."""
    from tests.experiments.browser import start, until

    command = [sys.executable, "-m", "experiments.cli", "explore", "--no-browser", "--members", str(members)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        driver = start()
        try:
            driver.get(address)
            until(lambda: driver.execute_script("return document.body.dataset.answers"), 60)
            return [_moved(driver, i) for i in range(moves)]
        finally:
            driver.quit()
            process.terminate()


def _moved(driver: object, number: int) -> float:
    """One lever moved in the page."""
    script = """const done = arguments[2]; const input = document.getElementById('set-plant-closure');
        const before = document.body.dataset.answers; const started = performance.now();
        input.value = arguments[0]; input.dispatchEvent(new Event('input'));
        const wait = () => document.body.dataset.answers !== before
            ? requestAnimationFrame(() => done(performance.now() - started)) : setTimeout(wait, 2);
        wait();"""
    return float(driver.execute_async_script(script, (37 * number) % 100, 0))  # type: ignore[attr-defined]


def timed(work: Callable[[], None], clock: Callable[[], float]) -> float:
    """Milliseconds that the work takes by a clock."""
    start = clock()
    work()
    return 1000 * (clock() - start)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--members", type=int, default=200)
    parser.add_argument("--moves", type=int, default=40)
    parser.add_argument("--browser", action="store_true", help="also drive a Chromium")
    asked = parser.parse_args()
    ways = {"answer": in_process, "answer, processor time": processor_time} | (
        {"lever to picture": in_browser} if asked.browser else {}
    )
    for name, way in ways.items():
        times = way(asked.members, asked.moves)
        median, late = np.quantile(times, [0.5, 0.9])
        row = {"what": name, "members": asked.members, "moves": asked.moves, "median ms": round(median, 1)}
        row |= {"90 % ms": round(late, 1), "budget ms": BUDGET, "within": bool(median < BUDGET)}
        print(json.dumps(row | {"cores": len(os.sched_getaffinity(0)), "load": os.getloadavg()[0]}))


if __name__ == "__main__":
    main()
