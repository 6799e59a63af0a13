"""A province's negotiation brief worked out: rules, standing, spared point, bearable share, offers."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from experiments.allocation import allocate
from experiments.allocation.allocate import base_indicators
from experiments.allocation.allowances import unchanged
from experiments.allocation.comparison import names, options_for, ranges, rules_of
from experiments.allocation.indicators import known_plan
from experiments.allocation.negotiation import Offer, by_rule, rounds, spared, standing
from experiments.allocation.outlook import bearable, chances
from experiments.allocation.pressure import SHARES, AtPressureShare
from experiments.allocation.response import ModelResponse
from experiments.study.known import INDICATORS
from models.reading.faults import InputError

LEVELS = (0.5, 0.8, 0.9)
CREDITS = (0.5, 1.0)
FORMS = {"energy-total": "energy", "co2-total": "co2"}
Said = Callable[[str], None]


def _silent(text: str) -> None:
    pass


@dataclass(frozen=True)
class BriefOptions:
    """How a brief is made. sharing: the rule by which others carry what the province is spared; points: how much.

    members, mix, seed: of the simulation behind chances.
    """

    plan: str = "15FYP"
    indicator: str = "co2"
    national: float | None = None
    rules: str = "all"
    sharing: str = "uniform"
    points: float = 1.0
    members: int = 100
    mix: str = "plan"
    seed: int = 1
    growth: str = "official"


@dataclass(frozen=True)
class ProvinceBrief:
    """One province's case.

    rules: as `negotiation.by_rule` with chance (fraction) under each rule's target. standing: as
    `negotiation.standing`. spared: as `negotiation.spared`. credit: by part credited, target and points against no
    credit. bearable: chance → target (per cent), columns "as modelled" and the ends of the pressure share. log: as
    `negotiation.rounds`, empty without offers. simulated_base: the base year is the model's, not measured. announced:
    provinces whose official target of this plan and indicator is known.
    """

    province: str
    options: BriefOptions
    national: float
    rules: pd.DataFrame
    standing: pd.DataFrame
    spared: pd.DataFrame
    credit: pd.DataFrame
    bearable: pd.DataFrame
    log: pd.DataFrame
    simulated_base: bool
    base_year: int
    last_year: int
    announced: int
    targets: pd.DataFrame = field(default_factory=pd.DataFrame)


def brief(
    province: str,
    options: BriefOptions,
    model: ModelResponse,
    offers: Sequence[Offer] = (),
    said: Said = lambda _: None,
) -> ProvinceBrief:
    """The case of a province. said: called with a sentence before each step.

    Raises InputError for rules, offers or options that cannot be.
    """
    plan = known_plan(options.plan)
    if options.indicator in FORMS:
        raise InputError(f"got indicator {options.indicator}; allowed in a brief: energy, co2 (per GDP)")
    quantity, _ = INDICATORS[options.indicator]
    shared: dict[str, Any] = {"indicator": options.indicator, "growth": options.growth}
    said("the base year and the rules")
    asked = names(options.rules, {"plan": options.plan, **shared})
    found = rules_of(asked, options.national, options.plan, model=model, **shared)
    national = found[0].national
    drawn = ranges(asked, options.national, options.plan, model, **shared)
    own = drawn[drawn["province"] == province].set_index("rule") if len(drawn) else None
    data = base_indicators(plan, model)
    weight = pd.Series(unchanged(data, quantity), index=list(data.provinces))
    said("the members under a grid of targets")
    responses = {"as modelled": model} | {f"{share:g}": AtPressureShare(model, share) for share in SHARES}
    simulated = {
        label: one.response(plan.name, options.mix, options.members, options.seed, quantity)
        for label, one in responses.items()
    }
    table = by_rule(found, province, own)
    targets = pd.DataFrame({item.rule: item.table.set_index("province")["target_percent"] for item in found})
    chance = chances(simulated["as modelled"], targets)
    table["chance"] = [float(chance[rule].get(province, float("nan"))) for rule in table["rule"]]
    given = {"national": options.national, "plan": options.plan, "model": model, **options_for(options.sharing, shared)}
    before = allocate(options.sharing, **given)
    said("what others carry")
    return ProvinceBrief(
        province=province,
        options=options,
        national=national,
        rules=table,
        standing=standing(data, province, quantity),
        spared=spared(options.sharing, province, options.points, before, weight, **given),
        credit=_credit(province, {**given, **shared}),
        bearable=pd.DataFrame({label: bearable(one, LEVELS).loc[province] for label, one in simulated.items()}),
        log=rounds(options.sharing, offers, **given) if offers else pd.DataFrame(),
        simulated_base=plan.structure_year is None,
        base_year=plan.base_year,
        last_year=plan.last_year,
        announced=_announced(options),
        targets=targets,
    )


def _credit(province: str, given: Mapping[str, Any]) -> pd.DataFrame:
    """Columns part (credited), target (per cent), points (against no credit)."""
    found = {
        part: float(
            allocate("early-action", early_credit=part, **given).table.set_index("province")["target_percent"][province]
        )
        for part in (0.0, *CREDITS)
    }
    return pd.DataFrame({"part": part, "target": found[part], "points": found[part] - found[0.0]} for part in CREDITS)


def _announced(options: BriefOptions) -> int:
    try:
        official = allocate("official", plan=options.plan, indicator=options.indicator)
    except InputError:
        return 0
    return int(official.table["target_percent"].notna().sum())
