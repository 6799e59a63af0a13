"""The scorecard: were the printed chances right?

For every origin the chance of meeting the official target is compared with the outcome, and the forecasts of all
quantities with the measured values. A verdict is softened by the error of its measurement: an outcome half a point
above its target was probably, but not certainly, met. Words such as "likely" are printed only while the verdict of
every scored plan has a better Brier and log score than the base rate and the 80 % bands hold as often as they should.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray
from scipy.stats import norm, rankdata

from calibration import forecast, inputs, ledger, naive, posterior, scores, tables
from calibration.forecast import Origin
from calibration.learning import SPANS, slope
from calibration.members import achieved

Values = NDArray[np.float64]
SOFT = 0.5
"""Standard deviation of the error of a measured reduction, percentage points."""
CHAINED = 1.5
"""The same where years of the chain are computed. Closer verdicts are undecided and scored separately."""
FROZEN = "frozen"
LEVELS = (0.5, 0.8, 0.9)
HELD = (0.7, 0.9)
"""Least and greatest fraction of provinces that an 80 % band should hold."""
BINS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
MODEL = "model"
PRO_RATA, WHOLE = "pro rata", "plan"
"""Names of the verdicts on the pace of the years of one vintage, and of those on the whole plan."""
FOLDER = posterior.PUBLISHED.parent
VERDICTS, QUANTITY_SCORES = FOLDER / "scorecard-verdicts.csv", FOLDER / "scorecard-quantities.csv"
DRAWS = 2000


@dataclass(frozen=True)
class Verdicts:
    """Targets and outcomes of one plan.

    Attributes:
        provinces: the cases.
        target: target reduction, per cent (case,).
        reduction: measured reduction, per cent (case,).
        met: probability that the target was met, given the error of the measurement (case,).
    """

    provinces: tuple[str, ...]
    target: Values
    reduction: Values
    met: Values


def met_probability(reduction: Values, target: Values) -> Values:
    """Probability that a target was met, given the measured reduction and its error (both in per cent)."""
    return np.asarray(norm.cdf((reduction - target) / SOFT))


def brier(chance: Values, met: Values) -> float:
    """Expected Brier score of chances against softened verdicts.

    >>> round(brier(np.array([0.8, 0.2]), np.array([1.0, 0.0])), 6)
    0.04
    """
    return float((met * (1 - chance) ** 2 + (1 - met) * chance**2).mean())


def log_score(chance: Values, met: Values, members: int = 1000) -> float:
    """Expected negative log score; a chance is never nearer to 0 or 1 than half a member."""
    safe = np.clip(chance, 0.5 / members, 1 - 0.5 / members)
    return float(-(met * np.log(safe) + (1 - met) * np.log1p(-safe)).mean())


def auc(chance: Values, met: NDArray[np.bool_]) -> float:
    """Area under the ROC curve: fraction of pairs in the right order; NaN when all outcomes are alike.

    >>> auc(np.array([0.9, 0.4, 0.6]), np.array([True, False, False]))
    1.0
    """
    ones = int(met.sum())
    if ones in (0, met.size):
        return float("nan")
    return float((rankdata(chance)[met].sum() - ones * (ones + 1) / 2) / (ones * (met.size - ones)))


def resampled(cases: int, seed: int = 1) -> NDArray[np.int_]:
    """Bootstrap samples of cases: (draw, case)."""
    return np.random.default_rng(seed).integers(0, cases, (DRAWS, cases))


def verdict_row(chance: Values, known: Verdicts) -> dict[str, float]:
    """Scores of one forecast's chances, with 90 % intervals from resampling provinces."""
    met, hard = known.met, known.reduction >= known.target
    base = float(met.mean())
    flat = np.full(met.size, base)
    areas = np.array([auc(chance[index], hard[index]) for index in resampled(met.size)])
    difference = (met * (1 - chance) ** 2 + (1 - met) * chance**2) - (met * (1 - flat) ** 2 + (1 - met) * flat**2)
    low, high = np.quantile(difference[resampled(met.size)].mean(1), [0.05, 0.95])
    row = {
        "n": float(met.size),
        "missed": float((~hard).sum()),
        "brier": brier(chance, met),
        "brier_base": brier(flat, met),
        "brier_minus_base_low": float(low),
        "brier_minus_base_high": float(high),
        "log": log_score(chance, met),
        "log_base": log_score(flat, met),
        "auc": auc(chance, hard),
    }
    row["auc_low"], row["auc_high"] = (float(v) for v in np.nanquantile(areas, [0.05, 0.95]))
    row["brier_skill"] = 1 - row["brier"] / row["brier_base"]
    row["given_80"] = float((chance >= 0.8).sum())
    row["given_80_met"] = float(hard[chance >= 0.8].sum())
    return row


