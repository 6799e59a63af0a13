from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from experiments.ensemble.core import Ensemble, chances
from experiments.ensemble.simulation import resume, start
from models.reading.faults import InputError
from tests.experiments import small_system
from tests.experiments.small_system import SYSTEM


@pytest.fixture
def futures(tmp_path: Path) -> Ensemble:
    return Ensemble.of(small_system.study(tmp_path), SYSTEM)


def test_reductions_equal_those_of_a_run(tmp_path: Path, futures: Ensemble) -> None:
    run = resume(start(small_system.study(tmp_path), SYSTEM, tmp_path / "runs", batch=8), SYSTEM)
    for mix in ("base", "full"):
        stored = run.metrics("reduction")["reduction"].sel(allocation="official", mix=mix, province=futures.provinces)
        ours = futures.reduction(futures.params(mix))
        assert (ours.attrs["units"], stored.attrs["units"]) == ("1", "%")
        ours = 100 * ours
        np.testing.assert_allclose(ours, stored.transpose("member", "province"), rtol=1e-5)


def test_a_target_of_its_own_changes_that_province_alone(futures: Ensemble) -> None:
    base = futures.params("base")
    goal = base["target reduction"].sel(plan="p12").to_numpy().copy()
    goal[1] += 0.1
    before, after = futures.reduction(base), futures.reduction(futures.with_target(base, goal))
    assert (after[:, 1] > before[:, 1]).all()
    np.testing.assert_array_equal(after[:, [0, 2]], before[:, [0, 2]])
    assert base["target reduction"].sel(plan="p12").to_numpy()[1] == pytest.approx(goal[1] - 0.1)


def test_fewer_members_are_the_first_ones(tmp_path: Path, futures: Ensemble) -> None:
    few = Ensemble.of(small_system.study(tmp_path), SYSTEM, members=7)
    np.testing.assert_array_equal(few.reduction(few.params("base")), futures.reduction(futures.params("base"))[:7])


def test_batches_do_not_matter(futures: Ensemble) -> None:
    params = futures.params("full")
    whole = futures.results(params, ["gdp"])
    parts = list(futures.batches(params, ["gdp"], size=9))
    assert [p.sizes["member"] for p in parts] == [9, 9, 9, 9, 4]
    np.testing.assert_array_equal(np.concatenate([p["gdp"] for p in parts]), whole["gdp"])


def test_a_member_that_fails_is_missing_throughout(tmp_path: Path) -> None:
    broken = replace(SYSTEM, simulate=small_system.Closed(broken=0.03))
    futures = Ensemble.of(small_system.study(tmp_path), broken)
    reduction = futures.reduction(futures.params("base"))
    failed = futures.members["efficiency"].to_numpy() > 0.03
    assert 0 < failed.sum() < len(failed)
    assert np.isnan(reduction[failed]).all()
    assert np.isfinite(reduction[~failed]).all()
    assert (chances(futures, "base", np.zeros(3)) == 1).all()


def test_chances_count_members_under_the_targets(futures: Ensemble) -> None:
    goal = np.array([0.15, 0.18, 0.2])
    reduction = futures.reduction(futures.params("full", goal))
    np.testing.assert_allclose(chances(futures, "full", goal), (reduction >= goal).mean(axis=0))


def test_a_parameter_that_the_members_draw_is_refused(futures: Ensemble) -> None:
    given = {**futures.params("base"), "efficiency": xr.DataArray(0.02)}
    with pytest.raises(InputError, match="'efficiency' is also drawn for each member"):
        futures.reduction(given)
    own = {**futures.params("base"), "strength": xr.DataArray(0.5)}  # no member has it
    assert np.isfinite(futures.reduction(own)).all()


def test_an_unknown_mix_is_refused_with_the_nearest(futures: Ensemble) -> None:
    with pytest.raises(InputError, match="did you mean 'full'"):
        futures.params("ful")


def test_an_error_that_is_there_from_the_base_year_on_changes_no_reduction(tmp_path: Path, futures: Ensemble) -> None:
    shifted = replace(SYSTEM, errors=lambda study, members: small_system.errors(study, members) + 0.3)
    moved = Ensemble.of(small_system.study(tmp_path), shifted)
    np.testing.assert_allclose(moved.reduction(moved.params("base")), futures.reduction(futures.params("base")))
    growing = replace(SYSTEM, errors=lambda study, members: 0.01 * (small_system.errors(study, members)["year"] - 2005)
                      + 0 * small_system.errors(study, members))  # fmt: skip
    later = Ensemble.of(small_system.study(tmp_path), growing)
    np.testing.assert_allclose(later.errors, 0.05)  # 0.05 in the base year, 0.10 at the end
