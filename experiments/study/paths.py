"""Paths in a study: their places, and the same study read from another folder."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

SHIPPED = "shipped"
"""The word for the model file that ships, in a study's `model`."""

Kind = Literal["mix", "table", "rule", "data", "model", "projects"]


@dataclass(frozen=True)
class NamedFile:
    """A path in a study's plain data. holder[key] is its text; kind: the kind of file that it names."""

    kind: Kind
    holder: Any
    key: Any

    @property
    def text(self) -> str:
        """The path as it stands in the study."""
        return str(self.holder[self.key])


def named_files(data: dict[str, Any]) -> Iterator[NamedFile]:
    """Every path in the plain data of a study (a file's content or `Study.model_dump()`), in the order of its keys.

    >>> [file.text for file in named_files({"mixes": ["base", "my.yaml"], "model": "own.mdl"})]
    ['my.yaml', 'own.mdl']
    """
    for choice, key, kind, endings in (("allocations", "rule", "rule", (".py",)), ("mixes", "mix", "mix", _YAML)):
        entries = data.get(choice)
        for index, entry in enumerate(entries if isinstance(entries, list) else ()):
            named = entry.get(key) if isinstance(entry, dict) else entry
            if _is_path(named, endings):
                yield NamedFile(kind, *((entry, key) if isinstance(entry, dict) else (entries, index)))  # type: ignore[arg-type]
            options = entry.get("options") if isinstance(entry, dict) else None
            if choice == "allocations" and isinstance(options, dict) and _is_path(options.get("path")):
                yield NamedFile("table", options, "path")
    plain: tuple[Kind, ...] = ("data", "projects")
    for name in plain:
        if _is_path(data.get(name)):
            yield NamedFile(name, data, name)
    models = data.get("model")
    if isinstance(models, list):
        yield from (NamedFile("model", models, i) for i, one in enumerate(models) if _is_path(one) and one != SHIPPED)
    elif _is_path(models) and models != SHIPPED:
        yield NamedFile("model", data, "model")


_YAML = (".yaml", ".yml")


def _is_path(value: object, endings: tuple[str, ...] = ()) -> bool:
    return isinstance(value, str) and value != "" and (not endings or Path(value).suffix in endings)


def moved(data: dict[str, Any], start: Path, end: Path) -> None:
    """Rewrite relative paths that start from one folder so that they start from another, in place."""
    if start.resolve() == end.resolve():
        return
    for file in named_files(data):
        if not Path(file.text).is_absolute():
            file.holder[file.key] = os.path.relpath(start / file.text, end)
