"""A variable whose elements follow from each other (`x[next] = f(x[previous])`), written out element by element."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import replace

from sim.compiler import ir
from sim.compiler.ir import Along, Expr, Graph, Interp, Read, Recall, Refs, children, walk
from sim.compiler.lowering.place import Lowering

MOST = 1000  # elements that are written out


def write_out(lowering: Lowering) -> None:
    """Replace equations that read other elements of their own variable by one for each element."""
    written: list[ir.Equation] = []
    for one in lowering.equations:
        own = [node for node in walk(one.expr) if isinstance(node, Read) and node.slot == one.slot]
        if one.axes and any(node.refs != one.refs for node in own):
            written.extend(_elements(lowering, one))
        else:
            written.append(one)
    lowering.equations[:] = written


def _elements(lowering: Lowering, one: ir.Equation) -> list[ir.Equation]:
    sizes = [lowering.axes[axis].size for axis in one.axes]
    points = list(itertools.product(*map(range, sizes)))
    if len(points) > MOST:
        return [one]
    return [
        replace(one, axes=(), refs=_refs(one.refs, at), expr=_fixed(lowering.graph, one.expr, at), mask=None)
        for point in points
        if one.mask is None or one.mask[point]
        for at in (dict(zip(one.axes, point, strict=True)),)
    ]


def _refs(refs: Refs, at: Mapping[str, int]) -> Refs:
    return tuple(
        (ref.map[at[ref.axis]] if ref.map else at[ref.axis]) if isinstance(ref, Along) and ref.axis in at else ref
        for ref in refs
    )


def _fixed(graph: Graph, expr: Expr, at: Mapping[str, int]) -> Expr:
    """An expression at one point of its loops."""
    done: dict[int, Expr] = {}
    for node in walk(expr):
        args = tuple(done[id(child)] for child in children(node))
        if isinstance(node, Read):
            done[id(node)] = graph.read(node.slot, _refs(node.refs, at))
        elif isinstance(node, Interp):
            done[id(node)] = graph.interp(node.table, _refs(node.refs, at), args[0])
        elif isinstance(node, Recall):
            done[id(node)] = graph.recall(node.slot, _refs(node.refs, at), *args)
        elif isinstance(node, ir.Vector) and set(node.over) & set(at):
            raise ValueError("a row operation on elements that follow from each other is not supported")
        else:
            done[id(node)] = graph.rebuild(node, args)
    return done[id(expr)]
