"""Functions that PySD does not have, against their definitions."""

import math

import numpy as np
import pytest

from sim import Model
from sim.errors import Refused, SimError

TIMES = np.arange(9.0)


def series(write, backend, body: str, name: str = "z") -> np.ndarray:
    control = "INITIAL TIME = 0 ~ ~ |\nFINAL TIME = 8 ~ ~ |\nTIME STEP = 1 ~ ~ |\nSAVEPER = 1 ~ ~ |\n"
    path = write("x = 3 + Time / 2 ~ ~ |\n" + body, control=control)
    return Model.load(path).run(outputs=[name], backend=backend)[name].to_numpy()


def test_net_present_value_is_the_discounted_sum(write, backend):
    got = series(write, backend, "z = NPV(x, 0.1, 5, 2) ~ ~ |\n")
    terms = (3 + TIMES / 2) * 1.1**-TIMES
    np.testing.assert_allclose(got, 2 * (5 + np.cumsum(terms)), rtol=1e-12)


def test_a_limited_stock_stays_within_its_bounds(write, backend):
    unlimited = series(write, backend, "z = SINTEG(1, 3, :NA:, :NA:, :NA:, :NA:, :NA:) ~ ~ |\n")
    np.testing.assert_array_equal(unlimited, 3 + TIMES)
    got = series(write, backend, "z = SINTEG(IF THEN ELSE(Time < 4, 2, -3), 3, 1, 6, :NA:, :NA:, :NA:) ~ ~ |\n")
    assert got.tolist() == [3, 5, 6, 6, 6, 3, 1, 1, 1]  # it leaves a bound at once: nothing beyond it is remembered
    got = series(write, backend, "z = SINTEG(-z / 2, 8, :NA:, :NA:, :NA:, 0, 0.3) ~ ~ |\n")
    assert got.tolist() == [8, 4, 2, 1, 0.5, 0, 0, 0, 0]
    for arguments, reason in (
        ("1, 3, 0, :NA:, 1, :NA:, :NA:", "with a quant is not supported"),
        ("1, 3, 0, :NA:, :NA:, 1, :NA:", "needs both spec and thresh"),
        ("1, 3, x, :NA:, :NA:, :NA:, :NA:", "the min of SINTEG must be a number written out"),
    ):
        with pytest.raises(Refused, match=reason):
            series(write, backend, f"z = SINTEG({arguments}) ~ ~ |\n")
    path = write("z = SINTEG(1, 3, 0, :NA:, :NA:, :NA:, :NA:) ~ ~ |\n")
    with pytest.raises(SimError, match="'z' uses SINTEG, which is computed by Euler's method only"):
        Model.load(path, integration="rk4").run()


def test_lookups_read_in_other_ways(write, backend):
    body = "t((0,0),(2,1),(4,5)) ~ ~ |\n"
    got = series(write, backend, body + "z = LOOKUP EXTRAPOLATE(t, Time) ~ ~ |\n")
    np.testing.assert_allclose(got, np.where(TIMES < 2, TIMES / 2, 2 * TIMES - 3), rtol=1e-14)
    got = series(write, backend, body + "z = LOOKUP FORWARD(t, Time) ~ ~ |\n")
    assert got.tolist() == [0, 1, 1, 5, 5, 5, 5, 5, 5]
    got = series(write, backend, body + "z = LOOKUP BACKWARD(t, Time) ~ ~ |\n")
    assert got.tolist() == [0, 0, 1, 1, 5, 5, 5, 5, 5]
    got = series(write, backend, body + "z = LOOKUP INVERT(t, t(Time / 2)) ~ ~ |\n")
    np.testing.assert_allclose(got, TIMES / 2, rtol=1e-14)
    with pytest.raises(Refused, match="rise or fall throughout"):
        series(write, backend, "t((0,0),(2,1),(4,0)) ~ ~ |\nz = LOOKUP INVERT(t, 1) ~ ~ |\n")


def test_gamma_ln_is_the_logarithm_of_factorials(write, backend):
    got = series(write, backend, "z = GAMMA LN(Time + 1) ~ ~ |\n")
    np.testing.assert_allclose(got, [math.log(math.factorial(n)) for n in range(9)], rtol=1e-13, atol=1e-14)


def test_vector_elm_map_counts_from_its_first_element(write, backend):
    body = "d: a, b, c ~ ~ |\nv[d] = 10, 20, 30 ~ ~ |\n"
    got = series(write, backend, body + "z = VECTOR ELM MAP(v[b], Time - 1) ~ ~ |\n")
    np.testing.assert_array_equal(got, [10, 20, 30, *[np.nan] * 6])
    body += "w[d, e] = v[d] + n[e] ~ ~ |\ne: p, q ~ ~ |\nn[e] = 1, 2 ~ ~ |\no[d] = 2, 1, 0 ~ ~ |\n"
    got = series(write, backend, body + "r[d, e] = VECTOR ELM MAP(w[a, e], o[d]) ~ ~ |\nz = SUM(r[a, e!]) ~ ~ |\n")
    assert got[0] == 31 + 32


def test_delays_of_material_and_information_with_a_constant_time(write, backend):
    expected = [7, 7, *(3 + TIMES[:-2] / 2)]
    for call in ("DELAY MATERIAL(x, two, 7, 0)", "DELAY INFORMATION(x, two, 7)"):
        got = series(write, backend, f"two = 1 + one ~ ~ |\none = 1 ~ ~ |\nz = {call} ~ ~ |\n")
        np.testing.assert_allclose(got, expected)
    with pytest.raises(Refused, match="DELAY MATERIAL is supported with a delay time that does not change"):
        series(write, backend, "z = DELAY MATERIAL(x, 2 + x, 7, 0) ~ ~ |\n")


@pytest.mark.parametrize(("action", "expected"), [(0, 7.0), (1, 7.0), (2, np.nan)])
def test_error_actions_of_vector_select(write, backend, action, expected):
    body = "d: a, b, c ~ ~ |\nchosen[d] = 1, 0, 1 ~ ~ |\nv[d] = 3, 9, 4 ~ ~ |\nact = " + str(action) + " ~ ~ |\n"
    got = series(write, backend, body + "z = VECTOR SELECT(chosen[d!], v[d!], 0, 0, act) ~ ~ |\n")
    np.testing.assert_array_equal(got[0], expected)


def test_sample_if_true_may_read_itself(write, backend):
    body = "y = IF THEN ELSE(Time = 3, 9, x) ~ ~ |\nz = SAMPLE IF TRUE(y > z, y, 0) ~ ~ |\n"
    got = series(write, backend, body)
    np.testing.assert_allclose(got, np.maximum.accumulate([3, 3.5, 4, 9, 5, 5.5, 6, 6.5, 7]))


def test_chains_through_several_variables_and_initial_values(write, backend):
    body = "t: (t1-t4) ~ ~ |\nlate: t2, t3, t4 -> early ~ ~ |\nearly: t1, t2, t3 ~ ~ |\n"
    body += "x1[t1] = Time ~ ~ |\nx1[late] = y1[late] + 1 ~ ~ |\ny1[late] = x1[early] * 2 ~ ~ |\n"
    body += "d[t1] = INITIAL(x) ~ ~ |\nd[late] = INITIAL(d[early] + 1) ~ ~ |\nz = x1[t4] ~ ~ |\nw = d[t4] ~ ~ |\n"
    np.testing.assert_allclose(series(write, backend, body), ((TIMES * 2 + 1) * 2 + 1) * 2 + 1)
    np.testing.assert_allclose(series(write, backend, body, "w"), 6)
