"""The gap between two states of the model, split by LMDI into activity, structure, sector intensity, fuel and power.

Total energy, in coal equivalent, is exactly Σ over province, sector and fuel of

    GDP × (activity / GDP) × (final energy / activity) × fuel share × (primary energy per final energy of the fuel)

and energy CO2 the same with CO2 per final energy in the last place. Per GDP the first factor drops out.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from experiments.analyses.policy.costs import LEVELS

Array = NDArray[np.float64]
SMALLEST = 1e-300  # instead of zero: x ln x → 0, so the limit is taken to rounding (Ang & Liu 2007)
LIMIT_TERM = 0.02  # of a term that vanishes, what taking 1e-300 for zero leaves unexplained
CARRIERS = ("coal", "oil", "gas", "electricity", "heat")
CLOSED = 1e-9


def factors(state: xr.Dataset, of: str, intensity: bool, each: bool = False) -> dict[str, Array]:
    """Factors of `total energy` or `energy co2` in one year: arrays (member, province, sector, fuel).

    state: outputs of the model in one year (see `paired_runs.DETAIL`), dims (member, province, …). intensity: per GDP.
    each: every province for itself, by its own GDP, not all of them as a whole.
    Raises ArithmeticError when the factors do not multiply to the model's own total.
    """
    gdp = state["gdp"] if each else state["gdp"].sum("province")
    by_fuel = state["final energy by fuel"]
    final = by_fuel.sum("fuel")
    parts = {
        "activity": gdp,
        "structure": state["activity"] / gdp,
        "sector intensity": final / state["activity"],
        "fuel": by_fuel / final.where(final > 0, 1.0),
        "power": _conversion(state) if of == "total energy" else _carbon(state),
    }
    if intensity:
        parts = {
            "structure": parts["structure"],
            **{k: v for k, v in parts.items() if k not in ("activity", "structure")},
        }
    order = ("member", "province", "sector", "fuel")
    shape = by_fuel.transpose(*order)
    arrays = {name: values.broadcast_like(shape).transpose(*order).to_numpy() for name, values in parts.items()}
    _check(arrays, state, of, gdp if intensity else None, each)
    return arrays


def _conversion(state: xr.Dataset) -> xr.DataArray:
    """Primary energy per final energy of a fuel, coal equivalent, (member, province, fuel)."""
    by_fuel = state["final energy by fuel"].sum("sector")
    other = state["other transformation"] / (state["total energy"] - state["other transformation"])
    electricity, heat = by_fuel.sel(fuel="electricity"), by_fuel.sel(fuel="heat")
    per_fuel = {
        **{fuel: xr.ones_like(heat) for fuel in ("coal", "oil", "gas")},
        "electricity": state["power input"] / electricity,
        "heat": (1 + state["heat loss"] / heat.where(heat > 0, 1.0)),
    }
    index = pd.Index(CARRIERS, name="fuel")
    return xr.concat([per_fuel[f].drop_vars("fuel", errors="ignore") for f in CARRIERS], index) * (1 + other)


def _carbon(state: xr.Dataset) -> xr.DataArray:
    """CO2 per final energy, (member, province, sector, fuel); end users' fuels carry their sector's mean."""
    by_fuel = state["final energy by fuel"]
    burnt = by_fuel.sel(fuel=["coal", "oil", "gas"]).sum("fuel")
    own = state["end use co2"] / burnt.where(burnt > 0, 1.0)
    totals = by_fuel.sum("sector")
    electricity, heat = totals.sel(fuel="electricity", drop=True), totals.sel(fuel="heat", drop=True)
    per_fuel = {
        **dict.fromkeys(("coal", "oil", "gas"), own),
        "electricity": (state["power co2"] / electricity).broadcast_like(own),
        "heat": (state["heat co2"] / heat.where(heat > 0, 1.0)).broadcast_like(own),
    }
    return xr.concat([per_fuel[fuel] for fuel in CARRIERS], pd.Index(CARRIERS, name="fuel"))


def _check(arrays: Mapping[str, Array], state: xr.Dataset, of: str, gdp: xr.DataArray | None, each: bool) -> None:
    made = np.prod(list(arrays.values()), axis=0).sum((2, 3) if each else (1, 2, 3))
    whole = (state[of] if each else state[of].sum("province")) / (1.0 if gdp is None else gdp)
    order = ("member", "province") if each else ("member",)
    worst = float(np.max(np.abs(made / whole.transpose(*order).to_numpy() - 1)))
    if not worst < CLOSED:
        raise ArithmeticError(
            f"the factors of {of} miss the model's total by {worst:.1e} of it; they must multiply to it"
        )


def split(before: xr.Dataset, after: xr.Dataset, of: str, intensity: bool, each: bool = False) -> dict[str, Array]:
    """Contribution of each factor to the change from `before` to `after`; adds to it exactly.

    Returns factor → (member,) for all provinces as a whole, (member, province) for `each` of them.
    """
    axes = (2, 3) if each else (1, 2, 3)
    return lmdi(factors(before, of, intensity, each), factors(after, of, intensity, each), axes)


def table(parts: Mapping[str, Array], heading: Mapping[str, str | int], unit: str) -> pd.DataFrame:
    """Rows factor and `total`: mean over members (means add exactly) with the 10, 50 and 90 % quantiles.

    parts: contributions, (member,). heading: columns in front, the same in every row.
    """
    with_total = {**parts, "total": np.sum(list(parts.values()), axis=0)}
    rows = []
    for name, values in with_total.items():
        low, middle, high = (float(q) for q in np.quantile(values, LEVELS))
        mean = float(np.mean(values))
        rows.append({**heading, "factor": name, "mean": mean, "low": low, "median": middle, "high": high, "unit": unit})
    return pd.DataFrame(rows)


def log_mean(a: Array, b: Array) -> Array:
    """Logarithmic mean L(a, b) = (a − b) / ln(a / b) of positive numbers; a where both are equal."""
    ratio = np.log(a) - np.log(b)
    near = np.abs(ratio) < 1e-8
    # expm1 keeps the digits that a − b would lose where a and b are close
    mean: Array = np.where(near, np.sqrt(a * b), b * np.expm1(ratio) / np.where(near, 1.0, ratio))
    return mean


def lmdi(before: Mapping[str, Array], after: Mapping[str, Array], axes: int | tuple[int, ...]) -> dict[str, Array]:
    """Contribution of each factor to the change of y = Σ Π factor, summed over `axes`; the parts add to it exactly.

    before, after: the same factors, arrays that broadcast against each other, not negative. A term that is zero on one
    side only is taken at its limit. Raises ValueError where factors differ or are negative.
    """
    if list(before) != list(after):
        raise ValueError(f"the same factors are asked for, got {', '.join(before)} and {', '.join(after)}")
    negative = [name for name in before if (np.asarray(before[name]) < 0).any() or (np.asarray(after[name]) < 0).any()]
    if negative:
        raise ValueError(f"factors must not be negative: {', '.join(negative)}")
    old, new = _product(before), _product(after)
    weight = np.where((old <= 0) & (new <= 0), 0.0, log_mean(np.maximum(new, SMALLEST), np.maximum(old, SMALLEST)))
    shares = {name: weight * _log_ratio(before[name], after[name]) for name in before}
    rest = (new - old) - np.sum(list(shares.values()), axis=0)  # rounding, and the limit of vanishing terms
    if (np.abs(rest) > LIMIT_TERM * np.maximum(old, new)).any():
        raise ArithmeticError(f"the factors leave a residual of up to {np.abs(rest).max():g}; is one of them infinite?")
    moved = np.sum([np.abs(share) for share in shares.values()], axis=0)
    safe = np.where(moved > 0, moved, 1.0)
    closed = {name: share + rest * np.where(moved > 0, np.abs(share) / safe, 0.0) for name, share in shares.items()}
    return {name: share.sum(axis=axes) for name, share in closed.items()}


def _product(factors: Mapping[str, Array]) -> Array:
    whole: Array = np.ones(())
    for factor in factors.values():
        whole = whole * np.asarray(factor, float)
    return whole


def _log_ratio(old: Array, new: Array) -> Array:
    ratio: Array = np.log(np.maximum(new, SMALLEST)) - np.log(np.maximum(old, SMALLEST))
    return ratio
