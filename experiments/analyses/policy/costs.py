"""The one cost account of a mix: the model's account by lever, each option its part of it; present values; the curve.

The model books for every lever the saving of its own actions inside the mix (`saving in place`), so overlap is resolved
there. An option's part of a lever is its size in the province (`experiments.policy.size`); the options of a
mix add to the model's `annualised policy cost` exactly. Money is Gyuan at 2005 prices, energy Mtce, CO2 Mt.

    annuity   A = K · CRF(r, L),  CRF = r / (1 − (1 + r)^−L)
    net cost  c_t = A_t + O_t + P_t − energy not bought_t
    NPV       Σ c_t / (1 + r)^(t − t0);  cost-effectiveness = NPV / Σ tonnes, the tonnes undiscounted

Energy that a rebound takes back is not taken off: whoever uses it values it at its price at least.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from calibration.members import quantiles
from calibration.places import NATION
from experiments.policy.catalogue import Catalogue, Option
from experiments.policy.economics import Draw, central, economics
from experiments.policy.lever_costs import MIDDLE, Perspective, UnitCosts, unit_costs

Array = NDArray[np.float64]
YUAN_PER_TCE = 1000.0  # 1 Gyuan per Mtce = 1,000 yuan per tce
LEVELS = (0.1, 0.5, 0.9)
BURNT = ("coal", "oil", "gas")
ALL = "all"
"""The row of a whole mix in a table of options."""


def capital_recovery(rate: Array | float, life: Array | float) -> Array:
    """Annuity of one unit of capital, 1/year: r / (1 − (1 + r)^−n), and 1/n at zero rate.

    Args:
        rate: discount rate r, 1/year.
        life: lifetime n, years.

    Returns:
        Annuity, broadcast over both arguments.

    Raises:
        ValueError: a life is not positive, or a rate is −1 or less.

    >>> capital_recovery(0.05, 20.0).round(4).item(), capital_recovery(0.0, 20.0).item()
    (0.0802, 0.05)
    """
    rate, life = np.broadcast_arrays(np.asarray(rate, float), np.asarray(life, float))
    if (life <= 0).any() or (rate <= -1).any():
        raise ValueError(f"life must be positive and rate above -1, got life {life.min():g}, rate {rate.min():g}")
    with np.errstate(divide="ignore", invalid="ignore"):
        annuity = rate / -np.expm1(-life * np.log1p(rate))  # keeps its digits at small rates
    return np.where(rate == 0, 1 / life, annuity)


def present_value(flows: Array, years: Sequence[int], rate: Array | float, base: int) -> Array:
    """Present value of flows: Σ flow / (1 + r)^(year − base).

    Args:
        flows: (…, year).
        years: calendar years of the flows.
        rate: discount rate r, 1/year, a scalar or in the shape of the flows without years.
        base: year to which values are discounted.

    Returns:
        Present values in the unit of the flows, without the year axis.

    >>> present_value(np.array([100.0, 105.0]), [2015, 2016], 0.05, 2015).item()
    200.0
    """
    discount = (1 + np.asarray(rate, float))[..., None] ** (base - np.asarray(years, float))
    total: Array = (flows * discount).sum(-1)
    return total


@dataclass(frozen=True)
class Booked:
    """The model's accounts for the levers of one mix.

    Attributes:
        years: calendar years.
        levers: levers of the model.
        provinces: provinces of the run.
        saving: Mtce/year (member, province, lever, year).
        new: new saving, Mtce/year² (member, province, lever, year).
        index: energy price, 2005 = 1 (member, year).
        rate: the model's discount rate (member,).
        programme: programme cost share over the central one (member,).
        parameters: cost parameters by name (province, lever).
        parts: each option's part of its lever, one row per province.
        plan: set of options.
    """

    years: Sequence[int]
    levers: Sequence[str]
    provinces: Sequence[str]
    saving: Array
    new: Array
    index: Array
    rate: Array
    programme: Array
    parameters: Mapping[str, Array]
    parts: pd.DataFrame
    plan: str


@dataclass(frozen=True)
class Account:
    """Costs and savings of an option, each (member, province, year), at 2005 prices.

    Attributes:
        option: id of the option.
        saving: energy saved, Mtce/year.
        co2: CO2 avoided, Mt/year.
        units: number of units, in millions.
        annuity: annuity of the capital, Gyuan/year.
        investment: investment of the year, Gyuan/year.
        operation: operating cost, Gyuan/year.
        programme: programme cost, Gyuan/year.
        fuel: value of energy not bought, Gyuan/year.
    """

    option: str
    saving: Array
    co2: Array
    units: Array
    annuity: Array
    investment: Array
    operation: Array
    programme: Array
    fuel: Array

    @property
    def net(self) -> Array:
        """Net cost: annuity, operation and programme less energy not bought."""
        return self.annuity + self.operation + self.programme - self.fuel


def accounts(booked: Booked, found: Catalogue) -> Iterator[Account]:
    """Accounts of every simulated option at the catalogue's central numbers.

    Their sum over options is the model's `annualised policy cost`, for every member, province and year.

    Args:
        booked: the model's accounts.
        found: the catalogue.

    Returns:
        An iterator of accounts.
    """
    for column, lever in enumerate(booked.levers):
        ids = found.moving(lever)
        costs = {name: unit_costs(found[name], booked.plan) for name in ids}
        whole = {name: values[:, column] for name, values in booked.parameters.items()}
        recovery = capital_recovery(booked.rate[:, None], whole["lever lifetime"][None, :])
        annuity = booked.saving[:, :, column] * (whole["capital cost"] * recovery)[:, :, None]
        weights = {
            name: booked.parts[name].to_numpy(float) * cost.capital * capital_recovery(booked.rate[:, None], cost.life)
            for name, cost in costs.items()
        }
        total = np.sum(list(weights.values()), axis=0) if weights else np.zeros(())
        for name, cost in costs.items():
            fraction = np.where(total > 0, weights[name] / np.where(total > 0, total, 1.0), 1.0 / len(ids))
            yield _account(booked, found[name], column, cost, annuity * fraction[:, :, None])


def _account(booked: Booked, option: Option, column: int, cost: UnitCosts, annuity: Array | None) -> Account:
    """One option's account; drawn costs lead with an axis of members. annuity: as the model booked it, or computed."""
    share = booked.parts[option.id].to_numpy(float)[None, :, None]
    saving, new = (values[:, :, column] * share for values in (booked.saving, booked.new))
    capital, operating, programme, carbon = (
        part[:, None, None] for part in (cost.capital, cost.operating, cost.programme, cost.carbon)
    )
    grown = (1 + economics().rates["price_growth"].value) ** (MIDDLE[booked.plan] - 2005)
    investment = capital * new
    if annuity is None:
        annuity = saving * capital * capital_recovery(booked.rate, cost.life)[:, None, None]
    return Account(
        option=option.id,
        saving=saving,
        co2=saving * carbon,
        units=saving / option.basis.value,
        annuity=annuity,
        investment=investment,
        operation=saving * operating,
        programme=programme * booked.programme[:, None, None] * investment,
        fuel=saving * cost.price_in(booked.provinces)[:, :, None] * booked.index[:, None, :] / grown,
    )


