"""`tanlu region init|check`: your own region from a few figures."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated

import typer

from experiments.cli.console import Json, Quiet, emit, note

app = typer.Typer(help="A region of your own: write the template of a pack, check it.", no_args_is_help=True)
COMMANDS: Mapping[str, Callable[..., None] | typer.Typer] = {"region": app}


@app.command()
def init(
    name: Annotated[str, typer.Argument(help="Name of the region: letters, digits, spaces.")],
    place: Annotated[list[str] | None, typer.Option(help="A place in it; give the option again for more.")] = None,
    made_up: Annotated[bool, typer.Option("--made-up", help="Of no real place.")] = False,
    folder: Annotated[Path | None, typer.Option(help="Folder to write; default: the name in small letters.")] = None,
    quiet: Quiet = False,
) -> None:
    """Write the template of a region pack: a few rows to fill in."""
    from calibration import region

    target = folder or Path("-".join(name.lower().split()))
    rows = region.init(target, name, place or [f"{name} proper"], made_up)
    emit({"written": target, "rows to fill in": rows})
    note(f"then: tanlu region check {target}; tanlu run {target / 'study.yaml'}", quiet)


@app.command()
def check(
    folder: Annotated[Path, typer.Argument(help="Folder of a region pack.")], json: Json = False, quiet: Quiet = False
) -> None:
    """Every fault of a pack at once; without any, what the model takes from the pack and what is pooled."""
    from calibration import region

    table = region.origins(region.read(folder))
    emit(table, json)
    pooled = int(table["from"].str.contains("pooled").sum())
    note(f"{len(table)} inputs, {pooled} of them pooled over the shipped provinces in whole or part", quiet)
