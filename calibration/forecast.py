"""Forecasts of a plan from an origin. The chances that the pages print are counted from these members.

A member is a draw from the posterior under drawn assumptions, with the yearly shocks of the error model to energy
intensity and growth (national, and provincial by size) and to CO2 per energy. Energy is intensity times GDP, and CO2 is
energy times CO2 per energy, so that one set of shocks serves all five quantities. China is the sum of the 30 provinces.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray
from scipy.stats import norm

from calibration import activity, assumptions, discrepancy, inputs, posterior, prior, projects
from calibration.inputs import exp, log
from calibration.members import run as run_members
from calibration.places import NATION
from models import PROVINCE
from models.plans import Plan, plans
from sim.model import Model

QUANTITIES = ("energy_intensity", "co2_intensity", "energy", "co2", "gdp")
MEASURED = {"energy_intensity": "energy_intensity", "energy": "energy_total", "co2": "co2_energy", "gdp": "gdp"}
"""Quantity → measured series; CO2 intensity is CO2 over GDP."""
OUTPUTS = ("reported energy intensity", "gdp", "energy co2", "total energy")
STRENGTH = "evidence strength"
FURTHER = 1000
"""Added to the seed for assumptions that came after a posterior."""
LATER = ("electricity for oil ratio", "carbon price pass through", "carbon price elasticity", "capture energy penalty")
"""Assumptions that belong to levers of later plans but are not the strength of a lever."""
LEARNT = posterior.PUBLISHED.with_name("learnt.csv")
"""Table with one row per origin, written by `calibration.learning`."""


@dataclass(frozen=True)
class Origin:
    """A posterior fitted up to the year `last` and a forecast to `end`, the last year of `plan`.

    Attributes:
        last: last fitted year.
        end: last year of the forecast.
        plan: name of the plan, such as 12FYP.
        until: last year of measured activity (electricity, products, growth) that a nowcast is conditioned on, where
            the energy balances end before the plan begins; None when the forecast starts from the last fitted year.
    """

    last: int
    end: int
    plan: str
    until: int | None = None

    @property
    def known(self) -> int:
        """The last year with any figure."""
        return self.until or self.last

    @property
    def base(self) -> int:
        """The year from which changes are counted: the last fitted year, or the base year of the plan after a
        nowcast.
        """
        return self.last if self.until is None else _plan(self.plan).base_year

    @property
    def years(self) -> range:
        """The year from which changes are counted, and the forecast years."""
        return range(self.base, self.end + 1)

    @property
    def carbon(self) -> str:
        """The model's CO2 in the plan's metric; from the 15th plan on without non-energy use and with process CO2."""
        return "energy co2" if self.end < NEW_METRIC else "total co2"

    @property
    def path(self) -> Path:
        """The published posterior of this origin."""
        name = "posterior.nc" if self.last == 2010 else f"posterior-{self.last}.nc"
        return posterior.PUBLISHED.with_name(name)


def _plan(name: str) -> Plan:
    return next(plan for plan in plans().values() if plan.name == name)


PRO_RATA = "pro rata"
"""Status of a provincial target that is the nation's because the province's own is not public."""
NEW_METRIC = 2026
"""First year of the carbon metric without non-energy use and with process CO2."""
ORIGINS = (Origin(2007, 2010, "11FYP"), Origin(2010, 2015, "12FYP"), Origin(2015, 2020, "13FYP"))
LATEST = Origin(2015, 2030, "15FYP", until=activity.MEASURED_TO)
"""The nowcast: fitted to the last energy balances and conditioned on activity measured since."""


def origin_of(base_year: int) -> Origin:
    """The origin of a forecast of the plan that begins in `base_year`, from all that was known by then.

    Raises:
        ValueError: the base year lies before the first origin.
    """
    until = activity.nowcast_year(base_year)
    if until is not None:
        plan = next(plan for plan in plans().values() if plan.base_year == base_year)
        return Origin(LATEST.last, plan.last_year, plan.name, until)
    known = [origin for origin in ORIGINS if origin.last <= base_year]
    if not known:
        raise ValueError(f"base year {base_year}: no origin before {ORIGINS[0].last}")
    return known[-1]


@dataclass(frozen=True)
class Options:
    """Options of a forecast.

    Attributes:
        members: number of members.
        seed: seed of draws and errors.
        policy: parameters of the model by name, over `member` where they are uncertain.
        measured_gdp: supply the measured GDP instead of the model's.
        projects: include the list of projects known at the origin.
        strength: strength of the evidence, in place of a draw.
    """

    members: int = 1000
    seed: int = 1
    policy: Mapping[str, xr.DataArray] | None = None
    measured_gdp: bool = False
    projects: bool = False
    strength: float | None = None


def run(
    origin: Origin, baseline: xr.Dataset, options: Options | None = None, fitted: xr.Dataset | None = None
) -> xr.Dataset:
    """Make a forecast.

    Args:
        origin: fitted years, plan and last year.
        baseline: measured series, as from `calibration.baseline.load`.
        options: members, seed and policy; by default those of `Options`.
        fitted: a posterior; by default the origin's published one.

    Returns:
        Natural logarithms of the QUANTITIES over (member, province with China, year), from the origin to the plan's
        end.
    """
    how = options or Options()
    fitted = posterior.load(origin.path) if fitted is None else fitted
    given = inputs.params(baseline, origin.last, origin.until)
    design = members(fitted, given, how)
    if origin.until is not None:
        design = design.merge(further(fitted, how))
        given["carbon target reduction"] = carbon_target_reduction(origin, given)
    policy = dict(how.policy or {})
    design = design.assign({name: value for name, value in policy.items() if "member" in value.dims})
    if how.projects:
        entered = projects.entered(origin.last, origin.end, baseline)
        given |= entered.inputs
        design = design.assign({"project delivery": entered.delivery(how.members, how.seed)})
    params: dict[str, xr.DataArray | float] = {**given, **policy}
    if how.measured_gdp:
        known = baseline["gdp"].sel(year=slice(inputs.BASE, origin.end)).rename(year="time")
        params |= {"gdp data switch": 1.0, "gdp data": known.assign_coords(time=known["time"].astype(float))}
    outputs = [*OUTPUTS, *({origin.carbon} - set(OUTPUTS))]
    made = run_members(Model.load(PROVINCE), design, params, outputs, origin.years)
    made = made.assign({"energy co2": made[origin.carbon]})
    return with_nation(with_predictive_error(made, fitted, how))


def members(fitted: xr.Dataset, given: dict[str, xr.DataArray], how: Options) -> xr.Dataset:
    """The design: assumptions at the quantiles of a Sobol' sample, the strength of the evidence as learnt from
    earlier plans.
    """
    names = [str(name) for name in fitted["assumption"].values]
    cube = prior.quantiles(how.members, names, how.seed)
    table = prior.from_quantiles(cube)
    table[STRENGTH] = (
        evidence_strength(int(fitted.attrs["last year fitted"]), cube[STRENGTH])
        if how.strength is None
        else how.strength
    )
    return posterior.design(
        how.members, how.seed, inputs=given, posterior=fitted, assumptions=table, refit=assumptions.ROUNDS
    )


def carbon_target_reduction(origin: Origin, given: Mapping[str, xr.DataArray]) -> xr.DataArray:
    """Carbon targets (fractions) that change effort in the origin's plan: (province, plan)."""
    asked = xr.zeros_like(given["target reduction"])
    listed = targets(origin, [str(name) for name in asked["province"].values])
    carbon = listed[listed["quantity"] == "co2_intensity"].set_index("province")["target"]
    key = _plan(origin.plan).key
    for province, target in carbon.items():
        asked.loc[{"province": province, "plan": key}] = target / 100
    return asked


