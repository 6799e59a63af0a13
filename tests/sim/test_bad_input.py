"""Wrong input: every message names the value and the correction, and a name never becomes code."""

import builtins
import contextlib
import os

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from sim import Model, equation_table
from sim.errors import CircularError, DesignError, ModelError, Refused, SimError, UnknownNameError
from sim.oracle import Oracle
from sim.units import check
from tests.sim.conftest import CONTROL, MODELS, agree, loaded


@pytest.fixture(scope="module")
def stocks():
    return loaded(MODELS / "stocks.mdl")


@pytest.fixture(scope="module")
def subscripts():
    return loaded(MODELS / "subscripts.mdl")


def design(**columns):
    return pd.DataFrame({name.replace("_", " "): values for name, values in columns.items()})


# Parameters and designs


def test_an_unknown_parameter_gives_the_nearest_names(stocks):
    with pytest.raises(SimError, match=r"'predator at start'.*predators at start"):
        stocks.run({"predator at start": 3})
    with pytest.raises(SimError, match=r"'predator at start'.*predators at start"):
        stocks.ensemble(design(predator_at_start=[1.0, 2.0]))


def test_an_unknown_output_gives_the_nearest_names(stocks):
    with pytest.raises(UnknownNameError) as caught:
        stocks.run(outputs=["birth"])
    assert caught.value.nearest[0] == "births"


def test_a_lookup_is_no_output_and_no_parameter():
    model = loaded(MODELS / "lookups.mdl")
    with pytest.raises(SimError, match="lookup"):
        model.run(outputs=["table"])
    with pytest.raises(SimError, match="lookup"):
        model.run({"table": 3.0})


def test_outputs_as_one_text_are_refused(stocks):
    with pytest.raises(SimError, match="list of names"):
        stocks.run(outputs="prey")


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_values_that_are_no_numbers_are_named_with_their_member(stocks, bad):
    with pytest.raises(DesignError, match=r"predators at start.*not finite.*member 2"):
        stocks.ensemble(design(predators_at_start=[1.0, 2.0, bad]))
    with pytest.raises(DesignError, match="not finite"):
        stocks.run({"predators at start": bad})


def test_every_fault_of_a_design_is_reported_at_once(stocks):
    table = design(predators_at_start=[1.0, np.nan], nonsense=[1.0, 2.0], prey=[3.0, 4.0])
    with pytest.raises(DesignError) as caught:
        stocks.ensemble(table)
    assert len(caught.value.faults) == 2
    for name in ("predators at start", "nonsense"):
        assert name in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("one", np.zeros(2), "2 elements, the model has 3"),
        ("one", np.zeros((3, 2)), r"shape \(3, 2\)"),
        ("one", xr.DataArray(np.zeros(2), dims="column"), "column"),
        ("one", xr.DataArray(np.zeros(3), {"row": ["r1", "r2", "r9"]}, "row"), "r9"),
        ("one[r9]", 1.0, "r9"),
        ("one[r1,c1]", 1.0, "subscripts"),
        ("one[r1]", np.zeros(3), "one element takes a number|shape"),
        ("one", xr.DataArray(np.zeros(2), dims="time"), "time coordinate"),
        ("one", xr.DataArray(np.zeros(2), {"time": [3.0, 1.0]}, "time"), "increasing"),
        ("one", "three", "got text, numbers are needed"),
        ("one", ["1", "2", "3"], "got text, numbers are needed"),
        ("one", None, "object values, numbers are needed"),
        ("depth", True, "got booleans, numbers are needed"),
        ("one", np.array([True, False, True]), "got booleans, numbers are needed"),
        ("one", xr.DataArray([True, False, True], dims="row"), "got booleans, numbers are needed"),
        ("one", pd.Series([1.0, 2.0, 3.0]), "numbered, not labelled.*to_numpy"),
        ("one", pd.Series([1.0, 2.0, 3.0], ["r1", "r2", "old"]), "missing.*r3.*unknown.*old"),
        ("one", pd.Series([1.0, 2.0, 3.0], ["r1", "r2", "r2"]), "given twice.*r2"),
        ("one", pd.Series(["1", "2", "3"], ["r1", "r2", "r3"]), "numbers are needed"),
        ("one", pd.DataFrame([[1.0, 2.0, 3.0]], ["a"], ["r1", "r2", "r3"]), "got times.*numbers are needed"),
        ("one", pd.DataFrame([[1.0]]).stack().to_frame(), "labels on 3 axes"),
    ],
    ids=str,
)
def test_wrong_shapes(subscripts, name, value, words):
    with pytest.raises(SimError, match=words):
        subscripts.run({name: value})


