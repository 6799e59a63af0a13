"""The folder of built kernels stays bounded, and drops nothing that somebody is about to load."""

import os
import time

from sim import Model
from sim.compiler import cache_dir
from sim.compiler.cache_dir import prune, touch
from tests.sim.conftest import MODELS


def test_the_least_recently_used_go_and_recent_ones_stay(tmp_path, monkeypatch):
    monkeypatch.setattr(cache_dir, "KEPT", 3)
    now = time.time()
    for i in range(6):
        path = tmp_path / f"{i}.{'so' if i % 2 else 'module'}"
        path.touch()
        os.utime(path, (now - 7200 - i, now - 7200 - i))
    assert touch(tmp_path / "5.so")
    assert not touch(tmp_path / "6.so")
    prune(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0.module", "1.so", "5.so"]
    for i in range(10, 20):
        (tmp_path / f"{i}.so").touch()
    prune(tmp_path)
    assert len(list(tmp_path.iterdir())) == 11, "used within the hour: 5.so and ten new ones"


def test_what_killed_builds_left_goes(tmp_path):
    (tmp_path / "build-x").mkdir()
    (tmp_path / "build-x" / "kernel.c").touch()
    (tmp_path / "module-y").touch()
    (tmp_path / "build-new").mkdir()
    for name in ("build-x", "module-y"):
        os.utime(tmp_path / name, (0, 0))
    prune(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["build-new"]


def test_a_model_that_is_loaded_counts_as_used(tmp_path, monkeypatch):
    monkeypatch.setenv("SIM_CACHE", str(tmp_path))
    path = MODELS / "subscripted_state.mdl"
    Model.load(path)
    (kept,) = tmp_path.glob("*.module")
    os.utime(kept, (0, 0))
    Model.load(path)
    assert kept.stat().st_mtime > 0
