"""Five-year plans."""

from collections.abc import Mapping

PLANS: Mapping[str, tuple[str, int, int]] = {
    "p11": ("11FYP", 2005, 2010),
    "p12": ("12FYP", 2010, 2015),
    "p13": ("13FYP", 2015, 2020),
    "p14": ("14FYP", 2020, 2025),
}
"""Five-year plans: the name used in tables, the base year that a reduction counts from, the last year."""
