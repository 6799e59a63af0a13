"""Matplotlib figures as small SVG fragments whose text stays text."""

import base64
import re
import textwrap
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from html import escape
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

HERE = Path(__file__).parent
STYLE = HERE / "tanlu.mplstyle"
FONTS = {weight: HERE / "fonts" / f"TanluSans-{weight}.otf" for weight in ("Regular", "Bold")}
#: Where a downloaded picture meets a system without our font.
STACK = "'Tanlu Sans','Noto Sans CJK SC','PingFang SC','Microsoft YaHei',sans-serif"
WIDTH = 400.0  # points: the text of a figure stays readable in half a desktop and on a phone


@cache
def register_fonts() -> None:
    """Make the shipped font known to matplotlib."""
    from matplotlib import font_manager

    for path in FONTS.values():
        font_manager.fontManager.addfont(path)


@contextmanager
def axes(
    height: float, margins: tuple[float, float, float, float] | None = None, width: float = WIDTH
) -> Iterator[tuple["Figure", "Axes"]]:
    """One pair of axes in the house style; width and height in points.

    margins: left, right, bottom, top in points; without them they are found by drawing twice, which takes as long.
    """
    import matplotlib
    from matplotlib.figure import Figure

    register_fonts()
    with matplotlib.rc_context(fname=STYLE), warnings.catch_warnings():
        # A user's own name may hold a character that the subset lacks; it stays text, and the viewer's font shows it.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        figure = Figure(figsize=(width / 72, height / 72), layout=None if margins else "constrained")
        if margins:
            left, right, bottom, top = margins
            figure.subplots_adjust(left / width, bottom / height, 1 - right / width, 1 - top / height)
        yield figure, figure.add_subplot()


def render(figure: "Figure", name: str) -> str:
    """The figure as an `<svg>` element. name: unique on the page, salts the ids inside the picture."""
    import matplotlib

    stream = StringIO()
    with matplotlib.rc_context({"svg.hashsalt": name, "svg.fonttype": "none"}):
        figure.savefig(stream, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    return slim(stream.getvalue())


def slim(svg: str) -> str:
    """Without prologue, comments, meaningless ids and digits below a tenth of a point."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>|<!--.*?-->", "", svg, flags=re.DOTALL)
    svg = re.sub(
        r' id="(figure|axes|patch|line2d|text|matplotlib\.axis|xtick|ytick|legend|[A-Za-z]+Collection)_\d+"', "", svg
    )
    svg = re.sub(r"<[^>]+>", lambda tag: re.sub(r"-?\d+\.\d{2,}", _rounded, tag[0]), svg)  # numbers in texts stay
    svg = re.sub(r"font: ([^;\"]*?)(\d[\d.]*px) [^;\"]*", lambda font: f"font: {font[1]}{font[2]} {STACK}", svg)
    svg = re.sub(r"(<svg[^>]*?) width=\"[^\"]*\"", r"\1", svg, count=1)
    svg = re.sub(r"(<svg[^>]*?) height=\"[^\"]*\"", r"\1", svg, count=1)
    return re.sub(r">\s+<", "><", svg).replace("\n", " ").strip()


def _rounded(number: re.Match[str]) -> str:
    return f"{float(number[0]):.1f}".removesuffix(".0")


def accessible(svg: str, alt: str) -> str:
    """The same picture with its description for those who do not see it."""
    return svg.replace("<svg", f'<svg role="img" aria-label="{escape(alt, quote=True)}"', 1)


def standalone(svg: str, title: str, subtitle: str) -> str:
    """A picture that can leave the page: its title and subtitle set above it."""
    match = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', svg)
    if match is None:
        raise ValueError("the picture has no viewBox; render it with `render`")
    width, height = float(match[1]), float(match[2])
    lines = [("bold 11px", line) for line in wrap(title, width / 5.8)] + [
        ("9px", line) for line in wrap(subtitle, width / 4.8)
    ]
    top = 14 * len(lines) + 8
    texts = "".join(
        f'<text x="8" y="{14 * (row + 1) - top}" style="font:{font} {STACK};fill:#222">{escape(line)}</text>'
        for row, (font, line) in enumerate(lines)
    )
    head = f'viewBox="0 {-top} {width:g} {height + top:g}" width="{2 * width:g}" height="{2 * (height + top):g}"'
    ground = f'<rect x="0" y="{-top}" width="{width:g}" height="{height + top:g}" fill="#fff"/>'
    body = svg.replace(match[0], head, 1)
    start = body.index(">", body.index("<svg")) + 1
    return body[:start] + ground + texts + body[start:]


def wrap(text: str, columns: float) -> list[str]:
    """Lines of at most so many Latin letters; a Chinese character counts for two."""
    if all(ord(character) < 0x2E80 for character in text):
        return textwrap.wrap(text, int(columns))
    return [text[start : start + int(columns / 2)] for start in range(0, len(text), int(columns / 2))]


def data_uri(content: str, mime: str) -> str:
    """`data:` address that holds the content itself: a download without network or script."""
    return f"data:{mime};charset=utf-8;base64,{base64.b64encode(content.encode()).decode()}"
