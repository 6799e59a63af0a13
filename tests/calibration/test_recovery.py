"""A fit to simulated data finds the known parameters; ranks of the truth are uniform."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from calibration import assumptions, fit, identifiability, ledger, posterior
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
    clean = recovery.log_modelled(problem.simulate(values[None]), problem.likelihood.years, problem.likelihood.series)[
        :, :, 0
    ]
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


def test_repeated_provinces_fit_as_they_do_alone(restored: tuple[fit.FitProblem, Prior]) -> None:
    problem, belief = restored
    small = recovery.repeated_places(problem, recovery.THREE)
    places = [str(name) for name in problem.inputs["base gdp"]["province"].values]
    values = recovery.draw_truth(belief, np.random.default_rng(3))
    for at, name in enumerate(recovery.THREE):
        values[at::3] = values[places.index(name)]
    whole = problem.likelihood.residuals(problem.simulate(values[None]))[0]
    here = np.array([places.index(name) for name in recovery.THREE])
    own = values.copy()
    own[here] = values[:3]
    alone = problem.likelihood.residuals(problem.simulate(own[None]))[0][here]
    again = small.likelihood.residuals(small.simulate(values[None]))[0]
    np.testing.assert_allclose(again[:3], alone, atol=1e-8)
    np.testing.assert_allclose(again[27:], alone, atol=1e-8)
    assert not np.allclose(whole[:3], alone)


def test_the_committed_ranks_are_of_the_shipped_posterior_and_uniform() -> None:
    table = pd.read_csv(recovery.TABLE)
    shipped = posterior.load(posterior.PUBLISHED)
    assert table["parameter"].tolist() == [str(name) for name in shipped["parameter"].values]
    assert set(table["draws"]) == {ledger.digest(shipped["draws"].values.tobytes())}
    assert table["fits"].min() >= 200
    counts = table[[f"bin_{at}" for at in range(1, recovery.BINS + 1)]]
    assert (counts.sum(axis=1) == table["replicates"]).all()
    assert ((table["low"] <= counts.T) & (table["high"] >= counts.T)).all(axis=None)
    assert table["inside_95"].between(0.90, 0.99).all()
    assert table["score_sd"].between(0.85, 1.15).all()


@pytest.mark.slow
def test_simulation_based_calibration(restored: tuple[fit.FitProblem, Prior]) -> None:
    table = recovery.simulation_based_calibration(*restored, fits=100, seed=20)
    assert table["holds"].all(), table[~table["holds"]]


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
