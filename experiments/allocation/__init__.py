"""Every rule that splits the national target, one file a rule, one signature; the national ledger; comparisons."""

from experiments.allocation.allocate import Allocation, allocate, check_options
from experiments.allocation.registry import RULES, Proposal, find, load, rule

__all__ = ["RULES", "Allocation", "Proposal", "allocate", "check_options", "find", "load", "rule"]
