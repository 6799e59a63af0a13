"""Stock-and-flow pictures of a model file, one a group, drawn for a page of A4 in landscape.

A stock is a box; a flow is a valve on a pipe into or out of it (from a cloud where no stock of the picture is its
source); what a stock's equation adds without a variable of its own is a valve without a name. Other variables are
words; thin arrows say what is read by what. A variable of another group is grey, in angle brackets. Constants are left
out.
"""

from __future__ import annotations

import textwrap
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from sim.layout import Cell, Item, place
from sim.source import Element, Source, flow_terms, read, reference

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.patches import Rectangle

PAGE = (11.69, 8.27)  # inches: A4, landscape
GRID = (9, 13)  # columns and rows of words that stay readable on the page
SMALLEST = (6, 9)  # columns and rows shown at least, so that a small view is not blown up
LABEL_WIDTH = 19  # characters a line
FONT = 6.8  # points
NOT_DRAWN = ("constant", "control", "lookup")
FILL, CRAMMED = 0.42, 0.72  # share of the cells in use: aimed at, and at most before the grid outgrows the page
CHAIN = 3  # stocks in one row of pipes
BOX = (0.43, 0.36)  # half the width and height of a stock, in cells

INK, PIPE, ARROW, SHADOW = "#1a1a1a", "#5b6b7a", "#7d93ad", "#8a8a8a"


@dataclass(frozen=True, slots=True)
class Pipe:
    """A flow: from `source` through `valve` to `target`; None is a cloud. `valve` is a node of the picture."""

    valve: str
    source: str | None
    target: str | None


@dataclass(frozen=True, slots=True)
class View:
    """What one picture shows.

    Attributes:
        name: the group.
        labels: node → words; stocks, valves, variables and shadows.
        kinds: node → stock, valve, variable or shadow.
        pipes: the flows.
        arrows: (from, to): what is read by what.
    """

    name: str
    labels: Mapping[str, str]
    kinds: Mapping[str, str]
    pipes: tuple[Pipe, ...]
    arrows: tuple[tuple[str, str], ...]


def views(model: str | Path | Source) -> list[View]:
    """A view for every group that has anything but constants.

    Raises:
        ModelError: the file cannot be read.
    """
    source = model if isinstance(model, Source) else read(model)
    found = [_view(source, group) for group in source.groups]
    return [view for view in found if view.labels]


