"""Review by several parties: a log of changes, versions and their differences, merging of copies, a second round.

    log.csv            who changed which cell, when, why; one row per cell
    versions/N/        the sheets as they stood at entry N of the log
    disagreements.csv  cells that the reviewers' copies changed in different ways; the folder keeps its own value
    5-screening/round-2/<reviewer>.csv   a reviewer's own scores beside the group's, without names

A reviewer gets a copy of the folder, fills it in and hands it back. `gather` takes every cell that the copies changed
in one way since the last recorded version, and lists the others. The tool decides nothing by itself.
"""

import shutil
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import yaml

from experiments.toolkit import merging, sheets
from experiments.toolkit.checking import check, read_all
from experiments.toolkit.sheets import NOTE, Folder
from models.reading.faults import InputError
from models.reading.names import choose
from models.reading.yaml_file import dump_yaml
from models.writing import write_text

LOG = ("number", "date", "who", "sheet", "row", "column", "before", "after", "why")
KEYS: Mapping[str, tuple[str, ...]] = {
    "1-experts.csv": ("name",),
    "2-baseline.csv": ("quantity", "year"),
    "2-other-emissions.csv": ("item", "year"),
    "3-goals.csv": ("goal", "from", "to"),
    "4-options.csv": ("option",),
    "8-feasibility.csv": ("option", "barrier"),
    "9-monitoring.csv": ("quantity", "year"),
    "comments.csv": ("number",),
}
"""Sheet → the columns that name a row; score sheets are named by option, YAML sheets by field."""
ABSENT = "no such row"
NOT_TEXT = ("strength", "start", "phase_in", "mechanisms", "related", "barriers")
"""Fields of a design sheet that hold numbers or lists."""
NO_VERSION = "no version was recorded yet; record the sheets first: tanlu toolkit log FOLDER --who NAME --why TEXT"

Cells = dict[tuple[str, str, str], str]
"""(sheet, row, column) → content."""


def cells(folder: Path) -> Cells:
    """Every cell of every sheet that people fill in, as text."""
    found: Cells = {}
    plain = [folder / name for name in KEYS]
    scores = [*(folder / "5-screening").glob("*.csv"), *(folder / "5-screening" / "round-2").glob("*.csv")]
    for path in sorted([*plain, *(p for p in scores if p.name not in sheets.MADE)]):
        name = path.relative_to(folder).as_posix()
        if not path.is_file():
            continue
        table = pd.read_csv(path, dtype=str, keep_default_na=False, encoding=sheets.ENCODING)
        keys = [key for key in KEYS.get(name, ("option",)) if key in table]
        for row in table.to_dict("records"):
            label = ", ".join(str(row[key]) for key in keys)
            found |= {(name, label, str(column)): _same(str(text)) for column, text in row.items()}
    for path in [folder / "toolkit.yaml", *sorted((folder / "6-design").glob("*.yaml"))]:
        if path.is_file():
            name = path.relative_to(folder).as_posix()
            content = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
            found |= {(name, str(field), "value"): _same(str(value)) for field, value in dict(content).items()}
    return found


def _same(text: str) -> str:
    """A number in one spelling, so that 16 and 16.0 are no difference."""
    try:
        return f"{float(text):.12g}"
    except ValueError:
        return text.strip()


def changes(before: Cells, after: Cells) -> list[tuple[tuple[str, str, str], str, str]]:
    """The cells that differ: (cell, before, after), in the order of the sheets."""
    both = dict.fromkeys([*before, *after])
    pairs = [(cell, before.get(cell, ABSENT), after.get(cell, ABSENT)) for cell in both]
    return sorted((pair for pair in pairs if pair[1] != pair[2] and {pair[1], pair[2]} != {ABSENT, ""}), key=_first)


def _first(pair: tuple[tuple[str, str, str], str, str]) -> tuple[str, str, str]:
    return pair[0]


def versions(work: Folder) -> list[int]:
    """The numbers of the versions that were recorded."""
    return sorted(int(path.name) for path in (work.path / "versions").glob("*") if path.name.isdigit())


