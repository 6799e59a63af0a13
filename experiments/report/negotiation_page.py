"""A province's negotiation brief as one page: what it can argue, what others would say, what it can bear."""

import json
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from markupsafe import Markup

from experiments.allocation.comparison import NEAR, asks_more
from experiments.analyses.negotiation import ProvinceBrief
from experiments.analyses.numbers import number
from experiments.report.allocation_spread import EVEN, LESS, MORE, plan_words
from experiments.report.page import render
from experiments.words import fonts
from experiments.words.paper import pdf
from experiments.words.terms import Terms
from experiments.words.verdict import nowcast_lean

TEMPLATES = Path(__file__).parent / "templates"

INK = "#1f2328"
ROW, LEFT, WIDTH, TOP = 24.0, 190.0, 760.0, 30.0
MOST_SHOWN = 8
FAR = 12.0  # points from the nation's target beyond which no official target has ever lain
FEW_OFFICIAL = 20


def page(brief: ProvinceBrief, terms: Terms) -> str:
    """The page, self-contained HTML."""
    drawn = Markup(picture(brief, terms))
    return render("negotiation.html", terms, words=_words(brief, terms), picture=drawn)


HEADS = (
    *("text: case bear head", "text: case chance of meeting", "text: case bear note", "text: case standing head"),
    *("text: case indicator", "text: case own", "text: case nation", "text: case rank of 30", "text: case side"),
    *("text: case spared head", "Province", "text: case more points", "text: case credit head"),
    *("text: case offers head", "text: case round", "text: case held", "text: case own target", "text: case others"),
    *("text: case sum", "text: case rules head", "text: case rule", "Target, %", "text: case range"),
    *("text: case against", "text: case rank", "Chance", "text: case source"),
)
"""Headings and heads of the printed page."""


def paper(brief: ProvinceBrief, terms: Terms) -> bytes:
    """The same as a PDF of A4 pages. Raises InputError for characters that the shipped font lacks."""
    words = _words(brief, terms)
    drawn = picture(brief, terms).replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" font-family="Tanlu Sans" ')
    content = {
        **words,
        "lang": terms.lang,
        "heads": {key: terms(key) for key in HEADS},
        "picture": drawn,
        "about_picture": words["about_picture"],
        "more_amount": terms("text: case more amount", unit=words["unit"]),
        "far": terms("text: case far", rules=terms.names(words["far"])) if words["far"] else "",
        "bearable": [[level, *values] for level, values in words["bearable"]],
    }
    for table in ("standing", "rules", "log"):
        content[table] = [list(row.values()) for row in words[table]]
    fonts.require(json.dumps(content, ensure_ascii=False), f"the negotiation brief of {brief.province}")
    return pdf(TEMPLATES / "negotiation.typ", content)


def headline(brief: ProvinceBrief, terms: Terms) -> str:
    """The case in one sentence."""
    rules = brief.rules
    low, high = rules.iloc[0], rules.iloc[-1]
    asked = asks_more(rules["target"].to_numpy(float), brief.national)
    return terms(
        "text: case headline",
        province=terms.name(brief.province),
        favour=int((asked < 0).sum()),
        against=int((asked > 0).sum()),
        rules=len(rules),
        nation=f"{brief.national:g}",
        low=number(low["target"]),
        lowest=terms.name(low["rule"]),
        high=number(high["target"]),
        highest=terms.name(high["rule"]),
    )


def caution(brief: ProvinceBrief, terms: Terms) -> str:
    """The limits of the numbers."""
    known = "text: case not official" if brief.announced < FEW_OFFICIAL else "text: case official known"
    said = terms(
        known if brief.announced else "text: case none official",
        plan=plan_words(brief.options.plan, terms),
        count=brief.announced,
    )
    base = terms("text: case simulated base", year=brief.base_year) if brief.simulated_base else ""
    chances = terms("text: case chances", members=brief.options.members, mix=terms.name(brief.options.mix))
    carbon = brief.simulated_base and brief.options.indicator.startswith("co2")
    lean = nowcast_lean(terms, brief.base_year) if carbon else []
    return ("" if terms.lang == "zh" else " ").join(filter(None, (said, base, chances, *lean)))


