"""What the system is: the stock-and-flow model of a province and the table of its parameters."""

from pathlib import Path

PROVINCE = Path(__file__).with_name("province.mdl")
"""The model file: every equation, with its unit and its sentence of meaning."""

PARAMETERS = Path(__file__).with_name("parameters.csv")
"""One row a parameter: name, unit, role, default, range, distribution, source, meaning."""
