"""The equations of a model file as a table: for readers, for an appendix, and for a check that no cell is empty."""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping
from pathlib import Path

import pandas as pd

from sim.source import Element, Source, read

COLUMNS = ("name", "unit", "equation", "meaning", "dims", "kind", "group", "line")


def table(model: str | Path | Source, sources: Mapping[str, str] | None = None) -> pd.DataFrame:
    """One row per variable, in the order of the file.

    Args:
        model: the file, or a `Source` read from it.
        sources: where a value comes from, by name; adds a column `source`.

    Returns:
        Columns name, unit, equation (in Vensim's language; several definitions of one variable are several lines),
        meaning, dims (comma-separated), kind (stock, flow, auxiliary, constant, lookup, data, control), group, line.

    Raises:
        ModelError: the file cannot be read.

    >>> table("docs/sir.mdl").set_index("name").loc["recovery", "equation"]
    'recovery[age] = infectious[age] / duration[age]'
    """
    source = model if isinstance(model, Source) else read(model)
    frame = pd.DataFrame([_row(element) for element in source.elements.values()], columns=list(COLUMNS))
    if sources is not None:
        frame["source"] = [sources.get(name, "") for name in frame["name"]]
    return frame


def gaps(frame: pd.DataFrame) -> list[str]:
    """Missing cells: variables without unit or meaning and, where there is the column, values without source."""
    faults = [
        f"{row.name_} (line {row.line}): no {column}"
        for row in frame.rename(columns={"name": "name_"}).itertuples()
        for column in ("unit", "meaning")
        if not str(getattr(row, column)).strip()
    ]
    if "source" in frame:
        values = frame[frame["kind"].isin(("constant", "data", "lookup"))]
        faults += [f"{name}: no source" for name in values.loc[values["source"].str.strip() == "", "name"]]
    return faults


def markdown(frame: pd.DataFrame) -> str:
    """The table in Markdown, a section a group."""
    sections = []
    for group, rows in frame.groupby("group", sort=False):
        columns = [column for column in ("name", "unit", "equation", "meaning", "source") if column in rows]
        lines = [f"## {group}", "", f"| {' | '.join(columns)} |", "|---" * len(columns) + "|"]
        lines += [
            f"| {' | '.join(_markdown_cell(name, row[name]) for name in columns)} |" for row in rows.to_dict("records")
        ]
        sections.append("\n".join(lines) + "\n")
    return "\n".join(sections)


def to_html(frame: pd.DataFrame) -> str:
    """The table as a fragment of HTML, a heading and a `<table class="equations">` a group."""
    sections = []
    columns = [column for column in ("name", "unit", "equation", "meaning", "source") if column in frame]
    for group, rows in frame.groupby("group", sort=False):
        head = "".join(f"<th>{column}</th>" for column in columns)
        body = "\n".join(
            "<tr>" + "".join(_html_cell(column, row[column]) for column in columns) + "</tr>"
            for row in rows.to_dict("records")
        )
        title = html.escape(str(group))
        sections.append(
            f'<h3>{title}</h3>\n<table class="equations">\n<thead><tr>{head}</tr></thead>\n'
            f"<tbody>\n{body}\n</tbody>\n</table>\n"
        )
    return "\n".join(sections)


def write(frame: pd.DataFrame, file: str | Path) -> None:
    """Write the table as .md, .csv or .html, by the file's ending.

    Raises:
        ValueError: another ending.
    """
    file = Path(file)
    file.write_text(text(frame, file), encoding="utf-8")


def text(frame: pd.DataFrame, file: Path) -> str:
    """What `write` puts into a file of this name."""
    if file.suffix not in FORMS:
        raise ValueError(f"{file.name}: got the ending {file.suffix!r}, allowed are {', '.join(FORMS)}")
    return FORMS[file.suffix](frame)


def _csv(frame: pd.DataFrame) -> str:
    return str(frame.to_csv(index=False))


FORMS: Mapping[str, Callable[[pd.DataFrame], str]] = {".md": markdown, ".html": to_html, ".csv": _csv}
"""Ending of a file → the table in that form."""


def _row(element: Element) -> tuple[object, ...]:
    equations = "\n".join(part.equation for part in element.parts)
    dims = ", ".join(element.dims)
    return element.name, element.units, equations, element.doc, dims, element.kind, element.group, element.line


def _markdown_cell(column: str, value: object) -> str:
    return _code(value) if column == "equation" else _cell(value)


def _cell(words: object) -> str:
    return str(words).replace("|", "\\|").replace("\n", "<br>")


def _code(words: object) -> str:
    """Inline code; each definition on a separate line."""
    return "<br>".join(f"`{line.replace('|', chr(92) + '|').replace('`', chr(39))}`" for line in str(words).split("\n"))


def _html_cell(column: str, value: object) -> str:
    words = html.escape(str(value)).replace("\n", "<br>")
    return f"<td><code>{words}</code></td>" if column == "equation" else f"<td>{words}</td>"
