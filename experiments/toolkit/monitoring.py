"""Monitoring: measured years of single indicators, each against its own path, and the chance that follows.

Every quantity has a path of its own: the run's members under the group's mix. A measured figure is compared with that
path (off it when it lies more than OFF standard deviations from the members' mean, their spread and the error of
measurement together), and each year the members are weighed by all cumulated figures to that year, so that a change
of the chance can be attributed to single indicators. A sector's path carries the predictive error of the
province's whole energy, not one of its own: a small deviation of a sector may be less than it looks.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from experiments.installation import Installation
from experiments.runs.store import Run
from experiments.toolkit import sheets
from experiments.toolkit.evidence import (
    Finals,
    Scenario,
    TooFewError,
    agreeing,
    effective,
    paths,
    quantile,
    reasons,
    scenario,
)
from experiments.toolkit.sheets import Folder
from models.reading.faults import InputError
from models.reading.names import choose

Array = NDArray[np.float64]
Series = Callable[[xr.Dataset], xr.DataArray]
OFF = 1.645
"""Standard deviations beyond which a figure is off its path: five per cent of figures on either side by accident."""
INDUSTRY = ("heavy industry", "light industry", "industry")
HOUSEHOLDS = ("residential",)


@dataclass(frozen=True)
class Quantity:
    """A monitored quantity.

    outputs: of the model. level: (member, year) from them. is_share: the level itself is measured, in per cent; else
    its change over the year. better: which side of the path helps the targets.
    """

    outputs: tuple[str, ...]
    level: Series
    is_share: bool = False
    better: str = "below"


def _sectors(found: xr.Dataset, among: tuple[str, ...], inside: bool = True) -> xr.DataArray:
    names = [str(name) for name in found["sector"].to_numpy() if (str(name) in among) == inside]
    return found["final energy"].sel(sector=names).sum("sector")


QUANTITIES: Mapping[str, Quantity] = {
    "energy intensity change": Quantity(("reported energy intensity",), lambda f: f["reported energy intensity"]),
    "industry energy intensity change": Quantity(
        ("final energy", "secondary value added"), lambda f: _sectors(f, INDUSTRY) / f["secondary value added"]
    ),
    "residential energy per head change": Quantity(
        ("final energy", "population"), lambda f: _sectors(f, HOUSEHOLDS) / f["population"]
    ),
    "other energy growth": Quantity(("final energy",), lambda f: _sectors(f, INDUSTRY + HOUSEHOLDS, inside=False)),
    "gdp growth": Quantity(("gdp",), lambda f: f["gdp"], better="above"),
    "co2 growth": Quantity(("energy co2",), lambda f: f["energy co2"]),
    "non-fossil share of energy": Quantity(
        ("nonfossil share of primary energy",),
        lambda f: f["nonfossil share of primary energy"],
        is_share=True,
        better="above",
    ),
}
"""How the model gives each quantity of `sheets.MONITORED`."""


def append(work: Folder, year: int, quantity: str, value: float, error: float | None = None, source: str = "") -> None:
    """Append a measured figure to 9-monitoring.csv.

    Raises InputError for an unknown quantity, and when the year is there or leaves a gap.
    """
    quantity = choose(quantity, list(QUANTITIES), "quantity")
    faults: list[str] = []
    path = work.sheet("9-monitoring.csv")
    known = sheets.read(path, sheets.MONITORING, faults)
    if faults:
        raise InputError(faults)
    years = sorted(known.loc[known["quantity"] == quantity, "year"].astype(int))
    wanted = years[-1] + 1 if years else work.plan.base_year + 1
    if year != wanted:
        raise InputError(
            f"{quantity}: the next year to monitor is {wanted}, got {year}; correct earlier years in 9-monitoring.csv"
        )
    unit = sheets.MONITORED[quantity]
    row = {"year": year, "quantity": quantity, "value": value, "unit": unit, "error": error, "source": source}
    grown = pd.concat([known, pd.DataFrame([row])], ignore_index=True) if len(known) else pd.DataFrame([row])
    grown["year"] = grown["year"].astype(int)
    sheets.write(path, grown)


@dataclass(frozen=True)
class Watch:
    """The measured figures of a folder beside the paths of a run.

    years: monitored. yearly, cumulated: quantity → (member, year) in the unit of the sheet, per year and since the base
    year (of a share both are the share). measured, errors: quantity → figures of its years.
    """

    years: list[int]
    yearly: Mapping[str, Array]
    cumulated: Mapping[str, Array]
    measured: Mapping[str, Array]
    errors: Mapping[str, Array]
    rows: pd.DataFrame

    def figures(self, year: int, only: str = "") -> tuple[Array, Array, Array]:
        """Members' and measured cumulated figures to a year, with errors: (member, quantity), (quantity,) twice."""
        modelled, measured, errors = [], [], []
        for name, values in self.measured.items():
            count = min(year - self.years[0] + 1, len(values))
            if count < 1 or (only and name != only):
                continue
            share = QUANTITIES[name].is_share
            modelled.append(self.cumulated[name][:, count - 1])
            whole = 100 * (np.prod(1 + values[:count] / 100) - 1)
            measured.append(values[count - 1] if share else whole)
            errors.append(self.errors[name][count - 1] * (1 if share else np.sqrt(count)))
        return np.stack(modelled, axis=1), np.array(measured), np.array(errors)


