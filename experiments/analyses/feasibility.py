"""Can the target be reached: reduction, margin, chance, light, headroom and pace, from the members of a run.

`reduction` is what the leading indicator achieves, per cent, higher is better (see `outputs.achieved`).

Every chance is conditional: x % of this ensemble, under this allocation and mix, by this definition of the target.
"""

from collections.abc import Hashable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from experiments.analyses.intervals import wilson, words
from models.reading.faults import InputError

Array = NDArray[np.float64]

RED_BEYOND = 0.10
"""Part of the target by which red misses it (NDRC barometer, 2020 rule); a smaller miss is yellow, met is green."""

PROGRESS = (0.2, 0.4, 0.6, 0.8, 1.0)
"""Part of the five-year target due by each year of the plan (NDRC's yearly progress)."""

REACH = (0.5, 0.8, 0.9)
"""Chances at which the headroom is given."""

LOOKED_AT = 65_536
"""Members, the first of the run's, among which failure conditions, regret, ranking, sensitivity and reality checks are
found: every member of all but the largest runs. Chances are counted over all members."""

MARGIN_LEVELS = (0.025, 0.1, 0.25, 0.5, 0.75, 0.9, 0.975)
LIGHTS = ("red", "yellow", "green")


def of_indicator(metrics: xr.Dataset, key: str) -> xr.Dataset:
    """The metrics of one of a run's indicators under the names of the leading one.

    Returns `reduction`, `modelled_reduction` (allocation, mix, province, member), `target` (allocation, province) and
    `margin`, per cent and points.
    """
    one = metrics[["achieved", "modelled_achieved", "targets"]].sel(indicator=key, drop=True)
    found = one.rename(achieved="reduction", modelled_achieved="modelled_reduction", targets="target")
    return found.assign(margin=(found["reduction"] - found["target"]).transpose(*found["reduction"].dims))


def lights(reduction: Array, target: Array) -> Array:
    """Share of members (last axis of `reduction`, per cent) with red, yellow and green light for `target`: (3, …)."""
    valid = np.isfinite(reduction)
    n = np.where(valid.any(axis=-1), valid.sum(axis=-1), np.nan)
    goal = target[..., None]
    green = reduction >= goal
    red = reduction < np.where(goal < 0, goal * (1 + RED_BEYOND), goal * (1 - RED_BEYOND))
    rated = np.where(np.isfinite(target), 1.0, np.nan)
    return np.stack([(m & valid).sum(axis=-1) / n * rated for m in (red, ~green & ~red, green)])


def summary(metrics: xr.Dataset, trusted: bool = False) -> pd.DataFrame:
    """One row per allocation, mix and province.

    metrics: `reduction` (allocation, mix, province, member) and `target` (allocation, province), per cent. Columns:
    target; reduction and reduction_10, reduction_90 (per cent); margin (median) and margin_2.5 … margin_97.5 (points);
    members, hits, chance with its 95 % Wilson interval; red, yellow, green (probabilities) and light (the median's);
    reach_50, reach_80, reach_90: the deepest cut within reach at that chance, effort as under this target; words:
    the calibrated word, given only when the interval lies in one class and the hold-out test was passed.
    """
    reduction = metrics["reduction"].transpose("allocation", "mix", "province", "member").to_numpy().astype(float)
    target = _target(metrics)
    margin = reduction - target[..., None]
    valid = np.isfinite(margin)
    n, hits = valid.sum(axis=-1), (np.nan_to_num(margin, nan=-1.0) >= 0).sum(axis=-1)
    low, high = wilson(hits, n)
    light = lights(reduction, target)
    cuts = quantiles(reduction, (0.1, 0.5, 0.9, *(1 - c for c in REACH)))
    gap = quantiles(margin, MARGIN_LEVELS)
    rated = np.where(n > 0, 1.0, np.nan)
    spoken = [words(a, b, trusted) if np.isfinite(a) else "" for a, b in zip(low.ravel(), high.ravel(), strict=True)]
    # The lights are ordered, so their centre is the median: green is never shown where a miss is more likely than not.
    rank = (np.nan_to_num(light).cumsum(axis=0) < 0.5).sum(axis=0).clip(max=2)
    central = np.where(n > 0, np.take(LIGHTS, rank), "not rated")
    columns: dict[str, Any] = {
        "target": target,
        "reduction": cuts[1],
        "reduction_10": cuts[0],
        "reduction_90": cuts[2],
        "margin": gap[3],
        **{f"margin_{100 * q:g}": gap[k] for k, q in enumerate(MARGIN_LEVELS) if q != 0.5},
        "members": n,
        "hits": hits,
        "chance": hits / np.maximum(n, 1) * rated,
        "chance_low": low,
        "chance_high": high,
        **dict(zip(LIGHTS, light, strict=True)),
        "light": central,
        **{f"reach_{100 * c:g}": cuts[3 + k] for k, c in enumerate(REACH)},
    }
    table = frame(metrics["reduction"], ("allocation", "mix", "province"), columns)
    return table.assign(words=spoken)


