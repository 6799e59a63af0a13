"""The macro module beside a published study of Chongqing's transport options: the pilot's study shows both."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from calibration import tables as data
from experiments.analyses.messages import message
from experiments.analyses.policy import indirect
from experiments.analyses.policy.costs import LEVELS, Account
from experiments.analyses.policy.paired_runs import PairedRuns
from experiments.policy.catalogue import catalogue
from experiments.policy.economics import Draw, economics, real
from experiments.policy.mix import Mix

Array = NDArray[np.float64]
YEAR = 2020
PUBLISHED = {
    "fuel economy 5.7 l/100 km": "Chongqing GDP effect, fuel economy 5.7 l/100 km",
    "EV 7% of private car sales": "Chongqing GDP effect, EV 7% of private car sales",
    "policy mix": "Chongqing GDP effect, policy mix",
}
PLACE = "Chongqing"


def table(bench: PairedRuns, base: Mix, draw: Draw) -> pd.DataFrame:
    """A comparable shock in Chongqing, whatever the focus, beside the published effect on GDP in 2020, per cent.

    The extra cost of the cars sold enters the model as policy investment of the province; the loop of crowding out,
    capital and output does the rest (`crowding out`). `with cost as lost output` adds the spending itself, as a
    technology that costs more and yields no more output. `demand side`: input-output, financed and displaced as stated.
    An empty table when the run ends before 2020.
    """
    if bench.years[-1] < YEAR:
        return pd.DataFrame()
    place, year = bench.provinces.index(PLACE), bench.years.index(YEAR)

    def output(extra: Mapping[str, xr.DataArray] | None) -> Array:
        return np.asarray(bench.total(bench.run(base, extra, ("gdp",)), "gdp")[:, place])

    gdp = output(None)
    rows = data.read("policy_parameters").set_index("parameter")["value"]
    spending = _car_spending(bench, draw)
    found = []
    for label, parameter in PUBLISHED.items():
        amount = np.sum([v for k, v in spending.items() if label in (k, "policy mix")], axis=0)
        shocked = output({"total policy investment": _in_place(bench, amount.mean(0))})
        crowding = 100 * (shocked[:, year] / gdp[:, year] - 1)
        spent = 100 * amount[:, year] / gdp[:, year]
        none = np.zeros_like(amount)
        own = Account("TRA-05", none, none, none, none, amount, none, none, none)
        value, _ = indirect.effects(indirect.final_demand(catalogue()["TRA-05"], own, {}, draw), draw)
        ours = {
            "crowding out": crowding,
            "with cost as lost output": crowding - spent,
            "demand side": 100 * value[:, year] / gdp[:, year],
        }
        known = float(rows[parameter])
        row: dict[str, Any] = {"shock": label, "published": known}
        for name, values in ours.items():
            low, middle, high = (float(q) for q in np.quantile(values, LEVELS))
            row |= {name: middle, f"{name} low": low, f"{name} high": high}
        row["same sign"] = bool(np.sign(row["with cost as lost output"]) == np.sign(known))
        row["ours over published"] = row["with cost as lost output"] / known
        found.append({**row, "unit": "% of GDP 2020"})
    agree, ratios = sum(row["same sign"] for row in found), [row["ours over published"] for row in found]
    note = message("note: published", agree=agree, count=len(found), least=min(ratios), most=max(ratios))
    return pd.DataFrame(found).assign(note=note)


def _car_spending(bench: PairedRuns, draw: Draw) -> dict[str, Array]:
    """Extra cost of cars in Chongqing, Gyuan/year at 2005 prices, (member, year), by shock."""
    given = economics().comparison
    population = data.read("population")
    own = population[(population["province"] == PLACE) & (population["variable"] == "private_cars")]
    last = own.sort_values("year").iloc[-1]
    years = np.asarray(bench.years, float)[None, :]
    cars = float(last["value"]) / 100 * (1 + draw(given["car_growth"])[:, None]) ** np.maximum(years - last["year"], 0)
    sold = np.where(years >= given["first_year"].value, cars * draw(given["new_car_share"])[:, None], 0.0)  # million
    parts = {
        "fuel economy 5.7 l/100 km": ("TRA-03", "fuel_economy_part"),
        "EV 7% of private car sales": ("TRA-05", "electric_sales"),
    }
    return {
        label: sold * (draw(real(catalogue()[option].capital_cost)) * draw(given[part]))[:, None] / 1000
        for label, (option, part) in parts.items()
    }


def _in_place(bench: PairedRuns, amount: Array) -> xr.DataArray:
    """A series of spending in the province, nothing elsewhere: (province, time)."""
    where = [float(name == PLACE) for name in bench.provinces]
    there = xr.DataArray(where, {"province": bench.provinces}, ("province",))
    return there * xr.DataArray(amount, {"time": np.asarray(bench.years, float)}, ("time",))
