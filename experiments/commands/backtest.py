"""`tanlu backtest`: the skill card, with every number redone by this one command."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated

import typer

from experiments.console import Json, Quiet, RunsFolder, emit, note


def backtest(
    origin: Annotated[int, typer.Option(help="Last fitted year: 2007 (structure is chosen on it) or 2010.")] = 2010,
    members: Annotated[int, typer.Option(min=50)] = 1000,
    seed: Annotated[int, typer.Option(min=1)] = 1,
    run: Annotated[str | None, typer.Option(help="Also store the card in this run, for its report.")] = None,
    runs: RunsFolder = Path("runs"),
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Score the model on the years after those that it was fitted to, beside naive forecasts."""
    from experiments import hindcast
    from experiments.store import Run

    target = None if run is None else Run.open(run, runs)
    card = hindcast.card(origin, members, seed, lambda text: note(text, quiet))
    if target is not None:
        hindcast.keep(card, target)
    if json:
        emit(hindcast.as_json(card), json=True)
    else:
        emit(card["scores"], decimals=2)
        for line in hindcast.sentences(card):
            note(line)


COMMANDS: Mapping[str, Callable[..., None]] = {"backtest": backtest}
