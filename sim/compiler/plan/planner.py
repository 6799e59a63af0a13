"""Planning: from a module, given inputs and wanted outputs to two programs."""

from __future__ import annotations

from collections.abc import Sequence

from sim.compiler.ir import Module
from sim.compiler.plan import dependence, hoist, integration, schedule
from sim.compiler.plan.dependence import STEP, Given, Work
from sim.compiler.plan.program import ExecutionPlan, Input, Program, Statement


def make_plan(module: Module, given: Given, outputs: Sequence[int]) -> ExecutionPlan:
    """The programs that compute the output slots.

    Raises:
        CircularError: equations or initial values that need each other.
    """
    module, given, shifted = integration.written_out(module, given)
    work = dependence.start(module, given)
    dependence.prune(work, outputs)
    dependence.classify(work)
    hoist.hoist(work)
    of_member = [slot for slot in outputs if work.member[slot]]
    of_common = [slot for slot in outputs if not work.member[slot]]
    member = schedule.stages(work, True, of_member)
    computed = {slot for group in (work.values, work.initial) for slot in group if not work.member[slot]}
    imports = [slot for slot in _reads(work, member) if slot in computed]
    common = schedule.stages(work, False, [*of_common, *imports])
    static = tuple(slot for slot in imports if work.level[slot] < STEP)
    moving = tuple(slot for slot in imports if work.level[slot] == STEP)
    exported = tuple(dict.fromkeys([*of_common, *imports]))
    return ExecutionPlan(
        _program(work, common, exported, (), single=True) if exported else None,
        _program(work, member, of_member, imports, single=False) if of_member else None,
        static,
        moving,
        {slot: (one.slot, one.fraction) for slot, one in shifted.items()},
    )


def check_order(module: Module) -> None:
    """Raise CircularError if the equations of a module cannot be ordered."""
    work = dependence.start(module, Given())
    dependence.classify(work)
    schedule.stages(work, False, range(len(work.slots)))


def _reads(work: Work, stages: Sequence[Sequence[Statement]]) -> list[int]:
    nodes = (node for stage in stages for one in stage for node in work.reads(one.expr))
    return list(dict.fromkeys(node.slot for node in nodes))


def _program(
    work: Work, stages: schedule.Stages, outputs: Sequence[int], imported: Sequence[int], *, single: bool
) -> Program:
    """A program; one for many members tells inputs common to all of them apart from those of each."""
    written = {one.slot for stage in stages for one in stage}
    read = [
        slot for slot in dict.fromkeys([*_reads(work, stages), *outputs]) if slot not in written or slot in imported
    ]
    const, init, settled, step = (tuple(stage) for stage in stages)
    return Program(
        slots=tuple(work.slots),
        sizes={name: axis.size for name, axis in work.module.axes.items()},
        tables=tuple(work.module.tables),
        inputs=tuple(
            Input(slot, work.level[slot] == STEP, not single and not work.member[slot], work.member[slot])
            for slot in read
        ),
        const=const,
        init=init,
        settled=settled,
        step=step,
        states=tuple(sorted({one.slot for one in step if one.target == "next"})),
        histories=tuple(sorted({one.slot for one in step if one.target == "record"})),
        outputs=tuple(outputs),
        single=single,
    )
