"""The right side of an equation, as PySD's abstract model holds it: walked, and written again in Vensim's language.

Nodes are distinguished by the name of their class, so that this package needs PySD in one place only (`sim.oracle`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np

# class of a node → function in Vensim's language and the fields that are its arguments, in order
FUNCTIONS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "IntegStructure": ("INTEG", ("flow", "initial")),
    "InitialStructure": ("INITIAL", ("initial",)),
    "GameStructure": ("GAME", ("expression",)),
    "DelayNStructure": ("DELAY N", ("input", "delay_time", "initial", "order")),
    "DelayFixedStructure": ("DELAY FIXED", ("input", "delay_time", "initial")),
    "SmoothNStructure": ("SMOOTH N", ("input", "smooth_time", "initial", "order")),
    "TrendStructure": ("TREND", ("input", "average_time", "initial_trend")),
    "ForecastStructure": ("FORECAST", ("input", "average_time", "horizon")),
    "SampleIfTrueStructure": ("SAMPLE IF TRUE", ("condition", "input", "initial")),
    "AllocateAvailableStructure": ("ALLOCATE AVAILABLE", ("request", "pp", "avail")),
    "AllocateByPriorityStructure": ("ALLOCATE BY PRIORITY", ("request", "priority", "size", "width", "supply")),
    "GetConstantsStructure": ("GET DIRECT CONSTANTS", ("file", "tab", "cell")),
    "GetDataStructure": ("GET DIRECT DATA", ("file", "tab", "time_row_or_col", "cell")),
    "GetLookupsStructure": ("GET DIRECT LOOKUPS", ("file", "tab", "x_row_or_col", "cell")),
}

# How tightly an operator binds; an argument that binds less is put in parentheses.
_BINDING = {":OR:": 1, ":AND:": 2, ":NOT:": 3, "=": 4, "+": 5, "*": 6, "negative": 7, "^": 8}
_SAME_LEVEL = {"<>": "=", "<": "=", "<=": "=", ">": "=", ">=": "=", "-": "+", "/": "*"}


def kind_of(node: Any) -> str:
    """Name of a node's class; "number" for literals."""
    return "number" if isinstance(node, int | float | np.number) else type(node).__name__


def children(node: Any) -> tuple[Any, ...]:
    """The expressions inside a node."""
    if kind_of(node) == "InlineLookupsStructure":
        return (node.argument,)
    if kind_of(node) in ("ArithmeticStructure", "LogicStructure"):
        return tuple(node.arguments)
    if kind_of(node) == "CallStructure":
        return tuple(node.arguments)
    if kind_of(node) in ("DelayStructure", "SmoothStructure"):
        return (node.input, _time_of(node), node.initial)
    arguments = FUNCTIONS.get(kind_of(node), ("", ()))[1]
    return tuple(child for child in (getattr(node, name) for name in arguments) if not isinstance(child, str))


def walk(node: Any) -> Iterator[Any]:
    """A node and everything inside it."""
    yield node
    for child in children(node):
        yield from walk(child)


def references(node: Any) -> tuple[str, ...]:
    """Names of the variables, lookups and macros that an expression reads: lower case, underscores for spaces."""
    names: dict[str, None] = {}
    for one in walk(node):
        if kind_of(one) == "ReferenceStructure":
            names[one.reference] = None
        elif kind_of(one) == "CallStructure":
            names[one.function.reference] = None
    return tuple(names)


def value_of(node: Any) -> float | None:
    """The number that an expression of literals alone comes to; None when it reads anything."""
    if kind_of(node) == "number":
        return float(node)
    if kind_of(node) != "ArithmeticStructure":
        return None
    values = [value_of(child) for child in node.arguments]
    known = [value for value in values if value is not None]
    return _evaluate(node.operators, known) if len(known) == len(values) else None


def _evaluate(operators: list[str], values: list[float]) -> float | None:
    if operators == ["negative"]:
        return -values[0]
    if set(operators) == {"^"}:
        operators, values = operators[::-1], values[::-1]
    result = values[0]
    for operator, value in zip(operators, values[1:], strict=True):
        try:
            result = {
                "+": lambda a, b: a + b,
                "-": lambda a, b: a - b,
                "*": lambda a, b: a * b,
                "/": lambda a, b: a / b,
                "^": lambda a, b: b**a,
            }[operator](result, value)
        except (ZeroDivisionError, OverflowError):
            return None
    return result


