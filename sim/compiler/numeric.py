"""What every elementwise operation means, in NumPy: the definition that the other back ends must match."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

Array = NDArray[Any]
SMALL = 1e-6


def _integer(x: Array) -> Array:
    return np.trunc(x)


def _quantum(a: Array, b: Array) -> Array:
    return np.where(b < SMALL, a, b * _integer(a / b))


OPERATIONS: Mapping[str, Callable[..., Array]] = {
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "div": np.true_divide,
    "pow": np.power,
    "minimum": np.minimum,
    "maximum": np.maximum,
    "neg": np.negative,
    "abs": np.abs,
    "exp": np.exp,
    "ln": np.log,
    "sqrt": np.sqrt,
    "sin": np.sin,
    "cos": np.cos,
    "tan": np.tan,
    "arcsin": np.arcsin,
    "arccos": np.arccos,
    "arctan": np.arctan,
    "sinh": np.sinh,
    "cosh": np.cosh,
    "tanh": np.tanh,
    "integer": _integer,
    "round": np.round,
    "gamma ln": gammaln,
    "quantum": _quantum,
    "modulo": lambda x, m: x - _quantum(x, m),
    "remainder": np.remainder,
    "zidz": lambda a, b: np.where(np.abs(b) < SMALL, 0.0, a / b),
    "xidz": lambda a, b, x: np.where(np.abs(b) < SMALL, x, a / b),
    "lt": np.less,
    "le": np.less_equal,
    "gt": np.greater,
    "ge": np.greater_equal,
    "eq": np.equal,
    "ne": np.not_equal,
    "and": np.logical_and,
    "or": np.logical_or,
    "not": np.logical_not,
    "select": np.where,
    "number": lambda b: np.asarray(b).astype(np.float64),
    "truth": lambda x: np.not_equal(x, 0),
}
