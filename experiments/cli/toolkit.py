"""`tanlu toolkit init|check|merge|results|monitor`: the stepwise expert process in a working folder."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated

import typer

from calibration.places import choose_province, simulated
from experiments.cli.console import Json, Quiet, RunsFolder, emit, note
from experiments.runs.find import find_run

app = typer.Typer(help="The stepwise expert process: sheets that people fill in.", no_args_is_help=True)
COMMANDS: Mapping[str, Callable[..., None] | typer.Typer] = {"toolkit": app}

Folder = Annotated[Path, typer.Argument(help="Working folder.")]


@app.command()
def init(
    province: Annotated[str, typer.Argument(help="Province, for example Chongqing.")],
    folder: Annotated[Path | None, typer.Option(help="Where; default: toolkit-<province>.")] = None,
    reviewers: Annotated[int, typer.Option(help="How many score the options.", min=1, max=20)] = 3,
    quiet: Quiet = False,
) -> None:
    """Make a working folder, prefilled with measured figures, official goals and the option catalogue."""
    province = choose_province(province, simulated())
    from experiments import toolkit

    made = toolkit.init(province, folder, reviewers)
    emit({"folder": str(made.path)})
    note("fill in the sheets in the order of their numbers; `tanlu toolkit check` tells what is wrong", quiet)


@app.command()
def check(folder: Folder, json: Json = False) -> None:
    """Check every sheet; all faults at once, else how far each step is."""
    from experiments import toolkit

    emit(toolkit.check(folder), json)


@app.command()
def merge(folder: Folder, json: Json = False, quiet: Quiet = False) -> None:
    """Merge the reviewers' scores, make design sheets, mix.yaml and study.yaml."""
    from experiments import toolkit

    emit(toolkit.merge(folder), json)
    note(f"design sheets in {folder / '6-design'}; then: tanlu run {folder / 'study.yaml'}", quiet)


@app.command()
def results(
    folder: Folder,
    run: Annotated[str, typer.Argument(metavar="RUN", help="A run of the folder's study.yaml.")],
    runs: RunsFolder = Path("runs"),
) -> None:
    """Bring a run's tables for the province into 7-results."""
    run_folder = find_run(run, runs)
    from experiments import toolkit
    from experiments.runs.store import Run

    emit({"written": ", ".join(toolkit.results(folder, Run(run_folder)))})


@app.command()
def monitor(
    folder: Folder,
    run: Annotated[str, typer.Option(help="Run whose ensemble is updated.")],
    year: Annotated[int | None, typer.Option(help="Append this measured year first.")] = None,
    change: Annotated[
        float | None, typer.Option(help="Its change of energy intensity, % (a fall is negative).")
    ] = None,
    error: Annotated[float | None, typer.Option(help="Standard deviation of the cumulated figure, points.")] = None,
    source: Annotated[str, typer.Option(help="Where the figure stands.")] = "",
    mix: Annotated[str, typer.Option(help="Mix of the run; default: delivered, else its last.")] = "",
    runs: RunsFolder = Path("runs"),
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Append a measured year, update the ensemble, and say what changed in the verdict and why."""
    run_folder = find_run(run, runs)
    from experiments import toolkit
    from experiments.runs.store import Run
    from experiments.toolkit import monitoring
    from experiments.toolkit.sheets import Folder as Working
    from models.reading.faults import InputError

    if (year is None) != (change is None):
        raise InputError("give both --year and --change, or neither")
    if year is not None and change is not None:
        monitoring.append(Working.open(folder), year, change, error, source)
    told = toolkit.monitor(folder, Run(run_folder), mix)
    emit(told if json else told[["year", "chance before", "chance after", "verdict", "why"]], json)
    note(f"mix {told['mix'].iloc[0]}; ranges and pace still needed: {folder / 'verdicts.csv'}", quiet)
