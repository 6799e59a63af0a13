"""Least cost: the nation's cut where it costs least, by the policy catalogue's costs as the model works them out."""

import numpy as np
import pandas as pd

from experiments.allocation.indicators import Indicators
from experiments.allocation.national import Array
from experiments.allocation.registry import Options, Proposal, rule
from experiments.allocation.response import CostCurve, Places, asked_model, simulated_plan
from models.reading.faults import InputError

SPREAD = 0.25
"""Half-width of a lever's costs over sites, yuan per kgce: about a quarter of the mean cost of the catalogue."""


@rule("least-cost", title="Least cost", origin="own", reads="energy")
def least_cost(indicators: Indicators, options: Options) -> Proposal:
    """Every province goes on until the next unit of energy saved costs the same; that common price meets the sum.

    Equal marginal cost is the condition of least total cost under the national identity, as a province's cut counts
    there with its energy. options: `cost`, a `CostCurve` of the model (made with `members` and `seed` when not given).
    The scalar is the price, yuan per kgce.
    """
    curve = options.get("cost") or _simulated(indicators, options)
    if not isinstance(curve, CostCurve):
        raise InputError(f"option cost: give a CostCurve, got {type(curve).__name__}")
    places = Places.of(curve.provinces, indicators.provinces)

    def cut(scalar: float) -> Array:
        return places(curve.reduction(scalar, SPREAD))

    def detail(scalar: float) -> pd.DataFrame:
        used = curve.used(scalar, SPREAD)
        saved = (curve.gain * used).sum(axis=1)
        total = (curve.gain * used * curve.cost).sum(axis=1) / np.where(saved > 0, saved, np.nan)
        full = curve.base + curve.gain.sum(axis=1)
        return pd.DataFrame(
            {
                "price": scalar,
                "reduction_without_policy": places(100 * curve.base),
                "reduction_at_most": places(100 * full),
                "mean_cost": places(total),
            }
        )

    def says(scalar: float) -> dict[str, str]:
        idle = scalar < curve.cost[curve.gain > 0].min(initial=np.inf) - SPREAD
        price = "none: no lever is needed, the cuts are those without policy less the same everywhere"
        beyond = scalar - float(curve.cost.max()) - SPREAD
        if beyond > 0:
            price = f"none: every lever is used, and {beyond:.2f} points are lacking, put on every province alike"
            idle = True
        return {"price of the last unit saved": price if idle else f"{scalar:.2f} yuan/kgce, the same everywhere"}

    return Proposal(cut, detail, notes=places.notes, says=says)


def _simulated(indicators: Indicators, options: Options) -> CostCurve:
    plan = simulated_plan(indicators)
    return asked_model(options).cost_curve(plan, options["members"], options["seed"])
