"""The chapters of the report beside the provinces' pages."""

import json
from collections.abc import Sequence

import numpy as np
import pandas as pd

from calibration.places import NATION
from experiments.analyses.numbers import number
from experiments.report import indicators, robust
from experiments.report.content import Chart, Missing, Section, Table, chart, listed, short, table
from experiments.report.policies import policies
from experiments.report.process import process
from experiments.words import box_sentences, charts
from experiments.words.columns import headed
from experiments.words.view import View, lowest_first


def chapters(view: View) -> list[Section]:
    """All chapters in order."""
    chosen = [
        part(view)
        for part in (
            provinces,
            indicators.section,
            allocations,
            policies,
            robust.section,
            process,
            skill,
            trust,
            assumptions,
            equations,
            manifest,
        )
    ]
    return [chapter for chapter in chosen if chapter]


def provinces(view: View) -> Section:
    """Chances of the three lights and progress year by year; the provinces' own pages follow."""
    rated = [s for s in lowest_first(view.standings.values()) if s.members]
    pictures: list[Chart] = []
    if rated:
        labels = [view.terms.name(s.province) for s in rated]
        shares = 100 * np.array([s.shares for s in rated])
        red = sum(s.shares[0] > 0.5 for s in rated)
        title = view.terms("{n} of {total} provinces are red in more than half of the members", n=red, total=len(rated))
        words = [view.terms(word) for word in ("1 red", "2 yellow", "3 green")]
        about = view.terms(
            "Share of members by light, per cent. {scenario}; N = {n}.", scenario=view.scenario, n=rated[0].members
        )
        data = pd.DataFrame(shares, columns=["red", "yellow", "green"]).assign(province=[s.province for s in rated])
        picture = charts.light_shares(labels, shares, words, view.terms("per cent of members"))
        pictures.append(chart("lights", title, about, picture, data))
        margins = pd.DataFrame(
            {
                "label": labels,
                "series": "",
                "value": [s.margin[0] for s in rated],
                "low": [s.margin[1] for s in rated],
                "high": [s.margin[2] for s in rated],
            }
        )
        behind = sum(s.margin[0] < 0 for s in rated)
        title = view.terms("{n} of {total} provinces miss their target at the median", n=behind, total=len(rated))
        about = view.terms(
            "text: margins",
            scenario=view.scenario,
            n=rated[0].members,
        )
        picture = charts.ranges(margins, view.terms("margin, percentage points"), [""])
        pictures.append(chart("margins", title, about, picture, margins.drop(columns="series")))
    progress_table = progress(view)
    return Section(
        "provinces",
        view.terms("Provinces"),
        [view.terms("text: provinces"), *_decided_nationally(view, len(rated))],
        pictures,
        [progress_table] if progress_table else [],
    )


def _decided_nationally(view: View, provinces: int) -> list[str]:
    """One sentence for all provinces without a failure condition that they can observe or move."""
    boxes = view.table("boxes")
    if boxes is None or not provinces:
        return []
    rows = boxes[(boxes["allocation"] == view.allocation) & (boxes["mix"] == view.mix)]
    said = box_sentences.once(rows, provinces, view.terms.lang)
    return [said] if said else []


def progress(view: View) -> Table | None:
    """Chance of being on track in each year of the plan (20, 40, 60, 80, 100 % of the target)."""
    from experiments.analyses import feasibility

    rows = view.rows("barometer")
    if rows is None:
        rows = feasibility.by_year(view.metrics)
        rows = rows[(rows.allocation == view.allocation) & (rows.mix == view.mix)]
    rows = rows[rows.province.isin([name for name, stand in view.standings.items() if stand.members])]
    if rows.empty:
        return None
    years = sorted(int(year) for year in rows.year.unique())
    wide = rows.pivot_table(index="province", columns="year", values="chance", sort=False)
    text = pd.DataFrame({str(year): [view.terms.chance(v) for v in wide[year]] for year in years})
    places = headed(view.terms, "feasibility", {"province": [view.terms.name(p) for p in wide.index]})
    title = view.terms("Chance of being on track by year")
    return table(view.terms, "progress", title, pd.concat([places, text], axis=1))


