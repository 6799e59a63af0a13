"""From the model's outputs to the results of a study: the national row, the predictive error, the target metrics.

`outputs.csv` says for each variable how provinces join into "China" (a sum, a mean weighted by another variable, or
nothing), which predictive errors it carries (those of energy intensity, growth, CO2 per energy; a part carries those
of its whole), and under which name, unit and factor it goes out in IAMC tables.
"""

from collections.abc import Hashable, Iterable, Sequence
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from calibration import members
from calibration.places import NATION
from calibration.prior import INDUSTRY
from models.indicators import Indicator

TABLE = Path(__file__).with_name("outputs.csv")

REPORTED = "reported energy intensity"
GDP = "gdp"
ENERGY = "total energy"
CO2 = "energy co2"
COST = "annualised policy cost"
NEEDED = (REPORTED, GDP, ENERGY, CO2, COST)
"""Model outputs from which the target metrics are made, whatever the indicators asked for."""

FOLDED = "final energy by group"
GROUPS = {
    "all": None,
    "industry": INDUSTRY,
    "residential": ("residential",),
    "other": ("transport", "services", "agriculture and construction"),
}
"""End uses as reported abroad: groups of the model's sectors (None: every one)."""

UNITS = {
    "achieved": "%",
    "modelled_achieved": "%",
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

DOUBLE = ("metric:policy_cost", f"path:{COST}")
"""Arrays of a batch in double precision, so that the net cost of a mix is one number in all tables and exports."""

BY_INDICATOR = ("achieved", "modelled_achieved")
"""Metrics over all indicators, kept by studies of several."""


@cache
def table() -> pd.DataFrame:
    """`outputs.csv`, indexed by variable."""
    return pd.read_csv(TABLE, keep_default_na=False).set_index("variable", drop=False)


def stored_type(name: str) -> np.dtype[np.floating]:
    """Number type in which an array of a batch (`metric:…`, `path:…`) is stored."""
    return np.dtype(np.float64 if name in DOUBLE else np.float32)


def needed(asked: Sequence[Indicator]) -> list[str]:
    """Model outputs from which the target metrics of these indicators are made, with their national weights."""
    names = dict.fromkeys([*NEEDED, *(one.variable for one in asked)])
    return [*dict.fromkeys([*names, *sorted(weights(names))])]


def weights(variables: Iterable[str]) -> set[str]:
    """The further outputs needed to join the provinces of these."""
    rules = table()["nation"].reindex(list(variables), fill_value="")
    return {rule.removeprefix("mean:") for rule in rules if rule.startswith("mean:")}


def with_nation(results: xr.Dataset, keep: Sequence[str]) -> xr.Dataset:
    """The variables named, with a last province "China" that joins the others (NaN where a sum means nothing).

    results: dims (…, province, …) with the weights that `weights(keep)` names. National scalars are passed over.
    """
    joined = {}
    for name in keep:
        values = results[name]
        nation = _nation(results, name)[np.newaxis]
        axis = values.get_axis_num("province")
        whole = np.concatenate([values.to_numpy(), np.moveaxis(nation, 0, axis)], axis)
        joined[name] = (values.dims, whole, values.attrs)
    used = dict.fromkeys(dim for dims, _, _ in joined.values() for dim in dims)  # in order, as the files keep it
    coords = {dim: results[dim].to_numpy() for dim in used if dim in results.coords}
    return xr.Dataset(joined, {**coords, "province": [*results["province"].to_numpy(), NATION]})


def kept_with_groups(variables: Sequence[str]) -> list[str]:
    """The variables kept, and `final energy by group` (dim `group`) where final energy is among them."""
    return [*variables, *([FOLDED] if "final energy" in variables else [])]


def aggregate_sectors(results: xr.Dataset) -> xr.Dataset:
    """The same with `final energy by group`, where there is final energy by sector."""
    if "final energy" not in results:
        return results
    energy = results["final energy"]
    sectors = [str(name) for name in energy["sector"].to_numpy()]
    rows = np.moveaxis(energy.to_numpy(), energy.get_axis_num("sector"), 0)
    sums = {
        group: _total(rows[[i for i, name in enumerate(sectors) if of is None or name in of]])
        for group, of in GROUPS.items()
        if of is None or set(of) <= set(sectors)
    }
    values = np.stack(list(sums.values()), energy.get_axis_num("sector"))
    dims = ["group" if dim == "sector" else dim for dim in energy.dims]
    return results.assign({FOLDED: (dims, values, energy.attrs)}).assign_coords(group=list(sums))


def _nation(results: xr.Dataset, name: str) -> np.ndarray:
    """The national values of a variable: its shape without province."""
    rule = table()["nation"].get(name, "")
    values = _province_first(results[name], results[name].dims)
    if rule == "sum":
        return _total(values)
    if not rule.startswith("mean:"):
        return np.full(values.shape[1:], np.nan)
    weight = _province_first(results[rule.removeprefix("mean:")], results[name].dims)
    mean: np.ndarray = _total(values * weight) / _total(weight)
    return mean


def _province_first(values: xr.DataArray, dims: Sequence[Hashable]) -> np.ndarray:
    """Values with province as the first axis, the others as in `dims`."""
    return values.transpose("province", *(dim for dim in dims if dim != "province")).to_numpy()


def _total(rows: np.ndarray) -> np.ndarray:
    """Sum of rows one after the other: a library sum may change its order with the number of members."""
    total: np.ndarray = rows[0].copy()
    for row in rows[1:]:
        total += row
    return total


def with_error(results: xr.Dataset, log_error: xr.Dataset) -> xr.Dataset:
    """The same with the predictive errors that `outputs.csv` names for each variable.

    log_error: `intensity`, `growth`, `carbon` (member, province, year), errors of logarithms; years before the first
    have no error, years after the last keep the last. A variable's attribute `predictive_error` names what it carries.
    """
    years = results["year"].to_numpy().tolist()
    disturbed = {}
    for name, before in results.data_vars.items():
        if parts := error_parts(str(name)):
            factor = np.exp(members.log_error(log_error, parts, years))
            attrs = {**before.attrs, "predictive_error": ", ".join(parts)}
            disturbed[name] = (before * factor).transpose(*before.dims).assign_attrs(attrs)
    return results.assign(disturbed)


def error_parts(variable: str) -> list[str]:
    """The predictive errors that a variable carries, such as intensity and growth; none without a row."""
    rule = str(table()["error"].get(variable, ""))
    return rule.split("+") if rule else []


def achieved(values: np.ndarray, kind: str) -> np.ndarray:
    """Achievement of an indicator, per cent, higher is better: (…, year) after the first year of `values` (…, year).

    Of a cut or a cap the fall of the variable since the first year; of a floor the share itself at the end, and before
    it less that part of the base year's share that later years still carry, so that the yearly task grows evenly; of a
    growth its yearly mean times the part of the years that are over.

    >>> achieved(np.array([2.0, 1.5]), "cut").tolist()
    [25.0]
    >>> achieved(np.array([0.2, 0.3, 0.4]), "floor").round(6).tolist()
    [20.0, 40.0]
    >>> achieved(np.array([1.0, 1.1, 1.21]), "growth").round(6).tolist()
    [5.0, 10.0]
    """
    passed = np.arange(1.0, values.shape[-1])
    due = passed / (values.shape[-1] - 1)
    return 100 * members.achieved(values[..., :1], values[..., 1:], kind, due=due, years=passed)


def metrics(
    results: xr.Dataset, log_error: xr.Dataset, base: int, end: int, asked: Sequence[Indicator]
) -> dict[str, np.ndarray]:
    """Target metrics of each member, "China" last: arrays (province, member); `yearly_reduction` also (year).

    results: (member, province, year) of the `needed` outputs, every year from `base` to `end`. `reduction`,
    `modelled_reduction` and `yearly_reduction` are of the first indicator, `achieved` and `modelled_achieved`
    (…, indicator) of all, where there are several. All metrics but `modelled_…` and `policy_cost` carry the predictive
    errors. A member with a value that is not finite is NaN throughout.
    """
    names, lead = [*dict.fromkeys([*NEEDED, *(one.variable for one in asked)])], asked[0]
    asked_names = [*dict.fromkeys(one.variable for one in asked)]
    plain, whole_error = with_nation(results, asked_names), with_nation(with_error(results, log_error), names)
    series = {name: whole_error[name].transpose("province", "member", "year").to_numpy() for name in names}
    first, last = ({name: values[:, :, i] for name, values in series.items()} for i in (0, -1))
    by_year = {one.key: achieved(series[one.variable], one.kind) for one in asked}
    ends = {name: plain[name].transpose("province", "member", "year").to_numpy()[:, :, [0, -1]] for name in asked_names}
    modelled = {one.key: achieved(ends[one.variable], one.kind)[:, :, -1] for one in asked}
    found = {
        "reduction": by_year[lead.key][:, :, -1],
        "modelled_reduction": modelled[lead.key],
        "yearly_reduction": by_year[lead.key],
        "co2_reduction": 100 * (1 - last[CO2] / last[GDP] / (first[CO2] / first[GDP])),
        "gdp_growth": 100 * ((last[GDP] / first[GDP]) ** (1 / (end - base)) - 1),
        "energy": last[ENERGY],
        "co2": last[CO2],
        "policy_cost": last[COST],
    }
    if len(asked) > 1:  # of one indicator it is the reduction
        found["achieved"] = np.stack([by_year[one.key][:, :, -1] for one in asked], axis=-1)
        found["modelled_achieved"] = np.stack([modelled[one.key] for one in asked], axis=-1)
    other_axes = {2: (0,), 3: (0, 2)}
    whole = np.logical_and.reduce([np.isfinite(v).all(axis=other_axes[v.ndim]) for v in found.values()])
    for values in found.values():
        values[:, ~whole] = np.nan
    return found