def _words(brief: ProvinceBrief, terms: Terms) -> dict[str, Any]:
    carried = brief.spared[(brief.spared["province"] != brief.province) & (brief.spared["amount"] > 0)]
    return {
        "title": terms(
            "text: case title", province=terms.name(brief.province), plan=plan_words(brief.options.plan, terms)
        ),
        "headline": headline(brief, terms),
        "caution": caution(brief, terms),
        "about_picture": terms(
            "text: case picture", indicator=terms(f"text: case {brief.options.indicator}"), near=f"{NEAR:g}"
        ),
        "rules": [_rule(row, terms) for _, row in brief.rules.iterrows()],
        "standing": [_standing(brief, row, terms) for _, row in brief.standing.iterrows()],
        "spared": _spared(brief, carried, terms),
        "bearers": [
            (terms.name(row["province"]), number(row["points"], 2, sign=True), _amount(brief, row["amount"], terms))
            for _, row in carried.head(MOST_SHOWN).iterrows()
        ],
        "unit": terms(_unit(brief)),
        "credit": [_credit(brief, row, terms) for _, row in brief.credit.iterrows()],
        "ends": [_end(label, terms) for label in brief.bearable.columns],
        "bearable": _bearable(brief, terms),
        "log": _log(brief, terms),
        "far": [str(rule) for rule in brief.rules.loc[brief.rules["against_nation"].abs() > FAR, "rule"]],
    }


def _unit(brief: ProvinceBrief) -> str:
    """The text of the unit of amounts, which `Terms.scale` knows."""
    return "text: case unit co2" if brief.options.indicator == "co2" else "text: case unit energy"


def _amount(brief: ProvinceBrief, value: float, terms: Terms) -> str:
    scale = terms.scale(_unit(brief))
    return f"{scale * value:.{0 if scale > 1 else 1}f}"


def _rule(row: "pd.Series[float]", terms: Terms) -> dict[str, str]:
    drawn = "low" in row.index and np.isfinite(row["low"])
    return {
        "name": terms.name(row["rule"]),
        "target": number(row["target"]),
        "range": f"{number(row['low'])} … {number(row['high'])}" if drawn else "",
        "points": number(row["against_nation"], sign=True),
        "rank": str(row["rank"]),
        "chance": terms.chance(row["chance"]),
        "source": str(row["source"]) or terms("text: case own rule"),
    }


def _standing(brief: ProvinceBrief, row: "pd.Series[float]", terms: Terms) -> dict[str, str]:
    """An indicator; a lower value speaks for a lower target, but of what was cut before a higher one does."""
    name = str(row["indicator"])
    better = (row["own"] - row["nation"]) * (1 if name == "past_cut" else -1) > 0
    words = f"text: standing {name} {brief.options.indicator}"
    own, nation = (terms.scale(words) * row[column] for column in ("own", "nation"))
    decimals = 3 if abs(own) < 1 else 2 if abs(own) < 10 else 1
    return {
        "name": terms(words),
        "own": f"{own:.{decimals}f}",
        "nation": f"{nation:.{decimals}f}",
        "rank": str(row["rank"]),
        "side": terms("text: standing for" if better else "text: standing against"),
    }


def _spared(brief: ProvinceBrief, carried: pd.DataFrame, terms: Terms) -> str:
    amount = brief.spared.set_index("province")["amount"]
    return terms(
        "text: case spared",
        points=f"{brief.options.points:g}",
        province=terms.name(brief.province),
        rule=terms.name(brief.options.sharing),
        amount=_amount(brief, -float(amount[brief.province]), terms),
        unit=terms(_unit(brief)),
        year=brief.last_year,
        each=f"{carried['points'].median():.2f}",
        count=len(carried),
    )


def _credit(brief: ProvinceBrief, row: "pd.Series[float]", terms: Terms) -> str:
    past = brief.standing.set_index("indicator").loc["past_cut"]
    return terms(
        "text: case credit",
        part=f"{100 * row['part']:.0f}",
        own=f"{past['own']:.1f}",
        nation=f"{past['nation']:.1f}",
        first=brief.base_year - 5,
        last=brief.base_year,
        points=number(row["points"], sign=True),
        target=f"{row['target']:.1f}",
    )


