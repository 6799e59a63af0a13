"""Measured tables with their schema: reading, validation, checksums.

`data/datapackage.json` (Frictionless tabular data package) owns the schema; nothing here repeats it. The validator is
our own because it names every fault of a file at once, with its line, and because the rules that matter here (unit and
range of each series, no missing year, no jump) lie outside the standard's table schema.
"""

import contextlib
import copy
import csv
import hashlib
import io
import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd

from models.reading.faults import InputError, RuleError
from models.reading.json_file import read_json
from models.reading.names import choose, near
from models.reading.text import NotUtf8Error, decoded, read_content

__all__ = [
    "DATA",
    "InputError",
    "RuleError",
    "TableFault",
    "check",
    "descriptor",
    "names",
    "provinces",
    "read",
    "refuse",
    "seal",
]

DATA = Path(__file__).parent / "data"
"""Folder of the tables that ship."""
DESCRIPTOR = "datapackage.json"
SHOWN = 20  # greatest number of faults of one kind that are listed; the others are counted

Schema = Mapping[str, Any]


@dataclass(frozen=True)
class TableFault:
    """One fault of one table.

    Attributes:
        table: file name.
        line: line in the file, from 1; None for the file as a whole.
        text: what was found, what is allowed and what to do.
        kind: "unreadable" by its schema, or a "rule" that values violate.
    """

    table: str
    line: int | None
    text: str
    kind: Literal["unreadable", "rule"] = "rule"

    def __str__(self) -> str:
        return f"{self.table}{f', line {self.line}' if self.line else ''}: {self.text}"


def descriptor(folder: Path = DATA) -> Schema:
    """Read the data-package descriptor of a folder.

    Args:
        folder: data folder; by default the tables that ship.

    Returns:
        The descriptor; `resources` lists the tables with path, schema and rules.

    Raises:
        InputError: it is missing, not JSON or without a list of resources.

    >>> descriptor()["nation"]["name"]
    'China'
    """
    path = folder / DESCRIPTOR
    return _descriptor(path, _digest([path]))


@lru_cache(maxsize=16)
def _descriptor(path: Path, _digest: str) -> Schema:
    """The descriptor, read again when its bytes have changed."""
    package = read_json(path, f"the descriptor {DESCRIPTOR} of a data folder").mapping()
    if not isinstance(package.get("resources"), list):
        raise InputError(f"{path}: no list 'resources'; restore it from the package")
    return package


def names(folder: Path = DATA) -> list[str]:
    """Names of all tables of a folder, in the order of the descriptor.

    Args:
        folder: data folder; by default the tables that ship.

    Returns:
        The names.

    Raises:
        InputError: the descriptor is unreadable.

    >>> "targets" in names()
    True
    """
    return [resource["name"] for resource in descriptor(folder)["resources"]]


def provinces(folder: Path = DATA, *, simulated: bool = True) -> list[str]:
    """Province names in yearbook order.

    Args:
        folder: data folder; by default the tables that ship.
        simulated: True for the 30 provinces that the model simulates, False for all 31.

    Returns:
        English names.

    Raises:
        InputError: the table of provinces is unreadable.
        RuleError: its values violate a rule.

    >>> provinces()[:3], len(provinces(simulated=False))
    (['Beijing', 'Tianjin', 'Hebei'], 31)
    """
    table = read("provinces", folder)
    return list(table.province[table.simulated.eq(1) | (not simulated)])


def read(name: str, folder: Path = DATA) -> pd.DataFrame:
    """Read one validated table.

    Args:
        name: name of the table in the descriptor.
        folder: data folder; by default the tables that ship.

    Returns:
        The table with typed columns: integer, number (float64, NaN where empty) or string. A column `unit` or the
        descriptor gives the units, `source_id` the key in the table of sources.

    Raises:
        InputError: the name is unknown, or the table is unreadable by its schema; with all faults of the table.
        RuleError: values violate a rule; with all faults of the table.

    >>> rows = read("targets").set_index(["province", "plan", "variable"])
    >>> rows.loc[("Guangdong", "12FYP", "energy_intensity_reduction"), ["unit", "flag"]].tolist()
    ['percent', 'reported']
    >>> float(rows.loc[("Guangdong", "12FYP", "energy_intensity_reduction"), "value"])
    18.0
    """
    resources = {resource["name"]: resource for resource in descriptor(folder)["resources"]}
    name = choose(name, resources, "table")
    used = {name, *(table for table, _ in _pointed_at([resources[name]]) if table in resources)}
    files = [folder / DESCRIPTOR, *(folder / resources[table]["path"] for table in sorted(used))]
    return _validated(name, folder, _digest(files)).copy(deep=False)


