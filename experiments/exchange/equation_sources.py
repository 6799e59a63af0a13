"""The model's equations with their sources, as they are printed in the documentation."""

import re
from pathlib import Path

import pandas as pd

from models import FORMS, PROVINCE
from sim import equation_table as equations

OWN = "this model"
_STATED = re.compile(r"\s*\(\w+; source: (?P<source>.*)\)$")


def table(path: Path = PROVINCE) -> pd.DataFrame:
    """Every variable with a source: of a constant from its comment, of an equation from the table of forms.

    A form without a publication is marked as such.
    """
    forms = pd.read_csv(FORMS).set_index("name")["source"]
    frame = equations.table(path)
    stated = frame["meaning"].str.extract(_STATED)["source"]
    constant = frame["kind"].isin(("constant", "data", "lookup"))
    frame["source"] = stated.fillna(frame["name"].map(forms)).where(stated.notna() | ~constant, "")
    frame.loc[~constant, "source"] = frame.loc[~constant, "source"].fillna(OWN)
    frame["meaning"] = frame["meaning"].str.replace(_STATED, "", regex=True)
    return frame


def stale(frame: pd.DataFrame, file: Path) -> list[str]:
    """Faults of a written table: it is missing, or differs from today's model. ValueError: an unknown ending."""
    if not file.is_file():
        return [f"{file}: missing; write it: tanlu model equations --out {file}"]
    same = file.read_text(encoding="utf-8") == equations.text(frame, file)
    return [] if same else [f"{file}: older than the model; write it anew: tanlu model equations --out {file}"]


def unknown_forms(frame: pd.DataFrame) -> list[str]:
    """Names in the table of forms that the model does not have."""
    return sorted(set(pd.read_csv(FORMS)["name"]) - set(frame["name"]))
