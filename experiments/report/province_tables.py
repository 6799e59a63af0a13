"""What the analyses say about one province: drawn from the run's tables, or the command that makes them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from experiments.report import charts
from experiments.report.content import Chart, Missing, Table, chart, number, slug, table
from experiments.report.view import View

MOST_BARS = 12


@dataclass(frozen=True)
class Found:
    """What a part contributes to a page."""

    charts: Sequence[Chart] = ()
    tables: Sequence[Table] = ()
    missing: Sequence[Missing] = ()
    text: Sequence[str] = ()


def lacking(view: View, what: str, command: str) -> Found:
    """Nothing found: what is missing and the command that makes it."""
    return Found(missing=[Missing(view.terms(what), f"tanlu {command} {view.run.name}")])


def decided_by(view: View, province: str) -> Found:
    """Which inputs decide whether the target is met: total indices of hit or miss, with the dummy's level."""
    rows = view.rows("sensitivity", province)
    if rows is None:
        return lacking(view, "sensitivity of the verdict", "sensitivity")
    if rows.empty or "ST" not in rows:
        return Found()
    hit = rows[rows.output == "hit"] if "output" in rows and "hit" in set(rows.output) else rows
    dummy = hit[hit.factor == "dummy"]
    shown = hit[hit.factor != "dummy"].nlargest(MOST_BARS, "ST")
    if shown.empty:
        return Found()
    first = shown.iloc[0]
    title = view.terms(
        "{input} decides most: it takes part in {share} % of the variance of hit or miss",
        input=view.terms.name(first.factor).capitalize(),
        share=number(100 * min(float(first.ST), 1.0), 0),
    )
    key = slug("decides", province)
    reference = (float(dummy.ST_high.iloc[0]), view.terms("level of the dummy")) if len(dummy) else None
    picture = charts.bars(
        key,
        [view.terms.name(f) for f in shown.factor],
        shown.ST.to_numpy(dtype=float),
        view.terms("total index of hit or miss"),
        low=shown.ST_low.to_numpy(dtype=float),
        high=shown.ST_high.to_numpy(dtype=float),
        reference=reference,
    )
    about = view.terms(
        "Total Sobol' index with its interval; inputs whose intervals overlap are not ranked. {scenario}.",
        scenario=view.scenario,
    )
    return Found(charts=[chart(key, title, about, picture, hit)])


def conditions(view: View, province: str) -> Found:
    """The boxes of the failure conditions as sentences."""
    rows = view.rows("boxes", province)
    if rows is None:
        return lacking(view, "failure conditions", "feasibility")
    column = next((c for c in (f"sentence_{view.terms.lang}", "sentence", "text") if c in rows), None)
    return Found(text=[str(text) for text in rows[column].dropna()] if column else [])


def money(view: View, province: str) -> Found:
    """Costs and benefits of the mix."""
    rows = view.rows("costs", province)
    if rows is None:
        return lacking(view, "costs and benefits", "simulate")
    if rows.empty:
        return Found()
    data = rows.drop(columns=[c for c in ("allocation", "mix", "province") if c in rows])
    return Found(tables=[table(view.terms, slug("costs", province), view.terms("Costs and benefits"), data)])


def decomposition(view: View, province: str) -> Found:
    """Where the change of energy comes from: activity, structure, sector intensity, fuel, power (LMDI)."""
    rows = view.rows("lmdi", province)
    if rows is None:
        return lacking(view, "gap decomposition", "compare")
    if rows.empty or not {"effect", "value"} <= set(rows):
        return Found()
    key = slug("gap", province)
    values = rows.value.to_numpy(dtype=float)
    largest = rows.iloc[int(np.argmax(np.abs(values)))]
    title = view.terms(
        "{effect} contributes most to the change of energy: {value} Mtce",
        effect=view.terms.name(largest.effect).capitalize(),
        value=number(float(largest.value), 1, sign=True),
    )
    picture = charts.waterfall(
        key, [view.terms.name(e) for e in rows.effect], values, view.terms("Mtce"), view.terms("total")
    )
    return Found(
        charts=[
            chart(
                key,
                title,
                view.terms("Additive LMDI decomposition, {scenario}.", scenario=view.scenario),
                picture,
                pd.DataFrame(rows),
            )
        ]
    )
