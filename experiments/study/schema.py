"""Study files: what is asked of the model, in YAML, checked whole before anything runs.

A study names allocation rules, policy mixes, uncertain inputs and their sampling, and the outputs to keep. A user's
file holds only what differs from the study that it `extends`; `--set path=value` overrides on top. The JSON Schema for
editors is docs/study.schema.json, written by `python tools/write_schema.py`.
"""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    FiniteFloat,
    PrivateAttr,
    ValidationInfo,
    field_validator,
    model_validator,
)

from calibration.errors import nearest
from models.plans import PLANS

Plan = Literal["p11", "p12", "p13", "p14"]
Form = Literal["uniform", "normal", "lognormal", "triangular"]


@dataclass(frozen=True)
class Vocabulary:
    """The names a study may use; an empty set of names is not checked."""

    rules: Sequence[str] = ()
    mixes: Sequence[str] = ()
    constants: Sequence[str] = ()
    uncertain: Sequence[str] = ()
    variables: Sequence[str] = ()
    provinces: Sequence[str] = ()

    def fault(self, what: str, name: str, allowed: Sequence[str]) -> str | None:
        """The sentence for a name that is not allowed, None for one that is."""
        if not allowed or name in allowed:
            return None
        listed = ", ".join(allowed) if len(allowed) <= 20 else f"one of {len(allowed)} names"
        return f"unknown {what} {name!r}{nearest(name, allowed)}; allowed: {listed}"


def _vocabulary(info: ValidationInfo) -> Vocabulary:
    return (info.context or {}).get("vocabulary") or Vocabulary()


def _refuse(faults: Iterable[str | None]) -> None:
    """Raise the faults there are as one ValueError, a line each."""
    if found := [fault for fault in faults if fault]:
        raise ValueError("\n".join(found))


class Part(BaseModel):
    """A frozen piece of a study; unknown keys are errors, and no value is converted silently."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Target(Part):
    """Which plan's reduction of energy intensity is judged."""

    plan: Plan = Field(default="p12", description="Plan: p11 (ends 2010), p12 (2015), p13 (2020), p14 (2025).")
    national: FiniteFloat = Field(default=16.0, gt=0, lt=60, description="National reduction over the plan, per cent.")


class AllocationChoice(Part):
    """One rule that shares the national target out among the provinces."""

    rule: str = Field(description="Name of the rule: official, draft, uniform, s1, s2, s3, triptych, csv, …")
    name: str = Field(default="", description="Label in results; the rule's name when left out.")
    options: dict[str, Any] = Field(default={}, description="Options of the rule.")

    @field_validator("rule")
    @classmethod
    def _known(cls, rule: str, info: ValidationInfo) -> str:
        words = _vocabulary(info)
        _refuse([words.fault("allocation rule", rule, words.rules)])
        return rule

    @property
    def label(self) -> str:
        """The coordinate value in results."""
        return self.name or self.rule


class MixChoice(Part):
    """One policy mix."""

    mix: str = Field(description="Name of a shipped mix, or path of a mix file (relative to the study file).")
    name: str = Field(default="", description="Label in results; the mix's name when left out.")

    @field_validator("mix")
    @classmethod
    def _known(cls, mix: str, info: ValidationInfo) -> str:
        words = _vocabulary(info)
        is_file = Path(mix).suffix in {".yaml", ".yml"}
        _refuse([None if is_file else words.fault("policy mix", mix, words.mixes)])
        return mix

    @property
    def label(self) -> str:
        """The coordinate value in results."""
        return self.name or (Path(self.mix).stem if "." in self.mix else self.mix)


class Distribution(Part):
    """An uncertain input's distribution where it differs from models/parameters.csv; what is left out stays."""

    distribution: Form | None = Field(default=None, description="Its form.")
    default: FiniteFloat | None = Field(default=None, description="Central value (mode of a triangular distribution).")
    low: FiniteFloat | None = Field(default=None, description="Lower end of the range.")
    high: FiniteFloat | None = Field(default=None, description="Upper end of the range.")

    @model_validator(mode="after")
    def _ordered(self) -> "Distribution":
        given = [v for v in (self.low, self.default, self.high) if v is not None]
        if given != sorted(given) or (self.low is not None and self.low == self.high):
            named = {"low": self.low, "default": self.default, "high": self.high}
            got = ", ".join(f"{name} {value:g}" for name, value in named.items() if value is not None)
            raise ValueError(f"got {got}, allowed: low ≤ default ≤ high and low < high")
        return self


