"""The `tanlu` command: one file per command; what is typed and printed, no logic.

Exit codes: 0 done, 1 failed, 2 wrong input, 3 a check found values that violate a rule.

The convention: a module here names its commands in one mapping,

    COMMANDS: Mapping[str, Callable[..., None] | typer.Typer] = {"allocate": allocate}      # tanlu allocate
    COMMANDS = {"data": app}                                                                # tanlu data check|show

A function becomes `tanlu <name>` (typer reads its annotations and its docstring); a `typer.Typer` becomes a group of
sub-commands. This package imports every module in it and registers what it finds, in alphabetical
order; two modules that claim one name are an error. A module without `COMMANDS` is a helper and is left alone.

Rules for a command function:

- Thin: it turns options into one call of the owner's function and prints what comes back. No logic.
- Import anything heavy (numpy, xarray, pandas, the model) inside the function, so that `tanlu --help` stays fast.
- Data go to stdout and everything else to stderr, through `experiments.cli.console`: `emit(table_or_mapping, json)` for
  data, `note(text, quiet)` for a remark, `progress(total, quiet)` for a bar that shows on a terminal only. The
  options `Json`, `Quiet`, `RunsFolder` there are annotated types, so that they read the same in every command:
  `def allocate(rule: str, json: Json = False, quiet: Quiet = False) -> None`.
- Raise, never print-and-exit: `InputError(faults)` ends in exit code 2 with every fault on stderr, `RuleError` (values
  that are readable but break a rule, from a `check`) in 3, any other exception in 1 with one clear message
  (the traceback is shown when TANLU_DEBUG=1). A command that only reports a verdict may `raise typer.Exit(3)`.
"""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import wraps
from importlib import import_module
from pkgutil import iter_modules
from typing import Annotated, Any

import typer

from calibration.places import VARIABLE
from experiments import INTERRUPTED
from experiments.study.load import OtherRegionError
from models.reading.faults import InputError, RuleError
from models.writing import advice

DONE, FAILED, WRONG_INPUT, RULE_BROKEN = 0, 1, 2, 3


def guarded(command: Callable[..., None]) -> Callable[..., None]:
    """The command, each kind of fault ending in its exit code with every fault on stderr."""

    @wraps(command)
    def run(*given: Any, **options: Any) -> None:
        try:
            command(*given, **options)
        except OtherRegionError as fault:
            raise typer.Exit(_again(fault)) from fault
        except RuleError as fault:
            raise typer.Exit(_report(fault.faults, RULE_BROKEN)) from fault
        except InputError as fault:
            raise typer.Exit(_report(fault.faults, WRONG_INPUT)) from fault
        except KeyboardInterrupt as fault:
            raise typer.Exit(_report([INTERRUPTED], FAILED)) from fault
        except BrokenPipeError as fault:  # whoever read our output has had enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(DONE) from fault
        except OSError as fault:  # disk, permission: the place, the system's word for it and what to do
            if os.environ.get("TANLU_DEBUG"):
                raise
            raise typer.Exit(_report([advice(fault)], FAILED)) from fault
        except Exception as fault:
            if isinstance(fault, typer.Abort) or hasattr(fault, "exit_code") or os.environ.get("TANLU_DEBUG"):
                raise  # typer's own, or somebody wants to see where
            engine = sys.modules.get("sim.errors")  # loaded only where a model was
            if engine is not None and isinstance(fault, engine.SimError) and not isinstance(fault, engine.Cancelled):
                raise typer.Exit(_report(str(fault).splitlines(), WRONG_INPUT)) from fault
            text = str(fault) or type(fault).__name__
            raise typer.Exit(_report([text, "set TANLU_DEBUG=1 to see where"], FAILED)) from fault

    return run


def _again(fault: OtherRegionError) -> int:
    """The same command in a process that works with the region of the study that it names."""
    if os.environ.get(AGAIN):
        return _report(fault.faults, WRONG_INPUT)
    region = {VARIABLE: str(fault.folder)} if fault.folder else {}
    inherited = {name: value for name, value in os.environ.items() if name != VARIABLE}
    command = [sys.executable, "-m", "experiments", *sys.argv[1:]]
    return subprocess.run(command, env={**inherited, **region, AGAIN: "1"}, check=False).returncode


AGAIN = "TANLU_REGION_CHOSEN"


SHOWN = 50
"""Faults that are printed; of more, the number."""


def _report(faults: list[str], code: int) -> int:
    more = [f"and {len(faults) - SHOWN:,} more faults"] if len(faults) > SHOWN else []
    for fault in [*faults[:SHOWN], *more]:
        sys.stderr.write(f"tanlu: {fault}\n")
    return code


def found() -> Iterator[tuple[str, str, Callable[..., None] | typer.Typer]]:
    """(name, module, command) of every command in this package, by name."""
    files = [info.name for info in iter_modules(__path__) if info.name != "__main__"]
    modules = [import_module(f"{__name__}.{name}") for name in files]
    rows = [
        (name, module.__name__, command)
        for module in modules
        for name, command in getattr(module, "COMMANDS", {}).items()
    ]
    return iter(sorted(rows, key=lambda row: row[:2]))


def _version(asked: bool) -> None:
    if asked:
        from experiments.runs import manifest

        source = manifest.commit()
        commit = (
            f" (commit {source['commit'][:12]}{', changed' if source['dirty'] else ''})" if source["commit"] else ""
        )
        typer.echo(f"tanlu {manifest.version()}{commit}")
        raise typer.Exit


def _whole(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Version and commit of the tool.")
    ] = False,
) -> None:
    pass


def build() -> typer.Typer:
    """The command with all sub-commands. Raises RuntimeError when two modules claim one name."""
    made = typer.Typer(
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        help="Can a province reach its energy-intensity target? Runs trajectory experiments on a calibrated model.",
    )
    made.callback()(_whole)
    owners: dict[str, str] = {}
    for name, module, command in found():
        if name in owners:
            raise RuntimeError(f"both {owners[name]} and {module} define the command {name!r}")
        owners[name] = module
        if isinstance(command, typer.Typer):
            for info in command.registered_commands:
                info.callback = guarded(info.callback) if info.callback else None
            made.add_typer(command, name=name)
        else:
            made.command(name)(guarded(command))
    return made


app = build()
