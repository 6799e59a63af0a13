"""A study's own list of large projects: energy that starts after the last measured year, and the share that arrives."""

from pathlib import Path

import pandas as pd

from calibration import projects
from calibration.places import choose_province
from calibration.projects import Projects
from experiments.allocation.shipped import baseline
from experiments.installation import calibrated
from experiments.study.schema import Study
from models.reading.faults import InputError
from models.reading.numbers import read_number
from models.reading.table_file import read_table
from models.reading.text import LARGEST_LIST

COLUMNS = ("name", "province", "start", "energy")
LARGEST = 100.0
"""Mtce a year of the largest project."""


def entered(study: Study) -> Projects | None:
    """The study's projects as inputs of the model; None where it names none. Raises InputError with all faults."""
    if not study.projects:
        return None
    shipped, measured = calibrated(study.target.period.base_year)
    last = int(shipped.attrs["last year fitted"])
    known = [str(name) for name in measured["base gdp"]["province"].to_numpy()]
    table = read(study.path(study.projects), known)
    return projects.entered(last, study.target.period.last_year, baseline(), table)


def read(path: Path, provinces: list[str]) -> pd.DataFrame:
    """A CSV table with the columns name, province, start (year, may be a fraction) and energy (Mtce/year at full load).

    Raises:
        InputError: with every fault of the file.
    """
    table = read_table(path, "a table of projects", COLUMNS, other_columns=True, largest=LARGEST_LIST)
    rows = []
    for place, row in table.records():
        try:
            start, energy = read_number(row["start"], 2005, 2035), read_number(row["energy"], 0, LARGEST)
            rows.append((row["name"], choose_province(row["province"], provinces), start, energy))
        except InputError as fault:
            table.faults += [f"{place}: {text}" for text in fault.faults]
    table.checked()
    return pd.DataFrame(rows, columns=list(COLUMNS))
