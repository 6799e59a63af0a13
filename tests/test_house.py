"""What holds for the whole tree: who owns the four names, which way imports run."""

from importlib.metadata import packages_distributions

import pytest
from importlinter.cli import lint_imports


@pytest.mark.parametrize("name", ["models", "sim", "calibration", "experiments"])
def test_we_alone_own_the_import_name(name: str) -> None:
    owners = set(packages_distributions().get(name, []))
    assert owners <= {"tanlu"}, f"{name} also belongs to {owners - {'tanlu'}}: uninstall it"


def test_imports_run_one_way() -> None:
    assert lint_imports(no_cache=True) == 0, "`lint-imports` names the imports that break a contract of pyproject.toml"
