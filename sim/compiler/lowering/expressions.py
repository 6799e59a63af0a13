"""Expressions: PySD's syntax trees → nodes of the intermediate form."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from sim.compiler.ir import Along, Expr, Number
from sim.compiler.lowering import stateful
from sim.compiler.lowering.functions import FUNCTIONS
from sim.compiler.lowering.place import Place
from sim.compiler.lowering.scope import MacroSymbol, SlotSymbol, TableSymbol, clean
from sim.errors import SimError
from sim.syntax_tree import kind_of, walk

ARITHMETIC = {"+": "add", "-": "sub", "*": "mul", "/": "div", "^": "pow"}
COMPARISON = {"=": "eq", "<>": "ne", "<": "lt", "<=": "le", ">": "gt", ">=": "ge"}


# PySD orders the subscripts of these by rules of their own, so that which of them comes last is not what is written.
ORDERED_BY_PYSD = {
    "SampleIfTrueStructure": "SAMPLE IF TRUE",
    "TrendStructure": "TREND",
    "ForecastStructure": "FORECAST",
}
ROW_WISE = ("vector_sort_order", "vector_rank", "vector_reorder", "invert_matrix")


def lower_expression(place: Place, ast: Any) -> Expr:
    """The node of a syntax tree.

    Raises:
        Refused: something that the engine does not reproduce, with variable, line and reason.
    """
    try:
        return _lower(place, ast)
    except SimError:
        raise
    except ValueError as error:
        raise place.refuse(str(error)) from error


def _lower(place: Place, ast: Any) -> Expr:
    name = type(ast).__name__
    if name in _LOWER:
        return _LOWER[name](place, ast)
    if name in stateful.LOWER:
        return stateful.LOWER[name](place, ast)
    if isinstance(ast, int | float | np.integer | np.floating):
        return place.graph.number(float(ast))
    if isinstance(ast, np.ndarray):
        return place.lowering.array(place, ast)
    if isinstance(ast, str):
        raise ValueError(f"text {ast[:80]!r} where a number is expected")
    raise ValueError(f"{name.removesuffix('Structure')} is not supported here")


def _arithmetic(place: Place, ast: Any) -> Expr:
    operators, asts = list(ast.operators), list(ast.arguments)
    graph = place.graph
    if operators == ["negative"]:
        return graph.apply("neg", place.lower(asts[0]))
    if len(operators) != len(asts) - 1:
        raise ValueError(f"operators {operators} do not fit {len(asts)} arguments")
    if operators[0] == "^":
        return _power(place, asts)
    node = place.lower(asts[0])
    for operator, argument in zip(operators, asts[1:], strict=True):
        node = graph.apply(ARITHMETIC[operator], node, place.lower(argument))
    return node


def _power(place: Place, asts: list[Any]) -> Expr:
    """`a^b^c` is a^(b^c), and a written negative number is negated after the power: -30^x is -(30^x)."""
    graph = place.graph
    node = place.lower(asts[-1])
    for ast in reversed(asts[:-1]):
        if isinstance(ast, int | float) and math.copysign(1, ast) < 0:
            node = graph.apply("neg", graph.apply("pow", graph.number(-float(ast)), node))
        else:
            node = graph.apply("pow", place.lower(ast), node)
    return node


def _logic(place: Place, ast: Any) -> Expr:
    operators, asts = [operator.upper() for operator in ast.operators], list(ast.arguments)
    graph = place.graph
    nodes = [place.lower(argument) for argument in asts]
    if operators == [":NOT:"]:
        return graph.apply("not", nodes[0])
    if operators[0] in COMPARISON:
        if len(operators) > 1:
            raise ValueError("a chain of comparisons has no agreed meaning; write it with :AND:")
        return graph.apply(COMPARISON[operators[0]], *nodes)
    node = nodes.pop()
    for operator in reversed(operators):
        node = graph.apply({":AND:": "and", ":OR:": "or"}[operator], nodes.pop(), node)
    return node


def _subscripts(ast: Any) -> list[str]:
    return list(getattr(ast.subscripts, "subscripts", None) or ())


def _reference(place: Place, ast: Any) -> Expr:
    scope, name = place.scope, clean(ast.reference)
    if name == "time" and name not in scope.symbols:
        return place.time
    if name not in scope.symbols and name in scope.subscripts.numbers:
        return _subscript_number(place, name)
    symbol = scope.find(ast.reference)
    if isinstance(symbol, MacroSymbol):
        return symbol.expression()
    if isinstance(symbol, TableSymbol):
        raise ValueError(f"the lookup {scope.names[name]!r} is used without an argument")
    given = _subscripts(ast)
    if symbol.dims and not given:  # XMILE leaves out the subscripts of the left-hand side
        given = list(symbol.dims)
        if any(dim not in place.axes for dim in given):
            raise ValueError(f"{scope.names[name]!r} has subscripts {given}, but is used without")
    return place.graph.read(symbol.slot, scope.refs(given, symbol.dims, place.axes, scope.names[name]))


def _subscript_number(place: Place, name: str) -> Expr:
    axis, numbers = place.scope.subscripts.numbers[name]
    if axis is None:
        return place.graph.number(numbers[0])
    slot = place.lowering.constant(np.array(numbers, dtype=float), (axis,), f"numbers of {axis}")
    return place.graph.read(slot, (Along(axis),)) if len(numbers) > 1 else place.graph.number(numbers[0])


def _call(place: Place, ast: Any) -> Expr:
    name = ast.function.reference
    scope = place.scope
    if clean(name) in place.lowering.macros:
        return place.lowering.macros[clean(name)](place, [place.lower(argument) for argument in ast.arguments])
    symbol = scope.symbols.get(clean(name))
    if isinstance(symbol, TableSymbol):
        refs = scope.refs(_subscripts(ast.function), symbol.dims, place.axes, scope.names[clean(name)])
        return place.graph.interp(symbol.table, refs, place.lower(ast.arguments[0]))
    if symbol is not None:
        raise ValueError(f"{scope.names[clean(name)]!r} is called like a lookup, but is none")
    if name == "elmcount":
        return place.graph.number(len(scope.subscripts.elements(_range_name(place, ast.arguments[0]))))
    if name not in FUNCTIONS:
        raise ValueError(f"the function {name[:80].upper().replace('_', ' ')} is not supported")
    counts, function = FUNCTIONS[name]
    if len(ast.arguments) not in counts:
        raise ValueError(f"{name.upper()} takes {counts[0]} argument(s), got {len(ast.arguments)}")
    arguments = [place.lower(argument) for argument in ast.arguments]
    inner = {kind_of(node) for node in walk(ast.arguments[0])} & ORDERED_BY_PYSD.keys() if name in ROW_WISE else set()
    if inner and len(arguments[0].axes) > 1:
        raise ValueError(f"{ORDERED_BY_PYSD[min(inner)]} inside a row operation: give it a variable of its own")
    return function(place, arguments)


def _range_name(place: Place, ast: Any) -> str:
    name = clean(ast.reference)
    found = [one for one in place.scope.subscripts.ranges if clean(one) == name]
    if not found:
        raise ValueError(f"ELMCOUNT needs a subscript range, got {ast.reference[:80]!r}")
    return found[0]


def _game(place: Place, ast: Any) -> Expr:
    return place.lower(ast.expression)


def _inline_lookup(place: Place, ast: Any) -> Expr:
    """The ends are held whatever the type of the lookup says: PySD uses numpy.interp here."""
    table = place.lowering.table(np.array(ast.lookups.x), np.array(ast.lookups.y), "interpolate", place.variable)
    return place.graph.interp(table, (), place.lower(ast.argument))


def _allocate_by_priority(place: Place, ast: Any) -> Expr:
    request = place.lower(ast.request)
    args = (request, *(place.lower(one) for one in (ast.priority, ast.width, ast.supply)))
    return place.graph.vector("allocate by priority", (place.last_axis(request),), args)


def _allocate_available(place: Place, ast: Any) -> Expr:
    """The profile's last subscript (ptype, ppriority, pwidth, pextra) is an axis of its own, whatever is written."""
    scope = place.scope
    request, supply = place.lower(ast.request), place.lower(ast.avail)
    symbol = scope.find(ast.pp.reference)
    if not isinstance(symbol, SlotSymbol) or not symbol.dims:
        raise ValueError("ALLOCATE AVAILABLE needs a subscripted priority profile")
    profile_axis = symbol.dims[-1]
    given = [*_subscripts(ast.pp)[:-1], profile_axis]
    if profile_axis in place.axes or len(scope.subscripts.elements(profile_axis)) != 4:
        raise ValueError("the last subscript of the priority profile must be a range of four elements of its own")
    inner = replace(place, axes=(*place.axes, profile_axis))
    refs = scope.refs(given, symbol.dims, inner.axes, ast.pp.reference)
    profile = place.graph.read(symbol.slot, refs)
    over = (place.last_axis(request), profile_axis)
    return place.graph.vector("allocate available", over, (request, profile, supply), drop=(profile_axis,))


def literal(node: Expr) -> float | None:
    """The value of a node that is a number written out."""
    return node.value if isinstance(node, Number) else None


_LOWER: dict[str, Callable[[Place, Any], Expr]] = {
    "ArithmeticStructure": _arithmetic,
    "LogicStructure": _logic,
    "ReferenceStructure": _reference,
    "CallStructure": _call,
    "GameStructure": _game,
    "InlineLookupsStructure": _inline_lookup,
    "AllocateByPriorityStructure": _allocate_by_priority,
    "AllocateAvailableStructure": _allocate_available,
}
