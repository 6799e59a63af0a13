import numpy as np
import pandas as pd
import pytest
import xarray as xr

from experiments.analyses import regret


def two_rules(reduction: np.ndarray, targets: list[list[float]]) -> xr.Dataset:
    """reduction (province, member), the same under both rules and one mix; China is the last province."""
    both = np.broadcast_to(reduction, (2, 1, *reduction.shape)).copy()
    return xr.Dataset(
        {
            "reduction": (("allocation", "mix", "province", "member"), both),
            "target": (("allocation", "province"), np.array(targets)),
        },
        {"allocation": ["fair", "harsh"], "mix": ["base"], "province": ["x", "y", "China"]},
    )


def test_regret_by_hand() -> None:
    # Two futures; x and y reduce 10 and 20, then 14 and 14. "fair" asks 10 and 18 of them, "harsh" 16 and 12.
    data = two_rules(np.array([[10.0, 14.0], [20.0, 14.0], [16.0, 14.0]]), [[10, 18, 15], [16, 12, 15]])
    table = regret.table(data, national=15.0).set_index("allocation")
    assert table.shortfall.to_dict() == {"fair": 1.0, "harsh": 2.0}  # means of (0, 2) and of (3, 1)
    assert table.regret.to_dict() == {"fair": 0.5, "harsh": 1.5}
    assert table.regret_max.to_dict() == {"fair": 1.0, "harsh": 3.0}
    assert table.met.to_dict() == {"fair": 0.75, "harsh": 0.5}
    assert table.national.to_dict() == {"fair": 0.5, "harsh": 0.5}
    assert table.survives.to_dict() == {"fair": 0.5, "harsh": 0.0}


def test_a_failed_member_is_no_future() -> None:
    whole = np.array([[10.0, 14.0], [20.0, 14.0], [16.0, 14.0]])
    holes = np.column_stack([whole, np.full(3, np.nan)])
    targets = [[10, 18, 15], [16, 12, 15]]
    tables = [regret.table(two_rules(reduction, targets), 15.0) for reduction in (whole, holes)]
    pd.testing.assert_frame_equal(*tables)


def test_weights_shift_the_shortfall() -> None:
    data = two_rules(np.array([[10.0], [20.0], [16.0]]), [[12, 18, 15], [10, 24, 15]])
    weight = xr.DataArray([3.0, 1.0], {"province": ["x", "y"]})
    table = regret.table(data, 15.0, weight).set_index("allocation")
    assert table.shortfall.to_dict() == {"fair": 1.5, "harsh": 1.0}


def test_some_allocation_has_no_regret_in_every_future() -> None:
    rng = np.random.default_rng(5)
    data = two_rules(rng.normal(15, 4, (3, 200)), [[12, 18, 15], [17, 13, 15]])
    miss = regret.shortfall(data.sel(province=["x", "y"]))
    assert ((miss - miss.min("allocation")).min("allocation") == 0).all()


def test_ranking_of_mixes_reports_how_often_it_turns() -> None:
    rng = np.random.default_rng(6)
    base = rng.normal(15, 2, 500)
    values = np.stack([base, base + 1, base + 0.8 + rng.normal(0, 1, 500)])
    data = xr.Dataset(
        {"reduction": (("allocation", "mix", "province", "member"), values[None, :, None])},
        {"allocation": ["official"], "mix": ["base", "energy", "industry"], "province": ["x"]},
    )
    row = regret.ranking(data).iloc[0]
    assert row.best == "energy"
    assert row.second == "industry"
    assert row.flips == pytest.approx(0.42, abs=0.07)
    assert row.share_best == pytest.approx(1 - row.flips, abs=0.05)
    assert 0 < row.tau < 1


def test_regret_against_every_mix_by_hand() -> None:
    # One province, two futures: it reduces 12 and 20 without new policy, 15 and 20 with all of it; asked are 16 or 18.
    reduction = np.array([[[[12.0, 20.0]], [[15.0, 20.0]]]] * 2)
    data = xr.Dataset(
        {
            "reduction": (("allocation", "mix", "province", "member"), reduction),
            "target": (("allocation", "province"), [[16.0], [18.0]]),
        },
        {"allocation": ["fair", "harsh"], "mix": ["base", "full"], "province": ["x"]},
    )
    table = regret.table(data, national=16.0).set_index(["mix", "allocation"])
    # Missed by (4, 0) and (6, 0) points without policy, (1, 0) and (3, 0) with it; the best of the four: (1, 0).
    assert table.regret_any.to_dict() == {
        ("base", "fair"): 1.5, ("base", "harsh"): 2.5, ("full", "fair"): 0.0, ("full", "harsh"): 1.0
    }  # fmt: skip
    assert table.regret.to_dict() == {
        ("base", "fair"): 0.0, ("base", "harsh"): 1.0, ("full", "fair"): 0.0, ("full", "harsh"): 1.0
    }  # fmt: skip


def test_a_future_that_the_nation_misses_is_not_survived() -> None:
    # Both provinces meet their targets in both futures; the nation reaches 15 % in the second alone.
    data = two_rules(np.array([[12.0, 12.0], [20.0, 20.0], [14.0, 16.0]]), [[10, 18, 15], [12, 20, 15]])
    table = regret.table(data, national=15.0).set_index("allocation")
    assert table.met.to_dict() == {"fair": 1.0, "harsh": 1.0}
    assert table.survives.to_dict() == {"fair": 0.5, "harsh": 0.5}
