"""Checks that any stock-and-flow model must pass, each ending in one verdict that names what is at fault.

Checks of the file: units, meanings, sources, stocks whose equations hide a flow, time constants too short for the step.
Checks of a run: values that are not finite, shares below zero, shares that stop adding to one, stocks
that are not the integral of their flows, a step too long, parameters without any effect.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from sim import equation_table
from sim import units as unit_pass
from sim.errors import SimError
from sim.model import Model, Value
from sim.source import Element, Source, flow_terms, read
from sim.syntax_tree import kind_of, walk
from sim.unit_registry import Units

EXACT = 1e-9  # relative; what accounting must hold
SLACK = 1e-12  # below zero by rounding only
SUM_LIKE = 0.1  # shares that add to one within this at the start are taken to be meant to
STEPS_IN_TIME_CONSTANT = 4  # the least, Sterman (2000), appendix A: a quarter of the shortest time constant
HALVING = 0.05  # largest move of a stock, relative to its largest value, when the step is halved
NUDGE = 0.01  # relative change of a parameter that must show somewhere
FACTORS = (1e-6, 0.1, 10.0, 1e6)  # a limit that does not bind, or a guard of a sum, must do so when moved this far
WAKE = 0.1  # value of a constant that is zero by default, when everything is set in motion
SAVED = 6  # save points at which the effect of a parameter is looked for
CHUNK = 32  # parameters tried at a time (bounds memory)


@dataclass(frozen=True, slots=True)
class Verdict:
    """One check: the measured figures and, where it fails, each fault in a sentence."""

    check: str
    measured: str
    faults: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        """No fault."""
        return not self.faults


@dataclass(frozen=True)
class Subject:
    """A model under test. params: values under which it is run; units: None to accept every name of a unit."""

    model: Model
    source: Source
    units: Units | None = None
    params: Mapping[str, Value] = field(default_factory=dict)

    @classmethod
    def load(cls, path: str | Path, units: Units | None = None, params: Mapping[str, Value] | None = None) -> Subject:
        """Read a model file.

        Raises:
            SimError: the file cannot be read or run.
        """
        return cls(Model.load(path), read(path), units, dict(params or {}))

    def of_kind(self, *kinds: str) -> dict[str, Element]:
        """Elements of these kinds by name."""
        return {element.name: element for element in self.source.elements.values() if element.kind in kinds}

    @cached_property
    def outputs(self) -> tuple[str, ...]:
        """Everything that has values and is not a constant."""
        fixed = {*self.of_kind("constant", "control", "lookup")}
        return tuple(name for name, one in self.model.variables.items() if one.slot is not None and name not in fixed)

    @cached_property
    def step(self) -> float:
        """The time step as it is run."""
        given = self.params.get("TIME STEP")
        return float(self.model.run(self.params, ["TIME STEP"])["TIME STEP"].max() if given is None else given)

    @cached_property
    def constants(self) -> dict[str, xr.DataArray]:
        """Values of all constants, those given included; series over time are left out."""
        names = [name for name in self.of_kind("constant") if self._plain(name)]
        run = self.model.run(self.params, names)
        return {name: run[name].isel(time=0, drop=True) if "time" in run[name].dims else run[name] for name in names}

    def _plain(self, name: str) -> bool:
        given = self.params.get(name)
        return self.model.variables[name].slot is not None and "time" not in getattr(given, "dims", ())

    @cached_property
    def awake(self) -> dict[str, Value]:
        """The parameters with every constant that is zero throughout set to something, so that nothing sleeps."""
        zero = {
            name: value + WAKE
            for name, value in self.constants.items()
            if not value.any() and "switch" not in name.lower() and name not in self.source.subscripts
        }
        return {**self.params, **zero}

    @cached_property
    def some_times(self) -> list[float]:
        """About SAVED of the save points, the first and the last among them."""
        times = np.atleast_1d(self.model.run(self.params, ["TIME STEP", *self.outputs[:1]])["time"].values)
        return sorted({float(time) for time in [*times[:: max(1, len(times) // SAVED)], times[-1]]})

    @cached_property
    def every_step(self) -> xr.Dataset:
        """A run with everything awake, saved at every step."""
        clock = self.model.run(self.awake, ["INITIAL TIME", "FINAL TIME"])
        first, last = (float(clock[name].max()) for name in ("INITIAL TIME", "FINAL TIME"))
        times = first + self.step * np.arange(round((last - first) / self.step) + 1)
        return self.model.run(self.awake, [*self.outputs], times=[float(time) for time in times])


Check = Callable[[Subject], Verdict]


def units(subject: Subject) -> Verdict:
    """Dimensional consistency of every equation."""
    faults = unit_pass.check(subject.source, subject.units)
    return Verdict("units", f"{len(subject.source.elements)} variables", tuple(map(str, faults)))


def texts(subject: Subject) -> Verdict:
    """A unit and a sentence of meaning on every variable."""
    faults = equation_table.gaps(equation_table.table(subject.source))
    return Verdict("unit and meaning stated", f"{len(subject.source.elements)} variables", tuple(faults))


def sources(subject: Subject) -> Verdict:
    """Every constant says in its comment where its value comes from: `source: …`."""
    constants = subject.of_kind("constant", "data", "lookup")
    pattern = re.compile(r"source:\s*[^\s)]", re.IGNORECASE)
    faults = tuple(
        f"{name} (line {one.line}): no source; write 'source: …' in its comment"
        for name, one in constants.items()
        if not pattern.search(one.doc)
    )
    return Verdict("source stated", f"{len(constants)} constants", faults)


def stocks(subject: Subject) -> Verdict:
    """Each stock is the integral of its named flows; a flow hidden in the equation of a stock is a leak."""
    faults, worst = [], 0.0
    found = subject.of_kind("stock")
    for name, element in found.items():
        for part in element.parts:
            terms = flow_terms(part.node)
            hidden = _hidden(part.node, len(terms))
            if hidden:
                faults.append(f"{name} (line {part.line}): {hidden}; make each a named flow")
        off = _leak(subject, name, element)
        worst = max(worst, off)
        if off > EXACT:
            faults.append(
                f"{name} (line {element.line}): differs from the integral of its flows by {off:.2g} of its size"
            )
    return Verdict(
        "stocks are the integral of their flows", f"{len(found)} stocks, at most {worst:.1e} off", tuple(faults)
    )


def _hidden(node: Any, named: int) -> str:
    """Flows of a stock's equation that are not named variables, in words; empty where there are none."""
    if kind_of(node) != "IntegStructure":
        return ""
    count = _addends(node.flow)
    if named and count > named:
        return f"{count - named} of {count} flows have no name: what they take goes unseen"
    return f"{count} flows stand in one expression" if not named and count > 1 else ""


