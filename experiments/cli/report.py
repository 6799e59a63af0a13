"""`tanlu report`: the report of a run."""

from collections.abc import Callable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from experiments.cli.console import Json, Quiet, RunsFolder, emit, note
from experiments.runs.find import find_run


class Language(StrEnum):
    """Languages of the report."""

    en = "en"
    zh = "zh"


def report(
    run: Annotated[str, typer.Argument(help="A run: its name, the beginning of its name, or its folder.")],
    lang: Annotated[Language | None, typer.Option(help="Only this language; both when left out.")] = None,
    pdf: Annotated[bool, typer.Option("--pdf", help="Also print to A4 PDF (needs Chromium or Chrome).")] = False,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Folder; the run's own when left out.")] = None,
    briefs: Annotated[bool, typer.Option(help="Also the briefs that the report links to.")] = True,
    runs: RunsFolder = Path("runs"),
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Write the report of a run: one self-contained HTML file a language, which opens without network."""
    folder = find_run(run, runs)
    from experiments.report import printed, write
    from experiments.runs.store import Run
    from experiments.words.terms import LANGS

    found = Run(folder)
    if briefs:
        from experiments import brief
        from experiments.ensemble import installed

        brief.prepare(found, installed.installed(0, found.study))
        brief.write(found, folder=output)
    paths = write(found, LANGS if lang is None else [lang.value], output)
    if pdf:
        paths += [printed(path) for path in paths]
    emit({path.name: str(path) for path in paths}, json)
    note("open it in a browser; it needs no network", quiet or json)


COMMANDS: Mapping[str, Callable[..., None]] = {"report": report}
