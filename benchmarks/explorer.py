"""Time from a lever to the picture in a headless Chromium: size, opening, moves of levers and assumptions, page
memory.

    python -m benchmarks.explorer [--members 200] [--moves 50] [--many 2000]

The budgets are 100 ms for the picture of one province and 1 s for the whole map, on two free cores.
"""

import argparse
import json
import os
import tempfile
import urllib.request
from pathlib import Path
from typing import Any

import numpy as np
import websocket

from tests.experiments.browser import start, until

MOVE = """const [id, value, what] = arguments, done = arguments[3];
    const input = document.getElementById('set-' + id);
    const seen = counter, from = performance.now();
    input.value = Number(input.min) + value * (input.max - input.min);
    input.dispatchEvent(new Event('input')); input.dispatchEvent(new Event('change'));
    const wait = () => counter > seen && document.body.dataset[what] === String(counter)
        ? requestAnimationFrame(() => done([performance.now() - from, numbers.members])) : setTimeout(wait, 1);
    wait();"""
DRAG = """const [controls, values] = arguments;
    window.dragged = null;
    let number = 0, pictures = 0, last = document.body.dataset.part, input = null;
    const from = performance.now();
    const whole = () => document.body.dataset.whole === String(counter)
        ? window.dragged = [pictures, (performance.now() - from) / 1000] : setTimeout(whole, 5);
    const frame = () => {
        if (document.body.dataset.part !== last) { last = document.body.dataset.part; pictures++; }
        if (input && number % 25 === 0) input.dispatchEvent(new Event('change'));
        if (number === values.length) return whole();
        input = document.getElementById('set-' + controls[Math.floor(number / 25) % controls.length]);
        input.value = Number(input.min) + values[number++] * (input.max - input.min);
        input.dispatchEvent(new Event('input'));
        requestAnimationFrame(frame);
    };
    frame();"""
KERNELS = "Object.values(engine.kernels).reduce((sum, one) => sum + one.api.memory.buffer.byteLength, 0)"
STRETCH = 500
LEVERS = ("industrial-retrofit", "plant-closure", "new-plant-standard", "services-shift", "coal-to-gas")
ASSUMPTIONS = ("energy-price-growth", "learning-exponent", "grid-loss")

KINDS = (
    ("lever, province", LEVERS, "part"),
    ("assumption, province", ASSUMPTIONS, "part"),
    ("lever, first map", LEVERS, "map"),
    ("lever, map of all members", LEVERS, "whole"),
    ("assumption, map of all members", ASSUMPTIONS, "whole"),
)


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


def drag(driver: Any, count: int, rng: np.random.Generator) -> dict[str, float]:
    """Moves as in a drag: one per frame, superseded moves unanswered; ends with the whole picture of the last one."""
    values = [float(value) for value in rng.uniform(size=count)]
    driver.execute_script(DRAG, list(LEVERS), values)
    shown, seconds = until(lambda: driver.execute_script("return window.dragged"), 600)
    return {"pictures": int(shown), "seconds": round(float(seconds), 1)}


def memory(driver: Any) -> dict[str, float]:
    """Megabytes after a garbage collection: objects and arrays of the page and its workers; WebAssembly apart."""
    address = driver.capabilities["goog:chromeOptions"]["debuggerAddress"]
    with urllib.request.urlopen(f"http://{address}/json") as answer:
        targets = json.load(answer)
    arrays, kernels = 0.0, 0.0
    for target in targets:
        if target["type"] not in ("page", "worker"):
            continue
        ask = _Inspected(target["webSocketDebuggerUrl"])
        ask("HeapProfiler.collectGarbage")
        usage = ask("Runtime.getHeapUsage")
        arrays += usage["usedSize"] + usage["backingStorageSize"]
        if target["type"] == "worker":
            kernels += ask("Runtime.evaluate", expression=KERNELS)["result"]["value"]
        ask.close()
    return {"objects and arrays": round(arrays / 1e6, 1), "WebAssembly": round(kernels / 1e6, 1)}


class _Inspected:
    """One page or worker, by Chromium's inspector."""

    def __init__(self, address: str) -> None:
        self.socket = websocket.create_connection(address, suppress_origin=True, timeout=60)

    def __call__(self, method: str, **params: Any) -> Any:
        self.socket.send(json.dumps({"id": 1, "method": method, "params": params}))
        while (answer := json.loads(self.socket.recv())).get("id") != 1:
            pass
        return answer["result"]

    def close(self) -> None:
        self.socket.close()


def tell(name: str, value: object) -> None:
    """Print one measurement as soon as it is taken, with the machine's load of the last minute."""
    print(json.dumps({name: value, "load": round(os.getloadavg()[0], 1)}), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--members", type=int, default=200)
    parser.add_argument("--moves", type=int, default=50)
    parser.add_argument("--many", type=int, default=0, help="Moves of a drag; the memory is measured after every 500.")
    parser.add_argument("--page", type=Path, help="A page that is there already.")
    asked = parser.parse_args()
    if asked.page is None:
        from experiments.explore import write_explorer

        asked.page = write_explorer(Path(tempfile.mkdtemp(), "explorer.html"), members=asked.members)
    driver, rng = start(), np.random.default_rng(1)
    driver.set_script_timeout(300)
    try:
        driver.get(asked.page.resolve().as_uri())
        until(lambda: driver.execute_script("return document.body.dataset.whole"), 60)
        opened = {key: driver.execute_script(f"return document.body.dataset.{key}") for key in ("first", "ready")}
        tell("opening", {"megabytes": asked.page.stat().st_size / 1e6, "ms": opened})
        for name, controls, what in KINDS if asked.moves else ():
            tell(name, moves(driver, controls, asked.moves, what, rng))
        tell("memory, MB", memory(driver))
        for done in range(0, asked.many, STRETCH):
            count = min(STRETCH, asked.many - done)
            found = drag(driver, count, rng)
            tell(f"memory after {done + count} more moves of a drag, MB", {**memory(driver), **found})
        tell("machine", {"cores": len(os.sched_getaffinity(0))})
    finally:
        driver.quit()


if __name__ == "__main__":
    main()
