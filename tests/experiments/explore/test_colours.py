"""The explorer's map has the colours of the ratings."""

import re
from pathlib import Path

from experiments import explore
from experiments.words.ratings import LIGHTS


def test_the_style_has_the_colours_of_the_ratings() -> None:
    style = (Path(explore.__file__).parent / "static" / "app.css").read_text(encoding="utf-8")
    for level, rating in LIGHTS.items():
        rules = re.findall(rf"\.level{level}[^{{]*\{{([^}}]*)\}}", style)
        found = {colour.upper() for rule in rules for colour in re.findall(r"#[0-9a-fA-F]+", rule)}
        long = {"#" + "".join(2 * digit for digit in colour[1:]) if len(colour) == 4 else colour for colour in found}
        assert long == {rating.fill, rating.ink}, level