def test_labels_of_pandas_decide_not_the_order(subscripts):
    def of(value, name="one"):
        return subscripts.run({name: value}, [name])[name].isel(time=-1).to_numpy().tolist()

    assert of(pd.Series([3.0, 1.0, 2.0], ["r3", "r1", "r2"])) == [1.0, 2.0, 3.0]
    table = pd.DataFrame([[6.0, 4.0, 5.0], [3.0, 1.0, 2.0]], ["c2", "c1"], ["r3", "r1", "r2"])
    named = table.rename_axis(index="column", columns="row")
    assert of(table.T, "two") == of(named, "two") == of(named.stack(), "two") == [[1.0, 4.0], [2.0, 5.0], [3.0, 6.0]]
    path = pd.DataFrame([[3.0, 1.0, 2.0], [30.0, 10.0, 20.0]], [0.0, 100.0], ["r3", "r1", "r2"])
    assert subscripts.run({"one": path}, ["one"])["one"].isel(time=0).to_numpy().tolist() == [1.0, 2.0, 3.0]


@pytest.mark.parametrize(
    ("table", "words"),
    [
        (pd.DataFrame({"one[r1]": []}), "no members"),
        (pd.DataFrame({"one[r1]": [True, False]}), "numbers are needed"),
        (pd.DataFrame({"one[r1]": ["a", "b"]}), "numbers are needed"),
        (pd.DataFrame([[1.0, 2.0]], columns=["one[r1]", "one[r1]"]), "twice"),
        (xr.Dataset({"one": ("row", np.zeros(3))}), "member"),
        ({"one[r1]": [1.0], "two": [1.0, 2.0]}, "do not fit together"),
        (np.zeros((2, 2)), "a DataFrame, a Dataset or a dict"),
    ],
    ids=str,
)
def test_wrong_designs(subscripts, table, words):
    with pytest.raises(SimError, match=words):
        subscripts.ensemble(table)


@pytest.mark.parametrize("params", [{"depth": 1.0, "Depth": 2.0}, {"one[r1]": 1.0, "ONE[ r1 ]": 2.0}], ids=str)
def test_one_parameter_in_two_spellings_is_refused(subscripts, params):
    with pytest.raises(DesignError, match="given twice, also as"):
        subscripts.run(params)
    with pytest.raises(DesignError, match="given twice, also as"):
        subscripts.ensemble(pd.DataFrame([params]))


@pytest.mark.parametrize("order", [("one", "one[r2]"), ("one[r2]", "one")], ids=str)
def test_an_element_replaces_a_part_of_the_whole_in_any_order(subscripts, order):
    mine = xr.Dataset({"one": (("member", "row"), np.ones((2, 3))), "one[r2]": ("member", [5.0, 6.0])})
    found = subscripts.ensemble(mine[[*order]], ["one"])["one"].isel(time=0)
    np.testing.assert_array_equal(found, [[1.0, 5.0, 1.0], [1.0, 6.0, 1.0]])
    np.testing.assert_array_equal(mine["one"], 1.0)  # the caller's array is left alone
    values = {"one": 1.0, "one[r2]": 5.0}
    found = subscripts.run({name: values[name] for name in order}, ["one"])["one"].isel(time=0)
    np.testing.assert_array_equal(found, [1.0, 5.0, 1.0])


def test_an_element_beside_a_series_is_refused(subscripts):
    series = xr.DataArray([1.0, 2.0], {"time": [0.0, 4.0]}, "time")
    with pytest.raises(DesignError, match="put the element into the series"):
        subscripts.run({"one": series, "one[r2]": 5.0})


def test_what_is_no_mapping_list_or_design_is_refused(stocks):
    for params in ([1.0], "prey", design(predators_at_start=[1.0])):
        with pytest.raises(DesignError, match="map names to values"):
            stocks.run(params)
    for times in (3, "soon", ["soon"]):
        with pytest.raises(SimError, match="list of numbers"):
            stocks.run(times=times)
    for wrong, k in (([1.0], 2), (xr.Dataset({"a": 1.0}), 2), (None, 0)):
        with pytest.raises(DesignError):
            stocks.verify(wrong, k, np.random.default_rng(1))


def test_an_output_is_a_whole_variable(subscripts):
    with pytest.raises(SimError, match="ask for 'one'"):
        subscripts.run(outputs=["one[r1]"])