def drawn(booked: Booked, option: Option, perspective: Perspective, draw: Draw, rate: Array | None = None) -> Account:
    """An option's account with drawn costs and prices, one draw per member.

    Args:
        booked: the model's accounts.
        option: the option.
        perspective: "social" or "private".
        draw: function from a quantity to its draws (member,).
        rate: discount rate (member,), 1/year; default: the model's.

    Returns:
        The account.
    """
    from dataclasses import replace

    own = booked if rate is None else replace(booked, rate=rate)
    return _account(
        own, option, list(booked.levers).index(option.lever), unit_costs(option, booked.plan, perspective, draw), None
    )


def places(values: Array) -> Array:
    """Append the nation, the sum of the provinces, to values by province.

    Args:
        values: (member, province, …).

    Returns:
        (member, province with the nation last, …).
    """
    return np.concatenate([values, values.sum(1, keepdims=True)], axis=1)


def table(booked: Booked, found: Catalogue, draw: Draw, base: int) -> pd.DataFrame:
    """Costs of every option and of the mix, one row per option and place and one row `all` per place.

    Plain columns are medians over members at the catalogue's central costs; `… low` and `… high` are the 10 and 90 %
    quantiles over members with costs and prices drawn as well. The row `all` is the mix, whose net cost is the model's.
    A cost per tonne is missing where fewer than nine members in ten save any.

    Args:
        booked: the model's accounts.
        found: the catalogue.
        draw: function from a quantity to its draws (member,).
        base: year to which present values refer.

    Returns:
        Savings, costs of the last year, NPV and cost per tonne; the columns name their units.
    """
    rate, private = booked.rate, draw(economics().rates["private"])
    names = [*booked.provinces, NATION]
    frames, total, spread = [], _Sum(), _Sum()
    for account in accounts(booked, found):
        option = found[account.option]
        firm = drawn(booked, option, "private", draw, private)
        middle = _figures(option, account, firm, booked, rate, base)
        around = _figures(option, drawn(booked, option, "social", draw), firm, booked, rate, base)
        total.add(middle)
        spread.add(around)
        frames.append(_rows(option, names, middle, around))
    if not frames:
        return pd.DataFrame()
    whole = _rows(None, names, total.with_ratios(), spread.with_ratios())
    return pd.concat([*frames, whole], ignore_index=True).assign(year=booked.years[-1])


