"""Deliberate differences from PySD: docs/differences.md, row by row. Each shows what both do."""

import re
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from sim import Model
from sim.errors import DesignError, ModelError, Refused
from sim.oracle import Oracle
from sim.pysd_parser import quiet
from tests.sim.conftest import MODELS, agree, loaded

pytestmark = pytest.mark.filterwarnings("ignore")  # PySD's own
DOCUMENT = Path(__file__).parents[2] / "docs" / "differences.md"


@pytest.fixture
def plain_pysd(tmp_path):
    """PySD as a user calls it, without our care."""

    def load(path):
        with quiet():
            import pysd

            return pysd.read_vensim(path)

    return load


def test_every_row_of_the_document_has_its_test_and_the_reverse():
    rows = set(re.findall(r"^\| `(\w+)`", DOCUMENT.read_text(encoding="utf-8"), re.MULTILINE))
    tests = {name.removeprefix("test_") for name in globals() if name.startswith("test_")}
    assert rows == tests - {"every_row_of_the_document_has_its_test_and_the_reverse"}


def test_whole_number_as_first_value(write, backend):
    path = write("x = 0.4 + Time ~ ~ |\ns = SMOOTHI(x, 2, 0) ~ ~ |\n")
    s, expected = 0.0, []
    for step in range(17):
        expected += [s] if step % 2 == 0 else []
        s += 0.5 * (0.4 + step / 2 - s) / 2
    np.testing.assert_allclose(Model.load(path).run(outputs=["s"], backend=backend)["s"], expected, rtol=1e-12)
    assert abs(float(Oracle(path).run(outputs=["s"])["s"][1]) - expected[1]) > 0.05, "PySD has been mended"


def test_delay_fixed_of_a_delay(write, backend):
    path = write("x = 1 + Time ~ ~ |\nslow = DELAY1(x, 2) ~ ~ |\nf = DELAY FIXED(slow, 1, 0.5) ~ ~ |\n")
    model = Model.load(path)
    whole, alone = model.run(backend=backend), model.run(outputs=["f"], backend=backend)
    np.testing.assert_array_equal(whole["f"], alone["f"])
    agree(Oracle(path).run(), whole)
    assert not np.allclose(Oracle(path).run(outputs=["f"])["f"], whole["f"]), "PySD has been mended"


def test_missing_values_in_reductions(write, backend):
    body = "r: a, b, c ~ ~ |\nx[r] = 1, 2, 3 ~ ~ |\ny[r] = IF THEN ELSE(x[r] = 2, :NA:, x[r]) ~ ~ |\n"
    body += "s = SUM(y[r!]) ~ ~ |\np = PROD(y[r!]) ~ ~ |\nlow = VMIN(y[r!]) ~ ~ |\nhigh = VMAX(y[r!]) ~ ~ |\n"
    path = write(body)
    names = ["s", "p", "low", "high"]
    result, reference = Model.load(path).run(outputs=names, backend=backend), Oracle(path).run(outputs=names)
    assert np.isnan([result[name][0] for name in names]).all()
    assert [float(reference[name][0]) for name in names] == [4.0, 3.0, 1.0, 3.0]


def test_one_row_of_a_table(write, backend):
    body = "r: a, b ~ ~ |\ntable[a]( (0,0),(10,10) ) ~ ~ |\ntable[b]( (0,0),(10,100) ) ~ ~ |\n"
    path = write(body + "x[r] = 2, 5 ~ ~ |\ny[r] = table[b](x[r]) ~ ~ |\n")
    np.testing.assert_allclose(Model.load(path).run(backend=backend)["y"].isel(time=0), [20.0, 50.0])
    np.testing.assert_allclose(Oracle(path).run()["y"].isel(time=0), [50.0, 50.0], err_msg="PySD has been mended")


def test_truth_values_of_arrays(write, backend):
    body = (
        "r: a, b ~ ~ |\nx[r] = 1, 2 ~ ~ |\ny[r] = (x[r] > 0) + (x[r] > 1) ~ ~ |\nz = (Time >= 0) + (Time >= 0) ~ ~ |\n"
    )
    path = write(body)
    result, reference = Model.load(path).run(backend=backend), Oracle(path).run()
    np.testing.assert_array_equal(result["y"].isel(time=0), [1.0, 2.0])
    np.testing.assert_array_equal(reference["y"].isel(time=0), [1.0, 1.0], err_msg="PySD has been mended")
    np.testing.assert_array_equal(result["z"], reference["z"])


