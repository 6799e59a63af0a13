"""`tanlu policy check`: whether the option catalogue, its tables and the account can be signed. Each check can fail.

columns      every number of a sheet moves a result when it is moved
mapping      an option acts on the sectors and fuels of its lever
fuel         an option saves a fuel that it acts on
potentials   no province exceeds its resource; nuclear only on the coast; every figure has a source
stocks       units that the model implies in 2015, 2020 and 2030 stay within the stock of such things
effect       the simulated saving is 0.3 to 3 times the sum of the sheets
prices       every price has its year, within 2000 to the plan's last
assumptions  a cost or potential without a source has a range of at least ± 50 per cent
payers       who pays adds to the whole
account      the options of the mix add to the model's net cost
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from experiments.analyses.policy.costs import Booked, accounts, places
from experiments.policy import size
from experiments.policy.catalogue import Catalogue, Option, Quantity
from experiments.policy.economics import Draw
from experiments.policy.lever_costs import unit_costs

Array = NDArray[np.float64]
YEARS = (2015, 2020, 2030)
RATIO = (0.3, 3.0)
EFFECT_YEAR = {"2011-2015": 2020, "2026-2030": 2030}
"""Year whose simulated effect is compared with the sheets, which state sizes by then."""

STUDY = {"2011-2015": "twelfth-plan", "2026-2030": "fifteenth-plan"}
"""Study whose state and targets a set of options meets."""

SCALE = {"Mtce/yr": 1.0, "TWh/yr": 1e-3, "GW": 1.0, "km": 1e6, "Mm2": 1.0, "million": 1.0, "Mha": 1.0}
"""From millions of an option's unit to the unit of its stock: kWh → TWh, kW → GW."""

COAST = frozenset(
    ("Liaoning", "Hebei", "Tianjin", "Shandong", "Jiangsu", "Shanghai", "Zhejiang", "Fujian", "Guangdong", "Guangxi")
) | {"Hainan"}
RESOURCE_LEVERS = {
    "hydro": ("nonfossil power",),
    "wind": ("nonfossil power", "grid flexibility"),
    "solar": ("nonfossil power", "grid flexibility"),
    "nuclear": ("nonfossil power",),
    "metro": ("public transit",),
    "arable land": ("farm machinery",),
    "heated floor": ("heat reform",),
}
HALF = 0.49  # tables are rounded


@dataclass(frozen=True)
class Fault:
    """A violated check: which, of what, and in words."""

    check: str
    subject: str
    message: str


@dataclass(frozen=True)
class Subject:
    """Options of a plan, the tables beside them, and the account that the model booked for the whole set.

    booked: of a mix with every option at full strength, in the years YEARS; cost: the model's `annualised policy cost`
    of the same (member, place, year).
    """

    found: Catalogue
    plan: str
    booked: Booked
    cost: Array
    potentials: pd.DataFrame
    stocks: pd.DataFrame


def faults(subject: Subject) -> list[Fault]:
    """Every violation; none means that all checks pass."""
    return [fault for check in CHECKS.values() for fault in check(subject)]


def columns(subject: Subject) -> Iterator[Fault]:
    """Each quantity of each sheet, moved by a tenth, must move a size or a cost."""
    for option in subject.found.options.values():
        before = _results(option, subject.plan, {})
        for name, quantity in option.quantities().items():
            moved = quantity.value * 1.1 if quantity.value else 0.1
            if all(
                np.array_equal(a, b) for a, b in zip(before, _results(option, subject.plan, {name: moved}), strict=True)
            ):
                yield Fault("columns", f"{option.id}.{name}", "no calculation reads this number: take it out or use it")


def _results(option: Option, plan: str, changed: dict[str, float]) -> list[Array]:
    """Everything that a sheet's numbers lead to."""
    own = option.model_copy(update={name: _moved(option.quantities()[name], value) for name, value in changed.items()})
    draw: Draw = lambda quantity: np.array([quantity.value])  # noqa: E731
    cost = unit_costs(own, plan, "social", draw)
    return [size.size(own, plan), size.units(own, plan), *(np.asarray(part) for part in vars(cost).values())]


def _moved(quantity: Quantity, value: float) -> Quantity:
    bounds = {"low": min(quantity.low, value), "high": max(quantity.high, value)}
    return quantity.model_copy(update={"value": value, **bounds})


