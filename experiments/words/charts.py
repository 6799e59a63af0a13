"""The kinds of picture that our pages print; each draws what it is given and nothing else.

A band is always the 80 % range of the members with the errors of past forecasts; a quantity whose errors are not known
has lines only. Measured years of another edition of a statistic are drawn hollow, behind a break.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from experiments.analyses.numbers import number
from experiments.words import svg
from experiments.words.plot import EDGE, INK, Plot, text_width
from experiments.words.ratings import LIGHTS

Array = np.ndarray[Any, np.dtype[np.float64]]
GREY, PALE, POLICY, TARGET, BAND = "#6E6E6E", "#B8B8B8", "#0072B2", "#A6261D", "#C3DAEC"
LESS, MORE = "#0B6E5F", "#C8702A"
SECTOR_COLOURS = {
    "heavy industry": "#4B4453",
    "light industry": "#8D7B9E",
    "transport": "#0072B2",
    "services": "#56B4E9",
    "agriculture and construction": "#8AAE5C",
    "residential": "#E3A23B",
    "industrial development": "#4B4453",
    "economic shift": "#8D7B9E",
    "energy shift": "#0072B2",
    "urbanisation": "#C8702A",
    "modern agriculture": "#6B8E3A",
}
SERIES_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#8A6D0B", "#56B4E9")


@dataclass(frozen=True)
class Series:
    """One line: values (year) at years, drawn in a colour and named at its end."""

    name: str
    years: Array
    values: Array
    colour: str = POLICY
    style: str = "-"
    width: float = 1.8


@dataclass(frozen=True)
class Dots:
    """Measured values (year) with their errors (year, absolute) and the edition of the statistic of each year."""

    name: str
    years: Array
    values: Array
    errors: Array
    editions: tuple[str, ...] = ()

    def within(self, first: float, last: float) -> "Dots":
        """The dots of these years."""
        inside = (self.years >= first) & (self.years <= last)
        kept = tuple(edition for edition, yes in zip(self.editions, inside, strict=False) if yes)
        return Dots(self.name, self.years[inside], self.values[inside], self.errors[inside], kept)

    @property
    def breaks(self) -> list[float]:
        """Where a new edition begins: the middle between its first year and the last year before."""
        pairs = zip(self.years, self.years[1:], self.editions, self.editions[1:], strict=False)
        return [float(a + b) / 2 for a, b, old, new in pairs if old != new]


@dataclass(frozen=True)
class Path:
    """Contents of the picture of a path.

    years (year); band: (low, high), each (year), where its errors are known; members (member, year): real runs, so that
    a band is not read as a path; lines: the required path and others; target: (year, value, words).
    """

    years: Array
    median: Series
    band: tuple[Array, Array] | None = None
    members: Array | None = None
    measured: Dots | None = None
    lines: Sequence[Series] = ()
    target: tuple[float, float, str] | None = None


def path(content: Path, unit: str) -> str:
    """Measured dots, band, a few members, the required path and the target."""
    dots = content.measured.within(content.years[0], content.years[-1]) if content.measured else None
    parts = [content.median.values, *(line.values for line in content.lines), *(content.band or ())]
    parts += [dots.values] if dots else []
    parts += [content.members] if content.members is not None else []
    values = np.concatenate([np.ravel(part) for part in parts])
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    named = [line for line in (*content.lines, content.median) if line.name]
    room = 8 + max([text_width(line.name) for line in named], default=20)
    plot = Plot(
        235,
        (46, room, 26, 12),
        (content.years[0] - 0.4, content.years[-1] + 0.2),
        (0.6 * low, high + 0.06 * (high - low)),
    )
    plot.y_axis(unit)
    plot.x_axis(whole=True)
    if content.band is not None:
        plot.band(content.years, *content.band, BAND)
    for member in content.members if content.members is not None else ():
        plot.line(content.years, member, "#7FA9C9", 0.5)
    for line in (*content.lines, content.median):
        plot.line(line.years, line.values, line.colour, line.width, line.style)
    if dots is not None:
        _dots(plot, dots)
    _end_labels(plot, named)
    if content.target is not None:
        year, value, words = content.target
        plot.segment(plot.x(year), plot.y(value), plot.x(year), plot.bottom - 14, TARGET, 0.6)
        x, y = plot.x(year), plot.y(value)
        plot.parts.append(
            f'<path d="M{x:.1f} {y - 4:.1f}l4 4l-4 4l-4 -4z" fill="{TARGET}" stroke="#fff" stroke-width=".8"/>'
        )
        plot.words(x, plot.bottom - 8, words, colour=TARGET, anchor="middle")
    return plot.svg()


def _dots(plot: Plot, dots: Dots) -> None:
    """Measured values: the first edition full, every later one hollow behind a break in the axis."""
    editions = list(dict.fromkeys(dots.editions))
    for index, (year, value, error) in enumerate(zip(dots.years, dots.values, dots.errors, strict=True)):
        if error > 0:
            plot.segment(plot.x(year), plot.y(value - error), plot.x(year), plot.y(value + error), INK)
        hollow = bool(editions) and dots.editions[index] != editions[0]
        plot.dot(float(year), float(value), hollow=hollow)
    for at in dots.breaks:
        break_mark(plot, plot.x(at))


def break_mark(plot: Plot, x: float) -> None:
    """Two slanted strokes through the axis and a dashed line above: the series before and after are not one."""
    plot.segment(x, plot.top, x, plot.bottom, EDGE, 0.6, "2 3")
    plot.rect(x - 2, plot.bottom - 2, 4, 4, "#fff")
    for shift in (-2.0, 2.0):
        plot.segment(x + shift - 1.5, plot.bottom + 4, x + shift + 1.5, plot.bottom - 4, INK, 0.9)


def _end_labels(plot: Plot, named: Sequence[Series]) -> None:
    """Name each line at its right end, moved apart where they would overlap."""
    ends = np.array([plot.y(float(line.values[-1])) for line in named])
    for y, line in zip(spread(ends, 11.0), named, strict=True):
        plot.words(plot.right + 5, float(y), line.name, colour=line.colour)


def spread(values: Array, gap: float) -> Array:
    """The values moved as little as a simple sweep allows so that neighbours are at least `gap` apart."""
    order = np.argsort(values)
    moved = values[order].astype(float)
    for index in range(1, len(moved)):
        moved[index] = max(moved[index], moved[index - 1] + gap)
    if len(moved):
        moved -= (moved - values[order]).mean()
    result = np.empty_like(moved)
    result[order] = moved
    return result


def stack(
    years: Array,
    layers: Mapping[str, Array],
    names: Mapping[str, str],
    unit: str,
    measured: Dots | None = None,
) -> str:
    """Areas on top of each other, named at their right end. layers: key → (year); names: key → label."""
    dots = measured.within(years[0], years[-1]) if measured is not None else None
    total = np.sum(list(layers.values()), axis=0)
    top = 1.08 * float(np.nanmax([*total, *(dots.values if dots else ())]))
    room = 10 + max(text_width(name) * 1.08 for name in names.values())
    plot = Plot(235, (46, room, 26, 8), (float(years[0]), float(years[-1])), (0.0, top))
    plot.y_axis(unit)
    base, middles = np.zeros_like(years, dtype=float), []
    for key, values in layers.items():
        plot.band(years, base, base + values, SECTOR_COLOURS.get(key, GREY))
        middles.append(plot.y(float(base[-1] + values[-1] / 2)))
        base = base + values
    plot.x_axis(whole=True)
    for y, key in zip(spread(np.array(middles), 11.5), layers, strict=True):
        colour = readable(SECTOR_COLOURS.get(key, GREY))
        plot.words(plot.right + 5, float(y), names[key], colour=colour, bold=True)
    if dots is not None:
        _dots(plot, dots)
    return plot.svg()


def readable(colour: str) -> str:
    """The colour, darkened as far as text needs on white: a contrast of at least 4.5 (WCAG 2.1, AA)."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    while luminance(parts) > 1.05 / 4.5 - 0.05:
        parts = [0.95 * part for part in parts]
    return "#" + "".join(f"{int(255 * part):02X}" for part in parts)


