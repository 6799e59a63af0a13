"""From what the model returns to what a study keeps: the national row, the predictive error, the target metrics.

`outputs.csv` says for each variable how provinces join into "China" (a sum, a mean weighted by another variable, or
nothing) and under which name, unit and factor it goes out in IAMC tables.
"""

from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from experiments.store import NATION

TABLE = Path(__file__).with_name("outputs.csv")

REPORTED = "reported energy intensity"
GDP = "gdp"
ENERGY = "total energy"
CO2 = "energy co2"
COST = "annualised policy cost"
NEEDED = (REPORTED, GDP, ENERGY, CO2, COST)
"""Model outputs from which the target metrics are made."""

UNITS = {
    "reduction": "%",
    "modelled_reduction": "%",
    "yearly_reduction": "%",
    "co2_reduction": "%",
    "gdp_growth": "%/year",
    "energy": "Mtce/year",
    "co2": "Mt/year",
    "policy_cost": "Gyuan/year",
}
"""The target metrics of a member (see `Run.metrics`)."""


@cache
def table() -> pd.DataFrame:
    """`outputs.csv`, indexed by variable."""
    return pd.read_csv(TABLE, keep_default_na=False).set_index("variable", drop=False)


def weights(variables: Iterable[str]) -> set[str]:
    """The further outputs needed to join the provinces of these."""
    rules = table()["nation"].reindex(list(variables), fill_value="")
    return {rule.removeprefix("mean:") for rule in rules if rule.startswith("mean:")}


def with_nation(results: xr.Dataset, keep: Sequence[str]) -> xr.Dataset:
    """The variables named, with a last province "China" that joins the others (NaN where a sum means nothing).

    results: dims (…, province, …) with the weights that `weights(keep)` names. National scalars are passed over.
    """
    rules = table()["nation"]
    joined = {}
    for name in keep:
        values, rule = results[name], rules.get(name, "")
        if rule == "sum":
            nation = _total(values)
        elif rule.startswith("mean:"):
            weight = results[rule.removeprefix("mean:")]
            nation = _total(values * weight) / _total(weight)
        else:
            nation = xr.full_like(values.isel(province=0, drop=True), np.nan)
        both = xr.concat([values, nation.expand_dims(province=[NATION])], "province", coords="minimal")
        joined[name] = both.transpose(*values.dims).assign_attrs(values.attrs)
    return xr.Dataset(joined)


def _total(values: xr.DataArray) -> xr.DataArray:
    """Sum over provinces one after the other: a library sum may change its order with the number of members."""
    rows = np.moveaxis(values.to_numpy(), values.get_axis_num("province"), 0)
    total = rows[0].copy()
    for row in rows[1:]:
        total += row
    return values.isel(province=0, drop=True).copy(data=total)


def with_error(results: xr.Dataset, log_error: xr.DataArray) -> xr.Dataset:
    """The same with the predictive error laid on `reported energy intensity`.

    log_error: (member, province, year), the error of the logarithm of a province's intensity relative to the plan's
    base year, where it is 0; years before it have no error, years after the last keep the last.
    """
    error = log_error.reindex(year=results["year"], method="ffill").fillna(0.0)
    disturbed = results[REPORTED] * np.exp(error)
    before = results[REPORTED]
    return results.assign({REPORTED: disturbed.transpose(*before.dims).assign_attrs(before.attrs)})


def metrics(results: xr.Dataset, log_error: xr.DataArray, base: int, end: int) -> xr.Dataset:
    """Target metrics of each member: dims (province, member), `yearly_reduction` also (year), "China" last.

    results: (member, province, year) of the NEEDED outputs, every year from `base` to `end`.
    A member with a value that is not finite is NaN throughout.
    """
    plain = with_nation(results, NEEDED)
    reported = with_nation(with_error(results, log_error), [REPORTED])[REPORTED]
    first, last = plain.sel(year=base, drop=True), plain.sel(year=end, drop=True)
    yearly = 100 * (1 - reported.sel(year=slice(base + 1, end)) / first[REPORTED])
    found = {
        "reduction": yearly.sel(year=end, drop=True),
        "modelled_reduction": 100 * (1 - last[REPORTED] / first[REPORTED]),
        "yearly_reduction": yearly,
        "co2_reduction": 100 * (1 - last[CO2] / last[GDP] / (first[CO2] / first[GDP])),
        "gdp_growth": 100 * ((last[GDP] / first[GDP]) ** (1 / (end - base)) - 1),
        "energy": last[ENERGY],
        "co2": last[CO2],
        "policy_cost": last[COST],
    }
    whole = np.logical_and.reduce([finite(values).to_numpy() for values in found.values()])
    kept = xr.Dataset(found).where(xr.DataArray(whole, dims="member"))
    return kept.transpose("province", "member", ...)


def finite(values: xr.DataArray) -> xr.DataArray:
    """Per member: is everything finite?"""
    whole: xr.DataArray = xr.apply_ufunc(np.isfinite, values)
    return whole.all([dim for dim in values.dims if dim != "member"])
