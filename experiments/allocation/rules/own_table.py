"""csv: a user's own table of targets."""

import csv
import math
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from calibration.errors import InputError, nearest
from experiments.allocation.indicators import Indicators
from experiments.allocation.registry import Options, Proposal, rule
from experiments.allocation.stated import stated

COLUMNS = ("province", "target_percent")
OPTIONAL = ("Tibet",)


@rule("csv", title="Own table", origin="user")
def own_table(indicators: Indicators, options: Options) -> Proposal:
    """Targets of a CSV file with the columns province and target_percent (others are ignored)."""
    if not options["path"]:
        raise InputError("rule 'csv' needs a table: --table FILE with the columns province, target_percent")
    percent = read(Path(options["path"]), indicators.provinces)
    notes = {p: "not in the table" for p in indicators.provinces if p not in percent}
    return stated(indicators, percent, notes, options)


def read(path: Path, provinces: Sequence[str]) -> dict[str, float]:
    """Targets by province, per cent. Raises InputError with every fault of the file."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            header, rows = tuple(reader.fieldnames or ()), [(reader.line_num, row) for row in reader]
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); give a CSV file") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: not a CSV file in UTF-8 ({error}); save it as such") from None
    lacking = [name for name in COLUMNS if name not in header]
    if lacking:
        got = ",".join(header) or "nothing"
        raise InputError(f"{path}: got columns {got}; needed: {', '.join(COLUMNS)}; add {', '.join(lacking)}")
    values, faults = _parse(path, rows, provinces)
    absent = [p for p in provinces if p not in values and p not in OPTIONAL and not _named(rows, p)]
    if absent:
        faults.append(f"{path}: no row for {', '.join(absent)}; every province but {', '.join(OPTIONAL)} needs one")
    if faults:
        raise InputError(faults)
    return values


def _named(rows: Iterable[tuple[int, dict[str, str]]], province: str) -> bool:
    return any((row["province"] or "").strip() == province for _, row in rows)


def _parse(
    path: Path, rows: Sequence[tuple[int, dict[str, str]]], provinces: Sequence[str]
) -> tuple[dict[str, float], list[str]]:
    values: dict[str, float] = {}
    faults: list[str] = []
    for line, row in rows:
        name, text = (row["province"] or "").strip(), (row["target_percent"] or "").strip()
        where = f"{path}, line {line}"
        if name not in provinces:
            faults.append(f"{where}: got province {name!r}{nearest(name, provinces)}; allowed: names as in the data")
            continue
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if 0 <= value < 100:
            values[name] = value
        else:
            faults.append(f"{where}: got a target of {text!r} for {name}; allowed: a number from 0 to below 100")
    counts = Counter((row["province"] or "").strip() for _, row in rows)
    faults += [f"{path}: {count} rows for {name}; keep one" for name, count in counts.items() if count > 1]
    return values, faults
