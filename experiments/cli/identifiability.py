"""`tanlu identifiability`: which parameters the data identify and which rest on their prior alone."""

from collections.abc import Callable, Mapping
from typing import Annotated

import typer

from experiments.cli.console import Json, Quiet, emit, note


def identifiability(
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Profile the likelihood anew and replace the shipped table.")
    ] = False,
    provinces: Annotated[bool, typer.Option("--provinces", help="One row a province and parameter.")] = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Profile likelihoods of the free parameters; an assumption has its prior alone."""
    from calibration import identifiability as profiles

    if fresh:
        profiles.save_labels(profiles.make_labels(lambda text: note(text, quiet)))
    if not profiles.belongs_to_shipped():
        note(f"the table belongs to another posterior; make it anew: {profiles.COMMAND}", quiet)
    emit(profiles.load_labels() if provinces else profiles.identified_counts(), json)


COMMANDS: Mapping[str, Callable[..., None]] = {"identifiability": identifiability}
