"""Dimensional consistency: the unit that every equation derives, against the unit that it declares.

The right side of each equation is walked with pint units in the place of numbers. `flow = stock / time` holds for every
INTEG, sums and comparisons need one unit, exponents and transcendental functions need pure numbers, and a bare number
other than 0 is dimensionless: a literal quantity is a fault, because it has neither name nor unit.
Scale matters: a flow in millions of a unit does not fill a stock in units.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sim.reading.encoding import read_text
from sim.source import Element, EquationPart, Macro, Source, read, reference
from sim.syntax_tree import kind_of, text, value_of
from sim.unit_registry import Unit, Units, UnitTextError

__all__ = ["UnitFault", "UnitTextError", "Units", "check"]

# Nodes whose unit is whatever is declared for them.
DATA = (
    "DataStructure",
    "GetDataStructure",
    "GetConstantsStructure",
    "GetLookupsStructure",
    "LookupsStructure",
    "ndarray",
)


@dataclass(frozen=True, slots=True)
class UnitFault:
    """An equation whose units do not agree.

    Attributes:
        variable: name of the variable.
        line: of the model file, 0 where unknown.
        equation: the equation in Vensim's language.
        where: the part of it that is at fault.
        declared: the one unit.
        derived: the other.
        message: the fault and its correction.
    """

    variable: str
    line: int
    equation: str
    where: str
    declared: str
    derived: str
    message: str

    def __str__(self) -> str:
        place = f" (line {self.line})" if self.line else ""
        return f"{self.variable}{place}: {self.message}\n    {self.equation}"


def check(model: str | Path | Source, units: Units | None = None) -> list[UnitFault]:
    """Every fault of units in a model file.

    Args:
        model: the file, or a `Source` read from it.
        units: the registry; by default every name is accepted, with the equivalences that the file itself declares.

    Returns:
        Faults in the order of the file: derived against declared unit, disagreement inside an equation, unreadable,
        unknown or missing units.

    >>> check("docs/sir.mdl")
    []
    """
    source = model if isinstance(model, Source) else read(model)
    return _Checker(source, units or Units.generic(_equivalents(source.path))).check()


def _equivalents(path: Path) -> list[str]:
    if path.suffix.lower() != ".mdl":
        return []
    content = read_text(path)
    return re.findall(r"^22:(.*)$", content, re.MULTILINE)


class _Disagreement(Exception):  # noqa: N818 - control flow within this module
    """Found inside an expression: nothing can be derived from it."""

    def __init__(self, node: Any, message: str, declared: str = "", derived: str = "") -> None:
        super().__init__(message)
        self.node, self.message, self.declared, self.derived = node, message, declared, derived


class _Checker:
    """Derives the unit of every right side. None means "any": 0, a missing value, an undeclared variable."""

    def __init__(self, source: Source, units: Units) -> None:
        self.units, self.source = units, source
        self.names = source.names
        self.faults: list[UnitFault] = []
        self.scope: Mapping[str, Unit | None] = {}
        self.macros: tuple[str, ...] = ()
        step = source.elements.get("time_step") or source.elements.get("final_time")
        self.time = self._declared(step) if step else units.none

    def check(self) -> list[UnitFault]:
        declared = {name: self._declared(element, report=True) for name, element in self.source.elements.items()}
        self.scope = {"time": self.time, **dict.fromkeys(self.source.subscripts, self.units.none), **declared}
        for name, element in self.source.elements.items():
            for part in element.parts:
                self._check_part(element, part, declared[name])
        return self.faults

    def _declared(self, element: Element, *, report: bool = False) -> Unit | None:
        if not element.units:
            message = "no unit is declared; write Dmnl for a pure number"
        else:
            try:
                return self.units.parse(element.units)
            except UnitTextError as error:
                message = str(error)
        if report:
            self._report(element, element.parts[0], _Disagreement(None, message, element.units))
        return None

    def _check_part(self, element: Element, part: EquationPart, declared: Unit | None) -> None:
        if kind_of(part.node) in DATA or value_of(part.node) is not None:
            return  # data and bare numbers have the unit that is declared for them
        try:
            derived = self.derive(part.node, declared)
            if derived is not None and declared is not None and not self.units.agree(declared, derived):
                raise self._differ(part.node, declared, derived, "declared", "the equation gives")
        except _Disagreement as found:
            self._report(element, part, found)

    def _report(self, element: Element, part: EquationPart, found: _Disagreement) -> None:
        equation = f"{part.equation}  [{element.units or 'no unit'}]"
        where = "" if found.node is None else text(found.node, self.names)
        fault = UnitFault(element.name, part.line, equation, where, found.declared, found.derived, found.message)
        self.faults.append(fault)

    # Expressions. `wanted` is the unit that the place of the expression calls for, where it has one.

    def derive(self, node: Any, wanted: Unit | None = None) -> Unit | None:
        """The unit of an expression.

        Raises:
            _Disagreement: parts of it do not go together.
        """
        kind = kind_of(node)
        if kind == "number":
            return None if node == 0 or node != node else self.units.none  # noqa: PLR0124 - NaN
        if kind in DATA:
            return wanted
        if kind == "ReferenceStructure":
            return self.scope.get(node.reference)
        if kind == "CallStructure":
            return self._call(node, wanted)
        rule: Callable[[Any, Unit | None], Unit | None] = getattr(self, f"_{kind}")
        return rule(node, wanted)

    def _ArithmeticStructure(self, node: Any, wanted: Unit | None) -> Unit | None:  # noqa: N802
        if node.operators == ["negative"]:
            return self.derive(node.arguments[0], wanted)
        if node.operators[0] in "+-":
            return self.same(node, node.arguments)
        if node.operators[0] == "^":
            return self._power(node, node.arguments[0], node.arguments[1:])
        unit = self.derive(node.arguments[0])
        for operator, argument in zip(node.operators, node.arguments[1:], strict=True):
            other = self.derive(argument)
            known = unit is not None and other is not None
            unit = _combine(operator, unit, other) if known else None
        return unit

    def _power(self, node: Any, base: Any, exponents: Iterable[Any]) -> Unit | None:
        unit = self.derive(base)
        for exponent in exponents:
            self.need(exponent, self.units.none, "an exponent is a pure number")
            power = value_of(exponent)
            if unit is None or self.units.agree(unit, self.units.none):
                continue
            if power is None:
                message = f"only a pure number has a variable exponent; {text(base, self.names)} is in "
                raise _Disagreement(node, message + self.units.write(unit), "Dmnl", self.units.write(unit))
            unit = unit**power
        return unit

    def _LogicStructure(self, node: Any, wanted: Unit | None) -> Unit | None:  # noqa: N802
        del wanted
        if node.operators[0] in (":AND:", ":OR:", ":NOT:"):
            for argument in node.arguments:
                self.derive(argument)
        else:
            self.same(node, node.arguments)
        return self.units.none

    def same(self, node: Any, arguments: Iterable[Any], wanted: Unit | None = None) -> Unit | None:
        """The one unit of several expressions, of which some may fit any."""
        unit, first = wanted, None
        for argument in arguments:
            other = self.derive(argument, wanted)
            if other is None:
                continue
            if unit is None:
                unit, first = other, argument
            elif not self.units.agree(unit, other):
                raise self._unlike(node, first, unit, argument, other)
        return unit

    def _unlike(self, node: Any, first: Any, unit: Unit, argument: Any, other: Unit) -> _Disagreement:
        for literal, quantity, needed in ((first, argument, other), (argument, first, unit)):
            if literal is not None and value_of(literal) is not None:
                return self._bare(literal, node, f"{text(quantity, self.names)} is in ", needed)
        left = "the place" if first is None else text(first, self.names)
        return self._differ(node, unit, other, left, text(argument, self.names))

    def _bare(self, literal: Any, node: Any, why: str, needed: Unit) -> _Disagreement:
        message = f"the bare number {text(literal)} has no unit, but {why}{self.units.write(needed)}"
        message += ": make it a named constant with that unit"
        return _Disagreement(node, message, self.units.write(needed), "Dmnl")

    def _differ(self, node: Any, one: Unit, other: Unit, left: str, right: str) -> _Disagreement:
        factor = self.units.factor(one, other)
        scale = "" if factor is None else f" (the same dimension, another scale: {factor:g} to 1)"
        one_text, other_text = self.units.write(one), self.units.write(other)
        message = f"{left} {one_text}, {right} {other_text}{scale}"
        return _Disagreement(node, message, one_text, other_text)

    def need(self, node: Any, unit: Unit | None, why: str) -> None:
        """Require a unit of an expression."""
        derived = self.derive(node, unit)
        if derived is None or unit is None or self.units.agree(unit, derived):
            return
        if value_of(node) is not None:
            raise self._bare(node, node, f"{why}: ", unit)
        raise self._differ(node, unit, derived, f"{why}: needed", f"{text(node, self.names)} is")

    def need_time(self, *nodes: Any) -> None:
        """Require the model's unit of time."""
        for node in nodes:
            self.need(node, self.time, "a time is in the unit of the clock")

    def per_time(self, unit: Unit | None) -> Unit | None:
        """The unit of a flow into a stock of that unit."""
        return None if unit is None or self.time is None else unit / self.time

    # Stateful functions

    def _IntegStructure(self, node: Any, wanted: Unit | None) -> Unit | None:  # noqa: N802
        unit = wanted if wanted is not None else self.derive(node.initial)
        self.need(node.flow, self.per_time(unit), "the flow of a stock is its unit by time")
        self.need(node.initial, unit, "the initial value has the unit of the stock")
        return unit

    def _delay(self, node: Any, wanted: Unit | None) -> Unit | None:
        del wanted
        self.need_time(node.delay_time if hasattr(node, "delay_time") else node.smooth_time)
        if kind_of(node) in ("DelayNStructure", "SmoothNStructure"):
            self.need(node.order, self.units.none, "the order of a delay is a pure number")
        return self.same(node, (node.input, node.initial))

    _DelayStructure = _DelayNStructure = _DelayFixedStructure = _SmoothStructure = _SmoothNStructure = _delay

    def _TrendStructure(self, node: Any, wanted: Unit | None) -> Unit | None:  # noqa: N802
        del wanted
        self.derive(node.input)
        self.need_time(node.average_time)
        self.need(node.initial_trend, self.per_time(self.units.none), "a trend is a fraction by time")
        return self.per_time(self.units.none)

    def _ForecastStructure(self, node: Any, wanted: Unit | None) -> Unit | None:  # noqa: N802
        self.need_time(node.average_time, node.horizon)
        return self.derive(node.input, wanted)

    def _SampleIfTrueStructure(self, node: Any, wanted: Unit | None) -> Unit | None:  # noqa: N802
        self.derive(node.condition)
        return self.same(node, (node.input, node.initial), wanted)

    def _InitialStructure(self, node: Any, wanted: Unit | None) -> Unit | None:  # noqa: N802
        return self.derive(node.initial, wanted)

    def _GameStructure(self, node: Any, wanted: Unit | None) -> Unit | None:  # noqa: N802
        return self.derive(node.expression, wanted)

    def _InlineLookupsStructure(self, node: Any, wanted: Unit | None) -> Unit | None:  # noqa: N802
        self.derive(node.argument)
        return wanted  # the ordinates are numbers of whatever is declared

    def _AllocateAvailableStructure(self, node: Any, wanted: Unit | None) -> Unit | None:  # noqa: N802
        self.derive(node.pp)
        return self.same(node, (node.request, node.avail), wanted)

    def _AllocateByPriorityStructure(self, node: Any, wanted: Unit | None) -> Unit | None:  # noqa: N802
        self.same(node, (node.priority, node.width))
        return self.same(node, (node.request, node.supply), wanted)

    # Functions

    def _call(self, node: Any, wanted: Unit | None) -> Unit | None:
        name, arguments = node.function.reference, node.arguments
        if name in self.source.macros:
            return self._macro(self.source.macros[name], node)
        if name in self.source.elements:  # a lookup, which has the unit of its ordinates
            for argument in arguments:
                self.derive(argument)
            return self.scope.get(name)
        rule = CALLS.get(name)
        if rule is None:
            for argument in arguments:
                self.derive(argument)
            return wanted
        return rule(self, node, arguments, wanted)

    def _macro(self, macro: Macro, node: Any) -> Unit | None:
        """The unit of a macro's result when it is called with these arguments."""
        if macro.name in self.macros:
            return None
        values = dict(zip(macro.params, (self.derive(argument) for argument in node.arguments), strict=False))
        outer = self.scope, self.macros
        self.scope, self.macros = _MacroScope(self, macro, {"time": self.time, **values}), (*self.macros, macro.name)
        try:
            return self.scope[reference(macro.name)]
        except _Disagreement as found:
            message = f"inside the macro {macro.name}: {found.message}"
            raise _Disagreement(node, message, found.declared, found.derived) from None
        finally:
            self.scope, self.macros = outer