def log(work: Folder) -> pd.DataFrame:
    """The log so far."""
    path = work.sheet("log.csv")
    if not path.is_file():
        return pd.DataFrame(columns=list(LOG))
    return pd.read_csv(path, dtype=str, keep_default_na=False, encoding=sheets.ENCODING)


def record(folder: str | Path, who: str, why: str, date: str = "") -> pd.DataFrame:
    """Enter every cell that changed since the last version into the log, and keep the sheets as a new version.

    Args:
        folder: a working folder whose sheets are sound.
        who: who changed them.
        why: the reason, for all of these cells.
        date: of the change (ISO); today in UTC when left out.

    Returns:
        the rows that were added; the first version of a folder adds one row that states this.

    Raises:
        InputError, RuleError: faults of the sheets; nothing changed; nobody or no reason named.
    """
    if not who.strip() or not why.strip():
        raise InputError("the log needs who changed the sheets and why: --who NAME --why TEXT")
    check(folder)
    work = Folder.open(folder)
    known, number = versions(work), len(versions(work)) + 1
    now, when = cells(work.path), date or datetime.now(UTC).strftime("%Y-%m-%d")
    if known:
        found = changes(cells(work.path / "versions" / str(known[-1])), now)
        if not found:
            raise InputError(f"no cell changed since version {known[-1]}")
        rows = [(number, when, who, *cell, before, after, why) for cell, before, after in found]
    else:
        rows = [(number, when, who, "all sheets", "", "", "", f"{len(now)} cells", why)]
    _append(work, rows)
    _keep(work, number)
    return pd.DataFrame(rows, columns=list(LOG))


def _append(work: Folder, rows: Iterable[tuple[object, ...]]) -> None:
    added = pd.DataFrame(list(rows), columns=list(LOG)).astype(str)
    sheets.write(work.sheet("log.csv"), pd.concat([log(work), added], ignore_index=True))


