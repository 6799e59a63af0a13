"""Vensim's functions as nodes of the intermediate form, with PySD's conventions."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import partial

from sim.compiler.ir import Expr, Number
from sim.compiler.lowering import stateful
from sim.compiler.lowering.place import Place

SMALL = 1e-6  # what Vensim takes for zero (PySD: SMALL_VENSIM)

# Random functions of Vensim and what their arguments are.
RANDOM: Mapping[str, tuple[str, ...]] = {
    "RANDOM 0 1": (),
    "RANDOM UNIFORM": ("minimum", "maximum", "seed"),
    "RANDOM NORMAL": ("minimum", "maximum", "mean", "standard deviation", "seed"),
    "RANDOM EXPONENTIAL": ("minimum", "maximum", "shift", "stretch", "seed"),
    "RANDOM POISSON": ("minimum", "maximum", "mean", "shift", "stretch", "seed"),
}

Function = Callable[[Place, list[Expr]], Expr]


def _elementwise(op: str) -> Function:
    return lambda place, args: place.graph.apply(op, *args)


def _reduction(op: str) -> Function:
    def lower(place: Place, args: list[Expr]) -> Expr:
        over = tuple(axis for axis in args[0].axes if axis.endswith("!"))
        return place.graph.reduce(op, over, args[0])

    return lower


def _whole(op: str) -> Function:
    def lower(place: Place, args: list[Expr]) -> Expr:
        return place.graph.reduce(op, args[0].axes, args[0])

    return lower


def _log(place: Place, args: list[Expr]) -> Expr:
    g = place.graph
    return g.apply("div", g.apply("ln", args[0]), g.apply("ln", args[1]))


def _ramp(place: Place, args: list[Expr]) -> Expr:
    g, t = place.graph, place.time
    slope, start = args[:2]
    end = g.apply("minimum", args[2], t) if len(args) > 2 else t
    begun = g.apply("gt", g.apply("add", t, g.number(SMALL)), start)
    return g.apply("mul", g.apply("mul", begun, slope), g.apply("sub", end, start))


def _step(place: Place, args: list[Expr]) -> Expr:
    g = place.graph
    now = g.apply("add", place.time, g.apply("div", place.time_step, g.number(2)))
    return g.apply("mul", args[0], g.apply("gt", now, args[1]))


def _width(place: Place, width: Expr) -> Expr:
    """The width of a pulse; 0 lasts one time step."""
    if isinstance(width, Number) and width.value > 0:
        return width
    g = place.graph
    return g.apply("select", g.apply("le", width, g.number(0)), place.time_step, width)


def _single_pulse(place: Place, start: Expr, width: Expr, height: Expr) -> Expr:
    g, t = place.graph, place.time
    on = g.apply("le", g.apply("sub", start, g.number(SMALL)), t)
    off = g.apply("lt", t, g.apply("add", start, width))
    return g.apply("select", g.apply("and", on, off), height, g.number(0))


def _train(place: Place, start: Expr, repeat: Expr, width: Expr, height: Expr, end: Expr | None) -> Expr:
    g, t = place.graph, place.time
    running = g.apply("le", g.apply("sub", start, g.number(SMALL)), t)
    if end is not None:  # a pulse that begins at the end is the last one
        running = g.apply("and", running, g.apply("le", g.apply("sub", t, g.number(SMALL)), end))
    since = g.apply("add", g.apply("sub", t, start), g.number(SMALL))
    on = g.apply("and", running, g.apply("lt", g.apply("remainder", since, repeat), width))
    many = g.apply("select", on, height, g.number(0))
    once = _single_pulse(place, start, width, height)
    return g.apply("select", g.apply("eq", repeat, g.number(0)), once, many)


def _half_step(place: Place) -> Expr:
    return place.graph.apply("mul", place.graph.number(0.5), place.time_step)


def _pulse(place: Place, args: list[Expr]) -> Expr:
    return _single_pulse(place, args[0], _width(place, args[1]), place.graph.number(1))


def _pulse_train(place: Place, args: list[Expr]) -> Expr:
    start, repeat, width, end = args
    return _train(place, start, repeat, _width(place, width), place.graph.number(1), end)


def _modulo(place: Place, args: list[Expr]) -> Expr:
    """Vensim's MODULO has the sign of its first argument, XMILE's MOD that of its second."""
    return place.graph.apply("remainder" if place.lowering.xmile else "modulo", *args)


def _integer(place: Place, args: list[Expr]) -> Expr:
    """Vensim's INTEGER drops the fraction, XMILE's INT goes to the next lower whole number."""
    g = place.graph
    if not place.lowering.xmile:
        return g.apply("integer", args[0])
    return g.apply("sub", args[0], g.apply("remainder", args[0], g.number(1)))


def _round(place: Place, args: list[Expr]) -> Expr:
    """To the nearest whole number, halves away from zero."""
    g = place.graph
    size = g.apply("integer", g.apply("add", g.apply("abs", args[0]), g.number(0.5)))
    return g.apply("select", g.apply("lt", args[0], g.number(0)), g.apply("neg", size), size)


def _log10(place: Place, args: list[Expr]) -> Expr:
    return _log(place, [args[0], place.graph.number(10)])


def _pulse_of(place: Place, args: list[Expr]) -> Expr:
    height = place.graph.apply("div", args[1], place.time_step)
    return _single_pulse(place, args[0], _half_step(place), height)


def _pulse_train_of(place: Place, args: list[Expr]) -> Expr:
    start, repeat, magnitude = args
    height = place.graph.apply("div", magnitude, place.time_step)
    return _train(place, start, repeat, _half_step(place), height, None)


def _if_then_else(place: Place, args: list[Expr]) -> Expr:
    return place.graph.apply("select", *args)


def _time_value(place: Place, args: list[Expr]) -> Expr:
    relative, offset, measure = args
    if not (isinstance(relative, Number) and isinstance(measure, Number)) or (relative.value, measure.value) != (0, 0):
        raise ValueError("GET TIME VALUE is supported for model time only: (0, offset, 0)")
    return place.graph.apply("add", place.time, offset)


def _literal(arg: Expr, what: str) -> int:
    if not isinstance(arg, Number) or arg.value != int(arg.value):
        raise ValueError(f"the {what} must be a whole number written out")
    return int(arg.value)


def _vector_select(place: Place, args: list[Expr]) -> Expr:
    """The numerical action may be a variable: then every action is worked out and one chosen.

    Error action 0 passes over everything; where 1 would stop the run (nothing is selected), or 2 (not exactly one
    element is), the value is missing and reported.
    """
    g, error = place.graph, place.structural_number(args[4])
    if error not in (0, 1, 2):
        raise ValueError(f"VECTOR SELECT has error actions 0, 1 and 2, got {error:g}")
    if error:
        over = tuple(axis for axis in sorted({*args[0].axes, *args[1].axes}) if axis.endswith("!"))
        count = g.reduce("sum", over, _with_axes(place, g.apply("ne", args[0], g.number(0)), args[1]))
        valid = g.apply("ge" if error == 1 else "eq", count, g.number(1))
        selected = _vector_select(place, [*args[:4], g.number(0)])
        return g.apply("select", valid, selected, g.number(math.nan))
    if isinstance(args[3], Number):
        return _selected(place, args, _literal(args[3], "numerical action"))
    result: Expr = g.number(math.nan)
    for action in range(11):
        result = g.apply("select", g.apply("eq", args[3], g.number(action)), _selected(place, args, action), result)
    return result


def _selected(place: Place, args: list[Expr], action: int) -> Expr:
    """The result of the selection: actions 0 to 4 weigh with the selection, 5 raises to it, 6 to 10 take them plain.

    In each group: sum, product, minimum, maximum, mean.
    """
    if not 0 <= action <= 10:
        raise ValueError(f"VECTOR SELECT has numerical actions 0 to 10, got {action}")
    g = place.graph
    chosen, values, missing = args[:3]
    over = tuple(axis for axis in sorted({*chosen.axes, *values.axes}) if axis.endswith("!"))
    zero = g.apply("eq", chosen, g.number(0))
    if action < 5:
        values = g.apply("mul", chosen, values)
    elif action == 5:
        values = g.apply("pow", values, chosen)
    kind = ("sum", "product", "minimum", "maximum", "mean")
    op = "product" if action == 5 else kind[action if action < 5 else action - 6]
    neutral = {"sum": 0.0, "mean": 0.0, "product": 1.0, "minimum": math.inf, "maximum": -math.inf}[op]
    body = g.apply("select", zero, g.number(neutral), values)
    count = g.reduce("sum", over, g.apply("select", zero, g.number(0), _with_axes(place, g.number(1), values)))
    result = g.reduce("sum" if op == "mean" else op, over, body)
    if op == "mean":
        result = g.apply("div", result, count)
    return g.apply("select", g.apply("eq", count, g.number(0)), missing, result)


def _with_axes(place: Place, node: Expr, like: Expr) -> Expr:
    """A number that counts once for every point of another expression's axes."""
    g = place.graph
    return g.apply("select", g.apply("eq", like, like), node, node)


