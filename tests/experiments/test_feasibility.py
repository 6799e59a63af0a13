import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from calibration import tables
from experiments.analyses import feasibility
from models.reading.faults import InputError


def metrics(reduction: np.ndarray, target: np.ndarray) -> xr.Dataset:
    """reduction (allocation, mix, province, member), target (allocation, province)."""
    a, m, p, _ = reduction.shape
    coords = {
        "allocation": [f"a{i}" for i in range(a)],
        "mix": [f"m{i}" for i in range(m)],
        "province": list("xyz"[:p]),
    }
    return xr.Dataset(
        {
            "reduction": (("allocation", "mix", "province", "member"), reduction),
            "target": (("allocation", "province"), target),
        },
        coords,
    )


def test_a_case_worked_by_hand() -> None:
    # Target 16 %: red below 14.4 %, yellow to 16 %, green from 16 % on.
    reduction = np.array([10.0, 14.3, 14.4, 15.9, 16.0, 17.0, 18.0, 20.0, 20.0, 20.0]).reshape(1, 1, 1, 10)
    row = feasibility.summary(metrics(reduction, np.array([[16.0]]))).iloc[0]
    assert (row.red, row.yellow, row.green) == pytest.approx((0.2, 0.2, 0.6))
    assert (row.hits, row.members, row.chance) == (6, 10, 0.6)
    assert row.margin == pytest.approx(0.5)
    assert row.light == "green"
    assert row.reach_50 == pytest.approx(16.5)
    assert row.reach_90 == pytest.approx(np.quantile(reduction, 0.1))
    assert row.words == "model-conditional"


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_identities_hold_for_any_members(seed: int) -> None:
    rng = np.random.default_rng(seed)
    reduction = rng.normal(15, 5, (2, 3, 3, 40))
    reduction[..., rng.random(40) < 0.2] = np.nan
    reduction[0, 0, 0, :] = np.nan if seed % 2 else 1.0
    data = metrics(reduction, rng.uniform(8, 20, (2, 3)))
    table = feasibility.summary(data)
    rated = table[table.members > 0]
    np.testing.assert_allclose(rated[["red", "yellow", "green"]].sum(axis=1), 1)
    np.testing.assert_allclose(rated.green, rated.chance)
    assert (rated.chance_low <= rated.chance + 1e-12).all()
    assert (rated.chance <= rated.chance_high + 1e-12).all()
    assert (rated.reach_90 <= rated.reach_80).all()
    assert (rated.reach_80 <= rated.reach_50).all()
    levels = ["margin_2.5", "margin_10", "margin_25", "margin", "margin_75", "margin_90", "margin_97.5"]
    assert (np.diff(rated[levels], axis=1) >= 0).all()
    np.testing.assert_allclose(rated.margin, rated.reduction - rated.target)
    unrated = table[table.members == 0]
    assert unrated[["chance", "chance_low", "red", "margin"]].isna().all().all()
    assert (unrated.light == "not rated").all()


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_quantiles_equal_numpy(seed: int) -> None:
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(4, 30))
    values[rng.random(values.shape) < 0.3] = np.nan
    got = feasibility.quantiles(values, (0.0, 0.1, 0.5, 1.0))
    np.testing.assert_allclose(got, np.nanquantile(values, (0.0, 0.1, 0.5, 1.0), axis=1))


def test_headroom_is_the_cut_that_is_just_reached() -> None:
    rng = np.random.default_rng(3)
    reduction = rng.normal(15, 3, (1, 1, 1, 2000))
    row = feasibility.summary(metrics(reduction, np.array([[16.0]]))).iloc[0]
    assert (reduction >= row.reach_80).mean() == pytest.approx(0.8, abs=1e-3)


def test_calibrated_words_need_the_holdout_test() -> None:
    reduction = np.full((1, 1, 1, 1000), 20.0)
    data = metrics(reduction, np.array([[16.0]]))
    assert feasibility.summary(data).words[0] == "model-conditional"
    assert feasibility.summary(data, trusted=True).words[0] == "virtually certain"


def test_yearly_tasks_are_fifths_of_the_target() -> None:
    data = metrics(np.full((1, 1, 1, 4), 10.0), np.array([[10.0]]))
    path = np.array([1.7, 3.9, 6.0, 8.0, 10.0]) * np.ones((1, 1, 1, 4, 1))
    data["yearly_reduction"] = (("allocation", "mix", "province", "member", "year"), path)
    table = feasibility.by_year(data.assign_coords(year=range(2011, 2016))).set_index("year")
    assert table.task.tolist() == [2, 4, 6, 8, 10]
    assert table.red.tolist() == [1, 0, 0, 0, 0]
    assert table.yellow.tolist() == [0, 1, 0, 0, 0]
    assert table.green.tolist() == [0, 0, 1, 1, 1]
    with pytest.raises(InputError, match="needs 5"):
        feasibility.by_year(data.assign_coords(year=range(2011, 2016)).isel(year=slice(3)))


def test_a_window_never_crosses_a_vintage() -> None:
    years = np.arange(2000, 2012)
    data = pd.DataFrame({"province": "x", "year": years, "vintage": np.where(years < 2006, "old", "new"), "value": 1.0})
    data.loc[data.year >= 2006, "value"] = 0.5  # a revision of the statistics, not a fall
    assert feasibility.fastest_fall(data).fall[0] == 0


def test_fastest_fall_of_a_steady_decline_is_its_rate() -> None:
    years = np.arange(2000, 2011)
    data = pd.DataFrame({"province": "x", "year": years, "vintage": "one", "value": 0.96 ** (years - 2000.0)})
    row = feasibility.fastest_fall(data).iloc[0]
    assert row.fall == pytest.approx(4.0)
    assert feasibility.yearly(1 - 0.96**5) == pytest.approx(0.04)


def test_pace_names_who_was_ever_fast_enough() -> None:
    fastest = pd.DataFrame({"province": list("xyz"), "fall": [2.0, 4.0, 1.0], "first": 2005, "last": 2010})
    table = pd.DataFrame(
        {"allocation": "a", "mix": "m", "province": list("xyz"), "target": [5.0, 16.0, 30.0], "reduction": 15.0}
    )
    near = {"x": ["y"], "y": ["x"], "z": ["y"]}
    verdict = feasibility.pace(table, fastest, near).set_index("province").verdict
    assert dict(verdict) == {"x": "seen here", "y": "seen here", "z": "never seen"}
    near_x = feasibility.pace(table.assign(target=17.0).iloc[:1], fastest, near)
    assert near_x[["verdict", "peer_name", "peer_years"]].iloc[0].tolist() == ["seen among peers", "y", "2005–2010"]


def test_peers_are_the_nearest_of_the_measured_provinces() -> None:
    energy = tables.read("energy_total")
    assert not energy.empty
    traits = pd.DataFrame({"income": [1.0, 1.1, 5.0, 5.2], "share": [0.4, 0.41, 0.6, 0.61]}, index=list("abcd"))
    assert feasibility.peers(traits, 1) == {"a": ["b"], "b": ["a"], "c": ["d"], "d": ["c"]}
