"""`tanlu explore`: the local page on which levers move the model."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated

import typer

from experiments.cli.console import Quiet, RunsFolder, note
from experiments.cli.report import Language


def explore(
    run: Annotated[str | None, typer.Argument(help="Start from a run's study; else the shipped one.")] = None,
    members: Annotated[int, typer.Option(min=20, max=2000, help="Members computed at each move.")] = 200,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 takes a free one.")] = 0,
    lang: Annotated[Language, typer.Option(help="Language to begin with.")] = Language.en,
    browser: Annotated[bool, typer.Option(help="Open the page in the browser.")] = True,
    runs: RunsFolder = Path("runs"),
    quiet: Quiet = False,
) -> None:
    """Open a local page where levers and allocation move chance, margin and paths live from the model.

    It listens on this machine only and wants the token in the printed address. Stop it with Ctrl-C.
    """
    import webbrowser

    from experiments.explore import open_live, serve

    live = open_live(run, runs, members)

    def ready(address: str) -> None:
        typer.echo(address)
        note("stop with Ctrl-C", quiet)
        if browser:
            webbrowser.open(address)

    serve(live, port, ready, lang.value)


COMMANDS: Mapping[str, Callable[..., None]] = {"explore": explore}
