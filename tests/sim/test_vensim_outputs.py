"""Vensim's own outputs of SDEverywhere's sample models: `VENSIM_SAMPLES=CHECKOUT/models pytest -m slow`.

The samples (https://github.com/climateinteractive/SDEverywhere, folder `models`) hold for each model the text that
Vensim exported (.dat); nothing of them is part of this project.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from sim import Model
from sim.errors import SimError

SAMPLES = os.environ.get("VENSIM_SAMPLES", "")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not SAMPLES, reason="VENSIM_SAMPLES names no checkout of SDEverywhere's models"),
]

# The sample's own remark: Vensim gives 0 after a cell without a number.
WRONG_THERE = {"directlookups_invalidcell"}


def key(name: str) -> str:
    """A name as both sides are compared."""
    return " ".join(name.strip().strip('"').lower().replace("_", " ").split())


def exported(path: Path) -> dict[str, np.ndarray]:
    """The series of an export by name: (points, 2) times and values."""
    series: dict[str, list[tuple[float, float]]] = {}
    name = ""
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        cells = line.split("\t")
        if len(cells) == 1 and cells[0].strip():
            name, _, inside = cells[0].strip().partition("[")
            elements = [key(one) for one in inside.rstrip("]").split(",")] if inside else []
            name = key(name) + (f"[{','.join(elements)}]" if elements else "")
        elif len(cells) == 2 and name:
            series.setdefault(name, []).append((float(cells[0]), float(cells[1])))
    return {name: np.array(points) for name, points in series.items()}


def elements(name: str, array: xr.DataArray) -> Iterator[tuple[str, np.ndarray]]:
    """The series of a variable, element by element, under the names of the export."""
    dims = [dim for dim in array.dims if dim != "time"]
    values = array.transpose(*dims, "time").to_numpy()
    for index in np.ndindex(*values.shape[:-1]):
        labels = [key(str(array[dim].to_numpy()[i])) for dim, i in zip(dims, index, strict=True)]
        yield key(name) + (f"[{','.join(labels)}]" if labels else ""), values[index]


def off(model: Path) -> tuple[int, list[str]]:
    """How many series equal Vensim's to single precision, and which do not."""
    result = Model.load(model).run()
    times, theirs, equal, faults = result["time"].to_numpy(), exported(model.with_suffix(".dat")), 0, list[str]()
    for variable, array in result.data_vars.items():
        for name, ours in elements(str(variable), array):
            points = theirs.get(name, np.empty((0, 2)))
            nearest = np.abs(times[None, :] - points[:, :1])
            known = (nearest.min(axis=1, initial=np.inf) < 1e-3) & (np.abs(points[:, 1]) < 1e30)
            if not known.any():
                continue
            right = points[known, 1]
            got = ours[nearest[known].argmin(axis=1)]
            if np.allclose(got, right, rtol=0, atol=1e-4 * np.abs(right).max() + 1e-9):
                equal += 1
            else:
                faults.append(name)
    return equal, faults


def test_every_model_that_runs_gives_vensims_values(monkeypatch):
    ran, equal, faults = 0, 0, list[str]()
    for folder in sorted(Path(SAMPLES).iterdir()):
        model = folder / f"{folder.name}.mdl"
        if not model.with_suffix(".dat").exists() or folder.name in WRONG_THERE:
            continue
        monkeypatch.chdir(folder)
        try:
            good, bad = off(model)
        except SimError:  # refused by name
            continue
        ran, equal = ran + 1, equal + good
        faults += [f"{folder.name}: {name}" for name in bad]
    assert faults == []
    assert ran >= 40
    assert equal > 1000
