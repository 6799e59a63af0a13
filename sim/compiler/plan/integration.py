"""Runge-Kutta methods: a step of two or four evaluations, written out as equations of one Euler step.

The stages of a step are copies of what changes within it: of the stocks, of Time, of data series, and of every variable
that depends on these. Back ends therefore run them like any other model. A step of length h takes a stock from s to

    rk2 (Heun)      s + h (k1 + k2) / 2               k1 at the step's start, k2 at its end
    rk4 (classical) s + h (k1 + 2 k2 + 2 k3 + k4) / 6 k2 and k3 half way, k4 at the end

What is not a stock (DELAY FIXED, SAMPLE IF TRUE, the delay times that DELAY N remembers) changes once a step.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from sim.compiler.ir import (
    LIMITED,
    Along,
    Apply,
    Equation,
    Expr,
    Graph,
    Module,
    Number,
    Read,
    Slot,
    StateEquation,
    children,
    walk,
)
from sim.compiler.plan.dependence import Given
from sim.errors import SimError

# method → for each stage after the first, (part of the step, weight of its slope); the weights with the first one's
STAGES: Mapping[str, tuple[tuple[float, ...], tuple[float, ...]]] = {
    "rk2": ((1.0,), (0.5, 0.5)),
    "rk4": ((0.5, 0.5, 1.0), (1 / 6, 2 / 6, 2 / 6, 1 / 6)),
}


@dataclass(frozen=True, slots=True)
class Shifted:
    """An input slot that holds the values of another one later within the step: after `fraction` of it."""

    slot: int
    fraction: float


def written_out(module: Module, given: Given) -> tuple[Module, Given, dict[int, Shifted]]:
    """The module with the stages of its method, what is given to it, and the inputs at other times than the step's."""
    if module.integration == "euler":
        return module, given, {}
    limited = [slot.label for slot in module.slots if slot.label.endswith(f"({LIMITED})")]
    if limited:
        name = limited[0].removesuffix(f" ({LIMITED})")
        raise SimError(f"{name!r} uses SINTEG, which is computed by Euler's method only; give integration='euler'")
    work = _Stages(module, given)
    work.write()
    made = replace(
        module, slots=work.slots, equations=work.equations, states=work.states, series=work.series, integration="euler"
    )
    more = {name: frozenset(group) for name, group in work.given.items()}
    return made, replace(given, **more), work.shifted


def slope_of(state: StateEquation, step: int) -> tuple[Expr, bool] | None:
    """The slope of a state that grows by `slope * dt`, and whether it is held at 0; None for any other."""
    following, held = state.next, False
    if isinstance(following, Apply) and following.op == "maximum" and isinstance(following.args[1], Number):
        following, held = following.args[0], True
    if not isinstance(following, Apply) or following.op != "add":
        return None
    present, growth = following.args
    if not (isinstance(present, Read) and present.slot == state.slot and present.refs == state.refs):
        return None
    if not (isinstance(growth, Apply) and growth.op == "mul"):
        return None
    slope, length = growth.args
    return (slope, held) if isinstance(length, Read) and length.slot == step else None


