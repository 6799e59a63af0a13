"""The restatement of 2008, on made-up series."""

import numpy as np
import pytest
import xarray as xr

from experiments.analyses.sensitivity import problem


def test_the_jump_of_2008_is_found_above_the_usual_growth(monkeypatch: pytest.MonkeyPatch) -> None:
    # Energy grows by 10 % and 2 % a year, and is written down 1.3 times and 0.9 times as high from 2008 on.
    years = np.arange(2005, 2011)
    growth, jump = np.array([1.10, 1.02]), np.array([1.3, 0.9])
    energy = growth[:, None] ** (years - 2005) * np.where(years >= 2008, jump[:, None], 1.0)
    made = xr.Dataset(
        {"sector_energy": (("province", "sector", "year"), np.stack([energy, 3 * energy]))},
        {"province": ["x", "y"], "sector": ["industry", "farming"], "year": years},
    )
    monkeypatch.setattr("calibration.baseline.load", lambda: made)
    found = problem.restated.__wrapped__()
    np.testing.assert_allclose(found.sel(sector=["industry", "farming"]), np.log(jump))
