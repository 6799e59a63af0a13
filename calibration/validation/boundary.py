"""Boundary adequacy: endogenous variables, exogenous inputs, and concepts that the model excludes, with reasons.

The table is made from the model file and the table of parameters, so that it is always up to date. Only the excluded
concepts are written by hand (`excluded.csv`).
"""

from pathlib import Path

import pandas as pd

from models.parameters import parameters
from sim.check import Verdict
from sim.source import Source

EXCLUDED = Path(__file__).with_name("excluded.csv")
COLUMNS = ("status", "group", "name", "kind", "unit", "note")


def boundary_table(source: Source) -> pd.DataFrame:
    """Columns status (endogenous, exogenous, excluded), group, name, kind or role, unit and meaning; one row per
    concept.
    """
    known = parameters()
    rows = []
    for element in source.elements.values():
        if element.kind == "control":
            continue
        driver = element.kind in ("constant", "data", "lookup")
        kind = str(known["role"].get(element.name, element.kind)) if driver else element.kind
        status = "exogenous" if driver else "endogenous"
        rows.append((status, element.group, element.name, kind, element.units, element.doc))
    left_out = pd.read_csv(EXCLUDED)
    rows += [("excluded", "", str(row.concept), "", "", str(row.reason)) for row in left_out.itertuples()]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def verdict(source: Source) -> Verdict:
    """Check that every input of the model is in the table of parameters, and that the model reads every parameter."""
    rows = boundary_table(source)
    drivers = set(rows.loc[rows["status"] == "exogenous", "name"])
    known = set(parameters().index)
    faults = [f"{name} is given to the model and is not in the table of parameters" for name in sorted(drivers - known)]
    faults += [f"{name} is in the table of parameters and not in the model" for name in sorted(known - drivers)]
    counts = rows["status"].value_counts()
    measured = ", ".join(f"{counts.get(status, 0)} {status}" for status in ("endogenous", "exogenous", "excluded"))
    return Verdict("boundary", measured, tuple(faults))
