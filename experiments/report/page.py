"""The whole report of a run in one language: the first screen, a block a province, the annex."""

import base64
import gzip
import hashlib
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from calibration import region
from calibration.places import NATION
from experiments.analyses.numbers import number
from experiments.analyses.solve import BOUND
from experiments.report import indicators, sections
from experiments.report.content import ProvincePage, Section, csv, short
from experiments.report.province import label, province_id
from experiments.report.province import page as province_page
from experiments.words import fonts
from experiments.words.addresses import EXPLORER
from experiments.words.headings import heading
from experiments.words.measured import Measured
from experiments.words.ratings import CLASSES, CLOSE, GREEN, RED, YELLOW, ChanceClass, Rating
from experiments.words.terms import Terms
from experiments.words.tilemap import CODES, COLUMNS, ROWS, TILES
from experiments.words.verdict import counted, joined, past_plans, scenario, upper_end
from experiments.words.view import JointChance, RunData, Standing, View, lowest_first

if TYPE_CHECKING:
    from markupsafe import Markup

FILES = {"en": "report.html", "zh": "report.zh.html"}
PITCH_X, PITCH_Y = 78, 64
PASSED = 0.99  # share of members below which a failed reality check is a warning
LOWEST = 3  # provinces named for their low chance
OUTCOMES = {"missed": "×", "basically met": "≈"}
"""Sign of an official verdict on a tile; every other known verdict is a hit, ✓."""


@dataclass(frozen=True)
class Page:
    """Contents of the template."""

    title: str
    run: str
    version: str
    other_file: str
    explorer: str
    headline: str
    lead: list[str]
    score: str
    scenario: str
    condition: str
    tiles: dict[str, Any]
    legend: list[ChanceClass]
    marks: list[Rating]
    rows: list[dict[str, Any]]
    rows_csv: str
    warnings: list[str]
    compared: str | None
    others: list[str]
    sections: list[Section]
    provinces: list[ProvincePage]


def build(run: RunData, terms: Terms, measured: Measured, folder: Path) -> Page:
    """Read the run and put its page together. folder: its own, with briefs and explorer."""
    view = View.headline(run, terms)
    return Page(
        title=heading(view.study, terms.lang),
        run=view.run.name,
        version=str(view.run.manifest.get("versions", {}).get("tanlu", "")),
        other_file=FILES["zh" if terms.lang == "en" else "en"],
        explorer=EXPLORER if (folder / EXPLORER).is_file() else "",
        headline=headline(view),
        lead=[*indicators.answers(view), *lead(view)],
        score=joined(view, *past_plans(view), *upper_end(view)),
        scenario=scenario(view),
        condition=joined(view, condition(view), *indicators.definition(view)),
        tiles=tiles(view),
        legend=list(CLASSES),
        marks=[GREEN, YELLOW, RED],
        rows=rows(view),
        rows_csv=csv(verdicts(view)),
        warnings=warnings(view, measured),
        compared=view.compared and terms("Chance, {mix}", mix=terms.name(view.compared)),
        others=other_heads(view),
        sections=sections.chapters(view),
        provinces=[province_page(view, province, measured, folder) for province in [*view.whole, *view.provinces]],
    )


def headline(view: View) -> str:
    """The answer: how many provinces are expected to reach their target, as a distribution."""
    rated = [s.province for s in lowest_first(view.standings.values()) if s.members]
    return counted(view, rated) if rated else view.terms("No province has a verdict in this run.")


def lead(view: View) -> list[str]:
    """Sentences after the answer: the province in question, those too close to call, the lowest chances."""
    rated = [s for s in lowest_first(view.standings.values()) if s.members]
    said = _pilot(view)
    close = [s for s in rated if s.kind is CLOSE]
    if close:
        named = view.terms.names([s.province for s in close])
        said.append(view.terms("Too close to call: {names}.", names=named))
    lowest = [s for s in rated if s.kind is not CLOSE][:LOWEST]
    if lowest and view.whole:
        pattern = "{}（{}）" if view.terms.lang == "zh" else "{} ({})"
        shown = [pattern.format(view.terms.name(s.province), view.terms.chance(s.chance)) for s in lowest]
        text = "The lowest other chances: {names}." if close else "The lowest chances: {names}."
        said.append(view.terms(text, names=view.terms.names(shown)))
    return said


def _pilot(view: View) -> list[str]:
    """First the province that the study's policy analyses are about, unless the headline says all of it."""
    asked = view.study.policy
    if asked is None or asked.province not in view.standings or (asked.mix == view.mix and not view.whole):
        return []
    said = view.terms(
        "{province} has a chance of {chance} to meet its {end} target ({mix}), {other} with {most}.",
        province=view.terms.name(asked.province),
        chance=view.terms.chance(view.standings[asked.province].chance),
        end=view.end_year,
        mix=view.terms.name(view.mix),
        other=view.terms.chance(view.standing(asked.province, mix=asked.mix).chance),
        most=view.terms.name(asked.mix),
    )
    return [said]


