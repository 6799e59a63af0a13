"""Write briefs to disk: one A4 page as PDF by typst, with the shipped font alone, and the same as HTML."""

from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from experiments.analyses import gap
from experiments.brief.content import Brief, build, targets_by_rule
from experiments.runs.store import Run, write_bytes, write_text
from experiments.words import fonts
from experiments.words.addresses import BRIEFS, brief_address
from experiments.words.measured import Measured
from experiments.words.paper import pdf as typeset
from experiments.words.terms import LANGS, Lang, Terms
from experiments.words.view import RunData, View

if TYPE_CHECKING:
    from jinja2 import Template

    from experiments.installation import Installation

TEMPLATES = Path(__file__).parent / "templates"
WIDTH_MM, WIDTH_BESIDE_TABLE_MM = 146, 124
"""Width of the waterfall; smaller where a table of measures takes its room on the page."""


def prepare(run: Run, system: "Installation", *, anew: bool = False) -> None:
    """Make the table behind the waterfall, unless the run has it or its model has no such parts.

    Args:
        run: a run; the table is stored in it.
        system: the model and data of this machine.
        anew: whether to make it even if the run has it, so that the table belongs to the stage that makes it.
    """
    if (anew or gap.TABLE not in run.tables) and (made := _contributions(run, system)) is not None:
        run.save_table(gap.TABLE, made)


def _contributions(run: Run, system: "Installation") -> pd.DataFrame | None:
    try:
        return gap.table(run, system)
    except KeyError:  # a model of other variables
        return None


def write(
    run: Run,
    provinces: Sequence[str] = (),
    langs: Sequence[Lang] = LANGS,
    folder: Path | None = None,
    *,
    pdf: bool = True,
) -> list[Path]:
    """Write the briefs of provinces.

    Args:
        run: a run with its tables.
        provinces: names; default: all provinces of the run, and their sum where they are several.
        langs: languages, "en" and "zh".
        folder: folder of the files; default: the run's.
        pdf: whether to write PDF files too.

    Returns:
        Paths of the files.

    Raises:
        InputError: a text has characters that the shipped font lacks; nothing is written then.
    """
    data, measured = RunData(run), Measured.load()
    made: list[tuple[Brief, Lang]] = []
    rules: pd.DataFrame | None = None
    for lang in langs:
        view = View.headline(data, Terms(lang))
        rules = targets_by_rule(view) if rules is None else rules
        for province in provinces or [*view.provinces, *view.whole]:
            brief = build(view, province, measured, rules)
            for text in brief.texts:
                fonts.require(text, f"the brief of {province}")
            made.append((brief, lang))
    target = folder or run.folder
    (target / BRIEFS).mkdir(parents=True, exist_ok=True)
    shown = {
        lang: "".join(sorted({c for brief, own in made if own == lang for c in html(printed(brief))})) for lang in langs
    }
    return [path for brief, lang in made for path in _files(brief, lang, target, shown[lang], pdf)]


def _files(brief: Brief, lang: Lang, target: Path, characters: str, pdf: bool) -> Iterator[Path]:
    """Write one brief. characters: of all briefs of the language, so that the font is cut once."""
    content = printed(brief)
    page = target / brief_address(brief.province, lang, "html")
    write_text(page, fonts.embedded(html(content), characters))
    yield page
    if pdf:
        paper = target / brief_address(brief.province, lang, "pdf")
        write_bytes(paper, compiled(content))
        yield paper


def printed(brief: Brief) -> dict[str, Any]:
    """The brief as both templates take it: plain texts."""
    terms = Terms("zh" if brief.lang == "zh" else "en")
    table = brief.measure_table
    return {
        "lang": brief.lang,
        "title": brief.title,
        "study": brief.study,
        "scenario": brief.scenario,
        "chance": brief.chance,
        "score": brief.score,
        "dots": brief.dots,
        "kind": terms(brief.kind.word),
        "kind_fill": brief.kind.fill,
        "kind_ink": brief.kind.ink,
        "rating": terms("Rating of the median: {rating}", rating=f"{brief.light.symbol} {terms(brief.light.word)}"),
        "gap_title": brief.gap.title,
        "gap": list(brief.gap.sentences),
        "waterfall_title": brief.waterfall_title,
        "waterfall": brief.waterfall,
        "picture_width": WIDTH_BESIDE_TABLE_MM if table else WIDTH_MM,
        "sector_heads": list(brief.sectors.heads) if brief.sectors else [],
        "sector_rows": [list(row) for row in brief.sectors.rows] if brief.sectors else [],
        "measures_title": brief.measures.title,
        "measures": list(brief.measures.sentences),
        "heads": list(table.heads) if table else [],
        "table": [list(row) for row in table.rows] if table else [],
        "changes_title": brief.changes.title,
        "changes": list(brief.changes.sentences),
        "arguments_title": brief.arguments.title,
        "arguments": list(brief.arguments.sentences),
        "footer": brief.footer,
    }


def compiled(content: dict[str, Any]) -> bytes:
    """The brief as the bytes of a PDF."""
    return typeset(TEMPLATES / "brief.typ", content)


@cache
def _template() -> "Template":
    from jinja2 import Environment, PackageLoader, StrictUndefined

    loader = PackageLoader("experiments.brief")
    return Environment(loader=loader, autoescape=True, undefined=StrictUndefined).get_template("brief.html")


def html(content: dict[str, Any]) -> str:
    """The brief as a page, without its font."""
    from markupsafe import Markup

    css = Markup(fonts.PLACE + (TEMPLATES / "brief.css").read_text(encoding="utf-8"))
    return _template().render(brief=content, css=css)
