"""Hoisting: parts of an expression that are known earlier, are common to all members, or need fewer loops get a
temporary of their own. Equal parts share one.
"""

from __future__ import annotations

from sim.compiler.ir import COSTLY, Along, Apply, Expr, Interp, Number, Read, Reduce, Vector, children
from sim.compiler.plan.dependence import SETTLED, STEP, Work
from sim.compiler.plan.program import Statement


def hoist(work: Work) -> None:
    """Rewrite all statements of `work`."""
    hoister = _Hoister(work)
    for group in (work.values, work.initial, work.following):
        for slot in list(group):
            group[slot] = [hoister.statement(one) for one in group[slot]]
    for temporary in hoister.made:
        work.values.setdefault(temporary.slot, []).append(temporary)


class _Hoister:
    def __init__(self, work: Work) -> None:
        self.work = work
        self.made: list[Statement] = []
        self.temporaries: dict[int, Expr] = {}
        self.categories: dict[int, tuple[int, bool]] = {}
        self.costly: dict[int, bool] = {}

    def statement(self, one: Statement) -> Statement:
        """The statement over temporaries."""
        once = one.target == "value" and one.slot in self.work.initial
        level = SETTLED if once else self.work.level[one.slot] if one.target == "value" else STEP
        expr = self._rewrite(one.expr, (level, self.work.member[one.slot]), one.axes, root=True, label=one.label)
        return Statement(one.slot, one.axes, one.refs, expr, one.mask, one.target, one.label)

    def _rewrite(self, node: Expr, place: tuple[int, bool], axes: tuple[str, ...], *, root: bool, label: str) -> Expr:
        if isinstance(node, Number | Read):
            return node
        if self._apart(node, place, axes, root):
            return self._temporary(node, label)
        inner = (*axes, *node.over) if isinstance(node, Reduce) else axes
        args = tuple(self._rewrite(child, place, inner, root=False, label=label) for child in children(node))
        return self.work.graph.rebuild(node, args)

    def _apart(self, node: Expr, place: tuple[int, bool], axes: tuple[str, ...], root: bool) -> bool:
        if isinstance(node, Vector):
            return not (root and set(node.axes) == set(axes))
        if isinstance(node, Reduce):
            return not (root and set(node.axes) == set(axes))
        level, member = self._category(node)
        if level < place[0] or member < place[1]:
            return True
        return set(node.axes) < set(axes) and self._is_costly(node)

    def _is_costly(self, node: Expr) -> bool:
        if id(node) not in self.costly:
            own = isinstance(node, Interp) or (isinstance(node, Apply) and node.op in COSTLY)
            self.costly[id(node)] = own or any(self._is_costly(child) for child in children(node))
        return self.costly[id(node)]

    def _category(self, node: Expr) -> tuple[int, bool]:
        if id(node) not in self.categories:
            self.categories[id(node)] = self.work.category(node)
        return self.categories[id(node)]

    def _temporary(self, node: Expr, label: str) -> Expr:
        real = self.work.graph.real(node)
        if id(real) not in self.temporaries:
            work = self.work
            axes = (*(axis for axis in node.axes if axis not in _over(node)), *_over(node))
            slot = work.slot(f"part of {label}", axes)
            work.level[slot], work.member[slot] = self._category(node)
            refs = tuple(Along(axis) for axis in axes)
            expr = self._rewrite(real, self._category(node), axes, root=True, label=label)
            self.made.append(Statement(slot, axes, refs, expr, None, "value", label))
            self.temporaries[id(real)] = work.graph.read(slot, refs)
        read = self.temporaries[id(real)]
        return read if node.type == "real" else self.work.graph.apply("ne", read, self.work.graph.number(0))


def _over(node: Expr) -> tuple[str, ...]:
    """Axes that must stay last: those of a row operation."""
    return tuple(axis for axis in node.over if axis in node.axes) if isinstance(node, Vector) else ()
