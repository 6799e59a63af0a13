"""Places the nodes of a diagram on a grid so that arrows are short and pass over few other nodes.

Simulated annealing (Kirkpatrick et al. 1983): a node, or a rigid group of nodes (a stock with its flows), moves to a
free place or changes places with another node; the cost is the length of the arrows and a penalty for crossed nodes.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

Cell = tuple[int, int]  # (column, row)

CROSSED = 6.0  # cost of an arrow over another node, in lengths of a cell
ASPECT = 0.5  # height of a cell over its width
COOLING = (3.0, 0.02)  # first and last temperature


@dataclass(frozen=True, slots=True)
class Item:
    """Nodes that move together, at fixed offsets from the first cell."""

    nodes: tuple[str, ...]
    offsets: tuple[Cell, ...]

    @classmethod
    def single(cls, node: str) -> Item:
        """A node on its own."""
        return cls((node,), ((0, 0),))

    @property
    def size(self) -> Cell:
        """Columns and rows covered."""
        return max(c for c, _ in self.offsets) + 1, max(r for _, r in self.offsets) + 1


@dataclass(slots=True)
class _Board:
    """Where everything is, and what that costs; kept up to date move by move."""

    columns: int
    rows: int
    edges: Sequence[tuple[str, str]]
    at: dict[str, Cell] = field(default_factory=dict)
    taken: dict[Cell, str] = field(default_factory=dict)
    covered: Counter[Cell] = field(default_factory=Counter)
    cost: float = 0.0

    def free(self, item: Item, corner: Cell, own: frozenset[str]) -> bool:
        """Whether an item fits; cells of `own` nodes count as free."""
        width, height = item.size
        if not (0 <= corner[0] <= self.columns - width and 0 <= corner[1] <= self.rows - height):
            return False
        cells = ((corner[0] + c, corner[1] + r) for c, r in item.offsets)
        return all(self.taken.get(cell) is None or self.taken[cell] in own for cell in cells)

    def put(self, item: Item, corner: Cell) -> None:
        for node, (c, r) in zip(item.nodes, item.offsets, strict=True):
            cell = (corner[0] + c, corner[1] + r)
            self.at[node], self.taken[cell] = cell, node
            self.cost += CROSSED * self.covered[cell]

    def lift(self, item: Item) -> None:
        for node in item.nodes:
            cell = self.at[node]
            del self.taken[cell]
            self.cost -= CROSSED * self.covered[cell]

    def draw(self, edges: Sequence[int], sign: int) -> None:
        """Add (+1) or take away (-1) arrows."""
        for number in edges:
            a, b = (self.at[end] for end in self.edges[number])
            self.cost += sign * _length(a, b)
            for cell in _between(a, b):
                self.covered[cell] += sign
                if cell in self.taken:
                    self.cost += sign * CROSSED


def place(
    items: Sequence[Item],
    edges: Sequence[tuple[str, str]],
    grid: Cell,
    rng: np.random.Generator,
    *,
    moves: int = 30_000,
) -> Mapping[str, Cell]:
    """A cell for each node.

    Args:
        items: the nodes, in rigid groups.
        edges: pairs of nodes that an arrow joins.
        grid: columns and rows.
        rng: source of the moves.
        moves: how many are tried.

    Raises:
        ValueError: the grid is too small for the items.
    """
    edges = [(a, b) for a, b in edges if a != b]
    board = _Board(*grid, edges)
    _start(board, items)
    board.draw(range(len(edges)), 1)
    touching = [[n for n, edge in enumerate(edges) if set(edge) & set(item.nodes)] for item in items]
    best, best_cost = dict(board.at), board.cost
    pieces = _Pieces(items, {node: number for number, item in enumerate(items) for node in item.nodes}, touching)
    picks, chances = rng.integers(len(items), size=moves), rng.random(moves)
    targets = rng.random((moves, 2))
    for move in range(moves):
        number = int(picks[move])
        cooled = COOLING[0] * (COOLING[1] / COOLING[0]) ** (move / moves)
        corner = _target(board, items[number], [edges[n] for n in touching[number]], targets[move], cooled)
        _try(board, pieces, number, corner, cooled * -math.log(max(chances[move], 1e-300)))
        if board.cost < best_cost - 1e-9:
            best, best_cost = dict(board.at), board.cost
    return best


def _start(board: _Board, items: Sequence[Item]) -> None:
    """Large items first, each in the first place where it fits."""
    for item in sorted(items, key=lambda one: (-len(one.nodes), one.nodes)):
        corners = ((c, r) for r in range(board.rows) for c in range(board.columns))
        corner = next((cell for cell in corners if board.free(item, cell, frozenset())), None)
        if corner is None:
            raise ValueError(f"a grid of {board.columns} × {board.rows} cells is too small for {len(items)} items")
        board.put(item, corner)


def _target(board: _Board, item: Item, edges: Sequence[tuple[str, str]], uniform: np.ndarray, heat: float) -> Cell:
    """A place near the item's neighbours, the nearer the colder; anywhere for an item without any."""
    mine = set(item.nodes)
    others = [board.at[end] for edge in edges for end in edge if end not in mine]
    if not others or uniform[0] > 0.9:
        return int(uniform[0] * 1e4) % board.columns, int(uniform[1] * board.rows)
    reach = 1.5 + heat * 1.5
    column = sum(c for c, _ in others) / len(others) + (2 * uniform[0] / 0.9 - 1) * reach
    row = sum(r for _, r in others) / len(others) + (2 * uniform[1] - 1) * reach / ASPECT
    return round(column), round(row)


