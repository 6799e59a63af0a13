"""`--set path=value`: a value laid over a study from the command line."""

from typing import Any

from models.reading.document import Document
from models.reading.yaml_file import parse_yaml


def override(document: Document, text: str) -> list[str]:
    """Apply one `path=value`, the path with dots and the value in YAML.

    Args:
        document: the study so far, changed in place.
        text: what the user typed after --set.

    Returns:
        The faults; none when it is applied.
    """
    path, equals, value = text.partition("=")
    keys = [key.strip() for key in path.split(".")]
    label = f"--set {text}" if len(text) <= 80 else f"--set {text[:79]}…"
    if not equals or not all(keys):
        return [f"{label}: allowed is path=value, for example sampling.method=latin"]
    new = parse_yaml(value, lambda line: label, label)
    if new.faults:
        return new.faults
    *inner, last = keys
    spot: Any = document.data
    for key in inner:
        spot = _step(spot, key)
        if spot is None:
            return [f"{label}: nothing stands at {key!r} in {path!r}"]
    if isinstance(spot, list):
        if not last.isdecimal() or int(last) >= len(spot):
            return [f"{label}: {last!r} is no place in a list of {len(spot)} (counted from 0)"]
        spot[int(last)] = new.data
    else:
        spot[last] = new.data
    route = tuple(int(key) if key.isdecimal() else key for key in keys)
    for length in range(1, len(route)):
        document.places.setdefault(route[:length], label)
    document.places[route] = label
    document.unreadable = {known for known in document.unreadable if known[: len(route)] != route}
    return []


def _step(spot: Any, key: str) -> Any:
    """The value under a key; a mapping without the key gets an empty one; None where the path cannot be followed."""
    if isinstance(spot, dict):
        inner = spot.setdefault(key, {})
    elif isinstance(spot, list) and key.isdecimal() and int(key) < len(spot):
        inner = spot[int(key)]
    else:
        return None
    return inner if isinstance(inner, dict | list) else None
