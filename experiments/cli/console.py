"""Output of the commands: data go to stdout, remarks and progress to stderr, in the same way in every command."""

import json as _json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from models.reading.faults import InputError
from models.reading.numbers import read_percent

if TYPE_CHECKING:
    import pandas as pd

Json = Annotated[bool, typer.Option("--json", help="Print the data as JSON.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No remarks and no progress.")]
RunsFolder = Annotated[Path, typer.Option("--runs", help="Folder that holds the runs.", envvar="TANLU_RUNS")]


def percent(help: str, *names: str) -> Any:
    """An option in per cent, with or without the sign.

    Args:
        help: what it is.
        names: how it is written, where that is not the parameter's name.
    """
    return typer.Option(*names, parser=read_percent, metavar="PERCENT", help=help)


Step = Callable[[int, int], None]
"""Called after each piece of work with (members done so far, members failed so far)."""


def emit(data: "pd.DataFrame | Mapping[str, Any]", json: bool = False, *, decimals: int = 3) -> None:
    """Print a table or a mapping to stdout: aligned text, or JSON (a table as a list of records).

    Numbers of a text table are rounded to `decimals`, and those that become zero have no sign; JSON keeps them in full,
    with null for a missing value.
    """
    if json:
        sys.stdout.write(_json.dumps(_plain(data), ensure_ascii=False, indent=2, allow_nan=False) + "\n")
    elif isinstance(data, Mapping):
        width = max(map(len, data), default=0)
        sys.stdout.write("".join(f"{key:<{width}}  {value}\n" for key, value in data.items()))
    else:
        shown = data.round(decimals)
        numbers = shown.select_dtypes("float").columns
        shown[numbers] = shown[numbers] + 0.0  # -0.0 becomes 0.0
        sys.stdout.write((shown.to_string(index=False, na_rep="") if len(shown) else "no rows") + "\n")


def _plain(value: Any) -> Any:
    """The value in JSON's types."""
    if hasattr(value, "to_dict") and hasattr(value, "columns"):
        return [_plain(row) for row in value.to_dict("records")]
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple | set):
        return [_plain(v) for v in value]
    if hasattr(value, "tolist"):  # a numpy scalar or array
        return _plain(value.tolist())
    if isinstance(value, float):
        return value if value - value == 0 else None  # NaN and infinities have no JSON form
    return value if isinstance(value, str | int | bool | None) else str(value)


def check_output(path: Path | None, option: str, *, folder: bool = False) -> None:
    """Raise InputError where a file (or the files of a folder) cannot be put, before anything slow has been done.

    Args:
        path: as typed; None: not given.
        option: its option, for the message.
        folder: is it a folder, made where it is missing? A file's folder must be there.
    """
    if path is None:
        return
    if not folder and path.is_dir():
        raise InputError(f"{option} {path}: is a folder; give a file in it")
    home = path if folder else path.absolute().parent
    while folder and not home.exists():
        home = home.absolute().parent
    if not home.is_dir():
        raise InputError(f"{option} {path}: {home} is not a folder; make it, or give another place")
    if not os.access(home, os.W_OK):
        raise InputError(f"{option} {path}: {home} cannot be written to; give another place")


def note(text: str, quiet: bool = False) -> None:
    """Print a remark to stderr."""
    if not quiet:
        sys.stderr.write(text + "\n")


@contextmanager
def progress(total: int, quiet: bool = False, what: str = "members") -> Iterator[Step]:
    """A bar on stderr (on a terminal only) with total, rate, failed and remaining time; yields the `Step` to call."""
    if quiet or not sys.stderr.isatty():
        yield lambda done, failed: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn(what + " · {task.fields[rate]} · {task.fields[failed]} failed ·"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=total, rate="", failed=0)

        def step(done: int, failed: int) -> None:
            rate = bar.tasks[0].speed
            bar.update(task, completed=done, failed=failed, rate=f"{rate:,.0f}/s" if rate else "")

        yield step
