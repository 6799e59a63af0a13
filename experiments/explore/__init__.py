"""The explorer: one HTML file that runs the model in the browser, with no server and no network."""

from pathlib import Path
from typing import TYPE_CHECKING

from experiments.explore.members import MEMBERS, Members, open_members
from experiments.explore.page import write
from experiments.words.addresses import EXPLORER as FILE
from models.reading.faults import InputError

if TYPE_CHECKING:
    from experiments.runs.store import Run
    from experiments.study.schema import Study

__all__ = ["FILE", "Members", "open_explorer", "open_study", "write_explorer", "write_or_say"]

#: Where the levers start where no report names a scenario: the plan as carried out.
START = "delivered"
RULES = ("official", "draft", "uniform", "s1", "s2", "s3")
"""Rules that the page offers beside those of the study."""


def write_or_say(path: Path, run: "Run", lang: str = "en") -> Path:
    """Write a run's explorer, or, where the model's equations need a missing compiler, a page that states this.

    Args:
        path: the page.
        run: the run.
        lang: "en" or "zh".

    Returns:
        The path of the page.
    """
    from html import escape

    from experiments.runs.store import write_text

    try:
        return write_explorer(path, str(run.folder), run.folder.parent, lang=lang)
    except InputError as fault:
        words = f"<!doctype html><meta charset='utf-8'><title>tanlu</title><p>{escape(str(fault))}</p>"
        write_text(path, words)
        return path


def open_explorer(
    run: str | None = None, runs: Path = Path("runs"), members: int = MEMBERS, threads: int = 0
) -> Members:
    """Load the members of a run's study, or of the shipped study.

    Args:
        run: name of a run or its folder; default: the shipped study.
        runs: folder of the runs.
        members: number of members.
        threads: threads of the engine; 0: one per processor.

    Returns:
        The members.

    Raises:
        InputError: there is no such run.
    """
    from experiments import installation
    from experiments.runs.store import Run

    return _opened(Run.open(run, runs).study if run else installation.load_study(), members, threads, bool(run))


def open_study(study: str, members: int = MEMBERS, threads: int = 0) -> Members:
    """Load the members of a shipped study, as a run of it loads them.

    Args:
        study: name of the study.
        members: number of members.
        threads: threads of the engine; 0: one per processor.

    Returns:
        The members.
    """
    from experiments import installation

    return _opened(installation.load_study(study), members, threads, True)


def _opened(chosen: "Study", members: int, threads: int, headline: bool) -> Members:
    from experiments.ensemble import installed
    from experiments.words.view import HEADLINE_MIXES

    labels = [choice.label for choice in chosen.mixes]
    start = next((name for name in HEADLINE_MIXES if name in labels), labels[0]) if headline else START
    return open_members(
        chosen.model_copy(update={"members": members}), installed.installed(threads, chosen), start, RULES
    )


def write_explorer(
    path: Path, run: str | None = None, runs: Path = Path("runs"), members: int = MEMBERS, lang: str = "en"
) -> Path:
    """Write the explorer of a run, or of the shipped study.

    Args:
        path: the page.
        run: name of a run or its folder; default: the shipped study.
        runs: folder of the runs.
        members: number of members.
        lang: "en" or "zh".

    Returns:
        The path of the page.

    Raises:
        InputError: there is no such run, or a compiler is missing.
    """
    from experiments.runs.store import Run

    held = open_explorer(run, runs, members)
    return write(held, path, Run.open(run, runs) if run else None, lang)
