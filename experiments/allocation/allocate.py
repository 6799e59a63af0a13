"""`allocate`: a rule, a national target and options in; a table of provincial targets with their reasons out."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, TypeVar

import numpy as np
import pandas as pd
import xarray as xr

from experiments.allocation import base_state
from experiments.allocation import growth as growth_rates
from experiments.allocation import indicators as measured
from experiments.allocation import national as national_sum
from experiments.allocation import options as option_table
from experiments.allocation.indicators import Indicators
from experiments.allocation.lookup import find
from experiments.allocation.national import Array, Bounds, Weights
from experiments.allocation.registry import Proposal, Rule
from experiments.allocation.response import ModelResponse
from experiments.study.known import INDICATORS, check_national
from models.plans import Plan, plans
from models.reading.faults import InputError
from models.reading.names import choose

Result = TypeVar("Result")

BASE_YEARS = (2005, 2015)
STATE_MEMBERS, STATE_SEED = 32, 1
"""Members of the model behind a base year that is not measured."""

CALLABLES = frozenset({"reductions", "cost", "chance"})
"""Options that rules built on the model take and that no table can hold: functions and their like."""


@dataclass(frozen=True)
class Allocation:
    """Provincial targets by one rule.

    Attributes:
        rule: name of the rule.
        title: its title.
        origin: its origin.
        plan: name of the plan.
        indicator: energy, co2, energy-total or co2-total.
        national: the nation's target, per cent.
        table: one row per province (31): province, target_percent (NaN = none), target_rounded (whole per cents), note,
            then every indicator behind the number.
        aggregate: national cut that the targets give by the exact identity, per cent.
        aggregate_official: the same at the provinces' own growth targets.
        aggregate_rounded: the same after rounding to whole per cents.
        aggregate_remainder: the same after rounding by largest remainder.
        scalar: the number that met the national sum.
        options: the options of the rule.
        growth_provinces: assumed growth of GDP of the sum of provinces, per cent per year.
        growth_nation: the nation's growth target, per cent per year.
        growth_scaling: factor on the provinces' growth that would reconcile the two.
        says: meaning of the scalar, in words.
        source: source of the rule.
    """

    rule: str
    title: str
    origin: str
    plan: str
    indicator: str
    national: float
    table: pd.DataFrame
    aggregate: float
    aggregate_official: float
    aggregate_rounded: float
    aggregate_remainder: float
    scalar: float
    options: Mapping[str, Any]
    growth_provinces: float
    growth_nation: float
    growth_scaling: float
    says: Mapping[str, str]
    source: str = ""

    def targets(self) -> xr.DataArray:
        """Targets in per cent over the provinces that have one."""
        known = self.table[self.table["target_percent"].notna()]
        return xr.DataArray(
            known["target_percent"].to_numpy(),
            dims="province",
            coords={"province": list(known["province"])},
            name="target",
            attrs={"units": "percent", "long_name": f"cut of {words_of(self.indicator)}, rule {self.rule}"},
        )

    def summary(self) -> dict[str, Any]:
        """Facts about the allocation that belong to its table."""
        return {
            "rule": f"{self.rule} ({self.title}; {self.origin})",
            "plan": self.plan,
            "target of the nation": f"{self.national:.6g} % less {words_of(self.indicator)}",
            "sum of the provinces": _known(self.aggregate, 3),
            **self.says,
            "at the provinces' own growth targets": _known(self.aggregate_official),
            "after rounding to whole per cents": _known(self.aggregate_rounded),
            "after rounding by largest remainder": _known(self.aggregate_remainder),
            "GDP growth a year, provinces summed": f"{self.growth_provinces:.2f} %",
            "GDP growth a year, the nation's target": "none was set",
        } | (
            {
                "GDP growth a year, the nation's target": f"{self.growth_nation:.2f} %",
                "scaling that would reconcile them": f"{self.growth_scaling:.3f}",
            }
            if np.isfinite(self.growth_nation)
            else {}
        )


def words_of(indicator: str) -> str:
    """The indicator in words: energy per GDP, total CO2."""
    quantity, form = INDICATORS[indicator]
    quantity = {"co2": "CO2"}.get(quantity, quantity)
    return f"{quantity} per GDP" if form == "intensity" else f"total {quantity}"


def _known(percent: float, decimals: int = 2) -> str:
    return f"{percent:.{decimals}f} %" if np.isfinite(percent) else "not known: provinces with weight lack a target"


def allocate(
    rule: str,
    national: float | None = None,
    plan: str = "12FYP",
    *,
    indicator: str = "energy",
    base_year: int | None = None,
    indicators: Indicators | None = None,
    model: ModelResponse | None = None,
    held: Mapping[str, float] | None = None,
    **options: Any,
) -> Allocation:
    """Targets of all provinces by one rule.

    Args:
        rule: official, draft, uniform, s1, s2, s3, triptych, responsibility, csv, … or the path of a Python file.
        national: the nation's target in per cent; default: the plan's. For a total it is the value that this leaves on
            the provinces' own growth targets.
        plan: 11FYP … 15FYP.
        indicator: "energy" or "co2" (per GDP), "energy-total" or "co2-total" (cut of the amount).
        base_year: a base year other than the plan's.
        indicators: indicators in place of the measured ones.
        model: the response of the calling study's model, for rules that simulate it and for plans whose base year is
            not measured.
        held: provinces with a given target (per cent); the rule distributes the rest.
        options: options of the rule, see defaults.csv.

    Returns:
        The targets, with the indicators behind them.

    Raises:
        InputError: with all faults of the input.

    >>> from experiments.allocation import allocate
    >>> made = allocate("uniform", plan="12FYP")
    >>> float(made.targets().sel(province="Guangdong").round(6))
    16.0
    """
    entry = find(rule)
    faults: list[str] = []
    resolved = _collect(faults, lambda: option_table.resolve(entry.name, options, CALLABLES)) or {}
    unmeasured = indicators is not None or model is not None or not entry.reads_base
    period = _collect(faults, lambda: _period(plan, base_year, resolved, unmeasured))
    indicator = _collect(faults, lambda: choose(indicator, list(INDICATORS), "indicator")) or "energy"
    quantity, form = INDICATORS[indicator]
    target = national
    if target is None and period is not None:
        target = period.energy_target if quantity == "energy" else period.co2_target
    if wrong := check_national(national, indicator):
        faults.append(wrong)
    elif national is None and target is not None and not 0 < target < 100:
        faults.append(
            f"got no {quantity} target in plan {plan}; allowed: above 0 and below 100 %: set it with --national"
        )
    if faults or period is None or target is None:
        raise InputError(faults)
    data = base_indicators(period, model) if indicators is None else replace(indicators, plan=period)
    asked = {**resolved, "indicator": indicator, "quantity": quantity, "form": form, "model": model}
    asked["held"] = {choose(name, list(data.provinces), "province"): cut / 100 for name, cut in (held or {}).items()}
    if form == "total" and national is None:
        target = 100 * _total_cut(target / 100, _weights(data, quantity, "intensity"))
    return _solve(entry, data, {**asked, "target": target / 100})


def check_options(rule: str, options: Mapping[str, Any]) -> None:
    """Check options that a user gave to a rule.

    Args:
        rule: name of the rule.
        options: name of the option → value.

    Raises:
        InputError: with all faults: unknown names and values out of range.
    """
    option_table.resolve(find(rule).name, options)


def _collect(faults: list[str], step: Callable[[], Result]) -> Result | None:
    """The step's result, or None with its faults added to the list."""
    try:
        return step()
    except InputError as error:
        faults += error.faults
        return None


