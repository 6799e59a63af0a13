"""The faults that commands report: see `calibration.errors`."""

from calibration.errors import InputError, RuleError, nearest

__all__ = ["InputError", "RuleError", "nearest"]
