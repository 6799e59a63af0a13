"""A polynomial of second order in place of the model, with its error on members that it never saw.

y ≈ b₀ + Σ bᵢ zᵢ + Σ bᵢᵢ zᵢ² + Σ bᵢⱼ zᵢ zⱼ on standardised inputs, fitted by ridge regression (Hoerl & Kennard 1970,
Technometrics 12, 55-67), its penalty by generalised cross-validation (Golub, Heath & Wahba 1979, Technometrics 21,
215-223); response surfaces: Box & Draper (2007). NumPy alone: a library would add a dependency for twenty lines.
Squares and products are of the inputs that move the output most, as many as the members can carry.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from experiments.analyses.sensitivity.factors import Array, finite
from models.reading.faults import InputError, refuse

LEAST_R2 = 0.8
"""Share of the held-out variance below which an emulator answers nothing."""
HELD_OUT, MEMBERS_A_TERM = 0.25, 3
PENALTIES = np.logspace(-6, 4, 41)


@dataclass(frozen=True)
class Emulator:
    """A fitted emulator.

    names: the inputs; curved: positions of those with squares and products; r2, rmse: share of the variance explained,
    and root mean square error in the output's unit, on the held-out members; fitted, held_out: how many members.
    """

    names: tuple[str, ...]
    curved: tuple[int, ...]
    centre: Array
    spread: Array
    low: Array
    high: Array
    weights: Array
    r2: float
    rmse: float
    fitted: int
    held_out: int

    def __str__(self) -> str:
        """What it is and how well it does."""
        return (
            f"emulator of {len(self.names)} inputs ({len(self.curved)} with squares and products), fitted to "
            f"{self.fitted} members: R² {self.r2:.2f} and error {self.rmse:.3g} on {self.held_out} others"
        )

    def predict(self, inputs: pd.DataFrame) -> Array:
        """The output (rows,) at rows of inputs, in the units of the fit.

        Raises:
            InputError: the error on held-out members is too large to answer; an input is missing; or a value lies
                outside the range that the emulator was fitted to.
        """
        refuse([
            f"got an emulator with R² {self.r2:.2f} on held-out members, allowed: {LEAST_R2:g} or more; run the model, "
            "or fit to more members or fewer inputs"
            if self.r2 < LEAST_R2
            else None,
            *(f"inputs: {name!r} is missing" for name in self.names if name not in inputs),
        ])  # fmt: skip
        x = inputs[list(self.names)].to_numpy(dtype=float)
        refuse(
            f"inputs: {name!r}: got {x[:, i].min():g} to {x[:, i].max():g}, allowed: {self.low[i]:g} to "
            f"{self.high[i]:g}, the range of the members"
            for i, name in enumerate(self.names)
            if not (x[:, i] >= self.low[i]).all() or not (x[:, i] <= self.high[i]).all()
        )
        return np.asarray(_terms((x - self.centre) / self.spread, self.curved) @ self.weights)


def fit(inputs: pd.DataFrame, output: Array, *, seed: int = 1) -> Emulator:
    """The emulator of an output of the members, judged on a quarter of them that is not used to fit it.

    Args:
        inputs: one row per member, one column per input, as `inputs_of(run.design(), place)`.
        output: (member,), finite, for example the margin of a place.
        seed: of the members that are held out.

    Raises:
        InputError: fewer than 40 members, or no input or output that varies.
        NonFiniteError: an output that is not finite.

    >>> rng = np.random.default_rng(1)
    >>> x = pd.DataFrame(rng.random((200, 2)), columns=["a", "b"])
    >>> emulator = fit(x, (x.a + x.a * x.b).to_numpy())
    >>> print(str(emulator).partition(":")[0], round(emulator.r2, 3))
    emulator of 2 inputs (2 with squares and products), fitted to 150 members 1.0
    >>> emulator.predict(pd.DataFrame({"a": [0.5], "b": [0.5]})).round(3).tolist()
    [0.75]
    """
    y = finite(output, inputs)[:, 0]
    moving = inputs.loc[:, inputs.max() > inputs.min()].astype(float)
    if len(inputs) < 40 or moving.empty or not y.max() > y.min():
        raise InputError(f"got {len(inputs)} members, allowed: 40 or more, with inputs and an output that vary")
    x = moving.to_numpy()
    order = np.random.default_rng(seed).permutation(len(x))
    held, used = np.split(order, [round(HELD_OUT * len(x))])
    centre, spread = x[used].mean(axis=0), x[used].std(axis=0)
    spread = np.where(spread > 0, spread, 1.0)
    z = (x - centre) / spread
    strength = np.abs(z[used].T @ (y[used] - y[used].mean()))
    room = max(0, len(used) // MEMBERS_A_TERM - z.shape[1] - 1)
    count = min(z.shape[1], int((np.sqrt(1 + 8 * room) - 1) / 2))  # n inputs have n (n + 1) / 2 squares and products
    curved = tuple(sorted(np.argsort(-strength, kind="stable")[:count].tolist()))
    terms = _terms(z, curved)
    weights = _ridge(terms[used], y[used])
    miss = y[held] - terms[held] @ weights
    return Emulator(
        names=tuple(map(str, moving.columns)),
        curved=curved,
        centre=centre,
        spread=spread,
        low=x.min(axis=0),
        high=x.max(axis=0),
        weights=weights,
        r2=float(1 - (miss**2).mean() / y[held].var()),
        rmse=float(np.sqrt((miss**2).mean())),
        fitted=len(used),
        held_out=len(held),
    )


def _terms(z: Array, curved: tuple[int, ...]) -> Array:
    """One, the inputs, and the squares and products of the curved ones: (rows, terms)."""
    pairs = [z[:, i] * z[:, j] for k, i in enumerate(curved) for j in curved[k:]]
    return np.column_stack([np.ones(len(z)), z, *pairs])


def _ridge(terms: Array, y: Array) -> Array:
    """Weights with the penalty of the least generalised cross-validation error; the constant is not penalised."""
    middle, level = terms[:, 1:].mean(axis=0), y.mean()
    left, values, right = np.linalg.svd(terms[:, 1:] - middle, full_matrices=False)
    along = left.T @ (y - level)
    best: tuple[float, Array] | None = None
    for penalty in PENALTIES * len(y):
        kept = values**2 / (values**2 + penalty)
        error = float(((y - level - left @ (kept * along)) ** 2).sum() / (len(y) - 1 - kept.sum()) ** 2)
        if best is None or error < best[0]:
            best = error, right.T @ (values / (values**2 + penalty) * along)
    assert best is not None  # there are penalties
    return np.concatenate([[level - middle @ best[1]], best[1]])