def test_missing_argument_of_a_lookup(write, backend):
    path = write("t( (0,7),(9,5) ) ~ ~ |\nn = IF THEN ELSE(Time > 0, :NA:, 0) ~ ~ |\ny = t(n) ~ ~ |\n")
    result, reference = Model.load(path).run(backend=backend), Oracle(path).run()
    np.testing.assert_array_equal(result["y"], [7.0] + 8 * [np.nan])
    np.testing.assert_array_equal(reference["y"], 9 * [7.0], err_msg="PySD has been mended")


def test_division_by_zero(write, backend):
    path = write("y = 1 / (Time - 1) ~ ~ |\nz = 2 ^ 2000 ~ ~ |\nlevel = INTEG(1, 0) ~ ~ |\n")
    result = Model.load(path).run(backend=backend)
    np.testing.assert_array_equal(result["y"][:3], [-1.0, np.inf, 1.0])
    np.testing.assert_array_equal(result["level"], np.arange(9.0))
    assert np.isinf(result["z"]).all()
    with pytest.raises(ModelError, match=r"ZeroDivisionError|OverflowError"):
        Oracle(path).run()


def test_fractional_power_of_a_negative_number(write, backend):
    path = write("y = (Time - 100) ^ 0.333 ~ ~ |\n")
    assert np.isnan(Model.load(path).run(backend=backend)["y"]).all()
    with pytest.raises(ModelError, match="complex"):
        Oracle(path).run()


def test_lower_order_of_a_delay(plain_pysd, tmp_path, backend):
    path = MODELS / "subscripted_state.mdl"
    speed = xr.DataArray([1.0, 0.6, 1.1], {"part": ["p1", "p2", "p3"]}, "part")
    agree(Oracle(path).run({"speed": speed}), loaded(path).run({"speed": speed}, backend=backend))
    copy = tmp_path / path.name
    copy.write_bytes(path.read_bytes())
    with pytest.raises(ValueError, match="conflicting sizes"):
        plain_pysd(copy).run(params={"speed": speed})


def test_numpy_numbers_as_parameters(write, backend, plain_pysd):
    path = write("r: a, b ~ ~ |\nstart = 1.5 ~ ~ |\nlevel[r] = INTEG(start, start) ~ ~ |\n")
    result = Model.load(path).run({"start": np.float64(2.0)}, ["level"], backend=backend)
    np.testing.assert_allclose(result["level"].isel(r=0), 2 + 2 * np.arange(9.0))
    agree(Oracle(path).run({"start": 2.0}, ["level"]), result)
    with pytest.raises(Exception, match=r"."):
        plain_pysd(path).run(params={"start": np.float64(2.0)})


def test_names_of_local_variables(write, backend):
    path = write("r: a, b ~ ~ |\nvalue[r] = 1, 2 ~ ~ |\ny[a] = value[a] ~ ~ |\ny[b] = value[b] * 2 ~ ~ |\n")
    np.testing.assert_array_equal(Model.load(path).run(backend=backend)["y"].isel(time=0), [1.0, 4.0])
    with pytest.raises(ModelError, match="not callable"):
        Oracle(path).run()


def test_apostrophes_in_subscripts(write, backend):
    path = write("driver's: a', b ~ ~ |\nx[driver's] = 1, 2 ~ ~ |\ny[a'] = x[a'] * Time ~ ~ |\ny[b] = 5 ~ ~ |\n")
    result = Model.load(path).run(backend=backend)
    assert [*result["driver's"].values] == ["a'", "b"]
    agree(Oracle(path).run(), result)  # which renames them for PySD