def _period(name: str, base_year: int | None, options: Mapping[str, Any], unmeasured: bool) -> Plan:
    """The plan with the years that the caller chose. Raises InputError for years without figures.

    unmeasured: the plan needs no measured base: the caller brings indicators or a model, or the rule reads none.
    """
    period = measured.known_plan(name) if unmeasured else measured.find_plan(name)
    if base_year is not None:
        first, last = BASE_YEARS
        if not first <= base_year <= last:
            raise InputError(
                f"got base year {base_year}; allowed: {first} to {last}, where energy and GDP are measured"
            )
        last_year = period.last_year + base_year - period.base_year
        structure = min(period.structure_year or base_year, base_year)
        windows = tuple(w for w in period.trend_windows if w[1] <= base_year) or period.trend_windows[:1]
        period = replace(
            period, base_year=base_year, last_year=last_year, structure_year=structure, trend_windows=windows
        )
    chosen = {key: options[key] for key in ("structure_year", "trend_windows") if options.get(key) is not None}
    return replace(period, **chosen)


def base_indicators(plan: Plan, model: ModelResponse | None = None) -> Indicators:
    """The indicators of a plan: measured, or of the mean state of the model's members where the base is not measured.

    Without a model they are those of the last measured plan, which rules may use that read no figure of the base year.
    """
    if plan.structure_year is not None:
        return measured_indicators(plan)
    if model is None:
        return base_state.stand_in(plan, measured_indicators(list(measured.served().values())[-1]))
    states = model.base_state(plan.name, STATE_MEMBERS, STATE_SEED)
    return base_state.indicators_of(base_state.mean_state(states), plan)[0]


