"""A rule by its name or by the path of a user's file."""

from pathlib import Path

from experiments.allocation.own_rule import rule_of_file
from experiments.allocation.registry import Rule, load
from models.reading.names import choose


def find(name: str, folder: Path | None = None) -> Rule:
    """The rule of that name (case and underscores do not matter), or of that Python file.

    folder: where a relative path starts; the working folder when left out. Raises InputError with the nearest names,
    or with what is wrong with the file.
    """
    if name.endswith(".py"):
        return rule_of_file(Path(name) if folder is None else folder / name)
    rules = load()
    return rules[choose(name, rules, "allocation rule")]