def luminance(parts: Sequence[float]) -> float:
    """Relative luminance of red, green, blue (each 0 to 1), as WCAG 2.1 defines it."""
    linear = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def _span(values: Sequence[float], margin: float = 0.05) -> tuple[float, float]:
    """The range of a bar chart: its values and zero, with some room where there is no zero."""
    low, high = min(0.0, *values), max(0.0, *values)
    room = margin * ((high - low) or 1.0)
    return low - (room if low < 0 else 0.0), high + (room if high > 0 else 0.0)


def _left(labels: Sequence[str]) -> float:
    """Points that labels need to the left of the axes."""
    return 10 + max(text_width(label) for label in labels)


def bars(
    labels: Sequence[str],
    values: Array,
    unit: str,
    *,
    low: Array | None = None,
    high: Array | None = None,
    reference: tuple[float, str] | None = None,
    apart: Sequence[bool] | None = None,
) -> str:
    """Horizontal bars, first label on top, with intervals and a reference line where given.

    apart: bars of another kind, grey.
    """
    top = 20 if reference else 6
    ends = [*values, *(low if low is not None else ()), *(high if high is not None else ())]
    ends += [reference[0]] if reference else []
    known = [float(end) for end in ends if np.isfinite(end)] or [0.0, 1.0]
    plot = Plot(38 + 19 * len(labels) + top, (_left(labels), 14, 34, top), _span(known), (0.0, float(len(labels))))
    plot.x_axis(unit, grid=True, line=False)
    row = (plot.bottom - plot.top) / len(labels)
    zero = plot.x(0.0)
    for index, (label, value) in enumerate(zip(labels, values, strict=True)):
        middle = plot.top + row * (index + 0.5)
        end = plot.x(float(value))
        plot.rect(
            min(zero, end), middle - 0.31 * row, abs(end - zero), 0.62 * row, PALE if apart and apart[index] else POLICY
        )
        plot.words(plot.left - 5, middle, label, anchor="end")
        if low is not None and high is not None:
            plot.segment(plot.x(float(low[index])), middle, plot.x(float(high[index])), middle, INK, 1.1)
    if reference is not None:
        at = plot.x(reference[0])
        plot.segment(at, plot.top, at, plot.bottom, TARGET, 1.0, "4 3")
        plot.words(at, plot.top - 8, reference[1], colour=TARGET)
    plot.segment(zero, plot.top, zero, plot.bottom, EDGE)
    return plot.svg()