def condition(view: View) -> str:
    """Conditions of every chance on the page."""
    members = view.metrics.sizes["member"]
    where = {"allocation": view.allocation, "mix": view.mix}
    values = view.metrics.reduction.sel(where).sel(province=view.provinces).values
    failed = int(np.isnan(values).all(axis=0).sum())
    return view.terms(
        "text: condition",
        base=view.base_year,
        end=view.end_year,
        allocation=view.terms.name(view.allocation),
        mix=view.terms.name(view.mix),
        national=number(view.study.target.national),
        indicator=view.indicator_name(view.leading.key),
        n=members,
        failed=failed,
    )


def tiles(view: View) -> dict[str, Any]:
    """Squares of the tile map: class and chance, rating, what happened, words for screen readers."""
    items, terms, target = [], view.terms, view.study.target
    happened = official_verdicts(target.period.name, target.indicators[0])
    for province, (column, row) in TILES.items():
        standing = view.standings.get(province)
        rated = standing is not None and standing.members > 0
        name, verdict = terms.name(province), happened.get(province, "")
        said = terms("no energy statistics, not simulated")
        if standing and rated:
            said = terms(
                "chance {chance}, {kind}; rating of the median: {rating}",
                chance=terms.chance(standing.chance),
                kind=terms(standing.kind.word),
                rating=terms(standing.light.word),
            )
        if verdict:
            said = terms("{said}; what happened: {verdict}", said=said, verdict=terms.name(verdict))
        items.append(
            {
                "x": 2 + column * PITCH_X,
                "y": 2 + row * PITCH_Y,
                "label": name,
                "code": CODES[province] if terms.lang == "en" else name,
                "tight": terms.lang == "en" and len(name) > 11,
                "kind": standing.kind if standing and rated else CLASSES[-1],
                "mark": standing.light.symbol if standing and rated else "",
                "chance": terms.chance(standing.chance) if standing and rated else "–",
                "outcome": OUTCOMES.get(verdict, "✓") if verdict else "",
                "href": f"#{province_id(province)}" if standing else "",
                "aria": terms("{light}: {meaning}", light=name, meaning=said),
            }
        )
    return {"squares": items, "width": COLUMNS * PITCH_X, "height": ROWS * PITCH_Y}


VERDICTS = {"energy_intensity": "energy", "co2_intensity": "co2"}
"""Indicator → its name in the table of assessments."""


def official_verdicts(plan: str, indicator: str = "energy_intensity") -> dict[str, str]:
    """Official assessment of an indicator's target in a plan that has ended, by province; empty where unknown."""
    from calibration import tables

    if region.active() is not None:  # a pack may name a place as a province is named
        return {}
    table = tables.read("ratings")
    rows = table[(table["plan"] == plan) & (table["variable"] == f"verdict_{VERDICTS.get(indicator, '')}")]
    return dict(zip(rows["province"], rows["value"], strict=True))


def rows(view: View) -> list[dict[str, Any]]:
    """The first screen's table, lowest chance first, the sum of several provinces last."""
    ordered = [*lowest_first(view.standings.values()), *map(view.standing, view.whole)]
    happened = official_verdicts(view.study.target.period.name, view.study.target.indicators[0])
    return [
        {
            "id": province_id(s.province),
            "province": s.province,
            "label": label(view, s.province),
            "nation": s.province == NATION,
            "kind": s.kind,
            "light": s.light,
            "happened": view.terms.name(happened.get(s.province, "–")) if happened else "",
            "target": number(s.target),
            "chance": view.terms.chance(s.chance),
            "others": [
                one and {"chance": view.terms.chance(one.chance), "kind": one.kind} for one in beside(view, s.province)
            ],
            "interval": view.terms(
                "95 % interval {low} to {high}",
                low=view.terms.chance(s.interval[0]),
                high=view.terms.chance(s.interval[1]),
            ),
            "margin": margin(view, s),
            "compared": view.terms.chance(view.standing(s.province, mix=view.compared).chance) if view.compared else "",
        }
        for s in ordered
    ]


def other_heads(view: View) -> list[str]:
    """Heads of the columns beside the leading indicator's chance."""
    if not view.others:
        return []
    named = [view.terms("Chance, {mix}", mix=view.indicator_name(key)) for key in view.others]
    return [*named, *([view.terms("Chance, all targets")] if view.judged_together else [])]


def beside(view: View, province: str) -> list[Standing | JointChance | None]:
    """The further indicators of the plan and all together, as columns beside the leading one."""
    if not view.others:
        return []
    together = [view.all_together(province)] if view.judged_together else []
    return [*(view.other(key, province) for key in view.others), *together]


