"""`tanlu calibrate`: the shipped calibration anew, or another one beside it."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from experiments.cli.console import Json, Quiet, emit, note
from models.writing import write_text

if TYPE_CHECKING:
    import pandas as pd


def calibrate(
    last: Annotated[int, typer.Option(help="Last year fitted; the first is 2005.", min=2007, max=2015)] = 2010,
    starts: Annotated[int, typer.Option(help="Starts of the optimiser.", min=1)] = 8,
    draws: Annotated[int, typer.Option(help="Draws of each of the four chains.", min=500)] = 12000,
    kept: Annotated[int, typer.Option(help="Draws that are saved.", min=100)] = 1000,
    seed: Annotated[int, typer.Option(min=1)] = 1,
    out: Annotated[Path | None, typer.Option(help="File to write; default: the shipped posterior.")] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Even when the file is up to date.")] = False,
    every: Annotated[
        bool, typer.Option("--all", help="The shipped posteriors of all origins, and what the earlier plans teach.")
    ] = False,
    sbc: Annotated[
        bool, typer.Option("--sbc", help="Simulation-based calibration of the shipped posterior; minutes.")
    ] = False,
    fits: Annotated[int, typer.Option(help="With --sbc: simulated fits of three provinces.", min=10)] = 200,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Fit the model to the measured years and draw from the posterior of every province."""
    from calibration import baseline, identifiability, posterior
    from calibration import calibrate as calibration_run

    if sbc:
        _sbc(fits, seed, json, quiet)
        return
    if every:
        emit(_all(starts, draws, kept, seed, fresh, lambda text: note(text, quiet)), json)
        return
    path = out or posterior.PUBLISHED
    settings = {"last": last, "starts": starts, "draws": draws, "kept": kept, "seed": seed}
    if not fresh and path.exists() and posterior.is_current(path, settings):
        note(f"{path}: up to date (same data, model and settings)", quiet)
    else:
        made = calibration_run.calibrate(baseline.load(), progress=lambda text: note(text, quiet), **settings)
        posterior.save(made, path)
    emit(identifiability.labelled(posterior.summary(posterior.load(path))), json)


def _all(starts: int, draws: int, kept: int, seed: int, fresh: bool, say: Callable[[str], None]) -> "pd.DataFrame":
    """Calculate the posterior of every origin, then the table of priors from earlier plans."""
    from calibration import baseline, forecast, learning, posterior
    from calibration import calibrate as calibration_run

    data = baseline.load()
    for origin in forecast.ORIGINS:
        settings = {"last": origin.last, "starts": starts, "draws": draws, "kept": kept, "seed": seed}
        if not fresh and posterior.is_current(origin.path, settings):
            say(f"{origin.path.name}: up to date (same data, model and settings)")
        else:
            posterior.save(calibration_run.calibrate(data, progress=say, **settings), origin.path)
    say("what earlier plans teach")
    table = learning.table(data)
    write_text(forecast.LEARNT, table.round(4).to_csv(index=False, lineterminator="\n"))
    return table


def _sbc(fits: int, seed: int, json: bool, quiet: bool) -> None:
    """Write and print the table of ranks; exit code 3 when one leaves its band."""
    from calibration import assumptions, ledger, posterior
    from calibration.validation import recovery

    shipped = posterior.load()
    problem, belief = assumptions.restore(shipped)
    table = recovery.simulation_based_calibration(
        problem, belief, fits=fits, seed=seed, progress=lambda text: note(text, quiet)
    ).assign(draws=ledger.digest(shipped["draws"].values.tobytes()))
    write_text(recovery.TABLE, table.round(4).to_csv(index=False, lineterminator="\n"))
    emit(table.drop(columns="draws"), json, decimals=2)
    failed = table["parameter"][~table["holds"]].tolist()
    note(f"outside the band: {', '.join(failed)}" if failed else "every bin of every parameter within its band", quiet)
    if failed:
        raise typer.Exit(3)


COMMANDS: Mapping[str, Callable[..., None]] = {"calibrate": calibrate}
