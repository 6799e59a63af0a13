"""Every printed band of a study carries the learnt error: as wide as the forecasts that the scorecard judged."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from calibration import baseline, discrepancy, forecast, posterior, scores
from calibration.places import NATION
from experiments.ensemble import outputs
from experiments.ensemble.batches import Job
from experiments.ensemble.installed import installed
from experiments.installation import calibrated, load_study, predictive_errors

MEMBERS = 96
KEPT = ("gdp", "total energy", "energy co2", "reported energy intensity")


@pytest.fixture(scope="module")
def bands() -> dict[bool, xr.Dataset]:
    """The shipped study's changes 2010-2015 in per cent, (member, province), without and with the error."""
    asked = [f"members={MEMBERS}", "allocations=[official]", "mixes=[delivered]", "hindcast=false", "sensitivity=null"]
    study, system = load_study(overrides=asked), installed(2)
    job = Job(study, system.inputs(study), system.simulate, system.errors, system.checksums, {})
    results, error = job.results("official", "delivered", system.design(study), KEPT, range(2010, 2016))
    found = {}
    for on in (False, True):
        levels = outputs.with_error(results, error) if on else results
        found[on] = 100 * (levels.sel(year=2015) / levels.sel(year=2010) - 1)
    return found


def test_bands_are_wider_with_the_error_and_hold_what_the_scorecard_says(bands: dict[bool, xr.Dataset]) -> None:
    happened = np.exp(forecast.measured(baseline.load()).drop_sel(province=NATION))
    truth = (100 * (happened["gdp"].sel(year=2015) / happened["gdp"].sel(year=2010) - 1)).to_numpy()
    held = {}
    for on, changes in bands.items():
        sample = changes["gdp"].transpose("member", "province").to_numpy()
        held[on] = scores.coverage(sample, truth, 0.8)
    card = pd.read_csv(forecast.LEARNT.with_name("scorecard-quantities.csv"))
    row = card[(card["forecast"] == "model") & (card["quantity"] == "gdp") & (card["origin"] == 2010)].iloc[0]
    assert held[True] == pytest.approx(float(row["coverage_80"]), abs=0.1)
    assert held[False] < 0.6
    for name in KEPT:
        narrow, wide = (bands[on][name].std("member").median("province") for on in (False, True))
        assert float(wide) > 1.1 * float(narrow), name


def test_errors_have_the_learnt_size_and_begin_after_the_last_measured_year() -> None:
    study = load_study(overrides=["target.plan=p14", "hindcast=false"])  # fitted to 2015, a nowcast to 2020
    made = predictive_errors(study, np.arange(400))
    assert int(made["year"][0]) == 2020
    law = discrepancy.from_attrs(calibrated(2020)[0], "growth")
    after = made["growth"].sel(year=2021)
    assert float(after.mean("province").std()) == pytest.approx(law.national, rel=0.15)
    level = made["carbon"].sel(year=2020)
    assert float(level.std()) == pytest.approx(discrepancy.NOWCAST, rel=0.1)
    since = made["carbon"] - level
    assert 1.2 < float(since.sel(year=2029).std() / since.sel(year=2021).std()) < 4
    assert not any(float(abs(made[name].sel(year=2020)).max()) for name in ("intensity", "growth"))


def test_the_verdict_does_not_depend_on_how_long_the_errors_are() -> None:
    members = np.arange(3)
    shipped = posterior.load()
    short, long = (discrepancy.predictive(shipped, [*members], (2010, 2015), last, 7) for last in (2015, 2030))
    np.testing.assert_array_equal(short["intensity"], long["intensity"].sel(year=slice(None, 2015)))
    frozen = discrepancy.from_attrs(shipped).sample(members, 30, 5, 7)
    np.testing.assert_array_equal(short["intensity"][..., 1:], frozen)
