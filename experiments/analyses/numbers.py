"""Numbers as texts."""

import numpy as np


def number(value: float, decimals: int = 1, sign: bool = False) -> str:
    """A number with a fixed count of decimals and true minus signs; no "−0.0"."""
    if not np.isfinite(value):
        return "–"
    value = round(value, decimals) or 0.0
    return f"{value:{'+' if sign and value else ''}.{decimals}f}".replace("-", "−")
