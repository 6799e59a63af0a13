"""Monitoring: a measured year is appended, the run's members are weighed by it, and the verdict is told anew.

Members are draws of the run's ensemble with their predictive errors. A measured path of intensity up to a year weighs
each member by how well its own path agrees (normal error of measurement); nothing is simulated again. When too few
members agree (effective number below 30) the latest year alone is used, which says most about the end; when even then
too few agree, the update is refused: the run has too few members, or the world has left the ensemble.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from experiments.runs.store import Run
from experiments.toolkit import sheets
from experiments.toolkit.sheets import Folder
from models.reading.faults import InputError

Array = NDArray[np.float64]
FEWEST = 30  # effective members for a chance that can be told
SHIFTED = 0.3  # standard deviations by which an assumption must move to be named
NAMED = 3
VARIES = 1e-9  # of its mean: what an input must vary to count as uncertain
QUANTITY = "energy intensity change"


class TooFewError(InputError):
    """The measured path agrees with too few members. effective: how many."""

    def __init__(self, effective: float, members: int) -> None:
        self.effective = effective
        super().__init__(
            f"the measured years agree with {effective:.1f} of {members} members only, {FEWEST} are needed: run the "
            "study with more members (--set members=5000) or state a larger error; if neither helps, the model missed. "
            "The figures stay in 9-monitoring.csv: correct them there if one is a slip"
        )


@dataclass(frozen=True)
class Verdict:
    """What the ensemble says of a target, given some measured years."""

    year: int
    chance: float
    reduction: float
    low: float
    high: float
    target: float
    effective: float


def weigh(paths: Array, measured: Array, errors: Array) -> Array:
    """Weights of members (summing to one). paths (member, year) and measured (year,): reduction since the base, %.

    errors (year,): standard deviation of the measured figure, points. Members that failed (NaN) get no weight.
    """
    misfit = (((paths - measured) / errors) ** 2).sum(axis=1)
    finite = np.isfinite(misfit)
    if not finite.any():
        raise InputError("every member of the run failed; there is nothing to weigh")
    weights = np.where(finite, np.exp(-0.5 * (np.where(finite, misfit, 0.0) - misfit[finite].min())), 0.0)
    normed: Array = weights / weights.sum()
    return normed


def effective(weights: Array) -> float:
    """Effective number of members (Kish)."""
    return float(1 / (weights**2).sum())


def _updated(paths: Array, measured: Array, errors: Array) -> tuple[Array, str]:
    """Weights by the whole measured path, or by its latest year alone when too few members agree with all of it."""
    weights = weigh(paths, measured, errors)
    if effective(weights) >= FEWEST:
        return weights, "the whole path"
    weights = weigh(paths[:, -1:], measured[-1:], errors[-1:])
    if effective(weights) >= FEWEST:
        return weights, "the latest year"
    raise TooFewError(effective(weights), len(paths))


def verdict(year: int, final: Array, target: float, weights: Array) -> Verdict:
    """Chance and 10, 50, 90 % quantiles of the final reduction under weights."""
    order = np.argsort(final)
    low, middle, high = np.interp((0.1, 0.5, 0.9), np.cumsum(weights[order]) - 0.5 * weights[order], final[order])
    chance = float(weights[final >= target].sum())
    return Verdict(year, chance, float(middle), float(low), float(high), target, effective(weights))


def reasons(design: pd.DataFrame, weights: Array, province: str) -> list[str]:
    """Assumptions that the measured years moved most, in words; those of other provinces are left out.

    Only shifts that are not noise of the weights are named: above SHIFTED prior standard deviations and above three
    standard errors of a weighted mean.
    """
    own = [c for c in design.columns if "[" not in str(c) or str(c).split("[")[1].rstrip("]").split(",")[0] == province]
    numbers = design[own].select_dtypes("number")
    deviation = numbers.std(ddof=0)
    moving = numbers.loc[:, deviation > VARIES * numbers.abs().mean()]
    mean = pd.Series(weights @ moving.to_numpy(), index=moving.columns)
    shift = (mean - moving.mean()) / deviation[moving.columns]
    least = max(SHIFTED, 3 / np.sqrt(effective(weights)))
    strongest = shift[shift.abs() >= least].abs().sort_values(ascending=False).index[:NAMED]
    return [
        f"{name} {'higher' if shift[name] > 0 else 'lower'} ({moving[name].mean():.3g} to {mean[name]:.3g})"
        for name in strongest
    ]


def append(work: Folder, year: int, change: float, error: float | None, source: str) -> None:
    """Append a measured year to 9-monitoring.csv. Raises InputError when the year is there or leaves a gap."""
    faults: list[str] = []
    path = work.sheet("9-monitoring.csv")
    known = sheets.read(path, sheets.MONITORING, faults)
    if faults:
        raise InputError(faults)
    years = sorted(known["year"].astype(int))
    wanted = years[-1] + 1 if years else 2011
    if year != wanted:
        raise InputError(f"the next year to monitor is {wanted}, got {year}; correct earlier years in 9-monitoring.csv")
    row = {"year": year, "quantity": QUANTITY, "value": change, "unit": "%/yr", "error": error, "source": source}
    grown = pd.concat([known, pd.DataFrame([row])], ignore_index=True) if len(known) else pd.DataFrame([row])
    grown["year"] = grown["year"].astype(int)
    sheets.write(path, grown)


def monitor(folder: str | Path, run: Run, mix: str = "", allocation: str = "") -> pd.DataFrame:
    """The verdict before and after each measured year, what changed and why; also written to verdicts.csv.

    mix, allocation: which scenario of the run (default: its first allocation, and "delivered" or its last mix).
    Raises InputError for sheets that cannot be read, TooFewError when the ensemble no longer holds the measured path.
    """
    work = Folder.open(folder)
    faults: list[str] = []
    rows = sheets.read(work.sheet("9-monitoring.csv"), sheets.MONITORING, faults).sort_values("year")
    if faults or rows.empty:
        raise InputError(
            faults or "9-monitoring.csv is empty; add a year: tanlu toolkit monitor FOLDER --year --change"
        )
    scenario, place = _scenario(run, mix, allocation), work.settings.province
    metrics = run.metrics().sel({**scenario, "province": place})
    base, last = metrics.attrs["base_year"], metrics.attrs["end_year"]
    rows = rows[(rows["year"] > base) & (rows["year"] <= last)]
    years = rows["year"].astype(int).to_list()
    if years != list(range(base + 1, base + 1 + len(years))) or not years:
        raise InputError(f"9-monitoring.csv: years must follow each other from {base + 1}, got {years}")
    measured = 100 * (1 - np.cumprod(1 + rows["value"].to_numpy() / 100))
    errors = rows["error"].fillna(work.settings.measurement_error).to_numpy()
    paths = metrics["yearly_reduction"].transpose("member", "year").sel(year=years).to_numpy()
    final, target = metrics["reduction"].to_numpy(), float(metrics["target"])
    design = run.design()
    told = _told(years, paths, measured, errors, final, target, design, last, place)
    table = pd.DataFrame(told).assign(**scenario, province=place, run=run.name)
    sheets.write(work.sheet("verdicts.csv"), table)
    return table


def _scenario(run: Run, mix: str, allocation: str) -> dict[str, str]:
    mixes = [choice.label for choice in run.study.mixes]
    default = "delivered" if "delivered" in mixes else mixes[-1]
    rule, chosen = run.study.scenario(allocation, mix or default)
    return {"mix": chosen, "allocation": rule}


def _told(
    years: list[int],
    paths: Array,
    measured: Array,
    errors: Array,
    final: Array,
    target: float,
    design: pd.DataFrame,
    last: int,
    province: str,
) -> list[dict[str, object]]:
    """One row a measured year, each against the state before it."""
    whole = np.where(np.isfinite(final), 1.0, 0.0)
    weights = whole / whole.sum()
    before = verdict(years[0] - 1, final, target, weights)
    found: list[dict[str, object]] = []
    for i, year in enumerate(years):
        expected = float(weights @ np.nan_to_num(paths[:, i]))
        updated, by = _updated(paths[:, : i + 1], measured[: i + 1], errors[: i + 1])
        after = verdict(year, final, target, updated)
        left = last - year
        pace = 100 * (1 - ((100 - target) / (100 - measured[i])) ** (1 / left)) if left else float("nan")
        why = reasons(design, updated, province)
        found.append(
            {
                "year": year,
                "measured reduction %": float(measured[i]),
                "expected reduction %": expected,
                "chance before": before.chance,
                "chance after": after.chance,
                "reduction after %": after.reduction,
                "low %": after.low,
                "high %": after.high,
                "target %": target,
                "pace still needed %/yr": pace,
                "effective members": after.effective,
                "weighed by": by,
                "verdict": _sentence(before, after, float(measured[i]) - expected),
                "why": "; ".join(why) or "no assumption moved beyond noise: put down to the shock of the year",
            }
        )
        before, weights = after, updated
    return found


def _sentence(before: Verdict, after: Verdict, surprise: float) -> str:
    side = "ahead of" if surprise > 0 else "behind"
    change = 100 * (after.chance - before.chance)
    moved = f"{'rises' if change > 0 else 'falls'} from {100 * before.chance:.0f} to {100 * after.chance:.0f} %"
    steady = f"stays at {100 * after.chance:.0f} %"
    return (
        f"{after.year} was {abs(surprise):.1f} points {side} what was expected; the chance of {after.target:.1f} % "
        f"{moved if abs(change) >= 0.5 else steady}"
    )
