"""Scores of probabilistic forecasts, and the spread of the errors that naive forecasts made before.

Lower is better for CRPS, MAE and Brier. A point forecast's CRPS is its MAE, so any spread beats it: naive forecasts
get an error distribution of their own.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Values = NDArray[np.float64]
LEVELS = (0.5, 0.8, 0.95)


def crps(sample: Values, truth: Values) -> Values:
    """Continuous ranked probability score of samples (member, case) at truths (case,): (case,).

    Fair estimator E|X − y| − ½ E|X − X'| over distinct members (Ferro 2014).
    """
    ordered = np.sort(sample, axis=0)
    n = len(ordered)
    rank = np.arange(1, n + 1)[:, None]
    spread = 2 * ((2 * rank - n - 1) * ordered).sum(0) / (n * (n - 1))
    return np.asarray(np.abs(sample - truth).mean(0) - 0.5 * spread)


def coverage(sample: Values, truth: Values, level: float) -> float:
    """Part of the truths inside the central band of the level."""
    low, high = np.quantile(sample, [(1 - level) / 2, (1 + level) / 2], axis=0)
    return float(((truth >= low) & (truth <= high)).mean())


def pit(sample: Values, truth: Values) -> Values:
    """Probability integral transform of each truth: uniform when the forecast is calibrated."""
    return np.asarray((sample < truth).mean(0) + 0.5 * (sample == truth).mean(0))


def theil(forecast: Values, truth: Values) -> dict[str, float]:
    """Theil's split of the mean squared error: bias UM, unequal variation US, unequal covariation UC; they add to 1."""
    square = float(((forecast - truth) ** 2).mean())
    bias = float((forecast.mean() - truth.mean()) ** 2) / square
    variation = float((forecast.std() - truth.std()) ** 2) / square
    return {"UM": bias, "US": variation, "UC": 1 - bias - variation}


def paired(
    difference: Values, rng: np.random.Generator, level: float = 0.9, draws: int = 4000
) -> tuple[float, float, float]:
    """Mean of paired differences with its bootstrap interval over cases: (mean, low, high).

    The cases share national shocks, so that the interval is too narrow for the nation's next plan; it says how sure the
    difference is over these provinces in these years.
    """
    means = difference[rng.integers(0, difference.size, (draws, difference.size))].mean(1)
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return float(difference.mean()), float(low), float(high)


def brier(probability: Values, happened: NDArray[np.bool_]) -> float:
    """Mean squared error of a probability."""
    return float(((probability - happened) ** 2).mean())


def scorecard(sample: Values, truth: Values, point: Values | None = None) -> dict[str, float]:
    """All scores of one forecast: n, crps, mae, bias, bias-corrected mae, coverage, PIT, Theil.

    point: (case,) the forecast as one number, of which mae, bias and Theil's split are; default: the sample's median.
    """
    point = np.median(sample, axis=0) if point is None else point
    error = point - truth
    bands = {f"coverage_{round(100 * level)}": coverage(sample, truth, level) for level in LEVELS}
    low, middle, high = np.quantile(pit(sample, truth), [0.25, 0.5, 0.75])
    return {
        "n": float(truth.size),
        "crps": float(crps(sample, truth).mean()),
        "mae": float(np.abs(error).mean()),
        "bias": float(error.mean()),
        "mae_bias_corrected": float(np.abs(error - error.mean()).mean()),
        **bands,
        "pit_quartile_1": float(low),
        "pit_median": float(middle),
        "pit_quartile_3": float(high),
        **(theil(point, truth) if truth.size > 1 else {}),
    }


def with_errors(point: Values, errors: Values, rng: np.random.Generator, members: int) -> Values:
    """A naive forecast as a sample (member, case): its point plus errors of either sign that it made before."""
    known = errors[np.isfinite(errors)]
    drawn = rng.choice(np.concatenate([known, -known]), (members, point.size))
    return np.asarray(point + drawn)


def scorecard_table(cards: Sequence[tuple[str, dict[str, float]]]) -> pd.DataFrame:
    """Cards as one table, a row a forecast."""
    return pd.DataFrame([{"forecast": name, **values} for name, values in cards])
