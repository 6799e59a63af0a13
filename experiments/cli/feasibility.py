"""`tanlu feasibility`: can the targets be reached, province by province."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated

import typer

from experiments.cli.console import Json, Quiet, RunsFolder, emit, note
from experiments.runs.find import find_run
from experiments.study.files import names
from models.reading.names import match

Allocation = Annotated[str | None, typer.Option(help="Allocation of the run; its first when left out.")]
Mix = Annotated[str | None, typer.Option(help="Policy mix of the run; its first when left out.")]
RunName = Annotated[
    str | None, typer.Argument(metavar="[RUN|STUDY]", help="A run, or a study to run; the newest run when left out.")
]


def known_run(name: str | None, runs: Path) -> None:
    """Raise InputError for a name that belongs to no run and no study."""
    if name is not None and Path(name).suffix not in (".yaml", ".yml") and match(name, names()) is None:
        find_run(name, runs)


def feasibility(
    run: RunName = None,
    allocation: Allocation = None,
    mix: Mix = None,
    runs: RunsFolder = Path("runs"),
    checks: Annotated[bool, typer.Option(help="Evaluate the reality checks, which runs all members again.")] = True,
    check: Annotated[list[Path] | None, typer.Option(help="A further file of reality checks.")] = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Chance, margin, light, headroom and pace of every province; failure conditions in words; reality checks."""
    known_run(run, runs)
    from experiments import pipeline
    from experiments.analyses import feasibility_tables
    from experiments.cli.tables import terminal_tables
    from experiments.ensemble import installed
    from experiments.ensemble.simulation import SIMULATION
    from experiments.words import box_sentences

    chosen = pipeline.opened(run, runs, lambda study: installed.installed(0, study))
    system = installed.installed(0, chosen.study)
    at = chosen.study.scenario(allocation, mix)
    pipeline.redo(
        chosen,
        pipeline.FEASIBILITY,
        (SIMULATION, *pipeline.recorded(chosen, pipeline.HINDCAST)),
        lambda: feasibility_tables.feasibility_tables(
            chosen, system, box_sentences.row, lambda text: note(text, quiet), reality=checks, check_files=check or ()
        ),
    )
    if json:
        emit(terminal_tables.tables(chosen, terminal_tables.FEASIBILITY), json)
        return
    for title, table in terminal_tables.feasibility(chosen, *at):
        note(f"\n{title}", quiet)
        emit(table)
    note(f"\ntables: {chosen.folder / 'tables'}", quiet)


COMMANDS: Mapping[str, Callable[..., None] | typer.Typer] = {"feasibility": feasibility}
