"""`tanlu sensitivity`: which inputs decide the margin, and hit or miss."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated

import typer

from experiments.commands.feasibility import Allocation, Mix, RunName
from experiments.console import Json, Quiet, RunsFolder, emit, note


def sensitivity(
    run: RunName = None,
    allocation: Allocation = None,
    mix: Mix = None,
    province: Annotated[str, typer.Option(help="Whose table is printed; all are stored.")] = "China",
    runs: RunsFolder = Path("runs"),
    budget: Annotated[int, typer.Option(help="Model runs of each Sobol' design.", min=500)] = 32_000,
    trajectories: Annotated[int, typer.Option(help="Morris trajectories of the screening.", min=4)] = 16,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Morris with a dummy, Sobol' indices of margin and of hit or miss, groups by year, irrelevant inputs, Shapley."""
    from experiments import findings, inputs, printed

    system = inputs.system(0)
    chosen = findings.opened(run, runs, system)
    printed.known_place(chosen, province)
    at = findings.scenario(chosen, allocation, mix)
    say = lambda text: note(text, quiet)  # noqa: E731
    findings.decide(chosen, system, *at, runs=budget, trajectories=trajectories, say=say)
    findings.record(chosen)
    if json:
        emit(printed.tables(chosen, printed.SENSITIVITY), json)
        return
    for title, table in printed.sensitivity(chosen, province):
        note(f"\n{title}", quiet)
        emit(table)
    note(f"\ntables: {chosen.folder / 'tables'}", quiet)


COMMANDS: Mapping[str, Callable[..., None] | typer.Typer] = {"sensitivity": sensitivity}
