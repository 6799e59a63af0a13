"""`tanlu runs list|show|resume|cite|reproduce|rm`: the stored runs."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated

import typer

from experiments.cli.console import Json, Quiet, RunsFolder, emit, note, progress
from experiments.cli.run import Cluster, Threads, Verify, Workers
from experiments.runs.find import find_run

app = typer.Typer(help="Stored runs: list, show, resume, cite, reproduce, remove.", no_args_is_help=True)
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
    from experiments.words.headings import heading

    run = Run(folder)
    if json:
        emit({**run.manifest, "tables": list(run.tables)}, json)
        return
    emit(overview.described(run, heading(run.study, "en")))
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
    from experiments import pipeline
    from experiments.ensemble import installed
    from experiments.runs import overview
    from experiments.runs.store import Run

    begun = Run(folder)
    run = pipeline.finish(
        begun,
        installed.installed(1 if workers or cluster else threads, begun.study),
        pipeline.RunOptions(workers, cluster, verify=verify, report=report),
        step=lambda total: progress(total, quiet),
        say=lambda text: note(text, quiet),
    )
    note(overview.statistics(run), quiet)


@app.command()
def cite(
    name: Name,
    runs: RunsFolder = Path("runs"),
    bibtex: Annotated[bool, typer.Option("--bibtex", help="As an entry for BibTeX.")] = False,
    json: Json = False,
) -> None:
    """Print the citation of a run: version and commit of the tool, hash of the run, checksums of its inputs."""
    folder = find_run(name, runs)
    from experiments.exchange import citation
    from experiments.runs.store import Run

    run = Run(folder)
    if json:
        emit(citation.facts(run), json)
    else:
        typer.echo(citation.bibtex(run) if bibtex else citation.citation(run))


@app.command()
def reproduce(
    name: Name,
    runs: RunsFolder = Path("runs"),
    into: Annotated[Path, typer.Option(help="Folder for the run that is made again.")] = Path("reproduced"),
    threads: Threads = 0,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Repeat a run from its own folder and compare every result byte by byte; exit code 3 when one differs."""
    folder = find_run(name, runs)
    from experiments import installation, pipeline
    from experiments.ensemble import installed
    from experiments.exchange import reproduce as again
    from experiments.runs.store import Run

    def carry_out(file: Path) -> Run:
        study = installation.load_study(file)
        return pipeline.carry_out(
            study,
            installed.installed(threads, study),
            into,
            pipeline.RunOptions(verify=0, report=False, fresh=True),
            step=lambda total: progress(total, quiet),
            say=lambda text: note(text, quiet),
        )

    made, table = again.reproduce(Run(folder), carry_out)
    emit(table, json)
    differs = int((table["identical"] != "yes").sum())
    note(f"{made.folder}: {len(table) - differs} of {len(table)} files identical", quiet)
    if differs:
        raise typer.Exit(3)


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
