"""`tanlu solve`: the least policy that reaches a target with a wanted chance, or the reason why none does."""

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from calibration.places import choose_province, simulated
from experiments.cli.console import Json, Quiet, check_output, emit, note, percent
from experiments.study.files import find as find_study
from experiments.study.known import check_target, choose_rule, mixes
from models.reading.faults import InputError, refuse
from models.reading.names import choose
from models.reading.numbers import read_chance
from models.writing import write_text

if TYPE_CHECKING:
    import pandas as pd

    from experiments.analyses.solve import SolveRequest
    from experiments.installation import Installation
    from experiments.study.schema import Study


def solve(
    province: Annotated[str, typer.Option(help="Province, for example Sichuan.")],
    rule: Annotated[str | None, typer.Option(help="Allocation rule that sets the targets; the study's first.")] = None,
    mix: Annotated[str | None, typer.Option(help="Policy mix whose strength is sought; the study's last.")] = None,
    chance: Annotated[str, typer.Option(help="Wanted chance: 0.8 or 80%.")] = "0.8",
    target: Annotated[float | None, percent("Another target of this province, per cent.")] = None,
    indicator: Annotated[
        str | None, typer.Option(help="Indicator to reach, for example co2_intensity; the study's first.")
    ] = None,
    study: Annotated[str, typer.Option(help="Study that gives plan, sampling and seed.")] = "twelfth-plan",
    members: Annotated[int, typer.Option(help="Members behind a chance.", min=20)] = 400,
    least_cost: Annotated[
        bool, typer.Option("--least-cost", help="The cheapest levers for the chance, and the front of cost and chance.")
    ] = False,
    budget: Annotated[float | None, typer.Option(help="Best chance within this net cost, billion yuan a year.")] = None,
    save: Annotated[Path | None, typer.Option(help="Write the table to this CSV file.")] = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Find the least strength of the mix, of each package alone and lever by lever, or the bound that binds."""
    province, file, wanted = choose_province(province, simulated()), find_study(study), read_chance(chance)
    if rule is not None:
        choose_rule(rule)
    refuse([check_target(target)])
    check_output(save, "--save")
    if budget is not None and not math.isfinite(budget):
        raise InputError(f"got --budget {budget}; allowed: a finite number of billion yuan a year")
    if mix is not None and Path(mix).suffix not in (".yaml", ".yml"):
        choose(mix, mixes(), "policy mix (or a YAML file)")
    if rule is None or mix is None:
        from experiments.installation import load_study

        given = load_study(file)
        rule, mix = rule or given.allocations[0].rule, mix or given.mixes[-1].mix
    from experiments import allocation, policy

    allocation.find(rule)
    policy.find_mix(mix)
    from experiments.analyses import solve as solver
    from experiments.cli.tables import terminal_tables
    from experiments.ensemble import installed
    from experiments.installation import load_study

    asked = solver.SolveRequest(province, rule, mix, wanted, target, indicator)
    overrides = [f"members={members}", "sampling.method=sobol"]
    if least_cost or budget is not None:
        refuse(solver.impossible(asked))
        one = [*overrides, f"allocations=[{rule}]"]
        table = _mixes(load_study(file, one), installed.installed(0), asked, budget, quiet or json)
        emit(table, json)
        if save:
            write_text(save, table.to_csv(index=False))
        return
    whole = load_study(file, overrides)
    table, sentence = solver.answer(whole, installed.installed(0, whole), asked)
    emit({"answer": sentence, "rows": table} if json else terminal_tables.solved(table), json)
    note(sentence, quiet or json)
    if save:
        write_text(save, table.to_csv(index=False))


def _mixes(
    study: "Study", system: "Installation", asked: "SolveRequest", budget: float | None, quiet: bool
) -> "pd.DataFrame":
    """Tables of the mix search: mix for the wanted chance, mix within the budget, front of cost and chance."""
    import pandas as pd

    from experiments.analyses import mix_search

    search = mix_search.search_of(study, system, asked.province, asked.mix, asked.target, asked.indicator)
    if not math.isfinite(search.target):
        raise InputError(
            f"{asked.province} has no target under the rule {asked.rule} in {study.target.period.name}: give --target, "
            "or another --rule"
        )
    told = asked.indicator or study.target.indicators[0]
    note(f"{asked.province}: {told}, target {100 * search.target:g} %, {study.members} members", quiet)
    if budget is not None:
        found = mix_search.within(search, budget, asked.chance)
        table = pd.DataFrame([mix_search.row(search, found, f"budget {budget:g}")])
    else:
        table = mix_search.front(search, sorted({*mix_search.FRONT, asked.chance}))
    note(f"{search.runs} runs of the model; strengths are parts of each lever's bound", quiet)
    return table


COMMANDS: Mapping[str, Callable[..., None] | typer.Typer] = {"solve": solve}
