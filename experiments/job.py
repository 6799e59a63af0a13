"""The main job: a study is checked, simulated, verified, analysed and reported; its cost can be known beforehand."""

import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from experiments import manifest, outputs, simulate, store
from experiments.console import Step
from experiments.errors import InputError, RuleError, nearest
from experiments.simulate import Batch, Job, Simulate, System
from experiments.store import Run
from experiments.study import PLANS, Study

PILOT = 64
"""Members of the batch that is timed for an estimate."""

FLOAT32 = np.dtype(np.float32).itemsize


@dataclass(frozen=True)
class How:
    """How a study is carried out; none of it changes the results.

    workers, cluster: see `simulate.resume`. batch: members at a time. fresh: a new run even if there is one.
    verify: member runs repeated with PySD. report: write the report.
    """

    workers: int = 0
    cluster: str | None = None
    batch: int = simulate.BATCH
    fresh: bool = False
    verify: int = 1
    report: bool = True


def carry_out(
    study: Study,
    system: System,
    runs: Path,
    how: How,
    *,
    step: Callable[[int], AbstractContextManager[Step]],
    say: Callable[[str], None],
    reference: Simulate | None = None,
) -> Run:
    """The whole study: checked data, simulation, verification, analyses, report. Returns the complete run.

    A run of the same study that is complete is not simulated again; an incomplete one is resumed. reference: the slow
    `Simulate` that some member runs are repeated with. Raises InputError, StoreError.
    """
    run = simulate.start(study, system, runs, batch=how.batch, fresh=how.fresh)
    return finish(run, system, how, step=step, say=say, reference=reference)


def finish(
    run: Run,
    system: System,
    how: How,
    *,
    step: Callable[[int], AbstractContextManager[Step]],
    say: Callable[[str], None],
    reference: Simulate | None = None,
) -> Run:
    """What a run still lacks: members, verification, analyses, report. A run that lacks nothing is not touched."""
    verifies = bool(how.verify and reference) and "verify" not in run.manifest
    analyses = {table: do for table, do in _analyses(run, system, step, say).items() if table not in run.tables}
    reports = how.report and not (run.folder / "report.html").is_file()
    if run.complete and not (verifies or analyses or reports):
        say(f"{run.folder} is complete; --fresh makes another")
        return run
    say(f"run {run.folder}")
    before = run.manifest.get("commands", [])
    if not run.complete:
        simulate.resume(run, system, workers=how.workers, cluster=how.cluster, step=step)
    if verifies and reference:
        say(f"repeating {how.verify} of the member runs with PySD")
        amend(run, verify=verify(run, system.simulate, reference, how.verify))
    for analyse in analyses.values():
        analyse()
    amend(run, commands=[*before, manifest.whole_command()])  # for the report, which shows the manifest
    if reports:
        from experiments import report

        say("report")
        report.write(run)
        amend(run, commands=[*before, manifest.whole_command()])
    return run


def _analyses(
    run: Run, system: System, step: Callable[[int], AbstractContextManager[Step]], say: Callable[[str], None]
) -> dict[str, Callable[[], object]]:
    """What the study asks for, by the table that each analysis saves last: where that stands, it is done.

    In this order, since the words of the feasibility tables depend on the hindcast.
    """
    from experiments import findings, hindcast
    from experiments.policy.analyse import analyse as take_apart

    study = run.study
    asked: dict[str, Callable[[], object]] = {}
    if study.hindcast:
        asked["backtest_facts"] = lambda: hindcast.keep(hindcast.card(progress=say), run)
    asked["trust"] = lambda: findings.analyse(run, system, say)
    if study.sensitivity:
        settings = study.sensitivity.model_dump()
        asked["sensitivity"] = lambda: findings.decide(run, system, **settings, say=say)
    if study.policy:
        asked["triple_win"] = lambda: take_apart(run, system, step=step, say=say)
    return asked


def check_data() -> None:
    """Raise InputError, whatever is wrong with the measured tables."""
    from calibration import tables

    try:
        tables.refuse(tables.check())
    except RuleError as broken:
        raise InputError([*broken.faults, "`tanlu data check` shows the measured tables"]) from broken


def amend(run: Run, **entries: Any) -> None:
    """Add entries to a run's manifest."""
    with store.locked(run):
        store.write_text(run.folder / "manifest.json", manifest.text({**run.manifest, **entries}))


def verify(run: Run, fast: Simulate, reference: Simulate, count: int) -> dict[str, Any]:
    """Repeat random member runs with the reference; the largest relative difference of the outputs behind the metrics.

    Up to the plan's last year, relative to each output's largest value. Which are repeated follows from the seed.
    """
    study = run.study
    random = np.random.default_rng(np.random.SeedSequence(study.seed, spawn_key=(2**32 - 1,)))
    inputs, design = simulate.Inputs(**run.inputs()), run.design()
    years = list(range(simulate.FIRST_YEAR, PLANS[study.target.plan][2] + 1))
    repeated, worst = [], 0.0
    for _ in range(count):
        member = int(random.integers(study.members))
        allocation = str(random.choice([a.label for a in study.allocations]))
        mix = str(random.choice([m.label for m in study.mixes]))
        params = inputs.params(allocation, mix, study.target.plan)
        one = design.iloc[[member]]
        quick, slow = (engine(one, params, outputs.NEEDED, years) for engine in (fast, reference))
        for name in outputs.NEEDED:
            scale = float(np.abs(slow[name]).max()) or 1.0
            worst = max(worst, float(np.abs(quick[name].to_numpy() - slow[name].to_numpy()).max()) / scale)
        repeated.append({"member": member, "allocation": allocation, "mix": mix})
    return {"against": "PySD", "largest_relative_difference": worst, "member_runs": repeated}


