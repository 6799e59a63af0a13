"""The typed intermediate form: the meaning of a model, independent of PySD, of file formats and of any back end.

    model file ──PySD's parser──▶ abstract model ──lower──▶ Module ──plan──▶ ExecutionPlan ──▶ NumPy or native kernel
                                                              └──▶ units · equations · diagram

A `Module` is a set of *scalar* equations inside loops over named axes:

    slot[refs] = expr        for every point of `axes`

- A **slot** is storage: one float64 for each point of its `dims` (axis names), for each member. Slots are numbers;
  the name in the model file is only a label (`Slot.label`), so no name of a model file ever reaches generated code.
  Kinds: `input` (constants, data, the clock: a value comes from outside), `value` (computed by equations),
  `state` (carried from step to step), `history` (a state that remembers its input at every step: DELAY FIXED).
- An **axis** is a subscript range by name, or the same with `!` where it is summed over; its length is
  `module.axes[name].size`. A **ref** says where along one dim of a slot to read or write:
  an `int` (a fixed element), or `Along(axis, map)`: the loop index of that axis, through `map` when the range is a
  subrange, a mapped range or reordered (`map[i]` = position in the slot's dim).
- An **expression** is a graph of nodes, shared where equal (`Graph` makes every node once: `a is b` means equal).
  `node.axes` are the loop axes that its value depends on, in sorted order. Types are `real` and `bool`;
  conversions are explicit (`Apply("number", (b,))`, `Apply("truth", (x,))`).

      Number(value)
      Read(slot, refs)
      Apply(op, args)               elementwise; the operations are the keys of `OPS`
      Reduce(op, over, body)        sum, product, minimum, maximum over the axes `over`
      Interp(table, refs, arg)      piecewise linear table `module.tables[table]`, row chosen by refs
      Recall(slot, refs, lag, start) the input recorded `lag` steps ago in a history, `start` before that
      Vector(op, over, args)        needs whole rows along the axes `over`: sort order, rank, reorder, allocate, inverse

- A **state** has `initial` and `next` expressions: `next` is its value one step later, all read at the present step
  (so `INTEG` is `s + flow * dt`); `next=None` is INITIAL: fixed once initialised.
- `Apply("active initial", (a, b))` is b while stocks are initialised and a afterwards.
- The clock is made of input slots: `module.clock` gives the slots of Time and the four control variables.
  Time and TIME STEP are the same for all members of an ensemble.

`Module.variables` maps the names in the model file to `Variable(name, dims, units, doc, limits, kind, line, slot)`;
`kind` is stock, auxiliary, constant, lookup, data or control. `Module.equations` holds for each variable one
`Equation` a line of the model file (one for each subscripted definition). `Module.defaults[slot]` is the value of an
input slot (ndarray over its dims), `Module.series[slot]` a data series `TimeSeries(times, values, rule)`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

import numpy as np

REAL, BOOL = "real", "bool"

# Elementwise operations: name → (number of arguments, type of the arguments, type of the result).
# Arguments of `select` are (condition, if true, if false).
OPS: Mapping[str, tuple[int, str, str]] = {
    **dict.fromkeys(("add", "sub", "mul", "div", "pow", "minimum", "maximum"), (2, REAL, REAL)),
    **dict.fromkeys(("zidz", "quantum", "modulo", "remainder"), (2, REAL, REAL)),
    **dict.fromkeys(
        ("neg", "abs", "exp", "ln", "sqrt", "sin", "cos", "tan", "arcsin", "arccos", "arctan"), (1, REAL, REAL)
    ),
    **dict.fromkeys(("sinh", "cosh", "tanh", "integer", "round", "gamma ln"), (1, REAL, REAL)),
    **dict.fromkeys(("lt", "le", "gt", "ge", "eq", "ne"), (2, REAL, BOOL)),
    **dict.fromkeys(("and", "or"), (2, BOOL, BOOL)),
    "not": (1, BOOL, BOOL),
    "xidz": (3, REAL, REAL),
    "active initial": (2, REAL, REAL),
    "select": (3, REAL, REAL),
    "number": (1, BOOL, REAL),
    "truth": (1, REAL, BOOL),
}

# Operations whose cost makes a loop of their own worth while when they depend on fewer axes.
COSTLY = frozenset(("div", "pow", "zidz", "xidz", "quantum", "modulo", "remainder", "exp", "ln", "sqrt", "sin", "cos"))
COSTLY |= {"tan", "arcsin", "arccos", "arctan", "sinh", "cosh", "tanh", "gamma ln"}


LIMITED = "limited stock"  # ends the label of a SINTEG's state, which Runge-Kutta methods do not step
DEEPEST = 200  # nodes from an expression to its innermost part: passes over expressions are recursive


@dataclass(frozen=True, slots=True)
class Axis:
    """A subscript range: the elements that an index runs over."""

    name: str
    elements: tuple[str, ...]

    @property
    def size(self) -> int:
        """Number of elements."""
        return len(self.elements)


@dataclass(frozen=True, slots=True)
class Along:
    """The loop index of an axis; `map[i]` is the position in the slot's dim (None: i itself)."""

    axis: str
    map: tuple[int, ...] | None = None


