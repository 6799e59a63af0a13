"""Variables whose elements follow from each other (`x[next] = f(x[previous])`): statements written out by element."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import replace

from sim.compiler.ir import Along, Expr, Graph, Interp, Read, Recall, Refs, Vector, children, walk
from sim.compiler.plan.program import Statement

MOST = 1000  # elements of one statement that are written out


def by_element(graph: Graph, one: Statement, sizes: Mapping[str, int]) -> list[Statement]:
    """A statement for every point of the loops of another; itself alone where that cannot be."""
    points = list(itertools.product(*(range(sizes[axis]) for axis in one.axes)))
    rows = any(isinstance(node, Vector) and {*node.over} & {*one.axes} for node in walk(one.expr))
    if not one.axes or rows or len(points) > MOST:
        return [one]
    made = []
    for point in points:
        if one.mask is None or one.mask[point]:
            at = dict(zip(one.axes, point, strict=True))
            made.append(replace(one, axes=(), refs=_refs(one.refs, at), expr=_fixed(graph, one.expr, at), mask=None))
    return made


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
        else:
            done[id(node)] = graph.rebuild(node, args)
    return done[id(expr)]