def verdicts(view: View) -> pd.DataFrame:
    """The first screen as a table to take away: a row for each province and the nation."""
    happened = official_verdicts(view.study.target.period.name, view.study.target.indicators[0])
    return pd.DataFrame(
        [
            {
                "province": s.province,
                "name": view.terms.name(s.province),
                "target %": s.target,
                "chance": s.chance,
                "chance low": s.interval[0],
                "chance high": s.interval[1],
                "class": s.kind.word,
                "rating of the median": s.light.word,
                "margin": s.margin[0],
                "margin 10 %": s.margin[1],
                "margin 90 %": s.margin[2],
                "what happened": happened.get(s.province, ""),
                **{
                    f"chance {name}": one.chance if one else float("nan")
                    for name, one in zip([*view.others, "all"], beside(view, s.province), strict=False)
                },
            }
            for s in [*lowest_first(view.standings.values()), *map(view.standing, view.whole)]
        ]
    )


def margin(view: View, standing: Standing) -> str:
    """The margin with its 80 % range in brackets."""
    if not standing.members:
        return "–"
    median, low, high = (number(value, sign=True) for value in standing.margin)
    return view.terms("{median} ({low} to {high})", median=median, low=low, high=high)


def warnings(view: View, measured: Measured) -> list[str]:
    """Warnings: failed members and checks, levers at their bounds, the end of the data."""
    found = []
    members = view.run.manifest.get("members", {})
    if failed := int(members.get("failed", 0) or 0):
        found.append(view.terms("{n} member runs failed and do not count.", n=failed))
    if view.run.manifest.get("dirty"):
        found.append(view.terms("The code was changed since its last commit when this run was made."))
    checks = view.rows("checks")
    if checks is not None:
        for row in checks[checks.rate < PASSED].to_dict("records"):
            said = row[f"statement_{view.terms.lang}"]
            found.append(view.terms("text: failed check", statement=said, rate=view.terms.chance(float(row["rate"]))))
    found += at_bound(view)
    pack = region.active()
    found += [view.terms("text: break of 2012")] if pack is None else of_pack(view, pack)
    last = measured.last_year
    if (known := view.nowcast_until) is not None:
        said = view.terms("text: nowcast", last=last, known=known, base=view.base_year, end=view.end_year)
        found.append(said)
    elif view.end_year > last:
        found.append(view.terms("text: judged beyond the data", last=last, end=view.end_year))
    elif (shown := view.last_shown) > last:
        found.append(view.terms("text: shown beyond the data", first=last + 1, shown=shown))
    return found if pack else [*found, view.terms("text: Tibet")]


def of_pack(view: View, pack: region.Pack) -> list[str]:
    """Warnings about a region pack: whether it is made up, how much of it is not its own."""
    origins = region.origins(pack)["from"]
    pooled = int(origins.str.contains(region.POOLED, regex=False).sum())
    return [
        *([view.terms("text: made up")] if pack.region.made_up else []),
        view.terms("text: pooled", pooled=pooled, inputs=len(origins)),
    ]


def at_bound(view: View) -> list[str]:
    """A sentence for each mix of the first page that asks levers for all that is realistic."""
    found: list[str] = []
    strengths = view.run.inputs()["mix"].get("lever strength")
    if strengths is None:
        return found
    for mix in filter(None, (view.mix, view.compared)):
        strength = strengths.sel(mix=mix)
        full = (strength >= BOUND).any("province")
        levers = [str(name) for name in full.lever.values[full.values]]
        if levers:
            text = view.terms("text: levers at their bound", mix=view.terms.name(mix), levers=view.terms.names(levers))
            found.append(text)
    return found


def html(page: Page, terms: Terms) -> str:
    """The page as one self-contained HTML text: nothing fetched, one script of ours known by its hash."""
    return render("report.html", terms, page=page, data=packed(downloads(page)), script=script())


def downloads(page: Page) -> dict[str, str]:
    """Name of a file → its content, for everything on the page that can be taken away as CSV."""
    parts: list[Section | ProvincePage] = [*page.sections, *page.provinces]
    charts = {chart.id: chart.csv for part in parts for chart in part.charts}
    tables = {table.id: table.csv for part in parts for table in part.tables}
    return {"verdicts": page.rows_csv, **charts, **tables}


def packed(files: dict[str, str]) -> str:
    """The files as compressed JSON in base64, which the page's script opens."""
    return base64.b64encode(gzip.compress(json.dumps(files, ensure_ascii=False).encode(), 9, mtime=0)).decode()


@dataclass(frozen=True)
class Script:
    """The page's script and the name by which its content policy admits it."""

    text: "Markup"
    policy: str


@cache
def script() -> Script:
    """The script of the report. Markup-safe: it holds no user's text."""
    from markupsafe import Markup

    text = (Path(__file__).parent / "templates" / "report.js").read_text(encoding="utf-8")
    name = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return Script(Markup(text), f"'sha256-{name}'")


def render(template: str, terms: Terms, **values: object) -> str:
    """A template of ours with the style inside, and of the font the characters that it shows."""
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=PackageLoader("experiments.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["short"] = short
    style = (Path(__file__).parent / "templates" / "report.css").read_text(encoding="utf-8")
    css = Markup(fonts.PLACE + style)
    return fonts.embedded(environment.get_template(template).render(_=terms, lang=terms.lang, css=css, **values))
