"""The stock-and-flow model of a province and the table of its parameters."""

from pathlib import Path

PROVINCE = Path(__file__).with_name("province.mdl")
"""The model file: every equation with its unit and meaning."""

PARAMETERS = Path(__file__).with_name("parameters.csv")
"""One row per parameter: name, unit, role, default, range, distribution, source, meaning."""

UNITS = Path(__file__).with_name("units.txt")
"""Units of this model that the engine does not know by itself."""

FORMS = Path(__file__).with_name("forms.csv")
"""Published sources of the forms of equations."""
