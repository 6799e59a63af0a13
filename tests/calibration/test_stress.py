"""Switches of vintage and accounting change the intended figures and no others."""

import numpy as np
import pandas as pd
import xarray as xr

from calibration import baseline
from calibration.validation import stress


def test_switches_touch_the_fitted_totals_only() -> None:
    measured = baseline.load()
    for switch in stress.SWITCHES.values():
        other = switch(measured)
        changed = {
            str(name)
            for name in measured.data_vars
            if measured[name].dtype.kind == "f"
            and not measured[name].equals(other[name].transpose(*measured[name].dims))
        }
        assert changed == {"energy_total"}
    raised = stress.census(measured)["energy_total"] / measured["energy_total"]
    np.testing.assert_allclose(raised.sel(year=2005), 1)
    np.testing.assert_allclose(raised.sel(year=2010), 1 + stress.CENSUS)
    second = stress.second_hand(measured)["energy_total"].transpose("province", "year")
    later = slice(2011, None)
    xr.testing.assert_equal(
        second.sel(year=later), measured["energy_total"].transpose("province", "year").sel(year=later)
    )


def test_a_verdict_changes_when_the_chance_crosses_one_half() -> None:
    provinces = stress.inputs.target_reduction()["province"]
    target = stress.inputs.target_reduction().sel(plan="p12")
    met = xr.DataArray(np.tile(1 - target.values - 0.01, (11, 1)), {"province": provinces}, ("member", "province"))
    missed = met.copy()
    missed[:, 3] = 1 - target.values[3] + 0.02
    table = stress.verdict_table({stress.AS_CALIBRATED: met, "other": missed}, np.ones(met.shape))
    assert (table.groupby("switch")["changed"].sum() == pd.Series({stress.AS_CALIBRATED: 0, "other": 1})).all()
    row = stress.summary(table).set_index("switch").loc["other"]
    assert row["provinces"] == str(provinces.values[3])
    assert row["met"] == 29