def verdicts(run: Run, allocation: str | None = None, mix: str | None = None) -> pd.DataFrame:
    """The table for the terminal, texts: one row a province, the nation last. Default: the study's first scenario."""
    table = run.table("feasibility")
    allocation = allocation or run.study.allocations[0].label
    mix = mix or run.study.mixes[0].label
    rows = table[(table["allocation"] == allocation) & (table["mix"] == mix)]
    if rows.empty:
        known = sorted({f"{a} × {m}" for a, m in zip(table["allocation"], table["mix"], strict=True)})
        raise InputError(f"{run.name} has no {allocation} × {mix}; it has: {', '.join(known)}")
    half = (rows["chance_high"] - rows["chance_low"]) / 2
    return pd.DataFrame(
        {
            "province": rows["province"].replace(store.NATION, f"{store.NATION} (sum of provinces)"),
            "target %": rows["target"].map("{:.1f}".format),
            "reduction %": rows["reduction"].map("{:.1f}".format),
            "80 % range": [
                f"{a:.1f} … {b:.1f}" for a, b in zip(rows["reduction_10"], rows["reduction_90"], strict=True)
            ],
            "margin": rows["margin"].map("{:+.1f}".format),
            "chance %": [f"{100 * c:.0f} ± {100 * h:.0f}" for c, h in zip(rows["chance"], half, strict=True)],
            "light": rows["light"],
        }
    ).reset_index(drop=True)


def statistics(run: Run) -> str:
    """The closing line: what was done, how fast, at what cost."""
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


def estimate(study: Study, system: System, runs: Path) -> dict[str, Any]:
    """What a study will take, from a timed pilot batch; nothing is written.

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
    table = design.memory_usage(deep=True).sum() / few * study.members
    yearly = scenarios * study.members * (inputs.allocation.sizes["province"]) * 5 * FLOAT32
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
        "memory bytes": int(manifest.peak_memory() + 2 * table + 2 * yearly),
        "disk bytes": int(table + scenarios * kept),
        "temporary disk bytes": int(scenarios * (long * sizes[True] + short * sizes[False])),
        "free disk bytes": shutil.disk_usage(_there(runs)).free,
        "judged": " ".join(map(str, PLANS[study.target.plan])),
    }


def _there(folder: Path) -> Path:
    """The nearest folder above that exists."""
    while not folder.exists():
        folder = folder.absolute().parent
    return folder


def one_run(study: Study, system: System, design: pd.DataFrame, member: int, allocation: str, mix: str) -> xr.Dataset:
    """The study's outputs of one row of a design, by year: (province with "China", …, year), no predictive error.

    Raises InputError for a scenario or member that is not there.
    """
    scenarios = {"allocation": [a.label for a in study.allocations], "mix": [m.label for m in study.mixes]}
    wanted = {"allocation": allocation or scenarios["allocation"][0], "mix": mix or scenarios["mix"][0]}
    faults = [
        f"{study.name} has no {what} {name!r}{nearest(name, scenarios[what])}; it has: {', '.join(scenarios[what])}"
        for what, name in wanted.items()
        if name not in scenarios[what]
    ]
    if not 0 <= member < len(design):
        faults.append(f"member {member}: members are numbered 0 to {len(design) - 1}")
    if faults:
        raise InputError(faults)
    inputs = system.inputs(study)
    job = Job(study, inputs, system.simulate, system.errors, system.checksums, {})
    years = range(simulate.FIRST_YEAR, study.outputs.last_year + 1)
    row = design.iloc[[member]]
    found, _ = job.results(wanted["allocation"], wanted["mix"], row, study.outputs.variables, years)
    return outputs.with_nation(outputs.folded(found), study.outputs.variables).isel(member=0, drop=True)


def by_year(found: xr.Dataset, provinces: Sequence[str]) -> pd.DataFrame:
    """One row a province and year, one column an output with its unit (and element). InputError: unknown province."""
    known = [str(name) for name in found["province"].to_numpy()]
    if faults := [f"unknown province {name!r}{nearest(name, known)}" for name in provinces if name not in known]:
        raise InputError(faults)
    columns: dict[str, pd.Series[Any]] = {}
    for name, values in found.sel(province=list(provinces)).data_vars.items():
        extra = [dim for dim in values.dims if dim not in ("province", "year")]
        for element in values[extra[0]].to_numpy() if extra else [None]:
            one = values if element is None else values.sel({extra[0]: element}, drop=True)
            label = f"{name}{'' if element is None else f'[{element}]'} {values.attrs.get('units', '')}".strip()
            columns[label] = one.to_series()
    return pd.DataFrame(columns).reset_index()


def listing(runs: Path) -> pd.DataFrame:
    """One row a run: name, status, members done and in all, failed, created, size in MB."""
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
    return pd.DataFrame(rows, columns=["run", "status", "done", "total", "failed", "batches stored", "created", "MB"])


def described(run: Run) -> dict[str, str]:
    """A run's state in a few lines."""
    record, study = run.manifest, run.study
    scenarios = [f"{a.label} × {m.label}" for a in study.allocations for m in study.mixes]
    return {
        "run": run.name,
        "title": study.title,
        "status": record["status"],
        "created": record["created"],
        "command": record["command"],
        "commit": f"{record['commit'] or 'unknown'}{' with changes' if record['dirty'] else ''}",
        "scenarios": ", ".join(scenarios),
        "members": f"{study.members:,} drawn by {study.sampling.method}, seed {study.seed}",
        "tables": ", ".join(run.tables) or "none",
    }
