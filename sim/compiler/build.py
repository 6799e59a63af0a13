"""Numbers that decide the structure of a model (orders of delays): worked out before the final lowering."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from sim.compiler.codegen.input_values import common_inputs
from sim.compiler.codegen.kernel import KernelJob
from sim.compiler.codegen.numpy_backend import NumpyKernel
from sim.compiler.ir import Module, Read, walk
from sim.compiler.lowering.lower import lower_model
from sim.compiler.plan.dependence import Given
from sim.compiler.plan.planner import make_plan
from sim.errors import Refused, SimError

ROUNDS = 3


def build_module(abstract: Any, path: Path, data_files: Any, random: str = "refuse") -> Module:
    """The module of an abstract model; `random` says what becomes of random functions (`refuse` or `parameters`).

    Raises:
        Refused: an order that is not known before the run.
    """
    known: tuple[float, ...] = ()
    for _ in range(ROUNDS):
        module = lower_model(abstract, path, data_files, known, random)
        found = _values(module)
        if found == known:
            _fix(module)
            return module
        known = found
    raise SimError(f"{path}: the orders of delays depend on each other")


def _values(module: Module) -> tuple[float, ...]:
    if not module.structure:
        return ()
    slots = list(dict.fromkeys(slot for slot, _ in module.structure))
    made_plan = make_plan(replace(module, integration="euler"), Given(), slots)
    made = made_plan.common
    assert made is not None
    start = module.defaults.get(module.clock.initial, np.zeros(()))
    inputs = common_inputs(module, made.inputs, {}, {}, np.array([float(start)]), made_plan.shifted)
    results = NumpyKernel(made).run(KernelJob(1, 1, np.zeros(1, dtype=np.int64), inputs), 1)
    values = tuple(float(results[slot][0, 0, 0]) for slot, _ in module.structure)
    for value, (_, label) in zip(values, module.structure, strict=True):
        if not np.isfinite(value):
            raise Refused(label, None, f"the order of a delay or a choice of method is {value}")
    return values


def _fix(module: Module) -> None:
    """Constants that decide the structure cannot be parameters."""
    reads: dict[int, list[int]] = {}
    for one in module.equations:
        reads.setdefault(one.slot, []).extend(node.slot for node in walk(one.expr) if isinstance(node, Read))
    for slot, label in module.structure:
        queue = [slot]
        while queue:
            current = queue.pop()
            if current not in module.fixed:
                module.fixed[current] = f"it decides the order of a delay or the method of a function in {label!r}"
                queue.extend(reads.get(current, ()))
