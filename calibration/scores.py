"""Scores of probabilistic forecasts, and the spread of the earlier errors of naive forecasts.

Lower is better for CRPS, MAE and Brier score. The CRPS of a point forecast is its MAE, so that any reasonable spread
improves it; naive forecasts therefore get an error distribution too.
"""

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]
LEVELS = (0.5, 0.8, 0.95)


def crps(sample: Values, truth: Values) -> Values:
    """Continuous ranked probability score by the fair estimator E|X − y| − ½ E|X − X'| (Ferro 2014).

    Args:
        sample: (member, case).
        truth: (case,), in the same unit.

    Returns:
        (case,), in the unit of the sample.

    >>> crps(np.array([[0.0], [2.0]]), np.array([1.0])).tolist()
    [0.0]
    """
    ordered = np.sort(sample, axis=0)
    n = len(ordered)
    rank = np.arange(1, n + 1)[:, None]
    spread = 2 * ((2 * rank - n - 1) * ordered).sum(0) / (n * (n - 1))
    return np.asarray(np.abs(sample - truth).mean(0) - 0.5 * spread)


def coverage(sample: Values, truth: Values, level: float) -> float:
    """Fraction of the outcomes inside the central band with the given probability.

    Args:
        sample: (member, case).
        truth: (case,).
        level: probability of the band, such as 0.8.
    """
    low, high = np.quantile(sample, [(1 - level) / 2, (1 + level) / 2], axis=0)
    return float(((truth >= low) & (truth <= high)).mean())


def pit(sample: Values, truth: Values) -> Values:
    """Probability integral transform of each outcome: uniform when the forecast is calibrated."""
    return np.asarray((sample < truth).mean(0) + 0.5 * (sample == truth).mean(0))


def theil(forecast: Values, truth: Values) -> dict[str, float]:
    """Theil's decomposition of the mean squared error: bias UM, unequal variation US, unequal covariation UC; the
    sum is 1.

    >>> theil(np.array([2.0, 3.0]), np.array([1.0, 2.0]))
    {'UM': 1.0, 'US': 0.0, 'UC': 0.0}
    """
    square = float(((forecast - truth) ** 2).mean())
    bias = float((forecast.mean() - truth.mean()) ** 2) / square
    variation = float((forecast.std() - truth.std()) ** 2) / square
    return {"UM": bias, "US": variation, "UC": 1 - bias - variation}


def paired(
    difference: Values, rng: np.random.Generator, level: float = 0.9, draws: int = 4000
) -> tuple[float, float, float]:
    """Mean of paired differences with its bootstrap interval over cases.

    The cases share national shocks. The interval is therefore too narrow for the nation's next plan; it describes how
    certain the difference is over these provinces in these years.

    Args:
        difference: (case,).
        rng: random generator.
        level: probability of the interval.
        draws: number of bootstrap samples.

    Returns:
        Mean, lower and upper end.
    """
    means = difference[rng.integers(0, difference.size, (draws, difference.size))].mean(1)
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return float(difference.mean()), float(low), float(high)


def brier(probability: Values, happened: NDArray[np.bool_]) -> float:
    """Brier score: mean squared error of probabilities."""
    return float(((probability - happened) ** 2).mean())


def scorecard(sample: Values, truth: Values, point: Values | None = None) -> dict[str, float]:
    """All scores of one forecast: n, crps, mae, bias, bias-corrected mae, coverage, PIT and Theil's decomposition.

    Args:
        sample: (member, case).
        truth: (case,).
        point: point forecast (case,) for mae, bias and Theil's decomposition; default: the median of the sample.
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
    """A naive forecast as a sample (member, case): its point forecast plus its earlier errors with either sign."""
    known = errors[np.isfinite(errors)]
    drawn = rng.choice(np.concatenate([known, -known]), (members, point.size))
    return np.asarray(point + drawn)
