"""The whole report of a run in one language."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from calibration.places import NATION
from experiments.analyses.numbers import number
from experiments.analyses.solve import BOUND
from experiments.report import sections
from experiments.report.content import ProvincePage, Section, short
from experiments.report.province import label, province_id
from experiments.report.province import page as province_page
from experiments.report.view import Standing, View, lowest_first
from experiments.words import svg
from experiments.words.measured import Measured
from experiments.words.ratings import CLOSE, GREEN, RED, UNRATED, YELLOW, Rating
from experiments.words.terms import Terms
from experiments.words.tilemap import CODES, COLUMNS, ROWS, TILES

if TYPE_CHECKING:
    from experiments.runs.store import Run

FILES = {"en": "report.html", "zh": "report.zh.html"}
PITCH_X, PITCH_Y = 78, 64
PASSED = 0.99  # share of members below which a failed reality check is a warning


@dataclass(frozen=True)
class Page:
    """What the template prints."""

    title: str
    run: str
    version: str
    other_file: str
    sentence: str
    condition: str
    tiles: dict[str, Any]
    legend: list[Rating]
    rows: list[dict[str, Any]]
    warnings: list[str]
    compared: str | None
    sections: list[Section]
    provinces: list[ProvincePage]


def build(run: "Run", terms: Terms, measured: Measured) -> Page:
    """Read the run and put its page together."""
    view = View.headline(run, terms)
    return Page(
        title=view.run.study.heading(terms.lang),
        run=run.name,
        version=str(run.manifest.get("versions", {}).get("tanlu", "")),
        other_file=FILES["zh" if terms.lang == "en" else "en"],
        sentence=sentence(view),
        condition=condition(view),
        tiles=tiles(view.standings, terms),
        legend=[GREEN, YELLOW, RED, CLOSE, UNRATED],
        rows=rows(view),
        warnings=warnings(view, measured),
        compared=view.compared and terms("Chance, {mix}", mix=terms.name(view.compared)),
        sections=sections.chapters(view),
        provinces=[province_page(view, province, measured) for province in [NATION, *view.provinces]],
    )


def sentence(view: View) -> str:
    """The answer: which provinces reach their target?"""
    rated = [s for s in lowest_first(view.standings.values()) if s.members]
    if not rated:
        return view.terms("No province has a verdict in this run.")
    said = [*_pilot(view), counted(view, [s.province for s in rated])]
    close = [s for s in rated if s.close]
    if close:
        said.append(view.terms("Too close to call: {n}.", n=len(close)))
    weak = [s for s in rated if s.chance <= 0.5][:4]
    if weak:
        chinese = view.terms.lang == "zh"
        pattern = "{}（{}）" if chinese else "{} ({})"
        named = ("、" if chinese else ", ").join(
            pattern.format(view.terms.name(s.province), view.terms.chance(s.chance)) for s in weak
        )
        said.append(view.terms("Lowest chances: {names}.", names=named))
    else:
        said.append(view.terms("Tightest: {names}.", names=view.terms.names([s.province for s in rated[:3]])))
    return _joined(view, *said, *past_plans(view))


def counted(view: View, provinces: list[str]) -> str:
    """How many provinces meet their target: the distribution over members, for they share the national shocks."""
    where = {"allocation": view.allocation, "mix": view.mix}
    margin = (view.metrics["reduction"] - view.metrics["target"]).sel(where).sel(province=provinces)
    met = (margin >= 0).sum("province").where(margin.notnull().all("province"))
    low, high = met.quantile([0.1, 0.9], "member").round().astype(int).values
    return view.terms(
        "Of {total} provinces {n} are expected to meet their {end} target (80 % range {low} to {high}).",
        total=len(provinces),
        n=round(float(met.mean())),
        low=low,
        high=high,
        end=view.end_year,
    )


def past_plans(view: View) -> list[str]:
    """How such chances did before: of the provinces that were given 80 % or more on past plans, how many met."""
    from calibration import scorecard

    table = scorecard.published()
    if table is None:
        return []
    model = table[(table["forecast"] == scorecard.MODEL) & table["verdicts"].isin([scorecard.WHOLE, scorecard.FROZEN])]
    model = model.drop_duplicates("plan", keep="last")  # the frozen forecast where there is one
    names = view.terms.names([view.terms.name(plan) for plan in model["plan"]])
    given, met = int(model["given_80"].sum()), int(model["given_80_met"].sum())
    return [
        view.terms(
            "On past plans ({plans}), of the provinces given 80 % or more {met} of {given} met.",
            plans=names,
            met=met,
            given=given,
        )
    ]


def _pilot(view: View) -> list[str]:
    """First the province that the study's policy analyses are about, if they are about one."""
    asked = view.run.study.policy
    if asked is None or asked.province not in view.standings:
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


