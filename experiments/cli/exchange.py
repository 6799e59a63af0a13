"""`tanlu compare` and `tanlu export`: a run beside another, and in other formats."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated

import typer

from experiments.cli.console import Json, Quiet, RunsFolder, emit, note
from experiments.runs.find import find_run

TITLES = {
    "study": "Study",
    "files": "Model, data and calibration files",
    "software": "Software",
    "scenarios": "Scenarios of one run alone",
    "verdicts": "Verdicts that changed, the largest change of chance first (in brackets: no more than sampling noise)",
}


def compare(
    run_a: Annotated[str, typer.Argument(metavar="RUN_A", help="Name or folder of a run.")],
    run_b: Annotated[str, typer.Argument(metavar="RUN_B", help="Name or folder of another.")],
    runs: RunsFolder = Path("runs"),
    rows: Annotated[int, typer.Option(help="Verdicts to print; 0: all.", min=0)] = 20,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Show the differences between two runs and their effect on every verdict."""
    first, second = find_run(run_a, runs), find_run(run_b, runs)
    from experiments.exchange import compare as comparison
    from experiments.runs.store import Run

    found = comparison.compare(Run(first), Run(second))
    if json:
        emit(found, json)
        return
    for name, table in found.items():
        note(f"\n{TITLES[name]}", quiet)
        shown = comparison.printed(table)[: rows or None] if name == "verdicts" else table
        emit(shown if len(shown) else {"": "the same in both"})


def export(
    run: Annotated[str, typer.Argument(metavar="RUN", help="Name or folder of a run.")],
    to: Annotated[
        str, typer.Option(help="iamc-csv, iamc-xlsx, netcdf, parquet, csv, or model: one member as a model.")
    ],
    out: Annotated[Path | None, typer.Option(help="File or folder to write; must not exist.")] = None,
    member: Annotated[int, typer.Option(help="With --to model: which member.", min=0)] = 0,
    allocation: Annotated[str, typer.Option(help="With --to model: of which allocation; default the first.")] = "",
    mix: Annotated[str, typer.Option(help="With --to model: of which mix; default the first.")] = "",
    runs: RunsFolder = Path("runs"),
) -> None:
    """Export a run to another format; print the files that were written."""
    folder = find_run(run, runs)
    from experiments.exchange import export as formats
    from experiments.runs.store import Run
    from models.reading.names import choose

    chosen = Run(folder)
    form = choose(to, [*formats.FORMATS, "model"], "format")
    if form == "model":
        typer.echo(formats.member_model(chosen, member, allocation, mix, out))
    else:
        typer.echo(formats.export(chosen, form, out))


COMMANDS: Mapping[str, Callable[..., None] | typer.Typer] = {"compare": compare, "export": export}
