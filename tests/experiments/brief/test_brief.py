"""The brief: one page, every glyph there, and the very numbers of headline, map, table and CSV."""

import re
from functools import cache
from html import unescape
from io import BytesIO
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pypdf import PdfReader
from typer.testing import CliRunner

from experiments import brief
from experiments.analyses.numbers import number
from experiments.brief.content import build
from experiments.brief.write import compiled, printed
from experiments.cli import app
from experiments.report import page as pages
from experiments.report import write as write_report
from experiments.runs.store import Run
from experiments.words import fonts
from experiments.words.addresses import brief_address
from experiments.words.measured import Measured
from experiments.words.quantities import co2, energy, money
from experiments.words.ratings import CLASSES, CLOSE
from experiments.words.terms import LANGS, Lang, Terms
from experiments.words.view import RunData, View
from models.reading.faults import InputError
from tests.experiments import small_system

PLACES = [*small_system.PROVINCES, "China"]


def pdf_text(path: Path) -> str:
    """The text of a PDF of one page."""
    (page,) = PdfReader(path).pages
    return re.sub(r"\s+", "", page.extract_text())


def squeezed(text: str) -> str:
    return re.sub(r"\s+", "", text)


@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.parametrize("province", PLACES)
def test_a_brief_is_one_page_of_a4_with_our_font_alone(briefed: Run, province: str, lang: Lang) -> None:
    reader = PdfReader(briefed.folder / brief_address(province, lang, "pdf"))
    (page,) = reader.pages
    assert [round(float(side)) for side in page.mediabox[2:]] == [595, 842]
    names = {str(font.get_object()["/BaseFont"]) for font in page["/Resources"]["/Font"].values()}  # type: ignore[index]
    assert all("TanluSans" in name for name in names)
    text = pdf_text(briefed.folder / brief_address(province, lang, "pdf"))
    assert ("达标概率" in text) == (lang == "zh")
    assert "\ufffd" not in text


@cache
def built(run: Run, lang: Lang) -> pages.Page:
    return pages.build(RunData(run), Terms(lang), Measured.load(), run.folder)


@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.parametrize("province", small_system.PROVINCES)
def test_headline_map_table_brief_and_csv_agree(briefed: Run, province: str, lang: Lang) -> None:
    terms = Terms(lang)
    view = View.headline(briefed, terms)
    standing, said = view.standings[province], built(briefed, lang)
    (row,) = [row for row in said.rows if row["province"] == province]
    (tile,) = [tile for tile in said.tiles["squares"] if tile["label"] == terms.name(province)]
    (line,) = [line for line in said.rows_csv.splitlines() if line.lstrip("\ufeff").startswith(f"{province},")]
    one = build(view, province, Measured.load())
    chance = terms.chance(standing.chance)
    assert row["chance"] == tile["chance"] == chance
    assert row["kind"] is tile["kind"] is standing.kind is one.kind
    assert chance in one.chance
    assert one.dots == round(10 * standing.chance)
    cells = line.split(",")
    assert float(cells[3]) == pytest.approx(standing.chance, rel=1e-5)
    assert standing.kind.word in cells
    assert float(cells[8]) == pytest.approx(standing.margin[0], rel=1e-5)
    assert number(abs(standing.margin[0])) in one.gap.sentences[0]
    for text in (
        pdf_text(briefed.folder / brief_address(province, lang, "pdf")),
        squeezed(page_of(briefed, province, lang)),
    ):
        assert squeezed(one.chance) in text
        assert squeezed(one.gap.sentences[0]) in text
    met = (view.metrics["margin"].sel(allocation=view.allocation, mix=view.mix)[:-1] >= 0).sum("province")
    assert re.findall(r"\d+", said.headline)[1] == str(round(float(met.mean())))


def page_of(run: Run, province: str, lang: Lang) -> str:
    """The words of a brief's page."""
    text = (run.folder / brief_address(province, lang, "html")).read_text(encoding="utf-8")
    return unescape(re.sub(r"<[^>]+>", " ", text))


def test_no_class_is_shown_whose_interval_holds_half(briefed: Run) -> None:
    data = RunData(briefed)
    assert data.summary
    for standing in data.summary.values():
        if standing.members and standing.interval[0] <= 0.5 <= standing.interval[1]:
            assert standing.kind is CLOSE


def test_the_same_content_has_the_same_colour_and_another_seed_moves_one_step_at_most(tmp_path: Path) -> None:
    from experiments.ensemble import simulation

    kinds = []
    for seed in (7, 7, 8):
        folder = tmp_path / str(len(kinds))
        folder.mkdir()
        asked = small_system.study(folder, f"seed={seed}", "members=150", "outputs.variables=[gdp]")
        run = simulation.resume(simulation.start(asked, small_system.SYSTEM, folder / "runs"), small_system.SYSTEM)
        kinds.append({key: one.kind for key, one in RunData(run).summary.items()})
    assert kinds[0] == kinds[1]
    steps = np.array([[kind.step for kind in one.values()] for one in kinds])
    assert len(set(steps[0])) > 1
    assert np.ptp(steps, axis=0).max() <= 1


