"""The chapter on what holds in many futures: forms of the model, weak spots of a plan, hedges and triggers."""

from collections.abc import Callable

import pandas as pd

from calibration.places import NATION
from experiments.analyses.numbers import number
from experiments.analyses.robust import EVERYTHING, PLAN
from experiments.installation import FORM
from experiments.report.content import Section, Table, table
from experiments.words.columns import columns, headed
from experiments.words.view import View


def section(view: View) -> Section | None:
    """The chapter, or None where the run holds none of its tables."""
    tables = [made for part in (_plans, _triggers, _form, _by_form) if (made := part(view)) is not None]
    if not tables:
        return None
    text = [view.terms("text: robust"), *_failures(view)]
    return Section("robust", view.terms("What holds in many futures"), text, tables=tables)


def _place(view: View, province: object) -> str:
    return view.terms("China (sum of provinces)") if province == NATION else view.terms.name(province)


def _plan(view: View, name: str) -> str:
    """A plan of the loop in words."""
    if name == PLAN:
        return view.terms("the plan as it is")
    package, _, how = name.rpartition(", ")
    shown = view.terms("all packages at once") if package == EVERYTHING else view.terms.name(package)
    return view.terms("plus {package}, {how}", package=shown, how=view.terms(how))


def _interval(view: View, rows: pd.DataFrame, name: str) -> list[str]:
    """A share with its interval, row by row."""
    ends = zip(rows[name], rows[f"{name}_low"], rows[f"{name}_high"], strict=True)
    return [view.terms("{median} ({low} to {high})", **_shares(view, *row)) for row in ends]


def _shares(view: View, *row: float) -> dict[str, str]:
    return dict(zip(("median", "low", "high"), map(view.terms.chance, row), strict=True))


def _or_dash(values: "pd.Series[float]", shown: Callable[[float], str]) -> list[str]:
    return [shown(value) if pd.notna(value) else "–" for value in values]


def _plans(view: View) -> Table | None:
    rows = view.table("robust_plans")
    if rows is None or rows.empty:
        return None
    first, terms = rows.iloc[0], view.terms
    known = columns("robust_plans")
    scale = terms.scale(known["cost"].head)
    shown = headed(
        terms,
        "robust_plans",
        {
            "plan": [_plan(view, name) for name in rows["plan"]],
            "chance": _interval(view, rows, "chance"),
            "mended": _or_dash(rows["mended"], terms.share),
            "cost": [number(scale * value, known["cost"].decimals) for value in rows["cost"]],
            "regret": [number(value, known["regret"].decimals) for value in rows["regret"]],
            "regret_max": [number(value, known["regret_max"].decimals) for value in rows["regret_max"]],
            "efficient": [terms("yes") if value else terms("no") for value in rows["efficient"]],
        },
    )
    title = terms(
        "text: robust plans",
        mix=terms.name(first["mix"]),
        place=_place(view, first["province"]),
        n=int(first["members"]),
    )
    return table(terms, "robust-plans", title, shown, note=terms("text: robust plans note"))


def _failures(view: View) -> list[str]:
    """Where the plan fails, and where the amended one still does, as sentences."""
    rows = view.table("robust_failures")
    if rows is None:
        return []
    found = []
    for row in rows.to_dict("records"):
        said = str(row[f"sentence_{view.terms.lang}"] or "") or view.terms("text: no robust condition")
        misses = view.terms.share(float(row["misses"]))
        found.append(view.terms("text: robust failure", plan=_plan(view, str(row["plan"])), misses=misses, said=said))
    return found


def _triggers(view: View) -> Table | None:
    rows = view.table("triggers")
    if rows is None or rows.empty:
        return None
    terms = view.terms
    known = columns("triggers")
    scale = terms.scale(known["cost"].head)
    shown = headed(
        terms,
        "triggers",
        {
            "mix": [terms.name(name) for name in rows["mix"]],
            "province": [_place(view, name) for name in rows["province"]],
            "fired": [terms.share(value) for value in rows["fired"]],
            "chance_without": _interval(view, rows, "chance_without"),
            "chance": _interval(view, rows, "chance"),
            "gain": _or_dash(rows["gain"], lambda value: number(value, known["gain"].decimals)),
            "cost": _or_dash(scale * rows["cost"], lambda value: number(value, known["cost"].decimals)),
        },
    )
    said = dict.fromkeys(zip(rows["mix"], rows["triggers"], strict=True))
    note = " ".join(_rule(view, mix, one.split("; ")) for mix, every in said for one in every.split(" | "))
    return table(terms, "triggers", terms("What the triggers do"), shown, note=note)


def _rule(view: View, mix: str, parts: list[str]) -> str:
    """A trigger in words, from year, points behind, levers and start."""
    year, behind, levers, start = parts
    names = view.terms.names(levers.split(", "))
    return view.terms("text: trigger", mix=view.terms.name(mix), year=year, behind=behind, levers=names, start=start)


OUTPUTS = {"margin": "margin with predictive error", "modelled margin": "margin as modelled"}


def _form(view: View) -> Table | None:
    rows = view.table("model_form")
    if rows is None or rows.empty:
        return None
    terms = view.terms
    rows = rows[rows["output"].isin(OUTPUTS) & (rows["group"] == FORM)]
    shown = headed(
        terms,
        "model_form",
        {
            "province": [_place(view, name) for name in rows["province"]],
            "mix": [terms.name(name) for name in rows["mix"]],
            "output": [terms(OUTPUTS[name]) for name in rows["output"]],
            **{
                key: [
                    terms(
                        "{median} ({low} to {high})",
                        median=number(100 * row[0], 1),
                        low=number(100 * row[1], 1),
                        high=number(100 * row[2], 1),
                    )
                    for row in rows[[key, f"{key}_low", f"{key}_high"]].to_numpy(dtype=float)
                ]
                for key in ("S1", "ST")
            },
        },
    )
    note = terms("text: model form note", runs=int(rows["runs"].max()))
    return table(terms, "model-form", terms("Share of variance of the model's form"), shown, note=note)


def _by_form(view: View) -> Table | None:
    rows = view.table("model_forms")
    if rows is None or rows.empty:
        return None
    terms = view.terms
    ends = rows[["margin", "margin_10", "margin_90"]].to_numpy(dtype=float)
    shown = headed(
        terms,
        "model_forms",
        {
            "form": rows["form"].tolist(),
            "mix": [terms.name(name) for name in rows["mix"]],
            "allocation": [terms.name(name) for name in rows["allocation"]],
            "province": [_place(view, name) for name in rows["province"]],
            "margin": [
                terms("{median} ({low} to {high})", median=number(a, 1), low=number(b, 1), high=number(c, 1))
                for a, b, c in ends
            ],
            "chance": _interval(view, rows, "chance"),
            "members": rows["members"].tolist(),
        },
    )
    return table(terms, "model-forms", terms("What the members of each form give"), shown)
