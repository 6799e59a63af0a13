"""Hindcast: does the model foresee the years after those it was fitted to?

There are two origins. The structure of the model was chosen on the first alone, which is fitted to 2005-2007 and scored
on 2008-2010. The second is fitted to 2005-2010 and scored on 2011-2015; it is only reported, and every evaluation is
logged in `evaluation_log.csv`. The authors of the model knew the outcomes, so that this is a pseudo-out-of-sample test.

Each target is the change of one measured series between two years of one vintage. Every naive forecast carries the
errors that it made five years before. The opponent was chosen beforehand: the trend of the previous plan.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from calibration import forecast as forecasts
from calibration import inputs, posterior, scores, tables
from calibration.forecast import ORIGINS, Options
from calibration.inputs import PLANS, exp, log
from calibration.members import pooled
from calibration.places import NATION
from calibration.scores import Values

MODEL = "model"
OPPONENT = "trend of the previous plan"
EVALUATION_LOG = Path(__file__).with_name("evaluation_log.csv")
PLAN = 5
SERIES = {"energy intensity": "energy_intensity", "gdp": "gdp", "co2": "co2_energy"}
SHORT = {"energy intensity": "energy_intensity", "gdp": "gdp", "co2": "co2"}
TITLES = {"energy intensity": "energy intensity", "gdp": "GDP", "co2": "CO2"}
RED = "January-October 2015"


@dataclass(frozen=True)
class ForecastTarget:
    """The change of `series` from `start` to `end` in per cent; both years belong to one vintage."""

    series: str
    start: int
    end: int

    @property
    def name(self) -> str:
        """Series and years in words."""
        return f"{TITLES[self.series]} {self.start}-{self.end}"


@dataclass(frozen=True)
class Origin:
    """A posterior fitted up to the year `last` and the targets after that year."""

    last: int
    targets: tuple[ForecastTarget, ...]
    posterior: Path

    @property
    def end(self) -> int:
        """Last year simulated."""
        return max(target.end for target in self.targets)


FIRST = Origin(
    2007,
    (
        ForecastTarget("energy intensity", 2007, 2010),
        ForecastTarget("energy intensity", 2008, 2010),
        ForecastTarget("gdp", 2007, 2010),
        ForecastTarget("co2", 2007, 2010),
    ),
    posterior.PUBLISHED.with_name("posterior-2007.nc"),
)
SECOND = Origin(
    2010,
    (
        ForecastTarget("energy intensity", 2013, 2015),
        ForecastTarget("gdp", 2010, 2015),
        ForecastTarget("co2", 2010, 2012),
        ForecastTarget("co2", 2013, 2015),
    ),
    posterior.PUBLISHED,
)


@dataclass(frozen=True)
class Forecast:
    """Logarithms of energy intensity, GDP and CO2 with the shocks of the error model, each (member, province, year).

    Intensity and CO2 share their shocks.
    """

    logs: Mapping[str, xr.DataArray] = field(repr=False)

    def change(self, target: ForecastTarget) -> Values:
        """Change of a target's series in per cent: (member, province)."""
        series = self.logs[target.series].transpose("member", "province", "year")
        return to_percent(series.sel(year=target.end).values - series.sel(year=target.start).values)

    def national(self, start: int, end: int) -> Values:
        """Change of the energy intensity of the sum of provinces between two years, per cent: (member,)."""
        gdp = exp(self.logs["gdp"])
        intensity = pooled(exp(self.logs["energy intensity"]) * gdp, gdp)
        return np.asarray(100 * (intensity.sel(year=end) / intensity.sel(year=start) - 1).values)


def to_percent(change: Values) -> Values:
    """Convert a change of a logarithm to per cent."""
    return np.asarray(100 * np.expm1(change))


def forecast(
    origin: Origin,
    baseline: xr.Dataset,
    policy: Mapping[str, xr.DataArray],
    *,
    measured_gdp: bool,
    members: int,
    seed: int,
) -> Forecast:
    """Simulate members of the origin's posterior up to its last target, with the errors of the model.

    Args:
        origin: the posterior and its targets.
        baseline: measured series.
        policy: parameters of the model, over a dimension `member` where they are uncertain.
        measured_gdp: use the measured GDP instead of the model's.
        members: number of members.
        seed: seed of the draws and errors.

    Returns:
        The forecast of the provinces.
    """
    plan = next(one.plan for one in ORIGINS if one.last == origin.last)
    options = Options(members, seed, policy, measured_gdp)
    asked = forecasts.Origin(origin.last, origin.end, plan)
    logs = forecasts.run(asked, baseline, options, posterior.load(origin.posterior)).drop_sel(province=NATION)
    return Forecast({name: logs[SHORT[name]] for name in SERIES})


