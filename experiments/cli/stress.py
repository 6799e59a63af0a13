"""`tanlu stress`: verdicts under other data vintages and accounting rules."""

from collections.abc import Callable, Mapping
from typing import Annotated

import typer

from experiments.cli.console import Json, Quiet, emit, note


def stress(
    mix: Annotated[str, typer.Option(help="Policy mix.")] = "delivered",
    members: Annotated[int, typer.Option(min=10)] = 200,
    seed: Annotated[int, typer.Option(min=1)] = 1,
    provinces: Annotated[bool, typer.Option("--provinces", help="One row a switch and province.")] = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Count the verdicts on the 12th plan's targets that change under other data vintages and accounting rules."""
    from experiments import policy

    file = policy.find_mix(mix)
    from calibration.validation import stress as switches

    table = switches.verdicts(policy.mix(file).params(), members, seed, lambda text: note(text, quiet))
    emit(table if provinces else switches.summary(table), json)
    note(
        f"{mix} mix, targets of the 12th plan, {members} members. Met: a chance of at least one half; changes: of the "
        "reduction 2010-2015, percentage points",
        quiet or json,
    )


COMMANDS: Mapping[str, Callable[..., None]] = {"stress": stress}
