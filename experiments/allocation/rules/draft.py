"""Draft: the decomposition that NDRC circulated in January 2011, as far as it was printed."""

from experiments.allocation import shipped
from experiments.allocation.indicators import Indicators
from experiments.allocation.registry import Options, Proposal, rule
from experiments.allocation.rules.official import official
from experiments.allocation.stated import stated
from models.reading.faults import InputError

SCENARIOS = ("NDRC_draft_Jan_2011", "NDRC_draft_as_quoted_by_LBNL_authors")


@rule("draft", title="NDRC draft", origin="published in part", source="NDRC draft of January 2011, as printed")
def draft(indicators: Indicators, options: Options) -> Proposal:
    """The draft's targets; where none was printed, the official one, marked. Energy of the twelfth plan only."""
    if (indicators.plan.name, options["indicator"]) != ("12FYP", "energy"):
        raise InputError(
            f"got plan {indicators.plan.name}, {options['indicator']}; the draft is of energy in the 12FYP"
        )
    table = shipped.table("allocation_published")
    percent: dict[str, float] = {}
    for scenario in SCENARIOS:
        rows = table[table["scenario"] == scenario].set_index("province")["value"]
        percent = {**{str(p): float(v) for p, v in rows.items()}, **percent}
    notes = {p: "not printed in the draft: official target" for p in indicators.provinces if p not in percent}
    final = official(indicators, {**options, "normalise": False}).cut(0.0)
    fallback = {p: 100 * float(value) for p, value in zip(indicators.provinces, final, strict=True)}
    return stated(indicators, {**fallback, **percent}, notes, options)
