"""Sub-commands of `tanlu`, one file a topic.

The convention: a module here names its commands in one mapping,

    COMMANDS: Mapping[str, Callable[..., None] | typer.Typer] = {"allocate": allocate}      # tanlu allocate
    COMMANDS = {"data": app}                                                                # tanlu data check|show

A function becomes `tanlu <name>` (typer reads its annotations and its docstring); a `typer.Typer` becomes a group of
sub-commands. `experiments.cli` imports every module of this package and registers what it finds, in alphabetical
order; two modules that claim one name are an error. A module without `COMMANDS` is a helper and is left alone.

Rules for a command function:

- Thin: it turns options into one call of the owner's function and prints what comes back. No logic.
- Import anything heavy (numpy, xarray, pandas, the model) inside the function, so that `tanlu --help` stays fast.
- Data go to stdout and everything else to stderr, through `experiments.console`: `emit(table_or_mapping, json)` for
  data, `note(text, quiet)` for a remark, `progress(total, quiet)` for a bar that shows on a terminal only. The
  options `Json`, `Quiet`, `RunsFolder` there are annotated types, so that they read the same in every command:
  `def allocate(rule: str, json: Json = False, quiet: Quiet = False) -> None`.
- Raise, never print-and-exit: `InputError(faults)` ends in exit code 2 with every fault on stderr, `RuleError` (values
  that are readable but break a rule, from a `check`) in 3, any other exception in 1 with one clear message
  (the traceback is shown when TANLU_DEBUG=1). A command that only reports a verdict may `raise typer.Exit(3)`.
"""