@lru_cache(maxsize=256)
def _validated(name: str, folder: Path, _digest: str) -> pd.DataFrame:
    """As `read`. A table is validated once, and again when the bytes of a file that it depends on have changed."""
    resources = {resource["name"]: resource for resource in descriptor(folder)["resources"]}
    table, faults = _load(resources[name], folder)
    if table is not None:
        faults += _rule_faults(resources[name], table, _keys(resources, [resources[name]], folder))
    refuse(faults)
    assert table is not None
    return table.drop(columns="line")


def _digest(files: Iterable[Path]) -> str:
    """SHA-256 over the content of files. A file that cannot be read counts as empty."""
    whole = hashlib.sha256()
    for path in files:
        with contextlib.suppress(OSError):
            if path.is_file():
                with path.open("rb") as file:
                    whole.update(hashlib.file_digest(file, "sha256").digest())
        whole.update(b"|")
    return whole.hexdigest()


def check(folder: Path = DATA, only: Iterable[str] | None = None) -> list[TableFault]:
    """Find all faults of all tables of a folder, or of some.

    Args:
        folder: data folder; by default the tables that ship.
        only: names of the tables; by default all.

    Returns:
        The faults; the list is empty when the folder agrees with its descriptor.

    Raises:
        InputError: the descriptor is unreadable.
        KeyError: a name in `only` is unknown.

    >>> check(only=["provinces"])
    []
    """
    resources = {resource["name"]: resource for resource in descriptor(folder)["resources"]}
    wanted = [resources[name] for name in (resources if only is None else only)]
    keys = _keys(resources, wanted, folder)
    faults: list[TableFault] = []
    for resource in wanted:
        table, found = _load(resource, folder)
        faults += found + ([] if table is None else _rule_faults(resource, table, keys))
    return faults


def seal(folder: Path = DATA) -> None:
    """Write the size and SHA-256 of every table into the descriptor, after a table was changed on purpose.

    Args:
        folder: data folder; by default the tables that ship.

    Raises:
        InputError: the descriptor is unreadable.
        FileNotFoundError: a table is missing.
    """
    package = copy.deepcopy(dict(descriptor(folder)))
    for resource in package["resources"]:
        content = (folder / resource["path"]).read_bytes()
        resource["bytes"], resource["hash"] = len(content), "sha256:" + hashlib.sha256(content).hexdigest()
    (folder / DESCRIPTOR).write_text(_dump(package) + "\n", encoding="utf-8")


def refuse(faults: Sequence[TableFault]) -> None:
    """Raise all faults as one exception.

    Args:
        faults: faults of one or more tables; an empty sequence raises nothing.

    Raises:
        InputError: a fault makes a table unreadable by its schema.
        RuleError: there are faults, but all tables are readable.

    >>> refuse([])
    """
    if faults:
        unreadable = any(fault.kind == "unreadable" for fault in faults)
        raise (InputError if unreadable else RuleError)([str(fault) for fault in faults])


def _dump(value: Any, indent: int = 0) -> str:
    """JSON in which everything that fits is on one line, because people read and edit the descriptor."""
    flat = json.dumps(value, ensure_ascii=False)
    if len(flat) + indent <= 118 or not isinstance(value, dict | list) or not value:
        return flat
    pad = " " * (indent + 2)
    if isinstance(value, dict):
        rows = [f"{pad}{json.dumps(key)}: {_dump(item, indent + 2)}" for key, item in value.items()]
        return "{\n" + ",\n".join(rows) + "\n" + " " * indent + "}"
    return "[\n" + ",\n".join(pad + _dump(item, indent + 2) for item in value) + "\n" + " " * indent + "]"


# Reading -------------------------------------------------------------------------------------------------------------


