"""`tanlu toolkit …`: the stepwise expert process in a working folder."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from calibration.places import choose_province, simulated
from experiments.cli.console import Json, Quiet, RunsFolder, emit, note, percent
from experiments.runs.find import find_run
from experiments.study.load import in_its_region

if TYPE_CHECKING:
    from experiments.installation import Installation
    from experiments.runs.store import Run

app = typer.Typer(help="The stepwise expert process: sheets that people fill in.", no_args_is_help=True)
COMMANDS: Mapping[str, Callable[..., None] | typer.Typer] = {"toolkit": app}

Folder = Annotated[Path, typer.Argument(help="Working folder.")]
RunName = Annotated[str, typer.Argument(metavar="RUN", help="A run of the folder's study.yaml.")]
Mix = Annotated[str, typer.Option(help="Mix of the run; default: designed, the group's own.")]


def _opened(run: str, runs: Path) -> "tuple[Run, Installation]":
    """A run and the installation that simulates its members again."""
    folder = find_run(run, runs)
    from experiments.ensemble import installed
    from experiments.runs.store import Run

    found = Run(folder)
    return found, installed.installed(0, found.study)


SHOWN = 40
"""Rows of the log that a terminal shows, the last ones."""


@app.command()
def init(
    province: Annotated[
        str, typer.Argument(help="Province; default: the pilot's (Chongqing), in a region pack the first place.")
    ] = "",
    folder: Annotated[Path | None, typer.Option(help="Where; default: toolkit-<province>.")] = None,
    plan: Annotated[
        str, typer.Option(help="p15: 2025-2030, from a nowcast of 2025; p12: 2010-2015. Default: p15; in a pack p12.")
    ] = "",
    region: Annotated[Path | None, typer.Option(help="Folder of a region pack, for a place outside the data.")] = None,
    reviewers: Annotated[int, typer.Option(help="How many score the options.", min=1, max=20)] = 3,
    quiet: Quiet = False,
) -> None:
    """Make a working folder, prefilled with measured figures, official goals and the options of the plan."""
    if region is not None:
        in_its_region(str(region.resolve()), Path(), "--region")
    if province:
        province = choose_province(province, simulated())
    from experiments import toolkit

    made = toolkit.init(province, folder, reviewers, plan)
    emit({"folder": str(made.path)})
    note("fill in the sheets in the order of their numbers; `tanlu toolkit check` lists the faults", quiet)


@app.command()
def check(folder: Folder, json: Json = False) -> None:
    """Check every sheet; list all faults at once or, when there are none, the progress of each step."""
    from experiments import toolkit

    emit(toolkit.check(folder), json)


@app.command()
def merge(folder: Folder, json: Json = False, quiet: Quiet = False) -> None:
    """Merge the reviewers' scores, make design sheets, mix.yaml and study.yaml."""
    from experiments import toolkit

    emit(toolkit.merge(folder), json)
    note(f"design sheets in {folder / '6-design'}; then: tanlu run {folder / 'study.yaml'}", quiet)


@app.command()
def results(folder: Folder, run: RunName, mix: Mix = "", runs: RunsFolder = Path("runs"), quiet: Quiet = False) -> None:
    """Copy a run's tables to 7-results, and add the group's sheets to the report's annex."""
    found, system = _opened(run, runs)
    from experiments import report, toolkit

    emit({"written": ", ".join(toolkit.results(folder, found, system, mix))})
    paths = report.write(found)
    note(f"the annex holds the group's work: {', '.join(map(str, paths))}", quiet)