def text(node: Any, names: Mapping[str, str] | None = None) -> str:
    """The expression in Vensim's language.

    Args:
        node: an expression of PySD's abstract model.
        names: names as they are to be written, by lower-case underscored reference.
    """
    return _TextWriter(names or {}).write(node)


class _TextWriter:
    def __init__(self, names: Mapping[str, str]) -> None:
        self._names = names

    def write(self, node: Any, binding: int = 0) -> str:
        kind = kind_of(node)
        if kind in ("ArithmeticStructure", "LogicStructure"):
            return self._operation(node, binding)
        if kind in FUNCTIONS:
            name, arguments = FUNCTIONS[kind]
            return self._call(name, [getattr(node, argument) for argument in arguments])
        return str(getattr(self, f"_{kind}", _plain)(node))

    def _number(self, node: float) -> str:
        return ":NA:" if np.isnan(node) else f"{node:.15g}"

    def _ndarray(self, node: np.ndarray) -> str:
        return ", ".join(f"{value:.15g}" for value in node.ravel())

    def _CallStructure(self, node: Any) -> str:  # noqa: N802 (named after the class of the node)
        arguments = node.arguments
        if node.function.reference == "pulse_train":  # PySD's order is start, interval, width, end
            arguments = [arguments[i] for i in (0, 2, 1, 3)]
        return self._call(self._function(node.function), arguments)

    def _InlineLookupsStructure(self, node: Any) -> str:  # noqa: N802
        return f"WITH LOOKUP({self.write(node.argument)}, ({_points(node.lookups)}))"

    def _LookupsStructure(self, node: Any) -> str:  # noqa: N802
        return f"({_points(node)})"

    def _operation(self, node: Any, binding: int) -> str:
        first = node.operators[0]
        own = _BINDING[_SAME_LEVEL.get(first, first)]
        if first == "negative":
            written = "-" + self.write(node.arguments[0], own)
        elif first == ":NOT:":
            written = ":NOT: " + self.write(node.arguments[0], own)
        else:
            # an operand of the same level stood in parentheses, or it would be part of this node: a - (b - c)
            written = self.write(node.arguments[0], own + 1)
            for operator, argument in zip(node.operators, node.arguments[1:], strict=True):
                written += f" {operator} {self.write(argument, own + 1)}"
        return f"({written})" if own < binding else written

    def _ReferenceStructure(self, node: Any) -> str:  # noqa: N802
        name = self._names.get(node.reference, node.reference.replace("_", " "))
        return name if node.subscripts is None else f"{name}[{', '.join(node.subscripts.subscripts)}]"

    def _function(self, reference: Any) -> str:
        if reference.reference in self._names:
            return self._ReferenceStructure(reference)
        return str(reference.reference).replace("_", " ").upper()

    def _call(self, name: str, arguments: Any) -> str:
        inside = (f"'{argument}'" if isinstance(argument, str) else self.write(argument) for argument in arguments)
        return f"{name}({', '.join(inside)})"

    def _DelayStructure(self, node: Any) -> str:  # noqa: N802
        name = "DELAY" if kind_of(node) == "DelayStructure" else "SMOOTH"
        order = "" if name == "SMOOTH" and node.order == 1 else f"{node.order:g}"
        if node.initial is node.input:
            return self._call(f"{name}{order}", (node.input, _time_of(node)))
        return self._call(f"{name}{order}I", (node.input, _time_of(node), node.initial))

    _SmoothStructure = _DelayStructure


def _plain(node: Any) -> str:
    return "" if is_dataclass(node) and not fields(node) else str(node)


def _time_of(node: Any) -> Any:
    return node.delay_time if hasattr(node, "delay_time") else node.smooth_time


def _points(lookup: Any) -> str:
    (left, right), (low, high) = lookup.x_limits, lookup.y_limits
    limits = "" if np.isnan(left) else f"[({left:.15g},{low:.15g})-({right:.15g},{high:.15g})], "
    return limits + ", ".join(f"({x:.15g}, {y:.15g})" for x, y in zip(lookup.x, lookup.y, strict=True))