def _load(resource: Schema, folder: Path) -> tuple[pd.DataFrame | None, list[TableFault]]:
    """The typed table with a column `line`, or None, and its faults; a wrong checksum counts as a violated rule."""
    path, file = folder / resource["path"], str(resource["path"])
    if not path.exists():
        return None, [TableFault(file, None, f"not found in {folder}; restore it from the package", "unreadable")]
    try:
        content = read_content(path, "a table of the data package")
        text = decoded(content)
    except NotUtf8Error as error:
        return None, [TableFault(file, error.line, error.text, "unreadable")]
    except InputError as error:
        return None, [TableFault(file, None, str(error), "unreadable")]
    table, faults = _parse(resource, file, text)
    digest = "sha256:" + hashlib.sha256(content).hexdigest()
    if resource.get("hash") != digest:
        advice = f"the file was changed after it was sealed; restore it, or seal it: python -m {__name__}"
        faults.append(
            TableFault(file, None, f"got checksum {digest[:19]}…, allowed {resource.get('hash')!s:.19}…: {advice}")
        )
    return table, faults


def _parse(resource: Schema, file: str, text: str) -> tuple[pd.DataFrame | None, list[TableFault]]:
    fields = resource["schema"]["fields"]
    columns = [field["name"] for field in fields]
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    rows: list[list[str]] = []
    lines: list[int] = []
    faults: list[TableFault] = []
    try:
        header = next(reader, [])
        if header != columns:
            return None, [TableFault(file, 1, _header_fault(header, columns), "unreadable")]
        for row in reader:
            if len(row) == len(columns):
                rows.append(row)
                lines.append(reader.line_num)
            else:
                got = f"got {len(row)} fields, allowed {len(columns)}: {', '.join(columns)}"
                faults.append(TableFault(file, reader.line_num, got, "unreadable"))
    except csv.Error as error:
        faults.append(
            TableFault(file, reader.line_num, f"not CSV ({error}); quote text that holds commas", "unreadable")
        )
    table = pd.DataFrame(rows, columns=columns, dtype="str").assign(line=lines)
    for field in fields:
        faults += _convert(table, field, file)
    return (table if not any(fault.kind == "unreadable" for fault in faults) else None), _shorten(faults, file)


def _header_fault(got: Sequence[str], allowed: Sequence[str]) -> str:
    missing = [name for name in allowed if name not in got]
    unknown = [name for name in got if name not in allowed]
    parts = [f"column {', '.join(missing)} missing"] if missing else []
    parts += [f"unknown column {name!r}{near(name, allowed)}" for name in unknown]
    return f"{'; '.join(parts) or 'columns in another order'}; got {','.join(got)}; allowed {','.join(allowed)}"


def _convert(table: pd.DataFrame, field: Schema, file: str) -> Iterator[TableFault]:
    """Convert one column to its type in place, and yield the values that are not of that type."""
    name, kind = str(field["name"]), field["type"]
    required = field.get("constraints", {}).get("required", False)
    text = table[name]
    empty = text.eq("")
    if required and empty.any():
        for line in table.line[empty]:
            yield TableFault(file, int(line), f"{name} is empty; allowed: {_allowed(field)}", "unreadable")
    if kind == "string":
        return
    numbers = pd.to_numeric(text.where(~empty), errors="coerce").astype(float)
    wrong = ~empty & (~np.isfinite(numbers) | ((numbers % 1 != 0) if kind == "integer" else False))
    for line, got in zip(table.line[wrong], text[wrong], strict=True):
        yield TableFault(file, int(line), f"{name} got {got!r}, allowed: {_allowed(field)}", "unreadable")
    whole = kind == "integer" and not (wrong | empty).any()
    table[name] = numbers.astype(int) if whole else numbers


def _allowed(field: Schema) -> str:
    """The allowed values of a field, in words."""
    limits = field.get("constraints", {})
    if "enum" in limits:
        return ", ".join(map(str, limits["enum"]))
    words = {"integer": "a whole number", "number": "a finite number", "string": "text"}[field["type"]]
    low, high = limits.get("minimum"), limits.get("maximum")
    return words + (f" from {low} to {high}" if low is not None and high is not None else "")


def _shorten(faults: Iterable[TableFault], file: str) -> list[TableFault]:
    """One fault for a text that repeats in many rows, and at most `SHOWN` different ones."""
    same: dict[str, list[TableFault]] = {}
    for fault in faults:
        same.setdefault(fault.text, []).append(fault)
    found = [
        first if not more else TableFault(file, first.line, f"{first.text} (and in {len(more)} more rows)", first.kind)
        for first, *more in same.values()
    ]
    if len(found) <= SHOWN:
        return found
    return [*found[:SHOWN], TableFault(file, None, f"and {len(found) - SHOWN} more faults of this kind", found[0].kind)]