Ref = int | Along
Refs = tuple[Ref, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Number:
    """A literal."""

    value: float
    axes: tuple[str, ...] = ()
    type: str = REAL


@dataclass(frozen=True, slots=True, eq=False)
class Read:
    """One element of a slot."""

    slot: int
    refs: Refs
    axes: tuple[str, ...]
    type: str = REAL


@dataclass(frozen=True, slots=True, eq=False)
class Apply:
    """An elementwise operation."""

    op: str
    args: tuple[Expr, ...]
    axes: tuple[str, ...]
    type: str


@dataclass(frozen=True, slots=True, eq=False)
class Reduce:
    """A sum, product, minimum or maximum of `body` over the axes `over`."""

    op: str
    over: tuple[str, ...]
    body: Expr
    axes: tuple[str, ...]
    type: str = REAL


@dataclass(frozen=True, slots=True, eq=False)
class Interp:
    """A table looked up at `arg`."""

    table: int
    refs: Refs
    arg: Expr
    axes: tuple[str, ...]
    type: str = REAL


@dataclass(frozen=True, slots=True, eq=False)
class Recall:
    """The value that a history recorded `lag` steps ago; `start` in the first `lag` steps."""

    slot: int
    refs: Refs
    lag: Expr
    start: Expr
    axes: tuple[str, ...]
    type: str = REAL


@dataclass(frozen=True, slots=True, eq=False)
class Vector:
    """An operation on whole rows along `over` (the last axis or axes), with a result along them."""

    op: str
    over: tuple[str, ...]
    args: tuple[Expr, ...]
    axes: tuple[str, ...]
    type: str = REAL


Expr = Number | Read | Apply | Reduce | Interp | Recall | Vector
_Node = TypeVar("_Node", Number, Read, Apply, Reduce, Interp, Recall, Vector)


def children(node: Expr) -> tuple[Expr, ...]:
    """The expressions that a node is made of."""
    if isinstance(node, Apply | Vector):
        return node.args
    if isinstance(node, Reduce):
        return (node.body,)
    if isinstance(node, Interp):
        return (node.arg,)
    if isinstance(node, Recall):
        return (node.lag, node.start)
    return ()


def walk(node: Expr, seen: set[int] | None = None) -> Iterator[Expr]:
    """Every node of an expression once, children first."""
    seen = set() if seen is None else seen
    stack: list[tuple[Expr, bool]] = [(node, False)]
    while stack:
        current, done = stack.pop()
        if done:
            yield current
        elif id(current) not in seen:
            seen.add(id(current))
            stack.append((current, True))
            stack.extend((child, False) for child in reversed(children(current)))


class Graph:
    """Makes nodes, each once."""

    def __init__(self) -> None:
        self._made: dict[Any, Any] = {}
        self._depth: dict[int, int] = {}

    def __reduce__(self) -> tuple[type[Graph], tuple[()]]:
        """What was made is found by identity, which a copy in another process does not share."""
        return Graph, ()

    def _once(self, key: Any, make: Callable[[], _Node]) -> _Node:
        if key not in self._made:
            node = self._made[key] = make()
            depth = self._depth[id(node)] = 1 + max((self._depth.get(id(one), 0) for one in children(node)), default=0)
            if depth > DEEPEST:
                raise ValueError(f"the expression is more than {DEEPEST} operations deep (or terms long): split it")
        made: _Node = self._made[key]
        return made

    def number(self, value: float) -> Number:
        """A literal."""
        value = float(value)
        return self._once(("number", value.hex()), lambda: Number(value))

    def read(self, slot: int, refs: Refs = ()) -> Read:
        """One element of a slot."""
        return self._once(("read", slot, refs), lambda: Read(slot, refs, _ref_axes(refs)))

    def apply(self, op: str, *args: Expr) -> Expr:
        """An elementwise operation; arguments are converted between numbers and truth values as it needs."""
        count, wanted, result = OPS[op]
        if len(args) != count:
            raise ValueError(f"{op} takes {count} arguments, got {len(args)}")
        kinds = [BOOL, REAL, REAL] if op == "select" else [wanted] * count
        converted = tuple(self._as(kind, arg) for kind, arg in zip(kinds, args, strict=True))
        return self._apply(op, converted, result)

    def _apply(self, op: str, args: tuple[Expr, ...], result: str) -> Expr:
        return self._once((op, *map(id, args)), lambda: Apply(op, args, _join(args), result))

    def _as(self, kind: str, node: Expr) -> Expr:
        if node.type == kind:
            return node
        return self._apply("truth" if kind == BOOL else "number", (node,), kind)

    def real(self, node: Expr) -> Expr:
        """A truth value as 0 or 1; a number as it is."""
        return self._as(REAL, node)

    def reduce(self, op: str, over: tuple[str, ...], body: Expr) -> Expr:
        """A reduction; axes that the body does not have are left out, for xarray does the same."""
        body = self.real(body)
        over = tuple(axis for axis in over if axis in body.axes)
        if not over:
            return body
        rest = tuple(axis for axis in body.axes if axis not in over)
        return self._once((op, over, id(body)), lambda: Reduce(op, over, body, rest))

    def interp(self, table: int, refs: Refs, arg: Expr) -> Interp:
        """A table lookup."""
        arg = self.real(arg)
        axes = tuple(sorted({*arg.axes, *_ref_axes(refs)}))
        return self._once(("interp", table, refs, id(arg)), lambda: Interp(table, refs, arg, axes))

    def recall(self, slot: int, refs: Refs, lag: Expr, start: Expr) -> Recall:
        """A delayed value."""
        lag, start = self.real(lag), self.real(start)
        axes = tuple(sorted({*lag.axes, *start.axes, *_ref_axes(refs)}))
        key = ("recall", slot, refs, id(lag), id(start))
        return self._once(key, lambda: Recall(slot, refs, lag, start, axes))

    def vector(self, op: str, over: tuple[str, ...], args: tuple[Expr, ...], drop: tuple[str, ...] = ()) -> Vector:
        """An operation on rows; `drop` are axes of the arguments that the result does not have."""
        args = tuple(self.real(arg) for arg in args)
        axes = tuple(axis for axis in sorted({*_join(args), *over}) if axis not in drop)
        return self._once((op, over, *map(id, args)), lambda: Vector(op, over, args, axes))

    def rebuild(self, node: Expr, args: tuple[Expr, ...]) -> Expr:
        """The same node over other children."""
        if all(a is b for a, b in zip(args, children(node), strict=True)):
            return node
        if isinstance(node, Apply):
            return self.apply(node.op, *args)
        if isinstance(node, Reduce):
            return self.reduce(node.op, node.over, args[0])
        if isinstance(node, Interp):
            return self.interp(node.table, node.refs, args[0])
        if isinstance(node, Recall):
            return self.recall(node.slot, node.refs, *args)
        assert isinstance(node, Vector)
        drop = tuple(axis for axis in _join(node.args) if axis not in node.axes)
        return self.vector(node.op, node.over, args, drop)


def _ref_axes(refs: Refs) -> tuple[str, ...]:
    return tuple(sorted({ref.axis for ref in refs if isinstance(ref, Along)}))


def _join(args: tuple[Expr, ...]) -> tuple[str, ...]:
    return tuple(sorted({axis for arg in args for axis in arg.axes}))


SlotKind = Literal["input", "value", "state", "history"]
Kind = Literal["stock", "auxiliary", "constant", "lookup", "data", "control"]


@dataclass(frozen=True, slots=True)
class Slot:
    """Storage for one float64 a point of `dims` and member."""

    number: int
    label: str
    dims: tuple[str, ...]
    shape: tuple[int, ...]
    kind: SlotKind

    @property
    def size(self) -> int:
        """Number of cells."""
        return int(np.prod(self.shape, dtype=np.int64))


@dataclass(frozen=True, slots=True, eq=False)
class Equation:
    """`slot[refs] = expr` at every point of `axes`, or where `mask` (shape of the axes) is true.

    `line` is the line of the model file, `label` the variable.
    """

    slot: int
    axes: tuple[str, ...]
    refs: Refs
    expr: Expr
    mask: np.ndarray | None = None
    label: str = ""
    line: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class StateEquation:
    """A slot carried from step to step; `next` is None for INITIAL. Of a history, `next` is the recorded input."""

    slot: int
    axes: tuple[str, ...]
    refs: Refs
    initial: Expr
    next: Expr | None
    mask: np.ndarray | None = None
    label: str = ""
    line: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class LookupTable:
    """Lookup rows that share their abscissae.

    Attributes:
        x: (points,), increasing; a repeated abscissa takes its last ordinate.
        y: (rows..., points).
        rule: interpolate (ends held), extrapolate, or hold_backward.
    """

    x: np.ndarray
    y: np.ndarray
    rule: str
    label: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class TimeSeries:
    """Values over time for an input slot.

    Attributes:
        times: (points,), increasing.
        values: (points, dims..., [members]).
        rule: interpolate, look_forward, hold_backward or raw.
    """

    times: np.ndarray
    values: np.ndarray
    rule: str = "interpolate"


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable of the model file; `limits` are (low, high) with None for open, `line` its line in the file."""

    name: str
    dims: tuple[str, ...]
    units: str
    doc: str
    limits: tuple[float | None, float | None]
    kind: Kind
    line: int
    slot: int | None


@dataclass(frozen=True, slots=True)
class Clock:
    """The slots of Time and the control variables."""

    time: int
    initial: int
    final: int
    step: int
    saveper: int


@dataclass(slots=True, eq=False)
class Module:
    """A whole model."""

    graph: Graph
    axes: dict[str, Axis]
    variables: dict[str, Variable]
    slots: list[Slot]
    equations: list[Equation]
    states: list[StateEquation]
    tables: list[LookupTable]
    clock: Clock
    defaults: dict[int, np.ndarray] = field(default_factory=dict)
    series: dict[int, TimeSeries] = field(default_factory=dict)
    missing: dict[int, str] = field(default_factory=dict)  # input slots without a value → what to do about it
    fixed: dict[int, str] = field(default_factory=dict)  # slots that decide the structure → why they cannot be changed
    structure: list[tuple[int, str]] = field(default_factory=list)  # slots of such numbers (orders), their variables
    external: bool = False  # values were read from other files
    integration: str = "euler"  # or rk2, rk4
    initials: dict[int, int] = field(
        default_factory=dict
    )  # stock → input slot that replaces its initial value, if given
    distributions: dict[int, str] = field(default_factory=dict)  # input slots of random functions → their distributions
