"""Lights differ in word, number and symbol, have contrast, and are distinct for people with colour deficiencies."""

from itertools import combinations

import numpy as np
import pytest

from experiments.analyses.intervals import wilson
from experiments.words import charts
from experiments.words.ratings import CLASSES, CLOSE, GREEN, LIGHTS, NO_CHANCE, RED, YELLOW, chance_class
from experiments.words.tilemap import COLUMNS, ROWS, TILES

# Machado, Oliveira & Fernandes (2009), severity 1.0, linear RGB.
DEFICIENCIES = {
    "protan": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deutan": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritan": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
    "none": np.eye(3).tolist(),
}


def linear(colour: str) -> np.ndarray:
    """Linear RGB of #rrggbb."""
    srgb = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)


def contrast(a: str, b: str) -> float:
    """WCAG 2 contrast ratio."""
    low, high = sorted(float(linear(c) @ [0.2126, 0.7152, 0.0722]) for c in (a, b))
    return (high + 0.05) / (low + 0.05)


def lab(rgb: np.ndarray) -> np.ndarray:
    """CIE L*a*b* (D65) of linear RGB."""
    matrix = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    xyz = np.array(matrix) @ np.clip(rgb, 0, 1) / [0.9505, 1.0, 1.089]
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("light", [*LIGHTS.values(), *CLASSES], ids=lambda light: light.word)
def test_contrast(light: object) -> None:
    assert contrast(light.fill, light.ink) >= 4.5  # type: ignore[attr-defined]


@pytest.mark.parametrize("deficiency", DEFICIENCIES)
@pytest.mark.parametrize(
    ("a", "b"),
    [*combinations([RED, YELLOW, GREEN], 2), *combinations(CLASSES, 2)],
    ids=lambda light: light.word,
)
def test_colours_stay_apart(deficiency: str, a: object, b: object) -> None:
    seen = [lab(np.array(DEFICIENCIES[deficiency]) @ linear(light.fill)) for light in (a, b)]  # type: ignore[attr-defined]
    assert np.linalg.norm(seen[0] - seen[1]) > 18  # a difference of 10 is seen at a glance


def test_classes_follow_the_chance_and_its_interval() -> None:
    for hits, n in [(hits, count) for count in (30, 64, 1000) for hits in range(count + 1)]:
        low, high = wilson(hits, n)
        kind = chance_class(hits / n, (float(low), float(high)))
        assert (kind is CLOSE) == (0.4 <= hits / n <= 0.6 or low <= 0.5 <= high)
        assert kind.step == (2 if kind is CLOSE else min(4, int(5 * hits / n + 1e-9)) if hits / n != 0.8 else 3)
    assert chance_class(float("nan"), (float("nan"), float("nan"))) is NO_CHANCE


def test_a_light_is_never_colour_alone() -> None:
    for field in ("level", "word", "symbol"):
        assert len({getattr(light, field) for light in (RED, YELLOW, GREEN)}) == 3


def test_the_map_has_every_province_once() -> None:
    from calibration import tables

    assert {*tables.provinces(), "Tibet"} == set(TILES)
    assert len(set(TILES.values())) == 31
    assert max(c for c, _ in TILES.values()) < COLUMNS
    assert max(r for _, r in TILES.values()) < ROWS


@pytest.mark.parametrize(
    ("north", "south"),
    [("Heilongjiang", "Jilin"), ("Beijing", "Guangdong"), ("Hunan", "Guangxi"), ("Guangdong", "Hainan")],
)
def test_north_lies_above_south(north: str, south: str) -> None:
    assert TILES[north][1] < TILES[south][1]


@pytest.mark.parametrize(
    ("west", "east"), [("Xinjiang", "Gansu"), ("Sichuan", "Chongqing"), ("Shanxi", "Hebei"), ("Anhui", "Jiangsu")]
)
def test_west_lies_left_of_east(west: str, east: str) -> None:
    assert TILES[west][0] < TILES[east][0]


@pytest.mark.parametrize("colour", [*charts.SECTOR_COLOURS.values(), charts.GREY, charts.POLICY, charts.TARGET])
def test_names_of_lines_and_areas_can_be_read(colour: str) -> None:
    assert contrast(charts.readable(colour), "#FFFFFF") >= 4.5
    if colour in (charts.GREY, charts.POLICY, charts.TARGET):
        assert charts.readable(colour) == colour
