"""A model that answers without being run: base years and reductions in closed form."""

import numpy as np
import xarray as xr

from experiments.allocation import base_state
from experiments.allocation.allocate import measured_indicators
from experiments.allocation.indicators import find_plan, known_plan
from experiments.allocation.response import Response, Supply

PLAN = known_plan("15FYP")
SECTORS = ("heavy industry", "light industry", "transport", "services", "agriculture and construction", "residential")
MEMBERS = 3


def base_states() -> xr.Dataset:
    """Three members; energy of 2010 carried to 2025, each member 10 % above the one before."""
    measured = measured_indicators(find_plan("12FYP"))
    known = measured.measured
    provinces = [p for p, ok in zip(measured.provinces, known, strict=True) if ok]
    years = base_state.years(PLAN)
    member = xr.DataArray(1.1 ** np.arange(MEMBERS), dims="member")
    year = xr.DataArray(1.02 ** (np.array(years) - years[-1]), {"year": years}, "year")

    def by_province(values, factor=member * year):
        return xr.DataArray(np.asarray(values)[known], {"province": provinces}, "province") * factor

    parts = xr.DataArray([0.5, 0.1, 0.1, 0.1, 0.05, 0.15], {"sector": list(SECTORS)}, "sector")
    fuels = xr.DataArray([0.8, 0.2], {"fuel": ["coal", "electricity"]}, "fuel")
    flat = xr.ones_like(member * year)
    energy = by_province(measured.energy)
    return xr.Dataset(
        {
            "total energy": energy,
            "energy co2": by_province(measured.co2),
            "total co2": 1.1 * by_province(measured.co2),
            "final energy by fuel": 0.7 * energy * parts * fuels,
            "electricity use": energy,
            "generation": 0.9 * energy,
            "nonfossil share": by_province(measured.nonfossil_power, flat),
            "coal per kWh": 0.3 * by_province(np.ones(31), flat),
            "national grid factor": 0.6 * flat,
        }
    )


class Model:
    """A model that answers with the states above."""

    def __init__(self, states):
        self.states = states

    def base_state(self, plan, members, seed):
        return self.states

    def response(self, plan, mix, members, seed, quantity="energy"):
        """Each province reaches 10 to 30 % more or less evenly, and a third of what its target moves."""
        provinces = tuple(str(name) for name in self.states["province"].to_numpy())
        grid = np.array([0.005, 0.1, 0.2, 0.3, 0.4])
        free = np.linspace(0.05, 0.25, members)[:, None] + np.linspace(-0.03, 0.03, len(provinces))
        return Response(provinces, grid, free[None] + grid[:, None, None] / 3)

    def supply(self, plan, members, seed, quantity="energy"):
        """Each province reaches 10 % by itself and 10 points more with a lever of 5 billion yuan a year."""
        provinces = tuple(str(name) for name in self.states["province"].to_numpy())
        flat = np.ones(len(provinces))
        return Supply(provinces, ("lever",), 0.1 * flat, 0.1 * flat[:, None], 5 * flat[:, None])
