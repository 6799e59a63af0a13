"""`tanlu runs list|show|resume|rm`: what is stored."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated

import typer

from experiments.cli.console import Json, Quiet, RunsFolder, emit, note, progress
from experiments.cli.run import Cluster, Threads, Verify, Workers
from experiments.runs.find import find_run

app = typer.Typer(help="Stored runs: list, show, resume, remove.", no_args_is_help=True)
COMMANDS: Mapping[str, Callable[..., None] | typer.Typer] = {"runs": app}

Name = Annotated[str, typer.Argument(metavar="RUN", help="Folder of a run, or the (beginning of the) name of one.")]


@app.command("list")
def list_(runs: RunsFolder = Path("runs"), json: Json = False) -> None:
    """Every run with its state and size."""
    from experiments.runs import overview

    table = overview.listing(runs)
    emit(table if json or len(table) else {str(runs): "no runs"}, json)


@app.command()
def show(name: Name, runs: RunsFolder = Path("runs"), json: Json = False, quiet: Quiet = False) -> None:
    """A run's manifest, tables and, when it is complete, its verdicts."""
    folder = find_run(name, runs)
    from experiments.cli.tables import terminal_tables
    from experiments.runs import overview
    from experiments.runs.store import Run

    run = Run(folder)
    if json:
        emit({**run.manifest, "tables": list(run.tables)}, json)
        return
    emit(overview.described(run))
    if "feasibility" in run.tables:
        emit(terminal_tables.verdicts(run))
    note(overview.statistics(run), quiet)


@app.command()
def resume(
    name: Name,
    runs: RunsFolder = Path("runs"),
    threads: Threads = 0,
    workers: Workers = 0,
    cluster: Cluster = None,
    verify: Verify = 1,
    report: Annotated[bool, typer.Option(help="Write report.html and report.zh.html.")] = True,
    quiet: Quiet = False,
) -> None:
    """Finish a run that was interrupted."""
    folder = find_run(name, runs)
    from experiments import installation, pipeline
    from experiments.ensemble import installed
    from experiments.runs import overview
    from experiments.runs.store import Run

    run = pipeline.finish(
        Run(folder),
        installed.installed(1 if workers or cluster else threads),
        pipeline.RunOptions(workers, cluster, verify=verify, report=report),
        step=lambda total: progress(total, quiet),
        say=lambda text: note(text, quiet),
        reference=installation.ProvinceModel(backend="pysd"),
    )
    note(overview.statistics(run), quiet)


@app.command()
def rm(
    names: Annotated[list[str], typer.Argument(metavar="RUN...", help="Runs to delete, by whole name or folder.")],
    runs: RunsFolder = Path("runs"),
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Delete runs from the disk."""
    from experiments.runs import store

    chosen = [store.removable(name, runs) for name in names]
    if yes or typer.confirm(f"Delete {', '.join(run.name for run in chosen)}?"):
        for run in chosen:
            store.remove(run)
