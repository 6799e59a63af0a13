"""Small SVG pictures whose text stays text: how they meet a page, a file of their own, and the shipped font."""

import re
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


CHINESE = 0x2E80
"""First code point of the characters that are two columns wide and between which a line may end."""
PIECES = re.compile(r"[\u2e80-\uffff][，。、；：！？）】”》,.;:!?)]*\s*|[^\s\u2e80-\uffff]+\s*|\s+")


def wrap(text: str, columns: float) -> list[str]:
    """Lines of at most so many Latin letters; a Chinese character counts for two.

    A line ends at a space or beside a Chinese character, never within a word; no line begins with a mark.

    >>> wrap("the 15th plan, 十五五, is shared out", 16)
    ['the 15th plan,', '十五五, is', 'shared out']
    """
    lines, width = [""], 0
    for piece in PIECES.findall(text):
        size = sum(2 if ord(character) >= CHINESE else 1 for character in piece)
        if lines[-1] and width + len(piece.rstrip()) - len(piece) + size > columns:
            lines, width = [*lines, ""], 0
        lines[-1] += piece
        width += size
    return [line.strip() for line in lines]
