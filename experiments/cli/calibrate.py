"""`tanlu calibrate`: the shipped calibration anew, or another one beside it."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from experiments.cli.console import Json, Quiet, emit, note

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
    confirm: Annotated[
        bool, typer.Option("--confirm", help="Check that a change of model or data leaves the shipped fits alone.")
    ] = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Fit the model to the measured years and draw from the posterior of every province."""
    from calibration import baseline, identifiability, posterior
    from calibration import calibrate as calibration_run
    from calibration.fingerprint import fingerprint

    if confirm:
        emit(_confirmed(lambda text: note(text, quiet)), json)
        return
    if every:
        emit(_all(starts, draws, kept, seed, fresh, lambda text: note(text, quiet)), json)
        return
    path = out or posterior.PUBLISHED
    settings = {"last": last, "starts": starts, "draws": draws, "kept": kept, "seed": seed}
    if not fresh and path.exists() and posterior.load(path).attrs.get("fingerprint") == fingerprint(**settings):
        note(f"{path}: up to date (same data, model and settings)", quiet)
    else:
        made = calibration_run.calibrate(baseline.load(), progress=lambda text: note(text, quiet), **settings)
        posterior.save(made, path)
    emit(identifiability.labelled(posterior.summary(posterior.load(path))), json)


def _confirmed(say: Callable[[str], None]) -> "pd.DataFrame":
    """How far the misfit at stored parameters moved, by shipped posterior. Raises RuleError where it moved too far."""
    import pandas as pd

    from calibration import confirmation, forecast, posterior
    from models.reading.faults import RuleError

    rows = []
    for origin in forecast.ORIGINS:
        say(f"{origin.path.name}: the model at stored parameters")
        moved = confirmation.confirm(posterior.load(origin.path), origin.path.name)
        rows.append(
            {"posterior": origin.path.name, "largest difference": moved, "belongs": moved <= confirmation.TOLERANCE}
        )
    table = pd.DataFrame(rows)
    if not table["belongs"].all():
        names = ", ".join(table.loc[~table["belongs"], "posterior"])
        raise RuleError(
            f"{names}: the fitted series have moved, the posterior has to be made again: tanlu calibrate --all"
        )
    return table


def _all(starts: int, draws: int, kept: int, seed: int, fresh: bool, say: Callable[[str], None]) -> "pd.DataFrame":
    """The posterior of every origin, then the table of what earlier plans teach."""
    from calibration import baseline, forecast, learning, posterior
    from calibration import calibrate as calibration_run
    from calibration.confirmation import confirmed

    data = baseline.load()
    for origin in forecast.ORIGINS:
        settings = {"last": origin.last, "starts": starts, "draws": draws, "kept": kept, "seed": seed}
        if not fresh and confirmed(posterior.load(origin.path), origin.path.name):
            say(f"{origin.path.name}: up to date (same data, model and settings)")
        else:
            posterior.save(calibration_run.calibrate(data, progress=say, **settings), origin.path)
    say("what earlier plans teach")
    table = learning.table(data)
    table.round(4).to_csv(forecast.LEARNT, index=False, lineterminator="\n")
    return table


COMMANDS: Mapping[str, Callable[..., None]] = {"calibrate": calibrate}
