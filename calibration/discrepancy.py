"""Model discrepancy: yearly shocks to energy intensity that no province's parameters explain.

    Δ ln i_measured = Δ ln i_modelled + u_t + ε_pt

u_t is a normal national shock, common to all provinces in one year. ε_pt is a provincial shock, Student t with four
degrees of freedom, because a single plant changes the energy of a small province by a tenth. Both are independent from
year to year, so that their effect on a five-year change grows with the square root of time. Without u_t the bands of
the nation would be far too narrow, because provincial shocks average out and national ones do not.
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from calibration.inputs import exp, log
from calibration.likelihood import HEAVY_TAIL, fitted_series

NATIONAL_FLOOR = 0.012
"""Least standard deviation of the national shock. Five fitted years cannot show a smaller one reliably: since 1996
the
yearly change of the nation's energy intensity has varied by 1-2 points around its five-year mean (calibration/data,
national_reference).
"""
SIZE = -0.3
"""Exponent of total energy in the provincial scale, because a single plant moves a small province more than a large
one.
"""
GROWTH_WIDER = 1.4
"""Scale of shocks to growth after the fitted years over that within them, learnt on the origin 2007
(docs/decisions.md).
"""
LATER = 2
"""Added to the seed for the errors after a plan's last year (1 is added for those of growth)."""
NOWCAST = 0.08
"""Standard deviation of ln(CO2) of a province in a nowcast: the error of conditioning 2015-2019 on activity
(published/nowcast-provinces.csv).
"""
CARBON = 0.01
"""Yearly standard deviation of the national shock to CO2 per energy, as in the fitted years of the inventories."""


@dataclass(frozen=True)
class Discrepancy:
    """Scales of the yearly shocks to a logarithm.

    Attributes:
        national: standard deviation of the national shock.
        provincial: scale of the provincial Student t shock.
        persistence: part of a year's shock that recurs in the next year; 0 for intensity, whereas growth slows for
            years.
        weights: factor of the provincial scale by province, from its size; empty when all are equal.
    """

    national: float
    provincial: float
    persistence: float = 0.0
    weights: tuple[float, ...] = ()

    def sample(self, members: Iterable[int], provinces: int, years: int, seed: int) -> NDArray[np.float64]:
        """Cumulative shocks at the end of years 1 … `years`.

        Each member has its own random stream, so that batches and workers do not change the result.

        Args:
            members: numbers of the members.
            provinces: number of provinces.
            years: number of years.
            seed: seed of all streams.

        Returns:
            (member, province, year), natural logarithm.
        """
        return np.stack([self._one(member, provinces, years, seed) for member in members])

    def _one(self, member: int, provinces: int, years: int, seed: int) -> NDArray[np.float64]:
        rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(member,)))
        common = self.national * rng.standard_normal(years)
        scale = self.provincial * (np.array(self.weights)[:, None] if self.weights else 1.0)
        yearly = common + scale * rng.standard_t(HEAVY_TAIL, (provinces, years))
        for year in range(1, years):
            yearly[:, year] += self.persistence * yearly[:, year - 1]
        return np.asarray(yearly.cumsum(-1))


def estimate(measured: xr.DataArray, modelled: xr.DataArray, effective: float) -> Discrepancy:
    """Estimate the scales from the yearly changes of ln(intensity), measured less modelled.

    Args:
        measured: energy intensity (province, year).
        modelled: energy intensity (province, year) in the same unit.
        effective: mean number of parameters used to fit a province's intensities, by which the variance is enlarged.
    """
    change = log(measured / modelled).diff("year").transpose("province", "year").values
    common = np.nanmedian(change, axis=0)
    count = change.shape[1]
    own = change - common
    inflation = np.sqrt(count / max(1.0, count - effective))
    quartiles = np.nanpercentile(own, [25, 75])
    scale = (quartiles[1] - quartiles[0]) / (2 * 0.7407)  # quartile of Student t, four degrees of freedom
    return Discrepancy(float(max(NATIONAL_FLOOR, common.std(ddof=1) * inflation)), float(scale * inflation))


