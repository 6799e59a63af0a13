"""`tanlu solve`: the least policy that reaches a target with a wanted chance, or why none does."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated

import typer

from calibration.places import choose_province, simulated
from experiments.cli.console import Json, Quiet, emit, note
from experiments.study.files import find as find_study
from models.reading.numbers import read_chance


def solve(
    province: Annotated[str, typer.Option(help="Province, for example Sichuan.")],
    rule: Annotated[str, typer.Option(help="Allocation rule that sets the targets.")] = "official",
    mix: Annotated[str, typer.Option(help="Policy mix whose strength is sought.")] = "full",
    chance: Annotated[str, typer.Option(help="Wanted chance: 0.8 or 80%.")] = "0.8",
    target: Annotated[float | None, typer.Option(help="Another target of this province, per cent.")] = None,
    indicator: Annotated[
        str | None, typer.Option(help="Indicator to reach, for example co2_intensity; the study's first.")
    ] = None,
    study: Annotated[str, typer.Option(help="Study that gives plan, sampling and seed.")] = "twelfth-plan",
    members: Annotated[int, typer.Option(help="Members behind a chance.", min=20)] = 400,
    save: Annotated[Path | None, typer.Option(help="Write the table to this CSV file.")] = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Least strength of the mix, of each package alone, lever by lever; or "not reachable" and the bound that binds."""
    province, file, wanted = choose_province(province, simulated()), find_study(study), read_chance(chance)
    from experiments import allocation, policy

    allocation.find(rule)
    policy.find_mix(mix)
    from experiments.analyses import solve as solver
    from experiments.ensemble import installed
    from experiments.installation import load_study

    asked = solver.SolveRequest(province, rule, mix, wanted, target, indicator)
    overrides = [f"members={members}", "sampling.method=sobol"]
    whole = load_study(file, overrides)
    table, sentence = solver.answer(whole, installed.installed(0, whole), asked)
    emit({"answer": sentence, "rows": table} if json else solver.shown(table), json)
    note(sentence, quiet or json)
    if save:
        table.to_csv(save, index=False)


COMMANDS: Mapping[str, Callable[..., None] | typer.Typer] = {"solve": solve}
