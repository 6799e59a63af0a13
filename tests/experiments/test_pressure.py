"""The pressure share at both ends: nothing moves under official targets; a reassigned one moves by the share asked."""

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from experiments.allocation import pressure
from experiments.allocation.response import Response
from experiments.analyses import pressure as analysis
from experiments.analyses.regret import table as regret_table
from experiments.ensemble import simulation
from tests.experiments import small_system
from tests.experiments.small_system import SYSTEM

GRID = np.linspace(0.0, 0.4, 21)
OFFICIAL = np.array([0.15, 0.18, np.nan])


def linear(slope: float) -> Response:
    free = np.random.default_rng(1).normal(0.08, 0.02, (200, 3))
    return Response(("x", "y", "z"), GRID, free[None] + slope * GRID[:, None, None])


@pytest.mark.parametrize("share", pressure.SHARES)
def test_a_response_gets_the_slope_of_the_share_and_keeps_what_is_official(share: float) -> None:
    response = linear(0.4)
    assert pressure.response_slope(response, OFFICIAL) == pytest.approx(0.4)
    moved = pressure.rescaled(response, OFFICIAL, pressure.factor(share, 0.4, 0.7))
    assert pressure.response_slope(moved, OFFICIAL) == pytest.approx(share * 0.7)
    known = np.isfinite(OFFICIAL)
    here = np.where(known, OFFICIAL, 0.1)
    np.testing.assert_allclose(moved.at(here)[:, known], response.at(here)[:, known])
    np.testing.assert_array_equal(moved.reductions[:, :, ~known], response.reductions[:, :, ~known])


def test_where_pressure_does_nothing_nothing_is_scaled() -> None:
    assert pressure.factor(1.0, 0.0, 0.7) == 1.0


def test_the_joint_slope_is_the_one_that_was_learnt_before_the_origin() -> None:
    assert pressure.joint_slope(2010) == pytest.approx(0.4528 + 0.1809 * 1.4111)


def test_rules_are_compared_at_both_ends(tmp_path: Path) -> None:
    run = simulation.resume(simulation.start(small_system.study(tmp_path), SYSTEM, tmp_path / "runs"), SYSTEM)
    found = analysis.tables(run, SYSTEM)
    table, chances = found["pressure"], found["pressure_chances"]
    assert sorted(table["pressure_share"].dropna().unique()) == list(pressure.SHARES)
    official, even = (
        table[table["allocation"] == name].set_index(["mix", "pressure_share"]) for name in ("official", "even")
    )
    assert official.groupby("mix")["shortfall"].nunique().max() == 1  # nothing is reassigned there
    assert (even.groupby("mix")["shortfall"].nunique() > 1).all()
    modelled = regret_table(run.metrics("reduction", "target"), run.study.target.national)
    np.testing.assert_allclose(table[table["pressure_share"].isna()]["met"], modelled["met"])
    ningxia = chances[(chances["province"] == "Ningxia") & (chances["allocation"] == "even")]
    # Its target is raised from 15 to 16 per cent: the more of the slope is pressure, the more of it is reached.
    assert (ningxia["reduction_1"] > ningxia["reduction_0.2"]).all()
    assert (ningxia["reduction_1"] - ningxia["reduction_0.2"]).to_numpy() == pytest.approx(
        0.8 * pressure.joint_slope(2010), rel=0.3
    )


def test_a_run_without_official_targets_is_compared_with_them_all_the_same(tmp_path: Path) -> None:
    asked = small_system.study(tmp_path, "allocations=[{rule: uniform, name: even}, {rule: uniform, name: other}]")
    run = simulation.resume(simulation.start(asked, SYSTEM, tmp_path / "runs"), SYSTEM)
    whole = simulation.resume(simulation.start(small_system.study(tmp_path), SYSTEM, tmp_path / "all"), SYSTEM)
    with_official, _ = analysis.official_reductions(whole, SYSTEM, whole.metrics("reduction", "target"))
    apart, goal = analysis.official_reductions(run, SYSTEM, run.metrics("reduction", "target"))
    assert apart.sizes == with_official.sizes
    assert goal.sel(province="Ningxia") == pytest.approx(16.0)
    xr.testing.assert_identical(apart["mix"], with_official["mix"])