class _Sum:
    """Figures of several options, added."""

    def __init__(self) -> None:
        self.parts: dict[str, Array] = {}

    def add(self, figures: Mapping[str, Array]) -> None:
        for name, values in figures.items():
            if not name.startswith(("yuan", "quantity", "private yuan")):
                self.parts[name] = self.parts[name] + values if name in self.parts else values

    def with_ratios(self) -> dict[str, Array]:
        own = self.parts
        return {
            **{name: own[name] for name in own},
            "yuan per tce": _per(own["npv Gyuan"], own["cumulative energy Mtce"]),
            "yuan per tCO2": _per(own["npv Gyuan"], own["cumulative co2 Mt"]),
            "private yuan per tCO2": _per(own["private npv Gyuan"], own["cumulative co2 Mt"]),
        }


def _figures(
    option: Option, account: Account, firm: Account, booked: Booked, rate: Array, base: int
) -> dict[str, Array]:
    """The columns of `table`, (member, place)."""
    counted = 1.0 if option.counts == "energy" else 0.0
    saving, co2 = places(account.saving), places(account.co2)
    npv = present_value(places(account.net), booked.years, rate[:, None], base)
    private = present_value(places(firm.net), booked.years, rate[:, None], base)
    energy = counted * saving.sum(2)
    return {
        "quantity million": places(account.units)[..., -1],
        "energy saved Mtce": counted * saving[..., -1],
        "co2 avoided Mt": co2[..., -1],
        "cumulative energy Mtce": energy,
        "cumulative co2 Mt": co2.sum(2),
        "investment Gyuan": places(account.investment).sum(2),
        "annuity Gyuan/year": places(account.annuity)[..., -1],
        "operation Gyuan/year": places(account.operation)[..., -1],
        "programme Gyuan/year": places(account.programme)[..., -1],
        "fuel saved Gyuan/year": places(account.fuel)[..., -1],
        "net cost Gyuan/year": places(account.net)[..., -1],
        "private net cost Gyuan/year": places(firm.net)[..., -1],
        "npv Gyuan": npv,
        "private npv Gyuan": private,
        "yuan per tce": _per(npv, energy),
        "yuan per tCO2": _per(npv, co2.sum(2)),
        "private yuan per tCO2": _per(private, co2.sum(2)),
    }


def _per(value: Array, amount: Array) -> Array:
    """Gyuan over Mt as yuan per t, (member, place); NaN in a place unless nine members in ten have an amount."""
    some = amount > 1e-9
    ratio = np.where(some, value / np.where(some, amount, 1.0) * YUAN_PER_TCE, np.nan)
    ratio[:, some.mean(0) < 0.9] = np.nan
    return np.asarray(ratio)


def _rows(
    option: Option | None, names: Sequence[str], middle: Mapping[str, Array], around: Mapping[str, Array]
) -> pd.DataFrame:
    """One row per place."""
    columns: dict[str, object] = {
        "option": option.id if option else ALL,
        "title": option.title if option else "All options",
        "title_zh": option.title_zh if option else "All options",
        "package": option.package if option else "all packages",
        "province": list(names),
        "unit": option.unit if option else "",
        "unit_zh": option.unit_zh if option else "",
    }
    with np.errstate(all="ignore"):
        for name, values in middle.items():
            low, high = quantiles(around[name], (LEVELS[0], LEVELS[-1]))
            columns |= {f"{name} low": low, name: quantiles(values, (0.5,))[0], f"{name} high": high}
    if option:
        who = option.who_pays
        columns |= {"enterprises": who.enterprises, "government": who.government, "households": who.households}
        columns |= {"start": option.schedule.start, "complete": option.schedule.last_year, **_trust(option)}
    return pd.DataFrame(columns)


