"""Small models with the values that Vensim or XMILE give them: each is right, or refused by name."""

import json
from pathlib import Path

import numpy as np
import pytest

from sim import Model
from sim.backends import BACKENDS
from sim.errors import Refused, SimError

CASES = Path(__file__).parent / "cases"
RIGHT = json.loads((CASES / "cases.json").read_text(encoding="utf-8"))

# Constructions that are refused although their values are known.
REFUSED = {
    "delay_batch.mdl": "DELAY BATCH",
    "time_shift.mdl": "TIME SHIFT",
}
NO_VALUES = {
    "get_data_between.mdl": "GET DATA BETWEEN TIMES",
    "unknown_function.mdl": "FROBNICATE",
    "find_zero.mdl": "FIND ZERO",
    "random_only_parameter.mdl": "RANDOM NORMAL",
    "data_plain.mdl": "'x' is a data variable without values",
}


def wrong_values(name: str, backend: str) -> list[str]:
    """What a case gives and should not."""
    model, faults = Model.load(CASES / name), []
    for key, values in RIGHT[name]["right"].items():
        variable, _, elements = key.removesuffix("]").partition("[")
        array = model.run(outputs=[variable], backend=backend)
        (series,) = array.data_vars.values()
        dims = [dim for dim in series.dims if dim != "time"]
        series = series.sel(dict(zip(dims, filter(None, elements.split(",")), strict=True)))
        for time, value in values.items():
            got = float(series.sel(time=float(time), method="nearest", tolerance=1e-6))
            if not np.isclose(got, value, rtol=1e-7, atol=1e-9):
                faults.append(f"{key} at {time}: got {got}, right is {value}")
    return faults


def verdict(name: str, backend: str) -> str:
    """`right`, `refused` or `wrong` for a case."""
    try:
        return "wrong" if wrong_values(name, backend) else "right"
    except SimError:
        return "refused"


@pytest.mark.parametrize("name", [name for name, case in RIGHT.items() if case["right"] and name not in REFUSED])
def test_a_case_has_its_right_values(name: str, backend: str) -> None:
    if name == "allocate_expr.mdl" and backend == "native":
        with pytest.raises(SimError, match="allocate available"):
            wrong_values(name, backend)
        backend = "auto"  # which takes NumPy
    assert wrong_values(name, backend) == []


@pytest.mark.parametrize(("name", "words"), [*REFUSED.items(), *NO_VALUES.items()])
def test_a_case_is_refused_by_name(name: str, words: str) -> None:
    with pytest.raises(SimError, match=words):
        Model.load(CASES / name).run()


def test_every_case_is_right_or_refused() -> None:
    counts = dict.fromkeys(("right", "refused", "wrong"), 0)
    for name, case in RIGHT.items():
        if case["right"]:
            counts[verdict(name, "numpy")] += 1
        else:
            assert name in NO_VALUES
            counts["refused"] += 1
    assert counts == {"right": 59, "refused": 7, "wrong": 0}


def test_random_functions_become_parameters_where_asked_for(backend: str) -> None:
    model = Model.load(CASES / "random_only_parameter.mdl", random="parameters")
    row = model.parameters().loc["s"]
    assert row["kind"] == "random"
    assert row["meaning"] == "RANDOM NORMAL(minimum 0, maximum 10, mean 5, standard deviation 1, seed 7)"
    assert (model.run({"s": 4.0}, ["a"], backend=backend)["a"] == 8).all()
    with pytest.raises(SimError, match="'s' is a random number"):
        model.run(backend=backend)
    with pytest.raises(Refused, match="random='parameters'"):
        Model.load(CASES / "random_only_parameter.mdl")


def test_every_back_end_is_tried() -> None:
    assert {"numpy", "native"} <= set(BACKENDS)
