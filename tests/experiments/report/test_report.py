"""The files: whole, without script or network, every anchor there, both languages, harmless whatever the names."""

import base64
import gzip
import hashlib
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from calibration import region
from experiments.analyses import feasibility
from experiments.report import indicators, printed, write
from experiments.report.content import listed
from experiments.report.page import FILES, at_bound, build, headline, lead, packed
from experiments.report.province_tables import _factors, decomposition
from experiments.runs.store import Run
from experiments.study.schema import PolicyChoice
from experiments.words.measured import Measured
from experiments.words.terms import Lang, Terms
from experiments.words.view import RunData, View
from models.reading.faults import InputError

SCRIPT = "<script>alert(1)</script>"


class Reader(HTMLParser):
    """Collects tags, ids and addresses."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.addresses: list[str] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        for name, value in attrs:
            if name == "id":
                self.ids.append(value or "")
            if name in ("href", "src", "xlink:href"):
                self.addresses.append(value or "")
            assert not name.startswith("on"), name

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def read(path: Path) -> Reader:
    reader = Reader()
    reader.feed(path.read_text(encoding="utf-8"))
    return reader


@pytest.fixture(params=["report.html", "report.zh.html"])
def page(request: pytest.FixtureRequest, small_report: Path) -> Reader:
    return read(small_report / request.param)


def test_no_script_and_no_address_outside(page: Reader) -> None:
    assert not {"iframe", "object", "embed", "form"} & set(page.tags)
    assert page.tags.count("script") == 2  # the data to take away, and our own
    ours = ("#", "data:", "briefs/", "explorer")
    assert not [a for a in page.addresses if not a.startswith(ours) and a not in FILES.values()]


def test_the_content_policy_admits_our_script_alone(small_report: Path) -> None:
    text = (small_report / "report.html").read_text(encoding="utf-8")
    (script,) = re.findall(r"<script>(.*?)</script>", text, flags=re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]*)"', text)
    assert (
        policy
        == f"default-src 'none'; style-src 'unsafe-inline'; font-src data:; img-src data:; script-src 'sha256-{digest}'"
    )


def test_every_anchor_is_there_once(page: Reader) -> None:
    assert len(page.ids) == len(set(page.ids))
    anchors = {a[1:] for a in page.addresses if a.startswith("#")}
    assert {f"province-{p}" for p in ("Beijing", "Guangdong", "Ningxia", "China")} <= anchors
    assert not sorted(anchors - set(page.ids))


def test_each_language_links_to_the_other(small_report: Path) -> None:
    assert "report.zh.html" in read(small_report / "report.html").addresses
    assert "report.html" in read(small_report / "report.zh.html").addresses
    assert 'lang="zh-CN"' in (small_report / "report.zh.html").read_text(encoding="utf-8")[:200]


def test_names_are_shown_as_text(page: Reader) -> None:
    assert SCRIPT in "".join(page.text)  # as text, so it reached nobody as a tag


def files(path: Path) -> dict[str, str]:
    """Everything that a page offers as CSV."""
    (data,) = re.findall(r'<script type="text/plain" id="files">(.*?)</script>', path.read_text(encoding="utf-8"))
    found: dict[str, str] = json.loads(gzip.decompress(base64.b64decode(data)))
    return found


def test_every_chart_and_table_offers_its_data(small_report: Path) -> None:
    text = (small_report / "report.html").read_text(encoding="utf-8")
    asked, held = re.findall(r'data-csv="([^"]+)"', text), files(small_report / "report.html")
    assert len(asked) == len(set(asked)) >= 20
    assert set(asked) == set(held)
    assert all(content.count("\n") >= 1 for content in held.values())
    assert len(re.findall(r'data-svg="([^"]+)"', text)) == text.count("<figure") >= 10


def test_the_same_files_have_the_same_bytes() -> None:
    assert packed({"a": "1"}) == packed({"a": "1"})


def test_pictures_have_descriptions(small_report: Path) -> None:
    text = (small_report / "report.html").read_text(encoding="utf-8")
    figures = re.findall(r"<figure.*?</figure>", text, flags=re.DOTALL)
    assert figures
    assert all('role="img" aria-label="' in one for one in figures)


def test_what_a_run_lacks_names_its_command(small_report: Path) -> None:
    text = (small_report / "report.html").read_text(encoding="utf-8")
    for command in ("tanlu sensitivity small-", "tanlu feasibility small-", "tanlu backtest"):
        assert command in text


@pytest.mark.parametrize(
    ("lang", "said"),
    [
        ("en", "Guangdong has a chance of {} to meet its 2015 target for energy intensity."),
        ("zh", "广东完成2015年能源强度目标的概率为{}。"),
    ],
)
def test_a_run_of_one_province_is_about_it_alone(
    small_run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, lang: Lang, said: str
) -> None:
    """No row and no block of a sum of one, and a chance in place of a count of provinces."""
    several = build(RunData(small_run), Terms(lang), Measured.load(), tmp_path)
    assert [row["nation"] for row in several.rows] == [False, False, False, True]
    whole = small_run.metrics()
    monkeypatch.setattr(Run, "metrics", lambda run: whole.sel(province=["Guangdong", "China"]))
    page = build(RunData(Run(small_run.folder)), Terms(lang), Measured.load(), tmp_path)
    (row,) = page.rows
    assert (row["province"], len(page.provinces)) == ("Guangdong", 1)
    assert page.headline == said.format(row["chance"])
    assert not [text for text in page.lead if "lowest" in text or "最低" in text]


def test_a_title_of_ten_megabytes_is_cut(small_run: Run, tmp_path: Path) -> None:
    long = small_run.study.model_copy(update={"title": "长" * 3_400_000})
    run = Run(small_run.folder)
    run.__dict__["study"] = long
    (path,) = write(run, ["en"], tmp_path)
    assert path.stat().st_size < 4_000_000


def test_the_verdicts_are_those_of_the_analysis(small_run: Run) -> None:
    view = View.headline(small_run, Terms())
    table = feasibility.summary(small_run.metrics())
    row = table[(table.allocation == "official") & (table.mix == "base") & (table.province == "Guangdong")].iloc[0]
    standing = view.standings["Guangdong"]
    assert (view.allocation, view.mix, view.compared) == ("official", "base", "full")
    assert standing.chance == row.chance
    assert standing.margin[0] == row.margin
    assert standing.light.word == row.light


def test_the_decomposition_adds_up(small_run: Run) -> None:
    view = View.headline(small_run, Terms())
    members = view.trajectories.sel(allocation="official", mix="base", province="Guangdong")
    found = decomposition(view, "Guangdong")
    rows = found.charts[0].csv.splitlines()[1:]
    intensity = members["total energy"] / members["gdp"]
    change = 100 * float((intensity.sel(year=2015) - intensity.sel(year=2010)).mean() / intensity.sel(year=2010).mean())
    assert sum(float(row.split(",")[-1]) for row in rows) == pytest.approx(change, abs=1e-3)
    state = members.sel(year=2010)
    product = np.prod(list(_factors(state).values()), axis=0).sum(axis=1)
    assert product == pytest.approx((state["total energy"] / state["gdp"]).values, rel=1e-6)


def test_pdf_without_a_browser_says_what_to_do(small_report: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(InputError, match="needs Chromium or Chrome"):
        printed(small_report / "report.html")


def test_levers_at_their_bound_are_named() -> None:
    strength = xr.DataArray(
        [[[0.2, 1.0, 1.0]], [[0.2, 0.9, 0.0]]],
        {"mix": ["full", "base"], "province": ["Hebei"], "lever": ["coal to gas", "plant closure", "heat reform"]},
        ("mix", "province", "lever"),
    )
    run = SimpleNamespace(inputs=lambda: {"mix": xr.Dataset({"lever strength": strength})})
    view = cast(View, SimpleNamespace(run=run, mix="base", compared="full", terms=Terms()))
    (said,) = at_bound(view)
    assert '"all packages": plant closure and heat reform.' in said


def test_the_chinese_sentence_has_chinese_brackets(small_run: Run) -> None:
    said = " ".join([headline(View.headline(small_run, Terms("zh"))), *lead(View.headline(small_run, Terms("zh")))])
    assert "(" not in said
    assert "（" not in headline(View.headline(small_run, Terms()))


@pytest.mark.parametrize(
    ("lang", "opening"), [("en", "Guangdong has a chance of "), ("zh", "广东完成2015年目标的概率为")]
)
def test_a_pilots_province_comes_first(
    small_run: Run, monkeypatch: pytest.MonkeyPatch, lang: Lang, opening: str
) -> None:
    asked = small_run.study.model_copy(update={"policy": PolicyChoice(province="Guangdong", mix="full")})
    monkeypatch.setattr(Run, "study", property(lambda run: asked))
    assert lead(View.headline(small_run, Terms(lang)))[0].startswith(opening)


def test_shares_are_per_cents_and_code_keeps_its_spaces(small_report: Path) -> None:
    shown = listed(Terms("zh"), "t", "t", pd.DataFrame({"rate": [1.0, 0.997, 0.36, 0.0]}), "checks", ["rate"])
    assert [row[0].text for row in shown.rows] == ["100%", ">99%", "36%", "0%"]
    text = (small_report / "report.html").read_text(encoding="utf-8")
    assert '<table class="code">' in text
    assert "<td>  plan: p12</td>" in text


def test_a_region_pack_shows_no_outcome_of_a_province_of_the_same_name(
    small_run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    view = View.headline(small_run, Terms())
    assert not indicators.happened(view).empty
    monkeypatch.setattr(region, "active", object)
    assert indicators.happened(view).empty
