"""The WebAssembly target: equal to native in Node and in Chromium; a range of the first dim alone, also natively."""

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from sim import Model
from sim.backends import BACKENDS
from sim.compiler.codegen import wasm_build
from sim.compiler.codegen.kernel import KernelJob, Unsupported
from sim.compiler.codegen.native_backend import NativeKernel
from sim.compiler.codegen.separable import coupled
from sim.compiler.plan.planner import make_plan
from sim.design import as_design, read
from sim.errors import CompilerError, SimError
from tests.sim.conftest import MODELS, loaded

HERE = Path(__file__).parent
BUILT = pytest.mark.skipif(wasm_build.version() is None, reason="ziglang is not installed (pip install 'tanlu[wasm]')")
NODE = pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
TOWNS = """
town: a, b, c, d ~ ~ |
growth = 0.1 ~ ~ |
start[town] = 1, 2, 3, 4 ~ ~ |
wealth[town] = INTEG(wealth[town] * growth * mood, start[town]) ~ ~ |
mood = 1 / (1 + SUM(wealth[town!])) ~ ~ |
doubled[town] = 2 * wealth[town] ~ ~ |
"""


def in_node(folder: Path, **asked: object) -> dict[str, np.ndarray]:
    """What Node gives for a design."""
    (folder / "design.json").write_text(json.dumps(asked))
    command = ["node", HERE / "run_wasm.js", folder, folder / "design.json", folder / "out.json"]
    subprocess.run(command, check=True, timeout=60)
    found = json.loads((folder / "out.json").read_text())
    return {name: np.array([float(v) for v in values]) for name, values in found["values"].items()}


def moved(model: Model, count: int = 3) -> dict[str, np.ndarray]:
    """A design that moves one constant by some per cent, or none where a model has none that can move."""
    rows = model.parameters()
    for name, row in rows[rows["kind"] == "constant"].iterrows():
        if isinstance(row["default"], float) and not row["dims"] and row["default"] % 1:
            return {str(name): row["default"] * np.linspace(0.97, 1.03, count)}
    return {}


def same(got: np.ndarray, expected: xr.DataArray) -> None:
    """Equal within 1e-9 of the largest value; NaN and infinity where the other has them."""
    values = expected.transpose("member", ..., "time").to_numpy().reshape(-1)
    if len(got) != len(values):  # the same for all members
        values = values[: len(got)]
    finite = values[np.isfinite(values)]
    floor = 1e-13 * np.abs(finite).max(initial=0.0)
    np.testing.assert_allclose(got, values, rtol=1e-9, atol=floor, err_msg=str(expected.name))


def test_a_range_of_the_first_dim_is_the_whole_run_s_part(write) -> None:
    backend = BACKENDS["native"]
    if backend.available() is not None:
        pytest.skip(str(backend.available()))
    model = Model.load(write(TOWNS))
    names = ["wealth", "doubled"]
    whole = model.ensemble({"growth": [0.1, 0.2]}, [*names, "mood"], times=range(9))
    held = xr.Dataset(
        {
            "growth": ("member", [0.1, 0.2]),
            "mood": (("time", "member"), np.repeat([[0.5], [0.4]], 2, axis=1)),
        },
        {"time": [0.0, 8.0]},
    )
    request = read(model._names, {}, held)
    slots = tuple(model.variables[name].slot for name in names)
    program = make_plan(model.module, request.given, slots).member
    kernel = backend.kernel(program)
    assert isinstance(kernel, NativeKernel)
    assert kernel.ranged == "town"
    inputs = {}
    for one in program.inputs:
        if one.slot == model.variables["growth"].slot:
            inputs[one.slot] = np.array([[0.1, 0.2]])
        elif one.slot == model.variables["mood"].slot:
            inputs[one.slot] = np.repeat(np.linspace(0.5, 0.4, 17)[:, None, None], 2, axis=2)
        else:
            inputs[one.slot] = np.ravel(model.module.defaults[one.slot])
    job = KernelJob(2, 17, np.arange(17), inputs)
    full = kernel.run(job, 1)
    part = kernel.run(KernelJob(2, 17, np.arange(17), inputs, rows=(1, 3)), 1)
    for slot in slots:
        assert np.isfinite(full[slot]).all()
        assert np.array_equal(part[slot][:, 1:3], full[slot][:, 1:3])
        assert np.isnan(part[slot][:, [0, 3]]).all()
    coupled_program = make_plan(model.module, read(model._names, {}, as_design({"growth": [0.1]})).given, slots).member
    assert coupled(coupled_program, "town") == ["mood"]
    assert whole["wealth"].dims == ("member", "town", "time")


