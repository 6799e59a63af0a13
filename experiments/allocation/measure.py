"""Figures that the rules measure instead of assuming them: reliability of trends, weight of the weather."""

import numpy as np
from scipy.optimize import nnls

from experiments.allocation.indicators import Indicators
from experiments.allocation.national import Array

PUBLISHED_CONVERGENCE, CONVERGENCE_YEARS = 2030, 20
NEUTRAL = 0.5  # weight of an own trend where one window only leaves its reliability unknown


def reliability(trend: Array) -> float:
    """Share of the differences between provinces' trends that is signal, 0 … 1.

    trend (window, province). Spearman-Brown over k windows with mean correlation r: k r / (1 + (k − 1) r), the
    reliability of the mean of the windows. One window: NEUTRAL.
    """
    known = trend[:, np.isfinite(trend).all(axis=0)]
    windows = len(known)
    if windows < 2:
        return NEUTRAL
    correlation = np.corrcoef(known)
    mean = float((correlation.sum() - windows) / (windows * (windows - 1)))
    return float(np.clip(windows * mean / (1 + (windows - 1) * mean), 0, 1)) if mean > 0 else 0.0


def weather_shares(indicators: Indicators) -> tuple[float, float]:
    """Parts of residential energy per head that go with heating and with cooling degree days, fractions.

    Non-negative least squares over the provinces on a constant, HDD and CDD (over the nation's mean) and the
    logarithm of GDP per head; the coefficients over the nation's mean use per head.
    """
    known = indicators.measured
    people = indicators.population[known]
    use = indicators.residential[known] / people
    income = np.log(indicators.gdp_per_capita[known])
    columns = (np.ones(people.size), *(_relative(days[known], people) for days in (indicators.hdd, indicators.cdd)))
    spread = income - income.mean()
    # Non-negativity is meant for the weather alone: income enters with either sign.
    coefficients, _ = nnls(np.column_stack([*columns, spread, -spread]), use)
    mean = float(np.sum(use * people) / np.sum(people))
    return float(coefficients[1] / mean), float(coefficients[2] / mean)


def weather(indicators: Indicators, heating: float, cooling: float) -> Array:
    """W: residential need for energy at equal comfort over the nation's, 1 − h − c + h HDD/mean + c CDD/mean."""
    known, people = indicators.measured, indicators.population
    hdd, cdd = (np.full(people.size, np.nan) for _ in range(2))
    hdd[known] = _relative(indicators.hdd[known], people[known])
    cdd[known] = _relative(indicators.cdd[known], people[known])
    return np.asarray(1 - heating - cooling + heating * hdd + cooling * cdd)


def comfort(use: Array, people: Array, quantile: float) -> float:
    """Use per head that a share `quantile` of the people does not exceed (interpolated)."""
    known = np.isfinite(use)
    order = np.argsort(use[known], kind="stable")
    cumulated = np.cumsum(people[known][order]) / np.sum(people[known])
    return float(np.interp(quantile, cumulated, use[known][order]))


def convergence_year(asked: float | None, base_year: int) -> float:
    """The given year; else the published 2030, but at least CONVERGENCE_YEARS after the base year."""
    return float(max(PUBLISHED_CONVERGENCE, base_year + CONVERGENCE_YEARS)) if asked is None else asked


def _relative(values: Array, people: Array) -> Array:
    return np.asarray(values * np.sum(people) / np.sum(values * people))
