"""Direct costs of options: annuities, operation, programmes, fuel saved; present values; the abatement cost curve.

What an option saves is the difference of two model runs, with and without it on top of all the others, so overlap is
resolved in the model and never by adding. Money is Gyuan at 2005 prices, energy Mtce of coal equivalent, CO2 Mt.

    annuity   A = K · CRF(r, L),  CRF = r / (1 − (1 + r)^−L)
    net cost  c_t = A_t + O_t + P_t − fuel saved_t
    NPV       Σ c_t / (1 + r)^(t − t0);  cost-effectiveness = NPV / Σ tonnes, the tonnes undiscounted
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from experiments.policy.catalogue import Option
from experiments.policy.economics import Draw, economics, real

Array = NDArray[np.float64]
YUAN_PER_TCE = 1000.0  # 1 Gyuan per Mtce = 1,000 yuan per tce
LEVELS = (0.1, 0.5, 0.9)
BURNT = ("coal", "oil", "gas")


def capital_recovery(rate: Array | float, life: Array | float) -> Array:
    """Annuity of one unit of capital, 1/year. rate 1/year, life years; 1 / life at zero rate.

    Raises ValueError for a life that is not positive or a rate at or below −1.
    """
    rate, life = np.broadcast_arrays(np.asarray(rate, float), np.asarray(life, float))
    if (life <= 0).any() or (rate <= -1).any():
        raise ValueError(f"life must be positive and rate above -1, got life {life.min():g}, rate {rate.min():g}")
    with np.errstate(divide="ignore", invalid="ignore"):
        annuity = rate / -np.expm1(-life * np.log1p(rate))  # keeps its digits at small rates
    return np.where(rate == 0, 1 / life, annuity)


def present_value(flows: Array, years: Sequence[int], rate: Array | float, base: int) -> Array:
    """Σ flow / (1 + r)^(year − base). flows (…, year); rate scalar or shaped as flows without years."""
    discount = (1 + np.asarray(rate, float))[..., None] ** (base - np.asarray(years, float))
    total: Array = (flows * discount).sum(-1)
    return total


@dataclass(frozen=True)
class Effect:
    """What an option changed in the model: (member, year) arrays, positive = less.

    energy Mtce/year of coal equivalent, co2 Mt/year, spending Gyuan/year on energy at 2005 prices, fuels Mtce/year of
    final energy by fuel burnt.
    """

    years: Sequence[int]
    energy: Array
    co2: Array
    spending: Array
    fuels: Mapping[str, Array]


@dataclass(frozen=True)
class Account:
    """Cost of an option by member and year, Gyuan/year at 2005 prices (shape (member, year))."""

    years: Sequence[int]
    units: Array
    annuity: Array
    investment: Array
    operation: Array
    programme: Array
    fuel: Array

    @property
    def net(self) -> Array:
        """Annuity, operation and programme less fuel saved."""
        return self.annuity + self.operation + self.programme - self.fuel


def spending_only(years: Sequence[int], investment: Array) -> Account:
    """An account of spending without any effect on energy: what only the macro side asks for."""
    none = np.zeros_like(investment)
    return Account(years, none, none, investment, none, none, none)


def account(option: Option, effect: Effect, draw: Draw) -> Account:
    """The account of an option with the effect that the model gave it.

    Units in place follow from the effect: energy saved over `unit_saving`; for options that count in CO2 only, CO2 over
    what a unit avoids; for a fuel switch the fuel replaced over `unit_avoided`, since what is taken instead may leave
    the energy total as it is. Capital is spent as units are added and as they wear out; it is paid off by annuities.
    """
    life = draw(option.lifetime)[:, None]
    rate = draw(economics().rates["discount"])[:, None]
    units = np.maximum(_units(option, effect, draw), 0.0)  # millions of units: Mtce over tce
    share = draw(option.attributable)[:, None] if option.attributable else 1.0
    capital = draw(real(option.capital_cost))[:, None] * share / YUAN_PER_TCE  # Gyuan per million units
    added = np.maximum(np.diff(units, prepend=0.0, axis=1), 0.0)
    programme = draw(option.programme_cost)[:, None]
    investment = capital * (added + units / life)
    return Account(
        years=effect.years,
        units=units,
        annuity=capital * units * capital_recovery(rate, life),
        investment=investment,
        operation=draw(real(option.operating_cost))[:, None] * share / YUAN_PER_TCE * units,
        programme=programme * investment,
        fuel=effect.spending,
    )


def _units(option: Option, effect: Effect, draw: Draw) -> Array:
    if option.fuel_in is not None:
        replaced: Array = np.sum([less for fuel, less in effect.fuels.items() if fuel != option.fuel_in], axis=0)
        return replaced / draw(option.avoided)[:, None]
    if option.counts == "energy":
        return effect.energy / draw(option.unit_saving)[:, None]
    carbon = draw(economics().carbon[option.fuel])
    return effect.co2 / (draw(option.avoided) * carbon)[:, None]


def table(options: Mapping[str, Option], effects: Mapping[str, Effect], draw: Draw, base: int) -> pd.DataFrame:
    """One row an option: savings, cost by kind in the last year, NPV, yuan/tce and yuan/tCO2 with their range.

    base: year that present values refer to. Columns `… low`, plain and `… high` are the 10, 50 and 90 % quantiles over
    members. A cost per tonne is missing where fewer than nine members in ten save any.
    """
    rate = draw(economics().rates["discount"])
    rows = []
    for name, effect in effects.items():
        option, own = options[name], account(options[name], effect, draw)
        value = present_value(own.net, effect.years, rate, base)
        last = {
            "energy saved Mtce": effect.energy[:, -1],
            "co2 avoided Mt": effect.co2[:, -1],
            "cumulative energy Mtce": effect.energy.sum(1),
            "cumulative co2 Mt": effect.co2.sum(1),
            "investment Gyuan": own.investment.sum(1),
            "annuity Gyuan/year": own.annuity[:, -1],
            "operation Gyuan/year": own.operation[:, -1],
            "programme Gyuan/year": own.programme[:, -1],
            "fuel saved Gyuan/year": own.fuel[:, -1],
            "net cost Gyuan/year": own.net[:, -1],
            "npv Gyuan": value,
            "yuan per tce": _per(value, effect.energy.sum(1) if option.counts == "energy" else np.zeros_like(value)),
            "yuan per tCO2": _per(value, effect.co2.sum(1)),
        }
        heading = {"option": name, "title": option.title, "title_zh": option.title_zh, "package": option.package}
        who = option.who_pays
        payers = {"enterprises": who.enterprises, "government": who.government, "households": who.households}
        rows.append({**heading, "year": effect.years[-1], **_quantiles(last), **payers, **_trust(option)})
    return pd.DataFrame(rows)


def _per(value: Array, amount: Array) -> Array:
    """Gyuan over Mt as yuan per t; NaN throughout unless nine members in ten have an amount."""
    some = amount > 1e-9
    if some.mean() < 0.9:
        return np.full_like(value, np.nan)
    return np.where(some, value / np.where(some, amount, 1.0) * YUAN_PER_TCE, np.nan)


def _quantiles(values: Mapping[str, Array]) -> dict[str, float]:
    found: dict[str, float] = {}
    for name, value in values.items():
        low, middle, high = np.nanquantile(value, LEVELS) if np.isfinite(value).any() else (np.nan,) * 3
        found |= {f"{name} low": float(low), name: float(middle), f"{name} high": float(high)}
    return found


def _trust(option: Option) -> dict[str, float | str]:
    """How much of the option's numbers is assumed, and which costs are not Chinese."""
    scopes = [quantity.scope for quantity in option.quantities().values()]
    numbers = [scope for scope in scopes if scope != "definition"]
    return {"assumed": numbers.count("assumption") / len(numbers), "cost source": option.capital_cost.scope}