@app.command()
def monitor(
    folder: Folder,
    run: Annotated[str, typer.Option(help="Run whose ensemble is updated.")],
    year: Annotated[int | None, typer.Option(help="Append a measured figure of this year first.")] = None,
    quantity: Annotated[
        str, typer.Option(help="Its quantity; see docs/toolkit.md for all.")
    ] = "energy intensity change",
    value: Annotated[float | None, percent("Its value, %; a fall is negative.")] = None,
    error: Annotated[float | None, typer.Option(help="Its standard deviation, points.")] = None,
    source: Annotated[str, typer.Option(help="Where the figure stands.")] = "",
    mix: Mix = "",
    runs: RunsFolder = Path("runs"),
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Update the ensemble by measured years: the chance before and after, and each indicator against its own path."""
    from models.reading.faults import InputError

    if (year is None) != (value is None):
        raise InputError("give both --year and --value, or neither")
    found, system = _opened(run, runs)
    from experiments import toolkit
    from experiments.toolkit import monitoring
    from experiments.toolkit.sheets import Folder as Working

    if year is not None and value is not None:
        monitoring.append(Working.open(folder), year, quantity, value, error, source)
    verdicts, paths = toolkit.monitor(folder, found, system, mix)
    if json:
        emit({"verdicts": verdicts.to_dict("records"), "paths": paths.to_dict("records")}, json)
    else:
        emit(paths[["year", "quantity", "measured", "expected", "low", "high", "state"]])
        emit(verdicts[["year", "chance before", "chance after", "off path", "verdict", "why"]])
    note(f"mix {verdicts['mix'].iloc[0]}; all columns: {folder / 'verdicts.csv'}, {folder / 'paths.csv'}", quiet)


Who = Annotated[str, typer.Option(help="Who.")]


@app.command()
def log(
    folder: Folder,
    who: Annotated[str, typer.Option(help="Who changed the sheets; nothing is recorded when left out.")] = "",
    why: Annotated[str, typer.Option(help="The reason.")] = "",
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Record every cell that changed since the last version, with who and why; without --who show the log."""
    from experiments.toolkit import review
    from experiments.toolkit.sheets import Folder as Working

    rows = review.record(folder, who, why) if who or why else review.log(Working.open(folder))
    emit(rows if json else rows.tail(SHOWN), json)
    before = f"{len(rows) - SHOWN:,} more before these: " if len(rows) > SHOWN else ""
    note(f"{before}{folder / 'log.csv'}", quiet or json)


@app.command()
def diff(
    folder: Folder,
    first: Annotated[int | None, typer.Option(help="Earlier version; default: the last recorded one.")] = None,
    last: Annotated[int | None, typer.Option(help="Later version; default: the sheets as they are now.")] = None,
    json: Json = False,
) -> None:
    """Differences between versions of the sheets, the mix and the study."""
    from experiments.toolkit import review

    emit(review.difference(folder, first, last), json)


@app.command()
def gather(
    folder: Folder,
    copies: Annotated[list[Path], typer.Argument(help="Copies of the folder that reviewers filled in.")],
    why: Annotated[str, typer.Option(help="The reason that the log states.")] = "copies of the reviewers merged",
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Merge copies that reviewers filled in: take the cells on which they agree, list the others."""
    from experiments.toolkit import review

    found = review.gather(folder, copies, why)
    emit(found, json)
    note(f"disagreements ({len(found)}): {folder / 'disagreements.csv'}; taken cells: {folder / 'log.csv'}", quiet)


@app.command(name="round")
def second_round(folder: Folder, json: Json = False, quiet: Quiet = False) -> None:
    """Write the sheets of the second round: options on which the reviewers differ, with the group's unnamed scores."""
    from experiments.toolkit import review

    emit(review.second_round(folder), json)
    note(f"sheets in {folder / '5-screening' / 'round-2'}; then: tanlu toolkit merge {folder}", quiet)


@app.command()
def comment(
    folder: Folder,
    text: Annotated[str, typer.Argument(help="The comment, or the answer.")],
    about: Annotated[str, typer.Option(help="What it is about: a sheet, an option, the report.")] = "the study",
    who: Who = "",
    answers: Annotated[int | None, typer.Option(help="Number of the comment that this answers.")] = None,
) -> None:
    """Append a comment, or answer one; the report's annex lists answered and open comments."""
    from experiments.toolkit import review

    if answers is not None:
        review.answer(folder, answers, text, who)
        emit({"answered": answers})
        return
    emit({"comment": review.comment(folder, about, text, who)})


course = typer.Typer(help="The course: a folder to practise on, and the check of its exercises.", no_args_is_help=True)
app.add_typer(course, name="course")


@course.command(name="start")
def course_start(
    folder: Annotated[Path, typer.Argument(help="New folder.")] = Path("course"), quiet: Quiet = False
) -> None:
    """Make the course's folder: the pilot with exercise values, and answers.csv for your answers."""
    from experiments.toolkit import course as lessons

    emit({"folder": str(lessons.start(folder).path)})
    note("lessons: docs/course/en/index.md, docs/course/zh/index.md", quiet)


@course.command(name="check")
def course_check(
    folder: Annotated[Path, typer.Argument(help="The course's folder.")] = Path("course"),
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Check the answers in answers.csv against what the tool computes from the folder."""
    from experiments.toolkit import course as lessons

    table = lessons.check_answers(folder)
    emit(table, json)
    note(f"{int((table['state'] == 'right').sum())} of {len(table)} right", quiet or json)
