"""Rules of the whole tree: the owner of the import names, the direction of imports, the words of docstrings and
docs.
"""

import ast
import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
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

PHRASES = {
    r"\b(?:is|are|be|was|were|been) told\b|\btold apart\b": "`reported`, `named`, `distinguished`",
    r"\b(?:is|are|be|was|were) said\b|\bsays? so\b": "`states`, `marks`",
    r"\btaken apart\b": "`decomposed`, `analysed`",
    r"\b(?:one|a) (?:row|column|file|line|page|value|draw) an? [a-z]+": "`one row per province`",
}
"""Wording that a reader whose first language is not English stumbles over → plain wording."""
CODE = ("models", "sim", "calibration", "experiments", "tools", "benchmarks", "tests")
PAGES = ("README.md", "CHANGELOG.md", "docs/*.md", "calibration/data/README.md")
UNWORDED = ("docs/equations.md",)  # written from the model file


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


def own_heads(text: str) -> list[int]:
    """Lines of a source file that write the head of a column themselves: a text of `Terms` as the key of a table, as a
    new column or as the name of one, or heads as a literal.
    """

    def is_text(node: ast.AST | None) -> bool:
        if not isinstance(node, ast.Call):
            return False
        return getattr(node.func, "id", getattr(node.func, "attr", "")) == "terms"

    def writes(node: ast.AST) -> bool:
        match node:
            case ast.Dict(keys=keys):
                return any(map(is_text, keys))
            case ast.DictComp(key=key):
                return is_text(key)
            case ast.Assign(targets=targets):
                return any(isinstance(target, ast.Subscript) and is_text(target.slice) for target in targets)
            case ast.Call(func=ast.Attribute(attr="insert" | "rename_axis"), args=args):
                return any(map(is_text, args))
            case ast.keyword(arg="heads" | "columns", value=ast.Dict(values=values)):
                return bool(values) and all(isinstance(one, ast.Constant) and " " in str(one.value) for one in values)
        return False

    return [node.lineno for node in ast.walk(ast.parse(text)) if writes(node)]  # type: ignore[attr-defined]


def test_no_table_has_heads_beside_the_specification_of_columns() -> None:
    specification = ROOT / "experiments" / "words" / "columns.py"
    sources = [path for path in (ROOT / "experiments").rglob("*.py") if path != specification]
    assert len(sources) > 100
    found = [f"{path.relative_to(ROOT)}:{line}" for path in sources for line in own_heads(path.read_text("utf-8"))]
    assert not found, "give the column a row in experiments/words/columns.csv, and write it with `listed` or `headed`"


@pytest.mark.parametrize(
    "text",
    [
        'pd.DataFrame({terms("Policy mix"): mixes})',
        "pd.DataFrame({view.terms(key): cells for key in keys})",
        'shown[view.terms("Chance")] = chances',
        'shown.insert(0, view.terms("Province"), places)',
        'table(terms, "a", "b", rows, heads={"mean": "Mean value"})',
        'rows.rename(columns={"mean": "Mean value"})',
    ],
)
def test_a_head_beside_the_specification_is_found(text: str) -> None:
    assert own_heads(text)


def prose() -> Iterator[tuple[str, str]]:
    """Place and text of every docstring of the code and of every page of the documentation."""
    for folder in CODE:
        for path in sorted((ROOT / folder).rglob("*.py")):
            text = path.read_text(encoding="utf-8")
            if any(re.search(phrase, text, re.IGNORECASE) for phrase in PHRASES):  # parsing all files is slow
                for node in ast.walk(ast.parse(text)):
                    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
                        yield f"{path.relative_to(ROOT)}:{node.lineno}", str(node.value.value)
    for pattern in PAGES:
        for path in sorted(ROOT.glob(pattern)):
            if (place := path.relative_to(ROOT).as_posix()) not in UNWORDED:
                for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
                    yield f"{place}:{number}", line


def faults_of_wording(text: str) -> list[str]:
    """The phrases of a text that are not plain, with plain ones."""
    return [
        f"{found[0]!r}; plain: {plain}"
        for phrase, plain in PHRASES.items()
        if (found := re.search(phrase, text, re.IGNORECASE))
    ]


def test_docstrings_and_pages_are_in_plain_words() -> None:
    assert not [f"{place}: {fault}" for place, text in prose() for fault in faults_of_wording(text)]


@pytest.mark.parametrize("text", ["All faults are told at once.", "One row a province.", "What it lacks is said."])
def test_a_phrase_that_is_not_plain_is_found(text: str) -> None:
    assert faults_of_wording(text)
