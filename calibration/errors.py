"""The faults that calibration reports: see `models.reading`."""

from models.reading.faults import InputError, RuleError
from models.reading.names import near as nearest

__all__ = ["InputError", "RuleError", "nearest"]
