"""What holds for the whole tree: who owns the four names, which way imports run, on paper and in a running study."""

import ast
import json
import re
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


NAMES = {"calibration/places.py"}
"""Files that compose names of places in Chinese."""


def texts(path: Path) -> list[tuple[int, str]]:
    """Line and source of every string of a source file that is no docstring."""
    source = path.read_text(encoding="utf-8")
    tree, lines = ast.parse(source), source.splitlines()
    docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    found = (node for node in ast.walk(tree) if isinstance(node, ast.Constant) and id(node) not in docstrings)
    strings = [node for node in found if isinstance(node.value, str)]
    return [(node.lineno, "\n".join(lines[node.lineno - 1 : node.end_lineno])) for node in strings]


def test_no_chinese_sentence_stands_below_words() -> None:
    order = floors()
    above = {room for room, floor in order.items() if floor >= order["words"]}
    rooms = [ROOT / "models", ROOT / "sim", ROOT / "calibration", ROOT / "experiments"]
    sources = [path.relative_to(ROOT) for room in rooms for path in room.rglob("*.py")]
    below = [path for path in sources if not (path.parts[0] == "experiments" and path.parts[1] in above)]
    assert len(below) > 100
    found = [
        f"{path}:{line}: {text}"
        for path in below
        if path.as_posix() not in NAMES
        for line, text in texts(ROOT / path)
        if re.search("[\u3400-\u9fff]", text)
    ]
    assert not found, "move the text into experiments/words/terms.csv; tables hold its key (analyses/messages.py)"
