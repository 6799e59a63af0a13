"""The `tanlu` command: finds the sub-commands, turns faults into exit codes. No logic.

Exit codes: 0 done, 1 failed, 2 wrong input, 3 a check found values that violate a rule.
"""

import os
import sys
from collections.abc import Callable, Iterator
from functools import wraps
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

import typer

from experiments import commands
from experiments.errors import InputError, RuleError

DONE, FAILED, WRONG_INPUT, RULE_BROKEN = 0, 1, 2, 3


def guarded(command: Callable[..., None]) -> Callable[..., None]:
    """The command, each kind of fault ending in its exit code with every fault on stderr."""

    @wraps(command)
    def run(*given: Any, **options: Any) -> None:
        try:
            command(*given, **options)
        except RuleError as fault:
            raise typer.Exit(_report(fault.faults, RULE_BROKEN)) from fault
        except InputError as fault:
            raise typer.Exit(_report(fault.faults, WRONG_INPUT)) from fault
        except KeyboardInterrupt as fault:
            raise typer.Exit(_report(["interrupted; `tanlu runs resume` goes on where it stopped"], FAILED)) from fault
        except BrokenPipeError as fault:  # whoever read our output has had enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(DONE) from fault
        except Exception as fault:
            if isinstance(fault, typer.Abort) or hasattr(fault, "exit_code") or os.environ.get("TANLU_DEBUG"):
                raise  # typer's own, or somebody wants to see where
            text = str(fault) or type(fault).__name__
            raise typer.Exit(_report([text, "set TANLU_DEBUG=1 to see where"], FAILED)) from fault

    return run


def _report(faults: list[str], code: int) -> int:
    for fault in faults:
        sys.stderr.write(f"tanlu: {fault}\n")
    return code


def found() -> Iterator[tuple[str, str, Callable[..., None] | typer.Typer]]:
    """(name, module, command) of every command in `experiments.commands`, by name."""
    modules = [import_module(f"{commands.__name__}.{info.name}") for info in iter_modules(commands.__path__)]
    rows = [
        (name, module.__name__, command)
        for module in modules
        for name, command in getattr(module, "COMMANDS", {}).items()
    ]
    return iter(sorted(rows, key=lambda row: row[:2]))


def build() -> typer.Typer:
    """The command with all sub-commands. Raises RuntimeError when two modules claim one name."""
    made = typer.Typer(
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        help="Can a province reach its energy-intensity target? Runs trajectory experiments on a calibrated model.",
    )
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


if __name__ == "__main__":
    app()
