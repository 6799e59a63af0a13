"""Every example in a docstring is executed."""

import doctest
from importlib import import_module
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]
PACKAGES = ("models", "sim", "calibration", "experiments")
MODULES = sorted(
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    for package in PACKAGES
    for path in (ROOT / package).rglob("*.py")
    if ">>> " in path.read_text(encoding="utf-8")
)


@pytest.mark.parametrize("name", MODULES)
def test_examples_in_docstrings(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    module = import_module(name)
    found = doctest.testmod(module, extraglobs={"folder": tmp_path}, optionflags=doctest.NORMALIZE_WHITESPACE)
    assert found.attempted > 0, f"{name} has no example"
    assert found.failed == 0
