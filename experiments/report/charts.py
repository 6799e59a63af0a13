"""The kinds of picture that report and explorer print; each draws what it is given and nothing else."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from experiments.words import svg
from experiments.words.ratings import LIGHTS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Array = np.ndarray[Any, np.dtype[np.float64]]
INK, GREY, PALE, POLICY, TARGET = "#222222", "#6E6E6E", "#B8B8B8", "#0072B2", "#A6261D"
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
class Path:
    """What the picture of a path holds.

    years (year); bands: nominal coverage in per cent → (low, high), each (year); members (member, year): real runs,
    so that a band is not read as a path; measured, required and others are lines; target: (year, value).
    """

    years: Array
    median: Series
    bands: Mapping[int, tuple[Array, Array]] = field(default_factory=dict)
    members: Array | None = None
    measured: Series | None = None
    measured_error: Array | None = None
    lines: Sequence[Series] = ()
    target: tuple[float, float, str] | None = None


def path(name: str, content: Path, unit: str) -> str:
    """Measured dots, bands, a few members, the required path and the target."""
    with svg.axes(235, (46, 72, 22, 8)) as (figure, axes):
        for shade, coverage in zip(
            ("#DCEAF4", "#B9D5E9", "#8FBCDB"), sorted(content.bands, reverse=True), strict=False
        ):
            low, high = content.bands[coverage]
            axes.fill_between(content.years, low, high, color=shade, linewidth=0, zorder=1)
        if content.members is not None:
            axes.plot(content.years, content.members.T, color="#3F7FAE", linewidth=0.45, alpha=0.75, zorder=2)
        for line in (*content.lines, content.median):
            axes.plot(line.years, line.values, line.style, color=line.colour, linewidth=line.width, zorder=3)
        if (dots := content.measured) is not None:
            axes.errorbar(
                dots.years,
                dots.values,
                yerr=content.measured_error,
                fmt="o",
                markersize=3.2,
                color=INK,
                elinewidth=0.7,
                zorder=5,
            )
        if content.target is not None:
            year, value, _ = content.target
            axes.plot([year], [value], marker="D", markersize=5.5, color=TARGET, markeredgecolor="white", zorder=6)
        axes.set_ylabel(unit)
        axes.set_ylim(bottom=0.6 * axes.dataLim.y0)  # lines, not bars: the scale need not begin at zero
        _end_labels(axes, content)
        axes.set_xlim(content.years[0] - 0.4, content.years[-1] + 0.2)
        axes.locator_params(axis="x", integer=True)
        return svg.render(figure, name)


def _end_labels(axes: "Axes", content: Path) -> None:
    """Name each line at its right end, moved apart where they would overlap."""
    lines = [line for line in (*content.lines, content.median) if line.name]
    named = [(float(line.values[-1]), line.name, line.colour) for line in lines]
    bottom, top = axes.get_ylim()
    positions = spread(np.array([value for value, _, _ in named]), 0.062 * (top - bottom))
    for y, (_, words, colour) in zip(positions, named, strict=True):
        axes.annotate(
            words,
            (1.01, y),
            xycoords=("axes fraction", "data"),
            va="center",
            color=colour,
            fontsize=8.5,
            annotation_clip=False,
        )
    if content.target is not None:
        year, value, words = content.target
        axes.annotate(
            words,
            (year, value),
            xytext=(year, 0.06),
            textcoords=("data", "axes fraction"),
            ha="center",
            color=TARGET,
            fontsize=8.5,
            arrowprops={"arrowstyle": "-", "color": TARGET, "linewidth": 0.6, "shrinkB": 5},
        )


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
    name: str,
    years: Array,
    layers: Mapping[str, Array],
    names: Mapping[str, str],
    unit: str,
    measured: Series | None = None,
) -> str:
    """Areas on top of each other, named at their right end. layers: key → (year); names: key → label."""
    with svg.axes(235, (46, max(92.0, _room(list(names.values()))), 22, 8)) as (figure, axes):
        base = np.zeros_like(years, dtype=float)
        middles = []
        for key, values in layers.items():
            axes.fill_between(
                years, base, base + values, color=SECTOR_COLOURS.get(key, GREY), linewidth=0.4, edgecolor="white"
            )
            middles.append(base[-1] + values[-1] / 2)
            base = base + values
        dots = np.zeros((2, 0))
        if measured is not None:
            dots = np.array([measured.years, measured.values])[:, np.isin(measured.years, years)]
        top = float(np.nanmax([*base, *dots[1]])) * 1.08
        axes.set_ylim(0, top)
        for y, key in zip(spread(np.array(middles), 0.068 * top), layers, strict=True):
            axes.annotate(
                names[key],
                (1.01, y),
                xycoords=("axes fraction", "data"),
                va="center",
                color=readable(SECTOR_COLOURS.get(key, GREY)),
                fontsize=8.5,
                fontweight="bold",
                annotation_clip=False,
            )
        axes.plot(
            *dots, "o", color=INK, markersize=3.2, markeredgecolor="white", markeredgewidth=0.5, clip_on=False, zorder=3
        )
        axes.set_ylabel(unit)
        axes.set_xlim(years[0], years[-1])
        axes.locator_params(axis="x", integer=True)
        return svg.render(figure, name)


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


def bars(
    name: str,
    labels: Sequence[str],
    values: Array,
    unit: str,
    *,
    low: Array | None = None,
    high: Array | None = None,
    reference: tuple[float, str] | None = None,
    colours: Sequence[str] | None = None,
) -> str:
    """Horizontal bars, first label on top, with intervals and a reference line where given."""
    top = 18 if reference else 4
    with svg.axes(38 + 19 * len(labels) + top, (_room(labels), 14, 38, top)) as (figure, axes):
        rows = np.arange(len(labels))[::-1]
        axes.barh(rows, values, height=0.62, color=list(colours) if colours else POLICY, linewidth=0)
        if low is not None and high is not None:
            axes.hlines(rows, low, high, color=INK, linewidth=1.1)
        if reference is not None:
            axes.axvline(reference[0], color=TARGET, linewidth=1, linestyle="--")
            axes.annotate(
                reference[1],
                (reference[0], 1.0),
                xycoords=("data", "axes fraction"),
                xytext=(0, 3),
                textcoords="offset points",
                ha="left",
                color=TARGET,
                fontsize=8.5,
            )
        axes.axvline(0, color="#8A8A8A", linewidth=0.7)
        axes.set_yticks(rows, labels)
        axes.set_ylim(-0.6, len(labels) - 0.4)
        axes.grid(visible=False, axis="y")
        axes.grid(visible=True, axis="x")
        axes.spines["left"].set_visible(False)
        axes.set_xlabel(unit)
        return svg.render(figure, name)


def _room(labels: Sequence[str]) -> float:
    """Points that labels need to the left of the axes; a Chinese character is as wide as two Latin letters."""
    return 14 + 4.5 * max(sum(1 + (letter > "\u2e80") for letter in label) for label in labels)


def waterfall(name: str, labels: Sequence[str], steps: Array, unit: str, total: str) -> str:
    """Contributions that add up to a total, each bar starting where the last one ended."""
    ends = np.cumsum(steps)
    starts = np.concatenate([[0.0], ends[:-1]])
    with svg.axes(42 + 21 * (len(steps) + 1), (_room([*labels, total]), 30, 38, 4)) as (figure, axes):
        rows = np.arange(len(steps) + 1)[::-1]
        colours = ["#0B6E5F" if step < 0 else "#C8702A" for step in steps]
        axes.barh(rows[:-1], steps, left=starts, height=0.62, color=colours, linewidth=0)
        axes.barh(rows[-1:], [ends[-1]], height=0.62, color=INK, linewidth=0)
        for row, start, end in zip(rows[:-1], starts, ends, strict=True):
            axes.plot([end, end], [row - 1 + 0.31, row - 0.31], color=PALE, linewidth=0.7)
            axes.annotate(
                f"{end - start:+.1f}".replace("-", "−"),
                (max(start, end), row),
                xytext=(3, 0),
                textcoords="offset points",
                va="center",
                fontsize=8,
            )
        axes.annotate(
            f"{ends[-1]:+.1f}".replace("-", "−"),
            (max(ends[-1], 0), rows[-1]),
            xytext=(3, 0),
            textcoords="offset points",
            va="center",
            fontsize=8,
            fontweight="bold",
        )
        axes.axvline(0, color="#8A8A8A", linewidth=0.7)
        axes.set_yticks(rows, [*labels, total])
        axes.grid(visible=False, axis="y")
        axes.grid(visible=True, axis="x")
        axes.spines["left"].set_visible(False)
        axes.margins(x=0.12)
        axes.set_xlabel(unit)
        return svg.render(figure, name)


def steps(name: str, widths: Array, heights: Array, units: tuple[str, str], named: Sequence[int]) -> str:
    """An abatement cost curve: one block an option, as wide as what it avoids, as high as what that costs a tonne.

    named: positions of the blocks that get their number. The few highest are cut off, with their value inside.
    """
    limit = 1.4 * float(np.quantile(np.abs(heights), 0.85))
    with svg.axes(280, (52, 12, 38, 14), 620) as (figure, axes):
        lefts = np.concatenate([[0.0], np.cumsum(widths)[:-1]])
        colours = ["#0B6E5F" if height < 0 else "#C8702A" for height in heights]
        axes.bar(lefts, heights, width=widths, align="edge", color=colours, edgecolor="white", linewidth=0.6)
        axes.set_ylim(max(-limit, 1.15 * float(heights.min())), min(limit, 1.15 * float(heights.max())))
        bottom, top = axes.get_ylim()
        for position in named:
            middle, height = lefts[position] + widths[position] / 2, float(heights[position])
            side = 1 if height >= 0 else -1
            if not bottom <= height <= top:
                _cut_off(axes, middle, top if side > 0 else bottom, f"{position + 1}: {height:.0f}")
                continue
            axes.annotate(
                str(position + 1),
                (middle, height),
                xytext=(0, 3 * side),
                textcoords="offset points",
                ha="center",
                va="bottom" if side > 0 else "top",
                fontsize=8.5,
                annotation_clip=False,
            )
        axes.axhline(0, color=INK, linewidth=0.8)
        axes.set_xlim(0, float(widths.sum()))
        axes.set_xlabel(units[0])
        axes.set_ylabel(units[1])
        return svg.render(figure, name)


def _cut_off(axes: "Axes", middle: float, end: float, words: str) -> None:
    """Number and value of a block that is higher than the picture, upright inside its cut end."""
    axes.annotate(
        words.replace("-", "−"),
        (middle, end),
        xytext=(0, -4 if end > 0 else 4),
        textcoords="offset points",
        rotation=90,
        ha="center",
        va="top" if end > 0 else "bottom",
        fontsize=7.5,
        color="white",
    )


def ranges(name: str, table: pd.DataFrame, unit: str, series: Sequence[str], width: float = svg.WIDTH) -> str:
    """Dots with ranges, one row a label; up to six series side by side.

    table: columns label, series, value, low, high.
    """
    labels = list(dict.fromkeys(table.label))
    colours = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#8A6D0B", "#56B4E9"]
    with svg.axes(48 + max(19, 8 * len(series) + 3) * len(labels) + 14 * ((len(series) + 2) // 3), width=width) as (
        figure,
        axes,
    ):
        for index, (key, colour) in enumerate(zip(series, colours, strict=False)):
            rows = table[table.series == key]
            shift = 0.0 if len(series) == 1 else 0.62 * (index / (len(series) - 1) - 0.5)
            y = np.array([len(labels) - 1 - labels.index(label) for label in rows.label]) - shift
            axes.hlines(y, rows.low, rows.high, color=colour, linewidth=1.3)
            axes.plot(rows.value, y, "o", color=colour, markersize=3.6, label=key)
        for row in range(0, len(labels), 2):
            axes.axhspan(row - 0.5, row + 0.5, color="#F4F6F8", linewidth=0, zorder=0)
        axes.axvline(0, color=INK, linewidth=0.8)
        axes.set_yticks(range(len(labels)), labels[::-1])
        axes.set_ylim(-0.6, len(labels) - 0.4)
        axes.grid(visible=False, axis="y")
        axes.grid(visible=True, axis="x")
        axes.set_xlabel(unit)
        if len(series) > 1:
            figure.legend(loc="outside upper left", ncols=min(3, len(series)))
        return svg.render(figure, name)


def light_shares(name: str, labels: Sequence[str], shares: Array, words: Sequence[str], unit: str) -> str:
    """Per label one bar split in red, yellow and green. shares (label, 3) in per cent, red first."""
    with svg.axes(62 + 17 * len(labels)) as (figure, axes):
        rows = np.arange(len(labels))[::-1]
        left = np.zeros(len(labels))
        for level, share, word in zip((1, 2, 3), shares.T, words, strict=True):
            light = LIGHTS[level]
            axes.barh(
                rows, share, left=left, height=0.74, color=light.fill, edgecolor="white", linewidth=0.5, label=word
            )
            for row, start, width in zip(rows, left, share, strict=True):
                if width >= 9:
                    axes.text(
                        start + width / 2, row, f"{width:.0f}", ha="center", va="center", color=light.ink, fontsize=8
                    )
            left += share
        axes.set_yticks(rows, labels)
        axes.set_xlim(0, 100)
        axes.set_ylim(-0.6, len(labels) - 0.4)
        axes.grid(visible=False, axis="y")
        axes.spines["left"].set_visible(False)
        axes.set_xlabel(unit)
        figure.legend(loc="outside upper left", ncols=3)
        return svg.render(figure, name)