def test_the_export_needs_no_compiler_and_does_not_change(write, monkeypatch, tmp_path) -> None:
    path = write(TOWNS)
    first = Model.load(path).wasm({"growth": [0.1]}, ["wealth"])
    again = Model.load(path).wasm({"growth": [0.3]}, ["wealth"])
    assert first.key == again.key
    assert Model.load(path).wasm({"growth": [0.3]}, ["doubled"]).key != first.key
    assert [one["name"] for one in first.description["outputs"]] == ["wealth"]
    monkeypatch.setattr(wasm_build, "version", lambda: None)
    with pytest.raises(CompilerError, match=r"pip install 'tanlu\[wasm\]'"):
        Model.load(path).to_wasm(tmp_path, {"growth": [0.1]}, ["wealth"])
    assert not list(tmp_path.glob("kernel*"))


@BUILT
@NODE
def test_params_and_rows_in_node(write, tmp_path) -> None:
    model = Model.load(write(TOWNS))
    model.to_wasm(tmp_path / "a", {"growth": [0.1]}, ["wealth", "mood"])
    got = in_node(tmp_path / "a", design={"growth": [0.1, 0.2]}, count=2, params={"start": [4, 3, 2, 1]})
    expected = model.ensemble({"growth": [0.1, 0.2]}, ["wealth", "mood"], params={"start": np.array([4, 3, 2, 1.0])})
    for name in got:
        same(got[name], expected[name])


@BUILT
@NODE
def test_a_run_that_begins_in_the_middle_is_the_whole_run(write, tmp_path) -> None:
    model = Model.load(write(TOWNS + "push = 0 ~ ~ |\nheight = INTEG(STEP(push, 5) + growth, 0) ~ ~ |\n"))
    design, names = {"growth": list(np.linspace(0.1, 0.2, 7))}, ["wealth", "height"]
    model.to_wasm(tmp_path / "a", {"growth": [0.1]}, names, params={"push": 0.0})
    for params, begins in (({"push": [2.0]}, 4), ({"push": [2.0], "start": [4, 3, 2, 1]}, 0)):
        got = in_node(tmp_path / "a", design=design, count=7, params=params, resume=4, before=[{}, {"push": [1.0]}])
        assert got.pop("from") == [begins]
        expected = model.ensemble(design, names, params={name: np.squeeze(value) for name, value in params.items()})
        for name in names:
            same(got[name], expected[name])


@BUILT
@NODE
@pytest.mark.slow
@pytest.mark.parametrize("name", [path.name for path in sorted(MODELS.glob("*.[mx]*"))])
def test_engine_models_in_node(name, tmp_path) -> None:
    try:
        model = loaded(MODELS / name)
        design = moved(model) or {str(model.parameters().index[0]): [1.0]}
        design = design if moved(model) else {}
        if not design:
            pytest.skip("no constant of this model can differ by member")
        expected = model.ensemble(design, backend="native")
        model.to_wasm(tmp_path, design)
    except Unsupported as error:
        pytest.skip(str(error))
    except SimError as error:
        if isinstance(error, CompilerError):
            raise
        pytest.skip(f"native does not run it either: {error}")
    got = in_node(tmp_path, design={key: list(values) for key, values in design.items()}, count=3)
    for variable in expected.data_vars:
        same(got[str(variable)], expected[variable])