def _references(resource: Schema) -> list[Schema]:
    """Foreign keys of the standard, and those that need our keys 'separator' or 'also'."""
    return [*resource["schema"].get("foreignKeys", []), *resource.get("references", [])]


# Rules ---------------------------------------------------------------------------------------------------------------


def _keys(
    resources: Mapping[str, Schema], wanted: Sequence[Schema], folder: Path
) -> Mapping[tuple[str, str], Sequence[str]]:
    """Values of every (table, column) that a foreign key of the wanted tables refers to, and the provinces.

    Unreadable tables are left out, because their own faults are reported. Completeness is counted over the provinces.
    """
    columns = _pointed_at(wanted)
    loaded = {name: _load(resources[name], folder)[0] for name in {name for name, _ in columns} if name in resources}
    keys = {(n, c): list(table[c]) for n, c in columns if (table := loaded.get(n)) is not None}
    if (table := loaded.get("provinces")) is not None:
        keys["provinces", "simulated"] = list(table.province[table.simulated == 1])
    return keys


def _pointed_at(wanted: Sequence[Schema]) -> set[tuple[str, str]]:
    """Every (table, column) that a foreign key of the wanted tables points to, and the names of the provinces."""
    keys = (key["reference"] for resource in wanted for key in _references(resource))
    return {("provinces", "province"), *((key["resource"], key["fields"]) for key in keys)}


def _rule_faults(
    resource: Schema, table: pd.DataFrame, keys: Mapping[tuple[str, str], Sequence[str]]
) -> list[TableFault]:
    """Every value that violates a constraint, a key or a rule of the descriptor."""
    file, schema = str(resource["path"]), resource["schema"]
    checks = [_constraint_faults(field, table, file) for field in schema["fields"]]
    checks += [_unique_faults(schema["primaryKey"], table, file)]
    checks += [_foreign_faults(key, table, file, keys) for key in _references(resource)]
    checks += [_one_rule(rule, schema["primaryKey"], table, file, keys) for rule in resource.get("rules", [])]
    return [fault for found in checks for fault in _shorten(found, file)]


def _constraint_faults(field: Schema, table: pd.DataFrame, file: str) -> Iterator[TableFault]:
    limits, column = field.get("constraints", {}), table[field["name"]]
    wrong = np.zeros(len(table), dtype=bool)
    if "enum" in limits:
        wrong |= ~column.isin(limits["enum"])
    if "minimum" in limits:
        wrong |= column < limits["minimum"]
    if "maximum" in limits:
        wrong |= column > limits["maximum"]
    for line, got in zip(table.line[wrong], column[wrong], strict=True):
        close = near(str(got), limits["enum"]) if "enum" in limits else ""
        yield TableFault(file, int(line), f"{field['name']} got {got!r}{close}; allowed: {_allowed(field)}")
    if limits.get("unique"):
        yield from _unique_faults([field["name"]], table, file)


def _unique_faults(key: Sequence[str], table: pd.DataFrame, file: str) -> Iterator[TableFault]:
    first = table.drop_duplicates(list(key)).set_index(list(key)).line
    for row in table[table.duplicated(list(key))].to_dict("records"):
        value = tuple(row[name] for name in key)
        place = first[value if len(value) > 1 else value[0]]
        got = ", ".join(f"{name} {item}" for name, item in zip(key, value, strict=True))
        yield TableFault(
            file, row["line"], f"got {got} a second time (first on line {place}); allowed: once; remove one"
        )


def _foreign_faults(
    key: Schema, table: pd.DataFrame, file: str, keys: Mapping[tuple[str, str], Sequence[str]]
) -> Iterator[TableFault]:
    name, target = key["fields"], key["reference"]
    allowed = keys.get((target["resource"], target["fields"]))
    if allowed is None:  # that table is unreadable, and its own faults are reported
        return
    known = {*allowed, *key.get("also", [])}
    separator = key.get("separator")
    for value, lines in table.groupby(name).line:
        for part in str(value).split(separator) if separator else [str(value)]:
            if part not in known:
                listed = ", ".join(sorted(known)) if len(known) <= 40 else f"the keys of {target['resource']}.csv"
                for line in lines:
                    yield TableFault(
                        file, int(line), f"{name} got {part!r}{near(part, sorted(known))}; allowed: {listed}"
                    )


