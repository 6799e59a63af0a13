"""What a planner has set in the explorer: checked whole, small enough for a link."""

from collections.abc import Mapping, Sequence
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, ValidationError

from calibration.places import NATION
from models.reading.faults import InputError, refuse
from models.reading.names import refusal

Name = Annotated[str, Field(max_length=80)]


class State(BaseModel):
    """Levers and assumptions that were moved; everything else stands as the study has it.

    where: "China" moves the levers of all provinces, a province's name only its own.
    levers: lever → strength (0 no new policy … 1 historical best). assumptions: parameter → value in its own unit.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    rule: Name
    where: Name = NATION
    levers: dict[Name, Annotated[FiniteFloat, Field(ge=0, le=1)]] = Field(default={}, max_length=64)
    assumptions: dict[Name, FiniteFloat] = Field(default={}, max_length=200)


def checked(
    data: object,
    rules: Sequence[str],
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
    names = [(state.rule, rules, "rule"), (state.where, [NATION, *provinces], "province")]
    names += [(name, levers, "lever") for name in state.levers]
    names += [(name, list(ranges), "assumption") for name in state.assumptions]
    faults = [refusal(name, known, what) for name, known, what in names if name not in known]
    faults += [
        f"{name} is {value:g}, allowed: {ranges[name][0]:g} to {ranges[name][1]:g}"
        for name, value in state.assumptions.items()
        if name in ranges and not ranges[name][0] <= value <= ranges[name][1]
    ]
    refuse(faults)
    return state
