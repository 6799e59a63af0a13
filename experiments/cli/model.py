"""`tanlu model …`: tables and pictures of the model file, and tests of its validity."""

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from experiments.cli.console import Json, Quiet, emit, note

if TYPE_CHECKING:
    import xarray as xr

    from sim.check import Verdict

app = typer.Typer(help="The model: check it, print its equations, draw it.", no_args_is_help=True)
COMMANDS: Mapping[str, Callable[..., None] | typer.Typer] = {"model": app}

DOCS = Path("docs")
SHOWN = 10  # faults of one check that are printed
ModelFile = Annotated[Path | None, typer.Argument(help="A Vensim or XMILE file; the shipped model when left out.")]
FileOption = Annotated[Path | None, typer.Option("--model", help="A model file; the shipped one when left out.")]
Out = Annotated[Path | None, typer.Option(help="Where to write.")]


@app.command()
def check(file: ModelFile = None, json: Json = False, quiet: Quiet = False) -> None:
    """Sterman's tests, one verdict a line; exit code 3 when one fails.

    Any model is checked for units, meanings, sources, leaking stocks, shares, the step and dead parameters; a copy of
    the provincial model also for its accounts, the signs of its effects, extreme conditions and its loops.
    """
    found = []
    path = _file(file)
    with _quiet_engine():
        for verdict in verdicts(path):
            found.append(verdict)
            if not json:
                _print(verdict)
    if json:
        rows = [{"check": v.check, "passed": v.passed, "measured": v.measured, "faults": v.faults} for v in found]
        emit({"model": path.name, "verdicts": rows}, json)
    failed = sum(not verdict.passed for verdict in found)
    note(f"{len(found)} checks, {failed} failed", quiet or json)
    if failed:
        raise typer.Exit(3)


def _print(verdict: "Verdict") -> None:
    typer.echo(f"{'pass' if verdict.passed else 'FAIL'}  {verdict.check}: {verdict.measured}")
    for fault in verdict.faults[:SHOWN]:
        typer.echo("      " + fault.replace("\n", "\n      "))
    if len(verdict.faults) > SHOWN:
        typer.echo(f"      … and {len(verdict.faults) - SHOWN} more; --json lists all")


@contextmanager
def _quiet_engine() -> Iterator[None]:
    """The engine's warnings of values that are not finite would only repeat what the checks say."""
    logger = logging.getLogger("sim")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)


def verdicts(path: Path) -> "Iterator[Verdict]":
    """Every verdict on a model file."""
    from calibration.validation import boundary, validate
    from models import UNITS
    from sim import check as general
    from sim.unit_registry import Units

    subject = general.Subject.load(path)
    provincial = validate.applies(subject.model)
    beside = path.with_name("units.txt")
    if provincial or beside.exists():
        given = _measured() if provincial else {}
        subject = general.Subject(
            subject.model, subject.source, Units.load(beside if beside.exists() else UNITS), given
        )
    yield from general.check(subject)
    if provincial:
        yield boundary.verdict(subject.source)
        yield from validate.check(validate.ValidationCase.load(subject.model))


def _measured() -> "dict[str, xr.DataArray]":
    """The measured inputs, so that parts that need them (such as trade between provinces) are active."""
    from calibration import baseline, inputs, posterior

    return inputs.params(baseline.load(), int(posterior.load().attrs["last year fitted"]))


@app.command()
def equations(
    file: FileOption = None,
    out: Out = DOCS / "equations.md",
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; exit code 3 when cells are empty or the file is stale.")
    ] = False,
    quiet: Quiet = False,
) -> None:
    """Write the table of equations: name, unit, equation, meaning, source (.md, .html or .csv)."""
    from experiments.exchange.equation_sources import stale, table
    from models.reading.faults import InputError
    from sim import equation_table as tables

    assert out is not None
    if out.suffix not in tables.FORMS:
        raise InputError(f"--out {out}: the ending must be one of {', '.join(tables.FORMS)}")
    frame = table(_file(file))
    if check:
        faults = [*tables.gaps(frame), *stale(frame, out)]
        for fault in faults:
            typer.echo(fault)
        note(f"{len(frame)} variables, {len(faults)} faults: {out}", quiet)
        if faults:
            raise typer.Exit(3)
        return
    out.parent.mkdir(parents=True, exist_ok=True)
    tables.write(frame, out)
    note(f"{len(frame)} variables: {out}", quiet)


@app.command()
def diagram(file: FileOption = None, out: Out = DOCS / "pictures" / "model", quiet: Quiet = False) -> None:
    """Write the stock-and-flow pictures, a view a group: .dot, and SVG where Graphviz is installed."""
    from sim import diagram as pictures

    assert out is not None
    for picture in pictures.write(_file(file), out):
        note(str(picture), quiet)
    if pictures.graphviz() is None:
        note(pictures.NO_GRAPHVIZ, quiet)


@app.command()
def boundary(file: FileOption = None, out: Out = None, json: Json = False) -> None:
    """Boundary of the model: variables that it calculates, its inputs, and what it leaves out with the reason."""
    from calibration.validation import boundary as tables
    from sim.source import read

    frame = tables.boundary_table(read(_file(file)))
    if out is None:
        emit(frame, json)
    else:
        frame.to_csv(out, index=False)


@app.command()
def loops(
    file: FileOption = None,
    members: Annotated[int, typer.Option(help="Draws of the posterior.", min=1)] = 200,
    json: Json = False,
) -> None:
    """Cut each feedback loop in turn: the change of the 12th plan's reduction in every province, with 80 % ranges."""
    from calibration.validation import validate
    from models.reading.faults import InputError
    from sim import Model

    model = Model.load(_file(file))
    if not validate.applies(model):
        raise InputError(f"{file}: not a copy of the provincial model; its loops have no switches known here")
    emit(validate.loops(validate.ValidationCase.load(model, members)), json)


@app.command()
def effects(
    members: Annotated[int, typer.Option(help="Draws of the posterior.", min=1)] = 200, json: Json = False
) -> None:
    """What urbanisation, employment and a project of 5 Mtce move in 2010-2015, with 80 % ranges over members."""
    from calibration.validation import validate
    from models import PROVINCE
    from sim import Model

    emit(validate.effects(validate.ValidationCase.load(Model.load(PROVINCE), members)), json, decimals=2)


@app.command()
def reproduction(
    family: Annotated[bool, typer.Option("--family", help="Each province predicted from the other 29.")] = False,
    json: Json = False,
) -> None:
    """How well the fitted years are reproduced, beside a naive trend; `--family` leaves each province out in turn."""
    from calibration.validation import reproduction as tables

    emit(tables.family_member() if family else tables.reproduction_table(), json)


def _file(file: Path | None) -> Path:
    """The model file. Raises InputError when it cannot be read."""
    from models import PROVINCE
    from models.reading.faults import InputError
    from sim.errors import SimError
    from sim.source import read

    if file is not None:
        try:
            read(file)
        except SimError as fault:
            raise InputError(str(fault)) from fault
    return file or PROVINCE