def _bearable(brief: ProvinceBrief, terms: Terms) -> list[tuple[str, list[str]]]:
    levels = [float(str(level)) for level in brief.bearable.index]
    values = brief.bearable.to_numpy(float)
    outside = terms("text: case outside grid")
    return [
        (terms.chance(level), [f"{value:.1f}" if np.isfinite(value) else outside for value in row])
        for level, row in zip(levels, values, strict=True)
    ]


def _end(label: object, terms: Terms) -> str:
    if label == "as modelled":
        return terms("text: case as modelled")
    return terms("text: case pressure", share=str(label))


def _log(brief: ProvinceBrief, terms: Terms) -> list[dict[str, str]]:
    if brief.log.empty:
        return []
    found = []
    for turn, table in brief.log.groupby("round"):
        held = table[table["offer"].notna()]
        own = table.set_index("province").loc[brief.province]
        others = table[table["offer"].isna() & table["target"].notna() & (table["province"] != brief.province)]
        offers = [f"{terms.name(name)} {offer:g}" for name, offer in zip(held["province"], held["offer"], strict=True)]
        found.append(
            {
                "round": str(turn),
                "offers": ("，" if terms.lang == "zh" else ", ").join(offers) or "–",
                "own": f"{own['target']:.2f}",
                "others": f"{others['target'].median():.2f}" if len(others) else "–",
                "sum": f"{table['national'].iloc[0]:.4f}",
            }
        )
    return found


def picture(brief: ProvinceBrief, terms: Terms) -> str:
    """Targets of the province by rule, lowest first: dot, range where the base year is drawn, the nation's line."""
    rules = brief.rules
    drawn = [rules[name].to_numpy(float) for name in ("target", "low", "high") if name in rules]
    low = min(float(np.nanmin(np.concatenate(drawn))), brief.national) - 1
    high = max(float(np.nanmax(np.concatenate(drawn))), brief.national) + 1
    height = TOP + ROW * len(rules) + 26
    said, bottom = escape(headline(brief, terms), quote=True), height - 24
    parts = [f'<svg viewBox="0 0 {WIDTH:g} {height:g}" role="img" aria-label="{said}">']

    def x(value: float) -> float:
        return LEFT + (value - low) / (high - low) * (WIDTH - LEFT - 50)

    def text(place: float, y: float, words: str, anchor: str, colour: str = INK) -> None:
        style = f'text-anchor="{anchor}" font-size="13" fill="{colour}"'
        parts.append(f'<text x="{place:.1f}" y="{y:.1f}" {style}>{escape(words)}</text>')

    def line(first: float, last: float, top: float, end: float, style: str) -> None:
        parts.append(f'<line x1="{first:.1f}" x2="{last:.1f}" y1="{top:.1f}" y2="{end:.1f}" {style}/>')

    step = 10 if high - low > 35 else 5
    for tick in range(int(np.ceil(low / step)) * step, int(high) + 1, step):
        line(x(tick), x(tick), TOP - 6, bottom, 'stroke="#e6e6e6"')
        text(x(tick), height - 8, f"{tick} %".replace("-", "−"), "middle", "#57606a")
    nation = x(brief.national)
    line(nation, nation, TOP - 8, bottom, f'stroke="{INK}" stroke-width="1.5"')
    text(nation, TOP - 13, terms("text: spread nation", percent=f"{brief.national:g}"), "middle")
    asked = asks_more(rules["target"].to_numpy(float), brief.national)
    for k, (_, row) in enumerate(rules.iterrows()):
        y = TOP + ROW * (k + 0.5)
        colour = {-1: LESS, 0: EVEN, 1: MORE}[int(asked[k])]
        if "low" in row.index and np.isfinite(row["low"]):
            line(x(row["low"]), x(row["high"]), y, y, f'stroke="{colour}" stroke-width="6" stroke-opacity=".35"')
        parts.append(f'<circle cx="{x(row["target"]):.1f}" cy="{y}" r="5" fill="{colour}"/>')
        text(LEFT - 12, y + 4.5, terms.name(row["rule"]), "end")
        text(WIDTH - 4, y + 4.5, number(row["target"]), "end", colour)
    return "".join([*parts, "</svg>"])
