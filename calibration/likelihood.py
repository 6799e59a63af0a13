"""Likelihood of the measured series under the model: relative errors, with every source of deviation named.

For a series s of province p the residuals r_t = ln(measured) − ln(modelled) have the covariance

    Σ = diag(σ_m²)          measurement, from the flag of each figure (calibration/data/measurement_errors.csv)
      + σ_d² ρ^|t−t'|       model discrepancy: lasting deviations, AR(1)
      + σ_b² 1(t, t' < b)   one unknown step across each break b of the vintage (table breaks), marginalised
      + σ_o² + σ_r² τ τ'    an unknown offset and drift (CO2 inventories only), marginalised

so that the nuisance parameters need no sampling. `whiten` holds L⁻¹ with Σ = L Lᵀ: whitened residuals are independent
with unit variance, and their squares add up to −2 ln likelihood. The whitened residuals of total energy are Student t,
because one plant changes the energy of a small province by a tenth. A national shock changes all provinces in one year
alike; it is estimated in `calibration.discrepancy` and is here a part of σ_d.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from calibration.inputs import BASE, breaks
from calibration.prior import INDUSTRY

HEAVY_TAIL = 4.0  # degrees of freedom of the provincial shocks of total energy
CORRELATION = 0.6  # ρ of the discrepancy, from one year to the next


@dataclass(frozen=True)
class FittedSeries:
    """A series that is fitted.

    Attributes:
        name: name of the series; that of a sector when `measured` and `output` are empty. The series is then the final
            energy of that sector (`industry`: of both industries).
        discrepancy: standard deviation of the model discrepancy (logarithm).
        measured: variable of the baseline.
        output: output of the model.
        offset: standard deviation of the unknown offset (logarithm).
        drift: standard deviation of the unknown drift (logarithm per year).
    """

    name: str
    discrepancy: float
    measured: str = ""
    output: str = ""
    offset: float = 0.0
    drift: float = 0.0

    @property
    def sectors(self) -> list[str]:
        """The model's sectors whose final energy the series adds up."""
        return list(INDUSTRY) if self.name == "industry" else [self.name]


FITTED = (
    FittedSeries("gdp", 0.012, "gdp", "gdp"),
    FittedSeries("secondary share", 0.025, "secondary_share", "secondary share at current prices"),
    FittedSeries("total energy", 0.025, "energy_total", "total energy"),
    FittedSeries("industry", 0.06),
    FittedSeries("transport", 0.08),
    FittedSeries("services", 0.08),
    FittedSeries("agriculture and construction", 0.08),
    FittedSeries("residential", 0.06),
    FittedSeries("co2", 0.05, "co2_energy", "energy co2", offset=0.3, drift=0.03),
)
OUTPUTS = ("gdp", "secondary share at current prices", "total energy", "final energy", "energy co2")


def fitted_series(name: str) -> FittedSeries:
    """The fitted series with the given name."""
    return next(series for series in FITTED if series.name == name)


@dataclass(frozen=True)
class Likelihood:
    """Measured series of the fitted years in the form in which they are compared.

    Attributes:
        series: names in the order of the arrays.
        years: the fitted years.
        log_measured: natural logarithms (series, province, year), NaN where not measured.
        whiten: whitening matrices (series, province, year, year).
    """

    series: tuple[str, ...]
    years: tuple[int, ...]
    log_measured: NDArray[np.float64]
    whiten: NDArray[np.float64]

    def residuals(self, modelled: xr.Dataset) -> NDArray[np.float64]:
        """Whitened residuals of an ensemble with the OUTPUTS: (member, province, series × year)."""
        logs = log_modelled(modelled, self.years, self.series)
        difference = np.nan_to_num(self.log_measured[:, :, None] - logs)
        white = np.einsum("spij,spmj->mpsi", self.whiten, difference, optimize=True)
        return np.asarray(white.reshape(*white.shape[:2], -1))

    def log_density(self, residuals: NDArray[np.float64]) -> NDArray[np.float64]:
        """Log likelihood up to a constant, with heavy tails for total energy: (member, province)."""
        count = len(self.years)
        parts = residuals.reshape(*residuals.shape[:2], -1, count)
        heavy = self.series.index("total energy")
        squares = (parts**2).sum(-1)
        student = -0.5 * (HEAVY_TAIL + count) * np.log1p(squares[..., heavy] / HEAVY_TAIL)
        return np.asarray(-0.5 * (squares.sum(-1) - squares[..., heavy]) + student)


