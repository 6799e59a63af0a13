"""The main job: a study is checked, simulated, verified, analysed and reported; its cost can be known beforehand."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from calibration.places import active_region
from experiments import verification
from experiments.ensemble import batches, simulation
from experiments.ensemble.batches import Step
from experiments.ensemble.simulation import SIMULATION
from experiments.installation import Installation, load_study
from experiments.runs import manifest, stages, store
from experiments.runs.store import Run
from experiments.study import files
from experiments.study.schema import Study
from models.reading.faults import InputError, RuleError
from models.reading.names import match

HINDCAST, FEASIBILITY, SENSITIVITY, POLICY = "hindcast", "feasibility", "sensitivity", "policy"
TRUST, EXPLORER, REPORT = "trust", "explorer", "report"
"""Stages of a run after its simulation."""
NEEDS_OF_SENSITIVITY = (SIMULATION, FEASIBILITY)
"""The sensitivity analyses where the ranking of the mixes turns; the ranking is a table of the feasibility stage."""


@dataclass(frozen=True)
class RunOptions:
    """How a study is carried out; none of it changes the results.

    workers, cluster: see `simulate.resume`. batch: members at a time. fresh: a new run even if there is one.
    verify: member runs repeated with PySD. report: write the report. explorer: write the explorer, which it links to.
    """

    workers: int = 0
    cluster: str | None = None
    batch: int = batches.BATCH
    fresh: bool = False
    verify: int = 1
    report: bool = True
    explorer: bool = False


def carry_out(
    study: Study,
    system: Installation,
    runs: Path,
    how: RunOptions,
    *,
    step: Callable[[int], AbstractContextManager[Step]],
    say: Callable[[str], None],
) -> Run:
    """The whole study: checked data, simulation, verification, analyses, report. Returns the complete run.

    A run of the same study that is complete is not simulated again; an incomplete one is resumed.

    Raises:
        InputError, StoreError
    """
    run = simulation.start(study, system, runs, batch=how.batch, fresh=how.fresh)
    return finish(run, system, how, step=step, say=say)


def finish(
    run: Run,
    system: Installation,
    how: RunOptions,
    *,
    step: Callable[[int], AbstractContextManager[Step]],
    say: Callable[[str], None],
) -> Run:
    """What a run still lacks: members, verification, analyses, report. A run that lacks nothing is not touched.

    A stage is made again when one of its files is missing or not as it was written, or when what it is made from is.
    """
    store.clean_partial(run)
    verifies = how.verify > 0 and "verify" not in run.manifest and verification.is_possible(run)
    asked = _stages(run, system, step, say, report=how.report, explorer=how.explorer)
    if simulation.is_simulated(run) and not verifies and not _lacking(run, asked):
        say(f"{run.folder} is complete; --fresh makes another")
        return run
    say(f"run {run.folder}")
    before = run.manifest.get("commands", [])
    simulation.resume(run, system, workers=how.workers, cluster=how.cluster, step=step)
    with verification.alongside(run, how.verify) if verifies else nullcontext() as repeated:
        if repeated:
            say(f"repeating {how.verify} of the member runs with PySD, in the background")
        for stage in asked:
            if stages.finished(run, stage.name, stage.needs):
                continue
            store.update_manifest(run, commands=[*before, manifest.whole_command()])  # the report shows the manifest
            with stages.stage(run, stage.name, stage.needs):
                stage.make()
        if repeated:
            say("waiting for PySD")
            store.update_manifest(run, verify=repeated())
    store.update_manifest(run, commands=[*before, manifest.whole_command()])
    return run


@dataclass(frozen=True)
class Stage:
    """A piece of the work on a run. needs: the stages whose files it reads, made before it."""

    name: str
    needs: tuple[str, ...]
    make: Callable[[], object]


def _lacking(run: Run, asked: Sequence[Stage]) -> list[str]:
    """Stages that have to be made."""
    return [stage.name for stage in asked if not stages.finished(run, stage.name, stage.needs)]


def _stages(
    run: Run,
    system: Installation,
    step: Callable[[int], AbstractContextManager[Step]],
    say: Callable[[str], None],
    report: bool,
    explorer: bool,
) -> list[Stage]:
    """What the study asks for after the simulation, in order: what sums up the others comes last."""
    from experiments.analyses import feasibility_tables, hindcast, trust
    from experiments.analyses.policy import policy_tables
    from experiments.analyses.sensitivity import sensitivity_tables
    from experiments.words import box_sentences

    study = run.study
    asked: list[Stage] = []
    if study.hindcast:
        asked.append(Stage(HINDCAST, (), lambda: hindcast.save(hindcast.scorecard(progress=say), run)))
    of_hindcast = (HINDCAST,) if study.hindcast else recorded(run, HINDCAST)
    asked.append(
        Stage(
            FEASIBILITY,
            (SIMULATION, *of_hindcast),  # its words depend on the hindcast
            lambda: feasibility_tables.feasibility_tables(run, system, box_sentences.row, say),
        )
    )
    if study.sensitivity:
        settings = study.sensitivity.model_dump()
        make = lambda: sensitivity_tables.sensitivity_tables(run, system, **settings, say=say)  # noqa: E731
        asked.append(Stage(SENSITIVITY, NEEDS_OF_SENSITIVITY, make))
    if study.policy:
        asked.append(Stage(POLICY, (SIMULATION,), lambda: policy_tables.analyse(run, system, step=step, say=say)))
    made = [stage.name for stage in asked]
    before = (*made, *(name for name in recorded(run, HINDCAST, SENSITIVITY, POLICY) if name not in made))
    asked.append(Stage(TRUST, before, lambda: run.save_table("trust", trust.panel(run))))
    last = (*before, TRUST)
    alone = len(study.provinces) == 1  # the explorer's kernels couple provinces
    if explorer and not alone and not active_region():  # it fits members again on the shipped provinces
        from experiments import explore

        def write_explorer() -> None:
            say("explorer")
            explore.write_or_say(run.folder / explore.FILE, run)

        asked.append(Stage(EXPLORER, (FEASIBILITY, *((POLICY,) if study.policy else ())), write_explorer))
        last = (*last, EXPLORER)
    if report:
        from experiments import brief
        from experiments import report as pages

        def write() -> None:
            say("report and briefs")
            brief.prepare(run, system, anew=True)
            brief.write(run)
            pages.write(run)

        asked.append(Stage(REPORT, last, write))
    return asked


def recorded(run: Run, *names: str) -> tuple[str, ...]:
    """Those of the stages that were ever finished."""
    return tuple(name for name in names if stages.is_recorded(run, name))


def redo(run: Run, name: str, needs: Sequence[str], make: Callable[[], object]) -> None:
    """Make one stage of a complete run anew, as a command asks, and the trust panel after it."""
    from experiments.analyses import trust

    with stages.stage(run, name, needs):
        make()
    with stages.stage(run, TRUST, recorded(run, HINDCAST, FEASIBILITY, SENSITIVITY, POLICY)):
        run.save_table("trust", trust.panel(run))
    record_command(run)


def check_data() -> None:
    """Raise InputError, whatever is wrong with the measured tables."""
    from calibration import tables

    try:
        tables.refuse(tables.check())
    except RuleError as broken:
        raise InputError([*broken.faults, "`tanlu data check` shows the measured tables"]) from broken


def record_command(run: Run) -> None:
    """Enter this process's command, time and memory in the run's manifest."""
    store.update_manifest(run, commands=[*run.manifest.get("commands", []), manifest.whole_command()])


def opened(name: str | None, runs: Path, system: Callable[[Study], Installation] | None = None) -> Run:
    """The run of that name, the run of the study of that name (simulated if need be), or the newest complete one.

    system: gives the installation that a study is simulated with.

    Raises InputError where there is none.
    """
    is_study = name is not None and (match(name, files.names()) or Path(name).suffix in (".yaml", ".yml"))
    if name is not None and system is not None and is_study:
        study = load_study(name)
        here = system(study)
        return simulation.resume(simulation.start(study, here, runs), here)
    if name is not None:
        return Run.open(name, runs)
    whole = [run for run in store.list_runs(runs) if run.complete]
    if not whole:
        raise InputError(f"no complete run in {runs}; `tanlu run` makes one")
    return whole[-1]
