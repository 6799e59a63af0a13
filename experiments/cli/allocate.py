"""`tanlu allocate`: split the national target among the provinces by a rule; compare rules; print the ledger."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from calibration.places import choose_province, simulated
from experiments.cli.console import Json, Quiet, emit, note, percent
from experiments.study.known import INDICATORS, check_national, check_options, choose_rule
from models.plans import known_plan_names
from models.reading.faults import InputError
from models.reading.names import choose

if TYPE_CHECKING:
    import pandas as pd

File = Path | None


def allocate(
    action: Annotated[
        str | None, typer.Argument(metavar="[brief", help="brief: a province's case for the negotiation, as a page.")
    ] = None,
    place: Annotated[str | None, typer.Argument(metavar="PROVINCE]", help="Whose case.")] = None,
    rule: Annotated[
        str | None,
        typer.Option(
            help="A rule's name (s1, uniform, per-head, …) or a Python file; s1 when left out.", show_default=False
        ),
    ] = None,
    national: Annotated[float | None, percent("National target, per cent; the plan's when left out.")] = None,
    plan: Annotated[
        str | None, typer.Option(help="11FYP … 15FYP; 12FYP when left out, for a brief 15FYP.", show_default=False)
    ] = None,
    indicator: Annotated[
        str | None,
        typer.Option(
            help="energy or co2 (per GDP), energy-total or co2-total; energy when left out, for a brief co2.",
            show_default=False,
        ),
    ] = None,
    base_year: Annotated[int | None, typer.Option(help="Another base year than the plan's.")] = None,
    growth: Annotated[str | None, typer.Option(help="GDP growth: rule, official, equal or scaled.")] = None,
    floor: Annotated[float | None, percent("No target below, per cent.")] = None,
    cap: Annotated[float | None, percent("No target above, per cent.")] = None,
    round_to: Annotated[float | None, percent("Round targets to this step, per cent.", "--round")] = None,
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
    chances: Annotated[
        bool, typer.Option("--chances", help="With --compare: chance, shortfall and regret of every rule (simulates).")
    ] = False,
    members: Annotated[int, typer.Option(help="Members behind chances of a comparison or brief.", min=2)] = 100,
    lang: Annotated[str, typer.Option(help="Language of a brief or a picture: en or zh.")] = "en",
    html: Annotated[File, typer.Option(help="Write the brief as one page (.html) here.")] = None,
    pdf: Annotated[File, typer.Option(help="Write the brief for printing (.pdf) here.")] = None,
    offers: Annotated[
        File, typer.Option(help="Offers of a negotiation: CSV with round, province, offer_percent (and note).")
    ] = None,
    log: Annotated[File, typer.Option(help="With --offers: write all targets of every round here (.csv).")] = None,
    points: Annotated[float, typer.Option(help="Points that the province is spared in a brief.")] = 1.0,
    options: Annotated[bool, typer.Option("--options", help="Options of the rule: default, range, reason.")] = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Split the national target among the provinces by a rule, with the indicators behind each number.

    `tanlu allocate brief PROVINCE` says what that province can argue: the rules and indicators that favour it, who
    carries a point that it is spared, what it can bear, and where offers lead.
    """
    if action is not None:
        asked = BriefWords(plan, indicator, national, compare, rule, growth, points, members)
        _brief(action, place, asked, choose(lang, ["en", "zh"], "language"), [html, pdf], offers, log, json, quiet)
        return
    plan, indicator = plan or "12FYP", indicator or "energy"
    plan = choose(plan, known_plan_names(), "plan")
    province = province and choose_province(province)
    rule = choose_rule(rule or "s1")
    for name in (compare or "").split(","):
        if name.strip().lower() not in ("", "all"):
            choose_rule(name.strip())
    indicator = choose(indicator, INDICATORS, "indicator")
    alone = not (set_ or table) and {base_year, growth, floor, cap, round_to, rounding} == {None}
    if alone and (wrong := check_national(national, indicator)):  # else `split` names all faults together
        raise InputError(wrong)
    if not compare and not published:
        check_options(rule, [pair.partition("=")[0].strip() for pair in set_ or [] if "=" in pair])
    from experiments.cli.tables import allocation_output

    flags = {"growth": growth, "floor": floor, "cap": cap, "round_to": round_to, "rounding": rounding}
    given = allocation_output.parse(set_ or [], {**flags, "path": str(table) if table else None})
    if options:
        _options(rule, json)
    elif published:
        _published(json, quiet, given)
    elif compare:
        shared = {"indicator": indicator, "base_year": base_year}
        simulated = members if chances else 0
        _compare(compare, national, plan, {**shared, **given}, out, figure, lang, simulated, json, quiet)
    else:
        shared = {"plan": plan, "indicator": indicator, "base_year": base_year}
        _allocate(rule, national, {**shared, **given}, province, out, ledger, json, quiet)


