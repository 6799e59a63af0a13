"""`tanlu robust`: the conditions in which a plan fails, the hedges that help, and the regret of each choice."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated

import typer

from calibration.places import NATION, choose_province, simulated
from experiments.cli.console import Json, Quiet, RunsFolder, emit, note
from experiments.cli.feasibility import Mix, RunName, known_run


def robust(
    run: RunName = None,
    mix: Mix = None,
    province: Annotated[str, typer.Option(help="Whose target counts: a province, or China.")] = NATION,
    members: Annotated[int, typer.Option(help="At most so many of the run's members.", min=80)] = 400,
    runs: RunsFolder = Path("runs"),
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """The robust decision loop for one mix: failure conditions, hedges from the start or on a trigger, regret."""
    known_run(run, runs)
    province = choose_province(province, [*simulated(), NATION])
    from experiments import pipeline
    from experiments.analyses import robust as loop
    from experiments.cli.tables import terminal_tables
    from experiments.ensemble import installed
    from experiments.ensemble.simulation import SIMULATION
    from experiments.runs import stages
    from experiments.words import box_sentences

    chosen = pipeline.opened(run, runs, lambda study: installed.installed(0, study))
    system = installed.installed(0, chosen.study)
    chosen.study.scenario(None, mix)
    say = lambda text: note(text, quiet)  # noqa: E731
    with stages.stage(chosen, "robust", (SIMULATION,)):
        found = loop.robust_tables(
            chosen, system, box_sentences.row, mix=mix, province=province, members=members, say=say
        )
    pipeline.record_command(chosen)
    if json:
        emit(found, json)
        return
    for title, table in terminal_tables.robust(found):
        note(f"\n{title}", quiet)
        emit(table)
    note(f"\ntables: {chosen.folder / 'tables'}; `tanlu report {chosen.name}` shows them", quiet)


COMMANDS: Mapping[str, Callable[..., None] | typer.Typer] = {"robust": robust}
