"""What the system is: the stock-and-flow model of a province and the table of its parameters."""

from pathlib import Path

PROVINCE = Path(__file__).with_name("province.mdl")
"""The model file: every equation, with its unit and its sentence of meaning."""

PARAMETERS = Path(__file__).with_name("parameters.csv")
"""One row a parameter: name, unit, role, default, range, distribution, source, meaning."""

UNITS = Path(__file__).with_name("units.txt")
"""Units of the model beyond those of any model."""

FORMS = Path(__file__).with_name("forms.csv")
"""Where the form of an equation comes from, for those that follow a published one."""
