"""`tanlu calibrate`: the shipped calibration anew, or another one beside it."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated

import typer

from experiments.cli.console import Json, Quiet, emit, note


def calibrate(
    last: Annotated[int, typer.Option(help="Last year fitted; the first is 2005.", min=2007, max=2010)] = 2010,
    starts: Annotated[int, typer.Option(help="Starts of the optimiser.", min=1)] = 8,
    draws: Annotated[int, typer.Option(help="Draws of each of the four chains.", min=500)] = 5000,
    kept: Annotated[int, typer.Option(help="Draws that are saved.", min=100)] = 1000,
    seed: Annotated[int, typer.Option(min=1)] = 1,
    out: Annotated[Path | None, typer.Option(help="File to write; default: the shipped posterior.")] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Even when the file is up to date.")] = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Fit the model to the measured years and draw from the posterior of every province."""
    from calibration import baseline, identifiability, posterior
    from calibration import calibrate as calibration_run
    from calibration.fingerprint import fingerprint

    path = out or posterior.PUBLISHED
    settings = {"last": last, "starts": starts, "draws": draws, "kept": kept, "seed": seed}
    if not fresh and path.exists() and posterior.load(path).attrs.get("fingerprint") == fingerprint(**settings):
        note(f"{path}: up to date (same data, model and settings)", quiet)
    else:
        made = calibration_run.calibrate(baseline.load(), progress=lambda text: note(text, quiet), **settings)
        posterior.save(made, path)
    emit(identifiability.labelled(posterior.summary(posterior.load(path))), json)


COMMANDS: Mapping[str, Callable[..., None]] = {"calibrate": calibrate}