def growth(gdp: xr.DataArray, last: int) -> Discrepancy:
    """Scales of the shocks to GDP growth: the change of growth from one year to the next up to `last`, widened.

    Args:
        gdp: GDP at constant prices (province, year).
        last: last year used.

    Returns:
        Scales with a persistence of one half, because a slowdown lasts.
    """
    change = log(gdp.sel(year=slice(None, last))).diff("year").diff("year").transpose("province", "year").values
    common = np.median(change, axis=0)
    quartiles = np.percentile(change - common, [25, 75])
    own = (quartiles[1] - quartiles[0]) / (2 * 0.7407)
    return Discrepancy(GROWTH_WIDER * float(common.std(ddof=1)), GROWTH_WIDER * float(own), 0.5)


def size_weights(energy: xr.DataArray) -> xr.DataArray:
    """Factor of the provincial scale from total energy (province,), with geometric mean one."""
    size = energy / exp(log(energy).mean())
    return xr.DataArray(size**SIZE)


def to_attrs(discrepancy: Discrepancy, quantity: str = "") -> dict[str, float]:
    """The scales as attributes of a saved posterior; `quantity` is the shocked quantity, by default energy
    intensity.
    """
    scales = {name: value for name, value in asdict(discrepancy).items() if name != "weights"}
    return {f"{quantity} {name} shock".strip(): value for name, value in scales.items()}


def from_attrs(posterior: xr.Dataset, quantity: str = "") -> Discrepancy:
    """The scales from the attributes of a saved posterior and its variable `shock weight`."""
    names = [field.name for field in fields(Discrepancy) if field.name != "weights"]
    scales = {name: float(posterior.attrs[f"{quantity} {name} shock".strip()]) for name in names}
    return Discrepancy(**scales, weights=tuple(posterior["shock weight"].values.tolist()))


QUANTITIES = ("intensity", "growth", "carbon")
"""Quantities with a predictive error: ln(energy intensity), ln(GDP), ln(CO2 per energy)."""


def predictive(fitted: xr.Dataset, members: Sequence[int], span: tuple[int, int], last: int, seed: int) -> xr.Dataset:
    """Predictive errors of the QUANTITIES, zero in the first year.

    Args:
        fitted: a saved posterior with its scales.
        members: numbers of the members, which seed the errors together with `seed`.
        span: first and last year of the plan's intensity errors. A separate random stream continues them to `last`, so
            that the plan's verdict does not depend on the length of a run.
        last: last year of all errors.
        seed: seed of the study.

    Returns:
        (member, province, year), natural logarithms to be added to those of the model's outputs (see
        `experiments/ensemble/outputs.csv`).
    """
    (first, end), count = span, fitted.sizes["province"]
    scales = from_attrs(fitted)
    values = {name: np.zeros((len(members), count, last - first + 1)) for name in QUANTITIES}
    plan = end - first
    values["intensity"][:, :, 1 : plan + 1] = scales.sample(members, count, plan, seed)
    if last > end:
        later = scales.sample(members, count, last - end, seed + LATER)
        values["intensity"][:, :, plan + 1 :] = values["intensity"][:, :, [plan]] + later
    values["growth"][:, :, 1:] = from_attrs(fitted, "growth").sample(members, count, last - first, seed + 1)
    inventory = carbon(members, count, last - first, seed)
    values["carbon"] = inventory - inventory[:, :, :1]
    where = {"member": list(members), "province": fitted["province"].to_numpy(), "year": range(first, last + 1)}
    return xr.Dataset({name: (("member", "province", "year"), value) for name, value in values.items()}, where)


def carbon(members: Iterable[int], provinces: int, years: int, seed: int) -> NDArray[np.float64]:
    """Error of ln(CO2 per energy) since the last measured year.

    It is the sum of a national random walk and the drift and yearly noise that the likelihood allows for an inventory.

    Args:
        members: numbers of the members.
        provinces: number of provinces.
        years: number of years after the last measured one.
        seed: seed of all streams.

    Returns:
        (member, province, year) for the years 0 … `years`, natural logarithm.
    """
    series = fitted_series("co2")
    made = []
    for member in members:
        rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(member, 1)))
        national = np.concatenate([[0.0], CARBON * rng.standard_normal(years).cumsum()])
        drift = series.drift * rng.standard_normal((provinces, 1)) * np.arange(years + 1)
        made.append(national + drift + series.discrepancy * rng.standard_normal((provinces, years + 1)))
    return np.stack(made)


def nowcast(members: Iterable[int], provinces: int, seed: int) -> NDArray[np.float64]:
    """Lasting error of the level of ln(CO2 per energy) where a plan starts from a nowcast: (member, province)."""
    rows = [np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(member, 4))) for member in members]
    return NOWCAST * np.stack([one.standard_normal(provinces) for one in rows])