def write(
    model: str | Path | Source, folder: str | Path, *, formats: Iterable[str] = ("svg", "png"), seed: int = 1
) -> list[Path]:
    """Draw every view of a model into files `<group>.<format>`; the same seed gives the same pictures.

    Returns:
        The files written.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for view in views(model):
        figure = draw(view, np.random.default_rng(seed))
        for kind in formats:
            file = folder / f"{reference(view.name).replace('/', '_')}.{kind}"
            _save(figure, file)
            written.append(file)
    return written


def draw(view: View, rng: np.random.Generator) -> Figure:
    """The picture of a view, on a page of A4."""
    from matplotlib.figure import Figure

    items = _items(view)
    grid = _grid(items)
    at = place(items, [*view.arrows], grid, rng)
    figure = Figure(figsize=PAGE)
    axes: Axes = figure.add_axes((0.01, 0.03, 0.98, 0.92))
    cells = np.array([*at.values()])
    centre, half = (cells.max(axis=0) + cells.min(axis=0)) / 2, np.maximum(np.ptp(cells, axis=0), SMALLEST) / 2 + 0.57
    axes.set(xlim=(centre[0] - half[0], centre[0] + half[0]), ylim=(centre[1] + half[1], centre[1] - half[1]))
    axes.axis("off")
    figure.text(0.5, 0.97, view.name, ha="center", va="center", fontsize=11, color=INK)
    note = "Box: stock. Valve: flow. <Grey>: drawn in another picture. Constants are left out."
    figure.text(0.5, 0.015, note, ha="center", va="center", fontsize=FONT, color=SHADOW)
    _Pen(axes, view, at).draw()
    return figure


# What is in a view


def _view(source: Source, group: str) -> View:
    mine = {
        name: element
        for name, element in source.elements.items()
        if element.group == group and element.kind not in NOT_DRAWN
    }
    pipes = _pipes(mine)
    valves = [pipe.valve for pipe in pipes]
    kinds = {name: "stock" if element.kind == "stock" else "variable" for name, element in mine.items()}
    kinds |= dict.fromkeys(valves, "valve")
    arrows = [
        (cause, effect)
        for name, element in mine.items()
        for effect, causes in _effects(name, element, valves)
        for cause in causes
        if cause != effect and cause in source.elements and source.elements[cause].kind not in NOT_DRAWN
    ]
    kinds |= {cause: "shadow" for cause, _ in arrows if cause not in kinds}
    labels = {name: _label(source, name, kind) for name, kind in kinds.items()}
    return View(group, labels, kinds, tuple(pipes), tuple(dict.fromkeys(arrows)))


def _pipes(mine: Mapping[str, Element]) -> list[Pipe]:
    """Every flow that stocks of the view add or take, and a nameless valve for what else their equations hold."""
    ends: dict[str, dict[int, str]] = {}
    for name, element in mine.items():
        for part in element.parts if element.kind == "stock" else ():
            terms = flow_terms(part.node)
            if not all(term in mine and mine[term].kind == "flow" for _, term in terms):
                terms = []
            for sign, term in terms or [(1, f"into {name}")]:
                ends.setdefault(term, {}).setdefault(sign, name)
    return [Pipe(valve, by_sign.get(-1), by_sign.get(1)) for valve, by_sign in ends.items()]


def _effects(name: str, element: Element, valves: Collection[str]) -> list[tuple[str, list[str]]]:
    """(what is acted on, what acts): a stock is acted on through its valves only."""
    if element.kind != "stock":
        return [(name, list(element.reads))]
    valve = f"into {name}"
    return [(valve, [one for one in element.reads if one != name])] if valve in valves else []


def _label(source: Source, name: str, kind: str) -> str:
    if name not in source.elements:
        return ""
    words = "\n".join(textwrap.wrap(source.elements[name].name.strip('"'), LABEL_WIDTH))
    return f"<{words}>" if kind == "shadow" else words


# Where it stands


def _items(view: View) -> list[Item]:
    """Rows of stocks with their valves move as one; everything else moves by itself."""
    items: list[Item] = []
    done: set[str] = set()
    for stock in (name for name, kind in view.kinds.items() if kind == "stock"):
        if stock not in done:
            item = _row(view, stock, done)
            done.update(item.nodes)
            items.append(item)
    return items + [Item.single(name) for name in view.labels if name not in done]


def _row(view: View, stock: str, done: set[str]) -> Item:
    """A stock, the stocks that its outflows fill, and their valves: inflows left, outflows right, side flows below."""
    cells: dict[str, Cell] = {}
    column, chain = 1, 0
    current: str | None = stock
    while current is not None:
        inflows = [p.valve for p in view.pipes if p.target == current and p.valve not in cells and p.valve not in done]
        outflows = [p for p in view.pipes if p.source == current and p.valve not in cells and p.valve not in done]
        chain += 1
        following = next((p for p in outflows if chain < CHAIN and _fresh(p.target, cells, done, stock)), None)
        cells[current] = (column, 0)
        for row, valve in enumerate(inflows):
            cells[valve] = (column - 1, row if chain == 1 else row + 1)
        side = [p.valve for p in outflows if p is not following]
        for row, valve in enumerate(side):
            cells[valve] = (column + 1, row if following is None else row + 1)
        if following is not None:
            cells[following.valve] = (column + 1, 0)
        current, column = (following.target if following else None), column + 2
    left = min(c for c, _ in cells.values())
    return Item(tuple(cells), tuple((c - left, r) for c, r in cells.values()))


def _fresh(target: str | None, cells: Mapping[str, Cell], done: set[str], stock: str) -> bool:
    return target is not None and target != stock and target not in cells and target not in done


def _grid(items: list[Item]) -> Cell:
    """As many cells as the view needs; more than the page's readable grid only where there is too much on it."""
    cells = sum(item.size[0] * item.size[1] for item in items)
    columns = max(4, *(item.size[0] for item in items))
    rows = max(6, *(item.size[1] for item in items))
    while cells > FILL * columns * rows:
        full = columns >= GRID[0] and rows >= GRID[1] and cells <= CRAMMED * columns * rows
        if full:
            break
        columns, rows = (columns + 1, rows) if columns * GRID[1] <= rows * GRID[0] else (columns, rows + 1)
    return columns, rows


# How it looks