class _MacroScope(dict[str, "Unit | None"]):
    """Units of the variables of a macro, each derived when it is first asked for (a macro declares none of its own)."""

    def __init__(self, checker: _Checker, macro: Macro, known: Mapping[str, Unit | None]) -> None:
        super().__init__(known)
        self._checker, self._macro = checker, macro

    def get(self, name: str, default: Any = None) -> Any:
        return self[name] if name in self or name in self._macro.elements else default

    def __missing__(self, name: str) -> Unit | None:
        self[name] = None  # while it is being derived: a loop does not need itself
        node = self._macro.elements[name].parts[0].node
        if kind_of(node) == "IntegStructure":
            self[name] = self._checker.derive(node.initial)
        self[name] = self._checker.derive(node, self[name])
        return self[name]


Rule = Callable[[_Checker, Any, Any, "Unit | None"], "Unit | None"]


def _pure(checker: _Checker, node: Any, arguments: Any, wanted: Unit | None) -> Unit | None:
    del wanted
    for argument in arguments:
        checker.need(argument, checker.units.none, f"{text(node.function).upper()} takes a pure number")
    return checker.units.none


def _alike(checker: _Checker, node: Any, arguments: Any, wanted: Unit | None) -> Unit | None:
    del wanted
    return checker.same(node, arguments)


