"""The page of one province (or of the nation as the sum of provinces)."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from calibration import activity
from calibration.members import quantiles
from calibration.places import NATION
from experiments.analyses.numbers import number
from experiments.report.content import Chart, Missing, ProvincePage, Table, chart, slug
from experiments.report.province_tables import conditions, decided_by, decomposition, from_target, money
from experiments.words import charts
from experiments.words.addresses import brief_address
from experiments.words.claims import Claim, Range, Stretch, claim
from experiments.words.measured import Measured
from experiments.words.quantities import axis, capital
from experiments.words.verdict import joined
from experiments.words.view import Array, Standing, View

#: Mtce/Gyuan (= kgce/yuan) → tce per 10⁴ yuan, the unit of the official statements.
TCE_PER_10K_YUAN = 10.0


def page(view: View, province: str, measured: Measured, folder: Path) -> ProvincePage:
    """The page of a province. folder: the report's own, which may hold the briefs."""
    standing = view.standing(province) if province == NATION else view.standings[province]
    pictures: list[Chart] = []
    missing: list[Missing] = []
    tables: list[Table] = []
    for part in (intensity, sectors, co2):
        pictures += part(view, province, standing, measured)
    for extra in (from_target, decided_by, money, decomposition):
        found = extra(view, province)
        pictures += found.charts
        tables += found.tables
        missing += found.missing
    words = conditions(view, province)
    missing += words.missing
    return ProvincePage(
        province_id(province),
        label(view, province),
        standing,
        finding(view, standing),
        pictures,
        words.text,
        tables,
        missing,
        briefs(view, province, folder),
    )


def briefs(view: View, province: str, folder: Path) -> list[tuple[str, str]]:
    """Addresses and names of the province's brief, where it is written."""
    kinds = (("html", view.terms("Brief (HTML)")), ("pdf", view.terms("Brief (PDF)")))
    found = [(brief_address(province, view.terms.lang, ending), words) for ending, words in kinds]
    return [(address, words) for address, words in found if (folder / address).is_file()]


def province_id(province: str) -> str:
    """The anchor of a province's page."""
    return slug("province", province)


def label(view: View, province: str) -> str:
    """The name of a province; the nation says what it is the sum of."""
    return view.terms("China (sum of provinces)") if province == NATION else view.terms.name(province)


def finding(view: View, standing: Standing) -> str:
    """The verdict on a province in one or two sentences, margin before chance."""
    if not standing.members:
        return view.terms("No verdict: no finite result or no target in this scenario.")
    median, low, high = standing.margin
    text = (
        "Beats its target by {margin} points at the median; 80 % range of the margin {low} to {high} points."
        if median >= 0
        else "Misses its target by {margin} points at the median; 80 % range of the margin {low} to {high} points."
    )
    verdict = view.terms(text, margin=number(abs(median)), low=number(low, sign=True), high=number(high, sign=True))
    chance = view.terms(
        "text: verdict",
        indicator=capital(view.indicator_name(view.leading.key)),
        fall=number(standing.reduction[0]),
        base=view.base_year,
        end=view.end_year,
        target=number(standing.target),
        chance=view.terms.chance(standing.chance),
        n=standing.members,
    )
    a, b, c = (number(value) for value in standing.reach)
    reach = view.terms("text: headroom", a=a, b=b, c=c)
    return ("" if view.terms.lang == "zh" else " ").join((verdict, chance, reach))


LEVELS = (0.1, 0.9)
"""Quantiles that bound every band."""


def _band(frame: pd.DataFrame) -> tuple[Array, Array] | None:
    """The 80 % range by year; None where the run did not keep these quantiles."""
    levels = {round(float(level), 4): level for level in frame.columns}
    if not set(LEVELS) <= set(levels):
        return None
    low, high = (frame[levels[level]].to_numpy() for level in LEVELS)
    return low, high


