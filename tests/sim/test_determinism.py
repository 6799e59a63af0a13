"""The result of a member depends on that member alone: not on batches, threads, processes, caches or neighbours."""

import hashlib
import os
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from sim import Model
from sim.errors import Cancelled, DesignError
from tests.sim.conftest import MODELS, agree, loaded, oracle

MEMBERS = 41


@pytest.fixture(scope="module")
def model():
    return loaded(MODELS / "subscripted_state.mdl")


@pytest.fixture(scope="module")
def design():
    rng = np.random.default_rng(7)
    parts = ["p1", "p2", "p3"]
    speed = xr.DataArray(rng.uniform(1, 5, (MEMBERS, 3)), {"part": parts}, ("member", "part"))
    return xr.Dataset({"speed": speed})


def identical(one, other):
    for name in one.data_vars:
        np.testing.assert_array_equal(one[name].to_numpy(), other[name].to_numpy(), err_msg=str(name))


@pytest.mark.parametrize("batch", [1, 2, 7, 40, 41, 1000])
def test_batch_size(model, design, batch, backend):
    identical(model.ensemble(design, backend=backend), model.ensemble(design, batch=batch, backend=backend))


@pytest.mark.parametrize("workers", [2, 3, 8])
def test_threads(model, design, workers, backend):
    whole = model.ensemble(design, backend=backend)
    identical(whole, model.ensemble(design, workers=workers, batch=3, backend=backend))


def test_a_member_alone_is_the_member_in_company(model, design, backend):
    whole = model.ensemble(design, backend=backend)
    for member in (0, 17, MEMBERS - 1):
        identical(whole.isel(member=[member]), model.ensemble(design.isel(member=[member]), backend=backend))


def test_order_of_members_moves_with_them(model, design, backend):
    order = np.random.default_rng(3).permutation(MEMBERS)
    identical(
        model.ensemble(design, backend=backend).isel(member=order),
        model.ensemble(design.isel(member=order), backend=backend),
    )


def test_outputs_asked_for_alone_are_those_of_the_whole(model, design, backend):
    whole = model.ensemble(design, backend=backend)
    for name in ("nth", "chosen", "smoothed 3"):
        identical(whole[[name]], model.ensemble(design, [name], backend=backend))


def test_members_equal_pysd(model, design, backend):
    whole = model.ensemble(design, backend=backend)
    for member in (0, MEMBERS - 1):
        params = {"speed": design["speed"].isel(member=member)}
        agree(oracle(MODELS / "subscripted_state.mdl").run(params), whole.isel(member=member, drop=True))


def test_a_table_and_arrays_mean_the_same(model, design, backend):
    columns = {f"speed[{part}]": design["speed"].sel(part=part).to_numpy() for part in ("p1", "p2", "p3")}
    identical(model.ensemble(design, backend=backend), model.ensemble(pd.DataFrame(columns), backend=backend))


def test_what_stands_in_design_and_parameters_is_refused(model, design, backend):
    for common in ({"speed": 2.5}, {"speed[p2]": 2.5}):
        with pytest.raises(
            DesignError, match="'speed' is given twice: for all members in the parameters, and for each"
        ):
            model.ensemble(design, params=common, backend=backend)
    one = pd.DataFrame({"speed[p1]": [1.0, 4.0]})
    with pytest.raises(DesignError, match="leave one out"):
        model.ensemble(one, params={"speed[p1]": 2.5}, backend=backend)
    result = model.ensemble(one, ["speed"], params={"speed": 2.5}, backend=backend)["speed"].isel(time=0)
    np.testing.assert_array_equal(result.transpose("member", "part"), [[1.0, 2.5, 2.5], [4.0, 2.5, 2.5]])


def test_inputs_are_left_as_they_were(model, design, backend):
    before = design.copy(deep=True)
    model.ensemble(design, backend=backend)
    xr.testing.assert_identical(design, before)


def test_a_run_leaves_no_trace_in_the_next(model, design, backend):
    first = model.run(backend=backend)
    model.ensemble(design, backend=backend)
    model.run({"speed[p2]": 3.0}, backend=backend)
    identical(first, model.run(backend=backend))


CHILD = """
import hashlib, sys
import numpy as np, pandas as pd
from sim import Model
model = Model.load(sys.argv[1])
design = pd.DataFrame({"speed[p2]": np.linspace(1, 5, 9)})
result = model.ensemble(design, workers=int(sys.argv[3]), batch=2, backend=sys.argv[2])
digest = hashlib.sha256()
for name in sorted(result.data_vars):
    digest.update(np.ascontiguousarray(result[name].to_numpy()).tobytes())
print(digest.hexdigest())
"""


def child(backend: str, workers: int, cache: Path) -> subprocess.Popen[str]:
    environment = {**os.environ, "XDG_CACHE_HOME": str(cache), "PYTHONPATH": str(Path(__file__).parents[2])}
    command = [sys.executable, "-c", CHILD, str(MODELS / "subscripted_state.mdl"), backend, str(workers)]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)


def test_processes_and_a_wiped_cache(tmp_path, backend):
    """Two processes that fill the same empty cache at once, a third that finds it full, and this one: the same bits."""
    model = Model.load(MODELS / "subscripted_state.mdl")
    result = model.ensemble(pd.DataFrame({"speed[p2]": np.linspace(1, 5, 9)}), backend=backend)
    digest = hashlib.sha256()
    for name in sorted(map(str, result.data_vars)):
        digest.update(np.ascontiguousarray(result[name].to_numpy()).tobytes())
    both = [child(backend, 1, tmp_path), child(backend, 2, tmp_path)]
    printed = [process.communicate(timeout=120)[0].strip() for process in both]
    printed.append(child(backend, 1, tmp_path).communicate(timeout=120)[0].strip())
    assert printed == [digest.hexdigest()] * 3


def test_a_model_that_was_sent_to_another_process(model, design, backend):
    sent = pickle.loads(pickle.dumps(model))
    identical(model.ensemble(design, backend=backend), sent.ensemble(design, backend=backend))


def test_progress_counts_to_the_end_and_can_stop(model, design, backend):
    seen = []
    model.ensemble(design, ["nth"], batch=10, backend=backend, progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (MEMBERS, MEMBERS)
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    with pytest.raises(Cancelled):
        model.ensemble(design, ["nth"], batch=10, backend=backend, progress=lambda done, total: done < 15)


def test_back_ends_agree(model, design):
    agree(model.ensemble(design, backend="numpy"), model.ensemble(design, backend="auto"), rtol=1e-11)