def _one_rule(
    rule: Schema, key: Sequence[str], table: pd.DataFrame, file: str, keys: Mapping[tuple[str, str], Sequence[str]]
) -> Iterator[TableFault]:
    if "sum" in rule:
        yield from _sum_faults(rule, table, file)
        return
    rows = table
    for column, value in rule["where"].items():
        rows = rows[rows[column] == value]
    name = ", ".join(f"{value}" for value in rule["where"].values())
    if "unit" in rule:
        for row in rows[rows.unit != rule["unit"]].to_dict("records"):
            yield TableFault(
                file, row["line"], f"{name or 'value'}: unit got {row['unit']!r}, allowed: {rule['unit']!r}"
            )
    low, high = rule.get("minimum", -np.inf), rule.get("maximum", np.inf)
    if np.isfinite(low) or np.isfinite(high):
        for row in rows[(rows.value < low) | (rows.value > high)].to_dict("records"):
            got = f"{name or 'value'}: got {row['value']:g} {row['unit']}, allowed {low:g} to {high:g}"
            yield TableFault(file, row["line"], got)
    if "complete" in rule:
        yield from _gap_faults(rule["complete"], name, rows, file, keys)
    if "step" in rule:
        yield from _step_faults(rule["step"], name, rows, file)


def _gap_faults(
    expected: Schema, name: str, rows: pd.DataFrame, file: str, keys: Mapping[tuple[str, str], Sequence[str]]
) -> Iterator[TableFault]:
    column = "province" if expected["province"] == "all" else "simulated"
    wanted = keys.get(("provinces", column))
    if wanted is None:
        return
    if "year" not in expected:
        for province in sorted(set(wanted) - set(rows.province)):
            yield TableFault(file, None, f"{name}: no row for {province}; allowed: one for every province")
        return
    first, last = expected["year"]
    have = set(zip(rows.province, rows.year, strict=True))
    for province in wanted:
        gap = [year for year in range(first, last + 1) if (province, year) not in have]
        if gap:
            before = rows.line[(rows.province == province) & (rows.year < gap[0])]
            line = int(before.max()) + 1 if len(before) else None
            got = f"{name}: no row for {province} in {', '.join(map(str, gap))}"
            yield TableFault(file, line, f"{got}; allowed: every year {first} to {last}; add the row")


def _step_faults(largest: float, name: str, rows: pd.DataFrame, file: str) -> Iterator[TableFault]:
    """Find implausible ratios of two consecutive years of one vintage, which reveal a misplaced decimal point."""
    rows = rows.drop_duplicates(["province", "vintage", "year"]).sort_values(["province", "vintage", "year"])
    previous = rows.groupby(["province", "vintage"])[["value", "year"]].shift()
    ratio = rows.value / previous.value
    wrong = (previous.year == rows.year - 1) & ((ratio > largest) | (ratio < 1 / largest))
    for row, factor in zip(rows[wrong].to_dict("records"), ratio[wrong], strict=True):
        got = f"{name}: {row['province']} {row['year']} is {factor:.3g} times the year before"
        yield TableFault(
            file, row["line"], f"{got}, allowed {1 / largest:.3g} to {largest:g}; check unit and decimal point"
        )


def _sum_faults(rule: Schema, table: pd.DataFrame, file: str) -> Iterator[TableFault]:
    rows = table[table.variable.isin(rule["sum"])]
    total = rows.groupby(["province", "year"]).value.agg(["sum", "count"])
    wrong = total[(total["count"] == len(rule["sum"])) & ((total["sum"] - rule["equals"]).abs() > rule["tolerance"])]
    for (province, year), got in wrong["sum"].items():
        line = rows.line[(rows.province == province) & (rows.year == year)].min()
        allowed = f"allowed {rule['equals']:g} ± {rule['tolerance']:g}"
        yield TableFault(file, int(line), f"{' + '.join(rule['sum'])} of {province} {year} got {got:g}, {allowed}")


if __name__ == "__main__":
    seal(Path(sys.argv[1]) if len(sys.argv) > 1 else DATA)