def _path_data(content: charts.Path) -> pd.DataFrame:
    """The data of a path chart, a row for each year and series."""
    parts = [
        pd.DataFrame({"series": s.name, "year": s.years, "value": s.values}) for s in (*content.lines, content.median)
    ]
    if content.band is not None:
        for name, values in zip(("10 %", "90 %"), content.band, strict=True):
            parts.append(pd.DataFrame({"series": name, "year": content.years, "value": values}))
    if (dots := content.measured) is not None:
        measured = {"series": dots.name, "year": dots.years, "value": dots.values, "edition": dots.editions}
        parts.append(pd.DataFrame(measured))
    return pd.concat(parts, ignore_index=True)


def _path(
    view: View, province: str, variable: str, dots: charts.Dots, scale: float, extra: list[charts.Series], banded: bool
) -> charts.Path:
    """A variable's band, members, measured dots and the mix for comparison. banded: its errors are known."""
    last = view.last_shown
    bands = view.bands(variable, province, scale).loc[:last]
    years = bands.index.to_numpy(dtype=float)
    lines = list(extra)
    if view.compared:
        other = view.bands(variable, province, scale, mix=view.compared).loc[:last, 0.5].to_numpy()
        lines.append(charts.Series(view.terms.name(view.compared), years, other, charts.GREY, "--", 1.2))
    median = charts.Series(view.terms("median"), years, bands[0.5].to_numpy())
    members = view.trajectories[variable].sel(allocation=view.allocation, mix=view.mix, province=province)
    paths = members.sel(year=slice(None, last)).transpose("member", "year").values * scale
    return charts.Path(years, median, _band(bands) if banded else None, paths, dots.within(0, last), lines)


def reported(view: View, province: str) -> Range:
    """80 % range of the change of reported intensity between two years of the plan, over all members with errors."""
    chosen = view.metrics["yearly_reduction"].sel(allocation=view.allocation, mix=view.mix, province=province)
    left = {int(year): 1 - chosen.sel(year=year).values / 100 for year in chosen.year.values}
    left[view.base_year] = np.ones_like(next(iter(left.values())))

    def change(first: int, last: int) -> tuple[float, float] | None:
        if not {first, last} <= set(left):
            return None
        low, high = quantiles(100 * (left[last] / left[first] - 1), LEVELS)
        return float(low), float(high)

    return change


def stored(view: View, variable: str, province: str) -> Range:
    """80 % range of the change of an output between two years, over the members whose paths are stored."""
    paths = view.trajectories[variable].sel(allocation=view.allocation, mix=view.mix, province=province)
    paths = paths.sum("sector") if "sector" in paths.dims else paths

    def change(first: int, last: int) -> tuple[float, float] | None:
        if not {first, last} <= set(paths.year.values.tolist()):
            return None
        low, high = quantiles(100 * (paths.sel(year=last) / paths.sel(year=first) - 1).to_numpy(), LEVELS)
        return float(low), float(high)

    return change


def _held(view: View, quantity: str, title: str, dots: charts.Dots, model: Range) -> tuple[str, Claim]:
    """The title, or what was measured where the measured dots refute the model's change."""
    made, against = claim(dots, view.base_year, view.last_shown, model)
    return (title if against is None else measured_title(view, quantity, against)), made


def measured_title(view: View, quantity: str, against: Stretch) -> str:
    """Quantity, measured change, and the range of the model that does not hold it."""
    return view.terms(
        "text: measured instead",
        quantity=quantity,
        change=number(against.measured, sign=True),
        first=against.first,
        last=against.last,
        low=number(against.low, sign=True),
        high=number(against.high, sign=True),
    )


def carries_error(view: View, name: str) -> bool:
    """Whether the run laid the errors of past forecasts on an output's quantiles."""
    return bool(view.quantiles[name].attrs.get("predictive_error"))


def subtitle(view: View, variable: str) -> str:
    """Variable with unit, scenario and number of members."""
    return view.terms(
        "{variable}. {scenario}; N = {n}.",
        variable=variable,
        scenario=view.scenario,
        n=int(view.quantiles.attrs.get("members", view.metrics.sizes["member"])),
    )


