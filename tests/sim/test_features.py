"""Every feature of the language in a separate model: all variables equal PySD's, on every back end."""

import numpy as np
import pytest
import xarray as xr

from sim import Model
from sim.errors import SimError
from tests.sim.conftest import MODELS, agree, loaded, oracle

FILES = sorted(path for path in MODELS.iterdir() if path.suffix in (".mdl", ".xmile"))


# Operations that the native back end leaves to NumPy; the back end refuses them by name, and `auto` chooses NumPy.
NOT_NATIVE = {"allocate": "allocate available"}


# Where PySD is wrong against Vensim or XMILE: docs/differences.md, third part, has the right values.
BETTER = {
    "clock": ["level", "rate"],
    "missing_and_constants": ["uses"],
    "test_inputs": ["empty pulse"],
    "xmile": ["extrapolated"],
}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_equals_pysd(path, backend):
    reference = oracle(path).run()
    if backend == "native" and path.stem in NOT_NATIVE:
        with pytest.raises(SimError, match=NOT_NATIVE[path.stem]):
            loaded(path).run(backend="native")
        backend = "auto"
    assert len(reference.data_vars) > 4
    better = BETTER.get(path.stem, ())
    agree(reference.drop_vars(better), loaded(path).run(backend=backend).drop_vars(better))


@pytest.mark.parametrize(
    ("file", "params"),
    [
        ("stocks", {"predators at start": 35.0}),
        ("delay1_delay3", {"wait": 1.7}),
        ("smooth", {"over": 0.8}),
        ("macros", {"weight[r2]": 7.0}),
        ("except", {"weight[r1]": -2.0, "weight[r3]": 0.5}),
        ("mappings", {"size": xr.DataArray([9.0, 1.0, 4.0], {"country": ["k1", "k2", "k3"]}, "country")}),
        ("subscripts", {"depth": 3.5}),
        ("clock_by_formula", {"horizon": 9.0}),
        ("stocks", {"FINAL TIME": 11.0, "TIME STEP": 0.25}),
        ("clock", {"INITIAL TIME": -1.0, "SAVEPER": 0.1}),
        ("stocks", {"predators at start": xr.DataArray([20.0, 50.0, 10.0], {"time": [0.0, 5.0, 15.0]}, "time")}),
        (
            "lookups_subscripted",
            {
                "factor": xr.DataArray(
                    [[1.0, 2.0], [0.5, 3.0], [2.0, 2.0]],
                    {"part": ["p1", "p2", "p3"], "time": [2.0, 6.0]},
                    ("part", "time"),
                )
            },
        ),
    ],
    ids=str,
)
def test_parameters_mean_the_same_to_both(file, params, backend):
    path = MODELS / f"{file}.mdl"
    better = BETTER.get(file, ())
    agree(oracle(path).run(params).drop_vars(better), loaded(path).run(params, backend=backend).drop_vars(better))


@pytest.mark.parametrize("times", [[0.0, 3.0, 7.5], [20.0], [7.5, 2.0], np.arange(0.0, 20.5, 0.5)], ids=str)
def test_save_points(times, backend):
    path = MODELS / "stocks.mdl"
    agree(oracle(path).run(times=times), loaded(path).run(times=times, backend=backend))


def test_save_points_after_the_end_prolong_the_run(backend):
    path = MODELS / "stocks.mdl"
    agree(
        oracle(path).run(outputs=["prey"], times=[20, 26]),
        loaded(path).run(outputs=["prey"], times=[20, 26], backend=backend),
    )


@pytest.mark.parametrize(
    "clock",
    [{"FINAL TIME": -5.0}, {"FINAL TIME": 0.0}, {"SAVEPER": 1000.0}, {"SAVEPER": 0.3}, {"TIME STEP": 50.0}],
    ids=str,
)
def test_odd_clocks(clock, backend):
    path = MODELS / "stocks.mdl"
    agree(oracle(path).run(clock), loaded(path).run(clock, backend=backend))


def test_outputs_are_what_was_asked_for(backend):
    path = MODELS / "reductions.mdl"
    result = loaded(path).run(outputs=["row total", "TOTAL"], backend=backend)
    assert [*result.data_vars] == ["row total", "total"]
    agree(oracle(path).run(outputs=["row total", "total"]), result)


def test_a_closed_form(backend, write):
    """Independent of PySD: x' = -x/4 by Euler is (1 - dt/4)^n exactly."""
    model = Model.load(write("x = INTEG(-x / 4, 3) ~ ~ |\n"))
    values = model.run(outputs=["x"], backend=backend)["x"].to_numpy()
    np.testing.assert_allclose(values, 3 * (1 - 0.5 / 4) ** (2 * np.arange(9)), rtol=1e-14)


def test_euler_is_of_first_order(backend, write):
    """Halving the step halves the error of x' = -x/4."""
    model = Model.load(write("x = INTEG(-x / 4, 3) ~ ~ |\n"))
    steps = [0.5, 0.25, 0.125, 0.0625]
    errors = [
        abs(float(model.run({"TIME STEP": step}, ["x"], backend=backend)["x"][-1]) - 3 * np.exp(-2)) for step in steps
    ]
    orders = np.log2(np.divide(errors[:-1], errors[1:]))
    assert np.all(np.abs(orders - 1) < 0.2), orders