class Sampling(Part):
    """How members are drawn."""

    method: Literal["sobol", "latin", "random"] = Field(default="sobol", description="Design of the uncertain inputs.")
    posterior: bool = Field(default=True, description="Draw calibrated parameters (false: their centre).")
    predictive_error: bool = Field(default=True, description="Add predictive errors to reductions.")


class Outputs(Part):
    """What is kept of each member beside the target metrics."""

    quantiles: list[Annotated[float, Field(gt=0, lt=1)]] = Field(
        default=[0.025, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.975], min_length=1, description="Levels, rising."
    )
    variables: list[str] = Field(
        min_length=1, description="Model variables kept as quantiles and trajectories, by year."
    )
    trajectories: int = Field(default=11, ge=2, le=200, description="How many representative members keep whole paths.")
    members: list[Annotated[int, Field(ge=0)]] = Field(default=[], description="Members to keep instead of those.")
    quantile_members: int = Field(default=4096, ge=2, description="Quantiles by year use at most this many.")
    last_year: int = Field(default=2030, ge=2015, le=2030, description="Last year of quantiles and trajectories.")

    @field_validator("quantiles")
    @classmethod
    def _rising(cls, levels: list[float]) -> list[float]:
        if levels != sorted(set(levels)):
            raise ValueError(f"got {levels}, allowed: rising levels, each once")
        return levels

    @field_validator("members")
    @classmethod
    def _once(cls, members: list[int]) -> list[int]:
        _refuse(f"{member} stands twice" for member, times in Counter(members).items() if times > 1)
        return members

    @field_validator("variables")
    @classmethod
    def _known(cls, names: list[str], info: ValidationInfo) -> list[str]:
        words = _vocabulary(info)
        twice = [f"{name!r} stands twice" for name in dict.fromkeys(names) if names.count(name) > 1]
        _refuse([*(words.fault("model variable", name, words.variables) for name in names), *twice])
        return names


class Goal(Part):
    """A fall of energy intensity since the plan's base year that is asked for by a year."""

    year: int = Field(ge=2006, le=2030, description="Year by which it is to be reached.")
    reduction: FiniteFloat = Field(gt=0, lt=100, description="Reduction since the plan's base year, per cent.")


class PolicyChoice(Part):
    """A policy mix taken apart into options and packages: costs, contributions, indirect effects."""

    province: str = Field(default="China", description="Province it is done for; China: the sum of provinces.")
    mix: str = Field(default="full", description="Label of the study's mix that is taken apart.")
    members: int = Field(default=48, ge=2, description="At most so many of the run's members are used.")
    goals: list[Goal] = Field(default=[], description="Goals for energy intensity, the plan's and later ones.")

    @field_validator("province")
    @classmethod
    def _known(cls, province: str, info: ValidationInfo) -> str:
        words = _vocabulary(info)
        _refuse([words.fault("province", province, words.provinces)])
        return province


class SensitivityChoice(Part):
    """Which inputs decide the margin, and hit or miss, in the study's first allocation and mix."""

    runs: int = Field(default=32_000, ge=4_000, description="Model runs of each Sobol' design.")
    trajectories: int = Field(default=16, ge=4, description="Morris trajectories of the screening.")


def _named(key: str) -> BeforeValidator:
    """A plain name stands for the piece with that name."""
    return BeforeValidator(lambda value: {key: value} if isinstance(value, str) else value)


