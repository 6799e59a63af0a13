"""A shipped posterior is valid exactly while data and model give the fit the same residuals."""

from pathlib import Path

import pandas as pd
import pytest
import xarray as xr

from calibration import assumptions, fit, posterior, validity
from calibration import baseline as data
from models import PROVINCE

EQUATION = """
double energy[province]=
	2*total energy[province]
	~	Mtce/year
	~	Twice the total.
	|
"""
"""An equation beside the fitted ones."""


@pytest.fixture(scope="module")
def baseline() -> xr.Dataset:
    return data.load()


def test_the_recorded_responses_are_those_of_the_shipped_posteriors() -> None:
    recorded = set(pd.read_csv(validity.RESPONSES)["posterior"])
    assert recorded == {"posterior-2007.nc", "posterior.nc", "posterior-2015.nc"}


@pytest.mark.slow
def test_an_equation_beside_the_fitted_ones_leaves_the_posterior_valid(
    baseline: xr.Dataset, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    text = PROVINCE.read_text(encoding="utf-8")
    changed = tmp_path / "province.mdl"
    changed.write_text(text.replace("planned nonfossil share[", EQUATION + "planned nonfossil share[", 1))
    monkeypatch.setattr(fit, "PROVINCE", changed)
    monkeypatch.setattr(assumptions, "measured", lambda: baseline)
    shipped = posterior.load(posterior.PUBLISHED)
    assert validity.unchanged(shipped, "posterior.nc")


def test_a_changed_figure_of_a_fitted_year_makes_it_invalid(
    baseline: xr.Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = (baseline["year"] == 2009) & (baseline["province"] == "Hainan")
    changed = baseline.assign(energy_total=baseline["energy_total"].where(~one, 1.001 * baseline["energy_total"]))
    monkeypatch.setattr(assumptions, "measured", lambda: changed)
    assert not validity.unchanged(posterior.load(posterior.PUBLISHED), "posterior.nc")


def test_other_settings_are_another_posterior() -> None:
    assert not posterior.is_current(posterior.PUBLISHED, {"last": 2010})
