"""Speed of the ensemble engine against its peers, on one machine in one run: ratios, build times, memory.

    python benchmarks/engine.py [--quick] [--model models/province.mdl] [--json]

There are two models: a generated one (31 × 4 × 3 subscripts, about 104 variables, 100 steps, tables looked up at
subscripted arguments, 20 parameters, 3 outputs) and the project's. PySD runs whole members; with --quick it runs only
the first steps of the generated model, and the rest is extrapolated. pysimlin takes part when it is installed. Cold
builds start from an empty cache in a new process, warm builds from a full one. The engine's rows are the best of three
repeats, because other work on the machine can only slow them; single threads are also compared by processor time.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

BLOCKS, PARAMETERS = 8, 20
ROOT = Path(__file__).resolve().parents[1]

HEAD = """{UTF-8}
region: (r1-r31) ~ ~ |
sector: s1, s2, s3, s4 ~ ~ |
fuel: f1, f2, f3 ~ ~ |
pressure 0 = 1 ~ ~ |
FINAL TIME = 25 ~ year ~ |
INITIAL TIME = 0 ~ year ~ |
TIME STEP = 0.25 ~ year ~ |
SAVEPER = 1 ~ year ~ |
"""
BLOCK = """
rate {k} = 0.0{k}5 ~ ~ |
life {k} = 1{k} ~ ~ |
share {k}[sector] = 0.4, 0.3, 0.2, 0.1 ~ ~ |
table {k}[sector]( (0,1),(1,0.9),(2,0.7),(5,0.4),(20,0.2) ) ~ ~ |
income {k}[region] = INTEG(income {k}[region] * rate {k} / pressure {j} ^ 0.2, 10) ~ ~ |
capital {k}[region, sector] = INTEG(built {k}[region, sector] - capital {k}[region, sector] / life {k}, 5) ~ ~ |
saturation {k}[region, sector] = {saturation} ~ ~ |
built {k}[region, sector] = income {k}[region] * share {k}[sector] * saturation {k}[region, sector] ~ ~ |
intensity {k}[region, sector, fuel] = INTEG(-0.02 * (intensity {k}[region, sector, fuel] - 0.3), 1) ~ ~ |
use {k}[region, sector, fuel] = capital {k}[region, sector] * intensity {k}[region, sector, fuel]
    * WITH LOOKUP(capital {k}[region, sector] / income {k}[region], ((0,1.2),(0.5,1),(1,0.9),(3,0.5))) ~ ~ |
