"""csv: a user's own table of targets."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from calibration.places import choose_province
from experiments.allocation.indicators import Indicators
from experiments.allocation.registry import Options, Proposal, rule
from experiments.allocation.stated import stated
from models.reading.faults import InputError
from models.reading.numbers import read_number
from models.reading.table_file import read_table
from models.reading.text import LARGEST_LIST

COLUMNS = ("province", "target_percent")
OPTIONAL = ("Tibet",)


@rule("csv", title="Own table", origin="user", reads_base=False)
def own_table(indicators: Indicators, options: Options) -> Proposal:
    """Targets of a CSV file with the columns province and target_percent (others are ignored)."""
    if not options["path"]:
        raise InputError("rule 'csv' needs a table: --table FILE with the columns province, target_percent")
    percent = read(Path(options["path"]), indicators.provinces)
    notes = {p: "not in the table" for p in indicators.provinces if p not in percent}
    return stated(indicators, percent, notes, options)


def read(path: Path, provinces: Sequence[str]) -> dict[str, float]:
    """Targets by province, per cent. Raises InputError with every fault of the file."""
    table = read_table(path, "a table of targets", COLUMNS, other_columns=True, largest=LARGEST_LIST)
    values: dict[str, float] = {}
    named: Counter[str] = Counter()
    for place, row in table.records():
        try:
            name = choose_province(row["province"], provinces)
        except InputError as fault:
            table.faults.append(f"{place}: {fault}")
            continue
        named[name] += 1
        try:
            if (percent := read_number(row["target_percent"], 0, 100)) == 100:
                raise InputError("got 100, allowed: a number from 0 to below 100")
            values[name] = percent
        except InputError as fault:
            table.faults.append(f"{place}: target_percent of {name}: {fault}")
    table.faults += [f"{table.label}: {count} rows for {name}; keep one" for name, count in named.items() if count > 1]
    absent = [name for name in provinces if name not in named and name not in OPTIONAL]
    if table.rows and absent:
        table.faults.append(
            f"{table.label}: no row for {', '.join(absent)}; every province but {', '.join(OPTIONAL)} needs one"
        )
    if not table.rows and not table.faults:
        table.faults.append(f"{table.label}: got no row, allowed: a row for every province but {', '.join(OPTIONAL)}")
    table.checked()
    return values