def mapping(subject: Subject) -> Iterator[Fault]:
    """Sectors and fuels of an option within those of its lever; a resource with its own lever."""
    for option in subject.found.options.values():
        if not option.lever:
            continue
        lever = subject.found.levers[option.lever]
        if option.base.resource is not None:
            if option.lever not in RESOURCE_LEVERS[option.base.resource]:
                yield Fault("mapping", option.id, f"{option.base.resource} does not move {option.lever!r}")
            continue
        for what, own, allowed in (
            ("sectors", option.base.sectors, lever.sectors),
            ("fuels", option.base.fuels, lever.fuels),
        ):
            if outside := [name for name in own if name not in allowed]:
                message = f"{what} {', '.join(outside)} are none of the lever {option.lever!r}: {', '.join(allowed)}"
                yield Fault("mapping", option.id, message)


def fuel(subject: Subject) -> Iterator[Fault]:
    """The fuel whose price and carbon count is one of those that the option acts on."""
    for option in subject.found.options.values():
        if option.base.resource is None and option.fuel not in option.base.fuels:
            message = (
                f"saves {option.fuel}, but acts on {', '.join(option.base.fuels)}: price and carbon are another fuel's"
            )
            yield Fault("fuel", option.id, message)


def potentials(subject: Subject) -> Iterator[Fault]:
    """Sizes within resources, nuclear on the coast, a source for every figure and all provinces."""
    table = subject.potentials
    for row in table.reset_index().to_dict("records"):
        province, resource = str(row["province"]), str(row["resource"])
        if not str(row["source"]).strip():
            yield Fault("potentials", f"{province}, {resource}", "has no source")
        if resource == "nuclear" and row["value"] > 0 and province not in COAST:
            yield Fault(
                "potentials",
                f"{province}, nuclear",
                f"got {row['value']:g} GW; nuclear plants are built on the coast only",
            )
    for option in subject.found.options.values():
        if option.base.resource is None:
            continue
        name = option.base.resource
        known = table.xs(name, level="resource")["value"].reindex(list(size.provinces()))
        if known.isna().any():
            yield Fault("potentials", name, f"no figure for {', '.join(known.index[known.isna()])}")
        used = size.units(option, subject.plan) / size.MILLIONS.get(name, 1.0)
        for place, amount, most in zip(known.index, used, known, strict=True):
            if amount > most * (1 + 1e-9):
                yield Fault("potentials", option.id, f"{amount:.3g} in {place}, whose resource is {most:.3g} ({name})")


def implied(subject: Subject) -> pd.DataFrame:
    """Units that the model implies in the nation beside the stock: one row per option and year.

    Columns: option, title, year, implied, stock (value), unit, part, ratio (simulated over sheet, in the effect year).
    """
    known, rows = subject.stocks["value"].to_dict(), []
    at = list(subject.booked.years)
    for account in accounts(subject.booked, subject.found):
        option = subject.found[account.option]
        units = account.units.sum(1).mean(0)
        saved = account.saving.sum(1).mean(0)
        sheet = size.size(option, subject.plan).sum()
        ratio = float(saved[at.index(EFFECT_YEAR[subject.plan])] / sheet) if sheet > 0 else np.nan
        for i, year in enumerate(at):
            own = known.get((option.stock, year), np.nan)
            unit = str(subject.stocks["unit"].get((option.stock, year), ""))
            amount = float(units[i]) * SCALE.get(unit, np.nan)
            row = {"option": option.id, "title": option.title, "year": year, "implied": amount, "stock": own}
            rows.append({**row, "of": option.stock, "unit": unit, "part": amount / own, "ratio": ratio})
    return pd.DataFrame(rows)


def units(subject: Subject) -> pd.DataFrame:
    """Implied units beside stocks, a row for each option: the table of `docs/costs.md`.

    Columns: plan, option, title, of (the stock), unit, then for each year the implied units and the stock; ratio
    (simulated over sheet). Three significant digits.
    """
    rows: dict[str, dict[str, object]] = {}
    for one in implied(subject).to_dict("records"):
        head = {"plan": subject.plan, **{name: one[name] for name in ("option", "title", "of", "unit")}}
        row = rows.setdefault(str(one["option"]), head)
        row |= {f"{kind} {one['year']}": float(f"{one[kind]:.3g}") for kind in ("implied", "stock")}
        row["ratio"] = round(float(one["ratio"]), 2)
    table = pd.DataFrame(rows.values())
    return table[[*table.columns.drop("ratio"), "ratio"]]


