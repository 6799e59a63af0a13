"""Intervals of a chance estimated from members, and the words that they allow."""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

Array = NDArray[np.float64]

IPCC = (
    (0.99, 1.0, "virtually certain"),
    (0.90, 1.0, "very likely"),
    (0.66, 1.0, "likely"),
    (0.33, 0.66, "about as likely as not"),
    (0.0, 0.33, "unlikely"),
    (0.0, 0.10, "very unlikely"),
    (0.0, 0.01, "exceptionally unlikely"),
)
"""Calibrated language (Mastrandrea et al. 2010, IPCC AR5 guidance note, table 1): low, high, word."""


def wilson(hits: ArrayLike, n: ArrayLike, level: float = 0.95) -> tuple[Array, Array]:
    """Wilson (1927) score interval of a proportion: hits of n, elementwise; NaN where n is 0."""
    k, m = np.asarray(hits, dtype=float), np.asarray(n, dtype=float)
    z = stats.norm.ppf(0.5 + level / 2)
    with np.errstate(invalid="ignore", divide="ignore"):
        p = k / m
        centre = (p + z**2 / (2 * m)) / (1 + z**2 / m)
        half = z / (1 + z**2 / m) * np.sqrt(p * (1 - p) / m + z**2 / (4 * m**2))
    low, high = centre - half, centre + half
    return np.where(k == 0, np.where(m > 0, 0.0, np.nan), low), np.where(k == m, np.where(m > 0, 1.0, np.nan), high)


def words(low: float, high: float, trusted: bool) -> str:
    """The narrowest calibrated word whose class holds the whole interval, else "model-conditional".

    trusted: the hold-out test was passed; without it no calibrated word is given, whatever the interval.
    """
    if trusted:
        fitting = [(b - a, word) for a, b, word in IPCC if a <= low and high <= b]
        if fitting:
            return min(fitting)[1]
    return "model-conditional"
