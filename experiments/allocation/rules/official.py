"""Official: the targets that the State Council gave, five groups in the twelfth plan."""

from experiments.allocation import shipped
from experiments.allocation.indicators import Indicators, served
from experiments.allocation.registry import Options, Proposal, rule
from experiments.allocation.stated import stated
from models.reading.faults import InputError


@rule(
    "official",
    title="Official",
    origin="published",
    source="State Council, Guofa [2011] 26 and later",
    reads_base=False,
)
def official(indicators: Indicators, options: Options) -> Proposal:
    """Announced targets of the plan. Raises InputError when none of this kind was announced."""
    if options["form"] == "total":
        raise InputError("no announced totals by province: the official rule has intensities alone")
    kind = f"{options['quantity']}_intensity_reduction"
    table = shipped.table("targets")
    rows = table[(table["plan"] == indicators.plan.name) & (table["variable"] == kind)].set_index("province")
    rows = rows[rows.index.isin(indicators.provinces)]
    percent = {str(province): float(value) for province, value in rows["value"].items()}
    if not percent:
        held = sorted(set(table.loc[table["variable"] == kind, "plan"]) & set(served()))
        raise InputError(f"no announced {kind} of plan {indicators.plan.name}; announced for: {', '.join(held)}")
    notes = {p: "no announced target known" for p in indicators.provinces if p not in percent}
    notes |= {str(p): "recalled, not read in a source" for p in rows.index[rows["flag"] == "recalled"]}
    return stated(indicators, percent, notes, options)
