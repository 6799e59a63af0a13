"""Indicators in the report: definition, status of targets, each chance, all at once, outcomes."""

import re

import numpy as np
import pandas as pd

from calibration import region, tables
from calibration.places import NATION
from experiments.analyses import joint
from experiments.analyses.numbers import number
from experiments.report.content import Section, table
from experiments.words.columns import headed
from experiments.words.view import View
from models.indicators import Indicator

KNOWN = ("official", "recalled", "assigned", "rule")


def metric(view: View, one: Indicator) -> str:
    """Definition of an indicator."""
    return one.metric_zh if view.terms.lang == "zh" else one.metric


def each(view: View) -> pd.DataFrame:
    """Verdicts of every indicator in the view's scenario (see `joint.each`)."""
    rows = view.data.table("indicators")
    if rows is None:
        status = view.run.inputs()["allocation"].get("status")
        rows = joint.each(view.metrics, status)
    return rows[(rows["allocation"] == view.allocation) & (rows["mix"] == view.mix)]


def together(view: View) -> pd.DataFrame:
    """The joint chances in the view's scenario (see `joint.table`)."""
    rows = view.data.table("joint")
    rows = joint.table(view.metrics) if rows is None else rows
    return rows[(rows["allocation"] == view.allocation) & (rows["mix"] == view.mix)]


def answers(view: View) -> list[str]:
    """Sentences of the first screen: whose numbers these are, the other indicators, all at once."""
    return [*basis(view), *others(view)]


def basis(view: View) -> list[str]:
    """Which targets of the leading indicator are official, and by which rule the others were shared out."""
    lead, study = view.study.target.leading, view.study
    rows = each(view)
    rows = rows[(rows["indicator"] == lead.key) & (rows["province"] != NATION)]
    by = {status: list(rows.loc[rows["status"] == status, "province"]) for status in KNOWN}
    rule = view.terms.name(view.allocation)
    plan = view.terms.name(study.target.period.name)
    said = []
    if by["rule"] and not by["official"] and not by["recalled"]:
        said.append(
            view.terms(
                "text: no official number",
                plan=plan,
                national=f"{study.target.national:g}",
                rule=rule,
            )
        )
    if by["assigned"]:
        said.append(view.terms("Entered as official: {names}.", names=view.terms.names(by["assigned"])))
    if by["recalled"]:
        said.append(
            view.terms(
                "{n} of these targets are from memory, not read in an official text (flagged in the table).",
                n=len(by["recalled"]),
            )
        )
    return said


def definition(view: View) -> list[str]:
    """Definition of the leading indicator, where it is not the usual energy per GDP."""
    lead = view.study.target.leading
    if lead.key == "energy_intensity":
        return []
    said = re.split("[:：] *", metric(view, lead))[-1]  # the name says already which metric it is
    return [view.terms("The targets are judged by {name}: {metric}.", name=view.indicator_name(lead.key), metric=said)]


def others(view: View) -> list[str]:
    """The further indicators' distributions, and all at once with what fails most."""
    keys = view.study.target.indicators
    if len(keys) == 1:
        return []
    where = {"allocation": view.allocation, "mix": view.mix}
    metrics = view.metrics[["achieved", "targets"]].sel(where, drop=True).sel(province=view.provinces)
    met = (metrics["achieved"] >= metrics["targets"]).where(metrics["targets"].notnull())
    valid = metrics["achieved"].notnull().all(["indicator", "province"])
    said = []
    for key in keys[1:]:
        one = met.sel(indicator=key).dropna("province", how="all")
        if total := one.sizes["province"]:
            said.append(_counted(view, view.indicator_name(key), one.sum("province").where(valid), total))
    counted = joint.counted(keys)
    if len(counted) == 1:
        return said
    met = met.sel(indicator=counted)
    judged = met.notnull().any("indicator").any("member")
    whole = met.fillna(1.0).min("indicator").sel(province=judged)
    said.append(_counted(view, "", whole.sum("province").where(valid), int(judged.sum())))
    rows = together(view)
    fails = rows.loc[(rows["province"] != NATION) & (rows["fails_most"] != ""), "fails_most"].value_counts()
    if len(fails):
        first = view.indicator_name(str(fails.index[0]))
        text = "Missed most often in {n} provinces: {name}." if view.whole else "Missed most often: {name}."
        said.append(view.terms(text, n=int(fails.iloc[0]), name=first))
    return said


