"""The chapter on policies: what each package brings, what each option costs, and who wins."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from calibration.places import NATION
from experiments.analyses.numbers import number
from experiments.analyses.policy.costs import ALL
from experiments.report.content import Chart, Missing, Section, Table, chart, csv, spread, table
from experiments.words import charts
from experiments.words.columns import columns, headed
from experiments.words.quantities import axis, capital, co2
from experiments.words.view import View
from models.indicators import indicators

LEAST = 5e-4  # Mt or Mtce a year: an option that moves less has no object in the place
URBAN_RAIL = "TRA-01"  # option of the catalogue of 2011-2015, in which electric cars have no lever


def policies(view: View) -> Section:
    """Contribution of each package and cost of each option, for the mix that the study analyses."""
    title = view.terms("Policies: contributions and costs")
    shares, curve = _rows_of(view, "contributions"), _rows_of(view, "cost_curve")
    if shares is None or curve is None:
        lacks = view.terms("contributions, cost curve and indirect effects of the policies")
        return Section("policies", title, missing=[Missing(lacks, "tanlu run --set policy.mix=full")])
    asked = view.study.policy
    if shares.empty or curve.empty:
        return Section("policies", title)
    mix, members = (asked.mix or view.study.mixes[-1].label, asked.members) if asked else ("", 0)
    place = str(shares.province.iloc[0])
    where = view.terms("China (sum of provinces)") if place == NATION else view.terms.name(place)
    scenario = view.terms("{place}, {mix}; at most {n} members", place=where, mix=view.terms.name(mix), n=members)
    pictures = [*_contributions(view, shares, scenario), *_wedge(view, scenario), *_curve(view, curve, scenario)]
    text = [view.terms("text: policies"), view.terms("text: policy money", rate=_rate(view), base=view.base_year)]
    return Section("policies", title, [*text, *_totals(view, curve)], pictures, _tables(view))


def _totals(view: View, curve: pd.DataFrame) -> list[str]:
    """The totals of CO2 avoided that the chapter shows, side by side, with what each of them covers."""
    wedge, costs = _rows_of(view, "wedge"), _rows_of(view, "costs")
    if wedge is None or costs is None or costs.empty:
        return []
    year = int(costs["year"].iloc[0])
    levels = wedge[(wedge["quantity"] == "co2") & (wedge["year"] == year)].set_index("package")["mean"]
    if levels.empty:
        return []
    amounts = {
        "model": levels["base"] - levels["all"],
        "options": costs.loc[costs["option"] == ALL, "co2 avoided Mt"].iloc[0],
        "curve": curve["co2 Mt/year"].sum(),
    }
    shown = {name: co2(view.terms, float(amount)) for name, amount in amounts.items()}
    return [view.terms("text: three totals", year=year, **shown)]


def _rows_of(view: View, name: str) -> pd.DataFrame | None:
    """The rows of a policy table for the place that the study asks for; the run holds those of every province."""
    rows, asked = view.table(name), view.study.policy
    if rows is None or asked is None or "province" not in rows or name in ("goals", "published"):
        return rows
    own = rows[rows["province"] == asked.province]
    return own.reset_index(drop=True)


def _rate(view: View) -> str:
    """The discount rate with its range, per cent."""
    from experiments.policy.economics import economics

    rate = economics().rates["discount"]
    return spread(view.terms, 100 * rate.value, 100 * rate.low, 100 * rate.high, 0)


Shape = Callable[[View, pd.DataFrame], pd.DataFrame]


def _tables(view: View) -> list[Table]:
    """The run's policy tables in a reader's shape; the download holds every row as it was computed."""
    shapes: dict[str, tuple[str, Shape]] = {
        "triple_win": ("Triple win: change against no new policy", triple_win),
        "goals": ("Chance of the goals by mix", goals),
        "contributions": ("Contributions of the packages, which add to the total", contributions),
        "costs": ("Costs and savings of the options in {end}", costs),
        "lmdi": ("Where the change comes from", split),
        "indirect": ("Indirect effects: value added and jobs, mean of {first}–{end}", indirect),
        "health": ("Air pollution and health", health),
        "overlap": ("Overlap: joint effect in the model, by product and as a plain sum", overlap),
        "published": ("Beside a published study of Chongqing: effect on GDP in 2020, %", published),
    }
    found = []
    for name, (words, shape) in shapes.items():
        rows = _rows_of(view, name)
        if rows is None or rows.empty:
            continue
        notes = []
        if "note" in rows:
            notes = [view.terms.message(str(rows["note"].iloc[0]))]
            rows = rows.assign(note=notes[0])
        if name == "costs" and (idle := _idle(view, rows)):
            notes.append(view.terms("text: no object", names=idle))
        if name == "costs" and URBAN_RAIL in set(rows["option"]):
            notes += [view.terms("text: urban rail"), view.terms("text: electric cars")]
        if name == "overlap":
            notes.append(view.terms("text: overlap"))
        shown = shape(view, rows)
        made = table(view.terms, f"table-{name}".replace("_", "-"), _titled(view, words), shown, note=" ".join(notes))
        found.append(replace(made, csv=csv(rows)))
    return found


def _titled(view: View, words: str) -> str:
    """A title with the years that its table is about."""
    return view.terms(words, first=view.base_year + 1, end=view.end_year) if "{end}" in words else view.terms(words)


def _cells(
    view: View, rows: pd.DataFrame, decimals: int = 1, key: str = "median", scale: "float | Sequence[float]" = 1.0
) -> list[str]:
    """Median (or mean) with range, row by row, times scale; a dash where there is none."""
    ends = ("low", "high") if key in ("median", "mean") else (f"{key} low", f"{key} high")
    scaled = rows[[key, *ends]].mul(np.broadcast_to(scale, len(rows)), axis=0)
    parts = zip(scaled[key], scaled[ends[0]], scaled[ends[1]], strict=True)
    return [spread(view.terms, *row, decimals=decimals) if np.isfinite(row).all() else "–" for row in parts]


def _names(view: View, values: Sequence[object], kind: str = "") -> list[str]:
    return [view.terms.name(value, kind) for value in values]


def _wide(rows: pd.DataFrame, index: list[str], column: str, cells: Sequence[str]) -> pd.DataFrame:
    """One row for each value of `index`, one column for each value of `column`, in the order of the table."""
    keyed = rows[[*index, column]].assign(cell=list(cells))
    wide = keyed.set_index([*index, column])["cell"].unstack(column)  # noqa: PD010 - texts, one per cell
    order = pd.MultiIndex.from_frame(keyed[index].drop_duplicates())
    return wide.reindex(index=order if len(index) > 1 else order.get_level_values(0), columns=keyed[column].unique())


def triple_win(view: View, rows: pd.DataFrame) -> pd.DataFrame:
    """A row for each mix and year: GDP, energy and emissions with sign and range, and who wins in all three."""
    rows = rows[rows["mix"] != "base"]
    rows = rows if "loop" in rows else rows.assign(loop="with")  # a run from before the loop of energy income
    without = rows[(rows.quantity == "all three") & (rows.loop == "without")].set_index(["mix", "year"])
    rows = rows[rows.loop == "with"]
    joint = rows[rows.quantity == "all three"]
    each = rows[rows.quantity != "all three"]
    index = ["mix", "year"]
    cells = _wide(each, index, "quantity", _cells(view, each, 2))
    signs = _wide(each, index, "quantity", each["sign"].astype(str).tolist())
    won = joint.set_index(index)["share of members"].reindex(cells.index)
    bare = without["share of members"].reindex(cells.index)
    mixes = _names(view, [mix.removeprefix("package: ") for mix, _ in cells.index])
    changes = [
        headed(view.terms, "triple_win", {"median": cells[name]}, quantity=capital(view.terms.name(name)))
        for name in cells.columns
    ]
    wins = {
        "sign": [" / ".join(row) for row in signs.to_numpy()],
        "share of members": [view.terms.chance(float(share)) for share in won],
        "share without loop": [view.terms.chance(float(share)) for share in bare],
    }
    first = headed(view.terms, "triple_win", {"mix": mixes, "year": [str(year) for _, year in cells.index]})
    return pd.concat([first, *changes, headed(view.terms, "triple_win", wins)], axis=1)


def goals(view: View, rows: pd.DataFrame) -> pd.DataFrame:
    """Chance of each goal of the study, with the interval of counting members."""
    chance = view.terms.chance
    parts = zip(rows["chance"], rows["chance low"], rows["chance high"], strict=True)
    of = rows["indicator"] if "indicator" in rows else ["energy_intensity"] * len(rows)  # a run of an earlier version
    return headed(
        view.terms,
        "goals",
        {
            "mix": _names(view, rows["mix"].tolist()),
            "indicator": [view.terms.indicator(indicators()[key]) for key in of],
            "year": rows["year"].astype(str).tolist(),
            "goal": [number(value) for value in rows["goal"]],
            "median": _cells(view, rows),
            "chance": [chance(value) for value in rows["chance"]],
            "chance low+chance high": [
                view.terms("{low} to {high}", low=chance(low), high=chance(high)) for _, low, high in parts
            ],
        },
    )


QUANTITIES = ("intensity", "energy", "co2")


def contributions(view: View, rows: pd.DataFrame) -> pd.DataFrame:
    """Shapley shares by package, quantity and goal year: mean and range."""
    parts = [headed(view.terms, "contributions", {"package": _names(view, rows["package"].unique().tolist())})]
    for quantity in QUANTITIES:
        column = columns("contributions")[quantity]
        scale = view.terms.scale(column.head)
        for year, own in rows[rows.quantity == quantity].groupby("year"):
            cells = _cells(view, own, 0 if scale > 10 else column.decimals, "mean", scale)
            parts.append(headed(view.terms, "contributions", {quantity: cells}, year=year))
    return pd.concat(parts, axis=1)


YEARLY = ("annuity", "operation", "programme", "fuel saved", "net cost", "private net cost")
AMOUNTS = ("energy saved Mtce", "co2 avoided Mt", *(f"{name} Gyuan/year" for name in YEARLY), "npv Gyuan")


def costs(view: View, rows: pd.DataFrame) -> pd.DataFrame:
    """A row for each option that has an object in the place, and the mix, which is their sum."""
    rows = rows[_moves(rows)]
    titles = [view.terms.name(title) for title in rows["title_zh" if view.terms.lang == "zh" else "title"]]
    payers = zip(rows["enterprises"], rows["government"], rows["households"], strict=True)
    known, terms = columns("costs"), view.terms
    shares = ["" if np.isnan(each).any() else " / ".join(number(100 * share, 0) for share in each) for each in payers]
    return headed(
        terms,
        "costs",
        {
            "title": [t if o == ALL else f"{o} {t}" for o, t in zip(rows["option"], titles, strict=True)],
            **{n: (terms.scale(known[n].head) * rows[n]).round(known[n].decimals).to_numpy() for n in AMOUNTS},
            "yuan per tce": [number(value, known["yuan per tce"].decimals) for value in rows["yuan per tce"]],
            "yuan per tCO2": _cells(view, rows, known["yuan per tCO2"].decimals, "yuan per tCO2"),
            "enterprises+government+households": shares,
            "assumed": (100 * rows["assumed"]).round().to_numpy(),
        },
    )


def _moves(rows: pd.DataFrame) -> "pd.Series[bool]":
    return (rows["energy saved Mtce"].abs() > LEAST) | (rows["co2 avoided Mt"].abs() > LEAST)


def _idle(view: View, rows: pd.DataFrame) -> str:
    """Options without an object in the place, by name."""
    idle = rows[~_moves(rows)]
    return ("；" if view.terms.lang == "zh" else "; ").join(idle["title_zh" if view.terms.lang == "zh" else "title"])


def split(view: View, rows: pd.DataFrame) -> pd.DataFrame:
    """A row for each change, a column for each factor: means, which add to the total."""
    index = ["change", "of", "year", "unit"]
    scales = _scales(view, rows)
    values = [number(scale * value, 0 if scale > 10 else 2) for value, scale in zip(rows["mean"], scales, strict=True)]
    cells = _wide(rows, index, "factor", values)
    last = [name for name in cells.columns if name != "total"]
    changes = [_change(view, change, int(year)) for change, _, year, _ in cells.index]
    found = headed(
        view.terms,
        "lmdi",
        {
            "change": changes,
            "of": _names(view, [of for _, of, _, _ in cells.index]),
            "unit": _names(view, [unit for _, _, _, unit in cells.index]),
        },
    )
    for factor in [*sorted(last, key=ORDER.index), "total"]:
        found[capital(view.terms.name(factor, "factor"))] = cells[factor].fillna("–").tolist()
    return found


def _scales(view: View, rows: pd.DataFrame) -> list[float]:
    """Row by row, the factor from the unit of the table to the one in words."""
    return [view.terms.scale(unit) if unit in ("Mtce/year", "Mt/year", "Gyuan/year") else 1.0 for unit in rows["unit"]]


ORDER = ["activity", "structural change", "sector intensity", "fuel", "power"]


def _change(view: View, change: str, year: int) -> str:
    """`base mix to X` and `X, 2010-2015` in words."""
    if change.startswith("base mix to "):
        mix = view.terms.name(change.removeprefix("base mix to "))
        return view.terms("no new policy to {mix}, {year}", mix=mix, year=year)
    mix, _, years = change.rpartition(", ")
    return f"{view.terms.name('base' if mix == 'base mix' else mix)}, {years.replace('-', '–')}"


INDIRECT = (
    ("investment", "Gyuan/year"),
    ("value added, type I", "Gyuan/year"),
    ("value added, type I", "% of GDP"),
    ("value added, with induced round", "Gyuan/year"),
    ("jobs, type I", "thousand"),
    ("jobs, with induced round", "thousand"),
)


def indirect(view: View, rows: pd.DataFrame) -> pd.DataFrame:
    """A row for each package: investment, value added and jobs with their range, and how many members gain."""
    packages = [*(p for p in rows["package"].unique() if p != "all packages"), "all packages"]
    cells: dict[str, list[str]] = {"package": _names(view, packages)}
    gains: list[str] = []
    for quantity, unit in INDIRECT:
        own = rows[(rows.quantity == quantity) & (rows.unit == unit)].set_index("package").loc[packages]
        column = columns("indirect")[f"{quantity}, {unit}"]
        scale = view.terms.scale(column.head)
        cells[f"{quantity}, {unit}"] = _cells(view, own, column.decimals - (scale > 1), scale=scale)
        if unit == "% of GDP":
            gains = [view.terms.chance(float(share)) for share in own["share positive"]]
    return headed(view.terms, "indirect", {**cells, "share positive": gains})


def health(view: View, rows: pd.DataFrame) -> pd.DataFrame:
    """Two significant digits: the figures are orders of magnitude."""
    rows = rows[rows["year"].isin([rows["year"].min(), rows["year"].max()])].reset_index(drop=True)
    scales = _scales(view, rows)
    values = rows.assign(
        **{
            c: [float(f"{scale * value:.2g}") for value, scale in zip(rows[c], scales, strict=True)]
            for c in ("median", "low", "high")
        }
    )
    cells = [_cells(view, one, 0 if abs(one["median"].iloc[0]) >= 10 else 1)[0] for _, one in values.groupby(level=0)]
    return headed(
        view.terms,
        "health",
        {
            "quantity": _names(view, rows["quantity"].tolist()),
            "year": rows["year"].astype(str).tolist(),
            "median": cells,
            "unit": _names(view, rows["unit"].tolist()),
        },
    )


def overlap(view: View, rows: pd.DataFrame) -> pd.DataFrame:
    """A row for each quantity and year, a column for each way of counting."""
    cells = _wide(rows, ["quantity", "year", "unit"], "way", _cells(view, rows, 1, scale=_scales(view, rows)))
    found = headed(
        view.terms,
        "overlap",
        {
            "quantity": _names(view, [quantity for quantity, _, _ in cells.index]),
            "year": [str(year) for _, year, _ in cells.index],
            "unit": _names(view, [unit for _, _, unit in cells.index]),
        },
    )
    for way in cells.columns:
        found[capital(view.terms.name(way))] = cells[way].tolist()
    return found


def published(view: View, rows: pd.DataFrame) -> pd.DataFrame:
    """The published effect beside ours, with range."""
    known = columns("published")
    ours = ("with cost as lost output", "crowding out", "demand side")
    return headed(
        view.terms,
        "published",
        {
            "shock": _names(view, rows["shock"].tolist()),
            "published": [number(value, known["published"].decimals) for value in rows["published"]],
            **{name: _cells(view, rows, known[name].decimals, name) for name in ours},
            "ours over published": [
                number(value, known["ours over published"].decimals) for value in rows["ours over published"]
            ],
        },
    )


def _contributions(view: View, rows: pd.DataFrame, scenario: str) -> list[Chart]:
    """Shapley shares of the packages in the reduction of intensity by the year of the target."""
    chosen = rows[(rows.quantity == "intensity") & (rows.year == view.end_year)]
    parts = chosen[chosen.package != "total"].sort_values("mean", ascending=False)
    if parts.empty:
        return []
    first, whole = parts.iloc[0], chosen[chosen.package == "total"].iloc[0]
    title = view.terms(
        "{package} brings most: {points} of {total} points",
        package=capital(view.terms.name(first.package)),
        points=number(float(first["mean"])),
        total=number(float(whole["mean"])),
    )
    picture = charts.bars(
        [view.terms.name(package) for package in parts.package],
        parts["mean"].to_numpy(dtype=float),
        view.terms("points of intensity reduction by {end}", end=view.end_year),
        low=parts.low.to_numpy(dtype=float),
        high=parts.high.to_numpy(dtype=float),
    )
    about = view.terms("Shapley contribution of each package: mean, line 80 % range. {scenario}.", scenario=scenario)
    return [chart("contributions", title, about, picture, rows)]


def _curve(view: View, rows: pd.DataFrame, scenario: str) -> list[Chart]:
    """The abatement cost curve."""
    if rows.empty:
        return []
    width, height = (rows[c].to_numpy(dtype=float) for c in ("co2 Mt/year", "yuan per tCO2"))
    title = view.terms(
        "{share} % of the CO2 avoided pays for itself",
        share=number(100 * float(width[height < 0].sum() / width.sum()), 0),
    )
    about = view.terms(
        "Abatement cost curve: cost of a tonne of CO2 by option, medians. {scenario}.", scenario=scenario
    )
    names = [view.terms.name(name) for name in rows["title_zh" if view.terms.lang == "zh" else "title"]]
    named = sorted({*np.argsort(-width)[:12].tolist(), *np.argsort(-height)[:2].tolist()})
    unit = "CO2 avoided, Mt a year"
    picture = charts.steps(
        view.terms.scale(unit) * width, height, (view.terms(unit), view.terms("yuan per tonne of CO2")), named
    )
    listed = ("；" if view.terms.lang == "zh" else "; ").join(f"{k + 1} {names[k]}" for k in named)
    note = view.terms("text: widest", names=listed)
    return [chart("cost-curve", title, about, picture, rows, note=note, wide=True)]


def _wedge(view: View, scenario: str) -> list[Chart]:
    """CO2 less than without new policy, by package and year."""
    rows = _rows_of(view, "wedge")
    if rows is None:
        return []
    chosen = rows[rows.quantity == "co2"]
    wide = chosen.pivot_table(index="year", columns="package", values="mean")
    packages = [str(p) for p in wide.columns if p not in ("base", "all")]
    years = wide.index.to_numpy(dtype=float)
    last = wide.iloc[-1]
    title = view.terms(
        "Policies avoid {amount} in {year}, {share} % of the base",
        amount=co2(view.terms, float(last["base"] - last["all"])),
        year=int(years[-1]),
        share=number(100 * float(1 - last["all"] / last["base"]), 0),
    )
    unit, scale = axis(view.terms, "Mt a year", float(last[packages].sum()))
    layers = {package: scale * wide[package].to_numpy(dtype=float) for package in packages}
    names = {package: view.terms.name(package) for package in packages}
    about = view.terms("CO2 avoided by package, {unit}, mean of members. {scenario}.", unit=unit, scenario=scenario)
    picture = charts.stack(years, layers, names, unit)
    return [chart("wedge", title, about, picture, chosen)]
