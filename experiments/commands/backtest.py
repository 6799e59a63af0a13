"""`tanlu backtest`: the skill card, with every number redone by this one command."""

from collections.abc import Callable, Mapping
from typing import Annotated

import typer

from experiments.console import Json, Quiet, emit, note


def backtest(
    origin: Annotated[int, typer.Option(help="Last fitted year: 2007 (structure is chosen on it) or 2010.")] = 2010,
    members: Annotated[int, typer.Option(min=50)] = 1000,
    seed: Annotated[int, typer.Option(min=1)] = 1,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Score the model on the years after those that it was fitted to, beside naive forecasts."""
    from experiments import hindcast

    card = hindcast.card(origin, members, seed, lambda text: note(text, quiet))
    if json:
        emit(hindcast.as_json(card), json=True)
    else:
        emit(card["scores"], decimals=2)
        for line in hindcast.sentences(card):
            note(line)


COMMANDS: Mapping[str, Callable[..., None]] = {"backtest": backtest}
