"""Names and subscripts: the slot of a name, and the positions along its dims that a reference reads."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sim.compiler.ir import Along, Expr, Ref, Refs
from sim.errors import ModelError, Refused, UnknownNameError, UnknownSubscriptError

MANY = 200  # characters of a hostile name that a message repeats


def clean(name: str) -> str:
    """The form in which names are compared: lower case, underscores for blanks, as PySD's parser gives references."""
    return name.strip().lower().replace(" ", "_")


@dataclass(frozen=True, slots=True)
class SlotSymbol:
    """A variable with its own storage."""

    slot: int
    dims: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TableSymbol:
    """A lookup variable."""

    table: int
    dims: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MacroSymbol:
    """A name inside a macro: its expression, worked out when first asked for."""

    expression: Callable[[], Expr]


Symbol = SlotSymbol | TableSymbol | MacroSymbol


@dataclass(slots=True)
class Subscripts:
    """The subscript ranges of a model.

    Attributes:
        ranges: elements of every range, sub-ranges resolved.
        mapping: ranges that a range is mapped to.
        numbers: number of an element, or numbers of a range's elements, within the main range.
        external: whether a range is read from another file.
        explicit: range → (other range → for each element of the other, the position of the element mapped to it).
    """

    ranges: dict[str, tuple[str, ...]] = field(default_factory=dict)
    mapping: dict[str, tuple[str, ...]] = field(default_factory=dict)
    numbers: dict[str, tuple[str | None, tuple[int, ...]]] = field(default_factory=dict)
    external: bool = False
    explicit: dict[str, dict[str, tuple[int, ...]]] = field(default_factory=dict)
    _manager: Any = None

    @classmethod
    def of(cls, section: Any, path: Path, mappings: Mapping[str, Mapping[str, Sequence[str]]]) -> Subscripts:
        """Resolve the ranges of one section of PySD's abstract model; `mappings` are the explicit ones."""
        from pysd.builders.python.subscripts import SubscriptManager

        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                manager = SubscriptManager(section.subscripts, path.parent)
        except KeyError as error:
            names = [subscript.name for subscript in section.subscripts]
            raise UnknownSubscriptError(str(error.args[0]), names) from error
        except (ValueError, IndexError, OSError, TypeError, AttributeError) as error:
            raise ModelError(path, f"a subscript range cannot be read: {' '.join(str(error).split())[:500]}") from error
        ranges = {name: tuple(elements) for name, elements in manager.subscripts.items()}
        mapping = {name: tuple(mapped) for name, mapped in manager.mapping.items()}
        external = any(isinstance(subscript.subscripts, dict) for subscript in section.subscripts)
        explicit = _explicit(ranges, mappings, path)
        return cls(ranges, mapping, _numbers(ranges, manager.subranges), external, explicit, manager)

    def dims_of(self, definitions: list[list[str]], variable: str) -> tuple[str, ...]:
        """The dims of a variable with one definition or several, as PySD merges them."""
        for definition in definitions:
            for name in definition:
                self.check(name)
        if not definitions or not definitions[0]:
            return ()
        if any(len(definition) != len(definitions[0]) for definition in definitions):
            raise Refused(variable, None, "its definitions differ in their number of subscripts")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            dims = self._manager.make_merge_list(definitions, variable)
        if None in dims or len(set(dims)) != len(dims):
            raise Refused(variable, None, "no subscript range holds the elements of all its definitions")
        self.ranges.update({name: tuple(elements) for name, elements in self._manager.subscripts.items()})
        return tuple(dims)

    def check(self, name: str) -> None:
        """Raise UnknownSubscriptError for a name that is neither a range nor an element."""
        base = name.removesuffix("!")
        if base not in self.ranges and not self.is_element(base):
            known = [*self.ranges, *(element for elements in self.ranges.values() for element in elements)]
            raise UnknownSubscriptError(base, known)

    def is_element(self, name: str) -> bool:
        """Whether a subscript is one element; such a name takes precedence over a range of the same name."""
        return any(name in elements for elements in self.ranges.values())

    def elements(self, axis: str) -> tuple[str, ...]:
        """The elements of a range, with or without `!`."""
        return self.ranges[axis.removesuffix("!")]

    def fixed(self, name: str) -> str | None:
        """The element that a subscript means, or None for a range."""
        if self.is_element(name):
            return name
        elements = self.elements(name)
        return elements[0] if len(elements) == 1 else None

    def position(self, element: str, dim: str) -> int:
        """Position of an element in a dim."""
        try:
            return self.ranges[dim].index(element)
        except ValueError:
            raise UnknownSubscriptError(element, self.ranges[dim], f"element of {dim!r}") from None

    def along(self, source: str, dim: str, axis: str | None = None) -> Along:
        """The loop over `axis` reading the elements of range `source` (same length, same order) along a dim."""
        elements = self.elements(source)
        positions = tuple(self.position(element, dim) for element in elements)
        return Along(axis or source, None if elements == self.ranges[dim] else positions)

    def target(self, subscripts: Sequence[str], dims: Sequence[str]) -> tuple[tuple[str, ...], Refs]:
        """Loop axes and refs of the left-hand side of a definition."""
        axes: list[str] = []
        refs: list[Ref] = []
        for name, dim in zip(subscripts, dims, strict=True):
            element = self.fixed(name)
            if element is not None:
                refs.append(self.position(element, dim))
            else:
                axes.append(name)
                refs.append(self.along(name, dim))
        return tuple(axes), tuple(refs)


