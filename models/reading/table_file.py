"""A CSV table that a user wrote: columns, cells as text with the line of every row, and every fault at once."""

import csv
import io
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from models.reading.faults import InputError, refuse, shortened
from models.reading.names import match, near
from models.reading.text import LARGEST_TABLE, read_text


@dataclass
class TableRows:
    """The rows of a table.

    Attributes:
        label: name of the file in messages.
        columns: the header.
        rows: the cells of each row, stripped, in the order of the columns; empty rows are left out.
        lines: the line of each row in the file, from 1.
        faults: the faults of the file, one sentence each.
    """

    label: str
    columns: list[str] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def records(self) -> Iterator[tuple[str, dict[str, str]]]:
        """Yield place (file:line) and cells (column → cell) of every row."""
        for line, row in zip(self.lines, self.rows, strict=True):
            yield f"{self.label}:{line}", dict(zip(self.columns, row, strict=True))

    def checked(self) -> "TableRows":
        """The table itself. Raises InputError with its faults, if there are any."""
        refuse(self.faults)
        return self


def read_table(
    path: Path,
    what: str,
    columns: Sequence[str] = (),
    *,
    optional: Sequence[str] = (),
    other_columns: bool = False,
    label: str = "",
    largest: int = LARGEST_TABLE,
) -> TableRows:
    """Read a CSV table in UTF-8.

    Args:
        path: path in the form that the user typed.
        what: the expected content in the user's words ("a table of targets").
        columns: the columns that it must have, in any order and any case.
        optional: columns that it may have.
        other_columns: whether it may have other columns.
        label: name of the file in messages; default: its file name.
        largest: size in bytes beyond which the file is refused.

    Returns:
        The table; its `faults` name everything that is wrong with the file.
    """
    table = TableRows(label or path.name)
    try:
        reader = csv.reader(io.StringIO(read_text(path, what, largest), newline=""), strict=True)
        table.columns = [_meant(cell.strip(), (*columns, *optional)) for cell in next(reader, [])]
        table.faults += _header_faults(table, columns, optional, other_columns)
        if not table.faults:
            _fill(table, reader)
    except InputError as fault:
        table.faults += fault.faults
    except csv.Error as fault:
        where = f"{table.label}:{reader.line_num}"
        table.faults.append(f"{where}: not CSV ({fault}); put text that holds commas or quotes between quotes")
    return table


def _meant(cell: str, columns: Sequence[str]) -> str:
    return match(cell, columns) or cell


def _header_faults(
    table: TableRows, columns: Sequence[str], optional: Sequence[str], other_columns: bool
) -> Iterator[str]:
    where = f"{table.label}:1"
    if not any(table.columns):
        yield f"{where}: got no header, allowed: a first line that names the columns {', '.join(columns)}"
        return
    for name, count in Counter(table.columns).items():
        if count > 1 and (name or not other_columns):
            yield f"{where}: column {shortened(name)} appears {count} times; keep one"
    unknown = [name for name in table.columns if name not in (*columns, *optional)]
    absent = [name for name in columns if name not in table.columns]
    if absent:
        got = shortened(",".join(table.columns))
        yield f"{where}: column {', '.join(absent)} is missing; got {got}, needed: {', '.join(columns)}"
    if not other_columns:
        yield from (f"{where}: unknown column {shortened(name)}{near(name, (*columns, *optional))}" for name in unknown)


def _fill(table: TableRows, reader: Any) -> None:
    count = len(table.columns)
    for row in reader:
        cells = [cell.strip() for cell in row]
        if not any(cells):
            continue
        if len(cells) != count:
            got = f"got {len(cells)} cells, allowed: {count} ({', '.join(table.columns)})"
            table.faults.append(f"{table.label}:{reader.line_num}: {got}")
            continue
        table.rows.append(cells)
        table.lines.append(reader.line_num)