def test_clock_from_a_parameter(backend, tmp_path, plain_pysd):
    path = MODELS / "clock_by_formula.mdl"
    result = loaded(path).run({"horizon": 9.0}, backend=backend)
    assert float(result["time"][0]) == -3.0
    agree(Oracle(path).run({"horizon": 9.0}), result)  # which empties PySD's caches
    copy = tmp_path / path.name
    copy.write_bytes(path.read_bytes())
    assert plain_pysd(copy).run(params={"horizon": 9.0}).index[0] == -2.0, "PySD has been mended"


def test_save_points_leave_final_time(backend, tmp_path, plain_pysd):
    path = MODELS / "stocks.mdl"
    result = loaded(path).run(outputs=["FINAL TIME"], times=[0.0, 3.0], backend=backend)
    np.testing.assert_array_equal(result["FINAL TIME"], [20.0, 20.0])
    copy = tmp_path / path.name
    copy.write_bytes(path.read_bytes())
    assert plain_pysd(copy).run(return_timestamps=[0.0, 3.0])["FINAL TIME"].iloc[0] == 3.0, "PySD has been mended"


def test_series_hold_their_ends(write, backend):
    path = write("r: a, b ~ ~ |\nx[r] = 1, 2 ~ ~ |\ny[r] = x[r] * 2 ~ ~ |\n")
    series = xr.DataArray([[1.0, 3.0], [5.0, 7.0]], {"time": [2.0, 4.0], "r": ["a", "b"]}, ("time", "r"))
    result = Model.load(path).run({"x": series}, ["y"], backend=backend)
    np.testing.assert_allclose(result["y"].isel(r=0), 2 * np.interp(np.arange(9.0), [2, 4], [1, 5]))
    agree(Oracle(path).run({"x": series}, ["y"]), result)


def test_random_functions(write):
    for function in ("RANDOM UNIFORM(0, 1, 3)", "RANDOM NORMAL(0, 1, 0.5, 0.1, 3)", "RANDOM 0 1()"):
        with pytest.raises((Refused, ModelError), match=r"(?i)random"):
            Model.load(write(f"y = {function} ~ ~ |\n"))


def test_too_many_arguments(write):
    path = write("y = MAX(1, 2, 7) ~ ~ |\n")
    with pytest.raises(Refused, match="2 argument"):
        Model.load(path)
    assert float(Oracle(path).run()["y"][0]) == 2.0, "PySD has been mended"


def test_a_variable_called_like_a_function(write):
    path = write("exp = 2 ~ ~ |\ny = EXP(exp) ~ ~ |\n")
    with pytest.raises(Refused, match="exp"):
        Model.load(path)
    assert float(Oracle(path).run()["y"][0]) == 2.0, "PySD has been mended"


def test_order_of_a_delay_as_parameter(backend):
    with pytest.raises(DesignError, match=r"'order' cannot be changed"):
        loaded(MODELS / "delay_n.mdl").run({"order": 3.0}, backend=backend)


# Vensim and XMILE against PySD and the engine

EULER = "INITIAL TIME = 0 ~ ~ |\nFINAL TIME = {} ~ ~ |\nTIME STEP = {} ~ ~ |\nSAVEPER = TIME STEP ~ ~ |\n"


@pytest.fixture
def xmile(tmp_path):
    """Writes an XMILE file from its variables."""

    def made(variables, method="Euler", head=""):
        path = tmp_path / "model.xmile"
        path.write_text(
            '<?xml version="1.0" encoding="utf-8"?><xmile version="1.0" '
            'xmlns="http://docs.oasis-open.org/xmile/ns/XMILE/v1.0"><header><vendor>own</vendor>'
            '<product version="1.0">own</product></header>'
            f'<sim_specs method="{method}" time_units="years"><start>0</start><stop>8</stop><dt>1</dt></sim_specs>'
            f"{head}<model><variables>{variables}</variables></model></xmile>",
            encoding="utf-8",
        )
        return path

    return made


@pytest.fixture
def plain_xmile():
    """PySD's own run of an XMILE file."""

    def run(path, name):
        with quiet():
            import pysd

            return pysd.read_xmile(path).run(return_columns=[name])[name].to_numpy()

    return run