def waterfall(
    labels: Sequence[str],
    steps: Array,
    unit: str,
    total: str,
    *,
    start: tuple[str, float] | None = None,
    decimals: int = 1,
) -> str:
    """Contributions that add up to a total, each bar starting where the last one ended.

    start: name and value of a first whole bar, from which the steps go on.
    """
    first = start[1] if start else 0.0
    ends = first + np.cumsum(steps)
    begins = np.concatenate([[first], ends[:-1]])
    rows = [(total, 0.0, float(ends[-1]), True)]
    rows = [*((label, float(a), float(b), False) for label, a, b in zip(labels, begins, ends, strict=True)), *rows]
    if start:
        rows = [(start[0], 0.0, first, True), *rows]
    low, high = _span([value for _, a, b, _ in rows for value in (a, b)], 0.14)
    height = 42 + 21 * len(rows)
    plot = Plot(height, (_left([row[0] for row in rows]), 30, 34, 4), (low, high), (0.0, 1.0))
    plot.x_axis(unit, grid=True, line=False)
    row = (plot.bottom - plot.top) / len(rows)
    for index, (label, begin, end, whole) in enumerate(rows):
        middle = plot.top + row * (index + 0.5)
        a, b = sorted((plot.x(begin), plot.x(end)))
        plot.rect(a, middle - 0.31 * row, max(b - a, 0.6), 0.62 * row, INK if whole else LESS if end < begin else MORE)
        plot.words(plot.left - 5, middle, label, anchor="end", bold=whole)
        value = end if whole else end - begin
        text = number(value, decimals, sign=True)
        plot.words(
            max(a, b) + 3, middle, text.removeprefix("+") if whole and start else text, size=8, bold=whole, colour=INK
        )
        if index + 1 < len(rows):
            plot.segment(plot.x(end), middle + 0.31 * row, plot.x(end), middle + 0.69 * row, PALE)
    plot.segment(plot.x(0.0), plot.top, plot.x(0.0), plot.bottom, EDGE)
    return plot.svg()


def steps(widths: Array, heights: Array, units: tuple[str, str], named: Sequence[int]) -> str:
    """An abatement cost curve: one block an option, as wide as what it avoids, as high as what that costs a tonne.

    named: positions of the blocks that get their number. The few highest are cut off, with their value inside.
    """
    limit = 1.4 * float(np.quantile(np.abs(heights), 0.85)) or 1.0
    low = max(-limit, 1.15 * float(min(heights.min(), 0.0)))
    high = min(limit, 1.15 * float(max(heights.max(), 0.0)))
    plot = Plot(280, (52, 12, 34, 14), (0.0, float(widths.sum())), (low, high), 620)
    plot.y_axis(units[1])
    plot.x_axis(units[0])
    lefts = np.concatenate([[0.0], np.cumsum(widths)[:-1]])
    for position, (left, wide, height) in enumerate(zip(lefts, widths, heights, strict=True)):
        end = plot.y(float(np.clip(height, low, high)))
        zero = plot.y(0.0)
        x, w = plot.x(float(left)), plot.x(float(left + wide)) - plot.x(float(left))
        plot.rect(x + 0.3, min(zero, end), w - 0.6, abs(end - zero), LESS if height < 0 else MORE)
        if position in named:
            _block_number(plot, x + w / 2, end, position, float(height), cut=not low <= height <= high)
    plot.segment(plot.left, plot.y(0.0), plot.right, plot.y(0.0), INK, 0.8)
    return plot.svg()


