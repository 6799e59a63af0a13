"""The table of docs/costs.md is that of the model: slow."""

from pathlib import Path

import pandas as pd
import pytest

from experiments.analyses.policy import check
from experiments.policy import sets

UNITS = Path(__file__).parents[3] / "docs" / "implied-units.csv"


@pytest.mark.slow
def test_the_table_of_implied_units_is_that_of_the_model_and_none_exceeds_its_stock() -> None:
    """`tanlu policy check --save docs/implied-units.csv` makes it anew."""
    found = pd.concat([check.units(check.shipped(plan)) for plan in sets()], ignore_index=True)
    pd.testing.assert_frame_equal(pd.read_csv(UNITS), found, check_dtype=False, rtol=0.02)
    for year in check.YEARS:
        assert (found[f"implied {year}"] <= found[f"stock {year}"]).all()
