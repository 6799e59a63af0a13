"""Units of measurement as model files write them, read into pint units.

`Units.load(file)` reads pint definitions on top of those of `units.txt` in this package, and any other name is a fault;
`Units.generic()` accepts every name as a separate dimension (for models of unknown fields).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from importlib.resources import files
from pathlib import Path
from typing import Any, cast

import pint
from pint.facets.plain import PlainUnit

from sim.errors import SimError

Unit = PlainUnit

DIMENSIONLESS = ("", "1", "dmnl", "dimensionless", "fraction", "dmnl/dmnl")
# Vensim's own equivalences; a model's settings may add more (lines that begin with 22: in its sketch).
EQUIVALENT = (
    "dollar,$,dollars,$s",
    "hour,hours",
    "month,months",
    "person,people,persons",
    "unit,units",
    "week,weeks",
    "year,years",
    "day,days",
)
SCALE_TOLERANCE = 1e-9  # relative; conversion factors are products of a few decimal numbers


class UnitTextError(SimError):
    """A unit that cannot be read.

    Args:
        text: the unit.
        reason: the fault.
    """

    def __init__(self, text: str, reason: str) -> None:
        super().__init__(f"unit {text!r}: {reason}")
        self.text, self.reason = text, reason


class Units:
    """Reads the units of a model file into pint units.

    Args:
        registry: definitions of units.
        equivalents: lines of names, separated by commas, that mean the same unit.
        strict: whether a name without a definition is a fault.
    """

    def __init__(self, registry: pint.UnitRegistry[Any], equivalents: Iterable[str] = (), *, strict: bool) -> None:
        self.registry, self._strict = registry, strict
        self._same: dict[str, str] = {}
        for line in equivalents:
            names = [name.strip().lower() for name in line.split(",") if name.strip()]
            self._same.update(dict.fromkeys(names, names[0]))
        self._known: dict[str, Unit] = {}
        self._labels: dict[str, str] = {}  # names of other people's units never reach pint's parser

    @classmethod
    def load(cls, file: str | Path | None = None) -> Units:
        """The units of this package with those of a file on top; any other name is a fault.

        Raises:
            UnitTextError: a line that is not a definition in pint's language.
        """
        registry: pint.UnitRegistry[Any] = pint.UnitRegistry(None)
        definitions = files("sim").joinpath("units.txt").read_text(encoding="utf-8").splitlines()
        for line in definitions + (Path(file).read_text(encoding="utf-8").splitlines() if file else []):
            _define(registry, line)
        units = cls(registry, strict=True)
        for name in list(registry):  # pint resolves a definition when it is first used
            units.factor(units.parse(name), units.none)
        return units

    @classmethod
    def generic(cls, equivalents: Iterable[str] = ()) -> Units:
        """Every name is a separate dimension; spellings that Vensim treats as equal are equal."""
        return cls(pint.UnitRegistry(None), (*EQUIVALENT, *equivalents), strict=False)

    @property
    def none(self) -> Unit:
        """The unit of a pure number."""
        return self.registry.Unit("")

    def parse(self, words: str) -> Unit:
        """A unit as Vensim writes it: names, `*`, `/`, `^`, parentheses and 1.

        Raises:
            UnitTextError: it cannot be read, or (with a registry) a name is not known.
        """
        if words not in self._known:
            self._known[words] = _UnitParser(words, self._name).parse()
        return self._known[words]

    def _name(self, name: str) -> Unit:
        if name.lower() in DIMENSIONLESS:
            return self.none
        if self._strict:
            return self._defined(name)
        key = self._same.get(name.lower(), name.lower())
        if key not in self._labels:
            label = self._labels[key] = f"named{len(self._labels)}"
            self.registry.define(f"{label} = [{label}]")
        return self.registry.Unit(self._labels[key])

    def _defined(self, name: str) -> Unit:
        try:
            if not re.fullmatch(r"[^\W\d]\w*", name):
                raise ValueError(name)
            unit = self.registry.Unit(name)
            self.registry.get_base_units(unit)
        except (pint.UndefinedUnitError, pint.DefinitionSyntaxError, ValueError, TypeError, KeyError):
            raise UnitTextError(name, "is not in the units file: define it there, or correct it") from None
        return unit

    def agree(self, one: Unit, other: Unit) -> bool:
        """The same dimension and the same scale."""
        factor = self.factor(one, other)
        return factor is not None and abs(factor - 1) < SCALE_TOLERANCE

    def factor(self, one: Unit, other: Unit) -> float | None:
        """How many `other` one `one` is; None when they measure different things."""
        if one == other:
            return 1.0
        (a, base_a), (b, base_b) = self.registry.get_base_units(one), self.registry.get_base_units(other)
        return float(cast(float, a)) / float(cast(float, b)) if base_a == base_b else None

    def write(self, unit: Unit | None) -> str:
        """The unit as a modeller writes it."""
        if unit is None:
            return "any"
        written = f"{unit:C}".replace("**", "^")
        names = {label: name for name, label in self._labels.items()}
        written = re.sub(r"named\d+", lambda found: names.get(found.group(), found.group()), written)
        return "Dmnl" if written in ("", "dimensionless") else written


def _define(registry: pint.UnitRegistry[Any], line: str) -> None:
    line = line.split("#", 1)[0].strip()
    if not line:
        return
    try:
        registry.define(line)
    except Exception as error:
        raise UnitTextError(line, f"is no definition of a unit ({error})") from error


class _UnitParser:
    """unit := factor ((*|/) factor)*; factor := (name | 1 | (unit)) [^ integer]."""

    def __init__(self, words: str, name: Callable[[str], Unit]) -> None:
        self._words, self._name = words, name
        self._tokens = [token.strip() for token in re.findall(r"\*\*|[*/^()]|[^*/^()]+", words) if token.strip()]

    def parse(self) -> Unit:
        if not self._tokens:
            return self._name("")
        unit = self._product()
        if self._tokens:
            raise UnitTextError(self._words, f"{self._tokens[0]!r} is left over")
        return unit

    def _product(self) -> Unit:
        unit = self._factor()
        while self._tokens and self._tokens[0] in "*/":
            unit = unit * self._factor() if self._tokens.pop(0) == "*" else unit / self._factor()
        return unit

    def _factor(self) -> Unit:
        if not self._tokens:
            raise UnitTextError(self._words, "ends too early")
        token = self._tokens.pop(0)
        if token == "(":
            unit = self._product()
            if not self._tokens or self._tokens.pop(0) != ")":
                raise UnitTextError(self._words, "a parenthesis is not closed")
        elif token in ("*", "/", "^", "**", ")"):
            raise UnitTextError(self._words, f"{token!r} is out of place")
        else:
            unit = self._name(token)
        if self._tokens and self._tokens[0] in ("^", "**"):
            self._tokens.pop(0)
            unit = unit ** self._exponent()
        return unit

    def _exponent(self) -> int:
        token = self._tokens.pop(0) if self._tokens else ""
        if not re.fullmatch(r"-?\d+", token):
            raise UnitTextError(self._words, f"the exponent {token!r} is no whole number")
        return int(token)
