"""A model for the browser: WebAssembly of the kernels' C text, and a plain description that `runtime.js` reads.

The description (JSON) names the inputs and outputs of a run. Values that the page does not set (constants, series at
every step) are in one list of float64 beside it, so that the page needs neither Python nor the model file.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.clock import Grid
from sim.compiler.codegen import wasm_build
from sim.compiler.codegen.codegen_c import CSource, generate_c
from sim.compiler.codegen.input_values import common_inputs
from sim.compiler.ir import Module, Variable
from sim.compiler.plan.planner import make_plan
from sim.compiler.plan.program import ExecutionPlan, Input, Program
from sim.design import Request

Values = NDArray[np.float64]
RUNTIME = Path(__file__).parent / "compiler" / "codegen" / "runtime.js"
WIDTH = 4  # members of a block: as fast as native's 8, and a run that is superseded ends after half the time
KERNEL, DESCRIPTION, DATA = "kernel.wasm", "kernel.json", "kernel.f64"


@dataclass(frozen=True, slots=True, eq=False)
class WasmExport:
    """Everything that a page needs to run a model except the compiled kernel; no compiler is needed for it.

    Attributes:
        texts: the C text of each program, by the name that its function has in the kernel.
        description: plain data that `runtime.js` reads.
        data: values of the inputs that the page does not set.
    """

    texts: Mapping[str, str]
    description: Mapping[str, Any]
    data: Values

    @property
    def key(self) -> str:
        """SHA-256 of the C text, which identifies a built kernel."""
        whole = "\0".join(f"{name}\n{text}" for name, text in self.texts.items())
        return hashlib.sha256(whole.encode()).hexdigest()

    def build(self) -> bytes:
        """The kernel. Raises CompilerError where the package `ziglang` is missing or fails."""
        return wasm_build.build(self.texts)

    def write(self, folder: Path) -> None:
        """Kernel, description, data and runtime as files of a folder."""
        kernel = self.build()
        folder.mkdir(parents=True, exist_ok=True)
        (folder / KERNEL).write_bytes(kernel)
        (folder / DESCRIPTION).write_text(json.dumps(self.description, ensure_ascii=False), encoding="utf-8")
        (folder / DATA).write_bytes(self.data.astype("<f8").tobytes())
        (folder / RUNTIME.name).write_bytes(RUNTIME.read_bytes())


def export(module: Module, request: Request, outputs: Sequence[Variable], grid: Grid) -> WasmExport:
    """The export of a model for the inputs of a request; the values of its members are left to the page."""
    slots = tuple(dict.fromkeys(one.slot for one in outputs if one.slot is not None))
    plan = make_plan(module, request.given, slots)
    writer = _Writer(module, request, plan, grid)
    programs: dict[str, Any] = {}
    texts: dict[str, str] = {}
    ranged: dict[str, Any] | None = None
    for name, program in (("common", plan.common), ("member", plan.member)):
        if program is None:
            programs[name] = None
            continue
        source = generate_c(program, 1 if program.single else WIDTH, resumes=True)
        texts[f"run_{name}"] = source.text
        programs[name] = writer.program(program, source)
        if source.ranged:
            ranged = {"dim": source.ranged, "size": program.sizes[source.ranged]}
    described = {
        "width": WIDTH,
        "steps": len(grid.times),
        "saved": grid.saved.tolist(),
        "times": [float(time) for time in grid.labels],
        "range": ranged,
        "programs": programs,
        "outputs": [
            {"name": one.name, "slot": one.slot, "dims": list(one.dims), "units": one.units} for one in outputs
        ],
        "dims": {dim: list(module.axes[dim].elements) for one in outputs for dim in one.dims},
    }
    data = np.concatenate(writer.data) if writer.data else np.zeros(1)
    return WasmExport(texts, described, data)


class _Writer:
    """Describes programs; collects the values of their inputs."""

    def __init__(self, module: Module, request: Request, plan: ExecutionPlan, grid: Grid) -> None:
        self.module, self.request, self.plan, self.grid = module, request, plan, grid
        self.names = {one.slot: one.name for one in module.variables.values() if one.slot is not None}
        self.names |= {slot: self.names[stock] for stock, slot in module.initials.items()}
        self.data: list[Values] = []
        self.length = 0

    def program(self, program: Program, source: CSource) -> dict[str, Any]:
        """Inputs by region in the order of the kernel, and outputs in the order of its rows."""
        by_slot = {one.slot: one for one in program.inputs}
        values = common_inputs(
            self.module,
            program.inputs,
            self.request.common,
            self.request.common_series,
            self.grid.times,
            self.plan.shifted,
        )
        layout = source.layout
        regions = {
            "uc": layout.uniform_const,
            "us": layout.uniform_moving,
            "mc": layout.const,
            "ms": layout.moving,
        }
        return {
            "inputs": {
                region: [self._input(by_slot[slot], program, values.get(slot)) for slot in slots]
                for region, slots in regions.items()
            },
            "outputs": [{"slot": slot, "cells": program.slots[slot].size} for slot in program.outputs],
            "states": 0 if layout.sizes["p"] else layout.sizes["s"],  # none: a run cannot begin in the middle
            "cells": layout.sizes["w"] + 2 * layout.sizes["s"] + len(self.grid.times) * layout.sizes["p"],
        }

    def _input(self, one: Input, program: Program, values: Values | None) -> dict[str, Any]:
        source, fraction = self.plan.shifted.get(one.slot, (one.slot, 0.0))
        entry: dict[str, Any] = {"slot": one.slot, "cells": program.slots[one.slot].size}
        if source in self.names:
            entry |= {"name": self.names[source]} | ({"later": fraction} if fraction else {})
        if one.member:
            return entry | {"from": "design"}
        if values is None:
            return entry | {"from": "common"}
        flat = np.ascontiguousarray(values, dtype=float).reshape(-1)
        at, self.length = self.length, self.length + len(flat)
        self.data.append(flat)
        return entry | {"from": "data", "at": at}