def test_the_waterfall_goes_from_the_target_to_what_is_left(briefed: Run) -> None:
    view = View.headline(briefed, Terms("en"))
    one = build(view, "Guangdong", Measured.load())
    standing = view.standings["Guangdong"]
    shown = [float(t.replace("−", "-")) for t in re.findall(r">([−+]?\d+\.\d)</text>", one.waterfall)]
    assert shown[0] == pytest.approx(standing.target, abs=0.06)
    assert sum(shown[:-1]) == pytest.approx(-standing.margin[0], abs=0.4)
    assert f"{-standing.margin[0]:.1f}".replace("-", "−") in one.waterfall


def test_a_glyph_that_the_font_lacks_is_an_error(briefed: Run) -> None:
    run = Run(briefed.folder)
    run.__dict__["study"] = briefed.study.model_copy(update={"title": "龘", "title_zh": "龘"})
    with pytest.raises(InputError, match="the shipped font lacks 龘"):
        brief.write(run, ["Beijing"])
    assert not fonts.missing("警欠谁付，一级预警 10⁴ ×≈✓")


def test_report_links_to_every_brief(briefed: Run) -> None:
    for path, lang in zip(write_report(briefed), LANGS, strict=True):
        text = path.read_text(encoding="utf-8")
        for province in PLACES:
            for ending in ("html", "pdf"):
                address = brief_address(province, lang, ending)
                assert f'href="{address}"' in text
                assert (briefed.folder / address).is_file()


def test_amounts_are_rescaled() -> None:
    zh, en = Terms("zh"), Terms("en")
    assert energy(zh, 3.456) == "346万吨标准煤"
    assert energy(zh, -345.6, sign=True) == "−3.46亿吨标准煤"
    assert (energy(en, 345.6), energy(en, 0.347, sign=True)) == ("346 Mtce", "+0.35 Mtce")
    assert (co2(zh, 12.3), co2(zh, 234.0), co2(en, 12.34)) == ("1230万吨二氧化碳", "2.34亿吨二氧化碳", "12.3 Mt CO2")
    assert (money(zh, 1.25), money(en, 1.25)) == ("12.5亿元", "1.25 billion yuan")


def measure_rows(status: str) -> pd.DataFrame:
    row = {
        "province": "Guangdong", "status": status, "rank": 1, "option": "POW-01", "title": "wind power",
        "title_zh": "风电", "quantity": 3_200_000.0, "unit": "kW", "unit_zh": "千瓦", "investment Gyuan": 12.0,
        "net cost Gyuan/year": -0.4, "enterprises": 0.7, "government": 0.3, "households": 0.0, "complete": 2015,
        "price_year": 2005, "chance": 0.83, "bound": "plant closure",
    }  # fmt: skip
    return pd.DataFrame([row, {**row, "rank": 2, "title": "retrofit", "title_zh": "改造"}])


@pytest.mark.parametrize(
    ("status", "en", "zh"),
    [
        (
            "needed",
            ["wind power", "3.20 GW", "12.00 billion yuan", "firms 70", "2015"],
            ["风电", "320万千瓦", "120.0亿元", "企业70%"],
        ),
        ("none needed", ["None is needed", "83"], ["不需要新增措施"]),
        ("out of reach", ["Not reachable", "plant closure", "83"], ["无法达到", "淘汰落后产能"]),
    ],
)
def test_measures_come_in_real_units_or_say_what_binds(briefed: Run, status: str, en: list[str], zh: list[str]) -> None:
    data = RunData(briefed)
    data._tables["measures"] = measure_rows(status)
    for lang, expected in (("en", en), ("zh", zh)):
        one = build(View.headline(data, Terms(lang)), "Guangdong", Measured.load())  # type: ignore[arg-type]
        shown = squeezed(" ".join(one.texts))
        assert all(squeezed(words) in shown for words in expected), shown
        assert len(PdfReader(BytesIO(compiled(printed(one)))).pages) == 1


def test_the_command_writes_what_was_asked(briefed: Run, tmp_path: Path) -> None:
    asked = ["brief", "广东", "--run", str(briefed.folder), "--lang", "zh", "-o", str(tmp_path), "--json"]
    done = CliRunner().invoke(app, asked)
    assert done.exit_code == 0, done.output
    assert sorted(path.name for path in (tmp_path / "briefs").iterdir()) == ["Guangdong.zh.html", "Guangdong.zh.pdf"]


@pytest.mark.parametrize(
    ("asked", "said"), [(["Gungdong"], "Guangdong"), ([], "--all"), (["--all", "Hebei"], "not both")]
)
def test_wrong_asking_is_answered(asked: list[str], said: str) -> None:
    done = CliRunner().invoke(app, ["brief", *asked])
    assert done.exit_code == 2
    assert said in done.stderr


def test_classes_have_five_steps_and_none() -> None:
    assert [kind.step for kind in CLASSES] == [4, 3, 2, 1, 0, -1]


def test_a_page_for_printing_holds_no_time(briefed: Run) -> None:
    (page, *_) = briefed.folder.glob("briefs/*.pdf")
    assert not {"/CreationDate", "/ModDate"} & {*(PdfReader(page).metadata or {})}
    for template in (Path(brief.__file__).parents[1]).rglob("*.typ"):
        assert ", date: none)" in template.read_text(encoding="utf-8"), template