def test_wrong_settings(stocks):
    with pytest.raises(SimError, match="back end"):
        stocks.run(backend="fortran")
    with pytest.raises(SimError, match="workers"):
        stocks.ensemble(design(predators_at_start=[1.0]), workers=0)
    with pytest.raises(SimError, match="batch"):
        stocks.ensemble(design(predators_at_start=[1.0]), batch=0)


@pytest.mark.parametrize(
    "params",
    [{"TIME STEP": 0.0}, {"TIME STEP": -1.0}, {"SAVEPER": 0.0}, {"TIME STEP": 1e-12}],
    ids=str,
)
def test_impossible_clocks(stocks, params):
    with pytest.raises(SimError, match=r"(?i)time|step|saveper"):
        stocks.run(params)


# Model files

FILES = {
    "no such file": (None, "no such file"),
    "an empty file": (b"", "no|empty|parse|PySD"),
    "binary garbage": (bytes(range(256)) * 64, "PySD|model|control"),
    "a picture": (b"\x89PNG\r\n\x1a\n" + b"\0" * 500, "PySD|model|control"),
    "words": (b"once upon a time", "PySD|model|control"),
    "half an equation": (b"{UTF-8}\na = 3 + ~ ~ |\n" + CONTROL.encode(), "PySD"),
    "an unclosed parenthesis": (b"{UTF-8}\na = (3 ~ ~ |\n" + CONTROL.encode(), "PySD"),
    "an undefined name": (b"{UTF-8}\na = b + 1 ~ ~ |\n" + CONTROL.encode(), "'?b'?"),
    "an undefined subscript": (b"{UTF-8}\na[nowhere] = 1 ~ ~ |\n" + CONTROL.encode(), "nowhere"),
    "an undefined element": (b"{UTF-8}\nd: x, y ~ ~ |\na[d] = 1, 2 ~ ~ |\nb = a[z] ~ ~ |\n" + CONTROL.encode(), "z"),
    "an undefined function": (b"{UTF-8}\na = FROBNICATE(3) ~ ~ |\n" + CONTROL.encode(), "(?i)frobnicate"),
    "a circle": (b"{UTF-8}\na = b ~ ~ |\nb = c + 1 ~ ~ |\nc = a * 2 ~ ~ |\n" + CONTROL.encode(), "circular"),
    "a circle of initial values": (
        b"{UTF-8}\na = INTEG(1, b) ~ ~ |\nb = INTEG(1, a) ~ ~ |\n" + CONTROL.encode(),
        "circular",
    ),
    "a missing external file": (
        b"{UTF-8}\na = GET DIRECT CONSTANTS('no.csv', ',', 'B2') ~ ~ |\n" + CONTROL.encode(),
        "no.csv",
    ),
    "no control variables": (b"{UTF-8}\na = 1 ~ ~ |\n", "(?i)time"),
    "no final time": (
        b"{UTF-8}\na = 1 ~ ~ |\nINITIAL TIME = 0 ~ ~ |\nTIME STEP = 1 ~ ~ |\nSAVEPER = 1 ~ ~ |\n",
        "(?i)final",
    ),
    "a scalar defined twice": (b"{UTF-8}\na b = 1 ~ ~ |\na_b = 2 ~ ~ |\n" + CONTROL.encode(), "a b.*2 times"),
    "a range of itself": (b"{UTF-8}\nr: r ~ ~ |\na[r] = 1 ~ ~ |\n" + CONTROL.encode(), "'r' . 'r'"),
    "ranges of each other": (b"{UTF-8}\nr: q ~ ~ |\nq: r ~ ~ |\na[r] = 1 ~ ~ |\n" + CONTROL.encode(), "contain each"),
    "a range without end": (b"{UTF-8}\nr: (A1-A999999999) ~ ~ |\na[r] = 1 ~ ~ |\n" + CONTROL.encode(), "elements"),
    "a long equation": (b"{UTF-8}\na = " + b"+".join(700 * [b"Time"]) + b" ~ ~ |\n" + CONTROL.encode(), "'a'.*deep"),
    "a macro of itself": (
        b"{UTF-8}\n:MACRO: M(x)\nM = M(x) + 1 ~ ~ |\n:END OF MACRO:\na = M(2) ~ ~ |\n" + CONTROL.encode(),
        "calls itself",
    ),
    "an order of another shape": (
        b"{UTF-8}\nr: x, y ~ ~ |\nq: u, v ~ ~ |\no[r] = 1, 0 ~ ~ |\na[q, r] = 1 ~ ~ |\n"
        b"b[q, r] = VECTOR REORDER(a[q, r], o[r]) ~ ~ |\n" + CONTROL.encode(),
        "VECTOR REORDER",
    ),
    "a row operation on a sample": (
        b"{UTF-8}\nr: x, y ~ ~ |\nq: u, v ~ ~ |\nn[q, r] = 1 ~ ~ |\nm[r, q] = 2 ~ ~ |\n"
        b"b[q, r] = VECTOR SORT ORDER(SAMPLE IF TRUE(Time > 1, n[q, r], m[r, q]), 1) ~ ~ |\n" + CONTROL.encode(),
        "SAMPLE IF TRUE inside a row operation",
    ),
    "too few numbers": (b"{UTF-8}\nd: x, y, z ~ ~ |\na[d] = 1, 2 ~ ~ |\n" + CONTROL.encode(), "2"),
    "too few subscripts": (
        b"{UTF-8}\nd: x, y ~ ~ |\ne: u, v ~ ~ |\na[d, e] = 1 ~ ~ |\nb[d] = a[d] ~ ~ |\n" + CONTROL.encode(),
        "a|b",
    ),
}


