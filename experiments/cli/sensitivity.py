"""`tanlu sensitivity`: which inputs decide the margin, and hit or miss."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from calibration.places import NATION, choose_province, simulated
from experiments.cli.console import Json, Quiet, RunsFolder, emit, note
from experiments.cli.feasibility import Allocation, Mix, RunName, known_run
from models.reading.names import choose

if TYPE_CHECKING:
    from experiments.runs.store import Run

METHODS = ("sobol", "pawn", "delta")


def sensitivity(
    run: RunName = None,
    allocation: Allocation = None,
    mix: Mix = None,
    province: Annotated[str, typer.Option(help="Whose table is printed; all are stored.")] = NATION,
    indicator: Annotated[
        str | None, typer.Option(help="Whose margin, for example co2_intensity; the study's first indicator.")
    ] = None,
    method: Annotated[
        str, typer.Option(help="sobol (designs of its own), or pawn or delta, on the members that the run holds.")
    ] = "sobol",
    runs: RunsFolder = Path("runs"),
    budget: Annotated[int, typer.Option(help="Model runs of each Sobol' design.", min=500)] = 32_000,
    trajectories: Annotated[int, typer.Option(help="Morris trajectories of the screening.", min=4)] = 16,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Morris with a dummy, Sobol' indices of margin and of hit or miss, groups by year, irrelevant inputs, Shapley.

    With --method pawn or delta: which inputs move the distribution of the margin, from the run's members alone.
    """
    known_run(run, runs)
    province, method = choose_province(province, [*simulated(), NATION]), choose(method, METHODS, "method")
    from experiments import pipeline
    from experiments.analyses.sensitivity import sensitivity_tables
    from experiments.cli.tables import terminal_tables
    from experiments.ensemble import installed

    chosen = pipeline.opened(run, runs, lambda study: installed.installed(0, study))
    system = installed.installed(0, chosen.study)
    province = terminal_tables.known_place(chosen, province)
    at = chosen.study.scenario(allocation, mix)
    if method != "sobol":
        _stored(chosen, method, province, *at, indicator, json, quiet)
        return
    say = lambda text: note(text, quiet)  # noqa: E731
    pipeline.redo(
        chosen,
        pipeline.SENSITIVITY,
        pipeline.NEEDS_OF_SENSITIVITY,
        lambda: sensitivity_tables.sensitivity_tables(
            chosen, system, *at, indicator=indicator, runs=budget, trajectories=trajectories, say=say
        ),
    )
    if json:
        emit(terminal_tables.tables(chosen, terminal_tables.SENSITIVITY), json)
        return
    for title, table in terminal_tables.sensitivity(chosen, province):
        note(f"\n{title}", quiet)
        emit(table)
    note(f"\ntables: {chosen.folder / 'tables'}", quiet)


def _stored(
    run: "Run", method: str, province: str, allocation: str, mix: str, indicator: str | None, json: bool, quiet: bool
) -> None:
    """The table of a given-data method, saved and printed."""
    from experiments.analyses.sensitivity import sensitivity_tables
    from experiments.cli.tables import terminal_tables

    note(f"{method} on the members of {run.name}", quiet)
    table = sensitivity_tables.given_data_table(run, method, province, allocation, mix, indicator)
    run.save_table(f"sensitivity_{method}", table)
    if json:
        emit(table, json)
        return
    title, shown = terminal_tables.given_data(table)
    note(f"\n{title}", quiet)
    emit(shown)


COMMANDS: Mapping[str, Callable[..., None] | typer.Typer] = {"sensitivity": sensitivity}
