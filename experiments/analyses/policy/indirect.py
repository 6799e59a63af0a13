"""Indirect effects: money that is spent, displaced and respent, through input-output multipliers; air and health.

    Δf  = investment × local share − displaced investment − lost fuel sales + programme + respent savings
    ΔVA = v'(I − A)⁻¹ Δf ;  Δjobs = l'(I − A)⁻¹ Δf       (type I: direct and indirect, national table of 2020)

The induced round adds what households spend of their part of ΔVA. How much is made at home, how it is paid for and
what it displaces decide the sign: they are stated in economics.yaml (`closure`), drawn within their range, and shown.
The dynamic model's own feedback on GDP (crowding out, rationing) is separate and stands beside these figures.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np
import pandas as pd

from calibration import tables
from experiments.analyses.policy.costs import LEVELS, Account, Array
from experiments.policy.catalogue import Option
from experiments.policy.economics import Draw, deflator, economics
from models.reading.faults import InputError

VALUE_ADDED = "domestic value added per yuan of final demand"
JOBS = "direct + indirect jobs per million yuan of final demand"
TABLE_YEAR = 2020  # prices of the multipliers' table
POLLUTANTS = ("PM2.5", "SO2", "NOx")
DEATHS = {"PM2.5": "PM25", "SO2": "SO2", "NOx": "NOx"}  # as the table of deaths per tonne spells them
KG_PER_TCE = {"coal": "coal", "oil": "petroleum diesel", "gas": "natural gas"}
PLACES = {"industry": "industry", "buildings": "buildings", "power": "power"}


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
    """Change of final demand inside the province by input-output sector, Gyuan/year at 2005 prices (member, year).

    fuel: spending saved by fuel, Gyuan/year. The financing: the share `displaced_investment` of the capital comes out
    of other investment, the rest is paid from what the payers would have spent; savings flow back to them.
    """
    closure, demand = economics().closure, economics().demand
    local = draw(closure["local_share"])[:, None]
    displaced = draw(closure["displaced_investment"])[:, None] * account.investment
    savings = account.fuel - account.operation - account.programme - (account.investment - displaced)
    respent = draw(closure["respent"])[:, None] * savings
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


def effects(demand: Mapping[str, Array], draw: Draw, induced: bool = False) -> tuple[Array, Array]:
    """(value added Gyuan/year, thousand jobs), (member, year); `induced`: with the round of household spending."""
    value, jobs = multipliers().apply(demand)
    if not induced:
        return value, jobs
    closure = economics().closure
    kept = (draw(closure["labour_income"]) * draw(closure["respent"]) * draw(closure["local_share"]))[:, None]
    basket: Mapping[str, float] = economics().demand["consumption"]
    round_value = sum(share * multipliers().value_added[s] for s, share in basket.items())
    round_jobs = sum(share * multipliers().jobs[s] for s, share in basket.items())
    spent = value * kept / (1 - kept * round_value)  # the geometric sum of all further rounds
    return value + spent * round_value, jobs + spent * round_jobs


@cache
def _emission_factors() -> Mapping[tuple[str, str, str], float]:
    """Emission in kg per tce by (place, fuel, pollutant), uncontrolled plant."""
    rows = tables.read("policy_parameters")
    found: dict[tuple[str, str, str], float] = {}
    for place, sector in PLACES.items():
        for fuel, name in KG_PER_TCE.items():
            label = "hard coal" if (place, fuel) == ("power", "coal") else name
            own = rows[rows["sector"] == sector]
            for pollutant in POLLUTANTS:
                match = own[own["parameter"] == f"{pollutant} per tce {label}"]
                if len(match):
                    found[place, fuel, pollutant] = float(match["value"].iloc[0])
    # a zero for PM2.5 of industrial coal is a gap of that data set: buildings' coal stands in for it
    found["industry", "coal", "PM2.5"] = found["buildings", "coal", "PM2.5"]
    return found


@cache
def _deaths() -> Mapping[tuple[str, str], float]:
    """Deaths per tonne by (place, pollutant)."""
    rows = tables.read("policy_parameters")
    places = {"industry": "industry", "buildings": "buildings", "power": "electricity"}
    return {
        (place, pollutant): float(
            rows[
                (rows["parameter"] == f"premature deaths per tonne {DEATHS[pollutant]} (2016)")
                & (rows["sector"] == sector)
            ]["value"].iloc[0]
        )
        for place, sector in places.items()
        for pollutant in POLLUTANTS
    }


def health(saved: Mapping[tuple[str, str], Array], draw: Draw) -> pd.DataFrame:
    """Pollutants avoided and deaths avoided, order of magnitude only.

    saved: fuel burnt less, Mtce/year, by (place, fuel), arrays (member,); place is industry, buildings or power.
    Returns rows pollutant, `deaths avoided` and `value of lives` with the 10, 50 and 90 % quantile.
    """
    assumed = economics().health
    controls, exposure = draw(assumed["controls"]), draw(assumed["exposure"])
    tonnes = {p: np.zeros_like(controls) for p in POLLUTANTS}
    deaths = np.zeros_like(controls)
    for (place, fuel), amount in saved.items():
        for pollutant in POLLUTANTS:
            factor = _emission_factors().get((place, fuel, pollutant), 0.0)
            avoided = amount * factor * controls  # Mtce × kg/tce = kt
            tonnes[pollutant] = tonnes[pollutant] + avoided
            deaths = deaths + avoided * 1e3 * _deaths()[place, pollutant] * exposure
    rows = {(p, "kt/year"): value for p, value in tonnes.items()}
    rows["deaths avoided", "1/year"] = deaths
    rows["value of lives", "Gyuan/year"] = deaths * value_of_life() / 1e9
    found = []
    for (quantity, unit), values in rows.items():
        low, middle, high = (float(q) for q in np.quantile(values, LEVELS))
        found.append({"quantity": quantity, "low": low, "median": middle, "high": high, "unit": unit})
    return pd.DataFrame(found)


def value_of_life() -> float:
    """Value of a statistical life, yuan of 2005."""
    rows = tables.read("policy_parameters")
    usd = float(rows.loc[rows["parameter"] == "value of a statistical life used", "value"].iloc[0])
    return usd * economics().rates["yuan_2020_per_usd_2012"].value / deflator(TABLE_YEAR)
