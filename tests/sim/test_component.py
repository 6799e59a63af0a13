"""The engine as a component: parameters listed, initial values, designs, labels, progress, sinks, repr."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from sim import Model, NetCDF, Parquet
from sim.errors import Cancelled, DesignError, SimError

SIR = Path(__file__).parents[2] / "docs" / "sir.mdl"
OUTPUTS = ["infectious", "force of infection"]


@pytest.fixture(scope="module")
def sir() -> Model:
    return Model.load(SIR)


def test_parameters_can_be_given_back(sir, backend):
    table = sir.parameters()
    assert list(table.columns) == ["default", "unit", "dims", "kind", "low", "high", "meaning"]
    assert set(table["kind"]) == {"constant", "clock", "initial value"}
    assert (table.loc["infectivity", "low"], table.loc["infectivity", "high"]) == (0, 1)
    given = {name: value for name, value in table["default"].items() if value is not None}
    xr.testing.assert_identical(sir.run(given, OUTPUTS, backend=backend), sir.run(outputs=OUTPUTS, backend=backend))


def test_an_initial_value_starts_the_stock_and_nothing_else(sir, backend):
    given = {"infectious": pd.Series({"old": 3.0, "child": 1.0, "adult": 2.0}), "recovered": 7.0}
    result = sir.run(given, backend=backend).isel(time=0)
    assert result["infectious"].to_numpy().tolist() == [1, 2, 3]
    assert result["recovered"].to_numpy().tolist() == [7, 7, 7]
    usual = sir.run(backend=backend).isel(time=0)
    xr.testing.assert_identical(result["susceptible"], usual["susceptible"])


def test_members_have_initial_values_of_their_own(sir, backend):
    design = xr.Dataset({"infectious": (("member", "age"), [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])})
    result = sir.ensemble(design, ["infectious"], backend=backend)["infectious"]
    np.testing.assert_array_equal(result.isel(time=0), [[1, 2, 3], [4, 5, 6]])
    one = sir.run({"infectious": np.array([4.0, 5.0, 6.0])}, ["infectious"], backend=backend)["infectious"]
    np.testing.assert_allclose(result.isel(member=1), one, rtol=1e-13)


def test_what_an_initial_value_cannot_be_is_said(sir):
    with pytest.raises(DesignError, match="value at the start, got values over time"):
        sir.run({"recovered": xr.DataArray([1.0, 2.0], {"time": [0, 9]}, ["time"])})
    with pytest.raises(SimError, match="PySD cannot be given the initial value of a stock"):
        sir.run({"recovered": 1.0}, ["recovered"], backend="pysd")


def test_a_dict_is_a_design(sir):
    frame = pd.DataFrame({"contacts": [4.0, 9.0], "infectivity": 0.06})
    expected = sir.ensemble(frame, OUTPUTS)
    xr.testing.assert_identical(sir.ensemble({"contacts": [4, 9], "infectivity": 0.06}, OUTPUTS), expected)
    assert sir.ensemble({"contacts": 4}, OUTPUTS).sizes["member"] == 1
    arrays = {"contacts": [4.0, 9.0], "duration": xr.DataArray([[1.0, 2, 3], [4, 5, 6]], dims=("member", "age"))}
    assert sir.ensemble(arrays, OUTPUTS).sizes["member"] == 2
    with pytest.raises(DesignError, match="do not fit together"):
        sir.ensemble({"contacts": [4, 9], "infectivity": [0.1]}, OUTPUTS)


@pytest.mark.parametrize("labels", [["mild", "severe"], [10, 20], [0.5, 1.5]])
def test_member_labels_are_kept_everywhere(sir, tmp_path, labels):
    design = pd.DataFrame({"contacts": [4.0, 9.0]}, index=labels)
    memory = sir.ensemble(design, OUTPUTS)
    assert memory["member"].to_numpy().tolist() == labels
    with sir.ensemble(design, OUTPUTS, sink=tmp_path / "x.nc") as stored:
        assert stored["member"].to_numpy().tolist() == labels
        for name in OUTPUTS:
            np.testing.assert_array_equal(stored[name], memory[name])
    sir.ensemble(design, ["infectious"], sink=str(tmp_path / "x.parquet"))
    table = pd.read_parquet(tmp_path / "x.parquet")
    assert list(dict.fromkeys(table["member"])) == labels
    assert list(table.columns) == ["member", "age", "time", "infectious"]
    last = table[(table["member"] == labels[1]) & (table["age"] == "old")]["infectious"].to_numpy()
    np.testing.assert_array_equal(last, memory["infectious"].sel(member=labels[1], age="old"))


@pytest.mark.parametrize("batch", [1, 3, 7])
def test_sinks_hold_the_same_whatever_the_batch(sir, tmp_path, batch):
    design = {"contacts": np.linspace(4, 9, 7)}
    memory = sir.ensemble(design, ["infectious"])["infectious"]
    with sir.ensemble(design, ["infectious"], sink=NetCDF(tmp_path / "x.nc", "float32"), batch=batch) as stored:
        np.testing.assert_array_equal(stored["infectious"], memory.astype("float32"))
        assert stored["infectious"].attrs["units"] == "Person"
    sir.ensemble(design, ["infectious"], sink=Parquet(tmp_path / "x.parquet"), batch=batch)
    table = pd.read_parquet(tmp_path / "x.parquet")
    np.testing.assert_array_equal(table["infectious"], memory.to_numpy().reshape(-1))


def test_values_by_label_are_never_taken_by_position(sir):
    by_label = {"old": 7.0, "child": 5.0, "adult": 4.0}
    expected = sir.run({"duration": pd.Series(by_label)}, OUTPUTS)
    xr.testing.assert_identical(sir.run({"duration": by_label}, OUTPUTS), expected)
    position = np.array([by_label[age] for age in sir.subscripts["age"]])
    xr.testing.assert_identical(sir.run({"duration": position}, OUTPUTS), expected)
    with pytest.raises(DesignError, match=r"missing \['old'\]"):
        sir.run({"duration": {"child": 5.0, "adult": 4.0}}, OUTPUTS)
    with pytest.raises(DesignError, match="numbers are needed"):
        sir.run({"duration": dict.fromkeys(by_label, "7")}, OUTPUTS)
    for design in ({"contacts": 4, "duration": pd.Series(by_label)}, pd.DataFrame({"duration": by_label})):
        with pytest.raises(DesignError, match="named like the elements of 'age'"):
            sir.ensemble(design, OUTPUTS)


def test_labels_that_are_neither_numbers_nor_text_become_text(sir):
    index = pd.MultiIndex.from_product([["mild", "severe"], [1, 2]])
    result = sir.ensemble(pd.DataFrame({"contacts": [4.0, 5, 6, 7]}, index=index), ["infectious"])
    assert result["member"].to_numpy().tolist() == ["mild, 1", "mild, 2", "severe, 1", "severe, 2"]
    days = sir.ensemble(pd.DataFrame({"contacts": [4.0]}, index=pd.to_datetime(["2020-03-01"])), ["infectious"])
    assert str(days["member"].item()).startswith("2020-03-01")


@pytest.mark.parametrize("name", ["x.nc", "x.parquet"])
def test_what_a_killed_process_left_of_a_sink_goes_with_the_next_one(sir, tmp_path, name):
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    (tmp_path / f".{name}.{gone.pid}.part").write_text("half")
    sir.ensemble({"contacts": [4]}, ["infectious"], sink=tmp_path / name).close()
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_sink_that_cannot_be_is_named_and_leaves_nothing(sir, tmp_path):
    with pytest.raises(SimError, match=r"must be \.nc or \.parquet"):
        sir.ensemble({"contacts": [4]}, OUTPUTS, sink=tmp_path / "x.csv")
    with pytest.raises(SimError, match="there is no folder"):
        sir.ensemble({"contacts": [4]}, OUTPUTS, sink=tmp_path / "nowhere" / "x.nc")
    with pytest.raises(SimError, match="same dims"):
        sir.ensemble({"contacts": [4]}, OUTPUTS, sink=tmp_path / "x.parquet")
    with pytest.raises(Cancelled):
        sir.ensemble({"contacts": [4, 5]}, OUTPUTS, sink=tmp_path / "x.nc", progress=lambda done, total: False)
    assert [*tmp_path.iterdir()] == []


def test_progress_is_printed_where_asked_for(sir, capsys):
    sir.ensemble({"contacts": [4, 9]}, OUTPUTS, progress=True)
    assert "members: 2 of 2 done in" in capsys.readouterr().err
    sir.ensemble({"contacts": [4, 9]}, OUTPUTS)
    seen: list[tuple[int, int]] = []
    sir.ensemble({"contacts": [4, 9]}, OUTPUTS, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(0, 2), (2, 2)]
    assert capsys.readouterr().err == ""


def test_verify_says_what_it_costs(sir, capsys):
    rng = np.random.default_rng(0)
    assert sir.verify({"contacts": [4, 9]}, 2, rng, outputs=OUTPUTS, progress=True) < 1e-9
    said = capsys.readouterr().err
    assert "verify: PySD's members: 1 of 2 done, about" in said
    assert "2 of 2 done in" in said
    sir.verify({"contacts": [4, 9]}, 1, rng, outputs=OUTPUTS, progress=False)
    assert capsys.readouterr().err == ""


def test_repr_says_what_the_model_is(sir):
    assert repr(sir) == ("Model('sir.mdl': 3 stocks, 3 auxiliaries, 5 constants; age 3; time 0 to 160 by 0.25, euler)")
