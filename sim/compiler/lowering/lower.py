"""Lowering: PySD's abstract model → the intermediate form, one variable at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.compiler import ir
from sim.compiler.lowering import external, stateful
from sim.compiler.lowering.constant_folding import constant_value
from sim.compiler.lowering.expressions import lower_expression
from sim.compiler.lowering.macros import MacroExpansion
from sim.compiler.lowering.place import Lowering, Place
from sim.compiler.lowering.scope import Scope, SlotSymbol, Subscripts, TableSymbol, clean
from sim.compiler.lowering.source_lines import SourceLines
from sim.errors import ModelError, Refused, SimError

LOOKUPS = ("LookupsStructure", "GetLookupsStructure")
DATA = ("DataStructure", "GetDataStructure")
CONTROLS = ("initial_time", "final_time", "time_step", "saveper")


def lower_model(
    abstract: Any, path: Path, data_files: Any = None, known: tuple[float, ...] = (), random: str = "refuse"
) -> ir.Module:
    """The intermediate form of PySD's abstract model.

    `known` are the numbers that decide the structure (`Module.structure`), once they have been worked out; `random`
    is `refuse` or `parameters`.

    Raises:
        Refused: a construction that the engine does not reproduce.
        UnknownNameError: an equation uses a name that the file does not define.
        ModelError: control variables are missing.
    """
    main = abstract.sections[0]
    subscripts = Subscripts.of(main, path, abstract.mappings)
    elements = [element for element in main.elements if element.components]
    lines = SourceLines.of(abstract.text, path.suffix.lower() == ".mdl")
    dims = {
        element.name: subscripts.dims_of([list(c.subscripts[0]) for c in element.components], element.name)
        for element in elements
    }
    lowering = _begin(path, subscripts, data_files)
    lowering.known, lowering.random = known, random
    lowering.macros = {clean(section.name): MacroExpansion(section).call for section in abstract.sections[1:]}
    scope = _declare(lowering, subscripts, elements, dims, lines)
    for element in elements:
        symbol = scope.symbols[clean(element.name)]
        if isinstance(symbol, SlotSymbol):
            place = Place(lowering, scope, element.name, lines.find(element.name), ())
            lower_element(place, symbol, element.components)
    _check_constants(lowering)
    return _module(lowering, scope, elements, dims, lines, abstract.integration)


def _begin(path: Path, subscripts: Subscripts, data_files: Any) -> Lowering:
    lowering = Lowering(
        path, ir.Graph(), ir.Clock(0, 0, 0, 0, 0), lower_expression, lower_element, data_files=data_files
    )
    for name, members in subscripts.ranges.items():
        lowering.axes[name] = ir.Axis(name, members)
        lowering.axes[name + "!"] = ir.Axis(name + "!", members)
    lowering.slot("Time", (), "input")
    return lowering


def _declare(
    lowering: Lowering,
    subscripts: Subscripts,
    elements: list[Any],
    dims: dict[str, tuple[str, ...]],
    lines: SourceLines,
) -> Scope:
    """A symbol for every variable, so that equations may come in any order."""
    scope = Scope(subscripts, {}, {clean(element.name): element.name for element in elements})
    for element in elements:
        key = clean(element.name)
        if key in scope.symbols:
            raise Refused(element.name, lines.find(element.name), "the name is defined twice")
        if not dims[element.name] and len(element.components) > 1:
            raise Refused(element.name, lines.find(element.name), f"it is defined {len(element.components)} times")
        scope.symbols[key] = _symbol(lowering, subscripts, element, dims[element.name], lines)
    controls = [scope.symbols.get(name) for name in CONTROLS]
    if not all(isinstance(symbol, SlotSymbol) for symbol in controls):
        absent = [name for name in CONTROLS if not isinstance(scope.symbols.get(name), SlotSymbol)]
        raise ModelError(
            lowering.path, f"the file lacks {', '.join(name.upper().replace('_', ' ') for name in absent)}"
        )
    lowering.clock = ir.Clock(0, *(symbol.slot for symbol in controls if isinstance(symbol, SlotSymbol)))
    return scope


def _symbol(
    lowering: Lowering, subscripts: Subscripts, element: Any, dims: tuple[str, ...], lines: SourceLines
) -> SlotSymbol | TableSymbol:
    kinds = {type(component.ast).__name__ in LOOKUPS for component in element.components}
    if True in kinds:
        if False in kinds:
            raise Refused(element.name, lines.find(element.name), "defined partly as lookup, partly otherwise")
        try:
            x, y, rule = external.lookup(element, dims, subscripts, lowering.path)
            return TableSymbol(lowering.table(x, y, rule, element.name), dims)
        except ValueError as error:
            raise Refused(element.name, lines.find(element.name), str(error)) from error
    stock = all(type(component.ast).__name__ == "IntegStructure" for component in element.components)
    slot = lowering.slot(element.name, dims, "state" if stock else "value")
    return SlotSymbol(slot, dims)


def lower_element(place: Place, symbol: SlotSymbol, components: Sequence[Any]) -> None:
    """The equations or states of one variable."""
    lowering = place.lowering
    if all(type(component.ast).__name__ in DATA for component in components):
        _lower_data(place, symbol, components)
        return
    if (
        lowering.random == "parameters"
        and place.scope.outer is None
        and all(_draws(component.ast) for component in components)
    ):
        _lower_random(place, symbol, components)
        return
    owner = _owners(place, symbol, components)
    values: list[NDArray[np.float64] | None] = []
    made: list[tuple[Place, ir.Refs, NDArray[np.bool_] | None, ir.Expr | None, Any]] = []
    for number, component in enumerate(components):
        axes, refs = place.scope.subscripts.target(component.subscripts[0], symbol.dims)
        left = tuple(zip(symbol.dims, component.subscripts[0], strict=True))
        here = replace(place, axes=axes, left=left)
        mask = owner[_cells(lowering, axes, refs)] == number
        if not mask.any():
            continue
        value, node = _right_hand_side(here, symbol, component)
        values.append(value)
        made.append((here, refs, None if mask.all() else mask, node, component))
        if value is not None:
            _fill(lowering, symbol, refs, axes, mask, value)
    if values and all(value is not None for value in values):
        lowering.slots[symbol.slot] = replace(lowering.slots[symbol.slot], kind="input")
        return
    _undefined(place, symbol, owner)
    for here, refs, mask, node, component in made:
        _emit(here, symbol, refs, mask, node, component)


def _cells(lowering: Lowering, axes: tuple[str, ...], refs: ir.Refs) -> Any:
    """Index of the target cells in an array over the dims of the variable, in the shape of the axes."""
    parts = []
    for ref in refs:
        if isinstance(ref, int):
            parts.append(np.full([1] * len(axes), ref, dtype=int))
        else:
            size = lowering.axes[ref.axis].size
            shape = [size if axis == ref.axis else 1 for axis in axes]
            parts.append(np.array(ref.map or range(size)).reshape(shape))
    return tuple(np.broadcast_arrays(*parts)) if parts else ()


def _owners(place: Place, symbol: SlotSymbol, components: Sequence[Any]) -> NDArray[np.int64]:
    """Which definition each cell belongs to: the last that names it and does not except it; -1 for none.

    The exceptions of a variable's only definition do not count, as in PySD.
    """
    lowering, subscripts = place.lowering, place.scope.subscripts
    owner = np.full([lowering.axes[dim].size for dim in symbol.dims], -1)
    for number, component in enumerate(components):
        given, excepted = component.subscripts
        cells = np.zeros(owner.shape, dtype=bool)
        cells[_cells(lowering, *subscripts.target(given, symbol.dims))] = True
        for names in excepted if len(components) > 1 else ():
            for name in names:
                subscripts.check(name)
            if len(names) != len(symbol.dims):
                raise place.refuse(f":EXCEPT: {names} does not match the subscripts {list(symbol.dims)}")
            cells[_cells(lowering, *subscripts.target(names, symbol.dims))] = False
        owner[cells] = number
    return owner


def _right_hand_side(
    place: Place, symbol: SlotSymbol, component: Any
) -> tuple[NDArray[np.float64] | None, ir.Expr | None]:
    """The values of a constant, or the expression of anything else (None for a stock, which is lowered later)."""
    lowering, ast = place.lowering, component.ast
    shape = tuple(lowering.axes[axis].size for axis in place.axes)
    if isinstance(ast, np.ndarray):
        if ast.size != int(np.prod(shape)):
            raise place.refuse(f"got {ast.size} numbers, the subscripts {list(place.axes)} need {int(np.prod(shape))}")
        return ast.astype(float).reshape(shape), None
    if type(ast).__name__ == "GetConstantsStructure":
        values = external.constant(place, component, symbol.dims)
        return values.reshape(shape), None
    if lowering.slots[symbol.slot].kind == "state":
        return None, None
    if type(ast).__name__ in DATA:
        return None, _data_part(place, symbol, component)
    node = place.real(ast)
    extra = [axis for axis in node.axes if axis not in place.axes]
    if extra:
        raise place.refuse(f"subscripts {extra} are neither on the left-hand side nor summed over")
    number = constant_value(node)
    return (None if number is None else np.full(shape, number)), node


def _fill(
    lowering: Lowering,
    symbol: SlotSymbol,
    refs: ir.Refs,
    axes: tuple[str, ...],
    mask: NDArray[np.bool_],
    value: NDArray[np.float64],
) -> None:
    full = lowering.defaults.setdefault(symbol.slot, np.full(lowering.slots[symbol.slot].shape, np.nan))
    if not symbol.dims:
        lowering.defaults[symbol.slot] = np.asarray(value, dtype=float).reshape(())
        return
    cells = tuple(index[mask] for index in _cells(lowering, axes, refs))
    full[cells] = value[mask]


def _undefined(place: Place, symbol: SlotSymbol, owner: NDArray[np.int64]) -> None:
    """Cells that no definition covers are NaN."""
    lowering = place.lowering
    lowering.defaults.pop(symbol.slot, None)
    if (owner >= 0).all():
        return
    axes, refs = place.scope.subscripts.target(symbol.dims, symbol.dims)
    here, nothing = replace(place, axes=axes), lowering.graph.number(float("nan"))
    mask = (owner < 0).reshape([lowering.axes[axis].size for axis in axes])
    if lowering.slots[symbol.slot].kind == "state":
        lowering.state(here, symbol.slot, refs, nothing, None, mask=mask)
    else:
        lowering.equations.append(ir.Equation(symbol.slot, axes, refs, nothing, mask, place.variable, place.line))


def _emit(
    place: Place,
    symbol: SlotSymbol,
    refs: ir.Refs,
    mask: NDArray[np.bool_] | None,
    node: ir.Expr | None,
    component: Any,
) -> None:
    lowering = place.lowering
    if lowering.slots[symbol.slot].kind == "state":
        try:
            initial = place.real(component.ast.initial)
            place.check_axes(initial)
            state = lowering.graph.read(symbol.slot, refs)
            following = stateful.integ_next(place, component.ast, state)
        except SimError:
            raise
        except ValueError as error:
            raise place.refuse(str(error)) from error
        lowering.state(place, symbol.slot, refs, initial, following, mask=mask)
        return
    if node is None:  # constants among other definitions
        value, _ = _right_hand_side(place, symbol, component)
        node = lowering.array(place, value) if value is not None else lowering.graph.number(float("nan"))
    equation = ir.Equation(symbol.slot, place.axes, refs, node, mask, place.variable, place.line)
    lowering.equations.append(equation)


def _draws(ast: Any) -> bool:
    """Whether an equation is a random function and nothing else."""
    return type(ast).__name__ == "CallStructure" and ast.function.reference.startswith("random_")


def _lower_random(place: Place, symbol: SlotSymbol, components: Sequence[Any]) -> None:
    """A variable that is a random function becomes a parameter under its own name."""
    lowering, before = place.lowering, len(place.lowering.extra)
    for component in components:
        lower_expression(replace(place, axes=symbol.dims), component.ast)
    stated = list(dict.fromkeys(one.doc for one in lowering.extra[before:]))
    del lowering.extra[before:]
    lowering.slots[symbol.slot] = replace(lowering.slots[symbol.slot], kind="input")
    lowering.random_input(symbol.slot, "; ".join(stated))


def _lower_data(place: Place, symbol: SlotSymbol, components: Sequence[Any]) -> None:
    lowering = place.lowering
    lowering.slots[symbol.slot] = replace(lowering.slots[symbol.slot], kind="input")
    series = external.data(place, components, symbol.dims, lowering.data_files)
    if series is None:
        lowering.missing[symbol.slot] = "a data variable without values: give them as a parameter over time"
    else:
        lowering.series[symbol.slot] = series


def _data_part(place: Place, symbol: SlotSymbol, component: Any) -> ir.Expr:
    """A data definition among others: its series in a separate slot."""
    lowering = place.lowering
    series = external.data(place, [component], symbol.dims, lowering.data_files)
    if series is None:
        raise place.refuse("a data variable has other definitions, but no values")
    axes, refs = place.scope.subscripts.target(component.subscripts[0], symbol.dims)
    values = series.values[(slice(None), *_cells(lowering, axes, refs))]
    slot = lowering.slot(place.variable, axes, "input")
    lowering.series[slot] = replace(series, values=values)
    return lowering.graph.read(slot, tuple(ir.Along(axis) for axis in axes))


def _check_constants(lowering: Lowering) -> None:
    """Raise Refused where a function needs a constant and is given what changes over time."""
    moving = {lowering.clock.time, *lowering.series, *lowering.missing, *(state.slot for state in lowering.states)}
    readers: dict[int, set[int]] = {}
    for one in lowering.equations if lowering.constants else ():
        for node in ir.walk(one.expr):
            if isinstance(node, ir.Read | ir.Recall):
                readers.setdefault(node.slot, set()).add(one.slot)
    queue = list(moving)
    while queue:
        for reader in readers.get(queue.pop(), set()) - moving:
            moving.add(reader)
            queue.append(reader)
    for place, expr, reason in lowering.constants:
        if any(isinstance(node, ir.Read | ir.Recall) and node.slot in moving for node in ir.walk(expr)):
            raise place.refuse(reason)


def _module(
    lowering: Lowering,
    scope: Scope,
    elements: Sequence[Any],
    dims: dict[str, tuple[str, ...]],
    lines: SourceLines,
    integration: str,
) -> ir.Module:
    variables = {}
    for element in elements:
        symbol = scope.symbols[clean(element.name)]
        slot = symbol.slot if isinstance(symbol, SlotSymbol) else None
        kind = _kind(lowering, clean(element.name), slot, element)
        limits = tuple(None if limit is None or not np.isfinite(limit) else float(limit) for limit in element.limits)
        variables[element.name] = ir.Variable(
            element.name, dims[element.name], element.units or "", element.documentation or "",
            (limits[0], limits[1]), kind, lines.find(element.name), slot,
        )  # fmt: skip
    variables |= {one.name: one for one in lowering.extra}
    initials = {
        one.slot: lowering.slot(f"{one.name} (initial value)", one.dims, "input")
        for one in variables.values()
        if one.kind == "stock" and one.slot is not None
    }
    return ir.Module(
        lowering.graph, lowering.axes, variables, lowering.slots, lowering.equations, lowering.states, lowering.tables,
        lowering.clock, lowering.defaults, lowering.series, lowering.missing, {}, lowering.structure,
        external.used(elements, scope.subscripts), integration, initials, lowering.distributions,
    )  # fmt: skip


def _kind(lowering: Lowering, key: str, slot: int | None, element: Any) -> ir.Kind:
    if slot is None:
        return "lookup"
    if key in CONTROLS:
        return "control"
    if lowering.slots[slot].kind == "state":
        return "stock"
    if slot in lowering.distributions:
        return "constant"
    if slot in lowering.series or slot in lowering.missing:
        return "data"
    return "constant" if lowering.slots[slot].kind == "input" else "auxiliary"
