"""Macros: every call gets separate variables, over the subscripts of its arguments."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from sim.compiler.ir import Along, Expr
from sim.compiler.lowering.place import Place
from sim.compiler.lowering.scope import MacroSymbol, Scope, SlotSymbol, Symbol, TableSymbol, clean


@dataclass(slots=True)
class MacroExpansion:
    """A macro of the model file."""

    section: Any
    open: bool = False

    def call(self, place: Place, args: list[Expr]) -> Expr:
        """The output of a call."""
        section = self.section
        if len(args) != len(section.params):
            raise ValueError(f"the macro {section.name!r} takes {len(section.params)} arguments, got {len(args)}")
        if self.open:
            raise ValueError(f"the macro {section.name!r} calls itself")
        self.open = True
        try:
            return self._expand(place, [place.graph.real(arg) for arg in args])
        finally:
            self.open = False

    def _expand(self, place: Place, args: list[Expr]) -> Expr:
        used = {axis for arg in args for axis in arg.axes}
        axes = (*(axis for axis in place.axes if axis in used), *sorted(used - {*place.axes}))
        scope = self._scope(place, args, axes)
        for element in self.section.elements:
            symbol = scope.symbols[clean(element.name)]
            if isinstance(symbol, SlotSymbol):
                label = f"{place.variable} ({self.section.name}: {element.name})"
                here = Place(place.lowering, scope, label, place.line, axes)
                place.lowering.lower_element(
                    here, symbol, [_spread(component, axes) for component in element.components]
                )
        result = scope.find(self.section.name)
        if not isinstance(result, SlotSymbol):
            raise ValueError(f"the macro {self.section.name!r} returns no variable")
        return place.graph.read(result.slot, tuple(Along(axis) for axis in axes))

    def _scope(self, place: Place, args: list[Expr], axes: tuple[str, ...]) -> Scope:
        symbols: dict[str, Symbol] = {}
        for name, arg in zip(self.section.params, args, strict=True):
            symbols[clean(name)] = MacroSymbol(lambda arg=arg: arg)  # type: ignore[misc]
        for element in self.section.elements:
            symbols[clean(element.name)] = self._symbol(place, element, axes)
        names = {clean(element.name): element.name for element in self.section.elements}
        names |= {clean(name): name for name in self.section.params}
        return Scope(place.scope.subscripts, symbols, names, place.scope.outer or place.scope)

    def _symbol(self, place: Place, element: Any, axes: tuple[str, ...]) -> Symbol:
        lowering = place.lowering
        if any(component.subscripts[0] for component in element.components) or len(element.components) > 1:
            raise ValueError(f"the macro {self.section.name!r} defines subscripts of its own")
        ast = element.components[0].ast
        if type(ast).__name__ == "LookupsStructure":
            return TableSymbol(lowering.table(np.array(ast.x), np.array(ast.y), ast.type, element.name), ())
        kind = "state" if type(ast).__name__ == "IntegStructure" else "value"
        slot = lowering.slot(f"{place.variable} ({self.section.name}: {element.name})", axes, kind)  # type: ignore[arg-type]
        return SlotSymbol(slot, axes)


@dataclass(frozen=True, slots=True)
class _Component:
    """A component of a macro, over the axes of the call."""

    ast: Any
    subscripts: tuple[list[str], list[list[str]]]


def _spread(component: Any, axes: tuple[str, ...]) -> _Component:
    return _Component(component.ast, (list(axes), []))
