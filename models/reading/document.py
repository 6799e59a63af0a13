"""Plain data from a file, with the place of each part in the file."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from models.reading.faults import refuse

Route = tuple[Any, ...]
"""The keys and list positions that lead to a part of the data."""


@dataclass
class Document:
    """The content of a file.

    Attributes:
        data: mappings, lists, texts, numbers, dates, true, false, None; an empty mapping when nothing was readable.
        places: the file and line (or the option of the command line) of each route.
        faults: the faults of the file, one sentence each; `data` holds everything that is readable in spite of them.
        unreadable: the routes of values that a fault names already, so that a schema need not name them again.
    """

    data: Any
    places: dict[Route, str] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    unreadable: set[Route] = field(default_factory=set)

    def place(self, route: Route) -> str:
        """The place of a route, or of the nearest part above it that has one."""
        while route and route not in self.places:
            route = route[:-1]
        return self.places.get(route, "")

    def over(self, base: "Document") -> "Document":
        """Lay this document over another: mappings are merged, anything else is replaced."""
        data = merged(base.data, self.data) if isinstance(self.data, Mapping) else self.data
        faults, unreadable = [*base.faults, *self.faults], base.unreadable | self.unreadable
        return Document(data, {**base.places, **self.places}, faults, unreadable)

    def mapping(self) -> dict[str, Any]:
        """The data as a mapping. Raises InputError with the faults, if there are any."""
        refuse(self.faults)
        return dict(self.data)


def merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """One mapping laid over another: mappings inside are merged, anything else is replaced.

    >>> merged({"a": {"x": 1, "y": 2}, "b": 1}, {"a": {"y": 3}})
    {'a': {'x': 1, 'y': 3}, 'b': 1}
    """
    both = {k: merged(base[k], v) for k, v in over.items() if isinstance(v, dict) and isinstance(base.get(k), dict)}
    return {**base, **over, **both}