def by_year(metrics: xr.Dataset) -> pd.DataFrame:
    """The barometer by year: allocation, mix, province, year, task (per cent due), chance with interval, lights.

    metrics: `yearly_reduction` (allocation, mix, province, member, year), per cent since the plan's base year, and
    `target`; the years must be those of the plan, first to last.
    """
    yearly = metrics["yearly_reduction"].transpose("allocation", "mix", "province", "year", "member")
    if yearly.sizes["year"] != len(PROGRESS):
        raise InputError(f"yearly reductions of {yearly.sizes['year']} years; the barometer needs {len(PROGRESS)}")
    values = yearly.to_numpy().astype(float)
    task = _target(metrics)[..., None] * np.array(PROGRESS)
    light = lights(values, task)
    valid = np.isfinite(values) & np.isfinite(task)[..., None]
    hits = (valid & (values >= task[..., None])).sum(axis=-1)
    low, high = wilson(hits, valid.sum(axis=-1))
    columns = {"task": task, "reduction": quantiles(values, (0.5,))[0], "chance": light[2]}
    columns |= {"chance_low": low, "chance_high": high, **dict(zip(LIGHTS, light, strict=True))}
    return frame(yearly, ("allocation", "mix", "province", "year"), columns)


def _target(metrics: xr.Dataset) -> Array:
    """Targets (allocation, mix, province), per cent."""
    shape = metrics["reduction"].isel(member=0, drop=True)
    goal = metrics["target"].broadcast_like(shape).transpose("allocation", "mix", "province")
    return np.asarray(goal.to_numpy(), dtype=float)


def quantiles(values: Array, levels: Iterable[float]) -> Array:
    """Quantiles along the last axis, NaN members left out: (levels, …); NaN where no member is left."""
    ordered = np.sort(values, axis=-1)  # NaN go last
    n = np.isfinite(values).sum(axis=-1)
    out = []
    for level in levels:
        at = np.maximum(n - 1, 0) * level
        below, above = np.floor(at).astype(int), np.ceil(at).astype(int)
        a, b = (np.take_along_axis(ordered, k[..., None], axis=-1)[..., 0] for k in (below, above))
        out.append(np.where(n > 0, a + (at - below) * (b - a), np.nan))
    return np.stack(out)


def frame(like: xr.DataArray, dims: Sequence[str], columns: dict[str, Any]) -> pd.DataFrame:
    """One row per element of `dims` of an array, the columns being arrays over them."""
    index = pd.MultiIndex.from_product([like[d].to_numpy() for d in dims], names=list(dims))
    return pd.DataFrame({k: np.asarray(v).ravel() for k, v in columns.items()}, index=index).reset_index()


PLAN_YEARS = 5
PEERS = 5
WINDOW = 3
SINCE = 2005
"""Provincial intensities are published officially since 2005; jumps of 15-20 % in one year before are re-estimates."""


def fastest_fall(intensity: pd.DataFrame, window: int = WINDOW) -> pd.DataFrame:
    """The fastest fall that each province ever showed: per cent a year, over any `window` years of one vintage.

    intensity: columns province, year, vintage, value (any constant unit). Columns out: province, fall, first, last.
    A window never crosses a change of vintage, because a revision of the statistics is not a fall.
    """
    rows = [row for key, one in intensity.dropna().groupby("province") for row in _windows(key, one, window)]
    table = pd.DataFrame(rows, columns=["province", "fall", "first", "last"])
    if table.empty:
        return table
    return table.loc[table.groupby("province").fall.idxmax()].reset_index(drop=True)


def _windows(province: Hashable, series: pd.DataFrame, window: int) -> Iterator[tuple[Hashable, float, int, int]]:
    for _, one in series.groupby("vintage"):
        value = one.set_index("year").value
        for first in value.index:
            if first + window in value.index:
                yield province, 100 * yearly(1 - value[first + window] / value[first], window), first, first + window


