"""Write a run's report to disk."""

import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from experiments.report.page import FILES, build, html, render
from experiments.words.measured import Measured
from experiments.words.terms import LANGS, Lang, Terms
from experiments.words.view import RunData
from models.reading.faults import InputError

if TYPE_CHECKING:
    import pandas as pd

    from experiments.runs.store import Run

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome", "msedge")


def write(run: "Run", langs: Sequence[Lang] = LANGS, folder: Path | None = None) -> list[Path]:
    """Write `report.html` (English) and `report.zh.html` (Chinese).

    Args:
        run: a run with its tables.
        langs: languages, "en" and "zh".
        folder: folder of the files; default: the run's.

    Returns:
        Paths of the files.
    """
    from experiments.runs.store import write_text

    measured, data = Measured.load(), RunData(run)
    target = folder or run.folder
    target.mkdir(parents=True, exist_ok=True)
    paths = []
    for lang in langs:
        terms = Terms(lang)
        path = target / FILES[lang]
        write_text(path, html(build(data, terms, measured, target), terms))
        paths.append(path)
    return paths


def write_card(rows: "pd.DataFrame", facts: Mapping[str, float], file: Path) -> list[Path]:
    """Write a skill card as separate pages: `card.html` (English) and `card.zh.html` (Chinese).

    Args:
        rows: scores, as `hindcast.save` stores them.
        facts: figures beside the scores, as `hindcast.save` stores them.
        file: path of the English page.

    Returns:
        Paths of both pages.
    """
    from experiments.report.skill import card
    from experiments.runs.store import write_text

    file.parent.mkdir(parents=True, exist_ok=True)
    paths: dict[Lang, Path] = {"en": file, "zh": file.with_suffix(".zh.html")}
    for lang, path in paths.items():
        terms = Terms(lang)
        other = paths["zh" if lang == "en" else "en"].name
        write_text(path, render("card.html", terms, card=card(terms, rows, facts), other_file=other))
    return [*paths.values()]


def printed(page: Path) -> Path:
    """Print a report with every block opened to A4, using Chromium.

    Args:
        page: the report.

    Returns:
        Path of the PDF file beside the report.

    Raises:
        InputError: no Chromium is installed.
        RuntimeError: Chromium did not print the page.
    """
    browser = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if browser is None:
        raise InputError(
            f"--pdf needs Chromium or Chrome, and none of {', '.join(BROWSERS)} was found; "
            f"install one, or open {page} in any browser and print it"
        )
    target = page.with_suffix(".pdf")
    with tempfile.TemporaryDirectory() as profile:
        command = [
            browser,
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-background-networking",
            "--no-first-run",
            "--disable-sync",
            f"--user-data-dir={profile}",
            "--no-pdf-header-footer",
            f"--print-to-pdf={target.resolve()}",
            f"{page.resolve().as_uri()}#all",
        ]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    if done.returncode or not target.is_file():
        raise RuntimeError(f"{browser} did not print {page}: {done.stderr.strip()[-500:]}")
    return target
