"""Yearly progress: the chance after this year's statistics, by re-weighting members, and the pace that is still needed.

Members whose path to the year resembles what the statistics say count more: the weight of a member is the likelihood of
the statistics given its path, normal in the logarithm (importance re-weighting; van Leeuwen 2009,
doi:10.1175/2009MWR2835.1). The years that follow are the members' own, so nothing is simulated again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from experiments.analyses.intervals import wilson
from experiments.ensemble import outputs
from experiments.ensemble.core import Ensemble
from experiments.installation import Installation
from experiments.study.known import check_growth
from experiments.study.schema import Study
from models.indicators import Indicator
from models.reading.faults import InputError

Array = NDArray[np.float64]

STATISTICS = 1.0
"""Error of a published growth rate, percentage points (assumption; 0.5 to 2: first figures are revised by so much)."""
FEW = 30.0
"""Effective members below which the new chance is called uncertain."""
SERIES = {"energy": outputs.ENERGY, "gdp": outputs.GDP, "co2": outputs.CO2}
"""Statistic → the model's output that it is about."""


@dataclass(frozen=True)
class Progress:
    """What a province enters.

    province: a simulated one or "China". year: of the statistics. growth: statistic (energy, gdp, co2) → growth, per
    cent, over the year, or since the plan's base year with `since_base`. error: of a growth rate, percentage points.
    allocation, mix: labels of the study.
    """

    province: str
    year: int
    growth: Mapping[str, float] = field(default_factory=dict)
    since_base: bool = False
    error: float = STATISTICS
    allocation: str | None = None
    mix: str | None = None


def faults(study: Study, asked: Progress) -> list[str]:
    """What of a question has no answer."""
    base, end = study.target.period.span
    found = []
    if not base < asked.year < end:
        found.append(
            f"year {asked.year}: the {study.target.period.ordinal} plan has progress in {base + 1} to {end - 1}"
        )
    if not asked.growth:
        found.append("no statistics: give at least one of --energy, --gdp, --co2")
    found += check_growth(asked.growth)
    if not 0 < asked.error <= 10:
        found.append(f"error: got {asked.error:g}, allowed: above 0 and at most 10 percentage points")
    return found


def updated(study: Study, system: Installation, asked: Progress) -> pd.DataFrame:
    """One row per indicator of the study, for the province.

    Columns: indicator, target (per cent), status, due (task of the year, per cent), done (achieved to the year, median
    of the re-weighted members), chance_before, chance with its 95 % interval (Wilson at the effective number of
    members), effective (members), needed and expected (yearly fall, or growth, from here on, per cent; of a share
    points), verdict (on the path where what is achieved is at least what is due). Raises InputError with all faults.
    """
    if found := faults(study, asked):
        raise InputError(found)
    ensemble = Ensemble.of(study, system)
    allocation, mix = study.scenario(asked.allocation, asked.mix)
    paths = _paths(ensemble, allocation, mix, asked.province)
    weights = reweighted(paths, asked, study.target.period.base_year)
    at = {"allocation": allocation, "province": asked.province}
    targets = ensemble.inputs.allocation["targets"].sel(at)
    status = ensemble.inputs.allocation["status"].sel(at) if "status" in ensemble.inputs.allocation else None
    rows = []
    for one in study.target.asked:
        known = "" if status is None else str(status.sel(indicator=one.key).item())
        target = float(targets.sel(indicator=one.key))
        rows.append(
            {"indicator": one.key, "target": target, "status": known, **_row(paths, weights, asked, one, target)}
        )
    return pd.DataFrame(rows)


def _paths(ensemble: Ensemble, allocation: str, mix: str, province: str) -> xr.Dataset:
    """Members' outputs with predictive errors, (member, year) from the plan's base to its last year."""
    study = ensemble.study
    base, end = study.target.period.span
    names = [*dict.fromkeys([*SERIES.values(), *(one.variable for one in study.target.asked)])]
    wanted = [*dict.fromkeys([*names, *sorted(outputs.weights(names))])]
    params = ensemble.scenario(allocation, mix)
    results = ensemble.results(params, wanted, list(range(base, end + 1)))
    error = ensemble.system.errors(study, ensemble.members.index.to_numpy())
    whole = outputs.with_nation(outputs.with_error(results, error), names)
    if province not in whole["province"].to_numpy():
        raise InputError(f"{province} is not simulated")
    return whole.sel(province=province, drop=True)


