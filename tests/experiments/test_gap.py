"""From target to expected: the causes add up to the change of the intensity, and each has its own meaning."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from experiments.analyses import gap
from experiments.ensemble.outputs import REPORTED

SECTORS = ["heavy industry", "light industry", "transport", "services", "agriculture and construction", "residential"]
FUELS = ["coal", "oil", "gas", "electricity", "heat"]
SIZES = {"member": 3, "province": 2, "sector": 6, "fuel": 5}
OLD, NEW = "co2 intensity", "co2 intensity new metric"


def state(seed: int) -> xr.Dataset:
    """A year of a made-up system whose totals follow from its parts as the model's do."""
    random = np.random.default_rng(seed)

    def made(*over: str) -> xr.DataArray:
        where = {"sector": SECTORS, "fuel": FUELS}
        shape = [SIZES[dim] for dim in over]
        return xr.DataArray(random.uniform(1, 2, shape), {dim: where[dim] for dim in over if dim in where}, over)

    place = ("member", "province")
    by_fuel = made(*place, "sector", "fuel")
    parts = {
        "gdp": 100 * made(*place),
        "activity": made(*place, "sector"),
        "heavy share": 0.4 * made(*place),
        "project final energy": 0.1 * made(*place),
        "total energy": 20 * made(*place),
        "final energy by fuel": by_fuel,
        "final energy": by_fuel.sum("fuel"),
        "end use co2": 2 * made(*place, "sector"),
        "power co2": 20 * made(*place),
        "heat co2": 5 * made(*place),
        "process co2": 3 * made(*place),
    }
    return totals(xr.Dataset(parts))


def totals(parts: xr.Dataset) -> xr.Dataset:
    return parts.assign({"energy co2": parts["end use co2"].sum("sector") + parts["power co2"] + parts["heat co2"]})


def intensity(of: xr.Dataset, variable: str) -> np.ndarray:
    whole = sum(of[name] for name in gap.totals(variable))
    return np.asarray((whole / of["gdp"]).transpose("member", "province"))


@pytest.mark.parametrize("variable", [REPORTED, OLD, NEW])
def test_the_causes_add_up_to_the_change_of_the_intensity(variable: str) -> None:
    before, after = state(1), state(2)
    found = gap.causes(before, after, variable)
    assert set(found) <= set(gap.CAUSES)
    change = intensity(after, variable) - intensity(before, variable)
    assert sum(found.values()).sum(-1) == pytest.approx(change, rel=1e-12)
    assert all(np.abs(part).max() > 0 for part in found.values())
    nation = gap.causes(before, after, variable, nation=True)
    assert set(nation) == {*found, gap.REGIONS}
    old, new = (
        sum(of[name] for name in gap.totals(variable)).sum("province") / of["gdp"].sum("province")
        for of in (before, after)
    )
    assert sum(nation.values()).sum(-1)[:, 0] == pytest.approx((new - old).to_numpy(), rel=1e-12)


def test_a_shift_of_gdp_alone_is_the_nation_s_cause_regions() -> None:
    """Every product of a province times 3 in the first province: nothing changes within, the weights do."""
    before = state(5)
    grown = xr.DataArray([3.0, 1.0], dims="province")
    after = before.map(lambda one: one if one.name == "heavy share" else one * grown)
    found = {cause: part.sum(-1)[:, 0] for cause, part in gap.causes(before, after, OLD, nation=True).items()}
    change = [((of["energy co2"].sum("province")) / of["gdp"].sum("province")).to_numpy() for of in (before, after)]
    assert found.pop(gap.REGIONS) == pytest.approx(change[1] - change[0], rel=1e-9)
    assert all(np.abs(other).max() < 1e-12 for other in found.values())


MOVED = {
    gap.SUPPLY: ({"power co2": 0.5}, True),
    gap.PROCESS: ({"process co2": 0.7}, False),
    gap.FUELS: ({"end use co2": 0.9}, True),
}


@pytest.mark.parametrize("cause", MOVED)
def test_one_moved_factor_is_one_cause(cause: str) -> None:
    """Power CO2 halved at the same electricity, cement at 70 %, burnt fuels at 90 % of their CO2: closed form."""
    before, (factors, in_energy) = state(3), MOVED[cause]
    after = totals(before.assign({name: factor * before[name] for name, factor in factors.items()}))
    found = {name: part.sum(-1) for name, part in gap.causes(before, after, NEW).items()}
    ((name, factor),) = factors.items()
    was = before[name].sum("sector") if "sector" in before[name].dims else before[name]
    change = ((factor - 1) * was / before["gdp"]).transpose("member", "province").to_numpy()
    assert found.pop(cause) == pytest.approx(change, rel=1e-9)
    assert all(np.abs(other).max() < 1e-12 for other in found.values())
    in_old = gap.causes(before, after, OLD)
    assert gap.PROCESS not in in_old
    assert (sum(np.abs(part).max() for part in in_old.values()) > 1e-6) == in_energy


def test_activity_is_growth_of_demand_and_structure_elsewhere() -> None:
    """The activity of one sector doubled at the same energy a unit: L(2a, a) ln 2 = a of its terms, exactly."""
    before = state(4)
    for sector, cause in (("residential", gap.GROWTH), ("services", gap.STRUCTURE)):
        twice = xr.where(before["sector"] == sector, 2.0, 1.0)
        after = before.assign(
            {name: before[name] * twice for name in ("activity", "final energy by fuel", "end use co2")}
        )
        final = after["final energy by fuel"].sum("sector")
        was = before["final energy by fuel"].sum("sector")
        power, heat = ((final / was).sel(fuel=fuel, drop=True) for fuel in ("electricity", "heat"))
        after = totals(
            after.assign({"power co2": before["power co2"] * power, "heat co2": before["heat co2"] * heat}).transpose(
                "member", "province", ...
            )
        )
        found = gap.causes(before, after, OLD)
        change = intensity(after, OLD) - intensity(before, OLD)
        assert found.pop(cause).sum(-1) == pytest.approx(change, rel=1e-9)
        assert all(np.abs(other).max() < 1e-12 for other in found.values())


def test_the_points_of_a_mix_close_on_the_median_of_the_run() -> None:
    """Base causes, what the mix adds as policy, and the rest as what we cannot know: 4 + 1 + (6.5 − 5)."""
    places = ["Hebei", "Jilin"]
    frame = pd.DataFrame(1.0, places, SECTORS[:2])
    base = {gap.GROWTH: frame, gap.EFFICIENCY: frame}
    full = {gap.GROWTH: frame, gap.EFFICIENCY: 1.5 * frame}
    point = pd.Series([2.0, 3.0], places)
    median = xr.DataArray([6.5, 7.5], {"province": places}, ("province",))
    rows = gap._rows({"base": (base, point), "full": (full, point)}, "full", median)
    hebei = rows[rows["province"] == "Hebei"].groupby("cause")[["points", "amount"]].sum()
    assert hebei["points"].to_dict() == {gap.GROWTH: 2, gap.EFFICIENCY: 2, gap.POLICY: 1, gap.UNKNOWN: 1.5}
    assert hebei["amount"].sum() == pytest.approx(2 * 6.5)
    assert rows.groupby("province")["points"].sum().to_dict() == {"Hebei": 6.5, "Jilin": 7.5}
