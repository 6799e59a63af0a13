"""Analyses of one province: drawn from the run's tables, or the command that makes them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr

from calibration.members import quantiles
from calibration.places import NATION
from experiments.analyses import gap
from experiments.analyses.numbers import number
from experiments.analyses.policy.lmdi import lmdi
from experiments.report.content import Chart, Missing, Table, chart, listed, slug
from experiments.words import charts
from experiments.words.box_sentences import own
from experiments.words.columns import LIKE, columns
from experiments.words.quantities import axis, capital, energy
from experiments.words.view import OLD_METRIC, View
from experiments.words.waterfall import waterfall

MOST_BARS = 12
DUMMY = "dummy"
UNKNOWABLE = ("national shock", "provincial shock", "predictive error", "posterior draw")
"""Inputs that nobody can observe or move beforehand."""


@dataclass(frozen=True)
class Found:
    """Contribution of a part to a page."""

    charts: Sequence[Chart] = ()
    tables: Sequence[Table] = ()
    missing: Sequence[Missing] = ()
    text: Sequence[str] = ()


def lacking(view: View, what: str, command: str) -> Found:
    """Nothing found: what is missing and the command that makes it."""
    return Found(missing=[Missing(view.terms(what), f"tanlu {command} {view.run.name}")])


def decided_by(view: View, province: str) -> Found:
    """Which inputs decide whether the target is met: total indices of hit or miss, with the dummy's level.

    The analysis is of one scenario, which the subtitle names; it need not be the first page's.
    """
    rows = view.table("sensitivity")
    if rows is None:
        return Found() if province == NATION else lacking(view, "sensitivity of the verdict", "sensitivity")
    hit = rows[(rows.province == province) & (rows.output == "hit")]
    dummy = hit[hit.factor == DUMMY]
    shown = hit[hit.factor != DUMMY].nlargest(MOST_BARS, "ST")
    if shown.empty or not np.isfinite(shown.ST).all():
        return Found()
    unknown = shown.factor.isin(UNKNOWABLE)
    shown = pd.concat([shown[~unknown], shown[unknown]])  # inputs that nobody can observe or move come last
    apart = shown.factor.isin(UNKNOWABLE).tolist()
    first = shown.iloc[0]
    level = float(dummy.ST_high.iloc[0]) if len(dummy) else 0.0
    title = (
        view.terms(
            "{input} takes part in {share} % of the variance of hit or miss",
            input=capital(view.terms.name(first.factor)),
            share=number(100 * min(float(first.ST), 1.0), 0),
        )
        if first.ST_low > level and not apart[0]
        else view.terms("Nothing that can be observed or moved stands out from the dummy in what decides hit or miss")
    )
    key = slug("decides", province)
    names = [view.terms.name(f) for f in shown.factor]
    picture = charts.bars(
        [
            view.terms("what we cannot know: {input}", input=n) if yes else n
            for n, yes in zip(names, apart, strict=True)
        ],
        shown.ST.to_numpy(dtype=float),
        view.terms("total index of hit or miss"),
        low=shown.ST_low.to_numpy(dtype=float),
        high=shown.ST_high.to_numpy(dtype=float),
        reference=(level, view.terms("level of the dummy")) if len(dummy) else None,
        apart=apart,
    )
    scenario = view.terms(
        "Scenario: {allocation}, {mix}", allocation=view.terms.name(first.allocation), mix=view.terms.name(first.mix)
    )
    about = view.terms("text: decides", scenario=scenario)
    return Found(charts=[chart(key, title, about, picture, hit)])


def conditions(view: View, province: str) -> Found:
    """The pace needed against the fastest on record, and the failure conditions, as sentences."""
    if province == NATION:
        return Found()
    pace = view.rows("pace", province)
    boxes = view.rows("boxes", province)
    text = [] if pace is None or pace.empty else [_pace(view, pace.iloc[0])]
    if boxes is None:
        return Found(text=text, missing=lacking(view, "failure conditions", "feasibility").missing)
    column = f"sentence_{view.terms.lang}"
    said = [str(sentence) for sentence in own(boxes)[column].dropna()] if column in boxes else []
    return Found(text=[*text, *said])  # where only national conditions decide, the chapter states this once


def _pace(view: View, row: "pd.Series[float]") -> str:
    """The yearly rate that the target needs, against the fastest on record."""
    return view.terms(
        f"text: pace {row.verdict}",
        needed=number(float(row.needed)),
        own=number(float(row.own)),
        own_years=row.own_years,
        peer=number(float(row.peer)),
        peer_name=view.terms.name(row.peer_name),
        peer_years=row.peer_years,
    )


AMOUNTS = ("reduction", "co2_reduction", "gdp_growth", "energy", "co2", "policy_cost")


def money(view: View, province: str) -> Found:
    """Costs and benefits of every mix: medians with their 80 % range in the year of the target."""
    data = view.metrics.sel(allocation=view.allocation, province=province)
    rows = []
    for mix in map(str, data.mix.values):
        stand = view.standing(province, mix=mix)
        row: dict[str, object] = {"mix": mix, "light": stand.light.word, "chance": view.terms.chance(stand.chance)}
        for name in AMOUNTS:
            if name in data:
                row[name] = _range(view, data[name].sel(mix=mix).values * view.terms.scale(columns("mixes")[name].head))
        rows.append(row)
    title = view.terms("Costs and benefits by policy mix in {end}: median and 80 % range", end=view.end_year)
    lead = view.leading.key  # names its fall, and the metric of carbon, which is left out where it leads
    shown = [key for key in rows[0] if (lead, key) != (OLD_METRIC, "co2_reduction")]
    of = f"mixes of {lead}" if f"mixes of {lead}" in LIKE else "mixes"
    return Found(tables=[listed(view.terms, slug("mixes", province), title, pd.DataFrame(rows), of, shown)])


def _range(view: View, values: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> str:
    """Median (10 to 90 %)."""
    median, low, high = quantiles(values, [0.5, 0.1, 0.9])
    if np.isnan(median):
        return "–"
    digits = 1 if abs(median) < 100 else 0
    text = view.terms("{median} ({low} to {high})", median=number(median, digits), low=number(low, digits), high="{}")
    return text.format(number(high, digits))


def from_target(view: View, province: str) -> Found:
    """From the target to what is expected, by cause."""
    drawn = waterfall(view, view.standing(province))
    if drawn is None:
        return Found()
    about = view.terms("text: waterfall about", scenario=view.scenario, base=view.base_year, end=view.end_year)
    data = drawn.causes.assign(unit=drawn.unit)
    supply = view.terms("CO2 of electricity and heat falls with cleaner supply and with less net export.")
    note = supply if drawn.unit == gap.MT_CO2 else ""
    return Found(charts=[chart(slug("from-target", province), drawn.title, about, drawn.svg, data, note=note)])


def decomposition(view: View, province: str) -> Found:
    """Where the fall of intensity comes from: the sectors' final energy per GDP, and conversion (LMDI, exact)."""
    needed = {"final energy", "gdp", "total energy"}
    if not needed <= set(view.trajectories.data_vars):
        return lacking(view, "gap decomposition", "run --fresh --set outputs.variables=…")
    where = {"allocation": view.allocation, "mix": view.mix, "province": province}
    members = view.trajectories[sorted(needed)].sel(where)
    before, after = (_factors(members.sel(year=year)) for year in (view.base_year, view.end_year))
    parts = lmdi(before, after, ())
    level = float((members["total energy"] / members["gdp"]).sel(year=view.base_year).mean())
    sectors = [str(name) for name in members.sector.values]
    effects = {name: 100 * float(parts["sector"][:, i].mean()) / level for i, name in enumerate(sectors)}
    effects["conversion"] = 100 * float(parts["conversion"].sum(axis=1).mean()) / level
    if not np.isfinite(list(effects.values())).all():
        return Found()
    largest = min(effects, key=lambda name: effects[name])
    title = view.terms(
        "{sector} brings {points} of {total} points of energy intensity",
        sector=capital(view.terms.name(largest)),
        points=number(effects[largest], sign=True),
        total=number(sum(effects.values()), sign=True),
    )
    key = slug("gap", province)
    names = [view.terms.name(f"{name}, short") for name in sectors] + [view.terms.name("conversion")]
    values = np.array(list(effects.values()))
    unit = view.terms("change of energy intensity, % of {base}", base=view.base_year)
    about = view.terms("text: decomposition", scenario=view.scenario, n=members.sizes["member"])
    data = pd.DataFrame({"effect": names, "percent": values})
    picture = charts.waterfall(names, values, unit, view.terms("total"))
    return Found(charts=[chart(key, title, about, picture, data), *_gap(view, province)])


