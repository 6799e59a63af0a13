"""Allocations as people keep and print them: options from text, tables to files, titles of the figure."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from calibration.places import choose_province
from experiments.allocation.allocate import Allocation, words_of
from experiments.allocation.comparison import AGAINST_OFFICIAL, Comparison
from experiments.allocation.outlook import chances, costs, judged, priced
from experiments.allocation.pressure import SHARES, AtPressureShare
from experiments.allocation.response import ModelResponse
from experiments.study.known import INDICATORS
from models.reading.faults import InputError
from models.writing import write_text

SHORT = ("province", "target_percent", "target_rounded", "gdp_growth", "gdp_growth_origin", "note")
PICTURES = (".png", ".svg", ".pdf")
TABLES = (".csv", ".json")


def parse(pairs: Sequence[str], given: Mapping[str, object]) -> dict[str, object]:
    """Options from `name=value` texts and from flags (None = not given). Raises InputError with all faults."""
    options = {key: value for key, value in given.items() if value is not None}
    faults = []
    for pair in pairs:
        name, mark, value = pair.partition("=")
        if not mark or not name.strip():
            faults.append(f"got --set {pair!r}; allowed: name=value, for example --set comfort_quantile=0.8")
        elif options.get(name.strip(), value.strip()) != value.strip():
            faults.append(f"got {name.strip()} twice: {options[name.strip()]} and {value.strip()}; give it once")
        else:
            options[name.strip()] = value.strip()
    if faults:
        raise InputError(faults)
    return options


def save(table: pd.DataFrame, path: Path) -> None:
    """Write a table as CSV or JSON, by the file's suffix; JSON is a list of rows.

    A CSV of an allocation can be read again as rule csv. Raises InputError for another suffix or an unwritable place.
    """
    if path.suffix not in TABLES:
        raise InputError(f"got --out {path}; allowed: a file that ends in {', '.join(TABLES)}")
    text = table.to_csv(index=False) if path.suffix == ".csv" else _records(table)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text(path, text)
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror})") from None


def one(table: pd.DataFrame, province: str) -> dict[str, object]:
    """The row of one province, every number of it. Raises InputError with the nearest names."""
    province = choose_province(province, list(table["province"]))
    row = table.set_index("province").loc[province]
    return {"province": province, **{str(key): _short(value) for key, value in row.items()}}


def _short(value: object) -> object:
    return round(value, 6) if isinstance(value, float) else value


def _records(table: pd.DataFrame) -> str:
    rows = table.astype(object).where(table.notna(), None).to_dict("records")
    return json.dumps(rows, ensure_ascii=False, indent=2) + "\n"


def draw(comparison: Comparison, path: Path, like: Allocation, lang: str = "en") -> None:
    """Write the figure of a comparison: against official targets a matrix, else how the rules spread.

    like: one of the allocations. Raises InputError for a suffix that is not a picture's.
    """
    if path.suffix not in PICTURES:
        raise InputError(f"got --figure {path}; allowed: a file that ends in {', '.join(PICTURES)}")
    from experiments.report.allocation_matrix import matrix
    from experiments.report.allocation_spread import spread
    from experiments.words.terms import Terms

    path.parent.mkdir(parents=True, exist_ok=True)
    if comparison.reference == AGAINST_OFFICIAL:
        unit = words_of(like.indicator)
        subtitle = f"% less {unit} over {like.plan}; provinces from richest to poorest; nation {like.national:g} %"
        figure = matrix(comparison, finding(comparison), subtitle)
    else:
        terms = Terms("zh" if lang == "zh" else "en")
        figure = spread(comparison, like.national, like.plan, like.indicator, terms)
    figure.savefig(path, dpi=160)


PRICED = (
    "Cost of meeting every target with a chance of 80 % by the cheapest levers, without pressure of targets: "
    "billion yuan of 2005 in the plan's last year"
)
COSTS = "Net cost by province, billion yuan of 2005 in the plan's last year"


def outlook_tables(
    comparison: Comparison, like: Allocation, model: ModelResponse, members: int, mix: str = "plan"
) -> dict[str, pd.DataFrame]:
    """Chances by province and rule, and what each rule lets expect, as modelled and at both ends of the pressure share.

    Empty for targets of totals, which the members are not asked about.
    """
    quantity, form = INDICATORS[like.indicator]
    if form == "total":
        return {}
    found = {}
    ends = {"as modelled": model} | {f"pressure share {share:g}": AtPressureShare(model, share) for share in SHARES}
    for label, one in ends.items():
        response = one.response(like.plan, mix, members, 1, quantity)
        found[f"Outlook, {label}: expected to meet, shortfall and regret in points of the nation's amount"] = judged(
            response, comparison.targets, comparison.amount
        )
        if label == "as modelled":
            found["Chance to meet the target"] = chances(response, comparison.targets).reset_index()
    supply = model.supply(like.plan, members, 1, quantity)
    found[PRICED] = priced(supply, comparison.targets)
    found[COSTS] = costs(supply, comparison.targets).reset_index()
    return found


def finding(comparison: Comparison) -> str:
    """The finding in one sentence: who gains and who loses most under which rule."""
    change = comparison.against_official
    if not np.nanmax(np.abs(change.to_numpy(dtype=float)), initial=0.0) > 0:
        return "All rules give the official targets"
    values = change.to_numpy(dtype=float)
    up, down = (np.unravel_index(place, values.shape) for place in (np.nanargmax(values), np.nanargmin(values)))

    def words(place: tuple[np.intp, ...]) -> str:
        province, rule = change.index[int(place[0])], change.columns[int(place[1])]
        return f"{province} {values[place]:+.0f} points under {rule}"

    return f"Against official: {words(up)}, {words(down)}"
