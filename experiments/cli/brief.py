"""`tanlu brief`: one A4 page about a province, as PDF and HTML, in both languages."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated

import typer

from calibration.places import NATION, known_provinces, simulated
from experiments.cli.console import Json, Quiet, RunsFolder, check_output, emit, note
from experiments.cli.report import Language
from experiments.runs.find import find_run, run_folders
from experiments.study.files import names as known_studies
from models.reading.faults import InputError
from models.reading.names import choose_all, match


def brief(
    province: Annotated[list[str] | None, typer.Argument(help="Provinces, for example Guangxi 广西; or --all.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Every province of the run, and the nation.")] = False,
    run: Annotated[str | None, typer.Option(help="A run by name or folder, or a study; else the newest run.")] = None,
    lang: Annotated[Language | None, typer.Option(help="Only this language; both when left out.")] = None,
    pdf: Annotated[bool, typer.Option(help="Also as PDF.")] = True,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Folder; the run's own when left out.")] = None,
    runs: RunsFolder = Path("runs"),
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Write the brief of a province: chance, gap, causes, cheapest measures, and what would change the verdict."""
    if bool(province) == every:
        raise InputError("name provinces, for example `tanlu brief Guangxi`, or give --all, not both")
    if not _may_be_of_a_pack(run, runs):  # a misspelt name is answered before anything heavy is loaded
        _chosen(province)
    check_output(output, "--output", folder=True)
    from experiments import brief as briefs
    from experiments import pipeline
    from experiments.ensemble import installed
    from experiments.words.terms import LANGS

    found = pipeline.opened(run, runs, lambda study: installed.installed(0, study))
    system = installed.installed(0, found.study)
    asked = _chosen(province)
    note(f"run {found.folder}", quiet or json)
    briefs.prepare(found, system)
    paths = briefs.write(found, asked, LANGS if lang is None else [lang.value], output, pdf=pdf)
    emit({path.name: str(path) for path in paths}, json)


def _chosen(names: list[str] | None) -> list[str]:
    """The provinces of the run whose names were typed."""
    return choose_all(names or [], known_provinces([*simulated(), NATION]), "province")


def _may_be_of_a_pack(run: str | None, runs: Path) -> bool:
    """Whether the run may be of a region pack, whose places are known only when its study is open."""
    if run is not None and (match(run, known_studies()) or Path(run).suffix in (".yaml", ".yml")):
        return not match(run, known_studies())
    folders = run_folders(runs) if run is None else [find_run(run, runs)]
    return any(any(folder.glob("files/*/region.yaml")) for folder in folders)


COMMANDS: Mapping[str, Callable[..., None]] = {"brief": brief}
