"""What the page sends is checked whole; nothing odd reaches the model."""

from typing import Any

import pytest

from experiments.explore.state import State, checked
from models.reading.faults import InputError

KNOWN: tuple[Any, ...] = (["official", "uniform"], ["plan"], ["Beijing"], ["plant closure"], {"rebound": (0.0, 0.5)})
GOOD = {"rule": "official", "preset": "plan"}


def test_a_good_state() -> None:
    data = {**GOOD, "own": {"Beijing": {"plant closure": 0.4}}, "assumptions": {"rebound": 0.1}}
    assert checked(data, *KNOWN) == State(**data)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({}, "rule"),
        ([], "dictionary"),
        ({**GOOD, "rule": "offical"}, "did you mean 'official'"),
        ({**GOOD, "preset": "plam"}, "unknown preset"),
        ({**GOOD, "own": {"../etc/passwd": {}}}, "unknown province"),
        ({**GOOD, "targets": {"<script>": 3}}, "unknown province"),
        ({**GOOD, "targets": {"Beijing": 99}}, "less than or equal to 60"),
        ({**GOOD, "levers": {"plant closing": 0.4}}, "unknown lever"),
        ({**GOOD, "levers": {"plant closure": 1.4}}, "less than or equal to 1"),
        ({**GOOD, "levers": {"plant closure": "0.4"}}, "valid number"),
        ({**GOOD, "levers": {"plant closure": float("nan")}}, "finite"),
        ({**GOOD, "assumptions": {"rebound": 0.9}}, "allowed: 0 to 0.5"),
        ({**GOOD, "assumptions": {"seed": 1}}, "unknown assumption"),
        ({**GOOD, "extra": 1}, "Extra inputs"),
        ({"rule": "x" * 10_000_000}, "at most 80 characters"),
        ({**GOOD, "levers": {f"lever {i}": 0 for i in range(1000)}}, "at most 64 items"),
    ],
)
def test_a_bad_state_is_refused_with_its_reason(data: Any, words: str) -> None:
    with pytest.raises(InputError) as refused:
        checked(data, *KNOWN)
    assert words in str(refused.value)
    assert len(str(refused.value)) < 2000


def test_all_faults_at_once() -> None:
    with pytest.raises(InputError) as refused:
        checked({"rule": "a", "preset": "b", "levers": {"c": 0}, "assumptions": {"d": 1}}, *KNOWN)
    assert len(refused.value.faults) == 4