def yearly(reduction: Any, years: int = PLAN_YEARS) -> Any:
    """The constant yearly fall (fraction) that makes a reduction (fraction) over so many years."""
    return 1 - (1 - reduction) ** (1 / years)


def measured_series(baseline: xr.Dataset, key: str = "energy_intensity") -> pd.DataFrame:
    """What is measured of an indicator since 2005 as `fastest_fall` takes it, from `calibration.baseline.load`.

    Carbon intensity is that of fuel burnt, whatever the metric; of a share there is no fall, and no row.
    """
    energy, carbon = baseline["energy_intensity"], baseline["co2_energy"]
    by_carbon = (carbon / baseline["gdp"], baseline["co2_energy_vintage"])
    known = {
        "energy_intensity": (energy, baseline["energy_intensity_vintage"]),
        "co2_intensity": by_carbon,
        "co2_intensity_2026": by_carbon,
        "total_energy": (baseline["energy_total"], baseline["energy_total_vintage"]),
        "total_co2": (carbon, baseline["co2_energy_vintage"]),
    }
    if key not in known:
        return pd.DataFrame({"province": [], "year": [], "value": [], "vintage": []})
    series, vintages = known[key]
    table = series.reset_coords(drop=True).to_dataframe("value").reset_index()[["province", "year", "value"]]
    vintage = vintages.to_series()
    return table.assign(vintage=table.year.map(vintage)).query("year >= @SINCE and vintage != ''").dropna()


def traits(baseline: xr.Dataset, year: int = 2010) -> pd.DataFrame:
    """By what provinces are peers: income and energy intensity (logarithms) and the secondary share, in `year`."""
    now = baseline.sel(year=year, drop=True)
    data = {
        "income": np.log(now["gdp"] / now["population"]),
        "intensity": np.log(now["energy_intensity"]),
        "secondary": now["secondary_share"],
    }
    return xr.Dataset(data).to_dataframe()[list(data)]


def peers(traits: pd.DataFrame, count: int = PEERS) -> dict[str, list[str]]:
    """The `count` nearest provinces of each, by Euclidean distance over standardised traits (index = province)."""
    z = ((traits - traits.mean()) / traits.std()).to_numpy()
    distance = np.linalg.norm(z[:, None] - z[None], axis=-1)
    np.fill_diagonal(distance, np.inf)
    names = traits.index.astype(str)
    return {
        name: list(names[np.argsort(row, kind="stable")[:count]]) for name, row in zip(names, distance, strict=True)
    }


def pace(table: pd.DataFrame, fastest: pd.DataFrame, near: dict[str, list[str]]) -> pd.DataFrame:
    """Yearly rate needed against the fastest that this province and its peers ever showed, per cent a year.

    table: `summary`. Columns: allocation, mix, province, needed (by the target), modelled (median), own with its years,
    peer with its name and years, verdict: seen here, seen among peers, or never seen.
    """
    columns = ["needed", "modelled", "own", "own_years", "peer", "peer_name", "peer_years", "verdict"]
    if fastest.empty:  # of a share no fall is on record
        return pd.DataFrame(columns=["allocation", "mix", "province", *columns])
    best = {str(r["province"]): r for r in fastest.to_dict("records")}
    shown = table[table.province.isin(list(best)) & table.target.notna()]
    ever = pd.DataFrame([_ever(name, best, near) for name in best]).rename_axis(None)
    out = shown[["allocation", "mix", "province"]].assign(
        needed=100 * yearly(shown.target / 100), modelled=100 * yearly(shown.reduction / 100)
    )
    out = out.merge(ever, on="province", how="left")
    seen = [out.needed <= out.own, out.needed <= out.peer]
    return out.assign(verdict=np.select(seen, ["seen here", "seen among peers"], "never seen"))


def _ever(name: str, best: dict[str, dict[Hashable, Any]], near: dict[str, list[str]]) -> dict[str, Any]:
    """What a province and the fastest of its peers ever showed."""
    own = best[name]
    others = [best[p] for p in near.get(name, []) if p in best]
    peer = max(others, key=lambda r: float(r["fall"]), default={"fall": np.nan, "province": ""})
    years = [f"{r['first']}–{r['last']}" if "first" in r else "" for r in (own, peer)]
    row = {"province": name, "own": own["fall"], "own_years": years[0]}
    return row | {"peer": peer["fall"], "peer_name": peer["province"], "peer_years": years[1]}