def reliability(chance: Values, known: Verdicts) -> pd.DataFrame:
    """Reliability of the chances, one row per bin: low, high, n, mean chance, fraction met (softened)."""
    rows = []
    for low, high in pairwise(BINS):
        inside = (chance >= low) & ((chance < high) | (high == 1.0))
        part = float(known.met[inside].mean()) if inside.any() else float("nan")
        mean = float(chance[inside].mean()) if inside.any() else float("nan")
        rows.append((low, high, int(inside.sum()), mean, part))
    return pd.DataFrame(rows, columns=["low", "high", "n", "chance", "met"])


def pro_rata_verdicts(origin: Origin, baseline: xr.Dataset) -> tuple[Verdicts, tuple[int, int]]:
    """Pace over the years of one vintage against the part of the official target for these years, and first and last
    year.
    """
    span = SPANS[origin.last]
    provinces = [str(name) for name in baseline["province"].values]
    target = inputs.official_targets("energy", origin.plan)["target"].reindex(provinces).to_numpy(float)
    part = 100 * (1 - (1 - target / 100) ** ((span[1] - span[0]) / 5))
    series = baseline["energy_intensity"]
    first, last = (series.sel(year=year).to_numpy() for year in span)
    reduction = 100 * achieved(first, last)
    keep = np.isfinite(part) & np.isfinite(reduction)
    names = tuple(name for name, kept in zip(provinces, keep, strict=True) if kept)
    return Verdicts(names, part[keep], reduction[keep], met_probability(reduction[keep], part[keep])), span


def whole_plan_verdicts(origin: Origin, baseline: xr.Dataset) -> tuple[Verdicts, tuple[int, int]] | None:
    """Verdicts of the five-year plan: the reduction still needed at the origin, against the reduction reached after
    it.

    The 11th plan is measured; for the 12th, estimates of thirteen provinces are known. None for other plans.
    """
    provinces = [str(name) for name in baseline["province"].values]
    goal = inputs.official_targets("energy", origin.plan)["target"]
    if origin.plan == "11FYP":
        series = baseline["energy_intensity"].to_pandas().loc[provinces]
        before, after, start = series[origin.last], series[origin.end], series[origin.end - 5]
        needed = 100 * (1 - (1 - goal.reindex(provinces) / 100) * start / before)
        reduction = 100 * (1 - after / before)
    elif origin.plan == "12FYP":
        table = tables.read("outcomes")
        rows = table[table["variable"] == "energy_intensity_change_2010_2015_estimate"].drop_duplicates("province")
        reduction = -rows.set_index("province")["value"]
        needed = goal.reindex(reduction.index)
    else:
        return None
    both = pd.concat([needed, reduction], axis=1, keys=["needed", "reduction"]).dropna()
    limit, reached = both["needed"].to_numpy(float), both["reduction"].to_numpy(float)
    span = origin.last, origin.end
    return Verdicts(tuple(map(str, both.index)), limit, reached, met_probability(reached, limit)), span


def chances(sample: Values, provinces: list[str], known: Verdicts) -> Values:
    """Fraction of members whose reduction reaches the target: (case,).

    Args:
        sample: changes in per cent (member, province).
        provinces: names in the order of the sample.
        known: the verdicts.
    """
    index = [provinces.index(name) for name in known.provinces]
    return np.asarray((-sample[:, index] >= known.target).mean(0))


def verdict_table(
    origin: Origin, logs: xr.Dataset, baseline: xr.Dataset, cases: Mapping[str, tuple[Verdicts, tuple[int, int]]]
) -> pd.DataFrame:
    """Scores of the model and each naive rule, one row per set of verdicts and forecast."""
    provinces = [str(name) for name in logs["province"].values]
    rows = []
    for label, (known, span) in cases.items():
        change = forecast.change(logs, "energy_intensity", *span)
        samples = {MODEL: change.transpose("member", "province").to_numpy()}
        for rule in naive.RULES:
            made = naive.sample(rule, "energy_intensity", origin, span, baseline)
            samples |= {} if made is None else {rule: made}
        for name, sample in samples.items():
            usable = {"origin": origin.last, "plan": origin.plan, "verdicts": label, "forecast": name}
            rows.append(usable | verdict_row(chances(sample, provinces, known), known))
            index = [provinces.index(one) for one in known.provinces]
            middle = -np.median(sample[:, index], axis=0)
            rows[-1]["slope"], _ = slope(known.target, middle)
            rows[-1]["slope_measured"], rows[-1]["slope_error"] = slope(known.target, known.reduction)
            if name == MODEL:
                each = [slope(known.target, -draw[index])[0] for draw in sample]
                rows[-1]["slope_low"], rows[-1]["slope_high"] = np.quantile(each, [0.1, 0.9])
    return pd.DataFrame(rows)


