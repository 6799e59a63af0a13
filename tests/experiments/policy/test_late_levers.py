"""The levers of the 2020s and the ceiling of non-fossil power, after a nowcast: one member at the centre."""

from functools import cache

import numpy as np
import pytest
import xarray as xr

import models
from calibration import baseline, inputs
from sim import Model

FUEL = "final energy by fuel"
YEARS = [2020.0, 2024.0, 2025.0, 2030.0]
OUTPUTS = (
    "total co2", "total energy", "power fuel", "captured co2", "nonfossil share", "thermal generation", "generation",
    "thermal capacity", "curtailment", "electricity use", "saving in place", "coal per kWh", FUEL,
)  # fmt: skip


@cache
def measured() -> tuple[Model, dict[str, xr.DataArray]]:
    return Model.load(models.PROVINCE), inputs.params(baseline.load(), 2015, 2024)


@cache
def run(lever: str = "", ceiling: float = 0.97, electricity: float = 0.4) -> xr.Dataset:
    model, params = measured()
    levers = list(model.subscripts["lever"])
    strength = xr.zeros_like(params["base gdp"]).expand_dims(lever=levers).copy()
    if lever:
        strength.loc[{"lever": lever}] = 1.0
    given = {
        **params,
        "nonfossil ceiling": xr.DataArray(ceiling),
        "electricity for coal ratio": xr.DataArray(electricity),
        "lever strength": strength.transpose("province", "lever"),
        "lever start": xr.DataArray(np.full(len(levers), 2025.0), {"lever": levers}, "lever"),
        "lever phase in": xr.DataArray(np.full(len(levers), 1.0), {"lever": levers}, "lever"),
    }
    none = xr.Dataset(coords={"member": [0]})
    return model.ensemble(none, list(OUTPUTS), params=given, times=YEARS).isel(member=0)


def change(lever: str, name: str, year: float = 2030.0) -> float:
    """Change of the nation's sum against no policy."""
    if name == "oil":
        return float((run(lever)[FUEL] - run()[FUEL]).sel(time=year, sector="transport", fuel="oil").sum())
    return float((run(lever)[name] - run()[name]).sel(time=year).sum())


@pytest.mark.parametrize(
    ("lever", "least", "most"),
    [
        ("carbon price", 2, 80),
        ("electric vehicles", 0.5, 120),
        ("grid flexibility", 5, 80),
        ("coal retirement", 5, 80),
        ("carbon capture", 3, 30),
    ],
)
def test_each_lever_cuts_co2_and_nothing_before_its_start(lever: str, least: float, most: float) -> None:
    assert -most < change(lever, "total co2") < -least
    assert float(abs(run(lever) - run()).sel(time=[2020.0, 2024.0]).to_array().max()) == 0.0
    saved = run(lever)["saving in place"].sel(time=2030.0)
    assert float(saved.sel(lever=lever).sum()) == pytest.approx(float(saved.sum()))
    assert float(saved.sum()) > 0


def test_electric_vehicles_take_electricity_and_capture_takes_fuel() -> None:
    power = change("electric vehicles", "electricity use") * 0.1229  # Mtce
    oil = -change("electric vehicles", "oil")
    assert power == pytest.approx(0.25 * oil, rel=0.25)
    assert change("electric vehicles", "total energy") < 0
    assert change("carbon capture", "power fuel") > 0
    stored = float(run("carbon capture")["captured co2"].sel(time=2030.0).sum())
    assert 0 < -change("carbon capture", "total co2") < stored


def test_electricity_for_coal_cuts_co2_below_the_ratio_at_which_thermal_plants_burn_as_much() -> None:
    """Thermal plants make what the lever adds: coal per kWh with losses over the heat value of a kWh decides."""
    plants = float(run()["coal per kWh"].sel(time=2030.0).mean()) * 1.065 / 0.1229 * 2.64 / 2.66
    assert 1 / plants == pytest.approx(0.38, abs=0.02)
    for ratio, sign in ((0.3, -1), (0.5, 1)):
        effect = run("electrification", electricity=ratio)["total co2"] - run(electricity=ratio)["total co2"]
        assert sign * float(effect.sel(time=2030.0).sum()) > 2


def test_coal_retirement_takes_capacity_and_flexibility_takes_curtailment() -> None:
    assert change("coal retirement", "thermal capacity") < -10
    assert abs(change("coal retirement", "generation")) < 1
    lost = run("grid flexibility")["curtailment"].sel(time=2030.0)
    assert float(lost.sum()) < float(run()["curtailment"].sel(time=2030.0).sum())


def test_what_exceeds_the_ceiling_is_made_by_thermal_plants() -> None:
    free = run(ceiling=1.0)
    assert float(run()["nonfossil share"].sel(time=[2025.0, 2030.0]).max()) <= 0.97 + 1e-12
    assert float(free["nonfossil share"].sel(time=2030.0, province="Qinghai")) > 0.97
    xr.testing.assert_allclose(run()["generation"], free["generation"], rtol=1e-12)
    known = [2020.0, 2024.0]
    xr.testing.assert_equal(run()["thermal generation"].sel(time=known), free["thermal generation"].sel(time=known))
    others = run()["province"] != "Qinghai"
    xr.testing.assert_equal(run()["thermal generation"][others], free["thermal generation"][others])
