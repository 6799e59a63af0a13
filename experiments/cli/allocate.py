"""`tanlu allocate`: split the national target among the provinces by a rule; compare rules; print the ledger."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from calibration.places import choose_province
from experiments.cli.console import Json, Quiet, emit, note
from models.plans import known_plan_names
from models.reading.names import match

if TYPE_CHECKING:
    import pandas as pd

File = Path | None


def allocate(
    rule: Annotated[
        str, typer.Option(help="A rule's name (s1, uniform, per-head, …; all with --options all) or a Python file.")
    ] = "s1",
    national: Annotated[float | None, typer.Option(help="National target, per cent; the plan's when left out.")] = None,
    plan: Annotated[str, typer.Option(help="11FYP … 15FYP.")] = "12FYP",
    indicator: Annotated[str, typer.Option(help="energy or co2 (per GDP), energy-total or co2-total.")] = "energy",
    base_year: Annotated[int | None, typer.Option(help="Another base year than the plan's.")] = None,
    growth: Annotated[str | None, typer.Option(help="GDP growth: rule, official, equal or scaled.")] = None,
    floor: Annotated[float | None, typer.Option(help="No target below, per cent.")] = None,
    cap: Annotated[float | None, typer.Option(help="No target above, per cent.")] = None,
    round_to: Annotated[float | None, typer.Option("--round", help="Round targets to this step, per cent.")] = None,
    rounding: Annotated[str | None, typer.Option(help="plain or largest-remainder.")] = None,
    table: Annotated[File, typer.Option(help="CSV of own targets, for rule csv.")] = None,
    province: Annotated[str | None, typer.Option(help="Every number behind this province's target.")] = None,
    set_: Annotated[list[str] | None, typer.Option("--set", help="Any option: name=value (see --options).")] = None,
    out: Annotated[File, typer.Option(help="Save the table here (.csv or .json).")] = None,
    compare: Annotated[str | None, typer.Option(help="Compare rules: s1,s2,official or all.")] = None,
    figure: Annotated[
        File, typer.Option(help="With --compare: draw all rules and provinces (.png, .svg, .pdf).")
    ] = None,
    ledger: Annotated[
        bool, typer.Option("--ledger", help="Provinces against the nation, measured and planned.")
    ] = False,
    published: Annotated[
        bool, typer.Option("--published", help="Published points: hit, miss and sensitivity.")
    ] = False,
    options: Annotated[bool, typer.Option("--options", help="Options of the rule: default, range, reason.")] = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Split the national target among the provinces by a rule, with the indicators behind each number."""
    plan = match(plan, known_plan_names()) or plan  # an unknown plan is named with all other faults
    province = province and choose_province(province)
    from experiments.cli.tables import allocation_output

    flags = {"growth": growth, "floor": floor, "cap": cap, "round_to": round_to, "rounding": rounding}
    given = allocation_output.parse(set_ or [], {**flags, "path": str(table) if table else None})
    if options:
        _options(rule, json)
    elif published:
        _published(json, quiet, given)
    elif compare:
        shared = {"indicator": indicator, "base_year": base_year}
        _compare(compare, national, plan, {**shared, **given}, out, figure, json, quiet)
    else:
        shared = {"plan": plan, "indicator": indicator, "base_year": base_year}
        _allocate(rule, national, {**shared, **given}, province, out, ledger, json, quiet)


COMMANDS: Mapping[str, Callable[..., None]] = {"allocate": allocate}


def _allocate(
    rule: str,
    national: float | None,
    given: Mapping[str, Any],
    province: str | None,
    out: File,
    ledger: bool,
    json: bool,
    quiet: bool,
) -> None:
    import pandas as pd

    from experiments.allocation import allocate as split
    from experiments.allocation import ledger as accounts
    from experiments.allocation import pressure
    from experiments.allocation.lookup import find
    from experiments.allocation.options import options_of
    from experiments.cli.tables import allocation_output
    from experiments.ensemble.study_model import StudyModel
    from experiments.installation import load_study

    if "members" in set(options_of(find(rule).name)["option"]):
        note("simulating the model for this rule", quiet)
    result = split(rule, national, model=StudyModel(load_study()), **given)
    table = pd.concat([accounts.measured(), accounts.planned(result)]) if ledger else result.table
    if out:
        allocation_output.save(table, out)
        note(f"saved: {out}", quiet)
    if province:
        emit(allocation_output.one(result.table, province), json)
    else:
        emit(
            table if json or ledger else table[[name for name in allocation_output.SHORT if name in table]],
            json,
            decimals=2,
        )
    for key, value in result.summary().items():
        note(f"{key}: {value}", quiet or json)
    if result.rule == pressure.EQUAL_CHANCE and not json and not quiet and not province:
        _both_ends(national, given, json, quiet)
    note("every indicator behind a number: --province NAME, --json or --out FILE", quiet or json)


def _compare(
    names: str,
    national: float | None,
    plan: str,
    given: Mapping[str, Any],
    out: File,
    figure: File,
    json: bool,
    quiet: bool,
) -> None:
    from experiments.allocation import comparison as sides
    from experiments.allocation import pressure
    from experiments.allocation.options import options_of
    from experiments.cli.tables import allocation_output
    from experiments.ensemble.study_model import StudyModel
    from experiments.installation import load_study

    found = sides.rules_of(sides.names(names, given), national, plan, model=StudyModel(load_study()), **given)
    result = sides.compare(found)
    if out:
        allocation_output.save(result.targets.reset_index(), out)
        note(f"saved: {out}", quiet)
    if figure:
        allocation_output.draw(result, figure, plan=plan, national=found[0].national, indicator=found[0].indicator)
        note(f"figure: {figure}", quiet)
    _emit_all(result.tables(), json, quiet)
    if pressure.EQUAL_CHANCE in result.targets and not json:
        known = set(options_of(pressure.EQUAL_CHANCE)["option"])
        shared = {key: value for key, value in given.items() if key in known or key in sides.SHARED}
        _both_ends(national, {"plan": plan, **shared}, json, quiet)


def _both_ends(national: float | None, given: Mapping[str, Any], json: bool, quiet: bool) -> None:
    """Equal chance at both ends of the pressure share."""
    from experiments.allocation import pressure
    from experiments.ensemble.study_model import StudyModel
    from experiments.installation import load_study

    table, said = pressure.equal_chance_at_both_ends(national, StudyModel(load_study()), dict(given))
    note(f"\n{pressure.MEANING}", quiet)
    emit(table, json, decimals=2)
    for label, text in said.items():
        note(f"{label}: common chance {text}", quiet)


def _published(json: bool, quiet: bool, given: Mapping[str, Any]) -> None:
    from experiments.allocation import published_points as published

    _emit_all(published.tables_of(**given), json, quiet)
    note(f"\n{published.CAVEAT}", quiet or json)


def _emit_all(tables: Mapping[str, "pd.DataFrame"], json: bool, quiet: bool) -> None:
    """Several tables: one JSON object, or one after the other under its name."""
    if json:
        emit(tables, json)
        return
    for name, table in tables.items():
        note(f"\n{name}", quiet)
        emit(table, decimals=2)


def _options(rule: str, json: bool) -> None:
    from experiments.allocation.lookup import find
    from experiments.allocation.options import options_of

    emit(options_of(find(rule).name), json)
