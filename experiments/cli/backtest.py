"""`tanlu backtest`: the skill card, which names the command that calculates its numbers again."""

import textwrap
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from experiments.cli.console import Json, Quiet, RunsFolder, emit, note
from experiments.runs.find import find_run
from models.reading.faults import InputError

if TYPE_CHECKING:
    import pandas as pd

WIDTH = 112


def backtest(
    origin: Annotated[int, typer.Option(help="Last fitted year: 2007 (structure is chosen on it) or 2010.")] = 2010,
    members: Annotated[int, typer.Option(min=50)] = 1000,
    seed: Annotated[int, typer.Option(min=1)] = 1,
    run: Annotated[str | None, typer.Option(help="Also store the card in this run, for its report.")] = None,
    runs: RunsFolder = Path("runs"),
    html: Annotated[
        Path | None, typer.Option(help="Also write the card as a page: card.html, and card.zh.html beside it.")
    ] = None,
    every: Annotated[
        bool, typer.Option("--all", help="The scorecard that decides: the printed question on every scored plan.")
    ] = False,
    nowcast: Annotated[
        bool, typer.Option("--nowcast", help="The checks of the years that only activity is measured in (2015-2024).")
    ] = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Score the model on the years after those that it was fitted to, beside naive forecasts.

    Printed are the main scores; --json holds all of them, with the forecast and its 80 % band of every province.
    """
    folder = None if run is None else find_run(run, runs)
    from experiments import pipeline
    from experiments.analyses import hindcast
    from experiments.runs.store import Run

    if every:
        emit(_all(members, seed, lambda text: note(text, quiet)), json, decimals=3)
        return
    if nowcast:
        _nowcast(members, seed, json, lambda text: note(text, quiet))
        return
    if html is not None and html.suffix != ".html":
        raise InputError(f"--html {html}: a page must be called .html, for example {html.with_suffix('.html')}")
    target = None if folder is None else Run(folder)
    card = hindcast.scorecard(origin, members, seed, lambda text: note(text, quiet))
    if target is not None:
        pipeline.redo(target, pipeline.HINDCAST, (), lambda: hindcast.save(card, target))
    if html is not None:
        from experiments.report import write_card

        for path in write_card(card["scores"], hindcast.facts(card), html):
            note(f"written: {path}", quiet)
    if json:
        emit(hindcast.as_json(card), json=True)
    else:
        show(card)


def _nowcast(members: int, seed: int, json: bool, say: Callable[[str], None]) -> None:
    """Make the checks of the nowcast, save the published tables, and print the scores and the nation."""
    from calibration import baseline
    from calibration import nowcast as checks

    data = baseline.load()
    check = checks.provincial_check(data, members, seed, say)
    say("the nation to 2025, thermal power to 2024")
    national = checks.national_table(data, members, seed)
    for path in checks.save(check, national, checks.thermal_table(data, members, seed)):
        say(f"written: {path}")
    scores = check.scores().rename_axis("forecast of CO2 2019, per cent").reset_index()
    if json:
        emit({"scores": scores, "nation": national, "passed": check.passed}, json=True)
        return
    emit(scores, decimals=1)
    emit(national, decimals=1)
    typer.echo(
        f"mark: MAE at most {checks.MARK:g} % and better than both naive: {'kept' if check.passed else 'missed'}"
    )


def _all(members: int, seed: int, say: Callable[[str], None]) -> "pd.DataFrame":
    """Score every origin, save the published scorecard, and return the verdicts of model and naive rules."""
    import pandas as pd

    from calibration import baseline, forecast, scorecard
    from experiments.analyses import hindcast

    data = baseline.load()
    parts = []
    for origin in forecast.ORIGINS:
        if not scorecard.cases(origin, data):
            continue
        say(f"origin {origin.last}: {members} members, policy mix {hindcast.mix_of(origin.last)}")
        options = forecast.Options(members, seed, hindcast.configuration(origin.last, members, seed))
        parts.append(scorecard.tables_of(origin, forecast.run(origin, data, options), data))
    verdicts, quantities = (pd.concat(tables, ignore_index=True) for tables in zip(*parts, strict=True))
    frozen = [scorecard.frozen_table(origin) for origin in forecast.ORIGINS if scorecard.frozen_cases(origin)]
    verdicts = pd.concat([verdicts, *frozen], ignore_index=True)
    scorecard.save(verdicts, quantities)
    say(f"words allowed: {'yes' if scorecard.passed(verdicts, quantities) else 'no'}")
    shown: list[str] = [
        "plan",
        "verdicts",
        "forecast",
        "n",
        "missed",
        "brier",
        "brier_base",
        "log",
        "log_base",
        "auc",
        "slope",
    ]
    return pd.DataFrame(verdicts[shown])


def show(card: dict[str, Any]) -> None:
    """Print the card's text, then the scores of every round."""
    from experiments.analyses import hindcast
    from experiments.report import skill
    from experiments.words.columns import columns
    from experiments.words.terms import Terms

    terms = Terms("en")
    for line in skill.sentences(terms, card["scores"], hindcast.facts(card)):
        typer.echo(textwrap.fill(line, WIDTH, subsequent_indent="  "))
    for title, part in skill.rounds(terms, card["scores"]):
        typer.echo(f"\n{title}")
        heads = {name: column.short for name, column in columns("skill").items()}
        emit(skill.board(terms, part).rename(columns=heads), decimals=2)
    legend = f"{terms('text: skill legend')} --json also holds PIT quartiles, Theil's split and every province."
    typer.echo("\n" + textwrap.fill(legend, WIDTH))


COMMANDS: Mapping[str, Callable[..., None]] = {"backtest": backtest}
