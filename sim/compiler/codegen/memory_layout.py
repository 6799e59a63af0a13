"""Where the slots of a program are stored in a native kernel."""

from __future__ import annotations

from dataclasses import dataclass, field

from sim.compiler.plan.program import Program


@dataclass(slots=True)
class MemoryLayout:
    """Where slots are.

    Attributes:
        place: slot → (region, offset in cells); regions are w, s, p, uc, us.
        sizes: cells of every region.
        const, moving: slots of member inputs, one for the run and one per step, in the order of their columns.
        uniform_const, uniform_moving: the same of uniform inputs.
    """

    place: dict[int, tuple[str, int]] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=lambda: dict.fromkeys(("w", "s", "p", "uc", "us"), 0))
    const: list[int] = field(default_factory=list)
    moving: list[int] = field(default_factory=list)
    uniform_const: list[int] = field(default_factory=list)
    uniform_moving: list[int] = field(default_factory=list)

    @classmethod
    def of(cls, program: Program, skip: set[int]) -> MemoryLayout:
        """Lay out all slots of a program but those in `skip`, which live in registers."""
        layout = cls()
        for one in program.inputs:
            group = {
                (False, False): layout.const,
                (True, False): layout.moving,
                (False, True): layout.uniform_const,
                (True, True): layout.uniform_moving,
            }[one.per_step, one.uniform]
            group.append(one.slot)
        for slot in (*layout.const, *layout.moving):
            layout._put(program, slot, "w")
        for slot in layout.uniform_const:
            layout._put(program, slot, "uc")
        for slot in layout.uniform_moving:
            layout._put(program, slot, "us")
        for slot in program.states:
            layout._put(program, slot, "s")
        for slot in program.histories:
            layout._put(program, slot, "p")
        for slot in sorted({one.slot for stage in program.stages for one in stage} - skip):
            if slot not in layout.place:
                layout._put(program, slot, "w")
        return layout

    def _put(self, program: Program, slot: int, region: str) -> None:
        self.place[slot] = (region, self.sizes[region])
        self.sizes[region] += program.slots[slot].size
