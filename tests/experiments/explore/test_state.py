"""What the page sends is checked whole; nothing odd reaches the model."""

from typing import Any

import pytest

from experiments.explore.state import State, checked
from models.reading.faults import InputError

KNOWN: tuple[Any, ...] = (["official", "uniform"], ["Beijing"], ["plant closure"], {"rebound": (0.0, 0.5)})


def test_a_good_state() -> None:
    data = {"rule": "official", "where": "Beijing", "levers": {"plant closure": 0.4}, "assumptions": {"rebound": 0.1}}
    assert checked(data, *KNOWN) == State(**data)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({}, "rule"),
        ([], "dictionary"),
        ({"rule": "offical"}, "did you mean 'official'"),
        ({"rule": "official", "where": "../etc/passwd"}, "unknown province"),
        ({"rule": "official", "where": "<script>"}, "unknown province"),
        ({"rule": "official", "levers": {"plant closing": 0.4}}, "unknown lever"),
        ({"rule": "official", "levers": {"plant closure": 1.4}}, "less than or equal to 1"),
        ({"rule": "official", "levers": {"plant closure": "0.4"}}, "valid number"),
        ({"rule": "official", "levers": {"plant closure": float("nan")}}, "finite"),
        ({"rule": "official", "assumptions": {"rebound": 0.9}}, "allowed: 0 to 0.5"),
        ({"rule": "official", "assumptions": {"seed": 1}}, "unknown assumption"),
        ({"rule": "official", "extra": 1}, "Extra inputs"),
        ({"rule": "x" * 10_000_000}, "at most 80 characters"),
        ({"rule": "official", "levers": {f"lever {i}": 0 for i in range(1000)}}, "at most 64 items"),
    ],
)
def test_a_bad_state_is_refused_with_its_reason(data: Any, words: str) -> None:
    with pytest.raises(InputError) as refused:
        checked(data, *KNOWN)
    assert words in str(refused.value)
    assert len(str(refused.value)) < 2000


def test_all_faults_at_once() -> None:
    with pytest.raises(InputError) as refused:
        checked({"rule": "a", "where": "b", "levers": {"c": 0}, "assumptions": {"d": 1}}, *KNOWN)
    assert len(refused.value.faults) == 4
