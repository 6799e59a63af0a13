"""What the engine's tests share: models, references and the comparison with PySD."""

from __future__ import annotations

import functools
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from sim import Model
from sim.backends import BACKENDS
from sim.oracle import Oracle

MODELS = Path(__file__).parent / "models"
RTOL = 1e-9

CONTROL = """
FINAL TIME = 8 ~ Month ~ |
INITIAL TIME = 0 ~ Month ~ |
TIME STEP = 0.5 ~ Month ~ |
SAVEPER = 1 ~ Month ~ |
"""


@functools.cache
def oracle(path: Path) -> Oracle:
    """PySD's translation of a model, made once."""
    return Oracle(path)


@functools.cache
def loaded(path: Path) -> Model:
    """A model, read once."""
    return Model.load(path)


def agree(reference: xr.Dataset, result: xr.Dataset, rtol: float = RTOL) -> None:
    """Both hold the same variables, dims, elements, times and, within rtol, values; NaN where the other has it.

    Values near zero are compared within rtol of what rounding leaves of the variable's largest value (1e-13 of it).
    """
    missing = {*reference.data_vars} ^ {*result.data_vars}
    assert not missing, f"only one of the two has {sorted(map(str, missing))}"
    for name in reference.data_vars:
        expected, got = reference[name], result[name]
        assert {*expected.dims} == {*got.dims}, name
        for dim in expected.dims:
            assert [*expected[dim].values] == [*got[dim].values], f"{name}: elements of {dim}"
        expected_values, values = expected.to_numpy(), got.transpose(*expected.dims).to_numpy()
        finite = expected_values[np.isfinite(expected_values)]
        floor = 1e-13 * np.abs(finite).max(initial=0.0)
        np.testing.assert_allclose(values, expected_values, rtol=rtol, atol=floor, err_msg=str(name))


@pytest.fixture(params=[name for name in sorted(BACKENDS) if name != "auto"])
def backend(request: pytest.FixtureRequest) -> str:
    """Every back end that this machine can use."""
    reason = BACKENDS[request.param].available()
    if reason is not None:
        pytest.skip(reason)
    return str(request.param)


@pytest.fixture
def write(tmp_path: Path):
    """Writes a model file from its equations; control variables are added."""

    def made(body: str, name: str = "model.mdl", control: str = CONTROL) -> Path:
        path = tmp_path / name
        path.write_text("{UTF-8}\n" + body + control, encoding="utf-8")
        return path

    return made
