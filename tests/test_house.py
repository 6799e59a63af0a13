"""What holds for the whole tree: who owns the four names, which way imports run."""

from importlib.metadata import packages_distributions

import pytest


@pytest.mark.parametrize("name", ["models", "sim", "calibration", "experiments"])
def test_we_alone_own_the_import_name(name: str) -> None:
    owners = set(packages_distributions().get(name, []))
    assert owners <= {"tanlu"}, f"{name} also belongs to {owners - {'tanlu'}}: uninstall it"
