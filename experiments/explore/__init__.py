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
    """Write a run's explorer; a page with the fault where a compiler is missing."""
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
    """The members of a run's study, or of the shipped one. Raises InputError when there is no such run."""
    from experiments import installation
    from experiments.runs.store import Run

    return _opened(Run.open(run, runs).study if run else installation.load_study(), members, threads, bool(run))


def open_study(study: str, members: int = MEMBERS, threads: int = 0) -> Members:
    """The members of a shipped study, as a run of it opens them."""
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
    """Write the explorer of a run, or of the shipped study, to a file; its path."""
    from experiments.runs.store import Run

    held = open_explorer(run, runs, members)
    return write(held, path, Run.open(run, runs) if run else None, lang)