class BriefWords(NamedTuple):
    """What was typed about a brief."""

    plan: str | None
    indicator: str | None
    national: float | None
    rules: str | None
    sharing: str | None
    growth: str | None
    points: float
    members: int


def _brief(
    action: str,
    place: str | None,
    typed: BriefWords,
    lang: str,
    pages: Sequence[File],
    offers: File,
    log: File,
    json: bool,
    quiet: bool,
) -> None:
    """A province's case: tables on the terminal, a page, the log of a negotiation."""
    choose(action, ["brief"], "action")
    if place is None:
        raise InputError("got no province; allowed: tanlu allocate brief PROVINCE, for example Guangdong or 广东")
    province = choose_province(place, simulated())
    plan = choose(typed.plan or "15FYP", known_plan_names(), "plan")
    if log and not offers:
        raise InputError("got --log without --offers; allowed: both, the log says where the offers lead")
    from experiments.allocation.negotiation import read_offers
    from experiments.allocation.shipped import table
    from experiments.analyses.negotiation import BriefOptions, brief
    from experiments.cli.tables import allocation_output, brief_output
    from experiments.ensemble.study_model import StudyModel
    from experiments.installation import load_study

    for path, kind in zip(pages, ("html", "pdf"), strict=True):
        if path:
            brief_output.check_name(path, kind)
    asked = BriefOptions(
        plan=plan,
        indicator=typed.indicator or "co2",
        national=typed.national,
        rules=typed.rules or "all",
        sharing=typed.sharing or "uniform",
        points=typed.points,
        members=typed.members,
        growth=typed.growth or "official",
    )
    made = read_offers(offers, list(table("provinces")["province"])) if offers else []
    found = brief(province, asked, StudyModel(load_study()), made, lambda text: note(f"working out {text} …", quiet))
    for path in filter(None, pages):
        brief_output.write_page(found, lang, path)
        note(f"page: {path}", quiet)
    if log:
        allocation_output.save(found.log, log)
        note(f"log: {log}", quiet)
    _emit_all(brief_output.tables(found), json, quiet)
    note(brief_output.caution(found, lang), quiet or json)


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
    from experiments.words.columns import printed

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
        emit(table if json or ledger else printed("targets", table, allocation_output.SHORT), json, decimals=2)
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
    lang: str,
    members: int,
    json: bool,
    quiet: bool,
) -> None:
    """Rules side by side; members: how many stand behind chances, 0: no chances."""
    from experiments.allocation import comparison as sides
    from experiments.allocation import pressure
    from experiments.allocation.options import options_of
    from experiments.cli.tables import allocation_output
    from experiments.ensemble.study_model import StudyModel
    from experiments.installation import load_study

    model = StudyModel(load_study())
    asked = sides.names(names, {"plan": plan, **given})
    found = sides.rules_of(asked, national, plan, model=model, **given)
    result = sides.compare(found, model=model)
    drawn = sides.ranges(asked, national, plan, model, **given)
    tables = result.tables()
    if len(drawn):
        tables["Range of the targets over the members' base years (10, 50, 90 %)"] = drawn
    if members:
        note("simulating the members under a grid of targets", quiet)
        tables |= allocation_output.outlook_tables(result, found[0], model, members)
    if out:
        allocation_output.save(result.targets.reset_index(), out)
        note(f"saved: {out}", quiet)
    if figure:
        allocation_output.draw(result, figure, found[0], choose(lang, ["en", "zh"], "language"))
        note(f"figure: {figure}", quiet)
    _emit_all(tables, json, quiet)
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