class Study(Part):
    """Everything a run depends on beside the model and the data."""

    name: str = Field(
        pattern=r"^[a-z0-9][a-z0-9-]{0,47}$", description="Short name, the beginning of the run's folder."
    )
    title: str = Field(default="", description="One sentence for the report.")
    title_zh: str = Field(default="", description="The same in Chinese, for the Chinese report.")
    members: int = Field(ge=2, le=10_000_000, description="Draws of the uncertain inputs.")
    seed: int = Field(ge=1, lt=2**63, description="Root seed of everything random.")
    target: Target = Field(default=Target(), description="The plan and the national target.")
    allocations: list[Annotated[AllocationChoice, _named("rule")]] = Field(
        min_length=1, description="Allocation rules, each a name or a mapping."
    )
    mixes: list[Annotated[MixChoice, _named("mix")]] = Field(
        min_length=1, description="Policy mixes, each a name or a mapping."
    )
    parameters: dict[str, FiniteFloat] = Field(
        default={}, description="Model constants set alike in all members (switches, …)."
    )
    uncertain: dict[str, Distribution] = Field(default={}, description="Uncertain inputs whose distribution differs.")
    sampling: Sampling = Field(default=Sampling(), description="Design of the members and what is added to them.")
    policy: PolicyChoice | None = Field(default=None, description="Policy analyses; none when left out.")
    sensitivity: SensitivityChoice | None = Field(default=None, description="What decides; not asked when left out.")
    hindcast: bool = Field(default=False, description="The skill card of 2011-2015 from data to 2010, for the report.")
    outputs: Outputs = Field(description="What is kept beside the target metrics of every member.")

    _folder: Path = PrivateAttr(default=Path())

    @field_validator("allocations", "mixes")
    @classmethod
    def _distinct(cls, choices: list[AllocationChoice] | list[MixChoice]) -> list[AllocationChoice] | list[MixChoice]:
        labels = [choice.label for choice in choices]
        _refuse(
            f"the label {label!r} stands {labels.count(label)} times; give each a `name` of its own"
            for label in dict.fromkeys(labels)
            if labels.count(label) > 1
        )
        return choices

    @field_validator("parameters", "uncertain")
    @classmethod
    def _known(cls, given: dict[str, Any], info: ValidationInfo) -> dict[str, Any]:
        words = _vocabulary(info)
        allowed = words.constants if info.field_name == "parameters" else words.uncertain
        what = "model constant" if info.field_name == "parameters" else "uncertain input"
        _refuse(words.fault(what, name, allowed) for name in given)
        return given

    @model_validator(mode="after")
    def _consistent(self) -> "Study":
        _, _, end = PLANS[self.target.plan]
        late = [n for n in self.outputs.members if n >= self.members]
        labels = [mix.label for mix in self.mixes]
        absent = self.policy is not None and self.policy.mix not in labels
        both = sorted(set(self.parameters) & set(self.uncertain))
        _refuse(
            [
                f"outputs.members names {late}, but members are numbered 0 to {self.members - 1}" if late else None,
                f"policy.mix is {self.policy.mix!r}{nearest(self.policy.mix, labels)}; allowed: {', '.join(labels)}"
                if self.policy and absent
                else None,
                f"{', '.join(both)}: both fixed in `parameters` and drawn in `uncertain`; keep one" if both else None,
                f"outputs.last_year is {self.outputs.last_year}, before the plan ends in {end}"
                if self.outputs.last_year < end
                else None,
            ]
        )
        return self

    def heading(self, lang: Literal["en", "zh"]) -> str:
        """The title in a language; in the other one, or the name, where the study has none."""
        titles = (self.title, self.title_zh)
        return next(filter(None, titles if lang == "en" else titles[::-1]), self.name)

    @property
    def folder(self) -> Path:
        """Where paths inside the study start from: the folder of its file."""
        return self._folder

    def text(self) -> str:
        """The resolved study as YAML, every default written out; `resolved` reads it back."""
        return yaml.safe_dump(self.model_dump(), sort_keys=False, allow_unicode=True)


def schema() -> str:
    """The JSON Schema of a study file (which may also `extends`), as text."""
    described = Study.model_json_schema()
    described["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    described["title"] = "tanlu study"
    described["properties"] = {
        "extends": {"type": "string", "description": "Name or path of the study that this one differs from."},
        **described["properties"],
    }
    for key, piece in (("allocations", "AllocationChoice"), ("mixes", "MixChoice")):
        described["properties"][key]["items"] = {"anyOf": [{"type": "string"}, {"$ref": f"#/$defs/{piece}"}]}
    # A file that extends another may leave out what the other says.
    described["anyOf"] = [{"required": described.pop("required")}, {"required": ["extends"]}]
    return json.dumps(described, indent=2, ensure_ascii=False) + "\n"
