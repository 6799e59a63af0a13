"""Labels travel with the parameter; the shipped table belongs to the shipped posterior."""

import pandas as pd
import pytest

from calibration import identifiability, prior
from models.reading.faults import InputError


def test_the_shipped_table_belongs_to_the_shipped_posterior() -> None:
    assert identifiability.belongs_to_shipped(), f"run: {identifiability.COMMAND}"
    table = identifiability.load_labels()
    assert set(table["parameter"]) == set(prior.FREE)
    assert table.groupby("parameter")["province"].nunique().eq(30).all()
    identified = table["label"] == identifiability.IDENTIFIED
    closed = (table[["drop_below", "drop_above"]] >= identifiability.DROP).all(axis=1)
    assert (identified == closed).all()
    assert table.loc[identified, ["low", "high"]].notna().all(axis=None)
    assert ((table["low"] <= table["best"]) | table["low"].isna()).all()
    assert ((table["high"] >= table["best"]) | table["high"].isna()).all()


def test_labels_travel() -> None:
    assert identifiability.label("rebound" if "rebound" in prior.uncertain().index else "discount rate") == "prior only"
    assert identifiability.label("productivity", "Hebei") == "identified"
    assert identifiability.label("frontier services") == "not identified"
    frame = pd.DataFrame({"parameter": ["productivity", "discount rate", "lever strength"]})
    assert list(identifiability.labelled(frame)["label"]) == ["identified", "prior only", ""]


def test_unknown_names_are_answered_with_the_nearest() -> None:
    with pytest.raises(InputError, match="'productivity'"):
        identifiability.label("productivty")
    with pytest.raises(InputError, match="'Hebei'"):
        identifiability.label("productivity", "Hebe")


def test_counts_hold_every_free_and_uncertain_parameter() -> None:
    counts = identifiability.identified_counts().set_index("parameter")
    assert set(counts.index) == {*prior.FREE, *map(str, prior.uncertain().index)}
    assert (counts["identified"] <= counts["of"]).all()