energy {k}[region] = SUM(use {k}[region, sector!, fuel!]) ~ ~ |
perceived {k}[region] = SMOOTH(energy {k}[region], 3) ~ ~ |
pressure {k} = (SUM(perceived {k}[region!]) / 600) ^ 0.5 ~ ~ |
"""
# Two blocks look up their tables at every region, the others at the mean of the regions, because PySD spends most of
# its time in tables and in typical models the largest arrays do not read every table.
DETAILED = "table {k}[sector](capital {k}[region, sector] / 10 * pressure {j})"
PLAIN = "table {k}[sector](SUM(capital {k}[region!, sector]) / 310 * pressure {j})"


def generated(path: Path) -> Path:
    """Write the generated model: 13 variables in each of 8 blocks; each block is driven by the block before it."""
    blocks = []
    for k in range(1, BLOCKS + 1):
        saturation = (DETAILED if k in (1, BLOCKS) else PLAIN).format(k=k, j=k - 1)
        blocks.append(BLOCK.format(k=k, j=k - 1, saturation=saturation))
    path.write_text(HEAD + "".join(blocks), encoding="utf-8")
    return path


def generated_case(path: Path, members: int, seed: int) -> tuple[pd.DataFrame, list[str]]:
    """A design of 20 parameters and the 3 outputs that need every equation of the model."""
    rng = np.random.default_rng(seed)
    names = [f"rate {k}" for k in range(1, 9)] + [f"life {k}" for k in range(1, 9)]
    names += [f"share {k}[s1]" for k in range(1, PARAMETERS - len(names) + 1)]
    low = np.array([0.01] * 8 + [8.0] * 8 + [0.2] * 4)
    return pd.DataFrame(rng.uniform(low, low * 2, (members, len(names))), columns=names), [
        f"pressure {BLOCKS}",
        f"energy {BLOCKS}",
        f"capital {BLOCKS}",
    ]


def project_case(path: Path, members: int, seed: int) -> tuple[pd.DataFrame, list[str]]:
    """Scalar constants of the model, ± 10 % about their defaults, and three outputs by province."""
    from sim import Model

    model = Model.load(path)
    rng = np.random.default_rng(seed)
    constants = [v for v in model.variables.values() if v.kind == "constant" and not v.dims and v.slot is not None]
    default = model.run(outputs=[v.name for v in constants])
    chosen = [v.name for v in constants if float(default[v.name][0]) not in (0.0, 1.0)][:PARAMETERS]
    values = {name: float(default[name][0]) * rng.uniform(0.9, 1.1, members) for name in chosen}
    wanted = [name for name in ("energy intensity", "energy co2", "gdp") if name in model.variables]
    return pd.DataFrame(values), wanted or [next(iter(model.variables))]


def say(words: str) -> None:
    """Print to standard error at once, because a whole comparison takes minutes."""
    print(words, file=sys.stderr, flush=True)


def best(action: Callable[[], Any], repeats: int = 3) -> tuple[float, float]:
    """Shortest wall time and shortest processor time of an action, in seconds."""
    walls, processors = [], []
    for _ in range(repeats):
        wall, processor = time.perf_counter(), time.process_time()
        action()
        walls.append(time.perf_counter() - wall)
        processors.append(time.process_time() - processor)
    return min(walls), min(processors)


def overhead(action: Callable[[], Any], repeats: int = 20) -> float:
    """Median time of an action outside the compiled kernels, in seconds."""
    from unittest.mock import patch

    from sim.compiler.codegen.native_backend import NativeKernel

    inside: list[float] = []
    kernel_run = NativeKernel.run

    def timed(*arguments: Any) -> Any:
        start = time.perf_counter()
        values = kernel_run(*arguments)
        inside.append(time.perf_counter() - start)
        return values

    outside = []
    with patch.object(NativeKernel, "run", timed):
        for _ in range(repeats):
            inside.clear()
            start = time.perf_counter()
            action()
            outside.append(time.perf_counter() - start - sum(inside))
    return float(np.median(outside))


def measure_engine(path: Path, kind: str, sizes: dict[str, int]) -> dict[str, float]:
    """Measure the engine in this process, which runs nothing else, so that memory and caches belong to it alone."""
    start = time.perf_counter()
    from sim import Model

    imported = time.perf_counter()
    model = Model.load(path)
    loaded = time.perf_counter()
    case = generated_case if kind == "generated" else project_case
    design, outputs = case(path, max(sizes.values()), 1)
    say(f"  {kind} model loaded in {loaded - imported:.1f} s, {len(model.variables)} variables")
    result: dict[str, float] = {
        "import s": imported - start,
        "load s": loaded - imported,
        "variables": len(model.variables),
    }
    for backend in ("numpy", "native"):
        start = time.perf_counter()
        try:
            model.ensemble(design[:1], outputs, backend=backend)
        except Exception as error:  # without a compiler, the other back end is still measured
            print(f"{backend}: {error}", file=sys.stderr)
            continue
        first = time.perf_counter() - start
        part = design[: sizes[backend]]
        model.ensemble(part, outputs, backend=backend)
        wall, processor = best(lambda b=backend: model.ensemble(design[:1], outputs, backend=b), 20)
        result |= {f"{backend} first run s": first, f"{backend} one member ms": 1e3 * wall}
        result[f"{backend} one member processor ms"] = 1e3 * processor
        if backend == "native":
            result["native one member overhead ms"] = 1e3 * overhead(lambda: model.ensemble(design[:1], outputs))
        for workers in (1, 2):
            wall, processor = best(
                lambda b=backend, p=part, w=workers: model.ensemble(p, outputs, backend=b, workers=w)
            )
            say(f"  {backend}, {workers} thread{'s' * (workers > 1)}: {len(part) / wall:.0f} runs/s")
            result[f"{backend} runs/s, {workers} thread{'s' * (workers > 1)}"] = len(part) / wall
            if workers == 1:
                result[f"{backend} runs/processor s"] = len(part) / processor
    result["peak memory MB"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return result


def measure_pysd(path: Path, kind: str, quick: bool) -> dict[str, float]:
    """Runs per second of PySD with the parameters of one member.

    With --quick the generated model runs 4 and 8 of its 100 steps, and the rest is extrapolated.
    """
    from sim.oracle import Oracle

    design, outputs = (generated_case if kind == "generated" else project_case)(path, 1, 1)
    oracle = Oracle(path)
    params = {name: float(value) for name, value in design.iloc[0].items()}
    if quick and kind == "generated":
        short = np.array(best(lambda: oracle.run({**params, "FINAL TIME": 1.0}, outputs), 1))
        longer = np.array(best(lambda: oracle.run({**params, "FINAL TIME": 2.0}, outputs), 1))
        wall, processor = short + (longer - short) / 4 * 96
    else:
        wall, processor = best(lambda: oracle.run(params, outputs), 1)
    return {"pysd runs/s": 1 / wall, "pysd runs/processor s": 1 / processor}


def measure_pysimlin(path: Path) -> float | None:
    """Runs per second of pysimlin on one thread; None where it is not installed or cannot run the model."""
    try:
        import simlin
    except ImportError:
        print("pysimlin is not installed (pip install pysimlin)", file=sys.stderr)
        return None

    def run() -> None:
        with model.simulate() as simulation:
            simulation.run_to_end()
            simulation.get_series(simulation.get_var_names()[0])  # pysimlin names single elements

    try:
        model = simlin.load(str(path))
        run()
    except Exception as error:
        print(f"pysimlin does not run this model: {error}", file=sys.stderr)
        return None
    return 1 / best(run, 5)[0]


def child(path: Path, kind: str, sizes: dict[str, int], cache: str) -> dict[str, float]:
    """Run `measure_engine` in a new process with its own cache folder."""
    command = [sys.executable, __file__, "--child", json.dumps([str(path), kind, sizes])]
    paths = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    environment = {**os.environ, "PYTHONPATH": paths, "XDG_CACHE_HOME": cache, "SIM_CACHE": cache}
    done = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True)
    measured: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return measured


def compare(path: Path, kind: str, quick: bool) -> dict[str, float]:
    """All figures for one model."""
    sizes = {"numpy": 256, "native": 2048} if quick else {"numpy": 1024, "native": 16_384}
    with tempfile.TemporaryDirectory() as cache:
        say(f"{kind} model, nothing built yet")
        cold = child(path, kind, sizes, cache)
        say(f"{kind} model, kernels built")
        warm = child(path, kind, sizes, cache)
    result = {name: max(value, cold[name]) if "runs/" in name else value for name, value in warm.items()}
    result |= {
        f"cold {name}": cold[name] for name in ("load s", "numpy first run s", "native first run s") if name in cold
    }
    say(f"{kind} model by PySD")
    result |= measure_pysd(path, kind, quick)
    say(f"  PySD: {result['pysd runs/s']:.3g} runs/s")
    simlin = measure_pysimlin(path)
    if simlin:
        result["pysimlin runs/s, 1 thread"] = simlin
    return result | ratios(result)


def ratios(result: dict[str, float]) -> dict[str, float]:
    """Ratios of the measured speeds."""
    pairs = {
        "native (2 threads) : PySD": ("native runs/s, 2 threads", "pysd runs/s"),
        "native : PySD (processor time)": ("native runs/processor s", "pysd runs/processor s"),
        "native : NumPy (processor time)": ("native runs/processor s", "numpy runs/processor s"),
        "native : NumPy (2 threads)": ("native runs/s, 2 threads", "numpy runs/s, 2 threads"),
        "native 2 threads : 1": ("native runs/s, 2 threads", "native runs/s, 1 thread"),
        "native : pysimlin (1 thread)": ("native runs/s, 1 thread", "pysimlin runs/s, 1 thread"),
    }
    return {f"ratio {name}": result[a] / result[b] for name, (a, b) in pairs.items() if a in result and b in result}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="small ensembles and a part of PySD's run")
    parser.add_argument("--model", type=Path, default=ROOT / "models" / "province.mdl", help="the project's model")
    parser.add_argument("--only", choices=("generated", "project"), help="one of the two models")
    parser.add_argument("--json", action="store_true", help="figures as JSON")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.child:
        path, kind, sizes = json.loads(arguments.child)
        print(json.dumps(measure_engine(Path(path), kind, sizes)))
        return
    with tempfile.TemporaryDirectory() as folder:
        models = {"generated": generated(Path(folder, "generated.mdl")), "project": arguments.model}
        wanted = [kind for kind in models if arguments.only in (None, kind)]
        figures = {kind: compare(models[kind], kind, arguments.quick) for kind in wanted}
    if arguments.json:
        print(json.dumps(figures, indent=1))
        return
    for kind, result in figures.items():
        print(f"\n{kind} model")
        for name, value in result.items():
            print(f"  {name:36s} {value:14,.4g}" if value < 100 else f"  {name:36s} {value:14,.0f}")


if __name__ == "__main__":
    main()
