"""Every rule that splits the national target, one file per rule, one signature; the national ledger; comparisons."""

from experiments.allocation.allocate import Allocation, allocate, check_options
from experiments.allocation.indicators import Indicators
from experiments.allocation.lookup import find
from experiments.allocation.options import Number
from experiments.allocation.registry import RULES, Options, Proposal, load, rule

__all__ = [
    "RULES",
    "Allocation",
    "Indicators",
    "Number",
    "Options",
    "Proposal",
    "allocate",
    "check_options",
    "find",
    "load",
    "rule",
]
