"""docs/own-model.md and the examples in docstrings: every line is run."""

import doctest
import importlib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FLAGS = doctest.NORMALIZE_WHITESPACE


@pytest.fixture
def at_root(monkeypatch):
    monkeypatch.chdir(ROOT)


def test_the_page_says_what_happens(at_root, tmp_path):
    text = (ROOT / "docs" / "own-model.md").read_text(encoding="utf-8").replace("```", "\n")
    page = doctest.DocTestParser().get_doctest(text, {"folder": tmp_path}, "own-model.md", None, 0)
    runner = doctest.DocTestRunner(optionflags=FLAGS, verbose=False)
    said: list[str] = []
    runner.run(page, out=said.append)
    assert runner.tries > 25
    assert runner.failures == 0, "".join(said)


@pytest.mark.parametrize("name", ["sim.model", "sim.sinks", "sim.units", "sim.equation_table", "sim.diagram"])
def test_examples_in_docstrings(at_root, tmp_path, name):
    module = importlib.import_module(name)
    results = doctest.testmod(module, extraglobs={"folder": tmp_path}, optionflags=FLAGS)
    assert results.failed == 0
    assert results.attempted > 0, f"{name} has no example"