def intensity(view: View, province: str, standing: Standing, measured: Measured) -> list[Chart]:
    """The leading indicator's path: energy intensity with the required path and the target, unless another leads."""
    if view.study.target.leading.key != "energy_intensity":
        return leading_path(view, province, standing)
    name, series = "reported energy intensity", "energy_intensity"
    if name not in view.quantiles or not np.isfinite(view.median(name, province)).any():
        return []
    start = float(view.median(name, province, TCE_PER_10K_YUAN)[view.base_year])
    span = view.end_year - view.base_year
    years = np.arange(view.base_year, view.end_year + 1, dtype=float)
    required = start * (1 - standing.target / 100 * (years - view.base_year) / span)
    line = charts.Series("", years, required, charts.TARGET, ":", 1.4)
    dots = measured.dots(series, province, view.terms("measured"), TCE_PER_10K_YUAN)
    content = _path(view, province, name, dots, TCE_PER_10K_YUAN, [line], banded=True)
    data = _path_data(content)
    data.loc[data.series == "", "series"] = view.terms("required path")
    goal = (float(view.end_year), float(required[-1]), view.terms("target {change} %", change=number(-standing.target)))
    content = replace(content, target=goal)
    title = view.terms(
        "Energy intensity falls {fall} % (80 % range {low} to {high}); the target is {target} %",
        fall=number(standing.reduction[0]),
        low=number(standing.reduction[1]),
        high=number(standing.reduction[2]),
        target=number(standing.target),
    )
    title, made = _held(view, view.terms("Energy intensity"), title, dots, reported(view, province))
    note = _note(view, dots, view.terms("text: band note"))
    about = subtitle(view, view.terms("Reported energy intensity, tce per 10⁴ yuan at 2005 prices"))
    key = slug("intensity", province)
    picture = charts.path(content, view.terms("tce per 10⁴ yuan"))
    return [chart(key, title, about, picture, data, note=note, claim=made)]


T_PER_10K_YUAN = 10.0
"""Mt per Gyuan in t per 10⁴ yuan."""


def leading_path(view: View, province: str, standing: Standing) -> list[Chart]:
    """The path of an intensity of carbon with the required path and the target, by the metric that is judged."""
    one = view.study.target.leading
    unknown = one.variable not in view.quantiles or one.kind != "cut"
    if unknown or not np.isfinite(view.median(one.variable, province)).any() or not standing.members:
        return []
    start = float(view.median(one.variable, province, T_PER_10K_YUAN)[view.base_year])
    years = np.arange(view.base_year, view.end_year + 1, dtype=float)
    required = start * (1 - standing.target / 100 * (years - view.base_year) / (view.end_year - view.base_year))
    line = charts.Series("", years, required, charts.TARGET, ":", 1.4)
    none = charts.Dots(view.terms("measured"), np.array([]), np.array([]), np.array([]))
    content = _path(view, province, one.variable, none, T_PER_10K_YUAN, [line], banded=True)
    data = _path_data(content)
    data.loc[data.series == "", "series"] = view.terms("required path")
    goal = (float(view.end_year), float(required[-1]), view.terms("target {change} %", change=number(-standing.target)))
    title = view.terms(
        "{name} falls {fall} % (80 % range {low} to {high}); the target is {target} %",
        name=capital(view.indicator_name(one.key)),
        fall=number(standing.reduction[0]),
        low=number(standing.reduction[1]),
        high=number(standing.reduction[2]),
        target=number(standing.target),
    )
    words = view.terms("{name}, t CO2 per 10⁴ yuan at 2005 prices", name=capital(view.indicator_name(one.key)))
    about = subtitle(view, words)
    key = slug("intensity", province)
    picture = charts.path(replace(content, target=goal), view.terms("t CO2 per 10⁴ yuan"))
    note = [view.terms("text: band note without dots"), *_estimated(view)]
    return [chart(key, title, about, picture, data, note=joined(view, *note))]