@pytest.mark.parametrize("kind", FILES)
@pytest.mark.parametrize("suffix", [".mdl", ".xmile"])
def test_a_bad_model_file_is_refused_in_words(kind, suffix, tmp_path):
    content, words = FILES[kind]
    if suffix == ".xmile" and content is not None:
        words = "PySD|not XML"
    path = tmp_path / f"bad{suffix}"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SimError, match=words) as caught:
        Model.load(path).run()
    assert len(str(caught.value)) < 4000


def test_a_dimension_without_elements_is_refused(tmp_path):
    text = (MODELS / "xmile.xmile").read_text(encoding="utf-8")
    path = tmp_path / "empty.xmile"
    path.write_text(
        text.replace("<model", '<dimensions><dim name="d" size="3"/></dimensions><model', 1), encoding="utf-8"
    )
    with pytest.raises(ModelError, match="subscript range"):
        Model.load(path)


def test_a_circle_is_named_in_order(write):
    with pytest.raises(CircularError) as caught:
        Model.load(write("a = b ~ ~ |\nb = c + 1 ~ ~ |\nc = a * 2 ~ ~ |\n"))
    assert {*caught.value.names} == {"a", "b", "c"}


def test_a_refusal_names_variable_line_and_reason(write):
    with pytest.raises(Refused) as caught:
        Model.load(write("fine = 1 ~ ~ |\nworth = RANDOM UNIFORM(0, 1, 7) ~ ~ |\n"))
    assert caught.value.variable == "worth"
    assert caught.value.line == 3
    assert "RANDOM UNIFORM" in caught.value.reason


def test_a_folder_and_another_ending_are_no_model(tmp_path):
    with pytest.raises(SimError):
        Model.load(tmp_path)
    other = tmp_path / "model.txt"
    other.write_text("{UTF-8}\na = 1 ~ ~ |\n" + CONTROL, encoding="utf-8")
    with pytest.raises(SimError):
        Model.load(other)


def test_a_file_of_200_mb_is_refused_at_once(tmp_path):
    path = tmp_path / "large.mdl"
    with path.open("wb") as file:
        file.write(b"{UTF-8}\n")
        file.truncate(200 * 2**20)  # sparse: takes no space and no time to make
    for read in (Model.load, Oracle, equation_table.table):
        with pytest.raises(ModelError, match="MB"):
            read(path)


def test_deep_nesting_is_refused_or_run_but_never_a_crash(write):
    deep = write("a = " + "(" * 3000 + "1" + ")" * 3000 + " ~ ~ |\n")
    with contextlib.suppress(SimError):
        Model.load(deep).run()


# Hostile names

CODE = "__import__('os').system('touch PWNED')"
HOSTILE = [
    f'"{CODE}"',
    f'"x\'] + [{CODE}"',
    f'"\\"); {CODE}; (\\""',
    f'"{{{CODE}}}"',
    '"*/ int evil(void) { return 1; } /*"',
    '"%s%n%(name)s{0}{name}"',
    '"line one\\nline two\\r\\t\\0"',
    '"日本語 \u202e reversed \u200b zero width"',
    '"$(touch PWNED)`touch PWNED`;touch PWNED"',
    '"../../../../tmp/PWNED"',
    '"<script>alert(1)</script>"',
]


