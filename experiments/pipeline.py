"""The main job: a study is checked, simulated, verified, analysed and reported; its cost can be known beforehand."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from calibration.errors import InputError, RuleError
from experiments import installation
from experiments.ensemble import batches, outputs, simulation
from experiments.ensemble.batches import Step
from experiments.installation import Installation, Simulate, load_study
from experiments.runs import manifest, store
from experiments.runs.store import Run
from experiments.study import load
from experiments.study.schema import Study
from models.plans import PLANS


@dataclass(frozen=True)
class RunOptions:
    """How a study is carried out; none of it changes the results.

    workers, cluster: see `simulate.resume`. batch: members at a time. fresh: a new run even if there is one.
    verify: member runs repeated with PySD. report: write the report.
    """

    workers: int = 0
    cluster: str | None = None
    batch: int = batches.BATCH
    fresh: bool = False
    verify: int = 1
    report: bool = True


def carry_out(
    study: Study,
    system: Installation,
    runs: Path,
    how: RunOptions,
    *,
    step: Callable[[int], AbstractContextManager[Step]],
    say: Callable[[str], None],
    reference: Simulate | None = None,
) -> Run:
    """The whole study: checked data, simulation, verification, analyses, report. Returns the complete run.

    A run of the same study that is complete is not simulated again; an incomplete one is resumed. reference: the slow
    `Simulate` that some member runs are repeated with. Raises InputError, StoreError.
    """
    run = simulation.start(study, system, runs, batch=how.batch, fresh=how.fresh)
    return finish(run, system, how, step=step, say=say, reference=reference)


def finish(
    run: Run,
    system: Installation,
    how: RunOptions,
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
        simulation.resume(run, system, workers=how.workers, cluster=how.cluster, step=step)
    if verifies and reference:
        say(f"repeating {how.verify} of the member runs with PySD")
        store.update_manifest(run, verify=verify(run, system.simulate, reference, how.verify))
    for analyse in analyses.values():
        analyse()
    store.update_manifest(run, commands=[*before, manifest.whole_command()])  # for the report, which shows the manifest
    if reports:
        from experiments import report

        say("report")
        report.write(run)
        store.update_manifest(run, commands=[*before, manifest.whole_command()])
    return run


def _analyses(
    run: Run, system: Installation, step: Callable[[int], AbstractContextManager[Step]], say: Callable[[str], None]
) -> dict[str, Callable[[], object]]:
    """What the study asks for, by the table that each analysis saves last: where that stands, it is done.

    In this order, since the words of the feasibility tables depend on the hindcast.
    """
    from experiments.analyses import feasibility_tables, hindcast
    from experiments.analyses.policy.policy_tables import analyse as take_apart
    from experiments.analyses.sensitivity import sensitivity_tables
    from experiments.words import box_sentences

    study = run.study
    asked: dict[str, Callable[[], object]] = {}
    if study.hindcast:
        asked["backtest_facts"] = lambda: hindcast.save(hindcast.scorecard(progress=say), run)
    asked["trust"] = lambda: feasibility_tables.feasibility_tables(run, system, box_sentences.row, say)
    if study.sensitivity:
        settings = study.sensitivity.model_dump()
        asked["sensitivity"] = lambda: sensitivity_tables.sensitivity_tables(run, system, **settings, say=say)
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


def verify(run: Run, fast: Simulate, reference: Simulate, count: int) -> dict[str, Any]:
    """Repeat random member runs with the reference; the largest relative difference of the outputs behind the metrics.

    Up to the plan's last year, relative to each output's largest value. Which are repeated follows from the seed.
    """
    study = run.study
    random = np.random.default_rng(np.random.SeedSequence(study.seed, spawn_key=(2**32 - 1,)))
    inputs, design = installation.ScenarioInputs(**run.inputs()), run.design()
    years = list(range(installation.FIRST_YEAR, PLANS[study.target.plan][2] + 1))
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


def record_command(run: Run) -> None:
    """Enter this process's command, time and memory in the run's manifest."""
    store.update_manifest(run, commands=[*run.manifest.get("commands", []), manifest.whole_command()])


def opened(name: str | None, runs: Path, system: Installation | None = None) -> Run:
    """The run of that name, the run of the study of that name (simulated if need be), or the newest complete one.

    Raises InputError where there is none.
    """
    if name is not None and system is not None and (name in load.names() or Path(name).suffix in (".yaml", ".yml")):
        return simulation.resume(simulation.start(load_study(name), system, runs), system)
    if name is not None:
        return Run.open(name, runs)
    whole = [run for run in store.list_runs(runs) if run.complete]
    if not whole:
        raise InputError(f"no complete run in {runs}; `tanlu run` makes one")
    return whole[-1]