def _addends(node: Any) -> int:
    if kind_of(node) != "ArithmeticStructure" or not set(node.operators) <= {"+", "-", "negative"}:
        return 1
    return sum(_addends(argument) for argument in node.arguments)


def _leak(subject: Subject, name: str, element: Element) -> float:
    """Largest difference between a stock and the integral of its named flows, relative to the stock's size."""
    terms = [term for part in element.parts for term in flow_terms(part.node)]
    names = subject.source.names
    if not terms or len(element.parts) > 1 or any(names[term] not in subject.outputs for _, term in terms):
        return 0.0
    run = subject.every_step
    stock = run[name].transpose("time", ...)
    flow = xr.zeros_like(stock)
    for sign, term in terms:
        flow = flow + sign * run[names[term]]
    off = abs(stock.diff("time").values - subject.step * flow.transpose(*stock.dims).values[:-1])
    return float(off.max()) / max(float(abs(stock).max()), 1e-300)


def finite(subject: Subject) -> Verdict:
    """No value is missing or infinite. The earliest failures come first, because later ones often only follow from
    them.
    """
    run = subject.every_step
    since = {}
    for name in subject.outputs:
        bad = ~np.isfinite(run[name].transpose("time", ...).values.reshape(run["time"].size, -1)).all(axis=1)
        if bad.any():
            since[name] = float(run["time"].values[bad.argmax()])
    faults = [
        f"{name} is not finite from {when:g} on" for name, when in sorted(since.items(), key=lambda item: item[1])
    ]
    return Verdict("values finite", f"{len(subject.outputs)} variables", tuple(faults))


def shares(subject: Subject) -> Verdict:
    """Shares are not negative, and those that add to one at the start go on doing so."""
    run, faults, summed = subject.every_step, [], 0
    names = [name for name in subject.outputs if re.search(r"\bshares?\b", name)]
    fixed = {name: value for name, value in subject.constants.items() if re.search(r"\bshares?$", name)}
    for name, values in {**fixed, **{name: run[name] for name in names}}.items():
        low = float(values.min())
        if low < -SLACK:
            faults.append(f"{name} falls to {low:.3g}; a share is not negative")
        dims = [str(dim) for dim in values.dims if dim != "time"]
        if not dims:
            continue
        total = values.sum(dims[-1])
        start = total.isel(time=0) if "time" in total.dims else total
        if bool((abs(start - 1) < SUM_LIKE).all()):
            summed += 1
            off = float(abs(total - 1).max())
            if off > EXACT:
                faults.append(f"{name} does not add to one over {dims[-1]}: off by {off:.3g}")
    measured = f"{len(names) + len(fixed)} shares, {summed} of them over a dimension that adds to one"
    return Verdict("shares", measured, tuple(faults))


def step(subject: Subject) -> Verdict:
    """The step is at most a quarter of the shortest time constant, and halving it hardly moves a stock."""
    constants = dict(_time_constants(subject))
    shortest = min(constants.values(), default=np.inf)
    faults = [
        f"{name} = {value:g} is shorter than {STEPS_IN_TIME_CONSTANT} steps of {subject.step:g}"
        for name, value in constants.items()
        if value < STEPS_IN_TIME_CONSTANT * subject.step * (1 - EXACT)
    ]
    moved = _halved(subject)
    faults += [
        f"{name} moves by {100 * value:.2g} % of its size when the step is halved (allowed {100 * HALVING:g} %)"
        for name, value in moved.items()
        if not value <= HALVING
    ]
    measured = f"step {subject.step:g}, shortest time constant {shortest:g}, halved: at most "
    return Verdict("integration error", measured + f"{100 * max(moved.values(), default=0.0):.2g} %", tuple(faults))