def _keep(work: Folder, number: int) -> None:
    target = work.path / "versions" / str(number)
    for name in {cell[0] for cell in cells(work.path)} | {"mix.yaml", "study.yaml"}:
        if (work.path / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(work.path / name, target / name)


def difference(folder: str | Path, first: int | None = None, last: int | None = None) -> pd.DataFrame:
    """The cells that differ between two versions, mix.yaml and study.yaml included.

    Args:
        folder: a working folder.
        first: number of the earlier version; the last recorded one when left out.
        last: number of the later one; the sheets as they are now when left out.

    Returns:
        columns sheet, row, column, before, after.

    Raises:
        InputError: a version that there is not.
    """
    work = Folder.open(folder)
    known = versions(work)
    if not known:
        raise InputError(NO_VERSION)
    for number in (first, last):
        if number is not None and number not in known:
            raise InputError(f"there is no version {number}; recorded: {', '.join(map(str, known))}")
    start = work.path / "versions" / str(first or known[-1])
    end = work.path / "versions" / str(last) if last else work.path
    rows = [(*cell, before, after) for cell, before, after in changes(_whole(start), _whole(end))]
    return pd.DataFrame(rows, columns=["sheet", "row", "column", "before", "after"])


def _whole(folder: Path) -> Cells:
    """The sheets, and the parts of mix.yaml and study.yaml that are made from them."""
    found = cells(folder)
    for name in ("mix.yaml", "study.yaml"):
        path = folder / name
        if path.is_file():
            found |= {(name, place, "value"): text for place, text in _leaves(yaml.safe_load(path.read_text("utf-8")))}
    return found


def _leaves(content: object, place: str = "") -> list[tuple[str, str]]:
    if isinstance(content, dict):
        return [leaf for key, inner in content.items() for leaf in _leaves(inner, f"{place}.{key}".strip("."))]
    if isinstance(content, list):
        return [leaf for i, inner in enumerate(content) for leaf in _leaves(inner, f"{place}.{i}")]
    return [(place, str(content))]


def gather(folder: str | Path, copies: Sequence[str | Path], why: str, date: str = "") -> pd.DataFrame:
    """Merge reviewers' copies into a folder: take cells that they changed in one way, list the other changed cells.

    Args:
        folder: the working folder, whose last version the copies were made from.
        copies: the copies; the name of a copy's folder names its reviewer in the log.
        why: the reason that the log states.
        date: of the merge (ISO); today in UTC when left out.

    Returns:
        the disagreements: sheet, row, column, before, one column per copy; also written to disagreements.csv. A copy
        that left the cell as it was shows nothing there.

    Raises:
        InputError: no version, the folder changed since the last one, a copy that is no working folder or has faults.
    """
    work = Folder.open(folder)
    known = versions(work)
    if not known:
        raise InputError(NO_VERSION)
    base = cells(work.path / "versions" / str(known[-1]))
    if changes(base, cells(work.path)):
        raise InputError("the sheets changed since the last version; record them first: tanlu toolkit log")
    names = [Path(copy).name for copy in copies]
    if len(set(names)) < len(names):
        raise InputError(f"two copies have the same name: {', '.join(names)}; the name says who the reviewer is")
    faults = [fault for copy in copies for fault in _faults(Path(copy))]
    if faults:
        raise InputError(faults)
    wanted: dict[tuple[str, str, str], dict[str, str]] = {}
    for name, copy in zip(names, copies, strict=True):
        for cell, _, after in changes(base, cells(Path(copy))):
            wanted.setdefault(cell, {})[name] = after
    agreed = {cell: next(iter(own.values())) for cell, own in wanted.items() if len(set(own.values())) == 1}
    _write(work, agreed)
    rows = [
        (*cell, base.get(cell, ABSENT), *(own.get(name, "") for name in names))
        for cell, own in sorted(wanted.items())
        if cell not in agreed
    ]
    table = pd.DataFrame(rows, columns=["sheet", "row", "column", "before", *names])
    sheets.write(work.sheet("disagreements.csv"), table)
    number, when = len(known) + 1, date or datetime.now(UTC).strftime("%Y-%m-%d")
    entered = [
        (number, when, ", ".join(wanted[cell]), *cell, base.get(cell, ABSENT), after, why)
        for cell, after in sorted(agreed.items())
    ]
    if entered:
        _append(work, entered)
        _keep(work, number)
    return table


def _faults(copy: Path) -> list[str]:
    try:
        check(copy)
    except InputError as error:
        return [f"{copy.name}: {fault}" for fault in error.faults]
    return []


def _write(work: Folder, agreed: Cells) -> None:
    """Put cells into the sheets; rows that a copy added are appended."""
    by_sheet: dict[str, dict[str, dict[str, str]]] = {}
    for (sheet, row, column), text in agreed.items():
        by_sheet.setdefault(sheet, {}).setdefault(row, {})[column] = text
    for name, rows in by_sheet.items():
        path = work.path / name
        if path.suffix == ".yaml":
            content = yaml.safe_load(path.read_text("utf-8")) if path.is_file() else {}
            for field, own in rows.items():
                text = own["value"]
                is_text = name != "toolkit.yaml" and field not in NOT_TEXT
                content[field] = None if text == "None" else text if is_text else yaml.safe_load(text)
            write_text(path, dump_yaml(content))
            continue
        table = pd.read_csv(path, dtype=str, keep_default_na=False, encoding=sheets.ENCODING)
        keys = [key for key in KEYS.get(name, ("option",)) if key in table]
        labels = table[keys].map(_same).agg(", ".join, axis=1) if len(table) else pd.Series(dtype=str)
        plain = table[keys].agg(", ".join, axis=1) if len(table) else labels
        for row, own in rows.items():
            at = table.index[(labels == row) | (plain == row)]
            if len(at):
                for column, text in own.items():
                    table.loc[at, column] = "" if text == ABSENT else text
            else:
                table = pd.concat([table, pd.DataFrame([own])], ignore_index=True).fillna("")
        sheets.write(path, table)


def second_round(folder: str | Path) -> pd.DataFrame:
    """Write the sheets of the second round: options on which the first round differed, with the group's scores unnamed.

    Each reviewer's sheet shows for each criterion the own score of the first round and the lowest, the median and the
    highest of the group, and every remark of the group in the order of its text; no name stands in it.

    Returns:
        the options that are scored again: option, title, widest on, spread.

    Raises:
        InputError: nobody scored, everybody agrees, or the round is there already (nothing is overwritten).
    """
    merged = merging.merge(folder)
    work = Folder.open(folder)
    again = merged.loc[merged["talk again"] == "yes", ["option", "title", "widest on", "spread"]].reset_index(drop=True)
    target = work.path / "5-screening" / "round-2"
    if target.exists():
        raise InputError(f"{target} exists: the second round is under way (nothing is overwritten)")
    if again.empty:
        least = work.settings.talk_again_from
        raise InputError(f"no option has scores that differ by {least:g} or more: there is nothing to talk about again")
    rows = read_all(work, [])
    table = merging.scores(work, rows, "screening")
    by_option, criteria = table.groupby(level=1), list(work.settings.criteria)
    low, middle, high = by_option.min(), by_option.median(), by_option.max()
    remarks = pd.concat([own[["option", "remark"]] for own in rows["screening"].values()])
    target.mkdir()
    for reviewer in work.settings.reviewers:
        made = []
        for option in again["option"]:
            one = work.catalogue[option]
            row: dict[str, object] = {"option": option, "title (note)": f"{one.title} / {one.title_zh}"}
            for name in criteria:
                own = table[name].get((reviewer, option), np.nan)
                shown = (own, low.loc[option, name], middle.loc[option, name], high.loc[option, name])
                row[name] = ""
                row |= {f"{name}: {what}{NOTE}": value for what, value in zip(sheets.ROUND, shown, strict=True)}
            said = sorted({text for text in remarks.loc[remarks["option"] == option, "remark"] if text})
            made.append({**row, "remarks of the group (note)": " | ".join(said), "remark": ""})
        sheets.write(target / f"{reviewer}.csv", pd.DataFrame(made))
    return again


def comments(rows: pd.DataFrame) -> pd.DataFrame:
    """Comments with their answers; those without one are open."""
    if rows.empty:
        return rows
    table = rows.astype({"number": int})
    table.insert(1, "state", np.where(table["answer"] == "", "open", "answered"))
    return table.sort_values(["state", "number"], ascending=[False, True], kind="stable").reset_index(drop=True)


def comment(folder: str | Path, about: str, text: str, who: str = "", date: str = "") -> int:
    """Append a comment to comments.csv; returns its number. Raises InputError for a faulty sheet or an empty text."""
    if not text.strip():
        raise InputError("the comment is empty")
    work = Folder.open(folder)
    table = _comments(work)
    number = int(table["number"].max()) + 1 if len(table) else 1
    when = date or datetime.now(UTC).strftime("%Y-%m-%d")
    said = {"about": about, "comment": text, "from": who, "date": when}
    row = {"number": number, **said, "answer": "", "answered by": ""}
    sheets.write(work.sheet("comments.csv"), pd.concat([table, pd.DataFrame([row])], ignore_index=True))
    return number


def answer(folder: str | Path, number: int, text: str, who: str = "") -> None:
    """Answer a comment. Raises InputError when there is none of that number, or it was answered."""
    work = Folder.open(folder)
    table = _comments(work)
    numbers = [str(int(value)) for value in table["number"]]
    at = numbers.index(choose(str(number), numbers, "comment"))
    if table.loc[at, "answer"]:
        raise InputError(f"comment {number} was answered; change comments.csv if the answer is to be another")
    if not text.strip():
        raise InputError("the answer is empty")
    table.loc[at, ["answer", "answered by"]] = [text, who]
    sheets.write(work.sheet("comments.csv"), table)


def _comments(work: Folder) -> pd.DataFrame:
    faults: list[str] = []
    table = sheets.read(work.sheet("comments.csv"), sheets.COMMENTS, faults)
    if faults:
        raise InputError(faults)
    table["number"] = table["number"].astype(int)
    return table