def cases(origin: Origin, baseline: xr.Dataset) -> dict[str, tuple[Verdicts, tuple[int, int]]]:
    """The known verdicts of an origin's plan: name → verdicts, and first and last year."""
    found = {WHOLE: whole_plan_verdicts(origin, baseline)}
    if origin.last in SPANS:
        found[PRO_RATA] = pro_rata_verdicts(origin, baseline)
    return {name: known for name, known in found.items() if known is not None}


def tables_of(origin: Origin, logs: xr.Dataset, baseline: xr.Dataset) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Scores of one origin: table of verdicts and table of quantities."""
    verdicts = verdict_table(origin, logs, baseline, cases(origin, baseline))
    return verdicts, quantity_table(origin, logs, baseline)


def save(verdicts: pd.DataFrame, quantities: pd.DataFrame) -> None:
    """Write the published scorecard."""
    verdicts.round(4).to_csv(VERDICTS, index=False, lineterminator="\n")
    quantities.round(4).to_csv(QUANTITY_SCORES, index=False, lineterminator="\n")


def barometer_verdicts(period: str, variable: str) -> Verdicts:
    """The published warning lights of one date; every light that is not red counts as met.

    Red means slow progress within the year, not the verdict of the plan.
    """
    table = tables.read("barometer_full")
    rows = table[(table["period"] == period) & (table["variable"] == variable)].set_index("province")["value"]
    rows = rows[rows.index.isin(tables.provinces())]
    sign = np.where(rows.to_numpy() > 1, 1.0, -1.0)
    return Verdicts(tuple(map(str, rows.index)), np.zeros(sign.size), sign, (sign > 0).astype(float))


def reduction_verdicts(variable: str, plan: str) -> Verdicts:
    """Five-year reductions of a plan against its targets, softened by the error of the way each was measured."""
    table = tables.read("outcomes")
    rows = table[(table["variable"] == variable) & table["province"].isin(tables.provinces())]
    rows = rows.drop_duplicates("province").set_index("province")
    official = table[table["variable"] == variable.replace("chained", "official")].set_index("province")["value"]
    unfit = rows["flag"] == "check"
    reduction = -rows["value"].where(~unfit, official.reindex(rows.index))
    error = rows["flag"].map({"chain": CHAINED}).fillna(SOFT).to_numpy(float)
    goal = inputs.official_targets("energy", plan)["target"].reindex(rows.index)
    known = (reduction.notna() & goal.notna()).to_numpy()
    limit, value = goal.to_numpy(float)[known], reduction.to_numpy(float)[known]
    met = norm.cdf((value - limit) / error[known])
    return Verdicts(tuple(rows.index[known]), limit, value, np.asarray(met))


def frozen_cases(origin: Origin) -> dict[str, Verdicts]:
    """The verdicts against which the frozen forecasts of an origin are scored, by name."""
    if origin.plan == "12FYP":
        return {
            "frozen, official outcomes": reduction_verdicts("energy_intensity_change_2010_2015_official", origin.plan),
            FROZEN: barometer_verdicts("2015 January-October", "barometer_plan"),
        }
    if origin.plan == "13FYP":
        return {FROZEN: reduction_verdicts("energy_intensity_change_2015_2020_chained", origin.plan)}
    return {}


def frozen_table(origin: Origin) -> pd.DataFrame:
    """Scores of an origin's frozen files as committed, one row per set of verdicts and file."""
    rows: list[dict[str, object]] = []
    files = {MODEL: "", "model with the list of projects (not blind)": "-projects"}
    files |= {rule: f"-naive-{rule}" for rule in naive.RULES}
    for label, known in frozen_cases(origin).items():
        for name, ending in files.items():
            made = pd.read_csv(ledger.FOLDER / f"{ledger.stem(origin)}{ending}.csv")
            made = made[(made["quantity"] == "energy_intensity") & (made["to"] == origin.end)].set_index("province")
            rows_of = made.loc[list(known.provinces)]
            head = {"origin": origin.last, "plan": origin.plan, "verdicts": label, "forecast": name}
            row = head | verdict_row(rows_of["chance"].to_numpy(float), known)
            if known.target.any():
                error = rows_of["q50"].to_numpy(float) + known.reduction
                inside = (rows_of["q10"] <= -known.reduction) & (-known.reduction <= rows_of["q90"])
                row |= {"mae": float(np.abs(error).mean()), "bias": float(error.mean())}
                row["coverage_80"] = float(inside.mean())
                row["slope"] = slope(known.target, -rows_of["q50"].to_numpy(float))[0]
                row["slope_measured"], row["slope_error"] = slope(known.target, known.reduction)
                clear = np.abs(known.reduction - known.target) >= CHAINED
                row["undecided"] = float((~clear).sum())
                row["brier_decided"] = brier(rows_of["chance"].to_numpy(float)[clear], known.met[clear])
            rows.append(row)
    return pd.DataFrame(rows)


