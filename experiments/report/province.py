"""The page of one province (or of the nation as the sum of provinces)."""

import numpy as np
import pandas as pd

from calibration.places import NATION
from experiments.analyses.numbers import number
from experiments.report import charts
from experiments.report.content import Chart, Missing, ProvincePage, Table, chart, slug
from experiments.report.province_tables import conditions, decided_by, decomposition, money
from experiments.report.view import BANDS, Array, Standing, View
from experiments.words.measured import Measured

#: Mtce/Gyuan (= kgce/yuan) → tce per 10⁴ yuan, the unit of the official statements.
TCE_PER_10K_YUAN = 10.0


def page(view: View, province: str, measured: Measured) -> ProvincePage:
    """Everything the report says about a province."""
    standing = view.standing(province) if province == NATION else view.standings[province]
    pictures: list[Chart] = []
    missing: list[Missing] = []
    tables: list[Table] = []
    for part in (intensity, sectors, co2):
        pictures += part(view, province, standing, measured)
    for extra in (decided_by, money, decomposition):
        found = extra(view, province)
        pictures += found.charts
        tables += found.tables
        missing += found.missing
    words = conditions(view, province)
    missing += words.missing
    return ProvincePage(
        province_id(province),
        label(view, province),
        standing.light,
        finding(view, standing),
        pictures,
        words.text,
        tables,
        missing,
    )


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


def _bands(frame: pd.DataFrame) -> dict[int, tuple[Array, Array]]:
    """Nominal coverage → (low, high) for the bands whose quantiles the run kept."""
    levels = {round(float(level), 4): level for level in frame.columns}
    return {
        coverage: (frame[levels[low]].to_numpy(), frame[levels[high]].to_numpy())
        for coverage, (low, high) in BANDS.items()
        if low in levels and high in levels
    }


def _path_data(bands: pd.DataFrame, lines: list[charts.Series], measured: charts.Series) -> pd.DataFrame:
    """What a path chart shows, one row a year and series."""
    parts = [
        pd.DataFrame({"series": f"quantile {level:g}", "year": bands.index, "value": bands[level]}) for level in bands
    ]
    parts += [pd.DataFrame({"series": s.name, "year": s.years, "value": s.values}) for s in [*lines, measured]]
    return pd.concat(parts, ignore_index=True)


def _path(
    view: View, province: str, measured: Measured, variable: str, series: str, scale: float, extra: list[charts.Series]
) -> tuple[charts.Path, pd.DataFrame]:
    """A variable's bands, members, measured dots and the mix without new policy."""
    last = view.last_shown
    bands = view.bands(variable, province, scale).loc[:last]
    years = bands.index.to_numpy(dtype=float)
    lines = list(extra)
    if view.compared:
        other = view.bands(variable, province, scale, mix=view.compared).loc[:last, 0.5].to_numpy()
        lines.append(charts.Series(view.terms.name(view.compared), years, other, charts.GREY, "--", 1.2))
    median = charts.Series(view.terms("median"), years, bands[0.5].to_numpy())
    known, values, errors = measured.series(series, province, scale)
    inside = known <= last
    dots = charts.Series(view.terms("measured"), known[inside], values[inside], charts.INK)
    members = view.trajectories[variable].sel(allocation=view.allocation, mix=view.mix, province=province)
    paths = members.sel(year=slice(None, last)).transpose("member", "year").values * scale
    content = charts.Path(years, median, _bands(bands), paths, dots, errors[inside], lines)
    return content, _path_data(bands, [*lines, median], dots)


def subtitle(view: View, variable: str) -> str:
    """Variable with unit, scenario and number of members."""
    return view.terms(
        "{variable}. {scenario}; N = {n}.",
        variable=variable,
        scenario=view.scenario,
        n=int(view.quantiles.attrs.get("members", view.metrics.sizes["member"])),
    )


def intensity(view: View, province: str, standing: Standing, measured: Measured) -> list[Chart]:
    """Energy intensity with the required path and the target."""
    name, series = "reported energy intensity", "energy_intensity"
    if name not in view.quantiles or not np.isfinite(view.median(name, province)).any():
        return []
    start = float(view.median(name, province, TCE_PER_10K_YUAN)[view.base_year])
    span = view.end_year - view.base_year
    years = np.arange(view.base_year, view.end_year + 1, dtype=float)
    required = start * (1 - standing.target / 100 * (years - view.base_year) / span)
    line = charts.Series("", years, required, charts.TARGET, ":", 1.4)
    content, data = _path(view, province, measured, name, series, TCE_PER_10K_YUAN, [line])
    data.loc[data.series == "", "series"] = view.terms("required path")
    goal = (float(view.end_year), float(required[-1]), view.terms("target −{target} %", target=number(standing.target)))
    content = charts.Path(**{**content.__dict__, "target": goal})
    title = view.terms(
        "Energy intensity falls {fall} % (80 % range {low} to {high}); the target asks {target} %",
        fall=number(standing.reduction[0]),
        low=number(standing.reduction[1]),
        high=number(standing.reduction[2]),
        target=number(standing.target),
    )
    note = view.terms(
        "Dots: measured; bands: 50, 80 and 95 % of members, with the predictive error; "
        "thin lines: single members; dotted: required path."
    )
    about = subtitle(view, view.terms("Reported energy intensity, tce per 10⁴ yuan at 2005 prices"))
    key = slug("intensity", province)
    picture = charts.path(key, content, view.terms("tce per 10⁴ yuan"))
    return [chart(key, title, about, picture, data, note=note)]


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
    known, values, _ = measured.series("final_energy", province)
    dots = charts.Series(view.terms("measured total"), known, values, charts.INK)
    about = subtitle(view, view.terms("Final energy by sector, Mtce a year, medians stacked"))
    key = slug("sectors", province)
    data = pd.concat(
        [pd.DataFrame({"sector": view.terms.name(s), "year": years, "value": v}) for s, v in layers.items()]
        + [pd.DataFrame({"sector": view.terms("measured total"), "year": known, "value": values})],
        ignore_index=True,
    )
    return [
        chart(
            key,
            title,
            about,
            charts.stack(key, years, layers, names, view.terms("Mtce a year"), dots),
            data,
            note=view.terms("Dots: measured total."),
        )
    ]


def co2(view: View, province: str, standing: Standing, measured: Measured) -> list[Chart]:
    """Energy CO2."""
    name = "energy co2"
    if name not in view.quantiles or not np.isfinite(view.median(name, province)).any():
        return []
    content, data = _path(view, province, measured, name, "co2_energy", 1.0, [])
    median = view.median(name, province)
    change = 100 * (float(median[view.end_year]) / float(median[view.base_year]) - 1)
    title = view.terms(
        "Energy CO2 rises {change} % from {base} to {end}"
        if change >= 0
        else "Energy CO2 falls {change} % from {base} to {end}",
        change=number(abs(change), 0),
        base=view.base_year,
        end=view.end_year,
    )
    about = subtitle(view, view.terms("CO2 from energy, Mt a year"))
    key = slug("co2", province)
    return [
        chart(
            key,
            title,
            about,
            charts.path(key, content, view.terms("Mt a year")),
            data,
            note=view.terms(
                "Dots: inventory, which does not close with the energy statistics (compare slopes, not levels); "
                "bands with the predictive error."
            ),
        )
    ]
