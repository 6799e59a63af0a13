"""How a verdict looks: classes of chance, which carry the colour, and the barometer's ratings, a small mark."""

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Rating:
    """One level of the barometer (晴雨表).

    level: 1 (missed by more than 10 % of the target), 2 (missed by less), 3 (met), as NDRC published it.
    fill, ink: background and text colour, contrast at least 4.5, distinguishable under the common colour deficiencies.
    """

    level: int
    word: str
    meaning: str
    symbol: str
    fill: str
    ink: str


RED = Rating(1, "red", "missed by more than 10 % of the target", "▲", "#A6261D", "#FFFFFF")
YELLOW = Rating(2, "yellow", "missed by up to 10 % of the target", "◆", "#F6C344", "#1F1F1F")
GREEN = Rating(3, "green", "target met", "●", "#0B6E5F", "#FFFFFF")
UNRATED = Rating(0, "not rated", "no energy statistics, not simulated", "–", "#E4E4E4", "#3A3A3A")
LIGHTS: dict[int, Rating] = {light.level: light for light in (RED, YELLOW, GREEN, UNRATED)}
WORDS: dict[str, Rating] = {light.word: light for light in LIGHTS.values()}


@dataclass(frozen=True)
class ChanceClass:
    """A class of chances, which colours map, tables and briefs; the rating of the median is a small mark beside it.

    step: order from the lowest, −1 where there is no chance. word: key of its name. fill, ink: as of a `Rating`.
    """

    step: int
    word: str
    fill: str
    ink: str


LEAST, LESS, CLOSE, MORE, MOST, NO_CHANCE = (
    ChanceClass(0, "under 20 %", "#8F3A0E", "#FFFFFF"),
    ChanceClass(1, "20 to 40 %", "#E08A4F", "#1F1F1F"),
    ChanceClass(2, "too close to call", "#F4E285", "#1F1F1F"),
    ChanceClass(3, "60 to 80 %", "#5FB3A5", "#1F1F1F"),
    ChanceClass(4, "over 80 %", "#0B6E5F", "#FFFFFF"),
    ChanceClass(-1, "no chance computed", "#FFFFFF", "#3A3A3A"),
)
CLASSES = (MOST, MORE, CLOSE, LESS, LEAST, NO_CHANCE)
"""The classes in the order of a legend."""
NEITHER = (0.4, 0.6)
"""Chances that say neither hit nor miss."""


def chance_class(chance: float, interval: tuple[float, float]) -> ChanceClass:
    """The class of a chance with its Wilson interval.

    Too close to call are 40 to 60 %, and every chance whose interval holds 50 %.

    >>> chance_class(0.62, (0.47, 0.75)).word
    'too close to call'
    >>> chance_class(0.62, (0.59, 0.65)).word
    '60 to 80 %'
    """
    if math.isnan(chance):
        return NO_CHANCE
    if NEITHER[0] <= chance <= NEITHER[1] or interval[0] <= 0.5 <= interval[1]:
        return CLOSE
    if chance < 0.5:
        return LEAST if chance < 0.2 else LESS
    return MOST if chance > 0.8 else MORE
