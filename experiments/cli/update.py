"""`tanlu update`: this year's statistics of a province, its new chance, and the pace that is still needed."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated

import typer

from calibration.places import NATION, choose_province, simulated
from experiments.cli.console import Json, Quiet, check_output, emit, note, percent
from experiments.study.files import find as find_study
from experiments.study.files import of_year
from experiments.study.known import check_growth
from models.reading.faults import refuse
from models.writing import write_text


def update(
    province: Annotated[str, typer.Argument(help="Province, for example Guangxi or 广西; China for the sum.")],
    year: Annotated[int, typer.Argument(help="Year of the statistics, for example 2026.")],
    energy: Annotated[float | None, percent("Growth of total energy over the year, per cent.")] = None,
    gdp: Annotated[float | None, percent("Growth of GDP at constant prices over the year, per cent.")] = None,
    co2: Annotated[float | None, percent("Growth of energy CO2 over the year, per cent.")] = None,
    since_base: Annotated[
        bool, typer.Option("--since-base", help="The growth rates count from the plan's base year.")
    ] = False,
    error: Annotated[float, typer.Option(help="Error of a published growth rate, percentage points.")] = 1.0,
    study: Annotated[str | None, typer.Option(help="Study; the shipped one of the year's plan when left out.")] = None,
    allocation: Annotated[str | None, typer.Option(help="Allocation of the study; its first when left out.")] = None,
    mix: Annotated[str | None, typer.Option(help="Policy mix of the study; its first when left out.")] = None,
    assigned: Annotated[float | None, percent("The province's official number for the first indicator.")] = None,
    members: Annotated[int, typer.Option(help="Members that are re-weighted.", min=50)] = 1000,
    save: Annotated[Path | None, typer.Option(help="Write the table to this CSV file.")] = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Yearly progress: the chance after this year's statistics, and the yearly fall that is still needed."""
    province = choose_province(province, [*simulated(), NATION])
    file = find_study(study or of_year(year))
    refuse(check_growth({"energy": energy, "gdp": gdp, "co2": co2}))
    check_output(save, "--save")
    from experiments.analyses import progress
    from experiments.ensemble import installed
    from experiments.installation import load_study
    from models.indicators import indicators

    given = progress.parsed([("energy", energy), ("gdp", gdp), ("co2", co2)])
    overrides = [f"members={members}", "sampling.method=sobol"]
    if assigned is not None:
        overrides.append(f"assigned.{province}={assigned:g}")
    asked = progress.Progress(province, year, given, since_base, error, allocation, mix)
    chosen = load_study(file, overrides)
    refuse(progress.faults(chosen, asked))
    table = progress.updated(chosen, installed.installed(0), asked)
    names = {key: one.name for key, one in indicators().items()}
    said = progress.sentences(table, asked, names)
    emit({"answer": said, "rows": table} if json else table, json, decimals=2)
    for sentence in said:
        note(sentence, quiet or json)
    if save:
        write_text(save, table.to_csv(index=False))


COMMANDS: Mapping[str, Callable[..., None] | typer.Typer] = {"update": update}
