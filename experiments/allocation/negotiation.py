"""Arguments of a province: rules that favour it, who carries a point it is spared, and offers that keep the sum.

All of it holds the national target: what one province is spared, the others carry by the chosen rule, through
the same scalar as in `allocate`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from calibration.places import choose_province
from experiments.allocation.allocate import Allocation, allocate
from experiments.allocation.allowances import over_mean
from experiments.allocation.indicators import Indicators
from models.reading.faults import InputError
from models.reading.numbers import read_number
from models.reading.table_file import read_table
from models.reading.text import LARGEST_LIST

COLUMNS = ("round", "province", "offer_percent")


def standing(indicators: Indicators, province: str, quantity: str) -> pd.DataFrame:
    """One row per indicator: value of the province and the nation, ratio, and rank among provinces (1 = highest).

    past_cut and growth: per cent and per cent a year, compared as a difference in points.
    """
    people, gdp = indicators.population, np.where(indicators.measured, indicators.gdp, np.nan)
    amount = indicators.amount(quantity)
    past = indicators.responsibility if quantity == "co2" else indicators.accumulated_energy
    earlier = indicators.past_cut_co2 if quantity == "co2" else indicators.past_cut_energy
    ratios = {
        "gdp_per_head": (gdp, people),
        "amount_per_head": (amount, people),
        "amount_per_gdp": (amount, gdp),
        "accumulated_per_head": (past, people),
        "potential": (indicators.industry, indicators.industry_value_added),
    }
    place, rows = indicators.provinces.index(province), []
    for name, (top, base) in ratios.items():
        relative, own = over_mean(top, base), top / base
        rows.append(
            {"indicator": name, "own": own[place], "nation": own[place] / relative[place], "ratio": relative[place]}
        )
        rows[-1]["rank"] = _rank(relative, place)
    weight = np.where(np.isfinite(earlier), amount, np.nan)
    points = {
        "past_cut": (100 * earlier, float(np.nansum(100 * earlier * weight) / np.nansum(weight))),
        "growth": (100 * indicators.growth, float(np.nansum(100 * indicators.growth * gdp) / np.nansum(gdp))),
    }
    for name, (values, nation) in points.items():
        rows.append(
            {"indicator": name, "own": values[place], "nation": nation, "ratio": np.nan, "rank": _rank(values, place)}
        )
    return pd.DataFrame(rows)


def _rank(values: "np.ndarray[Any, np.dtype[np.float64]]", place: int) -> int:
    return int(np.sum(values[np.isfinite(values)] > values[place])) + 1


def by_rule(allocations: Sequence[Allocation], province: str, ranges: pd.DataFrame | None = None) -> pd.DataFrame:
    """One row per rule, lowest target first: target, points against the nation's, rank (1 = deepest cut), range.

    ranges: rule × (low, high) of this province, per cent, where the base year is drawn.
    """
    rows = []
    for item in allocations:
        column = item.table.set_index("province")["target_percent"]
        own = float(column[province])
        if not np.isfinite(own):
            continue
        row = {
            "rule": item.rule,
            "target": own,
            "against_nation": own - item.national,
            "rank": int((column.dropna() > own).sum()) + 1,
            "source": item.source,
        }
        if ranges is not None and item.rule in ranges.index:
            row |= {end: float(ranges[end][item.rule]) for end in ("low", "high")}
        rows.append(row)
    return pd.DataFrame(rows).sort_values("target", kind="stable", ignore_index=True)


def spared(
    rule: str, province: str, points: float, before: Allocation, weight: "pd.Series[float]", **options: Any
) -> pd.DataFrame:
    """Who carries `points` that a province is spared, by the rule: province, before, after, points, amount.

    weight: amount of the target year at unchanged intensity (Mtce, Mt), by province. The province's target is held and
    the rule shares out the rest; the amounts of the others sum to what it is spared.
    """
    column = before.table.set_index("province")["target_percent"]
    held = {province: float(column[province]) - points}
    after = allocate(rule, held=held, **options).table.set_index("province")["target_percent"]
    table = pd.DataFrame({"before": column, "after": after, "points": after - column})
    table["amount"] = table["points"] / 100 * weight.reindex(table.index)
    return table[table["points"].notna()].sort_values("amount", ascending=False).rename_axis("province").reset_index()


@dataclass(frozen=True)
class Offer:
    """A party's offer: the target (per cent) that a province takes on in a round, and the party that offers it."""

    round: int
    province: str
    percent: float
    note: str = ""


def read_offers(path: Path, provinces: Sequence[str]) -> list[Offer]:
    """Offers of a CSV with the columns round, province, offer_percent and, if wanted, note; in order of rounds.

    Raises InputError with every fault of the file.
    """
    table = read_table(path, "a log of offers", COLUMNS, other_columns=True, largest=LARGEST_LIST)
    offers: list[Offer] = []
    readers: Mapping[str, Callable[[str], Any]] = {
        "round": _whole,
        "province": lambda text: choose_province(text, provinces),
        "offer_percent": lambda text: read_number(text, -100, 99),
    }
    for place, row in table.records():
        values: dict[str, Any] = {}
        for column, reader in readers.items():
            try:
                values[column] = reader(row[column])
            except InputError as fault:
                table.faults.append(f"{place}: {column}: {fault}")
        if len(values) == len(readers):
            number, province, percent = (values[column] for column in COLUMNS)
            offers.append(Offer(number, province, percent, str(row.get("note") or "")))
    table.checked()
    return sorted(offers, key=lambda offer: offer.round)


def _whole(text: str) -> int:
    number = read_number(text, 1, 1000)
    if number != int(number):
        raise InputError(f"got {text}, allowed: a whole number from 1 to 1000")
    return int(number)


def rounds(rule: str, offers: Sequence[Offer], **options: Any) -> pd.DataFrame:
    """The log of a negotiation: after every round all targets, the sum held.

    Columns: round, province, offer (the province's own so far, per cent), target, change since the round before,
    national (what all targets amount to). Round 0 is the rule's own allocation. A province that has made an offer is
    held at its last one; the others share the rest by the rule. Raises InputError where that is not possible.
    """
    held: dict[str, float] = {}
    result = allocate(rule, **options)
    parts = [_round(0, result, held, None)]
    for number in sorted({offer.round for offer in offers}):
        held |= {offer.province: offer.percent for offer in offers if offer.round == number}
        try:
            result = allocate(rule, held=held, **options)
        except InputError as error:
            fixed = ", ".join(f"{province} {percent:g} %" for province, percent in held.items())
            raise InputError([f"round {number}: with {fixed} held: {fault}" for fault in error.faults]) from error
        parts.append(_round(number, result, held, parts[-1]))
    return pd.concat(parts, ignore_index=True)


def _round(number: int, result: Allocation, held: Mapping[str, float], last: pd.DataFrame | None) -> pd.DataFrame:
    targets = result.table["target_percent"]
    table = pd.DataFrame(
        {
            "round": number,
            "province": result.table["province"],
            "offer": [held.get(str(name), np.nan) for name in result.table["province"]],
            "target": targets,
            "change": 0.0 if last is None else targets.to_numpy() - last["target"].to_numpy(),
            "national": result.aggregate,
        }
    )
    return table
