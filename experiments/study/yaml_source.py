"""YAML read with the place of every value, so that a fault can say file and line; faults instead of exceptions."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import yaml

from calibration.errors import InputError

LARGEST, DEEPEST = 1_000_000, 20
"""Bytes of a study file and lists in lists beyond which it is no study, refused before its text is taken apart."""


@dataclass
class Source:
    """Plain data of a study, with the place (file:line or the --set) that each path came from."""

    data: dict[str, Any]
    places: dict[tuple[Any, ...], str] = field(default_factory=dict)

    def place(self, path: tuple[Any, ...]) -> str:
        """Where a path came from, or the nearest above it that has a place."""
        while path and path not in self.places:
            path = path[:-1]
        return self.places.get(path, "")

    def under(self, base: "Source") -> "Source":
        """The two as one, this on top: mappings are merged, anything else is replaced."""
        return Source(_merged(base.data, self.data), {**base.places, **self.places})


def _merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    both = {k: _merged(base[k], v) for k, v in over.items() if isinstance(v, dict) and isinstance(base.get(k), dict)}
    return {**base, **over, **both}


def read(path: Path) -> tuple[Source, list[str]]:
    """A YAML file's plain data with line numbers; faults instead of exceptions."""
    try:
        loader, node = _parsed(path)
    except (OSError, UnicodeDecodeError) as fault:
        return Source({}), [f"{path.name} cannot be read as UTF-8 text: {fault}"]
    except yaml.MarkedYAMLError as fault:
        line = f":{fault.problem_mark.line + 1}" if fault.problem_mark else ""
        return Source({}), [f"{path.name}{line}: not YAML: {fault.problem or fault.context}"]
    except yaml.YAMLError as fault:
        return Source({}), [f"{path.name}: not YAML: {' '.join(str(fault).split())}"]
    except InputError as fault:
        return Source({}), fault.faults
    reader = _Reader(path.name, loader)
    data = reader.plain(node, ())
    return Source(data, reader.places), reader.faults


def _parsed(path: Path) -> tuple[yaml.SafeLoader, yaml.MappingNode]:
    """The mapping of a YAML file. Raises InputError for one that no study can be, OSError or YAMLError unread."""
    if (size := path.stat().st_size) > LARGEST:
        raise InputError(f"{path.name}: got {size:,} bytes, allowed: a study of at most {LARGEST:,}")
    text = path.read_text(encoding="utf-8")
    depth = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        if isinstance(event, yaml.AliasEvent):
            raise InputError(f"{path.name}: YAML aliases (*name) are not allowed; use `extends`")
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > DEEPEST:
            line = f":{event.start_mark.line + 1}" if event.start_mark else ""
            raise InputError(f"{path.name}{line}: got lists in lists without end, allowed: {DEEPEST} deep")
    loader = yaml.SafeLoader(text)
    node = loader.get_single_node()
    if not isinstance(node, yaml.MappingNode):
        got = "nothing" if node is None else f"a {type(node).__name__.removesuffix('Node').lower()}"
        raise InputError(f"{path.name}: got {got}, allowed: a mapping (`key: value` lines)")
    return loader, node


@dataclass
class _Reader:
    """Turns YAML nodes into plain data; collects the place of every path and each key that stands twice."""

    file: str
    loader: yaml.SafeLoader
    places: dict[tuple[Any, ...], str] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)

    def plain(self, node: yaml.Node, at: tuple[Any, ...]) -> Any:
        """The data of a node that stands at a path."""
        self.places.setdefault(at, self._line(node))
        if isinstance(node, yaml.SequenceNode):
            return [self.plain(item, (*at, i)) for i, item in enumerate(node.value)]
        if not isinstance(node, yaml.MappingNode):
            return self._scalar(node)
        data: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                self.faults.append(f"{self._line(key_node)}: got a list or mapping as a key, allowed: a name")
                continue
            key = key_node.value
            if key in data:
                self.faults.append(f"{self._line(key_node)}: key {key!r} stands twice")
            self.places[*at, key] = self._line(key_node)
            data[key] = self.plain(value_node, (*at, key))
        return data

    def _scalar(self, node: yaml.Node) -> Any:
        """The value of a single node; its text where it is no such date or number, or has a tag of its own."""
        try:
            return self.loader.construct_object(node)
        except (yaml.YAMLError, ValueError) as fault:
            why = fault.problem if isinstance(fault, yaml.MarkedYAMLError) else fault
            self.faults.append(f"{self._line(node)}: got {shortened(node.value)}, which YAML cannot read: {why}")
            return node.value

    def _line(self, node: yaml.Node) -> str:
        return f"{self.file}:{node.start_mark.line + 1}"


def override(source: Source, text: str) -> str | None:
    """Apply one `path=value`; the fault, if it cannot be."""
    path, equals, value = text.partition("=")
    keys = [key.strip() for key in path.split(".")]
    if not equals or not all(keys):
        return f"--set {text}: allowed is path=value, for example sampling.method=latin"
    try:
        new = yaml.safe_load(value)
    except (yaml.YAMLError, ValueError, RecursionError):
        return f"--set {text[:60]}: the value is not YAML"
    *inner, last = keys
    spot: Any = source.data
    for key in inner:
        spot = _step(spot, key)
        if spot is None:
            return f"--set {text}: nothing stands at {key!r} in {path!r}"
    if isinstance(spot, list):
        if not last.isdecimal() or int(last) >= len(spot):
            return f"--set {text}: {last!r} is no place in a list of {len(spot)} (counted from 0)"
        spot[int(last)] = new
    else:
        spot[last] = new
    places = [int(key) if key.isdecimal() else key for key in keys]
    for length in range(1, len(places)):
        source.places.setdefault(tuple(places[:length]), f"--set {text}")
    source.places[tuple(places)] = f"--set {text}"
    return None


def _step(spot: Any, key: str) -> Any:
    """What stands under a key: a mapping grows an empty one; None where there is no way on."""
    if isinstance(spot, dict):
        inner = spot.setdefault(key, {})
    elif isinstance(spot, list) and key.isdecimal() and int(key) < len(spot):
        inner = spot[int(key)]
    else:
        return None
    return inner if isinstance(inner, dict | list) else None


def shortened(value: Any) -> str:
    """A value as a message shows it, at most 60 characters."""
    text = "nothing" if value is None else str(value) if isinstance(value, date) else repr(value)
    return text if len(text) <= 60 else text[:57] + "…"
