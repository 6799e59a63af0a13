"""The folder of built kernels stays bounded, drops nothing in use, and damaged files are made again."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sim import Model
from sim.compiler import cache_dir
from sim.compiler.cache_dir import prune, read_whole, touch, write_whole
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


DAMAGES = {
    "empty": lambda content: b"",
    "half a file": lambda content: content[: len(content) // 2],
    "garbage": lambda content: bytes(len(content)),
    "one bit": lambda content: content[:100] + bytes([content[100] ^ 1]) + content[101:],
    "no checksum": lambda content: content[:-32],
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_what_is_damaged_is_dropped(tmp_path, damage):
    path = tmp_path / "x.so"
    write_whole(path, bytes(range(256)) * 8)
    assert read_whole(path) == bytes(range(256)) * 8
    path.write_bytes(DAMAGES[damage](path.read_bytes()))
    assert read_whole(path) is None
    assert not path.exists()
    assert [*tmp_path.iterdir()] == []


RUN = """
import sys
from sim import Model
print(float(Model.load(sys.argv[1]).run(outputs=["prey"], backend="native")["prey"][-1]))
"""


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_run_builds_again_what_is_damaged(tmp_path, damage):
    """Runs in a new process, because loading a truncated library would end it by a signal."""
    environment = {**os.environ, "SIM_CACHE": str(tmp_path / "cache"), "PYTHONPATH": str(Path(__file__).parents[2])}

    def run() -> str:
        command = [sys.executable, "-c", RUN, str(MODELS / "stocks.mdl")]
        done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    first = run()
    kept = [path for path in (tmp_path / "cache").iterdir() if path.suffix in (".so", ".module")]
    assert {path.suffix for path in kept} == {".so", ".module"}
    for path in kept:
        path.write_bytes(DAMAGES[damage](path.read_bytes()))
    assert run() == first
