"""The names that a study may use, from files alone: a misspelt name is reported before anything is loaded."""

import csv
import re
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import models
from calibration.places import active_region, simulated
from experiments.study.load import load
from experiments.study.schema import Vocabulary
from models.reading.faults import refuse
from models.reading.names import choose, refusal
from models.reading.numbers import fraction

RULES = {
    "official": "official",
    "draft": "draft",
    "uniform": "uniform",
    "s1": "lbnl_s1_saving_potential",
    "s2": "lbnl_s2_equal_rates",
    "s3": "lbnl_s3_economic_capacity",
    "triptych": "triptych",
    "responsibility": "responsibility",
    "per-head": "equality_per_head",
    "cumulative-per-head": "cumulative_per_head",
    "grandfathering": "grandfathering",
    "early-action": "early_action",
    "entropy": "entropy_index",
    "zsg-dea": "zero_sum_gains_dea",
    "gini": "gini_optimal",
    "shapley": "shapley_provinces",
    "shadow-price": "shadow_price",
    "consumption": "consumption_responsibility",
    "basic-needs": "basic_needs",
    "csv": "own_table",
    "equal-chance": "equal_chance",
    "least-cost": "least_cost",
}
"""Allocation rule of the product → its module in `allocation/rules/`."""
ENTRY_POINTS = "tanlu.rules"
"""Group of the entry points by which installed packages bring rules."""
MIXES = Path(__file__).parents[1] / "policy" / "mixes"
"""The folder of the shipped policy mixes."""
_BY_PROVINCE = re.compile(r"^([a-z][^\[\n=~|]*)\[province[,\]]", re.M | re.I)


INDICATORS = {
    "energy": ("energy", "intensity"),
    "co2": ("co2", "intensity"),
    "energy-total": ("energy", "total"),
    "co2-total": ("co2", "total"),
}
"""What a target counts: quantity and form. A total is a cut of the amount itself; a negative cut lets it grow."""
LEAST_PUBLISHED = 0.1
"""Growth rates are published to a tenth of a per cent; a smaller one was meant as a fraction."""

OPTIONS = Path(__file__).parents[1] / "allocation" / "defaults.csv"
"""The options of the product's rules."""


def mixes() -> list[str]:
    """The shipped policy mixes."""
    return sorted(path.stem for path in MIXES.glob("*.yaml"))


def choose_rule(name: str) -> str:
    """The rule of that name; a path of a Python file is returned unchanged.

    Raises InputError for an unknown name, unless an installed package brings rules, whose names its import gives.
    """
    if name.endswith(".py") or entry_points(group=ENTRY_POINTS):
        return name
    return choose(name, RULES, "allocation rule")


def check_national(national: float | None, indicator: str) -> str:
    """The fault of a national target in per cent; "" for a valid one. A negative target of a total lets it grow."""
    total = INDICATORS[indicator][1] != "intensity"
    least = -100 if total else 0
    hint = "" if total or national is None else fraction(national, 1)
    if national is None or (least < national < 100 and not hint):
        return ""
    allowed = f"above {least} and below 100 %" if total else "1 to below 100 %"
    return f"got a national target of {national:g} %; allowed: {allowed}: set it with --national{hint}"


def check_target(target: float | None) -> str:
    """The fault of a province's target in per cent; "" for a valid one."""
    if target is None or 1 <= target < 100:
        return ""
    return f"got target {target:g}; allowed: 1 to below 100 %{fraction(target, 1)}"


def check_growth(rates: Mapping[str, float | None]) -> list[str]:
    """The faults of published growth rates, by name, per cent; None is not given."""
    return [
        f"{name}: got a growth of {rate:g} %, allowed: above -50 and below 100, and 0.1 or more if not zero"
        f"{fraction(rate, LEAST_PUBLISHED)}"
        for name, rate in rates.items()
        if rate is not None and (not -50 < rate < 100 or 0 < abs(rate) < LEAST_PUBLISHED)
    ]


def check_options(rule: str, given: Sequence[str]) -> None:
    """Raise InputError for names that are no option of a shipped rule; a user's own rule is not checked here."""
    refuse(_unknown_options(rule, given))


def _unknown_options(rule: str, given: Iterable[str]) -> list[str]:
    if rule not in RULES:
        return []
    with OPTIONS.open(encoding="utf-8", newline="") as file:
        rows = [(row["option"], row["rules"].split()) for row in csv.DictReader(file)]
    names = [option for option, rules in rows if "all" in rules or rule in rules]
    return [refusal(name, names, f"option of rule {rule}") for name in given if name not in names]


def vocabulary() -> Vocabulary:
    """The names for the shipped model file; the same as `installation.vocabulary` finds in the compiled model."""
    with models.PARAMETERS.open(encoding="utf-8", newline="") as file:
        table = {row["name"]: row for row in csv.DictReader(file)}
    named = dict.fromkeys(_BY_PROVINCE.findall(models.PROVINCE.read_text(encoding="utf-8")))

    def but(*roles: str) -> list[str]:
        return [name for name, row in table.items() if row["role"] not in roles]

    return Vocabulary(
        rules=list(RULES),
        mixes=mixes(),
        constants=but("lever"),
        uncertain=but("data", "calibrated", "lever"),
        variables=[name for name in named if name not in table],
        provinces=simulated(),
        limits={name: (float(row["minimum"]), float(row["maximum"])) for name, row in table.items()},
    )


class _OtherNamesError(Exception):
    """The study's names are not those of the shipped files."""


def check(name_or_path: str | Path, overrides: Sequence[str]) -> None:
    """Raise InputError with every fault of a study, before anything heavy is loaded.

    A study with model files of its own, one of a region pack, and any study where an installed package brings rules
    have further names: their faults are found by `installation.load_study`.
    """

    def words(data: Mapping[str, Any], folder: Path) -> Vocabulary:
        if data.get("model") or active_region() or entry_points(group=ENTRY_POINTS):
            raise _OtherNamesError
        return vocabulary()

    try:
        study = load(name_or_path, overrides, words)
    except _OtherNamesError:
        return
    chosen = ((choice.label, _unknown_options(choice.rule, choice.options)) for choice in study.allocations)
    refuse(f"allocation {label}: {fault}" for label, faults in chosen for fault in faults)
