"""Small SVG pictures whose text stays text: how they meet a page, a file of their own, and the shipped font."""

import textwrap
from functools import cache
from html import escape
from pathlib import Path

HERE = Path(__file__).parent
STYLE = HERE / "tanlu.mplstyle"
FONTS = {weight: HERE / "fonts" / f"TanluSans-{weight}.otf" for weight in ("Regular", "Bold")}
WIDTH = 400.0  # points: the text of a figure stays readable in half a desktop and on a phone


@cache
def register_fonts() -> None:
    """Make the shipped font known to matplotlib."""
    from matplotlib import font_manager

    for path in FONTS.values():
        font_manager.fontManager.addfont(path)


def accessible(svg: str, alt: str) -> str:
    """The same picture with its description for those who do not see it."""
    return svg.replace("<svg", f'<svg role="img" aria-label="{escape(alt, quote=True)}"', 1)


def wrap(text: str, columns: float) -> list[str]:
    """Lines of at most so many Latin letters; a Chinese character counts for two."""
    if all(ord(character) < 0x2E80 for character in text):
        return textwrap.wrap(text, int(columns))
    return [text[start : start + int(columns / 2)] for start in range(0, len(text), int(columns / 2))]
