"""The model's equations as a table."""

from functools import cache

import pandas as pd


@cache
def table_of_equations() -> pd.DataFrame:
    """Columns name, unit, equation, meaning: every variable of the model."""
    from models import PROVINCE
    from sim.equation_table import table

    return table(PROVINCE)
