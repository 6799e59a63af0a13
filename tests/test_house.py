"""Rules of the whole tree: the owner of the import names, the direction of imports, the words of docstrings and
docs.
"""

import json
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from importlinter.cli import lint_imports

ROOT = Path(__file__).parents[1]
TRACE = """
import builtins, json, sys
seen, real = set(), builtins.__import__
def tracing(name, globals=None, locals=None, fromlist=(), level=0):
    module = real(name, globals, locals, fromlist, level)
    here = (globals or {}).get("__name__", "")
    if level == 0 and here.startswith("experiments.") and name.startswith("experiments"):
        targets = [name, *(f"{name}.{part}" for part in fromlist or () if f"{name}.{part}" in sys.modules)]
        seen.update((here, target) for target in targets)
    return module
builtins.__import__ = tracing
from experiments.cli import app
try:
    app(sys.argv[1:])
finally:
    print("TRACE" + json.dumps(sorted(seen)))
"""


@pytest.mark.parametrize("name", ["models", "sim", "calibration", "experiments"])
def test_we_alone_own_the_import_name(name: str) -> None:
    owners = set(packages_distributions().get(name, []))
    assert owners <= {"tanlu"}, f"{name} also belongs to {owners - {'tanlu'}}: uninstall it"


def test_imports_run_one_way() -> None:
    assert lint_imports(no_cache=True) == 0, "`lint-imports` names the imports that break a contract of pyproject.toml"


def floors() -> dict[str, int]:
    """Rooms of `experiments` by floor, the lowest 0, as the contract in pyproject.toml orders them."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    (layers,) = [one["layers"] for one in contracts if one.get("containers") == ["experiments"]]
    return {room.strip(): n for n, layer in enumerate(reversed(layers)) for room in layer.split("|")}


def test_a_running_study_never_climbs_a_floor(tmp_path: Path) -> None:
    words = [
        "run",
        "twelfth-plan",
        "--set",
        "members=4",
        "--set",
        "sensitivity=null",
        "--set",
        "hindcast=false",
        "--no-report",
    ]
    done = subprocess.run(
        [sys.executable, "-c", TRACE, *words, "--verify", "0", "--runs", str(tmp_path)],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr

    trace = json.loads(done.stdout.split("TRACE")[1])
    order = floors()
    steps = [(order[a.split(".")[1]], order[b.split(".")[1]], a, b) for a, b in trace if b.count(".")]
    assert len({a for a, *_ in steps}) >= 7, "the study was not traced"
    assert not [step for step in steps if step[0] < step[1]]