@dataclass(frozen=True, slots=True)
class _Pieces:
    """The items, the number of the item of each node, and the arrows that touch each item."""

    items: Sequence[Item]
    owner: Mapping[str, int]
    touching: Sequence[Sequence[int]]


def _try(board: _Board, pieces: _Pieces, number: int, corner: Cell, allowance: float) -> None:
    """Move an item, or swap two single nodes; taken back when the cost rises by more than the allowance."""
    items, touching = pieces.items, pieces.touching
    item = items[number]
    home = _corner(board, item)
    other = None
    if len(item.nodes) == 1 and corner in board.taken:
        other = pieces.owner[board.taken[corner]]
        if other == number or len(items[other].nodes) > 1:
            return
    elif not board.free(item, corner, frozenset(item.nodes)):
        return
    before = board.cost
    moved = [(item, corner)] + ([(items[other], home)] if other is not None else [])
    edges = sorted({*touching[number], *(touching[other] if other is not None else ())})
    _shift(board, moved, edges)
    if board.cost - before > allowance:
        _shift(board, [(item, home)] + ([(items[other], corner)] if other is not None else []), edges)


def _shift(board: _Board, moved: Sequence[tuple[Item, Cell]], edges: Sequence[int]) -> None:
    board.draw(edges, -1)
    for item, _ in moved:
        board.lift(item)
    for item, corner in moved:
        board.put(item, corner)
    board.draw(edges, 1)


def _corner(board: _Board, item: Item) -> Cell:
    column, row = board.at[item.nodes[0]]
    return column - item.offsets[0][0], row - item.offsets[0][1]


def _length(a: Cell, b: Cell) -> float:
    """Long arrows cost more than in proportion: they are the ones that are hard to follow."""
    return float(math.hypot(a[0] - b[0], ASPECT * (a[1] - b[1])) ** 1.5)


def _between(a: Cell, b: Cell) -> list[Cell]:
    """Cells that the straight arrow passes, without its ends."""
    steps = 2 * max(abs(a[0] - b[0]), abs(a[1] - b[1]))
    cells = {
        (round(a[0] + (b[0] - a[0]) * i / steps), round(a[1] + (b[1] - a[1]) * i / steps)) for i in range(1, steps)
    }
    return sorted(cells - {a, b})