def _joined(view: View, *sentences: str) -> str:
    return ("" if view.terms.lang == "zh" else " ").join(sentences)


def condition(view: View) -> str:
    """What every chance on the page is conditional on."""
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
        national=number(view.run.study.target.national),
        n=members,
        failed=failed,
    )


def tiles(standings: dict[str, Standing], terms: Terms) -> dict[str, Any]:
    """Squares of the tile map with light, chance and a sentence for screen readers."""
    items = []
    for province, (column, row) in TILES.items():
        standing = standings.get(province)
        rated = standing is not None and standing.members > 0
        light = shown(standing) if standing and rated else UNRATED
        chance = terms.chance(standing.chance) if standing and rated else "–"
        name = terms.name(province)
        items.append(
            {
                "x": 2 + column * PITCH_X,
                "y": 2 + row * PITCH_Y,
                "label": name,
                "code": CODES[province] if terms.lang == "en" else name,
                "tight": terms.lang == "en" and len(name) > 11,
                "light": light,
                "word": terms("too close" if light is CLOSE else light.word),
                "chance": chance,
                "href": f"#{province_id(province)}" if standing else "",
                "aria": terms(
                    "{province}: {light}, chance {chance}", province=name, light=terms(light.word), chance=chance
                )
                if rated
                else f"{name}: {terms(light.word)}, {terms(light.meaning)}",
            }
        )
    return {"squares": items, "width": COLUMNS * PITCH_X, "height": ROWS * PITCH_Y}


def shown(standing: Standing) -> Rating:
    """The rating of the median, or that the chance is too close to call."""
    return CLOSE if standing.close else standing.light


def official_verdicts(plan: str) -> dict[str, str]:
    """What the assessment of a plan that has ended said of its energy target, by province; empty for other plans."""
    from calibration import tables

    table = tables.read("ratings")
    rows = table[(table["plan"] == plan) & (table["variable"] == "verdict_energy")]
    return dict(zip(rows["province"], rows["value"], strict=True))


def rows(view: View) -> list[dict[str, Any]]:
    """The first screen's table, lowest chance first, the nation last."""
    ordered = [*lowest_first(view.standings.values()), view.standing(NATION)]
    happened = official_verdicts(view.run.study.target.period.name)
    return [
        {
            "id": province_id(s.province),
            "label": label(view, s.province),
            "nation": s.province == NATION,
            "light": shown(s),
            "happened": view.terms.name(happened.get(s.province, "–")) if happened else "",
            "target": number(s.target),
            "chance": view.terms.chance(s.chance),
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


def margin(view: View, standing: Standing) -> str:
    """The margin with its 80 % range in brackets."""
    if not standing.members:
        return "–"
    median, low, high = (number(value, sign=True) for value in standing.margin)
    return view.terms("{median} ({low} to {high})", median=median, low=low, high=high)


def warnings(view: View, measured: Measured) -> list[str]:
    """What a reader must know before believing: failed members and checks, levers at bounds, where the data end."""
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
    found.append(view.terms("text: break of 2012"))
    last = measured.last_year
    if view.end_year > last:
        found.append(view.terms("text: judged beyond the data", last=last, end=view.end_year))
    elif (shown := view.last_shown) > last:
        found.append(view.terms("text: shown beyond the data", first=last + 1, shown=shown))
    found.append(view.terms("text: Tibet"))
    return found


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
    """The page as one self-contained HTML text: no script, nothing fetched."""
    return render("report.html", terms, page=page)


def render(template: str, terms: Terms, **values: object) -> str:
    """A template of ours with the style inside."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("experiments.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["short"] = short
    return environment.get_template(template).render(_=terms, lang=terms.lang, css=css(), **values)


def css() -> str:
    """Style of the page with the fonts inside. Markup-safe: it holds no user's text."""
    import base64

    from markupsafe import Markup

    faces = "".join(
        f"@font-face{{font-family:'Tanlu Sans';font-weight:{weight};src:url(data:font/otf;base64,"
        f"{base64.b64encode(svg.FONTS[name].read_bytes()).decode()})}}"
        for name, weight in (("Regular", 400), ("Bold", 700))
    )
    style = (Path(__file__).parent / "templates" / "report.css").read_text(encoding="utf-8")
    return Markup(faces + style)
