"""The table of parameters and its copy in the model file."""

import doctest
from importlib import import_module
from pathlib import Path

import pytest

from models import PARAMETERS, PROVINCE
from models.parameters import parameters, sync


@pytest.mark.parametrize("name", ["bake", "indicators", "parameters", "plans"])
def test_examples_in_docstrings(name: str) -> None:
    results = doctest.testmod(import_module(f"models.{name}"))
    assert results.failed == 0
    assert results.attempted > 0, f"models.{name} has no example"


def test_model_file_carries_the_table() -> None:
    assert PROVINCE.read_text(encoding="utf-8") == sync(), "run: python -m models.parameters"


def test_all_faults_of_a_damaged_table_are_named(tmp_path: Path) -> None:
    text = PARAMETERS.read_text(encoding="utf-8").splitlines()
    text[1] = text[1].replace(",data,", ",datum,")
    text[2] = text[2].replace(",Gyuan,", ",,", 1)
    text.append(text[3])
    damaged = tmp_path / "parameters.csv"
    damaged.write_text("\n".join(text), encoding="utf-8")
    with pytest.raises(ValueError, match="role 'datum'") as caught:
        parameters(damaged)
    assert "unit is empty" in str(caught.value)
    assert "appears more than once" in str(caught.value)


def test_a_refusal_holds_the_plausible_range(tmp_path: Path) -> None:
    text = PARAMETERS.read_text(encoding="utf-8")
    narrow = tmp_path / "parameters.csv"
    assert text.count(",24,10,40,0,400,") == 1  # effort sensitivity
    narrow.write_text(text.replace(",24,10,40,0,400,", ",24,10,40,11,400,"), encoding="utf-8")
    with pytest.raises(ValueError, match="do not hold default, low and high"):
        parameters(narrow)
