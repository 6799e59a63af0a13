"""`tanlu explore`: one HTML file on which levers move the model, in any browser."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated

import typer

from experiments.cli.console import Json, Quiet, RunsFolder, check_output, emit, note
from experiments.cli.report import Language
from experiments.runs.find import find_run


def explore(
    run: Annotated[str | None, typer.Argument(help="Start from a run and its chances; else the shipped study.")] = None,
    members: Annotated[int, typer.Option(min=20, max=1000, help="Members that the page computes at each move.")] = 200,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="File; explorer.html in the run's folder, or here.")
    ] = None,
    lang: Annotated[Language, typer.Option(help="Language in which it opens.")] = Language.en,
    browser: Annotated[bool, typer.Option(help="Open the page in the browser.")] = True,
    runs: RunsFolder = Path("runs"),
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Write one HTML file that holds the model: levers, targets and assumptions move chances, cost and paths live.

    It needs no server and no network, and works from a folder, a mail or any web server. A copied link holds the whole
    state. Own equations need a compiler: pip install 'tanlu[wasm]'.
    """
    folder = find_run(run, runs) if run else None
    check_output(output, "--output")
    import webbrowser

    from experiments.explore import FILE, write_explorer

    note("preparing members and kernels", quiet or json)
    path = write_explorer(output or (folder or Path()) / FILE, run, runs, members, lang.value)
    emit({"explorer": str(path)}, json)
    note(f"{path.stat().st_size / 1e6:.1f} MB; it needs no network", quiet or json)
    if browser:
        webbrowser.open(path.resolve().as_uri())


COMMANDS: Mapping[str, Callable[..., None]] = {"explore": explore}