def _time_constants(subject: Subject) -> Iterator[tuple[str, float]]:
    """Constants in the unit of time that something is divided or delayed by."""
    clock = subject.source.elements["time_step"].units
    candidates = {name for name, one in subject.of_kind("constant").items() if one.units == clock}
    names = subject.source.names
    for divisor in {one for element in subject.source.elements.values() for one in _divisors(element)}:
        name = names.get(divisor, "")
        if name in candidates and name in subject.constants:
            yield name, float(subject.constants[name].min())


def _divisors(element: Element) -> Iterator[str]:
    for node in (node for part in element.parts for node in walk(part.node)):
        if kind_of(node) == "ArithmeticStructure" and "/" in node.operators:
            pairs = zip(node.operators, node.arguments[1:], strict=True)
            found = [argument for operator, argument in pairs if operator == "/"]
        else:
            found = [
                getattr(node, name) for name in ("delay_time", "smooth_time", "average_time") if hasattr(node, name)
            ]
        yield from (one.reference for one in found if kind_of(one) == "ReferenceStructure")


def _halved(subject: Subject) -> dict[str, float]:
    """Move of each stock when the step is halved, relative to its largest value."""
    names = [name for name in subject.of_kind("stock") if name in subject.outputs]
    if not names:
        return {}
    runs = [subject.model.run({**subject.params, "TIME STEP": subject.step / part}, names) for part in (1, 2)]
    sizes = {name: max(float(abs(runs[0][name]).max()), 1e-300) for name in names}
    return {name: float(abs(runs[1][name] - runs[0][name]).max()) / sizes[name] for name in names}


def dead(subject: Subject) -> Verdict:
    """Every constant changes something: as the model is, with everything awake, or with the switches thrown."""
    left = [name for name in subject.constants if name not in subject.source.subscripts]
    count = len(left)
    switched = {
        name: 1.0 - value
        for name, value in subject.constants.items()
        if "switch" in name.lower() and not value.dims and float(value) in (0.0, 1.0)
    }
    for state in (subject.params, subject.awake, {**subject.awake, **switched}):
        left = _without_effect(subject, state, left, 1 + NUDGE)
    for factor in FACTORS:
        left = _without_effect(subject, subject.awake, left, factor)
    faults = tuple(
        f"{name} (line {subject.of_kind('constant')[name].line}): whatever its value, nothing changes" for name in left
    )
    return Verdict("no dead parameter", f"{count} constants", faults)


def _without_effect(subject: Subject, state: Mapping[str, Value], names: list[str], factor: float) -> list[str]:
    """The constants among `names` whose change leaves every variable at every saved time as it was."""
    if not names:
        return []
    base = {
        name: xr.DataArray(state.get(name, value)).broadcast_like(value) for name, value in subject.constants.items()
    }
    series = {name: value for name, value in state.items() if name not in base}
    still = []
    for first in range(0, len(names), CHUNK):
        chunk = names[first : first + CHUNK]
        design = _nudged(base, chunk, factor)
        run = subject.model.ensemble(design, [*subject.outputs], params=series, times=subject.some_times)
        changed = np.zeros(len(chunk), dtype=bool)
        for name in subject.outputs:
            values = run[name].transpose("member", ...).values.reshape(len(chunk) + 1, -1)
            changed |= ~((values[1:] == values[0]) | np.isnan(values[1:])).all(axis=1)
        still += [name for name, one in zip(chunk, changed, strict=True) if not one]
    return still


def _nudged(base: Mapping[str, xr.DataArray], chunk: list[str], factor: float) -> xr.Dataset:
    """A design: the base state, and for each constant of the chunk a member with that constant times `factor`.

    A constant that is zero throughout is moved by `NUDGE` instead.
    """
    data = {}
    for name, value in base.items():
        times, plus = np.ones(len(chunk) + 1), np.zeros(len(chunk) + 1)
        if name in chunk:
            times[chunk.index(name) + 1] = factor
            plus[chunk.index(name) + 1] = 0.0 if value.any() else NUDGE
        data[name] = value * xr.DataArray(times, dims="member") + xr.DataArray(plus, dims="member")
    return xr.Dataset(data)


CHECKS: Mapping[str, Check] = {
    "units": units, "texts": texts, "sources": sources, "stocks": stocks, "finite": finite, "shares": shares,
    "step": step, "dead": dead,
}  # fmt: skip


def check(subject: Subject) -> Iterator[Verdict]:
    """Every verdict, as soon as it is known; a check that cannot run is a fault and not a crash."""
    for name, one in CHECKS.items():
        try:
            yield one(subject)
        except SimError as error:
            yield Verdict(name, "could not be run", (str(error),))
