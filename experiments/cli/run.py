"""`tanlu run`, `tanlu ensemble` and `tanlu simulate`: a whole study, its simulation alone, or one run."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated

import typer

from calibration.places import NATION, known_provinces, simulated
from experiments.cli.console import Json, Quiet, RunsFolder, emit, note, progress
from experiments.study.files import TODAY
from experiments.study.files import find as find_study
from experiments.study.known import check as check_study
from models.reading.faults import InputError
from models.reading.names import choose_all
from models.reading.numbers import read_percent

Study = Annotated[str, typer.Argument(help="Name of a shipped study, or path of a YAML file.")]
Set = Annotated[list[str] | None, typer.Option("--set", help="Override: path=value, for example members=200.")]
Members = Annotated[int | None, typer.Option(help="Draws of the uncertain inputs; short for --set members=…", min=2)]
Assigned = Annotated[
    list[str] | None,
    typer.Option(help="An official number in place of a share: Guangxi=16, or Guangxi.energy_intensity=15."),
]
Fresh = Annotated[bool, typer.Option(help="A new run even if this study has one.")]
Threads = Annotated[int, typer.Option(help="Threads of this process; 0: one a processor.", min=0)]
Workers = Annotated[int, typer.Option(help="Worker processes of this machine (Dask) instead of threads.", min=0)]
Cluster = Annotated[str | None, typer.Option(help="Address of a Dask scheduler, tcp://host:port.")]
BatchSize = Annotated[int, typer.Option("--batch", help="Members at a time; no effect on results.", min=1)]
Verify = Annotated[int, typer.Option(help="Member runs repeated with PySD, the largest difference recorded.", min=0)]


def overrides(set_: list[str] | None, members: int | None) -> list[str]:
    """The options of the command as overrides of the study."""
    return [*(set_ or ()), *([] if members is None else [f"members={members}"])]


def run(
    study: Study = TODAY,
    set_: Set = None,
    members: Members = None,
    assigned: Assigned = None,
    runs: RunsFolder = Path("runs"),
    fresh: Fresh = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what it would take.")] = False,
    threads: Threads = 0,
    workers: Workers = 0,
    cluster: Cluster = None,
    batch: BatchSize = 512,
    verify: Verify = 1,
    report: Annotated[bool, typer.Option(help="Write report.html and report.zh.html.")] = True,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Carry out a whole study: check, simulate, analyse and report; print the chance of every province."""
    file = find_study(study)
    changed = [*overrides(set_, members), *assigned_overrides(assigned or ())]
    check_study(file, changed)
    from experiments import installation, pipeline
    from experiments.cli.tables import terminal_tables
    from experiments.ensemble import estimate, installed
    from experiments.runs import overview

    asked = installation.load_study(file, changed)
    pipeline.check_data()
    system = installed.installed(1 if workers or cluster else threads, asked)
    large = asked.members * len(asked.allocations) * len(asked.mixes) >= estimate.LARGE
    takes = estimate.estimate(asked, system, runs) if dry_run or large else {}
    for text in estimate.shortages(takes) if takes else ():
        note(f"warning: {text}", quiet)
    if dry_run:
        emit(takes, json)
        note("seconds of member runs; verification, analyses and report come on top, whatever the members", quiet)
        return
    done = pipeline.carry_out(
        asked,
        system,
        runs,
        pipeline.RunOptions(workers, cluster, batch, fresh, verify, report, explorer=report),
        step=lambda total: progress(total, quiet),
        say=lambda text: note(text, quiet),
    )
    if json:
        emit({"run": done.name, "manifest": done.manifest, "verdicts": done.table("feasibility")}, json)
        return
    for mix in asked.mixes:
        note(f"\n{asked.allocations[0].label} targets, {mix.label} mix, {asked.members:,} members", quiet)
        emit(terminal_tables.verdicts(done, mix=mix.label))
        if len(asked.target.indicators) > 1:
            note("\nevery indicator, and all at once: chance %; * from memory or by rule, not read officially", quiet)
            emit(terminal_tables.joint(done, mix=mix.label))
    note("\nHow far to trust this", quiet)
    emit(terminal_tables.trust(done))
    note(
        "\nChances are those of this ensemble of this model, with predictive errors: conditional, not a forecast.",
        quiet,
    )
    note(overview.statistics(done), quiet)
    if report:
        note(f"report: {done.folder / 'report.html'}", quiet)


def assigned_overrides(pairs: Sequence[str]) -> list[str]:
    """`PROVINCE=VALUE` or `PROVINCE.INDICATOR=VALUE` as overrides of the study's `assigned`.

    >>> assigned_overrides(["Guangxi=16", "Hebei.co2_intensity=17.5%"])
    ['assigned.Guangxi=16', 'assigned.Hebei.co2_intensity=17.5']
    """
    overrides = []
    for pair in pairs:
        place, equals, value = pair.partition("=")
        province, dot, key = place.partition(".")
        if not equals or not province.strip() or (dot and not key.strip()):
            raise InputError(f"--assigned {pair}: allowed is PROVINCE=VALUE or PROVINCE.INDICATOR=VALUE")
        try:
            number = read_percent(value)
        except InputError as fault:
            raise InputError(f"--assigned {pair}: {fault}") from None
        overrides.append(f"assigned.{province.strip()}{f'.{key.strip()}' if dot else ''}={number:.12g}")
    return overrides


def ensemble(
    study: Study = "twelfth-plan",
    set_: Set = None,
    members: Members = None,
    runs: RunsFolder = Path("runs"),
    fresh: Fresh = False,
    threads: Threads = 0,
    workers: Workers = 0,
    cluster: Cluster = None,
    batch: BatchSize = 512,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Simulate a study without analyses and report; print the run's name and statistics."""
    file = find_study(study)
    check_study(file, overrides(set_, members))
    from experiments.ensemble import installed, simulation
    from experiments.installation import load_study
    from experiments.runs import overview

    asked = load_study(file, overrides(set_, members))
    system = installed.installed(1 if workers or cluster else threads, asked)
    begun = simulation.start(asked, system, runs, batch=batch, fresh=fresh)
    simulation.resume(begun, system, workers=workers, cluster=cluster, step=lambda total: progress(total, quiet))
    emit({"run": begun.name, "members": begun.manifest["members"]} if json else {"run": begun.name}, json)
    note(overview.statistics(begun), quiet)


def simulate(
    study: Study = "twelfth-plan",
    province: Annotated[list[str] | None, typer.Option(help="Provinces to print; default China, their sum.")] = None,
    allocation: Annotated[str, typer.Option(help="Allocation of the study; default its first.")] = "",
    mix: Annotated[str, typer.Option(help="Mix of the study; default its first.")] = "",
    member: Annotated[int | None, typer.Option(help="A member of the study; default the centre of all.")] = None,
    set_: Set = None,
    json: Json = False,
) -> None:
    """One run of the model: its outputs by year, without predictive error; nothing is stored."""
    file, provinces = find_study(study), choose_all(province or [NATION], known_provinces(simulated()), "province")
    check_study(file, set_ or ())
    from experiments.ensemble import installed, member_design, one_run
    from experiments.installation import load_study

    asked = load_study(file, set_ or ())
    design = member_design.centre(asked) if member is None else member_design.design(asked)
    found = one_run.one_run(asked, installed.installed(study=asked), design, member or 0, allocation, mix)
    emit(one_run.by_year(found, provinces), json, decimals=4)


COMMANDS: Mapping[str, Callable[..., None] | typer.Typer] = {"run": run, "ensemble": ensemble, "simulate": simulate}