class _Pen:
    """Draws a placed view."""

    def __init__(self, axes: Axes, view: View, at: Mapping[str, Cell]) -> None:
        self._axes, self._view, self._at = axes, view, at
        columns = np.ptp([column for column, _ in at.values()]) + 1
        self._font = FONT * min(1.4, GRID[0] / columns)

    def draw(self) -> None:
        """Pipes under arrows under words."""
        for pipe in self._view.pipes:
            self._pipe(pipe)
        for cause, effect in self._view.arrows:
            self._arrow(cause, effect)
        for node, kind in self._view.kinds.items():
            getattr(self, f"_{kind}")(node)

    def _stock(self, node: str) -> None:
        from matplotlib.patches import Rectangle

        column, row = self._at[node]
        corner, size = (column - BOX[0], row - BOX[1]), (2 * BOX[0], 2 * BOX[1])
        box = Rectangle(corner, *size, facecolor="#eef3f8", edgecolor=INK, linewidth=1.2, zorder=4)
        self._axes.add_patch(box)
        self._words(node, (column, row), INK, background=False)

    def _variable(self, node: str) -> None:
        self._words(node, self._at[node], INK)

    def _shadow(self, node: str) -> None:
        self._words(node, self._at[node], SHADOW, style="italic")

    def _valve(self, node: str) -> None:
        from matplotlib.patches import Polygon

        column, row = self._at[node]
        shape = [(-0.07, -0.16), (0.07, -0.16), (-0.07, 0.1), (0.07, 0.1)]
        points = [(column + x, row + y) for x, y in shape]
        self._axes.add_patch(Polygon(points, closed=True, facecolor="white", edgecolor=PIPE, linewidth=1.1, zorder=5))
        self._words(node, (column, row + 0.3), INK)

    def _words(
        self, node: str, where: tuple[float, float], color: str, *, style: str = "normal", background: bool = True
    ) -> None:
        box = (
            {"boxstyle": "round,pad=0.08", "facecolor": "white", "edgecolor": "none", "alpha": 0.85}
            if background
            else None
        )
        words = self._view.labels[node]
        if words:
            self._axes.text(
                *where, words, ha="center", va="center", fontsize=self._font, color=color, style=style, bbox=box,
                zorder=6, linespacing=0.95, parse_math=False,
            )  # fmt: skip

    def _pipe(self, pipe: Pipe) -> None:
        valve = self._at[pipe.valve]
        start = self._end(pipe.source, valve, pipe.target)
        finish = self._end(pipe.target, valve, pipe.source)
        middle = (valve[0], valve[1] - 0.03)
        for width, color in ((3.6, PIPE), (2.0, "white")):
            self._axes.plot(
                *zip(start, middle, finish, strict=True), color=color, linewidth=width, zorder=2, solid_capstyle="butt"
            )
        arrow = {
            "arrowstyle": "-|>,head_width=0.32,head_length=0.5",
            "color": PIPE,
            "linewidth": 0,
            "shrinkA": 0,
            "shrinkB": 0,
        }
        near = (finish[0] + (middle[0] - finish[0]) * 0.02, finish[1] + (middle[1] - finish[1]) * 0.02)
        self._axes.annotate("", xy=finish, xytext=near, arrowprops=arrow, zorder=3)
        for end, stock in ((start, pipe.source), (finish, pipe.target)):
            if stock is None:
                self._cloud(end)

    def _end(self, stock: str | None, valve: Cell, other: str | None) -> tuple[float, float]:
        """Where a pipe ends: at the side of a stock, or at a cloud opposite to the other end."""
        if stock is None:
            side = 1 if other is None or self._at[other][0] < valve[0] else -1
            return valve[0] + 0.36 * side, valve[1] - 0.03
        column, row = self._at[stock]
        if column == valve[0]:
            return column, row + (BOX[1] if valve[1] > row else -BOX[1])
        return column + (BOX[0] if valve[0] > column else -BOX[0]), row - 0.03 if valve[1] == row else row + 0.25

    def _cloud(self, where: tuple[float, float]) -> None:
        from matplotlib.patches import Ellipse

        for dx, dy, size in ((-0.04, 0.02, 0.07), (0.04, 0.02, 0.07), (0, -0.05, 0.08)):
            cloud = Ellipse(
                (where[0] + dx, where[1] + dy), size, size * 2, facecolor="#d7dde4", edgecolor="none", zorder=3
            )
            self._axes.add_patch(cloud)

    def _arrow(self, cause: str, effect: str) -> None:
        arrow = {
            "arrowstyle": "-|>,head_width=0.13,head_length=0.28",
            "color": ARROW,
            "linewidth": 0.6,
            "patchA": self._extent(cause),
            "patchB": self._extent(effect),
            "shrinkA": 1.0,
            "shrinkB": 1.5,
            "connectionstyle": "arc3,rad=0.08",
        }
        self._axes.annotate("", xy=self._anchor(effect), xytext=self._anchor(cause), arrowprops=arrow, zorder=1)

    def _extent(self, node: str) -> Rectangle:
        """The rectangle that a node covers, at which arrows end."""
        from matplotlib.patches import Rectangle

        column, row = self._anchor(node)
        if self._view.kinds[node] == "stock":
            half = BOX
        elif self._view.kinds[node] == "valve":
            half = (0.09, 0.16)
        else:
            lines = self._view.labels[node].split("\n")
            width, height = self._axes.transData.transform((1, 0)) - self._axes.transData.transform((0, 1))
            points = self._axes.figure.dpi / 72 * self._font
            half = (0.27 * max(map(len, lines)) * points / width + 0.03, 0.62 * len(lines) * points / abs(height))
        size = (2 * half[0], 2 * half[1])
        return Rectangle((column - half[0], row - half[1]), *size, transform=self._axes.transData, visible=False)

    def _anchor(self, node: str) -> tuple[float, float]:
        column, row = self._at[node]
        return (column, row - 0.03) if self._view.kinds[node] == "valve" else (column, row)


def _save(figure: Figure, file: Path) -> None:
    """The same picture gives the same bytes: no date, no random ids, words as words."""
    import matplotlib

    with matplotlib.rc_context({"svg.hashsalt": "sim.diagram", "svg.fonttype": "none", "font.family": "DejaVu Sans"}):
        metadata = {"Date": None} if file.suffix == ".svg" else {"Software": None}
        figure.savefig(file, dpi=200, metadata=metadata)