def by_lever(options: Mapping[str, Option], levers: Sequence[str]) -> pd.DataFrame:
    """Cost of each model lever per tce saved a year, from its options, weighted by their shares; prices of 2005.

    Columns: `capital` with low and high (yuan per tce/yr), `operating` (yuan/tce), `lifetime` (years). Energy that a
    lever avoids without the official total noticing (non-fossil power) counts as saved here, as in the model.
    """
    rows = []
    for lever in levers:
        parts = [(o, e.share) for o in options.values() for e in o.levers if e.lever == lever]
        row: dict[str, float | str] = {"lever": lever}
        for column, field in (("capital", "capital_cost"), ("operating", "operating_cost")):
            for bound in ("low", "value", "high"):
                cost = sum(share * _per_tce(option, field, bound) for option, share in parts)
                row[f"{column} {bound}".removesuffix(" value")] = cost
        row["lifetime"] = sum(share * option.lifetime.value for option, share in parts)
        rows.append(row)
    return pd.DataFrame(rows)


def _per_tce(option: Option, field: str, bound: str) -> float:
    """A cost per unit over what the unit saves (or avoids) a year, at 2005 prices."""
    saving = option.unit_saving if option.counts == "energy" else option.avoided
    part = getattr(option.attributable, bound) if option.attributable else 1.0
    return float(getattr(real(getattr(option, field)), bound) * part / saving.value)


def curve(costs: pd.DataFrame) -> pd.DataFrame:
    """The abatement cost curve: options by rising yuan/tCO2, each as wide as the CO2 it avoids a year.

    Options without a cost per tonne, or without an effect, are left out.
    """
    kept = costs[costs["yuan per tCO2"].notna() & (costs["co2 avoided Mt"] > 0)]
    ordered = kept.sort_values("yuan per tCO2", kind="stable")
    width = ordered["co2 avoided Mt"]
    return pd.DataFrame(
        {
            "option": ordered["option"],
            "title": ordered["title"],
            "title_zh": ordered["title_zh"],
            "package": ordered["package"],
            "co2 Mt/year": width,
            "from Mt/year": width.cumsum() - width,
            "to Mt/year": width.cumsum(),
            "yuan per tCO2": ordered["yuan per tCO2"],
            "yuan per tCO2 low": ordered["yuan per tCO2 low"],
            "yuan per tCO2 high": ordered["yuan per tCO2 high"],
            "assumed": ordered["assumed"],
        }
    ).reset_index(drop=True)


def product_form(total: Array, alone: Array) -> Array:
    """Reduction if each option acts on what the others left: B [1 − Π(1 − f)], f = reduction alone / B.

    total B (member,), alone (option, member), in one unit. The check beside the model's own joint reduction.
    """
    left = np.prod(1 - alone / total, axis=0)
    joint: Array = total * (1 - left)
    return joint
