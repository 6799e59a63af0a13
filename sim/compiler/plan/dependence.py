"""What is needed, what changes over time and what differs between members."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from sim.compiler import ir
from sim.compiler.ir import Apply, Expr, Graph, Module, Read, Recall, children, walk
from sim.compiler.plan.program import Statement

CONST, SETTLED, STEP = 0, 1, 2


@dataclass(frozen=True, slots=True)
class Given:
    """Slots whose values come from outside: for all members or for each, fixed or over time."""

    common: frozenset[int] = frozenset()
    common_series: frozenset[int] = frozenset()
    member: frozenset[int] = frozenset()
    member_series: frozenset[int] = frozenset()

    @property
    def all(self) -> frozenset[int]:
        """Every given slot."""
        return self.common | self.common_series | self.member | self.member_series


@dataclass(slots=True)
class Work:
    """Statements under transformation, by the slot that they write.

    `level` and `member` say of every slot when its value is known (CONST: before stocks are initialised,
    SETTLED: right after, STEP: at every step) and whether it differs between members.
    """

    module: Module
    given: Given
    slots: list[ir.Slot]
    values: dict[int, list[Statement]] = field(default_factory=dict)
    initial: dict[int, list[Statement]] = field(default_factory=dict)
    following: dict[int, list[Statement]] = field(default_factory=dict)
    level: dict[int, int] = field(default_factory=dict)
    member: dict[int, bool] = field(default_factory=dict)
    seen: dict[int, tuple[Expr, tuple[Read | Recall, ...]]] = field(default_factory=dict)

    def reads(self, node: Expr) -> tuple[Read | Recall, ...]:
        """What an expression reads (kept, with the node, for the next time it is asked)."""
        if id(node) not in self.seen:
            self.seen[id(node)] = node, tuple(one for one in walk(node) if isinstance(one, Read | Recall))
        return self.seen[id(node)][1]

    @property
    def graph(self) -> Graph:
        """Maker of nodes."""
        return self.module.graph

    def statements(self) -> Iterable[Statement]:
        """All statements."""
        for group in (self.values, self.initial, self.following):
            for statements in group.values():
                yield from statements

    def slot(self, label: str, dims: tuple[str, ...]) -> int:
        """New storage for a temporary."""
        shape = tuple(self.module.axes[dim].size for dim in dims)
        self.slots.append(ir.Slot(len(self.slots), label, dims, shape, "value"))
        return len(self.slots) - 1

    def category(self, node: Expr) -> tuple[int, bool]:
        """Level and member dependence of an expression."""
        level, member = CONST, False
        for one in self.reads(node):
            level = max(level, self.level.get(one.slot, CONST), STEP if isinstance(one, Recall) else CONST)
            member = member or self.member.get(one.slot, False)
        return level, member


def start(module: Module, given: Given) -> Work:
    """The statements of a module, without those of given slots and with ACTIVE INITIAL resolved."""
    work = Work(module, given, list(module.slots))
    running = _Rewrite(work, initial=False)
    for one in module.equations:
        if one.slot not in given.all:
            expr = running(one.expr)
            work.values.setdefault(one.slot, []).append(
                Statement(one.slot, one.axes, one.refs, expr, one.mask, "value", one.label)
            )
    beginning = _Rewrite(work, initial=True)
    for state in module.states:
        if state.slot not in given.all:
            _add_state(work, state, beginning, running)
    return work


def _add_state(work: Work, state: ir.StateEquation, beginning: _Rewrite, running: _Rewrite) -> None:
    slot, axes, refs, mask, label = state.slot, state.axes, state.refs, state.mask, state.label
    history = work.slots[slot].kind == "history"
    if not history:
        given = work.module.initials.get(slot)
        expr = beginning(state.initial) if given not in work.given.all else work.graph.read(given, refs)
        work.initial.setdefault(slot, []).append(Statement(slot, axes, refs, expr, mask, "value", label))
    moving = any(other.next is not None for other in work.module.states if other.slot == slot)
    if moving:
        expr = running(state.next) if state.next is not None else work.graph.read(slot, refs)
        target = Statement(slot, axes, refs, expr, mask, "record" if history else "next", label)
        work.following.setdefault(slot, []).append(target)


class _Rewrite:
    """Chooses the arms of ACTIVE INITIAL: the second while stocks are initialised, the first afterwards.

    What an initialisation reads through other variables is computed in copies of them, where the arms differ.
    """

    def __init__(self, work: Work, initial: bool) -> None:
        self.work, self.initial = work, initial
        self.done: dict[int, Expr] = {}
        self.alias: dict[int, int] = {}
        self.sensitive = _sensitive(work.module, work.given) if initial else frozenset()

    def __call__(self, node: Expr) -> Expr:
        for one in walk(node):
            if id(one) not in self.done:
                self.done[id(one)] = self._one(one)
        return self.done[id(node)]

    def _one(self, node: Expr) -> Expr:
        graph = self.work.graph
        if isinstance(node, Apply) and node.op == "active initial":
            return self.done[id(node.args[1 if self.initial else 0])]
        if isinstance(node, Read) and node.slot in self.sensitive:
            return graph.read(self._copy(node.slot), node.refs)
        return graph.rebuild(node, tuple(self.done[id(child)] for child in children(node)))

    def _copy(self, slot: int) -> int:
        if slot not in self.alias:
            original = self.work.slots[slot]
            self.alias[slot] = copy = self.work.slot(f"{original.label} (at the start)", original.dims)
            for one in [one for one in self.work.module.equations if one.slot == slot]:
                expr = self(one.expr)
                statement = Statement(copy, one.axes, one.refs, expr, one.mask, "value", one.label)
                self.work.values.setdefault(copy, []).append(statement)
        return self.alias[slot]


def _sensitive(module: Module, given: Given) -> frozenset[int]:
    """Value slots that differ between initialisation and running: those that depend on an ACTIVE INITIAL."""
    reads: dict[int, set[int]] = {}
    found: set[int] = set()
    for one in module.equations:
        if one.slot in given.all:
            continue
        for node in walk(one.expr):
            if isinstance(node, Apply) and node.op == "active initial":
                found.add(one.slot)
            elif isinstance(node, Read) and module.slots[node.slot].kind == "value":
                reads.setdefault(node.slot, set()).add(one.slot)
    queue = list(found)
    while queue:
        for reader in reads.get(queue.pop(), ()):
            if reader not in found:
                found.add(reader)
                queue.append(reader)
    return frozenset(found)


def prune(work: Work, outputs: Iterable[int]) -> None:
    """Drop the statements that the outputs do not need."""
    needed: set[int] = set()
    queue = list(outputs)
    while queue:
        slot = queue.pop()
        if slot in needed:
            continue
        needed.add(slot)
        for group in (work.values, work.initial, work.following):
            for statement in group.get(slot, ()):
                queue.extend(node.slot for node in work.reads(statement.expr))
    for group in (work.values, work.initial, work.following):
        for slot in set(group) - needed:
            del group[slot]


def classify(work: Work) -> None:
    """Set `level` and `member` of every slot: the least that is consistent with all statements."""
    given, module = work.given, work.module
    for slot in range(len(work.slots)):
        moving = slot == module.clock.time or slot in given.common_series | given.member_series
        moving = moving or (slot in module.series and slot not in given.all) or slot in work.following
        work.level[slot] = STEP if moving else SETTLED if slot in work.initial else CONST
        work.member[slot] = slot in given.member | given.member_series
    readers: dict[int, list[Statement]] = {}
    for statement in work.statements():
        for node in work.reads(statement.expr):
            readers.setdefault(node.slot, []).append(statement)
    queue = list(work.statements())
    while queue:
        statement = queue.pop()
        level, member = work.category(statement.expr)
        slot = statement.slot
        level = max(work.level[slot], level if slot in work.values else CONST)
        member = work.member[slot] or member
        if (level, member) != (work.level[slot], work.member[slot]):
            work.level[slot], work.member[slot] = level, member
            queue.extend(readers.get(slot, ()))
        queue.extend(_share_histories(work, statement, readers))


def _share_histories(work: Work, statement: Statement, readers: dict[int, list[Statement]]) -> list[Statement]:
    """A history recalled with a lag that differs between members is kept for each member."""
    changed: list[Statement] = []
    for node in work.reads(statement.expr):
        if isinstance(node, Recall) and not work.member[node.slot] and work.category(node)[1]:
            work.member[node.slot] = True
            changed += readers.get(node.slot, [])
    return changed
