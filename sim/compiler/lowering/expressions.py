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
        return _missing(place, operators[0], nodes) or graph.apply(COMPARISON[operators[0]], *nodes)
    node = nodes.pop()
    for operator in reversed(operators):
        node = graph.apply({":AND:": "and", ":OR:": "or"}[operator], nodes.pop(), node)
    return node


def _missing(place: Place, operator: str, nodes: list[Expr]) -> Expr | None:
    """`x = :NA:` and `x <> :NA:` ask whether a value is missing."""
    values = [node for node in nodes if not (isinstance(node, Number) and math.isnan(node.value))]
    if operator not in ("=", "<>") or len(nodes) != 2 or len(values) == 2:
        return None
    value = values[0] if values else nodes[0]
    return place.graph.apply("ne" if operator == "=" else "eq", value, value)


def _subscripts(ast: Any) -> list[str]:
    return list(getattr(ast.subscripts, "subscripts", None) or ())


def _reference(place: Place, ast: Any) -> Expr:
    scope, name = place.scope, clean(ast.reference)
    if name in ("time", "time$") and name not in scope.symbols:
        return place.time
    if name not in scope.symbols and name in scope.subscripts.numbers:
        return _subscript_number(place, name)
    symbol = scope.find(ast.reference)
    if isinstance(symbol, MacroSymbol):
        return symbol.expression()
    if isinstance(symbol, TableSymbol):
        raise ValueError(f"the lookup {scope.names[name]!r} is used without an argument")
    given = _subscripts(ast)
    known = scope.names.get(name, name)
    if symbol.dims and not given:  # XMILE leaves out the subscripts of the left-hand side
        left = dict(place.left)
        given = [left.get(dim, dim) for dim in symbol.dims]
        if any(dim not in place.axes and dim not in left for dim in symbol.dims):
            raise ValueError(f"{known!r} has subscripts {list(symbol.dims)}, but is used without")
    return place.graph.read(symbol.slot, scope.refs(given, symbol.dims, place.axes, known))


def _subscript_number(place: Place, name: str) -> Expr:
    axis, numbers = place.scope.subscripts.numbers[name]
    if axis is None:
        return place.graph.number(numbers[0])
    if axis not in place.axes and len(numbers) > 1:  # `s[DimA] = DimB`, by a mapping
        for mapped in place.scope.subscripts.mapping.get(axis, ()):
            if mapped in place.axes and len(place.scope.subscripts.elements(mapped)) == len(numbers):
                slot = place.lowering.constant(np.array(numbers, dtype=float), (mapped,), f"numbers of {axis}")
                return place.graph.read(slot, (Along(mapped),))
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
    if name in TABLE_FUNCTIONS and len(ast.arguments) == 2:
        return _table_function(place, name, *ast.arguments)
    if name == "vector_elm_map" and len(ast.arguments) == 2:
        return _element_at(place, *ast.arguments)
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


TABLE_FUNCTIONS = ("lookup_extrapolate", "lookup_forward", "lookup_backward", "lookup_invert")


def _table_function(place: Place, name: str, lookup: Any, argument: Any) -> Expr:
    """LOOKUP EXTRAPOLATE, FORWARD, BACKWARD and INVERT: another reading of the points of a lookup variable."""
    g, words = place.graph, name.upper().replace("_", " ")
    symbol = place.scope.find(lookup.reference) if kind_of(lookup) == "ReferenceStructure" else None
    if not isinstance(symbol, TableSymbol):
        raise ValueError(f"{words} needs a lookup variable as its first argument")
    table = place.lowering.tables[symbol.table]
    refs = place.scope.refs(_subscripts(lookup), symbol.dims, place.axes, lookup.reference)
    x, y, at = table.x, table.y, place.lower(argument)
    if name == "lookup_invert":
        if y.ndim > 1 or not (np.all(np.diff(y) > 0) or np.all(np.diff(y) < 0)):
            raise ValueError(f"{words} needs one lookup whose values rise or fall throughout")
        order = np.argsort(y)
        return g.interp(place.lowering.table(y[order], x[order], "interpolate", place.variable), (), at)
    if name == "lookup_forward":  # the next point: the last one on the axis turned round
        rule, x, y, at = "hold_backward", -x[::-1], y[..., ::-1], g.apply("neg", at)
    else:
        rule = "extrapolate" if name == "lookup_extrapolate" else "hold_backward"
    return g.interp(place.lowering.table(x, y, rule, place.variable), refs, at)


def _element_at(place: Place, vector: Any, offset: Any) -> Expr:
    """VECTOR ELM MAP(v[first], offset): the element so many places after the first; missing beyond the ends."""
    g, scope = place.graph, place.scope
    symbol = scope.find(vector.reference) if kind_of(vector) == "ReferenceStructure" else None
    given = _subscripts(vector)
    fixed = [i for i, name in enumerate(given) if scope.subscripts.is_element(name)]
    if not isinstance(symbol, SlotSymbol) or len(fixed) != 1:
        raise ValueError("VECTOR ELM MAP needs a variable with one element as its subscript and ranges as the others")
    (which,) = fixed
    dim = symbol.dims[which]
    axis = f"{dim}!"
    along = replace(place, axes=(*place.axes, axis))
    names = [axis if i == which else name for i, name in enumerate(given)]
    value = g.read(symbol.slot, scope.refs(names, symbol.dims, along.axes, vector.reference))
    size = len(scope.subscripts.elements(dim))
    slot = place.lowering.constant(np.arange(size, dtype=float), (dim,), f"positions in {dim}")
    position = g.read(slot, (Along(axis),))
    first = g.number(scope.subscripts.position(given[which], dim))
    wanted = g.apply("add", first, g.apply("round", place.real(offset)))
    found = g.reduce("sum", (axis,), g.apply("select", g.apply("eq", position, wanted), value, g.number(0)))
    inside = g.apply("and", g.apply("ge", wanted, g.number(0)), g.apply("lt", wanted, g.number(size)))
    return g.apply("select", inside, found, g.number(math.nan))


def _range_name(place: Place, ast: Any) -> str:
    name = clean(ast.reference)
    found = [one for one in place.scope.subscripts.ranges if clean(one) == name]
    if not found:
        raise ValueError(f"ELMCOUNT needs a subscript range, got {ast.reference[:80]!r}")
    return found[0]


def _game(place: Place, ast: Any) -> Expr:
    return place.lower(ast.expression)


def _inline_lookup(place: Place, ast: Any) -> Expr:
    """The type of the lookup counts (a discrete one steps), which PySD passes over here."""
    table = place.lowering.table(np.array(ast.lookups.x), np.array(ast.lookups.y), ast.lookups.type, place.variable)
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
