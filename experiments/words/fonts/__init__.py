"""The shipped font, a subset of Noto Sans CJK SC under the SIL Open Font License (OFL.txt), as pages embed it."""

import base64
from functools import cache
from io import BytesIO
from pathlib import Path

from models.reading.faults import InputError

HERE = Path(__file__).parent
FILES = {400: HERE / "TanluSans-Regular.otf", 700: HERE / "TanluSans-Bold.otf"}
PLACE = "/*faces*/"
"""Where a page's style takes the font."""


@cache
def held() -> frozenset[str]:
    """The characters that the shipped font has."""
    from fontTools.ttLib import TTFont

    with TTFont(FILES[400], lazy=True) as font:
        return frozenset(map(chr, font.getBestCmap()))


def missing(text: str) -> list[str]:
    """Characters of a text, beyond spaces and controls, that the shipped font lacks."""
    return sorted({c for c in text if c.isprintable() and not c.isspace()} - held())


def require(text: str, what: str) -> str:
    """The text, if the font has every character of it.

    Raises:
        InputError: a character would be an empty box; what: where the text is from.
    """
    if lacking := missing(text):
        shown = " ".join(lacking[:20])
        raise InputError(f"{what}: the shipped font lacks {shown}; write the text without these characters")
    return text


def embedded(page: str, others: str = "") -> str:
    """The page with those characters of the font that it, or other pages written with it, use inside its style."""
    return page.replace(PLACE, faces(frozenset(page + others) & held()), 1)


@cache
def faces(characters: frozenset[str]) -> str:
    """Style rules that hold the font with these characters, in both weights."""
    return "".join(
        f"@font-face{{font-family:'Tanlu Sans';font-weight:{weight};"
        f"src:url(data:font/otf;base64,{_cut(weight, characters)})}}"
        for weight in FILES
    )


def _cut(weight: int, characters: frozenset[str]) -> str:
    """A weight of the font with these characters alone, in base64."""
    from fontTools import subset

    options = subset.Options(hinting=False, layout_features=["kern"], notdef_outline=True, name_IDs=[0, 1, 2, 13, 14])
    with subset.load_font(str(FILES[weight]), options) as font:
        tool = subset.Subsetter(options)
        tool.populate(text="".join(characters))
        tool.subset(font)
        stream = BytesIO()
        subset.save_font(font, stream, options)
    return base64.b64encode(stream.getvalue()).decode()