def watch(work: Folder, run: Run, system: Installation, at: Scenario) -> Watch:
    """The measured figures and the paths that they are compared with. Raises InputError for faults of the sheet."""
    faults: list[str] = []
    rows = sheets.read(work.sheet("9-monitoring.csv"), sheets.MONITORING, faults).sort_values(["year", "quantity"])
    if faults or rows.empty:
        raise InputError(
            faults or "9-monitoring.csv is empty; add a figure: tanlu toolkit monitor FOLDER --year --value"
        )
    base, last = run.study.target.period.span
    years = list(range(base + 1, int(rows["year"].max()) + 1))
    for name, own in rows.groupby("quantity"):
        given = own["year"].astype(int).to_list()
        if given != years[: len(given)] or given[-1] > last:
            raise InputError(f"9-monitoring.csv: {name}: years must follow each other from {base + 1}, got {given}")
    names = list(dict.fromkeys(rows["quantity"]))
    wanted = [output for name in names for output in QUANTITIES[name].outputs]
    found = paths(run, system, at, wanted, [base, *years])
    yearly, cumulated, measured, errors = {}, {}, {}, {}
    for name in names:
        one = QUANTITIES[name]
        level = one.level(found).transpose("member", "year").to_numpy()
        if one.is_share:
            yearly[name] = cumulated[name] = 100 * level[:, 1:]
        else:
            yearly[name] = 100 * (level[:, 1:] / level[:, :-1] - 1)
            cumulated[name] = 100 * (level[:, 1:] / level[:, :1] - 1)
        own = rows[rows["quantity"] == name]
        measured[name] = own["value"].to_numpy(float)
        errors[name] = own["error"].fillna(work.settings.measurement_error).to_numpy(float)
    return Watch(years, yearly, cumulated, measured, errors, rows)


