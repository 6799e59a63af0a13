"""From the target to what is expected, cause by cause: the picture that brief and report share."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from experiments.analyses import gap
from experiments.words import charts
from experiments.words.quantities import co2, energy
from experiments.words.terms import Terms
from experiments.words.view import Standing, View


@dataclass(frozen=True)
class Waterfall:
    """svg: the picture; causes: its bars, one row per cause; sectors: what each sector brings, the most first."""

    title: str
    svg: str
    causes: pd.DataFrame
    sectors: pd.DataFrame
    unit: str


def waterfall(view: View, standing: Standing) -> Waterfall | None:
    """From the target to what is left of it; None where the run does not split the place's leading indicator."""
    rows = view.rows(gap.TABLE, standing.province)
    if rows is None or rows.empty or not standing.members:
        return None
    terms, unit = view.terms, str(rows["unit"].iloc[0])
    causes = rows.groupby("cause", sort=False)[["points", "amount"]].sum()
    causes = causes.loc[[cause for cause in gap.CAUSES if cause in causes.index]]
    labels = [
        terms("{cause} ({amount})", cause=terms.name(f"cause {cause}"), amount=written(terms, -amount, unit))
        for cause, amount in causes["amount"].items()
    ]
    left = -standing.margin[0]
    picture = charts.waterfall(
        labels,
        -causes["points"].to_numpy(dtype=float),
        terms("points still to be found"),
        terms("still missing") if left > 0 else terms("beyond the target"),
        start=(terms("asked by the target"), standing.target),
    )
    title = terms(
        "text: waterfall title",
        target=f"{standing.target:.1f}",
        fall=f"{standing.reduction[0]:.1f}",
        mix=terms.name(view.mix),
    )
    sectors = rows[rows["sector"] != ""].groupby("sector", sort=False)[["points", "amount"]].sum()
    return Waterfall(
        title,
        picture,
        causes.reset_index(),
        sectors.sort_values("points", ascending=False).reset_index(),
        unit,
    )


def written(terms: Terms, amount: float, unit: str) -> str:
    """An amount of the split with its sign, in the unit that officials write."""
    return (energy if unit == gap.MTCE else co2)(terms, float(np.float64(amount)), sign=True)