def stocks(subject: Subject) -> Iterator[Fault]:
    """Implied units within the stock in every year."""
    for row in implied(subject).to_dict("records"):
        if not np.isfinite(row["stock"]) or not np.isfinite(row["implied"]):
            yield Fault("stocks", str(row["option"]), f"no stock of {row['of']!r} in {row['year']} (stocks.csv)")
        elif row["part"] > 1:
            message = (
                f"{row['implied']:.3g} {row['unit']} in {row['year']}; the stock of {row['of']} is {row['stock']:.3g}"
            )
            yield Fault("stocks", str(row["option"]), message)


def effect(subject: Subject) -> Iterator[Fault]:
    """Simulated effect against the sum of the sheets of a lever."""
    own = implied(subject).drop_duplicates("option")
    for row in own.to_dict("records"):
        if np.isfinite(row["ratio"]) and not RATIO[0] <= row["ratio"] <= RATIO[1]:
            allowed = f"allowed: {RATIO[0]:g} to {RATIO[1]:g}"
            message = f"the model saves {row['ratio']:.2g} times the saving of the sheet; {allowed}"
            yield Fault("effect", str(row["option"]), message)


def prices(subject: Subject) -> Iterator[Fault]:
    """Every money number has a price year that makes sense for the plan."""
    last = 2025
    for option in subject.found.options.values():
        for name in ("capital_cost", "operating_cost"):
            year = getattr(option, name).price_year
            if year is None or not 2000 <= year <= last:
                yield Fault("prices", f"{option.id}.{name}", f"price year {year}; allowed: 2000 to {last}")


def assumptions(subject: Subject) -> Iterator[Fault]:
    """Costs and potentials without a source have a range of ± 50 per cent at least."""
    for option in subject.found.options.values():
        for name in ("capital_cost", "operating_cost"):
            quantity = getattr(option, name)
            if quantity.source.startswith("assumption") and _narrow(quantity.value, quantity.low, quantity.high):
                yield Fault("assumptions", f"{option.id}.{name}", _range(quantity.value, quantity.low, quantity.high))
    for row in subject.potentials.reset_index().to_dict("records"):
        province, resource = str(row["province"]), str(row["resource"])
        if str(row["source"]).startswith("assumption") and _narrow(row["value"], row["low"], row["high"]):
            message = _range(row["value"], row["low"], row["high"])
            yield Fault("assumptions", f"{province}, {resource}", message)


def _narrow(value: float, low: float, high: float) -> bool:
    """Is the range less than half the value on either side?"""
    return bool(value != 0 and (high - low) < 2 * HALF * abs(value))


def _range(value: float, low: float, high: float) -> str:
    return f"an assumption of {value:g} with the range {low:g} to {high:g}; ± 50 % at least is asked for"


def payers(subject: Subject) -> Iterator[Fault]:
    """Enterprises, government and households pay the whole."""
    for option in subject.found.options.values():
        who = option.who_pays
        total = who.enterprises + who.government + who.households
        if abs(total - 1) > 1e-9:
            yield Fault("payers", option.id, f"the payers add to {total:g}")


def account(subject: Subject) -> Iterator[Fault]:
    """The options' net costs add to the model's, by member, place and year."""
    parts = sum(places(own.net) for own in accounts(subject.booked, subject.found))
    scale = max(float(np.abs(subject.cost).max()), 1e-12)
    off = float(np.abs(parts - subject.cost).max()) / scale
    if not off < 1e-9:
        yield Fault(
            "account", "net cost", f"options and model differ by {off:.1e} of the largest; one number is asked for"
        )


CHECKS: dict[str, Callable[[Subject], Iterator[Fault]]] = {
    "columns": columns,
    "mapping": mapping,
    "fuel": fuel,
    "potentials": potentials,
    "stocks": stocks,
    "effect": effect,
    "prices": prices,
    "assumptions": assumptions,
    "payers": payers,
    "account": account,
}


def shipped(plan: str, members: int = 16) -> Subject:
    """The shipped options of a plan, all of them at full strength in the first members of the plan's study."""
    from experiments.analyses.policy.paired_runs import PairedRuns
    from experiments.ensemble.installed import installed
    from experiments.installation import load_study
    from experiments.policy import catalogue, merge

    study = load_study(STUDY[plan], [f"members={members}"])
    system = installed(0)
    found = catalogue(plan)
    every = {name: 1.0 for name, option in found.options.items() if option.lever}
    mix = merge("every option", {"catalogue": plan, "options": every})
    design = system.design(study)
    bench = PairedRuns(
        study, system.inputs(study), system.simulate, design, study.allocations[0].label, range(2010, 2031)
    )
    booked, cost = bench.booked(mix, design, list(YEARS))
    return Subject(found, plan, booked, cost, size.potentials(), size.stocks())