def _gap(view: View, province: str) -> list[Chart]:
    """The gap between the analysed mix and no new policy, where it was analysed for this place."""
    rows = view.rows("lmdi", province)
    if rows is None:
        return []
    chosen = rows[(rows.of == "total energy") & (rows.year == view.end_year) & (rows.factor != "total")]
    if chosen.empty:
        return []
    values = chosen["mean"].to_numpy(dtype=float)
    largest = chosen.iloc[int(np.argmax(np.abs(values)))]
    title = view.terms(
        "{factor} brings {value} of {total}",
        factor=capital(view.terms.name(largest.factor, "factor")),
        value=energy(view.terms, float(largest["mean"]), sign=True),
        total=energy(view.terms, float(values.sum()), sign=True),
    )
    unit, factor = axis(view.terms, "Mtce a year", float(np.abs(values).max()))
    key = slug("policy-gap", province)
    mix = (view.study.policy.mix or view.study.mixes[-1].label) if view.study.policy else view.mix
    scenario = view.terms(
        "Scenario: {allocation}, {mix}", allocation=view.terms.name(view.allocation), mix=view.terms.name(mix)
    )
    about = view.terms("text: gap to base", end=view.end_year, scenario=scenario)
    names = [view.terms.name(factor, "factor") for factor in chosen.factor]
    picture = charts.waterfall(names, factor * values, unit, view.terms("total"))
    return [chart(key, title, about, picture, chosen)]


def _factors(state: xr.Dataset) -> dict[str, np.ndarray[tuple[int, ...], np.dtype[np.float64]]]:
    """Energy per GDP = Σ over sectors of (final energy / GDP) × (total / final energy): arrays (member, sector)."""
    final = state["final energy"].transpose("member", "sector").astype(float)
    total = state["total energy"].astype(float) / final.sum("sector")
    sector = final / state["gdp"].astype(float)
    return {"sector": sector.values, "conversion": total.broadcast_like(sector).transpose(*sector.dims).values}