def further(fitted: xr.Dataset, how: Options) -> xr.Dataset:
    """Draw assumptions on which no fitted year depends, so that the posterior does not contain them.

    The assumptions of levers of later plans have a separate random stream, so that a new lever changes no draw of a
    forecast without new policy.
    """
    rows = prior.uncertain()
    rows = rows[~rows.index.isin(fitted["assumption"].values)]
    late = rows["group"].eq("policy") | rows.index.isin(LATER)
    tables = [
        prior.from_quantiles(prior.quantiles(how.members, [*rows.index[chosen]], how.seed + stream))
        for chosen, stream in ((~late, FURTHER), (late, FURTHER + 1))
        if chosen.any()
    ]
    return xr.Dataset({str(name): ("member", one[name].to_numpy()) for one in tables for name in one})


def evidence_strength(last: int, quantiles: pd.Series) -> NDArray[np.float64]:
    """Strength of the evidence in official targets, learnt from the plans before an origin (table learnt):
    (member,).
    """
    known = pd.read_csv(LEARNT).set_index("origin").loc[last]
    return np.asarray(np.clip(norm.ppf(quantiles, known["mean"], known["spread"]), 0, None))


def with_predictive_error(run: xr.Dataset, fitted: xr.Dataset, how: Options) -> xr.Dataset:
    """Natural logarithms of energy intensity, GDP, energy and CO2 of the provinces, with the errors of the model."""
    like = xr.zeros_like(run["gdp"].transpose("member", "province", "year"))
    count, provinces, years = like.shape
    shocks = {}
    for index, quantity in enumerate(("", "growth")):
        made = like.copy()
        scales = discrepancy.from_attrs(fitted, quantity)
        made.values[..., 1:] = scales.sample(range(count), provinces, years - 1, how.seed + index)
        shocks[quantity] = made
    carbon = like.copy(data=discrepancy.carbon(range(count), provinces, years - 1, how.seed))
    intensity = log(run["reported energy intensity"]) + shocks[""]
    gdp = log(run["gdp"]) + (0 if how.measured_gdp else shocks["growth"])
    ratio = log(run["energy co2"]) - log(run["total energy"]) + carbon
    return xr.Dataset(
        {"energy_intensity": intensity, "gdp": gdp, "energy": intensity + gdp, "co2": ratio + intensity + gdp}
    )


