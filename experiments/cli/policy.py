"""`tanlu policy list|show|mixes|levers|costs|check`: the option catalogue and the policy mixes."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated

import typer

from calibration.places import NATION, choose_province, simulated
from experiments.cli.console import Json, Quiet, RunsFolder, check_output, emit, note
from experiments.runs.find import find_run
from models.reading.faults import RuleError
from models.reading.names import choose

app = typer.Typer(help="Policy options, mixes and their costs.", no_args_is_help=True)
COMMANDS: Mapping[str, Callable[..., None] | typer.Typer] = {"policy": app}


@app.command("list")
def list_(
    package: Annotated[str, typer.Option(help="Only options of this package.")] = "",
    plan: Annotated[str, typer.Option(help="Options of this plan: 2011-2015 or 2026-2030.")] = "2011-2015",
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Every option of the catalogue, one line each; how many of its numbers are assumed."""
    from experiments.policy import catalogue, sets

    plan = choose(plan, sets(), "set of options")
    package = package and choose(package, catalogue(plan).packages, "package")
    from experiments.cli.tables import catalogue_tables

    emit(catalogue_tables.options(package, plan), json)
    note(catalogue_tables.account(plan), quiet)


@app.command()
def show(
    option: Annotated[str, typer.Argument(help="Id of an option, for example IND-01.")],
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """One option: every number and share with its range, unit and source; with --json its whole design."""
    from experiments.cli.tables import catalogue_tables

    one = catalogue_tables.option_of(option)
    emit(catalogue_tables.sheet(one.id) if json else catalogue_tables.numbers(one.id), json)
    note(f"{one.title} / {one.title_zh}: {one.description}", quiet)


@app.command()
def mixes(
    mix: Annotated[str, typer.Argument(help="Name or file of a mix; none: all shipped mixes.")] = "",
    province: Annotated[str, typer.Option(help="Strengths in this province.")] = "Chongqing",
    json: Json = False,
) -> None:
    """Strength, start and phase-in of every lever in a mix; a file is checked whole."""
    province = choose_province(province, simulated())
    from experiments.policy import find_mix

    file = find_mix(mix) if mix else None
    from experiments.cli.tables import catalogue_tables

    emit(catalogue_tables.mix_table(file, province) if file else catalogue_tables.mixes_table(), json)


@app.command()
def levers(json: Json = False) -> None:
    """The model's levers: package, effect at strength 1 with its range, cost from the options behind it."""
    from experiments.cli.tables import catalogue_tables

    emit(catalogue_tables.levers_table(), json)


@app.command()
def costs(
    run: Annotated[str, typer.Argument(metavar="RUN", help="A run whose study asked for policy analyses.")],
    table: Annotated[str, typer.Option(help="costs, cost_curve, measures, contributions, triple_win, …")] = "costs",
    province: Annotated[str, typer.Option(help="Only rows of this province, or China.")] = "",
    runs: RunsFolder = Path("runs"),
    json: Json = False,
) -> None:
    """A policy table of a run: costs of the options, cost curve, contributions, triple win."""
    folder = find_run(run, runs)
    province = province and choose_province(province, [*simulated(), NATION])
    from experiments.cli.tables import catalogue_tables

    emit(catalogue_tables.of_run(folder, table, province, whole=json), json)


@app.command()
def check(
    plan: Annotated[str, typer.Option(help="Options of this plan; none: of every plan.")] = "",
    units: Annotated[
        bool, typer.Option("--units", help="Print implied units beside stocks, option by option.")
    ] = False,
    save: Annotated[Path | None, typer.Option(help="Write the units beside stocks to this CSV file.")] = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Whether options, potentials, stocks, prices and the account hold together; exit code 3 when a check fails."""
    from experiments.policy import sets

    plans = [choose(plan, sets(), "set of options")] if plan else sets()
    check_output(save, "--save")
    from experiments.analyses.policy import check as checks

    rows, tables = [], []
    for name in plans:
        note(f"checking the options of {name}", quiet)
        subject = checks.shipped(name)
        if units:
            emit(checks.implied(subject), json)
        if save:
            tables.append(checks.units(subject))
        found = checks.faults(subject)
        rows += [{"plan": name, "check": f.check, "subject": f.subject, "fault": f.message} for f in found]
        note(f"{name}: {len(checks.CHECKS)} checks, {len(subject.found.options)} options, {len(found)} faults", quiet)
    if save:
        import pandas as pd

        pd.concat(tables).to_csv(save, index=False, lineterminator="\n")
    if rows:
        raise RuleError([f"{row['plan']}: {row['check']}: {row['subject']}: {row['fault']}" for row in rows])