def test_runge_kutta(xmile, backend, plain_xmile):
    path = xmile("<stock name='s'><eqn>1</eqn><inflow>f</inflow></stock><flow name='f'><eqn>s</eqn></flow>", "rk4")
    result = Model.load(path).run(outputs=["s"], backend=backend)["s"]
    np.testing.assert_allclose(result, (1 + 1 + 1 / 2 + 1 / 6 + 1 / 24) ** np.arange(9.0), rtol=1e-14)
    np.testing.assert_array_equal(plain_xmile(path, "s"), 2 ** np.arange(9.0), err_msg="PySD has been mended")


TANKS = (
    "<stock name='s'><eqn>10</eqn><inflow>i</inflow><outflow>a</outflow><outflow>b</outflow><non_negative/></stock>"
    "<flow name='i'><eqn>1</eqn></flow><flow name='a'><eqn>4</eqn></flow><flow name='b'><eqn>3</eqn></flow>"
    "<stock name='r'><eqn>0</eqn><inflow>a</inflow><inflow>b</inflow></stock>"
)


def test_outflow_of_a_stock_that_cannot_be_negative(xmile, backend, plain_xmile):
    path = xmile(TANKS)
    result = Model.load(path).run(backend=backend)
    np.testing.assert_allclose(result["s"] + result["r"], 10 + np.arange(9.0), rtol=1e-14)
    assert result["a"].to_numpy().tolist() == [4, 4, 1, 1, 1, 1, 1, 1, 1]  # the first outflow is served first
    assert result["b"].to_numpy().tolist() == [3, 1, 0, 0, 0, 0, 0, 0, 0]
    assert plain_xmile(path, "r")[-1] == 56, "PySD has been mended"


def test_explicit_mapping(write, backend, plain_pysd):
    body = "big: b1, b2 -> (small: s12, s3) ~ ~ |\nsmall: s1, s2, s3 ~ ~ |\ns12: s1, s2 ~ ~ |\n"
    path = write(body + "v[big] = 3 ~ ~ |\nt = SUM(v[big!]) ~ ~ |\n")
    assert float(Model.load(path).run(outputs=["t"], backend=backend)["t"][0]) == 6
    assert plain_pysd(path).run(return_columns=["t"])["t"].iloc[0] != 6, "PySD has been mended"


def test_pulse_without_width(write, backend, plain_pysd):
    path = write("p = PULSE(2, 0) ~ ~ |\nq = PULSE TRAIN(2, 0, 4, 9) ~ ~ |\n", control=EULER.format(8, 0.5))
    result = Model.load(path).run(outputs=["p", "q"], backend=backend)
    assert result["time"][result["p"] == 1].to_numpy().tolist() == [2]
    assert result["time"][result["q"] == 1].to_numpy().tolist() == [2, 6]
    assert plain_pysd(path).run(return_columns=["p"])["p"].sum() == 0, "PySD has been mended"


def test_last_pulse_of_a_train(write, backend, plain_pysd):
    path = write("r = PULSE TRAIN(1, 1, 3, 7) ~ ~ |\n", control=EULER.format(9, 1))
    result = Model.load(path).run(outputs=["r"], backend=backend)["r"]
    assert result["time"][result == 1].to_numpy().tolist() == [1, 4, 7]
    assert plain_pysd(path).run(return_columns=["r"])["r"].sum() == 2, "PySD has been mended"


def test_missing_values_are_found(write, backend, plain_pysd):
    body = "x = IF THEN ELSE(Time > 3, 5, :NA:) ~ ~ |\ny = IF THEN ELSE(x = :NA:, 1, x) ~ ~ |\n"
    path = write(body + "z = IF THEN ELSE(:NA: <> x, 2, 0) ~ ~ |\n")
    result = Model.load(path).run(outputs=["y", "z"], backend=backend)
    assert result["y"].to_numpy().tolist() == [1, 1, 1, 1, 5, 5, 5, 5, 5]
    assert result["z"].to_numpy().tolist() == [0, 0, 0, 0, 2, 2, 2, 2, 2]
    assert np.isnan(plain_pysd(path).run(return_columns=["y"])["y"].iloc[0]), "PySD has been mended"


