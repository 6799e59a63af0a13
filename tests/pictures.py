"""The pictures in docs/pictures: `python -m tests.pictures RUN [RUN …]` (needs Chromium, chromedriver and pdftoppm).

RUN: folder of a run; names of pictures begin with its plan ("p12-") unless it is of the plan of today's study. Report,
briefs and explorer: desktop, phone and print, English and Chinese. Look at them before they are committed.
"""

import base64
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote

from pypdf import PdfReader

from experiments.report import printed
from experiments.runs.store import Run
from experiments.study.files import OF_PLAN, TODAY
from experiments.words.addresses import brief_address
from experiments.words.terms import LANGS, Terms
from tests.experiments.browser import resize, start, until

PICTURES = Path(__file__).parents[1] / "docs" / "pictures"
DESKTOP, PHONE = (1440, 900), (390, 844)
PROVINCES = ("Guangxi", "Ningxia", "Hainan")


class Names:
    """How names of pictures begin: nothing for the plan of today's study."""

    prefix = ""


def shot(driver: Any, name: str, clip: dict[str, float] | None = None) -> None:
    """Write docs/pictures/<name>.png: the view, or a part of the page."""
    options = {"format": "png", "captureBeyondViewport": clip is not None} | ({"clip": clip} if clip else {})
    content = driver.execute_cdp_cmd("Page.captureScreenshot", options)["data"]
    (PICTURES / f"{Names.prefix}{name}.png").write_bytes(base64.b64decode(content))


def element(driver: Any, identifier: str, margin: float = 16) -> dict[str, float]:
    """The part of the page that an element takes."""
    script = """const r = document.getElementById(arguments[0]).getBoundingClientRect();
        return [r.left + scrollX, r.top + scrollY, r.width, r.height]"""
    left, top, width, height = driver.execute_script(script, identifier)
    return {
        "x": max(left - margin, 0),
        "y": top - margin,
        "width": width + 2 * margin,
        "height": height + margin,
        "scale": 1,
    }


def report(driver: Any, folder: Path) -> None:
    """First screen and one province's block, desktop and phone, in both languages."""
    for lang, name in (("en", "report.html"), ("zh", "report.zh.html")):
        address = (folder / name).resolve().as_uri()
        resize(driver, *DESKTOP)
        driver.get(address)
        shot(driver, f"report-{lang}-desktop")
        driver.get("about:blank")
        driver.get(f"{address}#province-{PROVINCES[0]}")
        shot(driver, f"report-{lang}-province", element(driver, f"province-{PROVINCES[0]}"))
        resize(driver, *PHONE, mobile=True)
        driver.get("about:blank")
        driver.get(address)
        shot(driver, f"report-{lang}-phone")
        resize(driver, *DESKTOP)


def paper(folder: Path) -> None:
    """First page of the printed report, and the page of a province."""
    for lang, name in (("en", "report.html"), ("zh", "report.zh.html")):
        with tempfile.TemporaryDirectory() as scratch:
            copy = Path(scratch) / name
            copy.write_bytes((folder / name).read_bytes())
            pdf = printed(copy)
            heading = Terms("zh" if lang == "zh" else "en").name(PROVINCES[0])
            for page, what in ((1, "print"), (_page_of(pdf, heading), "print-province")):
                _page(pdf, page, f"report-{lang}-{what}")


def briefs(folder: Path) -> None:
    """The briefs of three provinces, both languages, from their PDF."""
    for province in PROVINCES:
        for lang in LANGS:
            _page(folder / brief_address(province, lang, "pdf"), 1, f"brief-{lang}-{province}")


def _page(pdf: Path, page: int, name: str) -> None:
    """Write docs/pictures/<name>.png: one page of a PDF."""
    command = ["pdftoppm", "-png", "-r", "80", "-f", str(page), "-l", str(page), "-singlefile", pdf]
    command.append(PICTURES / f"{Names.prefix}{name}")
    subprocess.run(command, check=True)


def _page_of(pdf: Path, heading: str) -> int:
    """The page that begins with a heading."""
    pages = [page.extract_text() for page in PdfReader(pdf).pages]
    return 1 + next(i for i, text in enumerate(pages) if heading in text[:40])


def explorer(driver: Any, folder: Path) -> None:
    """The explorer with two levers and an assumption moved, beside the first scenario."""
    study = Run(folder).study
    rule, end = study.allocations[0].label, study.target.period.last_year
    shown = "carbon" if study.target.leading.key.startswith("co2") else "intensity"
    labels = [one.label for one in study.mixes]
    start = {"a": rule, "m": "delivered" if "delivered" in labels else labels[0]}
    moved = {"r": "Guangdong", "i": shown, "y": end, **start, "k": {"a": start}}
    moved |= {"l": {"nonfossil power": 0.5, "industrial retrofit": 0.3}, "u": {"energy price growth": 0.025}}
    with tempfile.TemporaryDirectory() as scratch:
        page = Path(scratch, "explorer.html")
        command = ["tanlu", "explore", str(folder), "--no-browser", "--quiet", "-o", str(page)]
        subprocess.run(command, check=True)
        for lang in ("en", "zh"):
            for name, size, mobile in (("desktop", (1360, 900), False), ("phone", PHONE, True)):
                resize(driver, *size, mobile=mobile)
                driver.get("about:blank")
                driver.get(f"{page.as_uri()}#{quote(json.dumps({'g': lang, **moved}))}")
                until(lambda: driver.execute_script("return document.body.dataset.bars && slots.a.numbers"), 240)
                time.sleep(1)  # until the colours have changed
                shot(driver, f"explorer-{lang}-{name}")


def main() -> None:
    PICTURES.mkdir(parents=True, exist_ok=True)
    driver = start(*DESKTOP)
    try:
        for folder in map(Path, sys.argv[1:]):
            plan = Run(folder).study.target.plan
            Names.prefix = "" if OF_PLAN.get(plan) == TODAY else f"{plan}-"
            report(driver, folder)
            explorer(driver, folder)
            paper(folder)
            briefs(folder)
    finally:
        driver.quit()


if __name__ == "__main__":
    main()
