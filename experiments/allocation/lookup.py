"""A rule by its name or by the path of a user's file."""

from pathlib import Path

from experiments.allocation.own_rule import rule_of_file
from experiments.allocation.registry import Rule, load
from models.reading.names import choose


def find(name: str, folder: Path | None = None) -> Rule:
    """Find a rule by name or by Python file.

    Args:
        name: name of the rule (case and underscores do not matter), or path of a Python file.
        folder: folder from which a relative path starts; default: the working folder.

    Returns:
        The rule.

    Raises:
        InputError: there is no such rule (with the nearest names), or the file has faults.

    >>> find("Triptych").name
    'triptych'
    """
    if name.endswith(".py"):
        return rule_of_file(Path(name) if folder is None else folder / name)
    rules = load()
    return rules[choose(name, rules, "allocation rule")]