def score_spans(origin: Origin) -> dict[str, list[tuple[int, int]]]:
    """Quantity → spans of years of one vintage after the origin that the tables measure."""
    last, end = origin.last, min(origin.end, 2015)
    whole = [(last, end)]
    late = [(2013, 2015)] if origin.last == 2010 else whole
    return {"energy_intensity": late, "co2_intensity": late, "energy": late, "co2": late, "gdp": whole}


def quantity_table(origin: Origin, logs: xr.Dataset, baseline: xr.Dataset) -> pd.DataFrame:
    """Scores of the quantities over provinces (n, mae, bias, crps, coverage), one row per quantity, span and
    forecast.

    The model's rows also hold the measured change of the nation and its quantiles.
    """
    happened = forecast.measured(baseline)
    rows = []
    for quantity, spans in score_spans(origin).items():
        for span in spans:
            truth = 100 * np.expm1(
                (happened[quantity].sel(year=span[1]) - happened[quantity].sel(year=span[0])).to_numpy()
            )
            samples = {MODEL: forecast.change(logs, quantity, *span).transpose("member", "province").to_numpy()}
            bare: dict[str, Values] = {}
            for rule in naive.RULES:
                made = naive.point_forecast(rule, quantity, origin, span, baseline)
                bare |= {} if made is None else {rule: made}
            for name, sample in samples.items():
                rows.append(
                    {"origin": origin.last, "quantity": quantity, "span": f"{span[0]}-{span[1]}", "forecast": name}
                    | _quantity_scores(sample, truth)
                )
            for name, point in bare.items():
                known = np.isfinite(truth[:-1]) & np.isfinite(point[:-1])
                error = (point - truth)[:-1][known]
                row = {
                    "n": float(known.sum()),
                    "mae": float(np.abs(error).mean()),
                    "bias": float(error.mean()),
                    "crps": float(np.abs(error).mean()),
                }
                rows.append(
                    {"origin": origin.last, "quantity": quantity, "span": f"{span[0]}-{span[1]}", "forecast": name}
                    | row
                )
    return pd.DataFrame(rows)


def _quantity_scores(sample: Values, truth: Values) -> dict[str, float]:
    known = np.isfinite(truth[:-1])
    own, happened = sample[:, :-1][:, known], truth[:-1][known]
    error = np.median(own, axis=0) - happened
    bands = {f"coverage_{round(100 * level)}": scores.coverage(own, happened, level) for level in LEVELS}
    low, q25, middle, q75, high = np.quantile(sample[:, -1], [0.1, 0.25, 0.5, 0.75, 0.9])
    nation = {
        "nation": float(truth[-1]),
        "nation_low": low,
        "nation_25": q25,
        "nation_median": middle,
        "nation_75": q75,
        "nation_high": high,
    }
    return {
        "n": float(known.sum()),
        "mae": float(np.abs(error).mean()),
        "bias": float(error.mean()),
        "crps": float(scores.crps(own, happened).mean()),
        **bands,
        **nation,
    }


def published() -> pd.DataFrame | None:
    """The published verdicts of all scored plans, one row per set of verdicts and forecast; None where there are
    none.
    """
    return pd.read_csv(VERDICTS) if VERDICTS.exists() else None


def published_passed() -> bool:
    """Whether the published scores allow words."""
    verdicts = published()
    return verdicts is not None and passed(verdicts, pd.read_csv(QUANTITY_SCORES))


def passed(verdicts: pd.DataFrame, quantities: pd.DataFrame) -> bool:
    """Whether words may be printed: every scored plan beats the base rate in both scores, and the pooled 80 % bands
    hold.
    """
    model = verdicts[verdicts["forecast"] == MODEL]
    better = (model["brier"] < model["brier_base"]) & (model["log"] < model["log_base"])
    own = quantities[(quantities["forecast"] == MODEL) & (quantities["quantity"] == "energy_intensity")]
    held = float(np.average(own["coverage_80"], weights=own["n"]))
    return bool(better.all()) and HELD[0] <= held <= HELD[1]