def sampled_indicators(plan: Plan, model: ModelResponse) -> list[Indicators]:
    """One set of indicators for each member of the model where the base year is not measured; else the measured one."""
    if plan.structure_year is not None:
        return [measured_indicators(plan)]
    return base_state.indicators_of(model.base_state(plan.name, STATE_MEMBERS, STATE_SEED), plan)


@cache
def measured_indicators(plan: Plan) -> Indicators:
    """The measured indicators of a plan, loaded once."""
    return measured.load(plan)


def _growth(data: Indicators, how: str) -> tuple[Array, float]:
    """GDP growth that a rule assumes (fraction a year), and the scaling k that would meet the nation's target."""
    known = data.measured
    years, nation = data.plan.years, data.plan.national_growth / 100
    total = growth_rates.summed(data.growth[known], data.gdp[known], years)
    scaling = float("nan")
    if np.isfinite(nation):
        try:
            scaling = growth_rates.scaled(data.growth[known], data.gdp[known], years, nation)[1]
        except InputError:
            if how == "scaled":
                raise
    elif how == "scaled":
        raise InputError(f"got growth scaled; allowed: official, equal: no growth target was set in {data.plan.name}")
    if how == "equal":
        return np.full(data.growth.size, total), scaling
    return (data.growth * scaling if how == "scaled" else data.growth), scaling


def _weights(data: Indicators, quantity: str, form: str) -> Weights:
    """Weights that turn provincial cuts into the national one; for a total the amounts alone."""
    energy = data.amount(quantity)
    counted = np.isfinite(energy)
    growth = data.growth_factor if form == "intensity" else np.ones(energy.size)
    return Weights(np.where(counted, energy, 0.0), np.where(counted, data.gdp, 0.0), growth)


def _total_cut(cut: float, weights: Weights) -> float:
    """Cut of the nation's amount that a cut of its intensity leaves."""
    return 1 - (1 - cut) * weights.national_growth


@dataclass(frozen=True)
class _Solved:
    """Cuts that meet the national sum, with all that led to them."""

    entry: Rule
    data: Indicators
    assumed: Indicators
    options: Mapping[str, Any]
    proposal: Proposal
    weights: Weights
    bounds: Bounds
    scaling: float
    cut: Array
    scalar: float

    def rounded(self, step: float) -> tuple[Array, Array]:
        """Cuts to multiples of `step`: plainly, and by largest remainder."""
        return (
            national_sum.round_plain(self.cut, step, self.bounds),
            national_sum.round_largest_remainder(self.cut, step, self.bounds, self.weights, self.options["target"]),
        )

    def summed(self, cut: Array, weights: Weights | None = None) -> float:
        """National cut, per cent; NaN where a province with weight has no target."""
        use = self.weights if weights is None else weights
        complete = bool(np.isfinite(cut[use.energy > 0]).all())
        return 100 * use.aggregate(np.nan_to_num(cut)) if complete else float("nan")


