"""The table of parameters: read, checked, and written into the model file as its constants.

`parameters.csv` owns every number, unit and meaning of a constant. The model file carries a copy, so that Vensim and
PySD can open it alone. `python -m models.parameters` renews the copy; a test fails when the two differ.
"""

from collections.abc import Hashable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from models import PARAMETERS, PROVINCE

COLUMNS = (
    "name", "unit", "role", "dims", "default", "low", "high", "minimum", "maximum", "distribution", "group", "source",
    "meaning",
)  # fmt: skip
ROLES = ("calibrated", "uncertain", "lever", "data", "fixed")
GROUPS = ("economy", "demand", "supply", "response", "policy", "costs")
DISTRIBUTIONS = ("uniform", "normal", "lognormal", "triangular", "none")
MARK = "*" * 56 + "\n\t.Parameters\n"


def parameters(path: Path = PARAMETERS) -> pd.DataFrame:
    """Read and check the table of parameters.

    Args:
        path: the table.

    Returns:
        One row per parameter, indexed by name. `default` is text: one number, or a comma-separated list with one number
        per element of the last dimension. `low` and `high` are the range of plausible values: the ends of every draw,
        and of a normal distribution two standard deviations from the middle of the range on either side (of a lognormal
        one in logarithms), so that about 2.3 % of the draws lie at each end. Values of a user outside
        `minimum` and `maximum` are refused, because they have no meaning (a share above one) or the simulation cannot
        follow them (a delay below two steps).

    Raises:
        ValueError: the table has faults; the message names all of them.

    >>> table = parameters()
    >>> table.loc["grid loss", ["unit", "role"]].tolist()
    ['Dmnl', 'uncertain']
    """
    table = pd.read_csv(path, dtype={"default": str}, keep_default_na=False, na_values={"low": [""], "high": [""]})
    missing = [column for column in COLUMNS if column not in table]
    if missing:
        raise ValueError(f"{path}: columns missing: {', '.join(missing)}; needed: {', '.join(COLUMNS)}")
    faults = list(_faults(table))
    if faults:
        raise ValueError("\n".join(f"{path}: {fault}" for fault in faults))
    return table.set_index("name", drop=False)


def row(name: str) -> "pd.Series[Any]":
    """One row of the shipped table. Raises KeyError for an unknown name."""
    return _shipped().loc[[name]].iloc[0]


@cache
def _shipped() -> pd.DataFrame:
    return parameters()


def limits() -> dict[str, tuple[float, float]]:
    """The least and the greatest value that a user may give to each constant of the shipped table."""
    table = _shipped()
    return {str(name): (float(low), float(high)) for name, low, high in table[["minimum", "maximum"]].itertuples()}


def defaults(row: "pd.Series[Any]") -> NDArray[np.float64]:
    """The default values of one row: shape () or (elements of the last dimension,)."""
    values = np.array([float(text) for text in str(row["default"]).split(",")])
    return values if values.size > 1 else values.reshape(())


def _faults(table: pd.DataFrame) -> Iterator[str]:
    for line, row in enumerate(table.to_dict("records"), start=2):
        yield from (f"line {line}, {row['name']!r}: {fault}" for fault in _row_faults(row))
    for name in table["name"][table["name"].duplicated()]:
        yield f"{name!r} appears more than once"


def _row_faults(row: dict[Hashable, Any]) -> Iterator[str]:
    for column, allowed in (("role", ROLES), ("group", GROUPS), ("distribution", DISTRIBUTIONS)):
        if row[column] not in allowed:
            yield f"{column} {row[column]!r}, allowed: {', '.join(allowed)}"
    yield from (f"{column} is empty" for column in ("unit", "source", "meaning") if not row[column])
    if row["role"] in ("calibrated", "uncertain") and (np.isnan(row["low"]) or np.isnan(row["high"])):
        yield f"a {row['role']} parameter needs low and high"
    try:
        values = [float(text) for text in row["default"].split(",")]
    except ValueError:
        yield f"default {row['default']!r} is not a number or a comma-separated list of numbers"
        return
    if min(values) < row["low"] or max(values) > row["high"]:
        yield f"default {row['default']} outside {row['low']} … {row['high']}"
    ends = [value for value in (row["low"], row["high"]) if not np.isnan(value)]
    if not row["minimum"] <= min(values + ends) <= max(values + ends) <= row["maximum"]:
        yield f"minimum {row['minimum']} and maximum {row['maximum']} do not hold default, low and high"


def constants(table: pd.DataFrame) -> str:
    """The table as constants in Vensim's language."""
    return "".join(_constant(row) for _, row in table.iterrows())


def _constant(row: pd.Series) -> str:
    dims = [dim for dim in row["dims"].split("|") if dim]
    subscripts = f"[{','.join(dims)}]" if dims else ""
    meaning = f"{row['meaning']} ({row['role']}; source: {row['source']})"
    tail = f"\t~\t{row['unit']}\n\t~\t{meaning}\n\t|\n"
    values = row["default"].split(",")
    if len(values) == 1 or len(dims) == 1:
        return f"{row['name']}{subscripts}=\n\t{', '.join(values)}\n{tail}"
    # A list belongs to the last of several dimensions: one equation per element, over all elements of the others.
    elements = elements_of(dims[-1])
    if len(elements) != len(values):
        raise ValueError(f"{row['name']}: {len(values)} values for the {len(elements)} elements of {dims[-1]}")
    parts = (
        f"{row['name']}[{','.join([*dims[:-1], element])}]=\n\t{value}\n"
        for element, value in zip(elements, values, strict=True)
    )
    return "\t~~|\n".join(parts) + tail


def elements_of(dim: str) -> list[str]:
    """The elements of a dimension, in the order of the model file."""
    text = PROVINCE.read_text(encoding="utf-8")
    body = text.split(f"\n{dim}:\n", 1)[1].split("~", 1)[0]
    return [element.strip() for element in body.split(",")]


def sync(model: Path = PROVINCE) -> str:
    """The model file's text with its constants renewed from the table."""
    equations = model.read_text(encoding="utf-8").split(MARK)[0]
    head = f"{MARK}{'*' * 56}~\n\t\tConstants, written from parameters.csv: change them there.\n\t|\n"
    return equations + head + constants(parameters())


if __name__ == "__main__":
    PROVINCE.write_text(sync(), encoding="utf-8")