def allocations(view: View) -> Section:
    """Target of each province under each allocation rule, and the chance of meeting it."""
    labels = [choice.label for choice in view.study.allocations]
    rows = []
    for province in [*view.provinces, *view.whole]:
        for allocation in labels:
            stand = view.standing(province, allocation)
            if stand.members:
                rows.append((province, allocation, stand.target, stand.chance, *stand.margin, stand.light.level))
    data = pd.DataFrame(
        rows, columns=["province", "allocation", "target", "chance", "margin", "margin_low", "margin_high", "light"]
    )
    tables, pictures = [], []
    if len(labels) > 1 and len(data):
        chosen = data[data.province != NATION]
        met = chosen[chosen.chance > 0.5].groupby("allocation").size().reindex(labels, fill_value=0)
        best, worst = (str(met.idxmax()), str(met[::-1].idxmin()))  # the same number: the first and the last rule
        title = view.terms(
            "text: best and worst rule",
            best=view.terms.name(best),
            most=int(met.max()),
            total=chosen.province.nunique(),
            worst=view.terms.name(worst),
            least=int(met.min()),
        )
        shown = chosen.assign(
            label=[view.terms.name(p) for p in chosen.province], series=[view.terms.name(a) for a in chosen.allocation]
        )
        shown = shown.rename(columns={"margin": "value", "margin_low": "low", "margin_high": "high"})
        series = [view.terms.name(a) for a in labels][:6]
        about = view.terms(
            "text: margins by rule",
            mix=view.terms.name(view.mix),
        )
        picture = charts.ranges(shown, view.terms("margin, percentage points"), series, 620)
        pictures.append(chart("allocation-margins", title, about, picture, data, wide=True))
        tables.append(_grid(view, data, labels))
    missing = []
    regret = view.table("regret")
    if regret is not None and len(regret):
        tables.append(listed(view.terms, "regret", view.terms("Regret of each allocation"), regret, "regret", REGRET))
        tables += _at_both_ends(view)
    else:
        missing.append(Missing(view.terms("regret of the allocations"), f"tanlu feasibility {view.run.name}"))
    text = [view.terms("text: reconstruction")]
    if len(labels) == 1:
        text.append(view.terms("This run holds one allocation only; a study with several rules compares them."))
    return Section("allocation", view.terms("Allocation compared"), text, pictures, tables, missing)


def _at_both_ends(view: View) -> list[Table]:
    """The comparison of the rules at both ends of the pressure share, which the data do not identify."""
    rows = view.table("pressure")
    if rows is None or rows.empty:
        return []
    shown = rows[rows.pressure_share.notna()]
    title = view.terms("text: both ends of the pressure share", own=number(float(rows.modelled_share.iloc[0]), 2))
    return [listed(view.terms, "pressure", title, shown, "pressure", ["pressure_share", *REGRET])]


def _grid(view: View, data: pd.DataFrame, labels: Sequence[str]) -> Table:
    """Province × rule: target and chance in one cell."""
    text = data.assign(
        cell=[f"{number(t)} · {view.terms.chance(c)}" for t, c in zip(data.target, data.chance, strict=True)]
    )
    wide = text.set_index(["province", "allocation"]).cell.unstack("allocation")  # noqa: PD010 - one text per cell
    wide = wide.reindex(index=data.province.unique(), columns=list(labels))
    names = [view.terms.name(p) if p != NATION else view.terms("China (sum of provinces)") for p in wide.index]
    places = headed(view.terms, "targets", {"province": names})
    shown = pd.concat([places, wide.fillna("–").reset_index(drop=True)], axis=1)
    return table(view.terms, "targets", view.terms("Target in per cent and chance, by rule"), shown)


SURVIVAL = ("met", "national", "survives")
REGRET = ("allocation", "mix", "shortfall", "regret", "regret_90", "regret_max", *SURVIVAL)
RANKING = ("allocation", "province", "best", "share_best", "second", "flips", "tau")
TRUST = ("topic", "value", "verdict", "meaning")
CHECKS = ("statement", "rate", "worst", "limit", "worst_province", "worst_year")
ITEMS = ("item", "value")
PARAMETERS = ("name", "meaning", "unit", "role", "low", "default", "high", "distribution", "label", "source")
EQUATIONS = ("name", "unit", "equation", "meaning")


def skill(view: View) -> Section:
    """The hindcast skill card."""
    from experiments.report.skill import stored

    found = stored(view)
    text = [view.terms("text: skill")]
    title = view.terms("Hindcast skill card")
    if found is None:
        return Section(
            "skill",
            title,
            text,
            missing=[Missing(view.terms("hindcast skill card"), f"tanlu backtest --run {view.run.name}")],
        )
    return Section("skill", title, [*text, *found.text], found.charts, found.tables)