def _block_number(plot: Plot, middle: float, end: float, position: int, height: float, cut: bool) -> None:
    """The number of a block at its end; of one that is higher than the picture with its value, upright inside."""
    side = 1 if height >= 0 else -1
    if cut:
        words = f"{position + 1}: {number(height, 0)}"
        plot.words(
            middle,
            end + side * (4 + 0.5 * text_width(words, 7.5)),
            words,
            colour="#fff",
            size=7.5,
            anchor="middle",
            turned=True,
        )
    else:
        plot.words(middle, end - side * 7, str(position + 1), anchor="middle")


def ranges(table: pd.DataFrame, unit: str, series: Sequence[str], width: float = svg.WIDTH) -> str:
    """Dots with ranges, one row per label; up to six series side by side.

    table: columns label, series, value, low, high.
    """
    labels = list(dict.fromkeys(table.label))
    known = [float(v) for v in table[["value", "low", "high"]].to_numpy().ravel() if np.isfinite(v)] or [0.0, 1.0]
    legend = 16 if len(series) > 1 else 0
    row = max(15.0, 8.0 * len(series) + 3)
    plot = Plot(
        44 + row * len(labels) + legend,
        (_left(labels), 12, 34, 4 + legend),
        _span(known),
        (0.0, float(len(labels))),
        width,
    )
    for index in range(0, len(labels), 2):
        plot.rect(plot.left, plot.top + row * index, plot.right - plot.left, row, "#F4F6F8")
    plot.x_axis(unit, grid=True, line=False)
    plot.segment(plot.x(0.0), plot.top, plot.x(0.0), plot.bottom, INK, 0.8)
    for index, label in enumerate(labels):
        plot.words(plot.left - 5, plot.top + row * (index + 0.5), label, anchor="end")
    at = plot.left
    for index, (key, colour) in enumerate(zip(series, SERIES_COLOURS, strict=False)):
        shift = 0.0 if len(series) == 1 else 0.62 * (index / (len(series) - 1) - 0.5)
        for one in table[table.series == key][["label", "value", "low", "high"]].to_dict("records"):
            y = plot.top + row * (labels.index(one["label"]) + 0.5 + shift)
            value, low, high = (plot.x(float(one[name])) for name in ("value", "low", "high"))
            plot.segment(low, y, high, y, colour, 1.3)
            plot.parts.append(f'<circle cx="{value:.1f}" cy="{y:.1f}" r="2" fill="{colour}"/>')
        if legend:
            plot.parts.append(f'<circle cx="{at + 4:.1f}" cy="9" r="2.5" fill="{colour}"/>')
            plot.words(at + 10, 9, key)
            at += 24 + text_width(key)
    return plot.svg()


def light_shares(labels: Sequence[str], shares: Array, words: Sequence[str], unit: str) -> str:
    """Per label one bar split in red, yellow and green. shares (label, 3) in per cent, red first."""
    row = 16.0
    plot = Plot(60 + row * len(labels), (_left(labels), 14, 34, 20), (0.0, 100.0), (0.0, 1.0))
    plot.x_axis(unit)
    at = plot.left
    for level, word in zip((1, 2, 3), words, strict=True):
        plot.rect(at, 4, 10, 10, LIGHTS[level].fill)
        plot.words(at + 14, 9, word)
        at += 28 + text_width(word)
    for index, (label, own) in enumerate(zip(labels, shares, strict=True)):
        middle, left = plot.top + row * (index + 0.5), 0.0
        plot.words(plot.left - 5, middle, label, anchor="end")
        for level, share in zip((1, 2, 3), own, strict=True):
            x, w = plot.x(left), plot.x(left + float(share)) - plot.x(left)
            plot.rect(x, middle - 0.37 * row, w - 0.5, 0.74 * row, LIGHTS[level].fill)
            if share >= 9:
                plot.words(x + w / 2, middle, f"{share:.0f}", colour=LIGHTS[level].ink, size=8, anchor="middle")
            left += float(share)
    return plot.svg()