def likelihood(baseline: xr.Dataset, first: int = BASE, last: int = 2010) -> Likelihood:
    """The likelihood of the years `first` to `last`.

    Args:
        baseline: measured series, as from `calibration.baseline.load`.
        first: first fitted year.
        last: last fitted year.
    """
    years = tuple(range(first, last + 1))
    data = baseline.sel(year=list(years))
    pairs = [measured_series(data, series) for series in FITTED]
    logs = np.stack([np.log(value.transpose("province", "year").values) for value, _ in pairs])
    whiten = np.stack(
        [_whiten(series, sigma, np.array(years)) for series, (_, sigma) in zip(FITTED, pairs, strict=True)]
    )
    names = tuple(series.name for series in FITTED)
    return Likelihood(names, years, logs, np.where(np.isfinite(logs)[..., None, :], whiten, 0.0))


def measured_series(data: xr.Dataset, series: FittedSeries) -> tuple[xr.DataArray, xr.DataArray]:
    """One fitted series and its relative measurement error, each (province, year)."""
    if name := series.measured:
        return data[name], data[f"{name}_sigma"].broadcast_like(data[name])
    energy = data["final_energy"].sel(sector=series.sectors).where(data["final_energy_vintage"] != "assembled")
    error = (data["final_energy_sigma"].sel(sector=series.sectors) * energy).fillna(0)
    total = energy.sum(("sector", "fuel"))  # zero in assembled years, which have no feedstock and are not compared
    return total.where(total > 0), (error**2).sum(("sector", "fuel")) ** 0.5 / total


def log_modelled(modelled: xr.Dataset, years: Sequence[int], names: Sequence[str]) -> NDArray[np.float64]:
    """Natural logarithms of the modelled counterparts of the named series: (series, province, member, year)."""
    data = modelled.sel(year=list(years))
    found = [modelled_series(data, fitted_series(name)).transpose("province", "member", "year") for name in names]
    return np.asarray(np.log(np.stack([values.values for values in found])))


def modelled_series(data: xr.Dataset, series: FittedSeries) -> xr.DataArray:
    """The model's counterpart of one fitted series."""
    return data[series.output] if series.output else data["final energy"].sel(sector=series.sectors).sum("sector")


def _whiten(series: FittedSeries, sigma: xr.DataArray, years: NDArray[np.int_]) -> NDArray[np.float64]:
    """L⁻¹ of each province: (province, year, year); a year without a figure gets a very large error."""
    return whitening(series, sigma.transpose("province", "year").values, years, breaks(series.name))


def whitening(
    series: FittedSeries, error: NDArray[np.float64], years: NDArray[np.int_], steps: Mapping[int, float]
) -> NDArray[np.float64]:
    """L⁻¹ of a series.

    Args:
        series: the series with its discrepancy and nuisance parameters.
        error: relative measurement errors (province, year), NaN where there is no figure.
        years: the years of the errors.
        steps: first year of each new vintage → standard deviation of the unknown step (logarithm).

    Returns:
        (province, year, year).
    """
    lag = np.abs(years[:, None] - years[None, :])
    common = series.discrepancy**2 * CORRELATION**lag + series.offset**2
    tau = years - years.mean()
    common = common + series.drift**2 * np.outer(tau, tau)
    for first, step in steps.items():
        before = (years < first).astype(float)
        common = common + step**2 * np.outer(before, before) * (0 < before.sum() < years.size)
    variance = np.where(np.isfinite(error), error**2, 1e6)
    covariance = common[None] + variance[:, :, None] * np.eye(years.size)
    return np.linalg.inv(np.linalg.cholesky(covariance))