def trust(view: View) -> Section:
    """How far to trust: members, failures, intervals, dummy, convergence."""
    rows, tables, text = view.table("trust"), [], [view.terms("text: trust")]
    missing = []
    if rows is not None:
        said = [name for name in ("value", "meaning") if name in rows]
        rows = rows.assign(**{name: rows[name].map(view.terms.message) for name in said})
        tables.append(listed(view.terms, "trust-panel", view.terms("Trust panel"), rows, "trust", TRUST))
    else:
        missing.append(Missing(view.terms("trust panel"), f"tanlu feasibility {view.run.name}"))
    checks = view.rows("checks")
    if checks is not None and len(checks):
        checks = checks.assign(statement=checks[f"statement_{view.terms.lang}"])
        tables.append(listed(view.terms, "reality-checks", view.terms("Reality checks"), checks, "checks", CHECKS))
    ranking = view.rows("ranking")
    if ranking is not None and len(ranking):
        words = view.terms("Does the ranking of the mixes change over futures?")
        changing = ranking[ranking.flips > 0]
        text.append(view.terms("text: ranking", n=len(ranking) - len(changing), total=len(ranking)))
        if len(changing):
            tables.append(listed(view.terms, "ranking", words, changing, "ranking", RANKING))
    members = view.run.manifest.get("members", {})
    facts = pd.DataFrame([(view.terms.name(k), v) for k, v in members.items()], columns=["item", "value"])
    tables.append(listed(view.terms, "members", view.terms("Members"), facts, "items", ITEMS))
    return Section("trust", view.terms("How far to trust this"), text, [], tables, missing)


#: Assumptions first, what was measured or is a switch last.
ORDER = ("calibrated", "uncertain", "lever", "fixed", "data")


def assumptions(view: View) -> Section:
    """Every parameter with unit, range, source, and whether the data decide it."""
    from calibration.identifiability import labelled
    from models.parameters import parameters

    rows = labelled(parameters(), "name")
    rows = rows.sort_values("role", key=lambda roles: roles.map(ORDER.index), kind="stable")
    scales = rows["unit"].map(lambda unit: view.terms.official(unit)[1])
    rows["default"] = [_scaled(text, scale) for text, scale in zip(rows["default"], scales, strict=True)]
    rows[["low", "high"]] = rows[["low", "high"]].mul(scales, axis=0)
    rows["unit"] = rows["unit"].map(lambda unit: view.terms.official(unit)[0])
    changed = view.study.uncertain
    text = [
        view.terms(
            "text: assumptions",
            changes=short(", ".join(changed) or view.terms("none")),
        )
    ]
    return Section(
        "assumptions",
        view.terms("Assumptions with sources"),
        text,
        tables=[listed(view.terms, "parameters", view.terms("Parameters"), rows, "parameters", PARAMETERS)],
    )


def _scaled(values: str, scale: float) -> str:
    """Numbers of a list in another unit."""
    texts = values.split(",")
    return ", ".join(texts if scale == 1 else [f"{scale * float(text):.6g}" for text in texts])


def equations(view: View) -> Section:
    """The model's equations with unit and meaning."""
    from experiments.report.equations import table_of_equations

    rows = table_of_equations()
    rows = rows.assign(unit=rows["unit"].map(view.terms.unit))
    title = view.terms("The model, equation by equation")
    tables = [listed(view.terms, "equation-list", title, rows, "equations", EQUATIONS)]
    return Section("equations", view.terms("Equations"), tables=tables)


def manifest(view: View) -> Section:
    """Origin of this run: its manifest."""
    rows = pd.DataFrame(
        [
            (key, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str))
            for key, value in view.run.manifest.items()
        ],
        columns=["item", "value"],
    )
    study = pd.DataFrame({"line": [short(line, 500) for line in view.study.text().splitlines()]})
    return Section(
        "manifest",
        view.terms("Manifest"),
        [view.terms("text: what made this run")],
        tables=[
            listed(view.terms, "manifest-items", view.terms("Manifest"), rows, "items", ITEMS),
            listed(
                view.terms,
                "study-file",
                view.terms("The study as resolved"),
                study,
                "study_file",
                ["line"],
                limit=200,
                code=True,
            ),
        ],
    )
