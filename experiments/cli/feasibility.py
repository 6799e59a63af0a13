"""`tanlu feasibility`: can the targets be reached, province by province."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated

import typer

from experiments.cli.console import Json, Quiet, RunsFolder, emit, note

Allocation = Annotated[str | None, typer.Option(help="Allocation of the run; its first when left out.")]
Mix = Annotated[str | None, typer.Option(help="Policy mix of the run; its first when left out.")]
RunName = Annotated[
    str | None, typer.Argument(metavar="[RUN|STUDY]", help="A run, or a study to run; the newest run when left out.")
]


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
    from experiments import pipeline
    from experiments.analyses import feasibility_tables
    from experiments.analyses.sensitivity import sensitivity_tables
    from experiments.cli import terminal_tables
    from experiments.ensemble import installed
    from experiments.words import box_sentences

    system = installed.installed(0)
    chosen = pipeline.opened(run, runs, system)
    at = sensitivity_tables.scenario(chosen, allocation, mix)
    feasibility_tables.feasibility_tables(
        chosen, system, box_sentences.row, lambda text: note(text, quiet), reality=checks, check_files=check or ()
    )
    pipeline.record_command(chosen)
    if json:
        emit(terminal_tables.tables(chosen, terminal_tables.FEASIBILITY), json)
        return
    for title, table in terminal_tables.feasibility(chosen, *at):
        note(f"\n{title}", quiet)
        emit(table)
    note(f"\ntables: {chosen.folder / 'tables'}", quiet)


COMMANDS: Mapping[str, Callable[..., None] | typer.Typer] = {"feasibility": feasibility}
