"""Indirect effects: money that is spent, displaced and respent, through input-output multipliers; air and health.

    Δf  = investment × local share − displaced investment − lost fuel sales + programme + respent savings
    ΔVA = v'(I − A)⁻¹ Δf ;  Δjobs = l'(I − A)⁻¹ Δf       (type I: direct and indirect, national table of 2020)

The induced round adds what households spend of their part of ΔVA. How much is made at home, how it is paid for and
what it displaces decide the sign: they are stated in economics.yaml (`closure`), drawn within their range, and shown.
The dynamic model's own feedback on GDP (crowding out, rationing) is separate and is printed beside these figures.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import pandas as pd

from calibration import tables
from experiments.analyses.policy.costs import Account, Array
from experiments.policy.catalogue import Option, Quantity
from experiments.policy.economics import Draw, deflator, economics, measured
from models.reading.faults import InputError

VALUE_ADDED = "domestic value added per yuan of final demand"
JOBS = "direct + indirect jobs per million yuan of final demand"
TABLE_YEAR = 2020  # prices of the multipliers' table


@dataclass(frozen=True)
class Multipliers:
    """Type I multipliers by input-output sector: value added (yuan/yuan), jobs (jobs per M yuan of 2005)."""

    value_added: Mapping[str, float]
    jobs: Mapping[str, float]

    def apply(self, demand: Mapping[str, Array]) -> tuple[Array, Array]:
        """(value added Gyuan/year, thousand jobs) of a change of final demand by sector, Gyuan/year."""
        value = sum((amount * self.value_added[sector] for sector, amount in demand.items()), np.zeros(()))
        jobs = sum((amount * self.jobs[sector] for sector, amount in demand.items()), np.zeros(()))
        return np.asarray(value), np.asarray(jobs)


@cache
def multipliers() -> Multipliers:
    """From table policy_parameters; jobs moved to 2005 prices. Raises InputError when a sector lacks one of the two."""
    rows = tables.read("policy_parameters")
    value = _row(rows, VALUE_ADDED)
    jobs = _row(rows, JOBS)
    if set(value) != set(jobs):
        raise InputError(f"policy_parameters: one multiplier only for {', '.join(sorted(set(value) ^ set(jobs)))}")
    level = deflator(TABLE_YEAR)
    return Multipliers(value, {sector: number * level for sector, number in jobs.items()})


def _row(rows: pd.DataFrame, parameter: str) -> dict[str, float]:
    found = rows[rows["parameter"] == parameter]
    return {str(s): float(v) for s, v in zip(found["sector"], found["value"], strict=True)}


def final_demand(option: Option, account: Account, fuel: Mapping[str, Array], draw: Draw) -> dict[str, Array]:
    """Change of final demand inside the province by input-output sector, Gyuan/year at 2005 prices (member, …, year).

    fuel: spending saved by fuel, Gyuan/year. The financing: the share `displaced_investment` of the capital comes out
    of other investment, the rest is paid from what the payers would have spent; savings flow back to them.
    """
    closure, demand = economics().closure, economics().demand

    def drawn(quantity: Quantity) -> Array:
        values = draw(quantity)
        return values.reshape(len(values), *([1] * (account.investment.ndim - 1)))

    local = drawn(closure["local_share"])
    displaced = drawn(closure["displaced_investment"]) * account.investment
    savings = account.fuel - account.operation - account.programme - (account.investment - displaced)
    respent = drawn(closure["respent"]) * savings
    total: dict[str, Array] = {}
    _add(total, economics().goods[option.goods], account.investment)
    _add(total, demand["programme"], account.programme)
    _add(total, {"machinery": 1.0}, account.operation)
    _add(total, demand["ordinary investment"], -displaced)
    _add(total, demand["consumption"], respent)
    for name, saved in fuel.items():
        _add(total, {demand["fuels"][name]: 1.0}, -saved)
    return {sector: local * amount for sector, amount in total.items()}


def _add(total: dict[str, Array], shares: Mapping[str, float], amount: Array) -> None:
    for sector, share in shares.items():
        total[sector] = total.get(sector, np.zeros_like(amount)) + share * amount


def effects(
    demand: Mapping[str, Array], draw: Draw, induced: bool = False, years: Sequence[int] = ()
) -> tuple[Array, Array]:
    """(value added Gyuan/year, thousand jobs), (member, …, year); `induced`: with the round of household spending.

    years: of the last axis; jobs follow the productivity of labour of each year. Without years, of the table's year.
    """
    value, jobs = multipliers().apply(demand)
    if induced:
        closure = economics().closure
        kept = draw(closure["labour_income"]) * draw(closure["respent"]) * draw(closure["local_share"])
        kept = kept.reshape(len(kept), *([1] * (value.ndim - 1)))
        basket: Mapping[str, float] = economics().demand["consumption"]
        round_value = sum(share * multipliers().value_added[s] for s, share in basket.items())
        round_jobs = sum(share * multipliers().jobs[s] for s, share in basket.items())
        spent = value * kept / (1 - kept * round_value)  # the geometric sum of all further rounds
        value, jobs = value + spent * round_value, jobs + spent * round_jobs
    return value, jobs * labour(years) if len(years) else jobs


@cache
def _productivity() -> Mapping[int, float]:
    """Real GDP per employed person of all provinces by year, 2015 = 1, from the measured tables."""
    data = measured()[["gdp", "employment"]].sum("province", min_count=1)
    ratio = (data["gdp"] / data["employment"]).dropna("year")
    return {int(year): float(value / ratio.sel(year=2015)) for year, value in zip(ratio["year"], ratio, strict=True)}


def labour(years: Sequence[int]) -> Array:
    """Jobs per yuan of constant prices in each year over those of the table's year: (year,).

    Measured productivity of labour to 2015, then the assumed growth: a yuan of 2011 employs more people than one of
    2020.
    """
    known, growth = _productivity(), economics().rates["labour_productivity"].value

    def level(year: int) -> float:
        return known[year] if year in known else known[2015] * (1 + growth) ** (year - 2015)

    return np.array([level(TABLE_YEAR) / level(int(year)) for year in years])


def health(saved: Mapping[tuple[str, str], Array], draw: Draw, years: Sequence[int]) -> dict[tuple[str, str], Array]:
    """Deaths from PM2.5 avoided by year and what their lives are worth: (quantity, unit) → (member, place, year).

    saved: fuel burnt less, Mtce/year, by (place of use, fuel). Deaths per Mtce of coal are those of the Chinese burden
    of disease of 2013 by place of use; they follow emissions per coal of the years (controls) and are proportional:
    order of magnitude. `exposure` covers the slope of the exposure-response and where in the country it happens.
    """
    table = economics().health
    trend = controls(years)

    def drawn(name: str) -> Array:
        values = draw(table[name])
        return values[:, None, None]

    deaths = np.zeros_like(next(iter(saved.values())))
    for use, per in (("industry", "industry_deaths"), ("power", "power_deaths"), ("buildings", "buildings_deaths")):
        deaths = deaths + saved[use, "coal"] * drawn(per) * trend * drawn("exposure")
    return {("deaths avoided", "1/year"): deaths, ("value of lives", "Gyuan/year"): deaths * value_of_life() / 1e9}


def controls(years: Sequence[int]) -> Array:
    """Emission of fine particles and their precursors per coal burnt, 2013 = 1: (year,).

    Between 2010, 2013 and 2017 by the measured trend, held before and falling at half its pace after, to a third.
    """
    given = economics().health
    first, last = given["trend_2010"].value, given["trend_2017"].value
    year = np.asarray(years, float)
    after = np.maximum(last * (last ** (1 / 8)) ** (year - 2017), 1 / 3 * last)
    found: Array = np.where(year > 2017, after, np.interp(year, [2010, 2013, 2017], [first, 1.0, last]))
    return found


def value_of_life() -> float:
    """Value of a statistical life, yuan of 2005."""
    rows = tables.read("policy_parameters")
    usd = float(rows.loc[rows["parameter"] == "value of a statistical life used", "value"].iloc[0])
    return usd * economics().rates["yuan_2020_per_usd_2012"].value / deflator(TABLE_YEAR)
