"""Runge-Kutta methods: closed forms, order, and what does not follow a slope."""

import numpy as np
import pytest
import xarray as xr

from sim import Model
from sim.errors import ModelError, SimError

DECAY = """
s = INTEG(-rate * s + input, 1) ~ ~ |
rate = 0.7 ~ ~ |
input = Time ~ ~ |
late = DELAY FIXED(s, 2, 0) ~ ~ |
smooth = SMOOTH3(s, 3) ~ ~ |
INITIAL TIME = 0 ~ ~ |
FINAL TIME = 4 ~ ~ |
"""


def exact(time: np.ndarray, rate: float = 0.7) -> np.ndarray:
    """The solution of s' = t - rate s, s(0) = 1."""
    return time / rate - 1 / rate**2 + (1 + 1 / rate**2) * np.exp(-rate * time)


def load(write, integration: str, step: float, body: str = DECAY) -> Model:
    control = f"TIME STEP = {step} ~ ~ |\nSAVEPER = 1 ~ ~ |\n"
    return Model.load(write(body, f"{integration}{step}.mdl", control), integration=integration)


@pytest.mark.parametrize(("integration", "order"), [("euler", 1), ("rk2", 2), ("rk4", 4)])
def test_the_error_falls_with_the_order(write, backend, integration, order):
    errors = []
    for step in (0.25, 0.125):
        result = load(write, integration, step).run(outputs=["s"], backend=backend)["s"]
        errors.append(float(np.abs(result - exact(result["time"].to_numpy())).max()))
    assert np.log2(errors[0] / errors[1]) == pytest.approx(order, abs=0.3)


def test_one_step_of_rk4_is_the_series_to_the_fourth_power(write, backend):
    body = "s = INTEG(s, 1) ~ ~ |\nINITIAL TIME = 0 ~ ~ |\nFINAL TIME = 1 ~ ~ |\n"
    result = load(write, "rk4", 1, body).run(outputs=["s"], backend=backend)["s"]
    assert float(result[1]) == pytest.approx(1 + 1 + 1 / 2 + 1 / 6 + 1 / 24, rel=1e-15)
    result = load(write, "rk2", 1, body).run(outputs=["s"], backend=backend)["s"]
    assert float(result[1]) == pytest.approx(2.5, rel=1e-15)


def test_smooths_follow_slopes_and_pipes_do_not(write, backend):
    fine = load(write, "rk4", 0.015625).run(outputs=["smooth", "late", "s"], backend=backend)
    coarse = load(write, "rk4", 0.25).run(outputs=["smooth", "late", "s"], backend=backend)
    np.testing.assert_allclose(coarse["smooth"], fine["smooth"], rtol=2e-4)
    np.testing.assert_allclose(coarse["late"][2:], coarse["s"][:-2], rtol=1e-12)


def test_series_are_read_within_the_step(write, backend):
    """A slope linear in time is integrated exactly from its values at the start, the middle and the end."""
    body = "s = INTEG(x, 0) ~ ~ |\nx = 0 ~ ~ |\nINITIAL TIME = 0 ~ ~ |\nFINAL TIME = 4 ~ ~ |\n"
    series = xr.DataArray([0.0, 8.0], {"time": [0.0, 4.0]}, "time")
    for integration in ("rk2", "rk4"):
        result = load(write, integration, 1, body).run({"x": series}, ["s"], backend=backend)["s"]
        np.testing.assert_allclose(result, result["time"] ** 2, rtol=1e-14)


def test_members_and_their_series_follow_the_same_method(write, backend):
    model = load(write, "rk4", 0.25)
    design = xr.Dataset({"rate": ("member", [0.3, 0.7, 1.1])})
    ours = model.ensemble(design, ["s"], backend=backend)["s"]
    for member, rate in enumerate((0.3, 0.7, 1.1)):
        np.testing.assert_allclose(ours.isel(member=member), exact(ours["time"].to_numpy(), rate), rtol=1e-4)
        np.testing.assert_allclose(
            ours.isel(member=member), model.run({"rate": rate}, ["s"], backend=backend)["s"], rtol=1e-13
        )


def test_both_back_ends_agree(write):
    model = load(write, "rk4", 0.25)
    np.testing.assert_allclose(
        model.run(outputs=["s", "smooth"], backend="numpy").to_array(),
        model.run(outputs=["s", "smooth"], backend="native").to_array(),
        rtol=1e-13,
    )


SETTINGS = "\n\\\\\\---/// Sketch\nV300\n///---\\\\\\\n:L\x7f<%^E!@\n15:0,0,0,{},0,0\n"


@pytest.mark.parametrize(("code", "integration"), [(0, "euler"), (2, "euler"), (4, "rk2"), (5, "rk4")])
def test_the_settings_of_a_file_choose_the_method(write, code, integration):
    control = "TIME STEP = 1 ~ ~ |\nSAVEPER = 1 ~ ~ |\n" + SETTINGS.format(code)
    assert Model.load(write(DECAY, control=control)).module.integration == integration


def test_steps_by_tolerance_are_refused_unless_a_method_is_given(write):
    path = write(DECAY, control="TIME STEP = 1 ~ ~ |\nSAVEPER = 1 ~ ~ |\n" + SETTINGS.format(1))
    with pytest.raises(ModelError, match="integration='rk4'"):
        Model.load(path)
    assert Model.load(path, integration="rk4").module.integration == "rk4"
    with pytest.raises(SimError, match="must be one of euler, rk2, rk4"):
        Model.load(path, integration="heun")


def test_pysd_is_no_reference_for_them(write):
    with pytest.raises(SimError, match="it is no reference"):
        load(write, "rk4", 0.25).verify(None, 1, np.random.default_rng(0))
