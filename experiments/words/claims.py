"""Statements of picture titles about changes, checked against the picture's own measured dots.

A title that gives the sign or the size of a change is printed only while no stretch of measured years of one edition
lies outside the 80 % range that the model gives for those very years; else the title says what was measured.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations

from experiments.words.charts import Dots

Range = Callable[[int, int], tuple[float, float] | None]
"""First and last year → 80 % range of the model's change between them, per cent; None where it has none."""


@dataclass(frozen=True)
class Stretch:
    """Measured years of one edition: change in per cent, and the 80 % range of the model for the same years."""

    first: int
    last: int
    measured: float
    low: float
    high: float

    @property
    def refutes(self) -> bool:
        """Whether the measured change lies outside the model's range."""
        return not self.low <= self.measured <= self.high


@dataclass(frozen=True)
class Claim:
    """A picture's statement about the years first … last; says_measured: its title gives the measured change."""

    first: int
    last: int
    stretches: tuple[Stretch, ...]
    says_measured: bool

    @property
    def refuted(self) -> bool:
        """Whether the title says of the model what its own dots refute."""
        return any(one.refutes for one in self.stretches) and not self.says_measured


def claim(dots: Dots, first: int, last: int, model: Range) -> tuple[Claim, Stretch | None]:
    """The claim about these years, and the longest stretch that rules out giving the model's change."""
    found = tuple(stretches(dots, first, last, model))
    against = [one for one in found if one.refutes]
    worst = max(against, key=lambda one: (one.last - one.first, abs(one.measured)), default=None)
    return Claim(first, last, found, worst is not None), worst


def stretches(dots: Dots, first: int, last: int, model: Range) -> list[Stretch]:
    """The longest stretch of each edition inside the years, for which the model has a range."""
    inside = dots.within(first, last)
    found = []
    for edition in dict.fromkeys(inside.editions):
        known = {
            int(y): float(v)
            for y, v, e in zip(inside.years, inside.values, inside.editions, strict=True)
            if e == edition
        }
        for a, b in sorted(combinations(sorted(known), 2), key=lambda years: years[0] - years[1]):
            if (limits := model(a, b)) is not None:
                found.append(Stretch(a, b, 100 * (known[b] / known[a] - 1), *limits))
                break
    return found
