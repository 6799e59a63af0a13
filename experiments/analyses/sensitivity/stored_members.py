"""PAWN and delta indices from stored members: given-data indices by SALib, which need no design and no further run.

PAWN is the Kolmogorov-Smirnov distance between the output's distribution and that in a slice of the input (Pianosi &
Wagener 2018, Environmental Modelling & Software 108, 1-11); delta is half the mean area between the two densities
(Borgonovo 2007; Plischke, Borgonovo & Smith 2013, European Journal of Operational Research 226, 536-550). Both look at
the whole distribution, so that an input that moves only the tail is seen.

They do not show whether an input acts alone or with others, nor its share of the variance. An input that
acts by interaction alone may stay at the level of noise (measured: one that takes part in 30 % of the variance of
"target reached"), and an input without any effect rises with one that it is correlated with. No input is therefore
called irrelevant here: that needs a design of its own (`sobol`).
"""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pandas as pd
from SALib.analyze import delta, pawn

from experiments.analyses.sensitivity.factors import DUMMY, Array, finite, global_state_kept, seeds
from models.reading.faults import InputError
from models.reading.names import choose

METHODS = ("pawn", "delta")
SLICES, LEAST = (10, 8, 5, 4, 2), 10
"""Numbers of slices of an input, the first that leaves each LEAST members; SALib's edges leave 0 … 1 for others."""
DUMMIES = 20
"""Random inputs that the model never saw: the noise bound is the largest of their indices (about 95 %)."""
RESAMPLES = 30
OFFERED, MOST = 10, 2000
"""Inputs that delta is computed for, the first by PAWN; and members at most: its density estimates are slow.

SALib's delta lies low with few members, since its classes of the input are wide: for a normal pair with correlation
0.8 it gives 0.30 to 0.35 with 600 members and 0.37 with 2,000, where 0.385 is exact."""
MOVES, UNTOLD = "moves the output", "not told from chance"
NORMAL = 1.96


def indices(
    inputs: pd.DataFrame, output: Array, *, method: str = "pawn", seed: int = 1, resamples: int = RESAMPLES
) -> pd.DataFrame:
    """PAWN or delta index of every input that varies, with interval and noise bound, the largest first.

    Args:
        inputs: one row per member, one column per input, in any units.
        output: (member,), finite.
        method: `pawn` (median over slices) or `delta`; delta is computed for the ten inputs that PAWN puts first, on at
            most 2,000 members.
        seed: of the dummies and the bootstrap, 1 or more.
        resamples: bootstrap samples of the members.

    Returns:
        factor, index (0 to 1, no unit), low, high (95 %: 1.96 standard deviations over bootstrap samples), noise (the
        largest index of twenty random inputs: what chance alone earns), verdict (`moves the output` where low lies
        above the noise, else `not told from chance`), method, members.

    Raises:
        InputError: an unknown method, fewer than 20 members, or nothing that varies.
        NonFiniteError: an output that is not finite.

    >>> rng = np.random.default_rng(1)
    >>> x = pd.DataFrame(rng.random((400, 2)), columns=["acts", "idle"])
    >>> found = indices(x, x["acts"].to_numpy() ** 2, resamples=10).set_index("factor")
    >>> found["verdict"].to_dict()
    {'acts': 'moves the output', 'idle': 'not told from chance'}
    """
    method = choose(method, METHODS, "method")
    if len(inputs) < 2 * LEAST:
        raise InputError(f"got {len(inputs)} members, allowed: {2 * LEAST} or more for {method}")
    y = finite(output, inputs)[:, 0]
    x = inputs.loc[:, inputs.max() > inputs.min()].astype(float)
    if x.empty or not y.max() > y.min():
        raise InputError(f"{method}: the output or every input is the same in all members, so no index can be computed")
    first, second = seeds(seed, 2)
    rng = np.random.default_rng(first)
    noise = pd.DataFrame(rng.random((len(x), DUMMIES))).add_prefix(DUMMY)
    with global_state_kept(), _remarks_left_out():
        if method == "delta":
            kept = _pawn(x, y).nlargest(OFFERED).index
            x, noise, y = x[kept].iloc[:MOST], noise.iloc[:MOST], y[:MOST]
            middle, spread = _delta(x, y, second, resamples)
            bound = _delta(noise, y, second, 5)[0].max()
        else:
            picks = rng.integers(len(y), size=(resamples, len(y)))
            again = [_pawn(x.iloc[pick], y[pick]) for pick in picks]
            middle, spread = _pawn(x, y), pd.DataFrame(again).std()
            bound = _pawn(noise, y).max()
    found = pd.DataFrame({"index": middle, "low": middle - NORMAL * spread, "high": middle + NORMAL * spread})
    verdict = np.where(found["low"] > bound, MOVES, UNTOLD)
    found = found.rename_axis("factor").reset_index()
    found = found.assign(noise=bound, verdict=verdict, method=method, members=len(y))
    return found.sort_values("index", ascending=False, kind="stable", ignore_index=True)


@contextmanager
def _remarks_left_out() -> Iterator[None]:
    """SALib sets filter and form of all warnings, and remarks on bins that are not used here."""
    form = warnings.formatwarning
    with warnings.catch_warnings(record=True):
        try:
            yield
        finally:
            warnings.formatwarning = form


def _problem(inputs: pd.DataFrame) -> dict[str, object]:
    names = [f"x{i}" for i in range(inputs.shape[1])]  # SALib forbids some endings of names
    return {"num_vars": len(names), "names": names, "bounds": [[0.0, 1.0]] * len(names)}


def _pawn(inputs: pd.DataFrame, y: Array) -> "pd.Series[float]":
    """Median over slices of each input."""
    made = pawn.analyze(_problem(inputs), inputs.to_numpy(), y, S=next(n for n in SLICES if n * LEAST <= len(y)))
    return pd.Series(made["median"], inputs.columns)


def _delta(inputs: pd.DataFrame, y: Array, seed: int, resamples: int) -> "tuple[pd.Series[float], pd.Series[float]]":
    """Bias-reduced delta of each input (Plischke et al., equation 30), and its standard deviation over resamples."""
    given = {"num_resamples": resamples, "seed": seed, "method": "delta"}
    made = delta.analyze(_problem(inputs), inputs.to_numpy(), y, **given)
    middle, half = (pd.Series(made[name], inputs.columns) for name in ("delta_raw", "delta_raw_conf"))
    lacking = list(middle.index[middle.isna()])
    if lacking:
        raise InputError(f"delta: {', '.join(map(str, lacking))}: {len(y)} members are too few; pawn needs fewer")
    return middle, half / NORMAL
