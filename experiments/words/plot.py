"""A small plot as text: an `<svg>` element drawn straight from numbers, in a millisecond, whose words stay words."""

import math
from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

import numpy as np

from experiments.analyses.numbers import number
from experiments.words.svg import WIDTH

Array = np.ndarray[Any, np.dtype[np.float64]]
INK, GRID, EDGE, TICK = "#222222", "#E6E6E6", "#8A8A8A", "#444444"
SIZE = 8.5
LATIN, WIDE = 0.53, 1.0  # width of a letter in ems, on average


def text_width(words: str, size: float = SIZE) -> float:
    """Points that words take, by counting letters; a Chinese character is as wide as the font is high."""
    return size * sum(WIDE if letter > "\u2e80" else LATIN for letter in words)


def ticks(low: float, high: float, count: int = 5) -> list[float]:
    """Round numbers inside [low, high], some `count` of them: steps of 1, 2 or 5 times a power of ten."""
    if not high > low:
        return [low]
    rough = (high - low) / count
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * 0.999)
    first = math.ceil(low / step - 1e-9)
    return [float(f"{k * step:.12g}") for k in range(first, math.floor(high / step + 1e-9) + 1)]


def tick_text(value: float, step: float) -> str:
    """A tick's number with as many decimals as its step has."""
    decimals = max(0, -math.floor(math.log10(step) + 1e-9)) if step > 0 else 0
    return number(value, decimals)


class Plot:
    """One pair of axes. x, y: (low, high) of the data; margins: left, right, bottom, top in points."""

    def __init__(
        self,
        height: float,
        margins: tuple[float, float, float, float],
        x: tuple[float, float],
        y: tuple[float, float],
        width: float = WIDTH,
    ) -> None:
        self.width, self.height = width, height
        self.left, right, bottom, self.top = margins
        self.right, self.bottom = width - right, height - bottom
        self.x_range, self.y_range = x, y
        self.parts: list[str] = []

    def x(self, value: float) -> float:
        """Points from the left of a value."""
        low, high = self.x_range
        return self.left + (value - low) / ((high - low) or 1.0) * (self.right - self.left)

    def y(self, value: float) -> float:
        """Points from the top of a value."""
        low, high = self.y_range
        return self.bottom - (value - low) / ((high - low) or 1.0) * (self.bottom - self.top)

    def _points(self, xs: Iterable[float], ys: Iterable[float]) -> str:
        pairs = zip(xs, ys, strict=True)
        return " ".join(f"{self.x(a):.1f},{self.y(b):.1f}" for a, b in pairs if math.isfinite(b))

    def band(self, xs: Array, low: Array, high: Array, fill: str) -> None:
        """The area between two lines."""
        points = f"{self._points(xs, high)} {self._points(xs[::-1], low[::-1])}"
        self.parts.append(f'<polygon points="{points}" fill="{fill}"/>')

    def line(
        self,
        xs: Sequence[float] | Array,
        ys: Sequence[float] | Array,
        colour: str,
        width: float = 1.6,
        style: str = "-",
    ) -> None:
        """A line; style: "-", "--" or ":"."""
        dash = {"-": "", "--": ' stroke-dasharray="5 3"', ":": ' stroke-dasharray="1.5 2"'}[style]
        points = self._points(xs, ys)
        self.parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="{width:g}"{dash}/>')

    def segment(
        self, x1: float, y1: float, x2: float, y2: float, colour: str, width: float = 0.7, dash: str = ""
    ) -> None:
        """A straight line between two places in points."""
        extra = f' stroke-dasharray="{dash}"' if dash else ""
        self.parts.append(
            f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}" '
            f'stroke-width="{width:g}"{extra}/>'
        )

    def dot(self, x: float, y: float, colour: str = INK, radius: float = 1.8, hollow: bool = False) -> None:
        """A dot at a value; hollow: a ring."""
        fill = f'fill="#fff" stroke="{colour}" stroke-width="1.1"' if hollow else f'fill="{colour}"'
        self.parts.append(f'<circle cx="{self.x(x):.1f}" cy="{self.y(y):.1f}" r="{radius:g}" {fill}/>')

    def rect(self, x: float, y: float, width: float, height: float, fill: str) -> None:
        """A rectangle in points."""
        self.parts.append(
            f'<rect x="{x:.1f}" y="{y:.1f}" width="{max(width, 0):.1f}" height="{max(height, 0):.1f}" fill="{fill}"/>'
        )

    def words(
        self,
        x: float,
        y: float,
        text: str,
        *,
        colour: str = TICK,
        size: float = SIZE,
        anchor: str = "start",
        bold: bool = False,
        turned: bool = False,
    ) -> None:
        """Words at a place in points; y is the middle of their height."""
        turn = f' transform="rotate(-90 {x:.1f} {y:.1f})"' if turned else ""
        weight = ' font-weight="700"' if bold else ""
        self.parts.append(
            f'<text x="{x:.1f}" y="{y + 0.35 * size:.1f}" fill="{colour}" font-size="{size:g}" '
            f'text-anchor="{anchor}"{weight}{turn}>{escape(text, quote=False)}</text>'
        )

    def x_axis(self, label: str = "", *, whole: bool = False, grid: bool = False, line: bool = True) -> None:
        """Ticks, their numbers and the axis' words below. whole: years, without decimals."""
        found = ticks(*self.x_range, 6 if self.width > 300 else 4)
        if whole:
            found = sorted({float(round(value)) for value in found})
        step = found[1] - found[0] if len(found) > 1 else 1.0
        for value in found:
            at = self.x(value)
            if grid:
                self.segment(at, self.top, at, self.bottom, GRID, 0.6)
            self.segment(at, self.bottom, at, self.bottom + 3, EDGE)
            self.words(at, self.bottom + 10, tick_text(value, 1.0 if whole else step), anchor="middle")
        if line:
            self.segment(self.left, self.bottom, self.right, self.bottom, EDGE)
        if label:
            self.words((self.left + self.right) / 2, self.bottom + 25, label, anchor="middle", size=9)

    def y_axis(self, label: str = "") -> None:
        """Grid lines with numbers, and the axis' words upright at the left."""
        found = ticks(*self.y_range)
        step = found[1] - found[0] if len(found) > 1 else 1.0
        for value in found:
            self.segment(self.left, self.y(value), self.right, self.y(value), GRID, 0.6)
            self.words(self.left - 4, self.y(value), tick_text(value, step), anchor="end")
        if label:
            self.words(8, (self.top + self.bottom) / 2, label, anchor="middle", size=9, turned=True)

    def svg(self) -> str:
        """The picture."""
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {self.width:g} {self.height:g}" '
            f"font-family=\"'Tanlu Sans','Noto Sans CJK SC',sans-serif\">{''.join(self.parts)}</svg>"
        )
