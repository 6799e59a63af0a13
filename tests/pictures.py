"""The screenshots in docs/pictures: `python -m tests.pictures RUN_FOLDER` (needs Chromium, chromedriver and pdftoppm).

Report and explorer, desktop, phone and print, English and Chinese. Look at them before they are committed.
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

from experiments.report import printed
from tests.experiments.browser import resize, start, until

PICTURES = Path(__file__).parents[1] / "docs" / "pictures"
DESKTOP, PHONE = (1280, 1000), (390, 844)


def shot(driver: Any, name: str, clip: dict[str, float] | None = None) -> None:
    """Write docs/pictures/<name>.png: the view, or a part of the page."""
    options = {"format": "png", "captureBeyondViewport": clip is not None} | ({"clip": clip} if clip else {})
    content = driver.execute_cdp_cmd("Page.captureScreenshot", options)["data"]
    (PICTURES / f"{name}.png").write_bytes(base64.b64decode(content))


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
    """First screen and one province, desktop and phone, in both languages."""
    for lang, name in (("en", "report.html"), ("zh", "report.zh.html")):
        address = (folder / name).resolve().as_uri()
        resize(driver, *DESKTOP)
        driver.get(address)
        shot(driver, f"report-{lang}-desktop")
        shot(driver, f"report-{lang}-province", element(driver, "province-Guangdong"))
        resize(driver, *PHONE, mobile=True)
        driver.get(address)
        shot(driver, f"report-{lang}-phone")
        resize(driver, *DESKTOP)


def paper(folder: Path) -> None:
    """First page and a province's page of the PDF."""
    for lang, name in (("en", "report.html"), ("zh", "report.zh.html")):
        with tempfile.TemporaryDirectory() as scratch:
            copy = Path(scratch) / name
            copy.write_bytes((folder / name).read_bytes())
            pdf = printed(copy)
            for page, what in (
                (1, "print"),
                (_page_of(pdf, "Guangdong" if lang == "en" else "广东"), "print-province"),
            ):
                target = PICTURES / f"report-{lang}-{what}"
                command = ["pdftoppm", "-png", "-r", "70", "-f", str(page), "-l", str(page), "-singlefile", pdf, target]
                subprocess.run(command, check=True)


def _page_of(pdf: Path, heading: str) -> int:
    """The page that begins with a heading."""
    text = subprocess.run(["pdftotext", pdf, "-"], capture_output=True, text=True, check=True).stdout
    return 1 + next(i for i, page in enumerate(text.split("\f")) if page.lstrip().startswith(heading))


def explorer(driver: Any, run: str) -> None:
    """The explorer with two levers and an assumption moved, beside the first scenario."""
    moved = {"r": "Guangdong", "i": "intensity", "y": 2015, "a": "official", "m": "delivered"}
    moved |= {"l": {"plant closure": 0.2, "industrial retrofit": 0.3}, "u": {"energy price growth": 0.025}}
    moved |= {"k": {"a": {"a": "official", "m": "delivered"}}}
    with tempfile.TemporaryDirectory() as scratch:
        page = Path(scratch, "explorer.html")
        command = ["tanlu", "explore", *([run] if run else []), "--no-browser", "--quiet", "-o", str(page)]
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
    folder = Path(sys.argv[1])
    PICTURES.mkdir(parents=True, exist_ok=True)
    driver = start(*DESKTOP)
    try:
        report(driver, folder)
        explorer(driver, str(folder))
    finally:
        driver.quit()
    paper(folder)


if __name__ == "__main__":
    main()