def reweighted(paths: xr.Dataset, asked: Progress, base: int) -> Array:
    """Weight of each member, summing to one: likelihood of the statistics given its path; 0 for a failed member."""
    first = base if asked.since_base else asked.year - 1
    years = asked.year - first
    spread = asked.error / 100 * np.sqrt(years)
    log_likelihood = np.zeros(paths.sizes["member"])
    for name, growth in asked.growth.items():
        series = paths[SERIES[name]]
        member = np.log((series.sel(year=asked.year) / series.sel(year=first)).to_numpy())
        log_likelihood -= ((member - np.log(1 + growth / 100)) / spread) ** 2 / 2
    log_likelihood[~np.isfinite(log_likelihood)] = -np.inf
    if not np.isfinite(log_likelihood).any():
        raise RuntimeError("every member failed: no value is finite")
    weights = np.exp(log_likelihood - log_likelihood.max())
    return np.asarray(weights / weights.sum())


def _row(paths: xr.Dataset, weights: Array, asked: Progress, one: Indicator, target: float) -> dict[str, object]:
    """The numbers of one indicator (see `updated`)."""
    series = paths[one.variable].transpose("member", "year")
    years = series["year"].to_numpy()
    base, end = int(years[0]), int(years[-1])
    achieved = outputs.achieved(series.to_numpy(), one.kind)
    at, left = asked.year - base - 1, end - asked.year
    alive = weights > 0
    met = (achieved[:, -1] >= target) & np.isfinite(achieved[:, -1])
    effective = float(1 / (weights**2).sum())
    chance = float(weights[met].sum()) if np.isfinite(target) else np.nan
    low, high = wilson(np.array(chance * effective), np.array(effective)) if np.isfinite(chance) else (np.nan, np.nan)
    finite = np.isfinite(achieved).all(axis=1)
    done, final = (_median(achieved[alive & finite, k], weights[alive & finite]) for k in (at, -1))
    if one.is_share:
        now = _median(100 * series.to_numpy()[alive & finite, at + 1], weights[alive & finite])
        needed, expected = ((value - now) / left for value in (target, final))
    elif one.kind == "growth":
        grown = (1 + done / 100 * (end - base) / (at + 1)) ** (at + 1)
        needed, expected = (100 * (((1 + v / 100) ** (end - base) / grown) ** (1 / left) - 1) for v in (target, final))
    else:
        needed, expected = (100 * (1 - ((1 - v / 100) / (1 - done / 100)) ** (1 / left)) for v in (target, final))
    due = target * (at + 1) / (end - base)
    return {
        "due": due,
        "done": done,
        "chance_before": float(met[finite].mean()) if np.isfinite(target) else np.nan,
        "chance": chance,
        "chance_low": float(low),
        "chance_high": float(high),
        "effective": effective,
        "needed": needed,
        "expected": expected,
        "verdict": "" if not np.isfinite(target) else "on the path" if done >= due else "behind the path",
    }


def _median(values: Array, weights: Array) -> float:
    """The weighted median: the least value with at least half of the weight at or below it."""
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(weights[order]) / weights.sum()
    return float(values[order][np.searchsorted(reached, 0.5)])


def sentences(table: pd.DataFrame, asked: Progress, names: Mapping[str, str]) -> list[str]:
    """The answer in words, a sentence an indicator. names: indicator → in words."""
    said = []
    for row in table.to_dict("records"):
        if not np.isfinite(row["target"]):
            said.append(f"{asked.province}, {names[row['indicator']]}: no target is known.")
            continue
        said.append(
            f"{asked.province}, {names[row['indicator']]}: {row['done']:.1f} % by {asked.year} where "
            f"{row['due']:.1f} % is due; the chance of {row['target']:g} % is now {100 * row['chance']:.0f} % "
            f"({100 * row['chance_low']:.0f}–{100 * row['chance_high']:.0f} %), before these statistics "
            f"{100 * row['chance_before']:.0f} %; still needed {row['needed']:.1f} a year, expected "
            f"{row['expected']:.1f}."
        )
    if len(table) and float(table["effective"].iloc[0]) < FEW:
        said.append(
            f"Only {table['effective'].iloc[0]:.0f} effective members resemble these statistics: they lie at the edge "
            "of what the ensemble holds, or more members are needed (--members)."
        )
    return said


def parsed(given: Sequence[tuple[str, float | None]]) -> dict[str, float]:
    """The statistics that were given."""
    return {name: value for name, value in given if value is not None}