def _along_last(op: str) -> Function:
    def lower(place: Place, args: list[Expr]) -> Expr:
        last = place.last_axis(args[0])
        if any(last in arg.axes for arg in args[1:]) and op in ("sort order", "rank"):
            raise ValueError("the direction of a sort must not vary along the sorted subscript")
        if op == "reorder" and args[1].axes != args[0].axes:
            raise ValueError("VECTOR REORDER needs an order with the same subscripts as the vector")
        return place.graph.vector(op, (last,), tuple(args))

    return lower


def _inverse(place: Place, args: list[Expr]) -> Expr:
    return place.graph.vector("inverse", place.last_axes(args[0], 2), (args[0],))


def _random(place: Place, args: list[Expr], name: str) -> Expr:
    stated = f"{name}({', '.join(_stated(names, arg) for names, arg in zip(RANDOM[name], args, strict=False))})"
    return place.random_number(name, stated)


def _stated(what: str, arg: Expr) -> str:
    return f"{what} {arg.value:g}" if isinstance(arg, Number) else f"{what} by an expression"


def _no_equation(place: Place, args: list[Expr]) -> Expr:
    raise ValueError("it has no equation (A FUNCTION OF)")


# Names as PySD's parser gives them → (numbers of arguments, how to lower).
FUNCTIONS: Mapping[str, tuple[tuple[int, ...], Function]] = {
    **{name: ((1,), _elementwise(name)) for name in ("abs", "exp", "ln", "sqrt", "sin", "cos", "tan")},
    **{name: ((1,), _elementwise(name)) for name in ("arcsin", "arccos", "arctan", "sinh", "cosh", "tanh")},
    **{name: ((2,), _elementwise(name)) for name in ("quantum", "zidz")},
    "modulo": ((2,), _modulo),
    "integer": ((1,), _integer),
    "round": ((1,), _round),
    "log10": ((1,), _log10),
    "npv": ((4,), stateful.net_present_value),
    "sinteg": ((7,), stateful.limited_stock),
    "delay_material": ((4,), stateful.delay_material),
    "delay_information": ((3,), stateful.delay_material),
    "gamma_ln": ((1,), _elementwise("gamma ln")),
    "power": ((2,), _elementwise("pow")),
    "min": ((2,), _elementwise("minimum")),
    "max": ((2,), _elementwise("maximum")),
    "xidz": ((3,), _elementwise("xidz")),
    "active_initial": ((2,), _elementwise("active initial")),
    "if_then_else": ((3,), _if_then_else),
    "log": ((2,), _log),
    "pi": ((0,), lambda place, args: place.graph.number(math.pi)),
    "sum": ((1,), _reduction("sum")),
    "prod": ((1,), _reduction("product")),
    "vmin": ((1,), _reduction("minimum")),
    "vmax": ((1,), _reduction("maximum")),
    "vmin_xmile": ((1,), _whole("minimum")),
    "vmax_xmile": ((1,), _whole("maximum")),
    "vector_select": ((5,), _vector_select),
    "vector_sort_order": ((2,), _along_last("sort order")),
    "vector_rank": ((2,), _along_last("rank")),
    "vector_reorder": ((2,), _along_last("reorder")),
    "invert_matrix": ((1, 2), _inverse),
    "step": ((2,), _step),
    "ramp": ((2, 3), _ramp),
    "Xramp": ((2,), _ramp),
    "pulse": ((2,), _pulse),
    "pulse_train": ((4,), _pulse_train),
    "Xpulse": ((2,), _pulse_of),
    "Xpulse_train": ((3,), _pulse_train_of),
    "get_time_value": ((3,), _time_value),
    "a_function_of": (tuple(range(256)), _no_equation),
    **{name.lower().replace(" ", "_"): (tuple(range(10)), partial(_random, name=name)) for name in RANDOM},
}
