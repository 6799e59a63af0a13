"""Definition of a rule: cuts from indicators and options that depend on one scalar, and its entry in a table.

    @rule("uniform", title="…", growth="equal")
    def uniform(indicators: Indicators, options: Options) -> Proposal: ...

A rule does not see the national sum. It returns `Proposal(cut, detail)`: `cut(m)` gives every province's cut as a
fraction (NaN where the rule has no basis), nowhere falling in the scalar m; `detail(m)` gives the numbers behind it.
`allocate` finds the m that meets the national target. Whatever is monotone in one number fits: the strength of
savings, the level of a capacity line, the common chance of success, the common marginal cost.

Rules come from three places: the modules of `rules/`, installed packages with an entry point in the group
`tanlu.rules`, and a Python file of the user (`own_rule`). All look alike.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from importlib.metadata import entry_points
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
import pandas as pd

from experiments.allocation import options as option_table
from experiments.allocation.indicators import Indicators
from experiments.allocation.national import Cut
from experiments.allocation.options import Number
from experiments.study import known

Options = Mapping[str, Any]
Growth = Literal["official", "equal", "scaled"]
Reads = Literal["amount", "energy"]


def _no_detail(scalar: float) -> pd.DataFrame:
    return pd.DataFrame()


def _silent(scalar: float) -> Mapping[str, str]:
    return {}


@dataclass(frozen=True)
class Proposal:
    """Result of a rule.

    Attributes:
        cut: function scalar → cuts (province, in the order of the indicators), fractions; NaN = no basis.
        detail: function scalar → table (province × columns) with every number needed to recalculate a province by hand.
        given: whether the cuts are published and stay unchanged; the national sum is then reported, not enforced.
        notes: province → remark.
        says: function scalar → its meaning and the provinces to which it does not apply, in words.
    """

    cut: Cut
    detail: Callable[[float], pd.DataFrame] = _no_detail
    given: bool = False
    notes: Mapping[str, str] = field(default_factory=dict)
    says: Callable[[float], Mapping[str, str]] = _silent


@dataclass(frozen=True)
class Rule:
    """A registered rule. growth: the GDP growth that it assumes unless the caller says otherwise. rises, falls: the
    indicators in which a province's own cut never falls, never rises. reads: what its cuts are of: the amount that the
    target counts (`options["quantity"]`), or always energy, which `allocate` turns into CO2. source: author, year and
    title in short of what it is taken from. options: numbers that no table holds. reads_base: False where the cuts
    depend on no figure of the base year.
    """

    name: str
    title: str
    propose: Callable[[Indicators, Options], Proposal]
    growth: Growth
    origin: str
    rises: tuple[str, ...] = ()
    falls: tuple[str, ...] = ()
    reads: Reads = "amount"
    source: str = ""
    options: tuple[Number, ...] = ()
    reads_base: bool = True


OWN = "tanlu_own_rule_"
"""Beginning of the module name of a user's file: its rule goes to who asks for the file, not into the common table."""

_RULES: dict[str, Rule] = {}
_OWN: dict[str, list[Rule]] = {}
RULES: Mapping[str, Rule] = MappingProxyType(_RULES)


def rule(
    name: str,
    *,
    title: str,
    origin: str,
    growth: Growth = "official",
    rises: tuple[str, ...] = (),
    falls: tuple[str, ...] = (),
    reads: Reads = "amount",
    source: str = "",
    options: Sequence[Number] = (),
    reads_base: bool = True,
) -> Callable[[Callable[[Indicators, Options], Proposal]], Callable[[Indicators, Options], Proposal]]:
    """Register the decorated function as a rule under `name`, which users type.

    Args:
        name: name of the rule.
        title: title in reports.
        origin: origin in reports, such as "ours".
        growth: growth of GDP that the rule assumes.
        rises: indicators with which the cut rises.
        falls: indicators with which the cut falls.
        reads: indicators that the rule reads.
        source: publication.
        options: numbers that the rule takes in addition to the common options; shipped rules have theirs in
            defaults.csv.
        reads_base: whether the rule reads the base year; see `Rule`.

    Returns:
        A decorator that returns the function unchanged.

    Raises:
        ValueError: the name is taken.
    """

    def register(propose: Callable[[Indicators, Options], Proposal]) -> Callable[[Indicators, Options], Proposal]:
        entry = Rule(name, title, propose, growth, origin, rises, falls, reads, source, tuple(options), reads_base)
        if propose.__module__.startswith(OWN):
            _OWN.setdefault(propose.__module__, []).append(entry)
            return propose
        home, _, module = propose.__module__.rpartition(".")
        if home == f"{__package__}.rules" and known.RULES.get(name) != module:
            raise ValueError(f"rule {name!r} of {module}.py: experiments/study/known.py has to name it")
        if name in _RULES and _RULES[name].propose.__module__ != propose.__module__:
            raise ValueError(f"two rules are called {name!r}: {_RULES[name].propose.__module__}, {propose.__module__}")
        _RULES[name] = entry
        option_table.add(name, options)
        return propose

    return register


def load() -> Mapping[str, Rule]:
    """All rules in the order of the known ones, after importing their modules and the entry points of packages.

    Returns:
        Name → rule.
    """
    for module in known.RULES.values():
        import_module(f"{__package__}.rules.{module}")
    for point in entry_points(group=known.ENTRY_POINTS):
        point.load()
    return {name: RULES[name] for name in [*known.RULES, *(name for name in RULES if name not in known.RULES)]}


def registered_by(module: str) -> Sequence[Rule]:
    """The rules that a user's file registered under its module name, and forgets them."""
    return _OWN.pop(module, [])


def constant(cut: np.ndarray) -> Cut:
    """Cuts that do not depend on the scalar."""
    return lambda scalar: cut