def naive_forecasts(
    target: ForecastTarget, origin: Origin, baseline: xr.Dataset, *, back: int = 0
) -> dict[str, Values]:
    """Naive point forecasts in per cent by name, each (province,), as if made `back` years earlier."""
    series = log(baseline[SERIES[target.series]]).transpose("province", "year")
    last, span = origin.last - back, target.end - target.start

    def pace(first: int, until: int) -> Values:
        first = max(first, int(series["year"][0]))
        return np.asarray((series.sel(year=until) - series.sel(year=first)).values / (until - first))

    made = {
        "last value": np.zeros(series.sizes["province"]),
        "constant growth": pace(last - 1, last) * span,
        OPPONENT: pace(last - PLAN, last) * span,
    }
    if target.series == "energy intensity" and not back:
        plan = next(name for name, label in PLANS.items() if label == ("11FYP" if origin.last < 2010 else "12FYP"))
        targets = inputs.target_reduction().sel(plan=plan).values
        made["target pace"] = np.log1p(-targets) * span / PLAN
    return {name: to_percent(value) for name, value in made.items()}


def naive_errors(target: ForecastTarget, origin: Origin, baseline: xr.Dataset) -> dict[str, Values]:
    """Errors of the naive forecasts five years before, percentage points (province,); the target pace has the
    opponent's.
    """
    earlier = ForecastTarget(target.series, target.start - PLAN, target.end - PLAN)
    happened = measured_change(earlier, baseline)
    made = {name: point - happened for name, point in naive_forecasts(earlier, origin, baseline, back=PLAN).items()}
    return made | {"target pace": made[OPPONENT]}


def measured_change(target: ForecastTarget, baseline: xr.Dataset) -> Values:
    """The measured change in per cent: (province,)."""
    series = log(baseline[SERIES[target.series]])
    return to_percent((series.sel(year=target.end) - series.sel(year=target.start)).values)


def score(origin: Origin, baseline: xr.Dataset, made: Forecast, label: str, seed: int) -> pd.DataFrame:
    """Scores of the model and of the naive forecasts, one row per target and forecast.

    Each row also holds the model's paired difference from that forecast. The model's mae is that of its median; a naive
    forecast's is that of its single number, because the median of draws around that number depends on how many there
    are. When measured GDP is supplied, GDP is not a target.
    """
    rng = np.random.default_rng([seed, 3])
    rows = []
    for target in origin.targets:
        if target.series == "gdp" and label != MODEL:
            continue
        happened = measured_change(target, baseline)
        samples = {MODEL: made.change(target)}
        errors = naive_errors(target, origin, baseline)
        points = naive_forecasts(target, origin, baseline)
        for name, point in points.items():
            samples[name] = scores.with_errors(point, errors[name], rng, len(samples[MODEL]))
        points[MODEL] = np.median(samples[MODEL], axis=0)
        known = np.isfinite(happened) & np.all([np.isfinite(sample).all(0) for sample in samples.values()], axis=0)
        happened = happened[known]
        cases = {name: (sample[:, known], points[name][known]) for name, sample in samples.items()}
        for name, case in cases.items():
            row: dict[str, object] = {"question": target.name, "run": label, "forecast": name}
            row |= scores.scorecard(case[0], happened, case[1])
            rows.append(row | _paired_differences(cases[MODEL], case, happened, rng))
    return pd.DataFrame(rows)


SampleAndPoint = tuple[Values, Values]
"""A forecast: its sample (member, case) and its point forecast (case,)."""


def _paired_differences(
    model: SampleAndPoint, other: SampleAndPoint, happened: Values, rng: np.random.Generator
) -> dict[str, float]:
    """The model's score less the other's, paired over provinces, with 90 % intervals; negative means the model is
    better.
    """
    differences = {
        "delta_crps": scores.crps(model[0], happened) - scores.crps(other[0], happened),
        "delta_mae": np.abs(model[1] - happened) - np.abs(other[1] - happened),
    }
    return {
        f"{name}{suffix}": value
        for name, difference in differences.items()
        for suffix, value in zip(("", "_low", "_high"), scores.paired(difference, rng), strict=True)
    }