def test_time_on_its_grid(write, backend, plain_pysd):
    path = write("x = IF THEN ELSE(Time = 0.3, 1, 0) ~ ~ |\ny = Time / 3 ~ ~ |\n", control=EULER.format(1, 0.1))
    result = Model.load(path).run(outputs=["x", "y"], backend=backend)
    assert result["time"][result["x"] == 1].to_numpy().tolist() == [0.3]
    assert plain_pysd(path).run(return_columns=["x"])["x"].sum() == 0, "PySD has been mended"
    thirds = write("x = Time ~ ~ |\n", "thirds.mdl", EULER.format(1, "1/3"))
    agree(Oracle(thirds).run(), Model.load(thirds).run(backend=backend), rtol=1e-15)  # on no decimal grid


def test_types_of_tables(xmile, backend, plain_xmile):
    scale = "<xscale min='0' max='4'/><ypts>1,2,4,3,5</ypts>"
    path = xmile(
        f"<aux name='d'><eqn>TIME/2</eqn><gf type='discrete'>{scale}</gf></aux>"
        f"<aux name='e'><eqn>TIME</eqn><gf type='extrapolate'>{scale}</gf></aux>"
    )
    result = Model.load(path).run(backend=backend)
    assert result["d"].to_numpy().tolist() == [1, 1, 2, 2, 4, 4, 3, 3, 5]
    assert result["e"].to_numpy().tolist() == [1, 2, 4, 3, 5, 7, 9, 11, 13]
    assert plain_xmile(path, "d")[1] == 1.5, "PySD has been mended"


CONVEYOR = (
    "<stock name='s'><eqn>6</eqn><inflow>i</inflow><outflow>o</outflow><conveyor><len>3</len>{}</conveyor></stock>"
    "<flow name='i'><eqn>5</eqn></flow><flow name='o'><eqn>0</eqn></flow>"
)


def test_conveyors(xmile, backend, plain_xmile):
    path = xmile(CONVEYOR.format(""))
    result = Model.load(path).run(backend=backend)
    assert result["o"].to_numpy().tolist() == [2, 2, 2, 5, 5, 5, 5, 5, 5]  # at first what it held, spread evenly
    assert result["s"].to_numpy().tolist() == [6, 9, 12, 15, 15, 15, 15, 15, 15]
    assert plain_xmile(path, "s")[-1] == 46, "PySD has been mended"
    with pytest.raises(Refused, match=r"'s'.*conveyor with capacity"):
        Model.load(xmile(CONVEYOR.format("<capacity>9</capacity>")))


def test_whole_numbers_of_xmile(xmile, backend, plain_xmile):
    path = xmile("<aux name='a'><eqn>INT(-2.5)</eqn></aux><aux name='b'><eqn>(-7) mod 3</eqn></aux>")
    result = Model.load(path).run(backend=backend)
    assert (float(result["a"][0]), float(result["b"][0])) == (-3, 2)
    assert plain_xmile(path, "a")[0] == -2, "PySD has been mended"


def test_blank_cells(write, tmp_path, plain_pysd):
    (tmp_path / "blank.csv").write_text("1,2\n3,\n5,6\n", encoding="utf-8")
    path = write("r: x, y, z ~ ~ |\na[r] = GET DIRECT CONSTANTS('blank.csv', ',', 'B1*') ~ ~ |\n")
    with pytest.raises(Refused, match=r"'a' \(line 3\).*blank"):
        Model.load(path)
    assert np.isnan(plain_pysd(path).run(return_columns=["a[y]"])["a[y]"].iloc[0]), "PySD has been mended"


def test_elements_that_follow_from_each_other(write, backend, plain_pysd):
    body = "t: (t1-t4) ~ ~ |\nlater: t2, t3, t4 -> before ~ ~ |\nbefore: t1, t2, t3 ~ ~ |\n"
    path = write(body + "x[t1] = Time ~ ~ |\nx[later] = x[before] * 2 + 1 ~ ~ |\n")
    result = Model.load(path).run(outputs=["x"], backend=backend)["x"]
    assert result.isel(time=1).to_numpy().tolist() == [1, 3, 7, 15]
    with pytest.raises(Exception, match=r"."):
        plain_pysd(path).run(return_columns=["x"])
