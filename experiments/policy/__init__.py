"""Policy options and mixes, their costs and benefits."""

from experiments.policy.catalogue import Catalogue, Lever, Option, Quantity, catalogue, levers, load, sets
from experiments.policy.mix import Mix, find_mix, full_of, merge, mix, mixes, names, resolve_delivery, stacked, stored

__all__ = [
    "Catalogue",
    "Lever",
    "Mix",
    "Option",
    "Quantity",
    "catalogue",
    "find_mix",
    "full_of",
    "levers",
    "load",
    "merge",
    "mix",
    "mixes",
    "names",
    "resolve_delivery",
    "sets",
    "stacked",
    "stored",
]