def single_years(made: Forecast, baseline: xr.Dataset, origin: Origin) -> tuple[Values, Values]:
    """Official changes of single years after the origin: forecast samples (member, case) and outcomes (case,), per
    cent.
    """
    table = tables.read("outcomes")
    table = table[(table.variable == "energy_intensity_change_official") & (table.period.str.fullmatch(r"\d{4}"))]
    rows = table[table.period.astype(int).between(origin.last + 1, origin.end)]
    provinces = list(baseline["province"].values)
    rows = rows[rows.province.isin(provinces)]
    sample = np.stack(
        [
            made.change(ForecastTarget("energy intensity", int(year) - 1, int(year)))[:, provinces.index(province)]
            for province, year in zip(rows.province, rows.period, strict=True)
        ],
        axis=1,
    )
    return sample, rows["value"].to_numpy(dtype=float)


def red_list(made: Forecast, baseline: xr.Dataset) -> dict[str, float]:
    """Brier score of "red": less than nine tenths of the plan's target reached in 2015, against the list of that
    year.

    The list judges progress within the year and not the verdict of the plan; the output states that the two differ.
    """
    table = tables.read("barometer")
    names = [str(name) for name in baseline["province"].values]
    happened = np.isin(names, table[table.period == RED].province)
    reduction = -made.change(ForecastTarget("energy intensity", 2010, 2015))
    target = 100 * inputs.target_reduction().sel(plan="p12", province=names).values
    chance = (reduction < 0.9 * target).mean(0)
    rate = float(happened.mean())
    return {
        "n": float(len(names)),
        "red": float(happened.sum()),
        "brier": scores.brier(chance, happened),
        "base_rate_brier": rate * (1 - rate),
    }


def run(
    origin: Origin, baseline: xr.Dataset, policy: Mapping[str, xr.DataArray], *, members: int = 1000, seed: int = 1,
    progress: Callable[[str], None] = lambda text: None,
) -> dict[str, object]:  # fmt: skip
    """Score one origin.

    Args:
        origin: the posterior and its targets.
        baseline: measured series.
        policy: parameters of the model that describe the policy of the time.
        members: number of members.
        seed: seed of the draws and errors.
        progress: called with a sentence before each forecast.

    Returns:
        `scores` (table), `nation`, and `medians` and `bands_80` of the first target by province in per cent; for the
        second origin also `single_years`, `red_list` and `looks`, the number of logged evaluations.
    """
    made = {}
    for label, measured_gdp in ((MODEL, False), (f"{MODEL}, measured GDP", True)):
        progress(f"origin {origin.last}: {label}, {members} members")
        made[label] = forecast(origin, baseline, policy, measured_gdp=measured_gdp, members=members, seed=seed)
    table = pd.concat([score(origin, baseline, item, label, seed) for label, item in made.items()], ignore_index=True)
    endogenous = made[MODEL]
    main = origin.targets[0]
    names = [str(name) for name in baseline["province"].values]
    low, median, high = np.quantile(endogenous.change(main), [0.1, 0.5, 0.9], axis=0)
    found: dict[str, object] = {
        "origin": origin.last,
        "opponent": OPPONENT,
        "members": members,
        "seed": seed,
        "scores": table,
        "nation": national_change(endogenous, baseline, main),
        "medians": dict(zip(names, median.tolist(), strict=True)),
        "bands_80": dict(zip(names, np.stack([low, high], axis=1).tolist(), strict=True)),
    }
    if origin is SECOND:
        sample, happened = single_years(endogenous, baseline, origin)
        found["single_years"] = scores.scorecard(sample, happened)
        found["red_list"] = red_list(endogenous, baseline)
        found["looks"] = len(pd.read_csv(EVALUATION_LOG))
    return found


def national_change(made: Forecast, baseline: xr.Dataset, target: ForecastTarget) -> dict[str, float]:
    """Energy intensity of the sum of provinces: measured change, median and 80 % band of the model, per cent."""
    intensity = pooled(baseline["energy_intensity"] * baseline["gdp"], baseline["gdp"])
    sample = made.national(target.start, target.end)
    low, median, high = np.quantile(sample, [0.1, 0.5, 0.9])
    happened = float(100 * (intensity.sel(year=target.end) / intensity.sel(year=target.start) - 1))
    inside = {"inside": float(low <= happened <= high)}
    return {"measured": happened, "median": float(median), "low_80": float(low), "high_80": float(high)} | inside
