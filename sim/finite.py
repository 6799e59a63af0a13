"""Members with values that are not finite: counted, and named with their parameters."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

logger = logging.getLogger("sim")

NAMED = 5  # members that the report shows with their parameters


@dataclass(slots=True)
class Finite:
    """Values that were not finite.

    Attributes:
        variables: by variable the number of members with a value that is not finite.
        members: positions of these members.
    """

    variables: dict[str, int] = field(default_factory=dict)
    members: set[int] = field(default_factory=set)

    def look(self, members: slice, values: Mapping[str, NDArray[np.float64]]) -> None:
        """Check a batch of results (times, cells, members)."""
        count = members.stop - members.start
        for name, array in values.items():
            if np.isfinite(array.sum()):  # cheap, and right unless finite values overflow
                continue
            bad = np.flatnonzero(~np.isfinite(array).all(axis=(0, 1)))
            if len(bad):
                found = range(count) if array.shape[-1] == 1 < count else bad.tolist()
                self.variables[name] = self.variables.get(name, 0) + len(found)
                self.members.update(members.start + one for one in found)

    def report(self, total: int, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Attributes of the result; one warning in the log if there is something to say.

        Args:
            total: number of members.
            parameters: by name an array with members first.
        """
        if not self.members:
            return {}
        first = sorted(self.members)[:NAMED]
        shown = {one: {name: values[one] for name, values in list(parameters.items())[:50]} for one in first}
        short = "; ".join(
            f"member {one}" + (f" ({_listed(values)})" if values else "") for one, values in shown.items()
        )
        names = ", ".join(list(self.variables)[:8])
        logger.warning(
            "%d of %d members have values that are not finite, in %s: %s", len(self.members), total, names, short
        )
        return {"non_finite_members": np.array(sorted(self.members)), "non_finite_variables": list(self.variables)}


def _listed(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} = {_short(value)}" for name, value in list(values.items())[:6])


def _short(value: Any) -> str:
    array = np.asarray(value)
    return (
        f"{float(array):.6g}"
        if array.ndim == 0
        else f"array of {array.size} from {array.min():.4g} to {array.max():.4g}"
    )