@pytest.fixture
def watched(monkeypatch, tmp_path):
    """Fails the test when a name reaches a shell, eval or the disk."""
    called, evaluate = [], builtins.eval

    def watched_eval(source, *args, **kwargs):  # PySD's parser evaluates numbers
        if isinstance(source, str) and "PWNED" in source:
            called.append(source)
        return evaluate(source, *args, **kwargs)

    monkeypatch.setattr(os, "system", called.append)
    monkeypatch.setattr(os, "popen", called.append)
    monkeypatch.setattr(builtins, "eval", watched_eval)
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    assert called == []
    assert not [*tmp_path.rglob("*PWNED*")]


@pytest.mark.parametrize("name", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_variable_names_stay_names(name, write, watched, backend):
    path = write(f'{name} = 3 ~ {CODE} ~ """ + {CODE} + """ |\nlevel = INTEG({name} * 2, {name}) ~ ~ |\n')
    model = Model.load(path)
    assert len(model.variables) == 6
    result = model.run(backend=backend)
    np.testing.assert_allclose(result["level"], 3 + 6 * np.arange(9.0))
    mine = next(
        key for key in model.variables if key not in ("level", "FINAL TIME", "INITIAL TIME", "TIME STEP", "SAVEPER")
    )
    np.testing.assert_allclose(model.run({mine: 5.0}, ["level"], backend=backend)["level"], 5 + 10 * np.arange(9.0))
    assert len(equation_table.table(path)) == 6
    check(path)
    assert [*watched.iterdir()] == [path]


def test_a_name_of_10_000_characters(write, backend):
    name = "n" * 10_000
    model = Model.load(write(f'"{name}" = 3 ~ ~ |\nlevel = "{name}" * Time ~ ~ |\n'))
    np.testing.assert_allclose(model.run({f'"{name}"': 5.0}, ["level"], backend=backend)["level"], 5 * np.arange(9.0))
    with pytest.raises(UnknownNameError) as caught:
        model.run(outputs=[name + "x"])
    assert len(str(caught.value)) < 1000 + len(name) * 4


@pytest.mark.parametrize("name", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_subscripts_stay_names(name, write, watched, backend):
    other = name[:-1] + ' range"'
    body = f"{other}: {name}, plain ~ ~ |\nx[{other}] = 1, 2 ~ ~ |\ny[{other}] = x[{other}] * Time ~ ~ |\n"
    body += f"z = SUM(y[{other}!]) + x[{name}] ~ ~ |\n"
    path = write(body)
    try:
        model = Model.load(path)
    except SimError:
        with pytest.raises(SimError):  # PySD cannot run a file that its parser cannot read
            Oracle(path).run()
        return
    result = model.run(backend=backend)
    np.testing.assert_allclose(result["z"], 3 * np.arange(9.0) + 1)


@pytest.mark.parametrize("name", HOSTILE[:7], ids=range(7))
def test_the_oracle_never_runs_a_name(name, write, watched):
    other = name[:-1] + ' range"'
    body = f'{other}: {name}, plain ~ ~ |\n{name} = 3 ~ {CODE} ~ """ + {CODE} + """ |\n'
    body += f"x[{other}] = 1, 2 ~ ~ |\ny[{name}] = x[{name}] * Time ~ ~ |\ny[plain] = 0 ~ ~ |\n"
    path = write(body)
    try:
        result = Oracle(path).run()
    except SimError:
        return
    np.testing.assert_allclose(result["y"].sum("time").max(), 36.0)


@pytest.mark.parametrize(
    "argument",
    ['a\\\', __import__("os").system("touch PWNED"), \\\'b', 'a"b', "a\\"],
    ids=["escape", "quote", "backslash"],
)
def test_arguments_of_external_functions_never_become_code(argument, write, watched):
    path = write(f"a = GET DIRECT CONSTANTS('data.csv', '{argument}', 'B2') ~ ~ |\n")
    for read in (lambda: Oracle(path).run(), lambda: Model.load(path).run()):
        with pytest.raises(SimError):
            read()


@pytest.mark.parametrize("function", ["CONSTANTS('data.csv', ',', 'B1*')", "DATA('data.csv', ',', '1', 'A2')"])
def test_too_few_cells_are_named(function, write, tmp_path):
    (tmp_path / "data.csv").write_text("0,1\n5,6\n", encoding="utf-8")
    path = write(f"r: x, y, z ~ ~ |\na[r] {':=' if 'DATA' in function else '='} GET DIRECT {function} ~ ~ |\n")
    with pytest.raises(SimError, match=r"'a' \(line 3\): its values .* fewer cells there than the variable has elem"):
        Model.load(path)


def test_nothing_is_written_beside_the_model(write):
    path = write("a = INTEG(1, 0) ~ ~ |\n")
    agree(Oracle(path).run(), Model.load(path).run())
    assert [*path.parent.iterdir()] == [path]
