"""Folding: the value of an expression that reads nothing."""

from __future__ import annotations

from typing import Any

import numpy as np

from sim.compiler.ir import Apply, Expr, Number
from sim.compiler.numeric import OPERATIONS


def constant_value(node: Expr) -> float | None:
    """The constant value of an expression, None if it reads a slot or a table."""
    with np.errstate(all="ignore"):
        value = _fold(node)
    return None if value is None else float(value)


def _fold(node: Expr) -> Any:
    if isinstance(node, Number):
        return np.float64(node.value)
    if not isinstance(node, Apply) or node.op not in OPERATIONS:
        return None
    args = [_fold(arg) for arg in node.args]
    if any(arg is None for arg in args):
        return None
    return OPERATIONS[node.op](*args)
