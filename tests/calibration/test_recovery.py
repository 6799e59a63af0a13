"""What is known is found again; ranks of the truth are uniform."""

import numpy as np
import pytest
import xarray as xr

from calibration import assumptions, fit, identifiability, posterior
from calibration.prior import Prior
from calibration.validation import recovery


@pytest.fixture(scope="module")
def restored() -> tuple[fit.FitProblem, Prior]:
    return assumptions.restore(posterior.load())


def test_known_parameters_are_recovered_within_their_intervals(restored: tuple[fit.FitProblem, Prior]) -> None:
    found = recovery.recover(*restored, seed=11)
    assert len(found) == 30 * 12
    inside = (found["score"].abs() < 1.96).mean()
    assert 0.90 <= inside <= 0.99, f"{inside:.2f} of the truths inside their 95 % intervals"
    assert found["score"].std() == pytest.approx(1, abs=0.15)
    by_parameter = found.groupby("parameter")["score"].mean()
    assert (by_parameter.abs() < 4 / np.sqrt(30)).all(), by_parameter


def test_a_wrong_noise_is_noticed(restored: tuple[fit.FitProblem, Prior]) -> None:
    problem, belief = restored
    rng = np.random.default_rng(12)
    values = recovery.draw_truth(belief, rng)
    made = recovery.simulate_measurements(problem, values, rng)
    logs = made.likelihood.log_measured
    clean = recovery.log_modelled(problem.simulate(values[None]), problem.likelihood.years)[:, :, 0]
    from dataclasses import replace

    loud = replace(made, likelihood=replace(made.likelihood, log_measured=clean + 3 * (logs - clean)))
    found = fit.maximise(fit.residuals(loud, belief), belief, belief.mean[None])
    error = np.sqrt(np.diagonal(found.covariance, axis1=1, axis2=2))
    assert (np.abs(found.values - values) < 1.96 * error).mean() < 0.93


def test_the_histogram_accepts_uniform_ranks_and_refuses_others() -> None:
    rng = np.random.default_rng(13)
    good = recovery.histogram(rng.random((300, 12)))
    assert good["count"].between(good["low"], good["high"]).all()
    narrow = recovery.histogram(rng.beta(2, 2, (300, 12)))
    assert not narrow["count"].between(narrow["low"], narrow["high"]).all()


@pytest.mark.slow
def test_simulation_based_calibration(restored: tuple[fit.FitProblem, Prior]) -> None:
    found = np.concatenate([recovery.ranks(*restored, draws=1500, seed=seed) for seed in range(20, 30)])
    table = recovery.histogram(found)
    outside = table[~table["count"].between(table["low"], table["high"])]
    assert outside.empty, outside


def test_profiles_tell_a_decided_parameter_from_an_open_one() -> None:
    coords = {"parameter": ["decided", "open"], "province": ["Hebei"]}
    value = np.tile(np.linspace(0, 1, 9), (2, 1, 1))
    rise = np.stack([40 * (value[0] - 0.5) ** 2, 4 * np.clip(0.5 - value[1], 0, None) ** 2])
    found = xr.Dataset(
        {name: (("parameter", "province", "point"), data) for name, data in (("value", value), ("profile", rise))},
        coords,
    )
    table = identifiability.profile_table(found).set_index("parameter")
    assert table.loc["decided", "label"] == identifiability.IDENTIFIED
    assert table.loc["decided", "low"] == pytest.approx(0.5 - np.sqrt(1.92 / 40), abs=0.02)
    assert table.loc["open", "label"] == identifiability.NOT_IDENTIFIED
    assert np.isnan(table.loc["open", "high"])
