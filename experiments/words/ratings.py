"""The barometer's lights as people see them: level number, word and symbol; colour comes last."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Rating:
    """One level of the barometer (晴雨表).

    level: 1 (missed by more than 10 % of the target), 2 (missed by less), 3 (met), as NDRC published it.
    fill, ink: background and text colour, contrast at least 4.5, told apart under the common colour deficiencies.
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

CLOSE = Rating(
    0, "too close to call", "a chance of 40 to 60 %, or an interval that holds 50 %", "?", "#5B6470", "#FFFFFF"
)
"""Shown instead of a level where the members do not tell hit from miss."""