def _counted(view: View, what: str, met: "object", total: int) -> str:
    """How many provinces meet, as a distribution over members; of a single province its chance."""
    values = np.asarray(getattr(met, "values", met), dtype=float)
    values = values[np.isfinite(values)]
    if not view.whole:
        key = "By {name}: chance {chance}." if what else "All indicators at once: chance {chance}."
        return view.terms(key, name=what, chance=view.terms.chance(float(values.mean())))
    low, high = np.quantile(values, [0.1, 0.9]).round().astype(int)
    key = "By {name}: {n} of {total} (80 % range {low} to {high})."
    if not what:
        key = "All indicators at once: {n} of {total} (80 % range {low} to {high})."
    return view.terms(key, name=what, n=round(float(values.mean())), total=total, low=low, high=high)


def happened(view: View) -> pd.DataFrame:
    """Outcome of a plan that has ended, by province (index): the official change and the assessment, as text.

    Columns per indicator `…_change` (official where known, else computed from published figures, per
    cent) and `…_verdict` (of the assessment). Empty for a plan without outcomes, and in a region pack.
    """
    if region.active() is not None:  # a pack may name a place as a province is named
        return pd.DataFrame()
    period = view.study.target.period
    outcomes, ratings = tables.read("outcomes"), tables.read("ratings")
    found = pd.DataFrame({"province": [*view.provinces, NATION]}).set_index("province")
    for key, short in (("energy_intensity", "energy"), ("co2_intensity", "co2")):
        base, end = period.span
        rows = outcomes[
            (outcomes["period"] == period.name) & outcomes["variable"].str.startswith(f"{key}_change_{base}_{end}")
        ]
        order = {"official": 0, "computed": 1, "chained": 2, "estimate": 3}
        kind = rows["variable"].str.rsplit("_", n=1).str[-1].map(order).fillna(1)
        best = rows.assign(order=kind).sort_values("order", kind="stable").drop_duplicates("province")
        marked = zip(best["value"], best["order"], strict=True)
        text = [number(value, sign=True) + ("" if order == 0 else "*") for value, order in marked]
        found[f"{key}_change"] = pd.Series(text, best["province"].to_list(), dtype=object).reindex(found.index)
        said = ratings[(ratings["plan"] == period.name) & (ratings["variable"] == f"verdict_{short}")]
        found[f"{key}_verdict"] = said.drop_duplicates("province").set_index("province")["value"].reindex(found.index)
    return found.dropna(axis=1, how="all").dropna(how="all")


def section(view: View) -> Section:
    """The chapter: one row per province with every indicator's target, its standing, chances, and what happened."""
    asked, rows, whole = view.study.target.asked, each(view), together(view).set_index("province")
    whole = whole.loc[whole.index.isin([*view.provinces, *view.whole])]
    terms = view.terms
    parts = [headed(terms, "joint", {"province": [terms.name(p) for p in whole.index]})]
    for one in asked:
        own = rows[rows["indicator"] == one.key].set_index("province").loc[whole.index]
        label = view.indicator_name(one.key)
        cells = {
            "target": [
                f"{number(t)} ({terms.name(s, 'status')})" if np.isfinite(t) else "–"
                for t, s in zip(own["target"], own["status"], strict=True)
            ],
            "reduction": [
                f"{number(m)} ({number(a)} – {number(b)})"
                for m, a, b in zip(own["reduction"], own["reduction_10"], own["reduction_90"], strict=True)
            ],
            "chance": [terms.chance(v) for v in own["chance"]],
        }
        parts.append(headed(terms, "indicators", cells, name=label))
    if len(joint.counted(view.study.target.indicators)) > 1:
        most = [view.indicator_name(key) if key else "–" for key in whole["fails_most"]]
        chances = [terms.chance(v) for v in whole["chance"]]
        parts.append(headed(terms, "joint", {"chance": chances, "fails_most": most}))
    past = happened(view)
    for column in past:
        key, _, kind = str(column).rpartition("_")
        outcomes = ["–" if pd.isna(v) else terms.name(v) for v in past[column].reindex(whole.index)]
        of = "change" if kind == "change" else "assessment"
        parts.append(headed(terms, "outcomes", {of: outcomes}, name=view.indicator_name(key)))
    texts = [f"{view.indicator_name(one.key)}: {metric(view, one)}." for one in asked]
    texts.append(terms("text: status of targets"))
    if len(past):
        texts.append(terms("text: what happened"))
    if view.study.target.period.number >= TWO_METRICS:
        texts.append(terms("text: two metrics"))
    title = terms("Indicators: each chance, and all at once")
    return Section("indicators", title, texts, [], [table(terms, "indicators", title, pd.concat(parts, axis=1))])


TWO_METRICS = 14
"""First plan whose outcome is known by both carbon metrics."""