def with_nation(logs: xr.Dataset) -> xr.Dataset:
    """Add the sum of the provinces and both intensities."""
    plain = {}
    for name in ("gdp", "energy", "co2"):
        total = log(exp(logs[name]).sum("province")).expand_dims(province=[NATION])
        plain[name] = xr.concat([logs[name], total], "province").transpose("member", "province", "year")
    plain["energy_intensity"] = plain["energy"] - plain["gdp"]
    plain["co2_intensity"] = plain["co2"] - plain["gdp"]
    return xr.Dataset(plain)


def change(logs: xr.Dataset, quantity: str, start: int, end: int) -> xr.DataArray:
    """Change of a quantity between two years, per cent: (member, province)."""
    series = logs[quantity]
    return 100 * (exp(series.sel(year=end, drop=True) - series.sel(year=start, drop=True)) - 1)


def measured(baseline: xr.Dataset) -> xr.Dataset:
    """Natural logarithms of the measured QUANTITIES over (province with China, year); China only where all are
    known.
    """
    data = {name: baseline[series] for name, series in MEASURED.items() if name != "energy_intensity"}
    whole = {
        name: xr.concat([item, item.sum("province", skipna=False).expand_dims(province=[NATION])], "province")
        for name, item in data.items()
    }
    logs = {name: log(item.reset_coords(drop=True)) for name, item in whole.items()}
    logs["energy_intensity"] = logs["energy"] - logs["gdp"]
    logs["co2_intensity"] = logs["co2"] - logs["gdp"]
    return xr.Dataset(logs)


def targets(origin: Origin, provinces: list[str]) -> pd.DataFrame:
    """Targets of the origin's plan, per cent.

    From the 15th plan on the provincial numbers are not public; every province without one then has the nation's
    target.

    Returns:
        Columns quantity, province, target and status; only rows with a known target.
    """
    parts = []
    for quantity, kind in (("energy_intensity", "energy"), ("co2_intensity", "co2")):
        known = inputs.official_targets(kind, origin.plan).reindex([*provinces]).dropna()
        national = _plan(origin.plan).targets.get("co2_intensity_2026", np.nan)
        if quantity == "co2_intensity" and origin.end >= NEW_METRIC and np.isfinite(national):
            shared = pd.DataFrame({"target": national, "status": PRO_RATA}, pd.Index(provinces, name="province"))
            shared.loc[shared.index == NATION, "status"] = "official"
            known = known.combine_first(shared).reindex(pd.Index(provinces, name="province"))
        parts.append(known.assign(quantity=quantity).reset_index())
    return pd.concat(parts, ignore_index=True)
