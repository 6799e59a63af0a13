"""Stocks, delays, smooths and the rest of what remembers: syntax trees → states.

Each function gives the present output and leaves states behind. All states start from expressions read at the initial
time and step by Euler's rule, with the order of operations of PySD, so that results agree to the last bits.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from sim.compiler.ir import LIMITED, Along, Expr, Number, Read, Refs, children, walk
from sim.compiler.lowering.place import Place
from sim.compiler.lowering.scope import SlotSymbol, clean

MAX_ORDER = 1000  # stages of one delay


def _new(place: Place, suffix: str, initial: Expr, history: bool = False) -> tuple[Read, Callable[[Expr | None], None]]:
    """A state over the loop axes of the equation: how to read it, and how to say what it becomes."""
    lowering = place.lowering
    place.check_axes(initial)
    slot = lowering.slot(f"{place.variable} ({suffix})", place.axes, "history" if history else "state")
    refs: Refs = tuple(Along(axis) for axis in place.axes)

    def becomes(value: Expr | None) -> None:
        if value is not None:
            place.check_axes(value)
        lowering.state(place, slot, refs, initial, value)

    return place.graph.read(slot, refs), becomes


def euler(place: Place, state: Expr, rate: Expr) -> Expr:
    """`state + rate * dt`."""
    g = place.graph
    return g.apply("add", state, g.apply("mul", rate, place.time_step))


def integ_next(place: Place, ast: Any, state: Expr) -> Expr:
    """The next value of a stock."""
    value = euler(place, state, place.real(ast.flow))
    if ast.non_negative:
        value = place.graph.apply("maximum", value, place.graph.number(0))
    place.check_axes(value)
    return value


def _integ(place: Place, ast: Any) -> Expr:
    state, becomes = _new(place, "stock", place.real(ast.initial))
    becomes(integ_next(place, ast, state))
    return state


def _initial(place: Place, ast: Any) -> Expr:
    state, becomes = _new(place, "initial", place.real(ast.initial))
    becomes(None)
    return state


def _sample_if_true(place: Place, ast: Any) -> Expr:
    g = place.graph
    state, becomes = _new(place, "sampled", place.real(ast.initial))
    own = place.scope.symbols.get(clean(place.variable))

    def before(node: Expr) -> Expr:
        """The node with the sampled value in place of the variable itself, whose present value is not known yet."""
        done: dict[int, Expr] = {}
        for one in walk(node):
            if isinstance(one, Read) and isinstance(own, SlotSymbol) and one.slot == own.slot:
                if one.refs != state.refs:
                    raise ValueError("SAMPLE IF TRUE reads another element of its own variable")
                done[id(one)] = state
            else:
                done[id(one)] = g.rebuild(one, tuple(done[id(child)] for child in children(one)))
        return done[id(node)]

    condition, value = before(place.real(ast.condition)), before(place.real(ast.input))
    output = g.apply("select", condition, value, state)
    becomes(output)
    return output


def _trend(place: Place, ast: Any) -> Expr:
    g = place.graph
    value, average, start = (place.real(one) for one in (ast.input, ast.average_time, ast.initial_trend))
    initial = g.apply("div", value, g.apply("add", g.number(1), g.apply("mul", start, average)))
    state, becomes = _new(place, "average", initial)
    gap = g.apply("sub", value, state)
    becomes(euler(place, state, g.apply("div", gap, average)))
    return g.apply("zidz", gap, g.apply("mul", average, g.apply("abs", state)))


def _forecast(place: Place, ast: Any) -> Expr:
    g = place.graph
    value, average = place.real(ast.input), place.real(ast.average_time)
    horizon, start = place.real(ast.horizon), place.real(ast.initial_trend)
    state, becomes = _new(place, "average", g.apply("div", value, g.apply("add", g.number(1), start)))
    gap = g.apply("sub", value, state)
    becomes(euler(place, state, g.apply("div", gap, average)))
    trend = g.apply("zidz", gap, g.apply("mul", average, state))
    return g.apply("mul", value, g.apply("add", g.number(1), g.apply("mul", trend, horizon)))


def _order(place: Place, ast: Any) -> int:
    order = place.structural_number(place.lower(ast.order))
    if not 1 <= int(order) <= MAX_ORDER:
        raise ValueError(f"the order of a delay must lie between 1 and {MAX_ORDER}, got {order:g}")
    return int(order)


def _smooth(place: Place, ast: Any) -> Expr:
    g = place.graph
    order = _order(place, ast)
    target, time, initial = (place.real(one) for one in (ast.input, ast.smooth_time, ast.initial))
    for stage in range(order):
        state, becomes = _new(place, f"smooth {stage + 1}", initial)
        rate = g.apply("mul", g.apply("sub", target, state), g.number(order))
        becomes(euler(place, state, g.apply("div", rate, time)))
        target = state
    return target


def _delay(place: Place, ast: Any) -> Expr:
    """DELAY1, DELAY3: every stage drains at the present delay time."""
    time = place.real(ast.delay_time)
    return _stages(place, ast, time, lambda stage: time, time)


def _delay_n(place: Place, ast: Any) -> Expr:
    """DELAY N: material keeps the delay time with which it entered; it moves one stage a time step."""
    time = place.real(ast.delay_time)
    remembered: list[Expr] = []
    previous = time
    for stage in range(_order(place, ast)):
        state, becomes = _new(place, f"delay time {stage + 1}", time)
        becomes(previous)
        remembered.append(state)
        previous = state
    return _stages(place, ast, time, lambda stage: remembered[stage - 1] if stage else time, remembered[0])


def _stages(place: Place, ast: Any, time: Expr, time_of: Callable[[int], Expr], time_out: Expr) -> Expr:
    """A chain of `order` stages, of which a member with a short delay uses the first `used` only."""
    g = place.graph
    order = _order(place, ast)
    used = _used_stages(place, order, time)
    start = g.apply("mul", place.real(ast.initial), time)
    valid = g.apply("ge", used, g.number(1))  # PySD fails where not even one stage fits
    start = g.apply("select", valid, start, g.number(float("nan")))
    inflow, output = place.real(ast.input), g.number(float("nan"))
    result: Expr = output
    for stage in range(order):
        state, becomes = _new(place, f"delay {stage + 1}", start)
        outflow = g.apply("div", state, time_of(stage))
        rate = g.apply("mul", g.apply("sub", inflow, outflow), used if order > 1 else g.number(1))
        becomes(euler(place, state, rate))
        last = g.apply("eq", used, g.number(stage + 1))
        result = state if order == 1 else g.apply("select", last, state, result)
        inflow = outflow
    return g.apply("div", result, time_out)


def _used_stages(place: Place, order: int, time: Expr) -> Expr:
    """How many of the stages are no shorter than the time step, for the shortest delay of all subscripts."""
    g = place.graph
    shortest = g.reduce("minimum", time.axes, time)
    count: Expr = g.number(0)
    for stage in range(1, order + 1):
        fits = g.apply("le", g.apply("mul", g.number(stage), place.time_step), shortest)
        count = g.apply("add", count, fits)
    lowering = place.lowering
    slot = lowering.slot(f"{place.variable} (stages)", (), "state")
    lowering.state(place, slot, (), count, None, axes=())
    return g.read(slot)


def _delay_fixed(place: Place, ast: Any) -> Expr:
    """A pipe: the input of `lag` steps ago, the initial value before; the lag is rounded once, at the start."""
    return _pipe(place, place.real(ast.input), place.real(ast.delay_time), place.real(ast.initial))


def _pipe(place: Place, source: Expr, delay: Expr, initial: Expr) -> Expr:
    g = place.graph
    steps = g.apply("maximum", g.apply("div", delay, place.time_step), g.number(1))
    rounded = g.apply("round", g.apply("add", steps, g.number(1e-6)))
    lag, becomes = _new(place, "lag", rounded)
    becomes(None)
    start, becomes = _new(place, "start", initial)
    becomes(None)
    pipe, becomes = _new(place, "pipe", g.number(0), history=True)
    becomes(source)
    return g.recall(pipe.slot, pipe.refs, lag, start)


def net_present_value(place: Place, args: list[Expr]) -> Expr:
    """NPV(stream, rate, initial, factor): the stream is discounted by 1 / (1 + rate dt) a step."""
    g = place.graph
    stream, rate, initial, factor = map(g.real, args)
    dt = place.time_step
    discount, becomes = _new(place, "discount", g.number(1))
    growth = g.apply("add", g.number(1), g.apply("mul", rate, dt))
    becomes(euler(place, discount, g.apply("div", g.apply("neg", g.apply("mul", discount, rate)), growth)))
    total, becomes = _new(place, "accumulated", initial)
    value = g.apply("mul", stream, discount)
    becomes(euler(place, total, value))
    return g.apply("mul", g.apply("add", total, g.apply("mul", value, dt)), factor)


def limited_stock(place: Place, args: list[Expr]) -> Expr:
    """SINTEG(rate, initial, min, max, quant, spec, thresh): a stock held between two bounds.

    Where it comes within `thresh` of `spec` it takes that value. Each of the last five is a number or :NA:, which
    switches it off. Vensim's manual does not say how a value is rounded to a multiple of `quant`: that is refused.
    """
    g = place.graph
    rate, initial = map(g.real, args[:2])
    least, most, quant, spec, near = (
        _literal_or_missing(one, name) for one, name in zip(args[2:], BOUNDS, strict=True)
    )
    if quant is not None:
        raise ValueError("SINTEG with a quant is not supported: how a value is rounded to it is not documented")
    if (spec is None) != (near is None):
        raise ValueError("SINTEG needs both spec and thresh, or :NA: for both")

    def held(value: Expr) -> Expr:
        value = value if least is None else g.apply("maximum", value, g.number(least))
        value = value if most is None else g.apply("minimum", value, g.number(most))
        if spec is None or near is None:
            return value
        close = g.apply("lt", g.apply("abs", g.apply("sub", value, g.number(spec))), g.number(near))
        return g.apply("select", close, g.number(spec), value)

    state, becomes = _new(place, LIMITED, held(initial))
    becomes(held(euler(place, state, rate)))
    return state


BOUNDS = ("min", "max", "quant", "spec", "thresh")


def _literal_or_missing(arg: Expr, name: str) -> float | None:
    """A number written out; None for :NA:."""
    value = arg.value if isinstance(arg, Number) else None
    if value is None:
        raise ValueError(f"the {name} of SINTEG must be a number written out, or :NA:")
    return None if math.isnan(value) else value


def delay_material(place: Place, args: list[Expr]) -> Expr:
    """DELAY MATERIAL(input, time, initial, missing) where the time is constant: nothing is missing then.

    DELAY INFORMATION(input, time, initial) is the same there.
    """
    source, time, initial = map(place.graph.real, args[:3])
    name = "DELAY MATERIAL" if len(args) == 4 else "DELAY INFORMATION"
    reason = f"{name} is supported with a delay time that does not change over time"
    place.lowering.constants.append((place, time, reason))
    return _pipe(place, source, time, initial)


LOWER: dict[str, Callable[[Place, Any], Expr]] = {
    "IntegStructure": _integ,
    "InitialStructure": _initial,
    "SampleIfTrueStructure": _sample_if_true,
    "TrendStructure": _trend,
    "ForecastStructure": _forecast,
    "SmoothStructure": _smooth,
    "SmoothNStructure": _smooth,
    "DelayStructure": _delay,
    "DelayNStructure": _delay_n,
    "DelayFixedStructure": _delay_fixed,
}
