"""`tanlu feasibility`: can the targets be reached, province by province."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated

import typer

from experiments.console import Json, Quiet, RunsFolder, emit, note

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
    from experiments import findings, inputs, printed

    system = inputs.system(0)
    chosen = findings.opened(run, runs, system)
    at = findings.scenario(chosen, allocation, mix)
    findings.analyse(chosen, system, lambda text: note(text, quiet), reality=checks, check_files=check or ())
    findings.record(chosen)
    if json:
        emit(printed.tables(chosen, printed.FEASIBILITY), json)
        return
    for title, table in printed.feasibility(chosen, *at):
        note(f"\n{title}", quiet)
        emit(table)
    note(f"\ntables: {chosen.folder / 'tables'}", quiet)


COMMANDS: Mapping[str, Callable[..., None] | typer.Typer] = {"feasibility": feasibility}
