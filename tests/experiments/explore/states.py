"""Random states of the explorer's controls."""

import random

from experiments.explore import Members
from experiments.explore.content import Content
from experiments.explore.state import State


def random_states(held: Members, count: int, seed: int = 1) -> list[State]:
    """States that move rule, preset, targets, levers here and there, and assumptions."""
    chance, ranges = random.Random(seed), Content(held).ranges
    strengths = lambda most: {  # noqa: E731
        lever: round(chance.random(), 3) for lever in chance.sample(held.levers, chance.randint(0, most))
    }
    return [
        State(
            rule=chance.choice(held.rules),
            preset=chance.choice(held.presets),
            targets={p: round(chance.uniform(5, 30), 1) for p in chance.sample(held.provinces, chance.randint(0, 3))},
            levers=strengths(6),
            own={p: strengths(3) for p in chance.sample(held.provinces, chance.randint(0, 3))},
            assumptions={
                name: round(chance.uniform(*ranges[name]), 6)
                for name in chance.sample(held.names, chance.randint(0, 4))
            },
        )
        for _ in range(count)
    ]


def differences(got: object, expected: object, place: str = "") -> list[str]:
    """Where two answers differ by more than 1e-9 of the value (1e-9 for values below 1)."""
    if isinstance(expected, dict):
        if not isinstance(got, dict):
            return [f"{place}: {got!r}"]
        return [one for key in expected for one in differences(got.get(key), expected[key], f"{place}.{key}")]
    if isinstance(expected, list):
        if not isinstance(got, list) or len(got) != len(expected):
            return [f"{place}: length"]
        return [
            one
            for i, (a, b) in enumerate(zip(got, expected, strict=True))
            for one in differences(a, b, f"{place}[{i}]")
        ]
    if got is None or expected is None:
        return [] if got is None and expected is None else [f"{place}: {got} and {expected}"]
    assert isinstance(got, int | float)
    assert isinstance(expected, int | float)
    return [] if abs(got - expected) <= 1e-9 * max(1.0, abs(expected)) else [f"{place}: {got} and {expected}"]
