"""The state of the explorer's controls: checked completely, small enough for a link."""

from collections.abc import Mapping, Sequence
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, ValidationError

from models.reading.faults import InputError, refuse
from models.reading.names import refusal

Name = Annotated[str, Field(max_length=80)]
Strength = Annotated[FiniteFloat, Field(ge=0, le=1)]


class State(BaseModel):
    """The controls that were moved; all others are as the study and the preset have them.

    Attributes:
        rule: allocation rule by its label.
        preset: policy mix by its label: strengths, schedule and delivery of all levers.
        targets: province → its target of energy intensity, per cent, in place of the rule's.
        levers: lever → strength in all provinces (0 no new policy … 1 realistic maximum).
        own: province → lever → strength there alone, which goes before `levers`.
        assumptions: parameter → value in its own unit, for all members.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    rule: Name
    preset: Name
    targets: dict[Name, Annotated[FiniteFloat, Field(ge=0, le=60)]] = Field(default={}, max_length=40)
    levers: dict[Name, Strength] = Field(default={}, max_length=64)
    own: dict[Name, dict[Name, Strength]] = Field(default={}, max_length=40)
    assumptions: dict[Name, FiniteFloat] = Field(default={}, max_length=200)


def checked(
    data: object,
    rules: Sequence[str],
    presets: Sequence[str],
    provinces: Sequence[str],
    levers: Sequence[str],
    ranges: Mapping[str, tuple[float, float]],
) -> State:
    """A state that this explorer can compute. Raises InputError with every fault.

    ranges: parameter → (low, high) that its assumption may take.
    """
    try:
        state = State.model_validate(data)
    except ValidationError as found:
        raise InputError([f"{'.'.join(map(str, e['loc']))[:80]}: {e['msg']}" for e in found.errors()[:20]]) from found
    names = [(state.rule, rules, "rule"), (state.preset, presets, "preset")]
    names += [(name, provinces, "province") for name in [*state.targets, *state.own]]
    names += [(name, levers, "lever") for own in [state.levers, *state.own.values()] for name in own]
    names += [(name, list(ranges), "assumption") for name in state.assumptions]
    faults = [refusal(name, known, what) for name, known, what in names if name not in known]
    faults += [
        f"{name} is {value:g}, allowed: {ranges[name][0]:g} to {ranges[name][1]:g}"
        for name, value in state.assumptions.items()
        if name in ranges and not ranges[name][0] <= value <= ranges[name][1]
    ]
    refuse(faults)
    return state
