"""The position of an expression, and the module under construction around it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.compiler import ir
from sim.compiler.ir import Along, Expr, Graph, Interp, Read, Recall, children
from sim.compiler.lowering.constant_folding import constant_value
from sim.compiler.lowering.scope import Scope, SlotSymbol
from sim.errors import Refused

LowerExpression = Callable[["Place", Any], Expr]
LowerElement = Callable[["Place", SlotSymbol, Sequence[Any]], None]
MacroCall = Callable[["Place", list[Expr]], Expr]


@dataclass(slots=True)
class Lowering:
    """The module under construction.

    Attributes:
        lower_expression: how a syntax tree becomes a node. It is handed in, as is `lower_element`, because expressions
            call functions, delays and macros, which lower expressions and elements in their turn.
        lower_element: how the definitions of one variable become equations or states.
    """

    path: Path
    graph: ir.Graph
    clock: ir.Clock
    lower_expression: LowerExpression
    lower_element: LowerElement
    axes: dict[str, ir.Axis] = field(default_factory=dict)
    slots: list[ir.Slot] = field(default_factory=list)
    equations: list[ir.Equation] = field(default_factory=list)
    states: list[ir.StateEquation] = field(default_factory=list)
    tables: list[ir.LookupTable] = field(default_factory=list)
    defaults: dict[int, NDArray[np.float64]] = field(default_factory=dict)
    series: dict[int, ir.TimeSeries] = field(default_factory=dict)
    missing: dict[int, str] = field(default_factory=dict)
    macros: dict[str, MacroCall] = field(default_factory=dict)
    structure: list[tuple[int, str]] = field(default_factory=list)  # slots that decide the structure, their variables
    known: tuple[float, ...] = ()  # values of `structure`, where they have been worked out
    data_files: Any = None
    random: str = "refuse"  # or "parameters": what becomes of random functions
    constants: list[tuple[Place, Expr, str]] = field(default_factory=list)  # must not change over time, else why not
    distributions: dict[int, str] = field(default_factory=dict)  # input slots of random functions
    extra: list[ir.Variable] = field(default_factory=list)  # variables that the file does not name

    def random_input(self, slot: int, stated: str) -> None:
        """Note that an input slot replaces a random function."""
        self.distributions[slot] = stated
        self.missing[slot] = f"a random number, {stated}: draw its values and give them as a parameter"

    @property
    def xmile(self) -> bool:
        """Whether XMILE's meaning of a function counts, where Vensim's is another."""
        return self.path.suffix.lower() != ".mdl"

    def slot(self, label: str, dims: Sequence[str], kind: ir.SlotKind) -> int:
        """New storage."""
        shape = tuple(self.axes[dim].size for dim in dims)
        self.slots.append(ir.Slot(len(self.slots), label, tuple(dims), shape, kind))
        return len(self.slots) - 1

    def constant(self, values: NDArray[np.float64], dims: Sequence[str], label: str) -> int:
        """An input slot with fixed values."""
        slot = self.slot(label, dims, "input")
        self.defaults[slot] = np.asarray(values, dtype=np.float64)
        return slot

    def state(
        self,
        place: Place,
        slot: int,
        refs: ir.Refs,
        initial: ir.Expr,
        following: ir.Expr | None,
        axes: tuple[str, ...] | None = None,
        mask: NDArray[np.bool_] | None = None,
    ) -> None:
        """Initial value and next value of a state slot."""
        loop = place.axes if axes is None else axes
        self.states.append(ir.StateEquation(slot, loop, refs, initial, following, mask, place.variable, place.line))

    def table(self, x: NDArray[Any], y: NDArray[Any], rule: str, label: str) -> int:
        """A lookup table; y has the points last."""
        x, y = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
        if x.ndim != 1 or y.shape[-1] != len(x) or not len(x):
            raise ValueError(f"a lookup has {x.size} abscissae and {y.shape[-1]} ordinates")
        if np.any(np.diff(x) < 0) or np.isnan(x).any():
            raise ValueError("the abscissae of a lookup are not in increasing order")
        if rule not in ("interpolate", "extrapolate", "hold_backward"):
            raise ValueError(f"lookups of type {rule!r} are not supported")
        self.tables.append(ir.LookupTable(x, y, rule, label))
        return len(self.tables) - 1

    def array(self, place: Place, values: NDArray[Any]) -> ir.Expr:
        """An array written out on the right-hand side."""
        shape = tuple(self.axes[axis].size for axis in place.axes)
        if values.size != int(np.prod(shape)):
            raise ValueError(f"got {values.size} numbers, the subscripts {list(place.axes)} need {int(np.prod(shape))}")
        slot = self.constant(values.astype(float).reshape(shape), place.axes, place.variable)
        return self.graph.read(slot, tuple(ir.Along(axis) for axis in place.axes))


@dataclass(frozen=True, slots=True)
class Place:
    """The position of an expression: the variable, its loop axes and the names it may use.

    `left` holds the dims of the variable with the subscript of each on the left-hand side.
    """

    lowering: Lowering
    scope: Scope
    variable: str
    line: int
    axes: tuple[str, ...]
    left: tuple[tuple[str, str], ...] = ()

    @property
    def graph(self) -> Graph:
        """Maker of nodes."""
        return self.lowering.graph

    @property
    def time(self) -> Expr:
        """Current time."""
        return self.graph.read(self.lowering.clock.time)

    @property
    def time_step(self) -> Expr:
        """The Euler step."""
        return self.graph.read(self.lowering.clock.step)

    def lower(self, ast: Any) -> Expr:
        """The node of a syntax tree at this place."""
        return self.lowering.lower_expression(self, ast)

    def real(self, ast: Any) -> Expr:
        """The node of a syntax tree, a truth value as 0 or 1."""
        return self.graph.real(self.lower(ast))

    def structural_number(self, node: Expr) -> float:
        """A number that decides the structure: written out, or worked out before the model is lowered again.

        What such a number depends on cannot be changed afterwards.
        """
        lowering, node = self.lowering, self.graph.real(node)
        number = constant_value(node)
        if number is not None:
            return number
        if node.axes:
            raise ValueError("an order or a choice of method must be one number for all subscripts")
        slot = lowering.slot(f"{self.variable} (structure)", (), "value")
        lowering.equations.append(ir.Equation(slot, (), (), node, None, self.variable, self.line))
        lowering.structure.append((slot, self.variable))
        return lowering.known[len(lowering.structure) - 1] if len(lowering.structure) <= len(lowering.known) else 1.0

    def check_axes(self, node: Expr) -> None:
        """Raise ValueError for a node with subscripts that are neither on the left-hand side nor summed over."""
        extra = [axis for axis in node.axes if axis not in self.axes]
        if extra:
            raise ValueError(f"subscripts {extra} are neither on the left-hand side nor summed over")

    def random_number(self, name: str, stated: str) -> Expr:
        """A random function as a parameter of the model, or a refusal."""
        lowering = self.lowering
        if lowering.random != "parameters":
            raise ValueError(
                f"{name} draws random numbers inside the model: draw them outside and give them as a parameter, "
                "which Model.load(..., random='parameters') makes of each"
            )
        axes = self.axes
        slot = lowering.slot(self.variable, axes, "input")
        lowering.random_input(slot, stated)
        number = sum(one.name.startswith(f"{self.variable} {name}") for one in lowering.extra)
        label = f"{self.variable} {name}" + (f" {number + 1}" if number else "")
        lowering.slots[slot] = replace(lowering.slots[slot], label=label)
        lowering.extra.append(ir.Variable(label, axes, "", stated, (None, None), "constant", self.line, slot))
        return self.graph.read(slot, tuple(Along(axis) for axis in axes))

    def refuse(self, reason: str) -> Refused:
        """A refusal at this place."""
        return Refused(self.variable, self.line or None, reason)

    def last_axes(self, node: Expr, count: int) -> tuple[str, ...]:
        """The last subscripts of an array argument, in the order in which they are first written in it."""
        axes = tuple(dict.fromkeys(_written(node)))
        if len(axes) < count:
            raise ValueError(f"a vector function needs an array with {count} subscript(s) or more")
        return axes[-count:]

    def last_axis(self, node: Expr) -> str:
        """The last subscript of an array argument."""
        return self.last_axes(node, 1)[0]


def _written(node: Expr) -> Iterator[str]:
    """The axes of a node in the order of its text, repeated; an argument comes before its table, as in PySD."""
    yield from (axis for child in children(node) for axis in _written(child) if axis in node.axes)
    refs = node.refs if isinstance(node, Read | Interp | Recall) else ()
    yield from (ref.axis for ref in refs if isinstance(ref, Along))