def monitor(
    folder: str | Path, run: Run, system: Installation, mix: str = "", allocation: str = ""
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The chance before and after each measured year with the reasons, and every indicator against its own path.

    Args:
        folder: a working folder.
        run: whose members are weighed.
        system: the installation that simulates them.
        mix: of the run; default: the group's own.
        allocation: of the run; default: its first.

    Returns:
        two tables, also written to verdicts.csv (one row per year) and paths.csv (one row per year and indicator).

    Raises:
        InputError: sheets that cannot be read, or a run that lacks the mix.
        TooFewError: the ensemble no longer holds what was measured.
    """
    work = Folder.open(folder)
    at = scenario(run, work.settings.province, mix, allocation)
    seen, finals = watch(work, run, system, at), Finals.of(run, at)
    head = {"mix": at.mix, "allocation": at.allocation, "province": at.province, "run": run.name}
    beside = path_table(seen, finals)
    sheets.write(work.sheet("paths.csv"), beside.assign(**head))  # also present where no chance can be given
    verdicts = _verdicts(seen, finals, run, beside, at.province).assign(**head)
    sheets.write(work.sheet("verdicts.csv"), verdicts)
    return verdicts, beside


def path_table(seen: Watch, finals: Finals) -> pd.DataFrame:
    """One row per measured figure: expected value with 80 % range, deviation, whether on its path, chance by it alone.

    `deviations` is the distance from the members' mean in standard deviations of their spread and the error together;
    `chance by it alone` weighs the members by this indicator's cumulated figure and nothing else.
    """
    found = []
    for row in seen.rows.to_dict("records"):
        name, year = str(row["quantity"]), int(row["year"])
        i = year - seen.years[0]
        values = seen.yearly[name][:, i]
        values = values[np.isfinite(values)]
        low, middle, high = (float(v) for v in np.quantile(values, (0.1, 0.5, 0.9)))
        error = float(seen.errors[name][i])
        distance = (row["value"] - values.mean()) / np.hypot(values.std(), error)
        side = "above" if distance > 0 else "below"
        off = abs(distance) > OFF
        helps = side == QUANTITIES[name].better
        chance: float | str = ""
        try:
            chance = finals.chance(agreeing(*seen.figures(year, name))[0])
        except TooFewError:
            chance = np.nan
        state = "on its path" if not off else f"off its path, {side} it: {'helps' if helps else 'harms'}"
        found.append(
            {
                "year": year,
                "quantity": name,
                "unit": sheets.MONITORED[name],
                "measured": row["value"],
                "error": error,
                "expected": middle,
                "low": low,
                "high": high,
                "deviations": distance,
                "state": state,
                "chance by it alone": chance,
                "source": row["source"],
            }
        )
    return pd.DataFrame(found)


def _verdicts(seen: Watch, finals: Finals, run: Run, beside: pd.DataFrame, province: str) -> pd.DataFrame:
    """One row per measured year, each against the state before it."""
    weights, design, rows = finals.equal, run.design(), []
    for year in seen.years:
        updated, factor = agreeing(*seen.figures(year))
        before, after = finals.chance(weights), finals.chance(updated)
        low, middle, high = quantile(np.where(updated > 0, finals.achieved[:, 0], 0.0), updated)
        off = beside[(beside["year"] == year) & beside["state"].str.startswith("off")]
        why = reasons(design, updated, province)
        own = finals.chances(updated)
        rows.append(
            {
                "year": year,
                "chance before": before,
                "chance after": after,
                **{f"chance after: {name}": value for name, value in own.items()},
                "achieved after %": middle,
                "low %": low,
                "high %": high,
                "target %": float(finals.targets[0]),
                "effective members": effective(updated),
                "errors widened by": factor,
                "off path": "; ".join(off["quantity"]) or "none",
                "verdict": _sentence(year, before, after, list(off["quantity"]), len(finals.names)),
                "why": "; ".join(why) or "no assumption moved beyond noise: put down to the shock of the year",
            }
        )
        weights = updated
    return pd.DataFrame(rows)


def _sentence(year: int, before: float, after: float, off: list[str], targets: int) -> str:
    change = 100 * (after - before)
    what = "all targets" if targets > 1 else "the target"
    moved = f"{'rises' if change > 0 else 'falls'} from {100 * before:.0f} to {100 * after:.0f} %"
    steady = f"stays at {100 * after:.0f} %"
    which = f"off its path: {', '.join(off)}" if off else "every indicator is on its path"
    return f"{year}: the chance of {what} {moved if abs(change) >= 0.5 else steady}; {which}"