def _solve(entry: Rule, data: Indicators, options: Mapping[str, Any]) -> Allocation:
    rates, scaling = _growth(data, entry.growth if options["growth"] == "rule" else options["growth"])
    assumed = data.with_growth(rates)
    quantity, form, target = options["quantity"], options["form"], options["target"]
    weights, bounds = _weights(assumed, quantity, form), Bounds.of(options)
    intensity = _weights(assumed, quantity, "intensity").national_growth
    options = {**options, "national": target if form == "intensity" else 1 - (1 - target) / intensity}
    proposal = entry.propose(assumed, options)
    if quantity == "co2" and entry.reads == "energy" and not proposal.given:
        proposal = _carbon(proposal, data.plan, options["carbon_content_cut"])
    if form == "total":
        proposal = _total(proposal, assumed.growth_factor)
    if proposal.given:
        cut, scalar = bounds(proposal.cut(0.0)), 0.0
    else:
        fixed = np.array([options["held"].get(province, np.nan) for province in data.provinces])

        def asked(scalar: float) -> Array:
            return np.where(np.isfinite(fixed), fixed, np.nan_to_num(bounds(proposal.cut(scalar))))

        cut, scalar = national_sum.meet(asked, weights, target, Bounds())
        cut = np.where(np.isfinite(proposal.cut(scalar)) | np.isfinite(fixed), cut, np.nan)
    solved = _Solved(entry, data, assumed, options, proposal, weights, bounds, scaling, cut, scalar)
    plain, remainder = solved.rounded(0.01)
    if options["round_to"] > 0:
        by_remainder = options["rounding"] == "largest-remainder"
        solved = replace(solved, cut=solved.rounded(options["round_to"] / 100)[by_remainder])
    return _result(solved, plain, remainder)


def carbon_content_cut(plan: Plan) -> float:
    """Fall of CO2 per energy (fraction) that two national targets imply: the plan's, or the latest plan's with both."""
    both = [p for p in plans().values() if p.number <= plan.number and p.energy_target > 0 and p.co2_target > 0]
    return 1 - (1 - both[-1].co2_target / 100) / (1 - both[-1].energy_target / 100) if both else 0.0


def _carbon(proposal: Proposal, plan: Plan, given: float | None) -> Proposal:
    """Cuts of CO2 per GDP from cuts of energy per GDP: CO2 per energy falls alike everywhere (given: per cent)."""
    fall = carbon_content_cut(plan) if given is None else given / 100
    return replace(proposal, cut=lambda m: 1 - (1 - proposal.cut(m)) * (1 - fall))


def _total(proposal: Proposal, growth: Array) -> Proposal:
    """Cuts of the amount itself: what the cut of its intensity leaves on the assumed growth of GDP."""
    return replace(proposal, cut=lambda m: 1 - (1 - proposal.cut(m)) * growth)


def _result(solved: _Solved, plain: Array, remainder: Array) -> Allocation:
    data, entry, known = solved.data, solved.entry, solved.data.measured
    official = _weights(data, solved.options["quantity"], solved.options["form"])
    return Allocation(
        rule=entry.name,
        title=entry.title,
        origin=entry.origin,
        plan=data.plan.name,
        indicator=str(solved.options["indicator"]),
        national=100 * solved.options["target"],
        table=_table(solved, plain),
        aggregate=solved.summed(solved.cut),
        aggregate_official=solved.summed(solved.cut, official),
        aggregate_rounded=solved.summed(plain),
        aggregate_remainder=solved.summed(remainder),
        scalar=solved.scalar,
        options={
            key: value for key, value in solved.options.items() if key not in CALLABLES | {"model", "target", "held"}
        },
        growth_provinces=100 * growth_rates.summed(data.growth[known], data.gdp[known], data.plan.years),
        growth_nation=data.plan.national_growth,
        growth_scaling=solved.scaling,
        says=solved.proposal.says(solved.scalar),
        source=entry.source,
    )


def _table(solved: _Solved, plain: Array) -> pd.DataFrame:
    data, weights = solved.data, solved.weights
    table = pd.DataFrame(
        {
            "province": data.provinces,
            "target_percent": 100 * solved.cut,
            "target_rounded": np.round(100 * plain, 6),
            "note": [solved.proposal.notes.get(p, "") for p in data.provinces],
            "weight": weights.energy / np.sum(weights.energy),
            "gdp_growth": 100 * solved.assumed.growth,
            "gdp_growth_official": 100 * data.growth,
            "gdp_growth_origin": data.growth_origin,
        }
    )
    detail = solved.proposal.detail(solved.scalar)
    return table if detail.empty else pd.concat([table, detail.reset_index(drop=True)], axis=1)