def _note(view: View, dots: charts.Dots, *said: str) -> str:
    """The legend below a picture; where editions of the statistic change, that they are not one series."""
    shown = dots.within(0, view.last_shown)
    years = [int(at + 0.5) for at in shown.breaks]
    if years:
        said = (
            *said,
            view.terms("text: editions", years=("、" if view.terms.lang == "zh" else ", ").join(map(str, years))),
        )
    return joined(view, *said, *_estimated(view))


def _estimated(view: View) -> list[str]:
    """Which years of a picture are a nowcast."""
    if view.nowcast_until is None:
        return []
    return [view.terms("text: estimated years", first=activity.LINK + 1, last=view.base_year)]


def sectors(view: View, province: str, standing: Standing, measured: Measured) -> list[Chart]:
    """Final energy by sector, the medians stacked."""
    name = "final energy"
    if name not in view.quantiles:
        return []
    where = {"allocation": view.allocation, "mix": view.mix, "province": province, "quantile": 0.5}
    chosen = view.quantiles[name].sel(where).sel(year=slice(None, view.last_shown))
    years = chosen.year.values.astype(float)
    layers = {str(s): chosen.sel(sector=s).values.astype(float) for s in chosen.sector.values}
    if not np.isfinite(list(layers.values())).all():
        return []
    end = {sector: float(values[years == view.end_year][0]) for sector, values in layers.items()}
    largest = max(end, key=lambda sector: end[sector])
    names = {sector: view.terms.name(f"{sector}, short") for sector in layers}
    title = view.terms(
        "{sector} takes {share} % of final energy in {year}",
        sector=view.terms.name(largest).capitalize(),
        share=number(100 * end[largest] / sum(end.values()), 0),
        year=view.end_year,
    )
    unit, scale = axis(view.terms, "Mtce a year", float(sum(end.values())))
    layers = {sector: scale * values for sector, values in layers.items()}
    dots = measured.dots("final_energy", province, view.terms("measured total"), scale)
    title, made = _held(view, view.terms("Final energy"), title, dots, stored(view, name, province))
    about = subtitle(view, view.terms("Final energy by sector, {unit}, medians stacked", unit=unit))
    key = slug("sectors", province)
    data = pd.concat(
        [pd.DataFrame({"sector": view.terms.name(s), "year": years, "value": v}) for s, v in layers.items()]
        + [pd.DataFrame({"sector": dots.name, "year": dots.years, "value": dots.values, "edition": dots.editions})],
        ignore_index=True,
    )
    return [
        chart(
            key,
            title,
            about,
            charts.stack(years, layers, names, unit, dots),
            data,
            note=_note(view, dots, view.terms("Dots: measured total.")),
            claim=made,
        )
    ]


def co2(view: View, province: str, standing: Standing, measured: Measured) -> list[Chart]:
    """Energy CO2."""
    name = "energy co2"
    if name not in view.quantiles or not np.isfinite(view.median(name, province)).any():
        return []
    median = view.median(name, province)
    unit, scale = axis(view.terms, "Mt a year", float(median.max()))
    dots = measured.dots("co2_energy", province, view.terms("measured"), scale)
    banded = carries_error(view, name)
    content = _path(view, province, name, dots, scale, [], banded)
    change = 100 * (float(median[view.end_year]) / float(median[view.base_year]) - 1)
    title = view.terms(
        "Energy CO2 rises {change} % from {base} to {end}"
        if change >= 0
        else "Energy CO2 falls {change} % from {base} to {end}",
        change=number(abs(change), 0),
        base=view.base_year,
        end=view.end_year,
    )
    title, made = _held(view, view.terms("Energy CO2"), title, dots, stored(view, name, province))
    about = subtitle(view, view.terms("CO2 from energy, {unit}", unit=unit))
    key = slug("co2", province)
    return [
        chart(
            key,
            title,
            about,
            charts.path(content, unit),
            _path_data(content),
            note=_note(
                view,
                dots,
                view.terms("text: band note without path") if banded else view.terms("text: lines only"),
                view.terms(
                    "Dots: inventory, which does not close with the energy statistics (compare slopes, not levels)."
                ),
            ),
            claim=made,
        )
    ]