def _explicit(
    ranges: Mapping[str, tuple[str, ...]], mappings: Mapping[str, Mapping[str, Sequence[str]]], path: Path
) -> dict[str, dict[str, tuple[int, ...]]]:
    """Explicit mappings, turned round: which element of the range each element of the other belongs to."""
    result: dict[str, dict[str, tuple[int, ...]]] = {}
    for name, targets in mappings.items():
        for target, items in targets.items():
            for one in (name, target):
                if one not in ranges:
                    raise UnknownSubscriptError(one, ranges)
            if len(items) != len(ranges[name]):
                raise ModelError(
                    path,
                    f"the mapping of {name!r} to {target!r} has {len(items)} parts for {len(ranges[name])} elements",
                )
            owner = {element: i for i, item in enumerate(items) for element in ranges.get(item, (item,))}
            missing = [element for element in ranges[target] if element not in owner]
            if missing:
                raise ModelError(path, f"the mapping of {name!r} to {target!r} leaves out {', '.join(missing[:8])}")
            result.setdefault(name, {})[target] = tuple(owner[element] for element in ranges[target])
    return result


def _numbers(
    ranges: dict[str, tuple[str, ...]], main: dict[str, list[str]]
) -> dict[str, tuple[str | None, tuple[int, ...]]]:
    """The meaning of a subscript where a number is expected."""
    numbers: dict[str, tuple[str | None, tuple[int, ...]]] = {}
    for name, subranges in main.items():
        numbers[clean(name)] = (name, tuple(range(1, len(ranges[name]) + 1)))
        for i, element in enumerate(ranges[name], start=1):
            numbers[clean(element)] = (None, (i,))
        for subrange in subranges:
            numbers[clean(subrange)] = (subrange, tuple(ranges[name].index(one) + 1 for one in ranges[subrange]))
    return numbers


@dataclass(slots=True)
class Scope:
    """The names that equations of a section may use."""

    subscripts: Subscripts
    symbols: dict[str, Symbol]
    names: dict[str, str]  # clean name → name in the file, for messages
    outer: Scope | None = None  # of a macro: the names of the model, which a macro reads with a $ behind them

    def find(self, reference: str) -> Symbol:
        """The symbol of a reference."""
        symbol = self.symbols.get(clean(reference))
        if symbol is None and self.outer is not None and reference.endswith("$"):
            return self.outer.find(reference[:-1])
        if symbol is None:
            raise UnknownNameError(reference[:MANY].replace("_", " "), self.names.values())
        return symbol

    def refs(self, given: Sequence[str], dims: Sequence[str], axes: Iterable[str], variable: str) -> Refs:
        """Where a reference reads.

        Args:
            given: subscripts of the reference.
            dims: dims of the variable referred to.
            axes: loop axes of the equation.
            variable: name of the variable referred to, for messages.
        """
        if len(given) != len(dims):
            wanted = f"[{', '.join(dims)}]" if dims else "no subscripts"
            raise ValueError(f"{variable!r} has {wanted}, but is used with {len(given)} subscripts")
        ranges = [name for name in given if self._range(name)]
        if len(set(ranges)) != len(ranges):
            raise ValueError(f"{variable!r} is used with one subscript range twice")
        return tuple(self._ref(name, dim, tuple(axes), ranges) for name, dim in zip(given, dims, strict=True))

    def _range(self, name: str) -> bool:
        self.subscripts.check(name)
        return self.subscripts.fixed(name) is None

    def _ref(self, name: str, dim: str, axes: tuple[str, ...], ranges: list[str]) -> Ref:
        subscripts = self.subscripts
        element = subscripts.fixed(name)
        if element is not None:
            return subscripts.position(element, dim)
        if name in axes or name.endswith("!"):
            return subscripts.along(name, dim)
        for mapped in subscripts.mapping.get(name, ()):
            if mapped in axes and mapped not in ranges:
                if len(subscripts.elements(mapped)) != len(subscripts.elements(name)):
                    raise ValueError(f"ranges {name!r} and {mapped!r} are mapped but differ in length")
                return subscripts.along(name, dim, mapped)
        for target, positions in subscripts.explicit.get(name, {}).items():
            if target in axes and target not in ranges:
                places = [subscripts.position(element, dim) for element in subscripts.elements(name)]
                return Along(target, tuple(places[i] for i in positions))
        for axis in axes:  # a mapping counts in both directions where its ranges have the same length
            joined = name in subscripts.mapping.get(axis, ()) and axis not in ranges
            if joined and len(subscripts.elements(axis)) == len(subscripts.elements(name)):
                return subscripts.along(name, dim, axis)
        return subscripts.along(name, dim)
