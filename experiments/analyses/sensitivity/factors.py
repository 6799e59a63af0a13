"""Uncertain inputs as factors of a sensitivity analysis, and the guards that every analysis shares."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from models.reading.faults import InputError

Array = NDArray[np.float64]
Evaluate = Callable[[pd.DataFrame], Array]
"""A design (rows = runs, columns = factors in their own units) → outputs (runs,) or (runs, outputs)."""

DUMMY = "dummy"
"""An input that the model never sees: what an analysis finds for it is the analysis's own noise."""

EDGE = 1e-6  # unbounded distributions are cut at this probability on either side


@dataclass(frozen=True)
class Factor:
    """One uncertain input.

    name: column of the design; low, high: the range of a uniform one; choices: the values of a discrete input, equally
    likely, in its place; inverse: the quantile function of any other distribution (`calibration.prior.inverse` has
    those of the table of parameters); group: for grouped indices.
    """

    name: str
    low: float = 0.0
    high: float = 1.0
    choices: tuple[object, ...] = ()
    group: str = ""
    unit: str = ""
    meaning: str = ""
    inverse: Callable[[Array], Array] | None = None

    def __post_init__(self) -> None:
        if self.inverse is None and not self.choices and not self.low < self.high:
            raise InputError(f"factor {self.name!r}: low {self.low:g} must be below high {self.high:g}")

    def quantile(self, u: Array) -> NDArray[Any]:
        """Value of the factor at probability u, same shape as u."""
        inside = np.clip(u, EDGE, 1 - EDGE)
        if self.choices:
            values: NDArray[Any] = np.asarray(self.choices)
            picked: NDArray[Any] = values[np.minimum((inside * len(values)).astype(int), len(values) - 1)]
            return picked
        return np.asarray(self.inverse(inside) if self.inverse else self.low + (self.high - self.low) * inside)


def with_dummy(factors: Sequence[Factor]) -> tuple[Factor, ...]:
    """The factors and the dummy input; refuses repeated names."""
    names = [f.name for f in factors]
    repeated = sorted({n for n in names if names.count(n) > 1} | ({DUMMY} & set(names)))
    if repeated:
        raise InputError(f"factors named twice (or named {DUMMY!r}): {', '.join(repeated)}")
    return (*factors, Factor(DUMMY, group=DUMMY))


def problem(factors: Sequence[Factor], groups: bool = False) -> dict[str, object]:
    """The factors as SALib's problem on the unit cube; `groups` merges factors of one group."""
    out: dict[str, object] = {
        "num_vars": len(factors),
        "names": [f.name for f in factors],
        "bounds": [[0.0, 1.0]] * len(factors),
    }
    if groups:
        out["groups"] = [f.group or f.name for f in factors]
    return out


def design(factors: Sequence[Factor], unit: Array) -> pd.DataFrame:
    """Points of the unit cube (runs, factors) in the factors' own units, without the dummy."""
    return pd.DataFrame({f.name: f.quantile(unit[:, j]) for j, f in enumerate(factors) if f.name != DUMMY})


def seeds(seed: int, n: int) -> list[int]:
    """As many (n) independent integer seeds ≥ 1 from one root (SALib ignores a seed of 0)."""
    return [int(s.generate_state(1)[0]) or 1 for s in np.random.SeedSequence(seed).spawn(n)]


@contextmanager
def global_state_kept() -> Iterator[None]:
    """Restore NumPy's global random state, which several SALib routines reset."""
    state = np.random.get_state()  # noqa: NPY002 - the global state is what is protected
    try:
        yield
    finally:
        np.random.set_state(state)  # noqa: NPY002


class NonFiniteError(RuntimeError):
    """Outputs that are not finite; `rows` is the part of the design that gave them."""

    def __init__(self, rows: pd.DataFrame, total: int) -> None:
        self.rows = rows
        super().__init__(
            f"{len(rows)} of {total} runs gave NaN or infinity; one is enough to make every index wrong, so none is "
            f"computed. Narrow the ranges or mend the model at (first {min(5, len(rows))}):\n{rows.head().to_string()}"
        )


def finite(outputs: Array, points: pd.DataFrame) -> Array:
    """The outputs as (runs, outputs) floats, or NonFiniteError with the offending rows of the design."""
    y = np.asarray(outputs, dtype=float)
    y = y[:, None] if y.ndim == 1 else y
    if y.shape[0] != len(points):
        raise ValueError(f"the model returned {y.shape[0]} rows for a design of {len(points)}")
    bad = ~np.isfinite(y).all(axis=1)
    if bad.any():
        raise NonFiniteError(points[bad], len(points))
    return y


def labels(outputs: Sequence[str] | None, k: int) -> list[str]:
    """Names of k outputs."""
    names = list(outputs) if outputs is not None else [f"output {i + 1}" for i in range(k)] if k > 1 else ["output"]
    if len(names) != k:
        raise ValueError(f"{k} outputs but {len(names)} names")
    return names
