"""What a rule is: a function from indicators and options to cuts that depend on one scalar, and its entry in a table.

    @rule("uniform", title="…", growth="equal")
    def uniform(indicators: Indicators, options: Options) -> Proposal: ...

A rule does not see the national sum. It returns `Proposal(cut, detail)`: `cut(m)` gives every province's cut as a
fraction (NaN where the rule has no basis), nowhere falling in the scalar m; `detail(m)` gives the numbers behind it.
`allocate` finds the m that meets the national target. Whatever is monotone in one number fits: the strength of
savings, the level of a capacity line, the common chance of success, the common marginal cost.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
import pandas as pd

from experiments.allocation.indicators import Indicators
from experiments.allocation.national import Cut
from models.reading.names import choose

Options = Mapping[str, Any]
Growth = Literal["official", "equal", "scaled"]


def _no_detail(scalar: float) -> pd.DataFrame:
    return pd.DataFrame()


def _silent(scalar: float) -> Mapping[str, str]:
    return {}


@dataclass(frozen=True)
class Proposal:
    """What a rule returns.

    cut: scalar → cuts (province, order of the indicators), fractions; NaN = no basis. detail: scalar → a table
    (province × columns) of every number that a reader needs to redo a province by hand. given: the cuts are stated
    somewhere and stand as they are; the national sum is reported, not enforced. notes: province → remark. says:
    scalar → what the scalar means there and which provinces are no part of it, in words.
    """

    cut: Cut
    detail: Callable[[float], pd.DataFrame] = _no_detail
    given: bool = False
    notes: Mapping[str, str] = field(default_factory=dict)
    says: Callable[[float], Mapping[str, str]] = _silent


@dataclass(frozen=True)
class Rule:
    """A registered rule. growth: the GDP growth that it assumes unless the caller says otherwise. rises, falls: the
    indicators in which a province's own cut never falls, never rises.
    """

    name: str
    title: str
    propose: Callable[[Indicators, Options], Proposal]
    growth: Growth
    origin: str
    rises: tuple[str, ...] = ()
    falls: tuple[str, ...] = ()


_RULES: dict[str, Rule] = {}
RULES: Mapping[str, Rule] = MappingProxyType(_RULES)

#: One module a rule; a module that does not exist yet is left out.
MODULES = (
    "official",
    "draft",
    "uniform",
    "lbnl_s1_saving_potential",
    "lbnl_s2_equal_rates",
    "lbnl_s3_economic_capacity",
    "triptych",
    "responsibility",
    "own_table",
    "equal_chance",
    "least_cost",
)


def rule(
    name: str,
    *,
    title: str,
    origin: str,
    growth: Growth = "official",
    rises: tuple[str, ...] = (),
    falls: tuple[str, ...] = (),
) -> Callable[[Callable[[Indicators, Options], Proposal]], Callable[[Indicators, Options], Proposal]]:
    """Register the decorated function under `name`. Raises ValueError when the name is taken."""

    def register(propose: Callable[[Indicators, Options], Proposal]) -> Callable[[Indicators, Options], Proposal]:
        if name in _RULES and _RULES[name].propose.__module__ != propose.__module__:
            raise ValueError(f"two rules are called {name!r}: {_RULES[name].propose.__module__}, {propose.__module__}")
        _RULES[name] = Rule(name, title, propose, growth, origin, rises, falls)
        return propose

    return register


def load() -> Mapping[str, Rule]:
    """All rules, their modules imported."""
    for module in MODULES:
        path = f"{__package__}.rules.{module}"
        try:
            import_module(path)
        except ModuleNotFoundError as error:
            if error.name != path:
                raise
    return RULES


def find(name: str) -> Rule:
    """The rule of that name (case and underscores do not matter). Raises InputError with the nearest names."""
    rules = load()
    return rules[choose(name, rules, "allocation rule")]


def constant(cut: np.ndarray) -> Cut:
    """Cuts that do not depend on the scalar."""
    return lambda scalar: cut