def _first(checker: _Checker, node: Any, arguments: Any, wanted: Unit | None) -> Unit | None:
    del node
    for argument in arguments[1:]:
        checker.derive(argument)
    return checker.derive(arguments[0], wanted)


def _choice(checker: _Checker, node: Any, arguments: Any, wanted: Unit | None) -> Unit | None:
    del wanted
    checker.derive(arguments[0])
    return checker.same(node, arguments[1:])


def _root(checker: _Checker, node: Any, arguments: Any, wanted: Unit | None) -> Unit | None:
    del node, wanted
    unit = checker.derive(arguments[0])
    return None if unit is None else unit**0.5


def _powered(checker: _Checker, node: Any, arguments: Any, wanted: Unit | None) -> Unit | None:
    del wanted
    return checker._power(node, arguments[0], arguments[1:])


def _quotient(checker: _Checker, node: Any, arguments: Any, wanted: Unit | None) -> Unit | None:
    del wanted
    above, below = (checker.derive(argument) for argument in arguments[:2])
    unit = None if above is None or below is None else above / below
    return unit if len(arguments) < 3 else checker.same(node, arguments[2:], unit)


def _step(checker: _Checker, node: Any, arguments: Any, wanted: Unit | None) -> Unit | None:
    del node
    checker.need_time(arguments[1])
    return checker.derive(arguments[0], wanted)


