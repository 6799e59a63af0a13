"""`tanlu forecast`: the forecast tables from an origin, which are frozen before anybody reads the outcomes."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated

import typer

from experiments.cli.console import Json, Quiet, emit, note
from models.reading.faults import InputError


def forecast(
    origin: Annotated[int, typer.Option(help="Last known year: 2010 (12th plan), 2015 (13th) or 2024 (15th).")] = 2010,
    members: Annotated[int, typer.Option(min=100)] = 1000,
    seed: Annotated[int, typer.Option(min=1)] = 1,
    folder: Annotated[Path | None, typer.Option(help="Where to write; default: the published forecasts.")] = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Write the forecast of a plan: of the model, with the list of projects, of every naive rule, and a manifest."""
    import pandas as pd

    from calibration import baseline, ledger
    from calibration.forecast import LATEST, ORIGINS, Options
    from calibration.places import NATION
    from experiments.analyses import hindcast

    known = {one.known: one for one in (*ORIGINS, LATEST)}
    if origin not in known:
        raise InputError(f"origin {origin}: allowed are {', '.join(map(str, known))} (the last known year)")
    chosen = known[origin]
    mix = hindcast.mix_of(origin)
    note(f"origin {origin}: {members} members, policy mix {mix}", quiet)
    options = Options(members, seed, hindcast.configuration(origin, members, seed))
    data = baseline.load()
    for path in ledger.freeze(chosen, data, options, mix, folder or ledger.FOLDER):
        note(f"written: {path}", quiet)
    made = pd.read_csv((folder or ledger.FOLDER) / f"{ledger.stem(chosen)}.csv")
    rows = made[(made["province"] == NATION) & (made["to"] == chosen.end)]
    emit(rows.drop(columns=["account", "metric"]), json)


COMMANDS: Mapping[str, Callable[..., None]] = {"forecast": forecast}
