"""The report in a real Chromium: from disk, without network, on a phone, on paper."""

import shutil
import subprocess
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest

from experiments.report import printed
from tests.experiments.browser import complaints, requested, resize, until

pytestmark = pytest.mark.browser
FILES = ("report.html", "report.zh.html")
A4 = (184, 268)  # millimetres of a page within its margins
PIXEL = 25.4 / 96


@pytest.mark.parametrize("name", FILES)
def test_it_opens_from_disk_without_network_or_complaint(chromium: Any, real_report: Path, name: str) -> None:
    requested(chromium)
    complaints(chromium)
    chromium.get((real_report / name).as_uri())
    assert not [url for url in requested(chromium) if not url.startswith(("file:", "data:"))]
    assert not complaints(chromium)
    assert chromium.find_element("css selector", "h1").text
    assert len(chromium.find_elements("css selector", "details.province")) == 31
    screens = chromium.execute_script("return document.documentElement.scrollHeight / innerHeight")
    assert screens < 12
    fonts = "return document.fonts.ready.then(f => [...f].filter(x => x.status === 'loaded').map(x => x.family))"
    assert any("Tanlu Sans" in family for family in chromium.execute_script(fonts))


def test_every_anchor_works(chromium: Any, real_report: Path) -> None:
    chromium.get((real_report / "report.html").as_uri())
    anchors = chromium.execute_script(
        "return [...document.querySelectorAll('a[href^=\"#\"]')].map(a => a.getAttribute('href'))"
    )
    assert len({a for a in anchors if a.startswith("#province-")}) == 31
    missing = "return arguments[0].filter(a => !document.getElementById(decodeURIComponent(a.slice(1))))"
    assert not chromium.execute_script(missing, anchors)
    chromium.find_element("css selector", "svg.tiles a[href='#province-Guangdong']").click()
    place = "const d = document.getElementById('province-Guangdong'); return [d.open, d.getBoundingClientRect().top]"
    opened, top = chromium.execute_script(place)
    assert opened
    assert abs(top) < 5


def test_my_province_and_search_open_what_was_asked(chromium: Any, real_report: Path) -> None:
    chromium.get((real_report / "report.html").as_uri())
    choose = "const s = document.getElementById('mine'); s.value = arguments[0]; s.dispatchEvent(new Event('change'))"
    chromium.execute_script(choose, "province-Yunnan")
    assert until(lambda: chromium.execute_script("return document.getElementById('province-Yunnan').open"))
    assert chromium.current_url.endswith("#province-Yunnan")  # the state is in the address
    field = chromium.find_element("id", "search")
    field.send_keys("frontier improvement rate")
    hits = chromium.find_elements("css selector", "#found button")
    assert hits
    hits[-1].click()
    assert chromium.execute_script("return document.querySelector('.hit').closest('details').open")


def test_the_link_to_the_other_language(chromium: Any, real_report: Path) -> None:
    chromium.get((real_report / "report.html").as_uri())
    chromium.find_element("link text", "中文").click()
    assert chromium.current_url.endswith("report.zh.html")
    assert "省份" in chromium.find_element("css selector", "h1").text
    chromium.find_element("link text", "English").click()
    assert chromium.current_url.endswith("report.html")


def test_downloads_are_whole(chromium: Any, real_report: Path) -> None:
    chromium.get(f"{(real_report / 'report.html').as_uri()}#all")
    catch = """window.saved = []; URL.createObjectURL = (blob) => { blob.text().then(t => saved.push(t)); return '#'; };
        document.querySelector('#intensity-Guangdong [data-csv]').click();
        document.querySelector('#intensity-Guangdong [data-svg]').click();"""
    chromium.execute_script(catch)
    table, picture = sorted(until(lambda: len(s := chromium.execute_script("return saved")) == 2 and s), key=len)
    if table.startswith("<svg"):
        table, picture = picture, table
    assert "measured" in table
    assert ET.fromstring(picture).tag.endswith("svg")
    assert "Energy intensity" in picture


@pytest.mark.parametrize("name", FILES)
def test_nothing_sticks_out_on_a_phone(chromium: Any, real_report: Path, name: str) -> None:
    resize(chromium, 390, 844, mobile=True)
    try:
        chromium.get(f"{(real_report / name).as_uri()}#all")
        assert chromium.execute_script("return document.documentElement.scrollWidth") <= 390
        small = """return [...document.querySelectorAll('figure svg text')].filter(t => t.textContent.trim())
            .map(t => t.getBoundingClientRect().height).filter(h => h > 0 && h < 6).length"""
        assert chromium.execute_script(small) == 0
    finally:
        resize(chromium, 1280, 900)


def test_keyboard_reaches_the_map_and_focus_shows(chromium: Any, real_report: Path) -> None:
    from selenium.webdriver.common.keys import Keys

    chromium.get((real_report / "report.html").as_uri())
    for _ in range(9):  # past the choice of a province, the search and the links of the head
        chromium.switch_to.active_element.send_keys(Keys.TAB)
        focused = chromium.switch_to.active_element
        if "chance" in (focused.get_attribute("aria-label") or ""):
            break
    assert "chance" in (focused.get_attribute("aria-label") or "")
    focused.send_keys(Keys.ENTER)
    assert "#province-" in chromium.current_url


@pytest.mark.parametrize("name", FILES)
def test_no_figure_is_cut_on_paper(chromium: Any, real_report: Path, name: str) -> None:
    chromium.get(f"{(real_report / name).as_uri()}#all")
    width, height = (round(side / PIXEL) for side in A4)
    resize(chromium, width, height)
    chromium.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    try:
        sizes = chromium.execute_script(
            """return [...document.querySelectorAll('figure')].map(f => {
                const r = f.getBoundingClientRect();
                return [f.id, r.left, r.right, r.height, getComputedStyle(f).breakInside];})"""
        )
    finally:
        chromium.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
        resize(chromium, 1280, 900)
    assert len(sizes) > 90
    assert not [s for s in sizes if s[1] < -1 or s[2] > width + 1 or s[3] > height or s[4] != "avoid"]


def test_the_pdf_is_whole(real_report: Path, chromium: Any) -> None:
    path = printed(real_report / "report.html")
    content = path.read_bytes()
    assert content.startswith(b"%PDF")
    if shutil.which("pdftotext") is None:
        pytest.skip("no pdftotext on this machine: the PDF's text is not read")
    text = subprocess.run(["pdftotext", "-layout", path, "-"], capture_output=True, text=True, check=True).stdout
    pages = text.split("\f")
    assert len(pages) > 32
    for province in ("Guangdong", "Inner Mongolia", "Xinjiang"):
        assert any(page.lstrip().startswith(province) for page in pages), f"{province} begins no page"


def test_a_report_stays_small(real_report: Path) -> None:
    for name in FILES:
        assert (real_report / name).stat().st_size < 3e6
