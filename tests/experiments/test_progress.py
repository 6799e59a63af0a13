"""Yearly progress: members that resemble the statistics count more, in closed form."""

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from experiments.analyses import progress
from experiments.analyses.progress import Progress
from experiments.study.files import of_year
from models.reading.faults import InputError
from tests.experiments import small_system
from tests.experiments.small_system import SYSTEM


def paths(growth: list[float]) -> xr.Dataset:
    """Members whose energy grows by so much a year (logarithm), over 2010-2015; GDP stays."""
    years = np.arange(2010, 2016)
    energy = np.exp(np.array(growth)[:, None] * (years - 2010))
    dims = {"member": np.arange(len(growth)), "year": years}
    return xr.Dataset({"total energy": (("member", "year"), energy), "gdp": (("member", "year"), 1 + 0 * energy)}, dims)


def test_a_weight_is_the_likelihood_of_the_statistics() -> None:
    seen = Progress("x", 2011, {"energy": 100 * (np.exp(0.02) - 1)}, error=1.0)
    weights = progress.reweighted(paths([0.02, 0.03, 0.04]), seen, 2010)
    np.testing.assert_allclose(weights[1:] / weights[0], np.exp([-0.5, -2.0]))
    two = Progress("x", 2012, {"energy": 100 * (np.exp(0.04) - 1)}, since_base=True, error=1.0)
    weights = progress.reweighted(paths([0.02, 0.03]), two, 2010)
    np.testing.assert_allclose(
        weights[1] / weights[0], np.exp(-((0.02 / 0.01) ** 2) / 2 / 2)
    )  # two years: twice the variance


def test_a_failed_member_has_no_weight() -> None:
    weights = progress.reweighted(paths([0.02, np.nan]), Progress("x", 2011, {"energy": 2.0}), 2010)
    np.testing.assert_array_equal(weights, [1, 0])


def test_good_statistics_raise_every_chance_and_lower_the_pace(tmp_path: Path) -> None:
    study = small_system.study(tmp_path, "target.indicators=[energy_intensity, co2_intensity]", "members=400")
    good, bad = (
        progress.updated(study, SYSTEM, Progress("Ningxia", 2012, {"energy": energy, "gdp": 21.0}, since_base=True))
        for energy in (10.0, 18.0)
    )
    before = good["chance_before"]
    assert (good["chance"] > before).all()
    assert (bad["chance"] < before).all()
    np.testing.assert_array_equal(before, bad["chance_before"])
    assert (good["needed"] < bad["needed"]).all()
    first = good.iloc[0]
    assert first["indicator"] == "energy_intensity"
    left = (1 - first["target"] / 100) / (1 - first["done"] / 100)
    assert first["needed"] == pytest.approx(100 * (1 - left ** (1 / 3)))
    assert first["due"] == pytest.approx(first["target"] * 2 / 5)
    assert (first["verdict"] == "on the path") == (first["done"] >= first["due"])
    assert (bad["verdict"] == "behind the path").any()
    assert first["effective"] < 400
    said = progress.sentences(good, Progress("Ningxia", 2012), {key: key for key in study.target.indicators})
    assert said[0].startswith("Ningxia, energy_intensity:")


def test_statistics_that_say_nothing_change_nothing(tmp_path: Path) -> None:
    study = small_system.study(tmp_path)
    table = progress.updated(study, SYSTEM, Progress("Ningxia", 2011, {"gdp": 10.0}, error=10.0))
    assert float(table["effective"].iloc[0]) > 0.95 * 40
    assert float(table["chance"].iloc[0]) == pytest.approx(float(table["chance_before"].iloc[0]), abs=0.03)


def test_what_cannot_be_asked_is_said_at_once(tmp_path: Path) -> None:
    with pytest.raises(InputError) as refused:
        progress.updated(small_system.study(tmp_path), SYSTEM, Progress("Ningxia", 2015, {"energy": 400.0}, error=0.0))
    assert len(refused.value.faults) == 3
    with pytest.raises(InputError, match="no statistics"):
        progress.updated(small_system.study(tmp_path), SYSTEM, Progress("Ningxia", 2012))


def test_a_year_names_the_shipped_study_of_its_plan() -> None:
    assert [of_year(year) for year in (2011, 2015, 2016, 2026)] == [
        "twelfth-plan", "twelfth-plan", "thirteenth-plan", "fifteenth-plan",
    ]  # fmt: skip
    with pytest.raises(InputError, match="got year 2031"):
        of_year(2031)
