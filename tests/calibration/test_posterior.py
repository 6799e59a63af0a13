"""The shipped posterior: its gates, its origin, and a coarse run that finds the same optimum."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from calibration import assumptions, calibrate, fit, posterior, prior, sampler
from calibration.likelihood import likelihood
from calibration.prior import Prior
from models.parameters import defaults, row
from models.reading.faults import InputError


@pytest.fixture(scope="module")
def shipped() -> xr.Dataset:
    return posterior.load()


@pytest.fixture(scope="module")
def restored(shipped: xr.Dataset) -> tuple[fit.FitProblem, Prior]:
    return assumptions.restore(shipped)


def test_the_shipped_posterior_belongs_to_the_shipped_data_and_model(shipped: xr.Dataset) -> None:
    assert posterior.is_current(posterior.PUBLISHED), (
        f"data, model or settings have changed since; run: {shipped.attrs['command']}"
    )


def test_the_shipped_chains_pass_their_gates(shipped: xr.Dataset) -> None:
    assert float(shipped.attrs["largest split R-hat"]) < sampler.RHAT
    assert float(shipped.attrs["least ESS"]) >= sampler.ESS
    assert shipped.sizes["province"] == 30
    assert not bool(shipped["draws"].isnull().any())
    assert bool(((shipped["draws"] >= shipped["low"] - 1e-6) & (shipped["draws"] <= shipped["high"] + 1e-6)).all())


def test_a_new_fit_from_the_prior_finds_the_shipped_optimum(
    shipped: xr.Dataset, restored: tuple[fit.FitProblem, Prior]
) -> None:
    problem, belief = restored
    found = fit.maximise(fit.residuals(problem, belief), belief, belief.mean[None])
    worse = found.payoff - shipped["payoff"].values
    assert (worse < 0.5).mean() >= 0.9, "one start misses the optimum of more than three provinces"
    same = worse < 0.5
    apart = np.abs(found.values - shipped["optimum"].values) / belief.spread
    assert np.median(apart[same]) < 0.05


def test_closing_the_learning_loop_reproduces_the_index(
    shipped: xr.Dataset, restored: tuple[fit.FitProblem, Prior]
) -> None:
    problem, _ = restored
    closed = fit.learning_index(problem, shipped["optimum"].values)
    difference = float(abs(closed - shipped["learning index data"]).max())
    assert difference < 1e-4, f"the closed loop is {difference:.1e} off the series used in calibration"


def test_a_design_is_reproducible_and_inside_the_bounds(
    shipped: xr.Dataset, restored: tuple[fit.FitProblem, Prior]
) -> None:
    problem, _ = restored
    one, same, other = (posterior.design(6, seed, inputs=problem.inputs, posterior=shipped) for seed in (3, 3, 4))
    xr.testing.assert_identical(one, same)
    assert not one.equals(other)
    many = posterior.design(400, 3, inputs=problem.inputs, posterior=shipped)
    base = problem.inputs["base final energy"].sel(sector=many["sector"])
    for name, (parameter, sectors) in prior.FREE.items():
        values = many[parameter].sel(sector=list(sectors)) if "sector" in many[parameter].dims else many[parameter]
        if parameter == "base final energy":  # the free parameter is the logarithm of a factor on the measured energy
            values = np.log(values / base.sel(sector=list(sectors)))
        low, high = (shipped[end].sel(parameter=name).drop_vars("parameter") for end in ("low", "high"))
        assert bool((values >= low - 1e-6).all()), name
        assert bool((values <= high + 1e-6).all()), name


def made_up(response: list[list[float]]) -> tuple[xr.Dataset, list[str], np.ndarray]:
    """A posterior of two provinces and one free parameter; response (province, assumption) to two real assumptions."""
    names = [str(name) for name in prior.uncertain().index[:2]]
    centre = np.array([float(np.mean(defaults(row(name)))) for name in names])
    made = xr.Dataset(
        {
            "response": (("province", "parameter", "assumption"), np.array(response)[:, None, :]),
            "low": (("parameter",), [0.0]),
            "high": (("parameter",), [2.0]),
        },
        {"province": ["x", "y"], "parameter": ["k"], "assumption": names},
    )
    return made, names, centre


def test_parameters_move_with_the_assumptions_by_hand() -> None:
    made, names, centre = made_up([[0.5, -0.1], [-0.2, 0.3]])
    away = pd.DataFrame(centre + np.array([[0.0, 0.0], [0.4, 0.0], [0.4, 2.0]]), columns=names)
    moved = assumptions.conditioned(made, np.full((3, 2, 1), 1.0), away)
    # θ(u) = θ(u₀) + (dθ/du)(u − u₀): x gains 0.5 × 0.4 and loses 0.1 × 2, y the other way round.
    np.testing.assert_allclose(moved[:, :, 0], [[1.0, 1.0], [1.2, 0.92], [1.0, 1.52]])


def test_parameters_that_move_stop_at_their_bounds() -> None:
    made, names, centre = made_up([[5.0, 0.0], [-5.0, 0.0]])
    away = pd.DataFrame(centre + np.array([[1.0, 0.0]]), columns=names)
    np.testing.assert_array_equal(assumptions.conditioned(made, np.full((1, 2, 1), 1.0), away)[:, :, 0], [[2.0, 0.0]])


def test_the_response_follows_what_keeps_the_fit(shipped: xr.Dataset, restored: tuple[fit.FitProblem, Prior]) -> None:
    """When an assumption moves, the residuals grow least along the response and most against it."""
    problem, belief = restored
    optimum = shipped["optimum"].values
    evaluate = fit.residuals(problem, belief)
    at = evaluate(optimum[None])
    slope = fit.jacobian(evaluate, belief, optimum[None], at)[0]
    result = fit.FitResult(belief, optimum, (at[0] ** 2).sum(-1), optimum[None], at, at[0], slope)
    response = assumptions.response(problem, result)
    table = prior.uncertain()
    names, high = list(table.index), table["high"].to_numpy(dtype=float)
    centre = np.array([float(np.mean(defaults(row(name)))) for name in names])
    away = np.minimum(centre + 0.1 * (high - table["low"].to_numpy(dtype=float)), high) - centre
    moved = centre + np.diag(away)  # a member for each assumption
    common = xr.Dataset({name: ("member", np.tile(moved[:, i], 3)) for i, name in enumerate(names)})
    step = np.moveaxis(response.sel(assumption=names).values * away, -1, 0)
    trials = np.concatenate([optimum + sign * step for sign in (1, 0, -1)])
    squares = (fit.residuals(problem, belief, common)(trials) ** 2).sum((1, 2))
    growth = squares.reshape(3, len(names)).sum(1)
    assert growth[0] < growth[1] < growth[2]


def test_moved_members_fit_the_measured_years_better_than_unmoved_ones(
    shipped: xr.Dataset, restored: tuple[fit.FitProblem, Prior]
) -> None:
    problem, _ = restored
    names = [str(name) for name in shipped["assumption"].values]
    others = prior.from_quantiles(prior.quantiles(64, names, 5))
    common = xr.Dataset({name: ("member", others[name].to_numpy()) for name in names})
    start = shipped["draws"].values[:64].astype(float)

    def misfit(values: np.ndarray) -> float:
        return float((problem.likelihood.residuals(problem.simulate(values, common)) ** 2).sum(-1).mean())

    assert misfit(assumptions.conditioned(shipped, start, others)) < 0.9 * misfit(start)


def gaussian(centre: np.ndarray, root: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    def of(values: np.ndarray) -> np.ndarray:
        white = np.linalg.solve(root, np.moveaxis(values - centre, 0, -1))
        return np.asarray(-0.5 * (white**2).sum(1).T)

    return of


def test_the_sampler_finds_mean_and_covariance_of_a_normal() -> None:
    rng = np.random.default_rng(2)
    centre = rng.normal(size=(3, 4))
    root = np.linalg.cholesky(np.stack([np.cov(rng.normal(size=(4, 20))) for _ in range(3)]))
    start = sampler.Proposal(centre + 0.3, 1.5 * root)
    chains, accepted = sampler.sample(gaussian(centre, root), start, 4000, rng)
    flat = chains.reshape(-1, 3, 4)
    spread = flat.std(0)
    np.testing.assert_allclose(flat.mean(0), centre, atol=0.08 * spread.max())
    expected = np.einsum("pij,pkj->pik", root, root)
    for p in range(3):
        np.testing.assert_allclose(np.cov(flat[:, p].T), expected[p], atol=0.08 * expected[p].max())
    assert (accepted > 0.3).all()
    sampler.gate(sampler.diagnostics(chains, ["a", "b", "c"], list("wxyz")))


def test_chains_that_stick_are_drawn_again_twice_as_long(monkeypatch: pytest.MonkeyPatch) -> None:
    lengths: list[int] = []

    def sample(density: object, start: object, draws: int, rng: np.random.Generator) -> tuple[Any, Any]:
        lengths.append(draws)
        chains = rng.standard_normal((4, draws, 1, 1))
        return (chains if len(lengths) > stuck else np.repeat(chains[:, : draws // 100], 100, 1)), np.ones(1)

    monkeypatch.setattr(sampler, "sample", sample)
    places = {"base gdp": xr.DataArray([1.0], {"province": ["Hebei"]}, ["province"])}
    problem: Any = SimpleNamespace(inputs=places, likelihood=None)
    found: Any = SimpleNamespace(
        prior=SimpleNamespace(names=["p"]), values=np.zeros((1, 1)), covariance=np.eye(1)[None]
    )
    for stuck in (0, 1, 2):
        lengths.clear()
        chains, _ = calibrate.draw_posterior(problem, found, 500, np.random.default_rng(1))
        assert lengths == [500 * 2**k for k in range(stuck + 1)]
        assert chains.shape[1] == lengths[-1]
    stuck = 9
    with pytest.raises(sampler.GateError):
        calibrate.draw_posterior(problem, found, 500, np.random.default_rng(1))


def test_gates_raise_with_the_numbers() -> None:
    rng = np.random.default_rng(3)
    apart = rng.normal(size=(4, 500, 1, 2))
    apart[:2, :, 0, 1] += 2.0  # two chains stay at other values
    table = sampler.diagnostics(apart, ["Hebei"], ["good", "bad"])
    with pytest.raises(sampler.GateError, match="bad of Hebei") as caught:
        sampler.gate(table)
    assert list(caught.value.table["parameter"]) == ["bad"]
    stuck = np.repeat(rng.normal(size=(4, 20, 1, 1)), 25, axis=1)
    with pytest.raises(sampler.GateError, match="ESS"):
        sampler.gate(sampler.diagnostics(stuck, ["Hebei"], ["stuck"]))


def test_a_missing_posterior_names_the_command(tmp_path) -> None:
    with pytest.raises(InputError, match="tanlu calibrate"):
        posterior.load(tmp_path / "none.nc")


def test_the_fit_climbs_to_a_known_optimum() -> None:
    rng = np.random.default_rng(4)
    known = rng.normal(size=(5, 3))
    belief = Prior(tuple("abc"), np.zeros((5, 3)), np.full((5, 3), 100.0), np.full(3, -9.0), np.full(3, 9.0))
    slope = rng.normal(size=(7, 3))

    def of(values: np.ndarray) -> np.ndarray:
        away = values - known
        return np.concatenate([away @ slope.T + 0.1 * away[..., :1] ** 3, (values - belief.mean) / belief.spread], -1)

    found = fit.maximise(of, belief, fit.draw_starts(belief, 4, rng))
    np.testing.assert_allclose(found.values, known, atol=2e-3)
    assert found.covariance.shape == (5, 3, 3)
    assert ((found.effective_parameters > 2.9) & (found.effective_parameters <= 3)).all()


def test_a_year_without_a_figure_says_nothing(restored: tuple[fit.FitProblem, Prior]) -> None:
    problem, belief = restored
    run = problem.simulate(belief.mean[None])
    missing = np.isnan(problem.likelihood.log_measured)
    residuals = problem.likelihood.residuals(run)
    assert np.isfinite(residuals).all()
    assert not missing.all(axis=-1).all(axis=0).any(), "a province without any figure"


def test_the_likelihood_reads_no_later_year(restored: tuple[fit.FitProblem, Prior]) -> None:
    from calibration import baseline

    measured = baseline.load()
    later = measured.copy(deep=True)
    for name in later.data_vars:
        if "year" in later[name].dims and later[name].dtype.kind == "f":
            later[name].loc[{"year": slice(2011, None)}] *= 2
    for one, two in zip(
        (likelihood(measured).log_measured, likelihood(measured).whiten),
        (likelihood(later).log_measured, likelihood(later).whiten),
        strict=True,
    ):
        np.testing.assert_array_equal(one, two)