def _trust(option: Option) -> dict[str, float | str]:
    """How much of the option's numbers is assumed, and which costs are not Chinese."""
    scopes = [quantity.scope for quantity in option.quantities().values()]
    numbers = [scope for scope in scopes if scope != "definition"]
    return {"assumed": numbers.count("assumption") / len(numbers), "cost source": option.capital_cost.scope}


def sheet(found: Catalogue, plan: str) -> pd.DataFrame:
    """Size, units and cost of every option in the nation from its sheet alone, without the model, at prices of 2005.

    Args:
        found: the catalogue.
        plan: name of the plan.

    Returns:
        Columns `size` (Mtce/year), `units` (millions), `yuan per tce` (annuity + operation − energy not bought, per tce
        of saving or of avoided fuel), `yuan per tCO2`, and the same with `private`, by the central numbers.
    """
    from experiments.policy.size import size, units

    rates = {"social": "discount", "private": "private"}
    rows = []
    for option in found.options.values():
        own = size(option, plan)
        weight = own / own.sum() if own.sum() > 0 else np.full(len(own), 1 / len(own))
        row: dict[str, object] = {"option": option.id, "title": option.title, "lever": option.lever or "stated only"}
        row |= {"size": float(own.sum()), "units": float(units(option, plan).sum()), "unit": option.unit}
        for perspective, rate in rates.items():
            cost = unit_costs(option, plan, perspective)  # type: ignore[arg-type]
            yearly = cost.capital * capital_recovery(economics().rates[rate].value, cost.life) + cost.operating
            net = float((yearly - cost.price @ weight).item()) * YUAN_PER_TCE
            head = "" if perspective == "social" else "private "
            carbon = float(cost.carbon.item())
            row |= {f"{head}yuan per tce": net, f"{head}yuan per tCO2": net / carbon if carbon > 0 else np.nan}
        rows.append(row)
    return pd.DataFrame(rows)


def curve(costs: pd.DataFrame) -> pd.DataFrame:
    """Abatement cost curve of each place: options by rising cost (yuan/tCO2) with the CO2 that each avoids (Mt/year).

    Options without a cost per tonne or without an effect are left out. Public transit is left out too, because it is
    built for travel time and its place in the curve would depend on the share of its cost that is charged to energy.

    Args:
        costs: result of `table`.

    Returns:
        One row per option and place.
    """
    kept = costs[costs["yuan per tCO2"].notna() & (costs["co2 avoided Mt"] > 0) & (costs["option"] != ALL)]
    kept = kept[~kept["option"].isin(OUTSIDE)]
    frames = []
    for place, own in kept.groupby("province", sort=False):
        ordered = own.sort_values("yuan per tCO2", kind="stable")
        width = ordered["co2 avoided Mt"]
        made = ordered[["option", "title", "title_zh", "package"]].assign(
            **{"co2 Mt/year": width, "from Mt/year": width.cumsum() - width, "to Mt/year": width.cumsum()}
        )
        rest = ["yuan per tCO2", "yuan per tCO2 low", "yuan per tCO2 high", "private yuan per tCO2", "assumed"]
        frames.append(pd.concat([made, ordered[rest]], axis=1).assign(province=place))
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()


OUTSIDE = ("TRA-01",)
"""Options shown beside the curve: urban rail is not about energy (its other benefits are named in its sheet)."""


def product_form(total: Array, alone: Array) -> Array:
    """Joint reduction if each option acts on the remainder after the others: B [1 − Π(1 − f)] with f = alone / B.

    It is a check of the model's own joint reduction.

    Args:
        total: B (member,).
        alone: reduction by each option alone (option, member), in the unit of B.

    Returns:
        Joint reduction (member,) in that unit.

    >>> round(product_form(np.array([100.0]), np.array([[10.0], [20.0]])).item(), 6)
    28.0
    """
    left = np.prod(1 - alone / total, axis=0)
    joint: Array = total * (1 - left)
    return joint


__all__ = [
    "ALL",
    "Account",
    "Booked",
    "accounts",
    "capital_recovery",
    "central",
    "curve",
    "drawn",
    "places",
    "present_value",
    "product_form",
    "sheet",
    "table",
]
