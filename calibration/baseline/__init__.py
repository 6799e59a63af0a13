"""The measured baseline: every series of the tables on one grid, with its error and its vintage.

`load` gives a dataset over province (30), year (2000-2015), sector (6) and fuel (5). For each series `name` it also
holds `name_sigma`, the relative standard deviation of the measurement (from the flag of each row by the table
measurement_errors), and `name_vintage`, the edition of the statistic by year. Two editions are not one series: `join`
and `change` refuse to cross from one to another.
"""

from calibration.baseline.base_year import indicators, pooled_intensity_change
from calibration.baseline.dataset import load
from calibration.baseline.economy import capital, constant_prices
from calibration.baseline.energy import FUEL_OF, SECTOR_OF
from calibration.baseline.panel import (
    FUELS,
    INDUSTRY,
    PRICES,
    SECTORS,
    YEARS,
    MeasuredSeries,
    MeasurementErrors,
    parameter,
    per_twh,
)
from calibration.baseline.vintage import VintageError, breaks, change, join, spans

__all__ = [
    "FUELS",
    "FUEL_OF",
    "INDUSTRY",
    "PRICES",
    "SECTORS",
    "SECTOR_OF",
    "YEARS",
    "MeasuredSeries",
    "MeasurementErrors",
    "VintageError",
    "breaks",
    "capital",
    "change",
    "constant_prices",
    "indicators",
    "join",
    "load",
    "parameter",
    "per_twh",
    "pooled_intensity_change",
    "spans",
]
