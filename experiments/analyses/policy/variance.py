"""Which numbers decide the spread of a mix's net cost: the catalogue's own, prices, taxes and the rate of discount.

Total-effect shares by pick-freeze (Jansen 1999): one number at a time is drawn anew while all others stay, on what the
model booked on average over its members. The largest shares are listed first.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from calibration.places import NATION
from experiments.analyses.policy.costs import Booked, capital_recovery
from experiments.policy.catalogue import Option, Quantity
from experiments.policy.economics import Triangular, economics
from experiments.policy.lever_costs import MIDDLE, unit_costs
from experiments.policy.mix import Mix

Array = NDArray[np.float64]
DRAWS = 2000


@dataclass
class _Redrawn:
    """The first draws of every number, but one number from the second."""

    first: Triangular
    second: Triangular
    which: Quantity | None = None

    def __call__(self, quantity: Quantity) -> Array:
        """The draws of a quantity."""
        return self.second(quantity) if quantity == self.which else self.first(quantity)


def shares(booked: Booked, mix: Mix, place: str, rng: np.random.Generator) -> pd.DataFrame:
    """Total-effect share of every number in the variance of the net cost of the last year, the largest first.

    Columns: province, option ("" for prices and rates), number, share, assumed, source.
    """
    draw = _Redrawn(Triangular(DRAWS, rng), Triangular(DRAWS, rng))
    where = np.array([place in (name, NATION) for name in booked.provinces])
    options = [option for option in mix.options.options.values() if option.lever in booked.levers]
    saving = {option.id: _mean(booked, option, booked.saving) * where for option in options}
    new = {option.id: _mean(booked, option, booked.new) * where for option in options}
    options = [option for option in options if saving[option.id].sum() > 0]
    index = float(booked.index[:, -1].mean())

    def cost(option: Option) -> Array:
        own = unit_costs(option, booked.plan, "social", draw)
        rate = draw(economics().rates["discount"])
        yearly = own.capital * capital_recovery(rate, own.life) + own.operating
        grown = (1 + economics().rates["price_growth"].value) ** (MIDDLE[booked.plan] - 2005)
        programme = own.programme * own.capital * new[option.id].sum()
        return np.asarray(
            yearly * saving[option.id].sum()
            + programme
            - own.price_in(booked.provinces) @ saving[option.id] * index / grown
        )

    plain = {option.id: cost(option) for option in options}
    variance = float(np.sum(list(plain.values()), axis=0).var())
    rows = []
    for owner, number, quantity, touched in _numbers(options, booked.plan):
        draw.which = quantity
        change = np.sum([cost(option) - plain[option.id] for option in touched], axis=0)
        draw.which = None
        share = float((change**2).mean() / 2 / variance) if variance > 0 else 0.0
        head = {"province": place, "option": owner, "number": number, "share": share}
        rows.append({**head, "assumed": quantity.scope == "assumption", "source": quantity.source})
    return pd.DataFrame(rows).sort_values("share", ascending=False, ignore_index=True)


def _mean(booked: Booked, option: Option, values: Array) -> Array:
    """Mean over members of an option's part in the last year, by province."""
    column = list(booked.levers).index(option.lever)
    return np.asarray(values[:, :, column, -1].mean(0) * booked.parts[option.id].to_numpy(float))


def _numbers(options: list[Option], plan: str) -> Iterator[tuple[str, str, Quantity, list[Option]]]:
    """(owner, name, quantity, options that it touches): those of the sheets, then prices, taxes and the rate."""
    skipped = ("coverage", "technical_saving", "penetration")  # they decide the size, which the model books
    owners: dict[tuple[str, Quantity], list[Option]] = {}
    for option in options:
        for name, quantity in option.quantities().items():
            if name not in skipped and quantity.high > quantity.low:
                owners.setdefault((name, quantity), []).append(option)
    for (name, quantity), touched in owners.items():  # a number that several sheets share is one number
        yield ", ".join(option.id for option in touched), name, quantity, touched
    tables = economics()
    groups = {"price": tables.prices[plan], "tax": tables.taxes, "rate": {"discount": tables.rates["discount"]}}
    for group, quantities in groups.items():
        for name, quantity in quantities.items():
            yield "", f"{group} {name}", quantity, options
