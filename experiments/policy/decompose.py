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

from experiments.policy.contributions import lmdi
from experiments.policy.costs import LEVELS

Array = NDArray[np.float64]
CARRIERS = ("coal", "oil", "gas", "electricity", "heat")
CLOSED = 1e-9


def factors(state: xr.Dataset, of: str, intensity: bool) -> dict[str, Array]:
    """Factors of `total energy` or `energy co2` in one year: arrays (member, province, sector, fuel).

    state: outputs of the model in one year (see `bench.OUTPUTS`), dims (member, province, …). intensity: per GDP.
    Raises ArithmeticError when the factors do not multiply to the model's own total.
    """
    gdp = state["gdp"].sum("province")
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
    _check(arrays, state, of, gdp if intensity else None)
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


def _check(arrays: Mapping[str, Array], state: xr.Dataset, of: str, gdp: xr.DataArray | None) -> None:
    made = np.prod(list(arrays.values()), axis=0).sum((1, 2, 3))
    whole = state[of].sum("province") / (1.0 if gdp is None else gdp)
    worst = float(np.max(np.abs(made / whole.to_numpy() - 1)))
    if not worst < CLOSED:
        raise ArithmeticError(
            f"the factors of {of} miss the model's total by {worst:.1e} of it; they must multiply to it"
        )


def split(before: xr.Dataset, after: xr.Dataset, of: str, intensity: bool) -> dict[str, Array]:
    """Contribution of each factor to the change from `before` to `after`: factor → (member,); adds to it exactly."""
    return lmdi(factors(before, of, intensity), factors(after, of, intensity), axes=(1, 2, 3))


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
