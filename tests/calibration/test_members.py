"""The core that runs members: precedence, errors at the ends of a plan, falls and shares, quantiles of known values."""

import numpy as np
import pytest
import xarray as xr

from calibration import members, prior
from sim import Model


@pytest.fixture(scope="module")
def stock(tmp_path_factory: pytest.TempPathFactory) -> Model:
    """A stock that starts at 1 in 2005 and grows by `pace` per year."""
    path = tmp_path_factory.mktemp("model") / "stock.mdl"
    path.write_text(
        "{UTF-8}\npace=\n\t0.5\n\t~\t1/year\n\t~\t|\n"
        "stock= INTEG (stock * pace, 1)\n\t~\t1\n\t~\t|\n"
        "FINAL TIME = 2030\n\t~\tyear\n\t~\t|\nINITIAL TIME = 2005\n\t~\tyear\n\t~\t|\n"
        "SAVEPER = TIME STEP\n\t~\tyear\n\t~\t|\nTIME STEP = 1\n\t~\tyear\n\t~\t|\n",
        encoding="utf-8",
    )
    return Model.load(path)


def test_a_design_goes_before_what_all_members_share(stock: Model) -> None:
    design = xr.Dataset({"pace": ("member", [0.0, 1.0])}, {"member": ["still", "double"]})
    found = members.run(stock, design, {"pace": 0.25}, ["stock"], [2005, 2007])["stock"]
    assert found["year"].values.tolist() == [2005, 2007]
    assert found.sel(year=2007).values.tolist() == [1.0, 4.0]
    alone = members.run(stock, xr.Dataset(coords={"member": [0]}), {"pace": 0.25}, ["stock"], [2007])["stock"]
    assert alone.item() == 1.25**2


def test_the_error_of_a_change_is_what_comes_after_its_first_year() -> None:
    where = {"member": [0], "province": ["x"], "year": [2010, 2011, 2012]}
    walk = xr.DataArray([[[0.1, 0.3, 0.6]]], where, ("member", "province", "year"))
    errors = xr.Dataset({"intensity": walk, "growth": 10 * walk})
    assert members.error_of_change(errors, ["intensity"], 2011, 2012).item() == pytest.approx(0.3)
    assert members.error_of_change(errors, ["intensity", "growth"], 2010, 2020).item() == pytest.approx(5.5)
    assert members.error_of_change(errors, ["intensity"], 2005, 2010).item() == pytest.approx(0.1)


def test_a_higher_intensity_than_modelled_is_a_smaller_fall_and_a_higher_share_a_larger_one() -> None:
    first, last = np.array([2.0]), np.array([1.5])
    assert members.achieved(first, last, error=np.log(1.1)).item() == pytest.approx(1 - 0.75 * 1.1)
    assert members.achieved(first, last, "floor", error=np.log(1.1)).item() == pytest.approx(1.65)
    # A share that grows evenly achieves the same part of the task in every year.
    even = members.achieved(np.array([0.2]), np.array([0.3, 0.4]), "floor", due=np.array([0.5, 1.0]))
    np.testing.assert_allclose(even, [0.2, 0.4])
    # A mean rate over two years: 10 %, less 5 % with a level 0.9025 times the modelled one.
    rate = members.achieved(np.array([1.0]), np.array([1.21]), "growth", years=2, error=np.log(0.9025))
    assert rate.item() == pytest.approx(1.1 * 0.95 - 1)


def test_quantiles_leave_out_members_that_failed() -> None:
    values = np.array([[1.0, np.nan], [3.0, np.nan], [np.nan, np.nan]])
    np.testing.assert_array_equal(members.quantiles(values, [0.0, 0.5]), [[1.0, np.nan], [2.0, np.nan]])
    np.testing.assert_array_equal(members.quantiles(values[:, 0], [1.0]), [3.0])
    assert np.isnan(members.quantiles(np.empty((0, 2)), [0.5])).all()


def test_the_first_points_of_a_sobol_sequence_do_not_depend_on_how_many_are_drawn() -> None:
    few, many = (prior.sobol(n, 3, np.random.default_rng(1)) for n in (5, 8))
    assert few.shape == (5, 3)
    np.testing.assert_array_equal(few, many[:5])
    assert sorted(np.floor(8 * many[:, 0])) == list(range(8))  # one point in each eighth