def _ramp(checker: _Checker, node: Any, arguments: Any, wanted: Unit | None) -> Unit | None:
    del node, wanted
    checker.need_time(*arguments[1:])
    slope = checker.derive(arguments[0])
    return None if slope is None or checker.time is None else slope * checker.time


def _pulse(checker: _Checker, node: Any, arguments: Any, wanted: Unit | None) -> Unit | None:
    del node, wanted
    checker.need_time(*arguments)
    return checker.units.none


def _clock(checker: _Checker, node: Any, arguments: Any, wanted: Unit | None) -> Unit | None:
    del node, arguments, wanted
    return checker.time


def _count(checker: _Checker, node: Any, arguments: Any, wanted: Unit | None) -> Unit | None:
    del node, arguments, wanted
    return checker.units.none


def _order(checker: _Checker, node: Any, arguments: Any, wanted: Unit | None) -> Unit | None:
    del node, wanted
    checker.derive(arguments[0])
    return checker.units.none


def _combine(operator: str, one: Any, other: Any) -> Unit:
    product: Unit = one * other if operator == "*" else one / other
    return product


def _select(checker: _Checker, node: Any, arguments: Any, wanted: Unit | None) -> Unit | None:
    del node, wanted
    for argument in (arguments[0], *arguments[3:]):
        checker.need(argument, checker.units.none, "a selection is a pure number")
    unit = checker.derive(arguments[1])
    checker.derive(arguments[2])  # the value of nothing selected: :NA:, 0 or a number that no selection gives
    return unit


def _inverse(checker: _Checker, node: Any, arguments: Any, wanted: Unit | None) -> Unit | None:
    del node, wanted
    unit = checker.derive(arguments[0])
    return None if unit is None else unit**-1


CALLS: Mapping[str, Rule] = {
    **dict.fromkeys(("exp", "ln", "log", "sin", "cos", "tan", "arcsin", "arccos", "arctan"), _pure),
    **dict.fromkeys(("sinh", "cosh", "tanh", "prod", "random_poisson"), _pure),
    **dict.fromkeys(("min", "max", "modulo", "quantum", "active_initial"), _alike),
    **dict.fromkeys(("abs", "integer", "sum", "vmin", "vmax", "vector_reorder", "random_uniform"), _first),
    **dict.fromkeys(("random_normal", "random_exponential"), _first),
    **dict.fromkeys(("vector_sort_order", "vector_rank"), _order),
    **dict.fromkeys(("pulse", "pulse_train"), _pulse),
    **dict.fromkeys(("elmcount", "pi", "random_0_1"), _count),
    "if_then_else": _choice,
    "sqrt": _root,
    "power": _powered,
    "xidz": _quotient,
    "zidz": _quotient,
    "step": _step,
    "ramp": _ramp,
    "get_time_value": _clock,
    "vector_select": _select,
    "invert_matrix": _inverse,
}