@dataclass(slots=True)
class _Stages:
    """A module under rewriting."""

    module: Module
    given_: Given
    slots: list[Slot] = field(init=False)
    equations: list[Equation] = field(init=False)
    states: list[StateEquation] = field(init=False)
    series: dict = field(init=False)  # type: ignore[type-arg]
    shifted: dict[int, Shifted] = field(default_factory=dict)
    given: dict[str, set[int]] = field(init=False)

    def __post_init__(self) -> None:
        module = self.module
        self.slots, self.equations = list(module.slots), list(module.equations)
        self.states, self.series = list(module.states), dict(module.series)
        names = ("common_series", "member_series")
        self.given = {name: set(getattr(self.given_, name)) for name in names}

    @property
    def graph(self) -> Graph:
        """Maker of nodes."""
        return self.module.graph

    def slot(self, label: str, like: Slot, kind: str = "value") -> int:
        """New storage with the dims of another slot."""
        self.slots.append(Slot(len(self.slots), label, like.dims, like.shape, kind))  # type: ignore[arg-type]
        return len(self.slots) - 1

    def write(self) -> None:
        """Add the stages, and let every stock step by their slopes."""
        fractions, weights = STAGES[self.module.integration]
        stocks = self.stocks()
        moving = self.moving(set(stocks))
        slopes = [self.slopes(stocks, None, "slope 1")]
        for number, fraction in enumerate(fractions, start=2):
            stage = _Stage(self, fraction, moving, {})
            for slot in stocks:
                stage.alias[slot] = self.ahead(slot, slopes[-1][slot], fraction, number)
            slopes.append(self.slopes(stocks, stage, f"slope {number}"))
        self.states = [self.stepped(state, stocks, slopes, weights) for state in self.module.states]

    def stocks(self) -> dict[int, list[tuple[StateEquation, Expr, bool]]]:
        """The slots that grow by slopes, with the parts that they are defined in."""
        parts: dict[int, list[tuple[StateEquation, Expr, bool]]] = {}
        others: set[int] = set()
        for state in self.module.states:
            found = slope_of(state, self.module.clock.step)
            if found is not None:
                parts.setdefault(state.slot, []).append((state, *found))
            elif state.next is None:  # cells that nothing defines
                parts.setdefault(state.slot, []).append((state, self.graph.number(0), False))
            else:
                others.add(state.slot)
        fixed = {slot for slot, found in parts.items() if all(one[0].next is None for one in found)}
        return {slot: found for slot, found in parts.items() if slot not in others | fixed | self.given_.all}

    def moving(self, stocks: set[int]) -> set[int]:
        """Slots whose values change within a step."""
        given, module = self.given_, self.module
        found = {module.clock.time, *stocks, *given.common_series, *given.member_series}
        found |= {slot for slot in module.series if slot not in given.all}
        readers: dict[int, set[int]] = {}
        for one in module.equations:
            for node in walk(one.expr) if one.slot not in given.all else ():
                if isinstance(node, Read):
                    readers.setdefault(node.slot, set()).add(one.slot)
        queue = list(found)
        while queue:
            for reader in readers.get(queue.pop(), ()):
                if reader not in found:
                    found.add(reader)
                    queue.append(reader)
        return found

    def slopes(
        self, stocks: Mapping[int, list[tuple[StateEquation, Expr, bool]]], stage: _Stage | None, label: str
    ) -> dict[int, int]:
        """A slot with the slope of every stock at a stage."""
        made = {}
        for slot, parts in stocks.items():
            made[slot] = target = self.slot(f"{self.slots[slot].label} ({label})", self.slots[slot])
            for state, slope, _ in parts:
                expr = slope if stage is None else stage(slope)
                one = Equation(target, state.axes, state.refs, expr, state.mask, state.label, state.line)
                self.equations.append(one)
        return made

    def ahead(self, slot: int, slope: int, fraction: float, number: int) -> int:
        """A stock at a stage: its present value and part of a step along a slope."""
        g, like = self.graph, self.slots[slot]
        target = self.slot(f"{like.label} (stage {number})", like)
        refs = tuple(Along(dim) for dim in like.dims)
        part = g.apply("mul", g.number(fraction), g.read(self.module.clock.step))
        expr = g.apply("add", g.read(slot, refs), g.apply("mul", part, g.read(slope, refs)))
        self.equations.append(Equation(target, like.dims, refs, expr, None, like.label))
        return target

    def stepped(
        self,
        state: StateEquation,
        stocks: Mapping[int, object],
        slopes: list[dict[int, int]],
        weights: tuple[float, ...],
    ) -> StateEquation:
        """A stock whose next value follows the weighted slopes."""
        found = slope_of(state, self.module.clock.step)
        if state.slot not in stocks or found is None:
            return state
        g = self.graph
        terms = [
            g.apply("mul", g.number(weight), g.read(stage[state.slot], state.refs))
            for stage, weight in zip(slopes, weights, strict=True)
        ]
        slope = terms[0]
        for term in terms[1:]:
            slope = g.apply("add", slope, term)
        growth = g.apply("mul", slope, g.read(self.module.clock.step))
        following = g.apply("add", g.read(state.slot, state.refs), growth)
        if found[1]:
            following = g.apply("maximum", following, g.number(0))
        return replace(state, next=following)


@dataclass(slots=True)
class _Stage:
    """Expressions at one stage: whatever moves is read from a copy."""

    work: _Stages
    fraction: float
    moving: set[int]
    alias: dict[int, int]
    done: dict[int, Expr] = field(default_factory=dict)

    def __call__(self, node: Expr) -> Expr:
        """The same expression at this stage."""
        for one in walk(node):
            if id(one) not in self.done:
                self.done[id(one)] = self.one(one)
        return self.done[id(node)]

    def one(self, node: Expr) -> Expr:
        """A node whose children are known."""
        graph = self.work.graph
        if isinstance(node, Read) and node.slot in self.moving:
            return graph.read(self.copy(node.slot), node.refs)
        return graph.rebuild(node, tuple(self.done[id(child)] for child in children(node)))

    def copy(self, slot: int) -> int:
        """The copy of a slot at this stage."""
        if slot in self.alias:
            return self.alias[slot]
        work, module = self.work, self.work.module
        original, graph = module.slots[slot], work.graph
        label = f"{original.label} (after {self.fraction:g} of the step)"
        series = [name for name in work.given if slot in getattr(work.given_, name)]
        if series or (slot in module.series and slot not in work.given_.all):
            self.alias[slot] = made = work.slot(label, original, "input")
            work.shifted[made] = Shifted(slot, self.fraction)
            for name in series:
                work.given[name].add(made)
            if not series:
                work.series[made] = module.series[slot]
            return made
        self.alias[slot] = made = work.slot(label, original)
        if slot == module.clock.time:
            part = graph.apply("mul", graph.number(self.fraction), graph.read(module.clock.step))
            work.equations.append(Equation(made, (), (), graph.apply("add", graph.read(slot), part), None, "Time"))
        for one in [one for one in module.equations if one.slot == slot]:
            work.equations.append(replace(one, slot=made, expr=self(one.expr)))
        return made
