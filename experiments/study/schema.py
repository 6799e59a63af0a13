"""The schema of a study file: a question to the model in YAML, checked completely before anything runs.

A study names allocation rules, policy mixes, uncertain inputs and their sampling, and the outputs to keep. A user's
file holds only what differs from the study that it `extends`; `--set path=value` overrides on top. The JSON Schema for
editors is docs/study.schema.json, written by `python tools/write_schema.py`.
"""

import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
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

from calibration.places import NATION, known_provinces
from models.indicators import Indicator, indicators, known_indicators
from models.plans import Plan, known_plans, plans
from models.reading.faults import refuse, shortened
from models.reading.names import Known, Spellings, choose, choose_all, choose_each, match, near
from models.reading.numbers import fraction
from models.reading.yaml_file import dump_yaml

Form = Literal["uniform", "normal", "lognormal", "triangular"]


@dataclass(frozen=True)
class Vocabulary:
    """The names that a study may use, and the bounds of constants; an empty list is not checked."""

    rules: Sequence[str] = ()
    mixes: Sequence[str] = ()
    constants: Sequence[str] = ()
    uncertain: Sequence[str] = ()
    variables: Sequence[str] = ()
    provinces: Sequence[str] = ()
    limits: Mapping[str, tuple[float, float]] = field(default_factory=dict)


def _vocabulary(info: ValidationInfo) -> Vocabulary:
    return (info.context or {}).get("vocabulary") or Vocabulary()


def _chosen(name: str, known: Known, what: str) -> str:
    """The known name with that spelling; the name itself where no names are known."""
    return choose(name, known, what) if known else name


class Part(BaseModel):
    """A frozen piece of a study; unknown keys are errors, and no value is converted silently."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


_PLANS_DESCRIBED = "Plan: " + ", ".join(f"{plan.key} (ends {plan.last_year})" for plan in plans().values()) + "."

_INDICATORS_DESCRIBED = "Indicators judged, the plan's own when left out: " + ", ".join(
    f"{one.key} ({one.metric})" for one in indicators().values()
)


def _until_the_last_plan(year: int) -> int:
    last = max(plan.last_year for plan in plans().values())
    if year > last:
        raise ValueError(f"got {year}, allowed: at most {last}")
    return year


Year = Annotated[int, AfterValidator(_until_the_last_plan)]
"""A year up to the end of the last plan."""


class Target(Part):
    """Which plan is judged, by which indicators; the first one leads the tables that hold one indicator."""

    plan: str = Field(default="p12", description=_PLANS_DESCRIBED, json_schema_extra={"enum": [*plans()]})
    indicators: list[str] = Field(
        min_length=1, description=_INDICATORS_DESCRIBED, json_schema_extra={"items": {"enum": [*indicators()]}}
    )
    national: FiniteFloat = Field(
        gt=0, description="National value of the first indicator, in its unit; the plan's when left out."
    )
    values: dict[str, FiniteFloat] = Field(
        default={}, description="National values of the further indicators; the plan's when left out."
    )

    @model_validator(mode="before")
    @classmethod
    def _as_the_plan_has_it(cls, given: Any) -> Any:
        """Values that are left out are the plan's own."""
        if not isinstance(given, dict):
            return given
        if isinstance(given.get("plan"), int):
            given = {**given, "plan": str(given["plan"])}  # 13 is as good a name as 13th
        key = match(given.get("plan", "p12"), known_plans())
        if key is None:
            return {"indicators": ["energy_intensity"], "national": 1.0, **given}  # the plan's name is the fault
        asked = given.get("indicators", [*plans()[key].indicators])
        filled = {**given, "indicators": [asked] if isinstance(asked, str) else asked}
        named = filled["indicators"] if isinstance(filled["indicators"], list) else []
        first = match(named[0], known_indicators()) if named else None
        if first is None:
            return {"national": 1.0, **filled}  # the indicator's name is the fault
        if "national" not in filled and first not in plans()[key].targets:
            raise ValueError(f"national: {_no_value(key, first)}; give it, for example national: 15")
        return {"national": plans()[key].targets.get(first), **filled}

    @field_validator("plan")
    @classmethod
    def _known(cls, name: str) -> str:
        return choose(name, known_plans(), "plan")

    @field_validator("indicators")
    @classmethod
    def _known_indicators(cls, names: list[str]) -> list[str]:
        chosen = choose_all(names, known_indicators(), "indicator")
        refuse(f"{name!r} appears twice" for name, times in Counter(chosen).items() if times > 1)
        return chosen

    @field_validator("values")
    @classmethod
    def _known_values(cls, given: dict[str, float]) -> dict[str, float]:
        chosen = choose_all(given, known_indicators(), "indicator")
        return dict(zip(chosen, given.values(), strict=True))

    @model_validator(mode="after")
    def _valued(self) -> "Target":
        lead, *others = self.indicators
        faults = [_fault_of_value(lead, self.national, "national")]
        for key in others:
            value = self.values.get(key, self.period.targets.get(key))
            faults.append(
                f"values: {_no_value(self.plan, key)}; give it, for example values: {{{key}: 15}}"
                if value is None
                else _fault_of_value(key, value, f"values.{key}")
            )
        faults += [
            f"values.{key}: not among the indicators asked for beside the first: {', '.join(others) or 'none'}"
            for key in self.values
            if key not in others
        ]
        refuse(faults)
        return self

    @property
    def period(self) -> Plan:
        """The plan's years and national targets."""
        return plans()[self.plan]

    @property
    def asked(self) -> list[Indicator]:
        """The indicators asked for, the leading one first."""
        return [indicators()[key] for key in self.indicators]

    @property
    def leading(self) -> Indicator:
        """The indicator that tables of one indicator are about."""
        return indicators()[self.indicators[0]]

    def value(self, key: str) -> float:
        """The national value of an indicator that is asked for, in its unit."""
        if key == self.indicators[0]:
            return self.national
        return self.values[key] if key in self.values else self.period.targets[key]


def _no_value(plan: str, key: str) -> str:
    own = ", ".join(f"{name} {value:g}" for name, value in plans()[plan].targets.items())
    return f"the {plans()[plan].ordinal} plan has no national value of {key} (it has {own})"


def _fault_of_value(key: str, value: float, where: str) -> str | None:
    """What is wrong with an indicator's value, or None."""
    kind = indicators()[key].kind
    most, least = 1e7 if kind == "cap" else 99.0, _LEAST_PERCENT.get(kind, 0.0)
    if 0 < value < most and value >= least:
        return None
    from_here = f"{least:g} or more" if least else "more than 0"
    return f"{where}: got {value:g} for {key}, allowed: {from_here} and below {most:g}{fraction(value, least)}"


_LEAST_PERCENT = {"cut": 1.0, "floor": 1.0, "growth": 0.2}
"""Values in per cent below which a fraction was meant: 0.16 for 16 %, 0.05 for a growth of 5 %."""


class AllocationChoice(Part):
    """One rule that shares the national target out among the provinces."""

    rule: str = Field(
        description="Name of the rule (official, uniform, s1, per-head, …), or path of a Python file with a rule of "
        "your own (relative to the study file)."
    )
    name: str = Field(default="", description="Label in results; the rule's or file's name when left out.")
    options: dict[str, Any] = Field(default={}, description="Options of the rule.")
    level: Literal["basic", "incentive"] = Field(
        default="basic", description="Level of the official targets: basic binds, incentive is hoped for (plan 14)."
    )

    @field_validator("rule")
    @classmethod
    def _known(cls, rule: str, info: ValidationInfo) -> str:
        return rule if rule.endswith(".py") else _chosen(rule, _vocabulary(info).rules, "allocation rule")

    @property
    def label(self) -> str:
        """The coordinate value in results."""
        return self.name or (Path(self.rule).stem if self.rule.endswith(".py") else self.rule)


class MixChoice(Part):
    """One policy mix."""

    mix: str = Field(description="Name of a shipped mix, or path of a mix file (relative to the study file).")
    name: str = Field(default="", description="Label in results; the mix's name when left out.")

    @field_validator("mix")
    @classmethod
    def _known(cls, mix: str, info: ValidationInfo) -> str:
        is_file = Path(mix).suffix in {".yaml", ".yml"}
        return mix if is_file else _chosen(mix, _vocabulary(info).mixes, "policy mix")

    @property
    def label(self) -> str:
        """The coordinate value in results."""
        return self.name or (Path(self.mix).stem if "." in self.mix else self.mix)


class Distribution(Part):
    """An uncertain input's distribution; a value that is left out is that of models/parameters.csv."""

    distribution: Form | None = Field(default=None, description="Its form.")
    default: FiniteFloat | None = Field(default=None, description="Central value (mode of a triangular distribution).")
    low: FiniteFloat | None = Field(default=None, description="Lower end of the range.")
    high: FiniteFloat | None = Field(default=None, description="Upper end of the range.")

    draw: Literal["each", "common"] | None = Field(
        default=None,
        description="Of a constant by sector, province or lever: one draw for each element, or one common to all; when "
        "left out, each where the elements' defaults differ, else common.",
    )

    def values(self) -> list[float]:
        """The numbers that are given."""
        return [value for value in (self.low, self.default, self.high) if value is not None]

    @model_validator(mode="after")
    def _ordered(self) -> "Distribution":
        given = self.values()
        if given != sorted(given) or (self.low is not None and self.low == self.high):
            named = {"low": self.low, "default": self.default, "high": self.high}
            got = ", ".join(f"{name} {value:g}" for name, value in named.items() if value is not None)
            raise ValueError(f"got {got}, allowed: low ≤ default ≤ high and low < high")
        return self


class Sampling(Part):
    """How members are drawn."""

    method: Literal["sobol", "latin", "random"] = Field(default="sobol", description="Design of the uncertain inputs.")
    posterior: bool = Field(default=True, description="Draw calibrated parameters (false: their centre).")
    predictive_error: bool = Field(default=True, description="Add predictive errors to intensity, GDP, energy and CO2.")


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
    last_year: Year = Field(default=2030, ge=2015, description="Last year of quantiles and trajectories.")

    @field_validator("quantiles")
    @classmethod
    def _rising(cls, levels: list[float]) -> list[float]:
        if levels != sorted(set(levels)):
            raise ValueError(f"got {levels}, allowed: rising levels, each once")
        return levels

    @field_validator("members")
    @classmethod
    def _once(cls, members: list[int]) -> list[int]:
        refuse(f"{member} appears twice" for member, times in Counter(members).items() if times > 1)
        return members

    @field_validator("variables")
    @classmethod
    def _known(cls, names: list[str], info: ValidationInfo) -> list[str]:
        known = _vocabulary(info).variables
        chosen = choose_all(names, known, "model variable") if known else names
        refuse(f"{name!r} appears twice" for name, times in Counter(chosen).items() if times > 1)
        return chosen


class Goal(Part):
    """The value that an indicator is to achieve by a year, counted from the plan's base year."""

    year: Year = Field(ge=2006, description="Year by which it is to be reached.")
    indicator: str = Field(
        default="energy_intensity",
        description="Indicator; that of energy per GDP when left out.",
        json_schema_extra={"enum": [key for key, one in indicators().items() if one.kind != "cap"]},
    )
    reduction: FiniteFloat = Field(
        gt=0, lt=100, description="Fall since the base year, least share, or least yearly growth since then, per cent."
    )

    @field_validator("indicator")
    @classmethod
    def _known(cls, name: str) -> str:
        key = choose(name, known_indicators(), "indicator")
        if indicators()[key].kind == "cap":
            raise ValueError(f"got {name}, which caps a total; allowed: cuts, shares and growth")
        return key


class PolicyChoice(Part):
    """A policy mix decomposed into options and packages: costs, contributions, indirect effects."""

    province: str = Field(default=NATION, description="Province that the report shows; tables hold every one.")
    mix: str = Field(default="", description="Label of the study's mix that is taken apart; left out: its last.")
    members: int = Field(default=48, ge=2, description="At most so many of the run's members are used.")
    goals: list[Goal] = Field(default=[], description="Goals by year and indicator, the plan's and later ones.")

    @field_validator("province")
    @classmethod
    def _known(cls, province: str, info: ValidationInfo) -> str:
        return _chosen(province, known_provinces(_vocabulary(info).provinces), "province")


class SensitivityChoice(Part):
    """Which inputs decide the margin, and hit or miss, in the study's first allocation and mix."""

    runs: int = Field(default=32_000, ge=4_000, description="Model runs of each Sobol' design.")
    trajectories: int = Field(default=16, ge=4, description="Morris trajectories of the screening.")


def _named(key: str) -> BeforeValidator:
    """A plain name stands for the piece with that name."""
    return BeforeValidator(lambda value: {key: value} if isinstance(value, str) else _labelled(value))


FORMULA = ("=", "+", "-", "@")
"""Beginnings that a spreadsheet takes for a formula."""


def _labelled(value: Any) -> Any:
    """`label` is another word for `name`; no label begins as a formula."""
    if not isinstance(value, dict):
        return value
    found = {"name" if key == "label" and "name" not in value else key: inner for key, inner in value.items()}
    label = found.get("name")
    if isinstance(label, str) and label.strip().startswith(FORMULA):
        raise ValueError(
            f"got the label {shortened(label)}, allowed: one that does not begin with = + - @, "
            "which a spreadsheet takes for a formula"
        )
    return found


class Study(Part):
    """Everything a run depends on beside the model and the data."""

    name: str = Field(
        pattern=r"^[a-z0-9][a-z0-9-]{0,47}$", description="Short name, the beginning of the run's folder."
    )
    title: str = Field(default="", description="One sentence for the report.")
    title_zh: str = Field(default="", description="The same in Chinese, for the Chinese report.")
    members: int = Field(ge=2, le=10_000_000, description="Draws of the uncertain inputs.")
    seed: int = Field(ge=1, lt=2**63, description="Root seed of everything random.")
    target: Target = Field(
        default=Target.model_validate({}), description="The plan, its indicators and the national targets."
    )
    allocations: list[Annotated[AllocationChoice, _named("rule")]] = Field(
        min_length=1, description="Allocation rules, each a name or a mapping."
    )
    assigned: dict[str, dict[str, FiniteFloat]] = Field(
        default={},
        description="Official numbers in place of shares: province → value of the first indicator, or by indicator.",
    )
    mixes: list[Annotated[MixChoice, _named("mix")]] = Field(
        min_length=1, description="Policy mixes, each a name or a mapping."
    )
    provinces: list[str] = Field(default=[], description="Provinces that are run; all when left out.")
    data: str = Field(
        default="", description="Folder of a data package or a region pack (relative to the study file), or shipped."
    )
    model: list[str] = Field(
        default=[],
        description="Model file in place of the shipped one, or several as alternatives (`shipped` names that one).",
    )
    projects: str = Field(default="", description="CSV table of large projects: name, province, start, energy.")
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

    def __eq__(self, other: object) -> bool:
        """Studies with the same content are equal, wherever their files are."""
        return isinstance(other, Study) and self.model_dump() == other.model_dump()

    __hash__ = None  # type: ignore[assignment]

    @field_validator("allocations", "mixes")
    @classmethod
    def _distinct(cls, choices: list[AllocationChoice] | list[MixChoice]) -> list[AllocationChoice] | list[MixChoice]:
        labels = [choice.label for choice in choices]
        refuse(
            f"the label {label!r} appears {labels.count(label)} times; give each a `name` of its own"
            for label in dict.fromkeys(labels)
            if labels.count(label) > 1
        )
        return choices

    @field_validator("model", mode="before")
    @classmethod
    def _one_or_several(cls, given: Any) -> Any:
        return [given] if isinstance(given, str) else given

    @field_validator("provinces")
    @classmethod
    def _chosen_provinces(cls, names: list[str], info: ValidationInfo) -> list[str]:
        words = _vocabulary(info).provinces
        if not words:
            return names
        known = [name for name in words if name != NATION]
        chosen = choose_all(names, known_provinces(known), "province")
        refuse(f"{name!r} appears twice" for name, times in Counter(chosen).items() if times > 1)
        return [name for name in known if name in chosen]

    @field_validator("assigned", mode="before")
    @classmethod
    def _of_the_first(cls, given: Any, info: ValidationInfo) -> Any:
        """A plain number is the value of the first indicator."""
        target = info.data.get("target")
        if not isinstance(given, dict) or not isinstance(target, Target):
            return given
        plain = {name: {target.indicators[0]: value} for name, value in given.items() if isinstance(value, int | float)}
        return {**given, **plain}

    @field_validator("assigned")
    @classmethod
    def _assignable(cls, given: dict[str, dict[str, float]], info: ValidationInfo) -> dict[str, dict[str, float]]:
        known = [name for name in _vocabulary(info).provinces if name != NATION]
        places = choose_all(given, known_provinces(known), "province") if known else list(given)
        refuse(f"{place!r} appears twice" for place, times in Counter(places).items() if times > 1)
        target = info.data.get("target")
        judged = target.indicators if isinstance(target, Target) else [*indicators()]
        found, faults = {}, []
        for place, values in zip(places, given.values(), strict=True):
            keys = choose_all(
                values, Spellings({key: known_indicators()[key] for key in judged}), "indicator asked for"
            )
            found[place] = dict(zip(keys, values.values(), strict=True))
            faults += [_fault_of_value(key, value, place) for key, value in found[place].items()]
        refuse(faults)
        return found

    @field_validator("parameters", "uncertain")
    @classmethod
    def _known(cls, given: dict[str, Any], info: ValidationInfo) -> dict[str, Any]:
        words = _vocabulary(info)
        known = words.constants if info.field_name == "parameters" else words.uncertain
        what = "model constant" if info.field_name == "parameters" else "uncertain input"
        chosen = choose_all(given, known, what) if known else list(given)
        refuse(f"{name!r} appears twice" for name, times in Counter(chosen).items() if times > 1)
        values = dict(zip(chosen, given.values(), strict=True))
        refuse(
            f"{name!r}: got {number:g}, allowed: {low:g} to {high:g}"
            for name, value in values.items()
            for low, high in [words.limits.get(name, (-math.inf, math.inf))]
            for number in (value.values() if isinstance(value, Distribution) else [value])
            if not low <= number <= high
        )
        return values

    @model_validator(mode="after")
    def _consistent(self) -> "Study":
        end = self.target.period.last_year
        late = [n for n in self.outputs.members if n >= self.members]
        labels = [mix.label for mix in self.mixes]
        both = sorted(set(self.parameters) & set(self.uncertain))
        refuse(
            [
                f"outputs.members names {late}, but members are numbered 0 to {self.members - 1}" if late else None,
                f"policy.mix is {self.policy.mix!r}{near(self.policy.mix, labels)}; allowed: {', '.join(labels)}"
                if self.policy and self.policy.mix and self.policy.mix not in labels
                else None,
                *(
                    f"allocation {choice.label}: the plan {self.target.period.name} has no level {choice.level!r}; "
                    f"allowed: {', '.join(self.target.period.levels)}"
                    for choice in self.allocations
                    if choice.level not in self.target.period.levels
                ),
                f"{', '.join(both)}: both fixed in `parameters` and drawn in `uncertain`; keep one" if both else None,
                f"policy.province is {self.policy.province!r}, which is none of `provinces`"
                if self.policy and self.provinces and self.policy.province not in {*self.provinces, NATION}
                else None,
                f"outputs.last_year is {self.outputs.last_year}, before the plan ends in {end}"
                if self.outputs.last_year < end
                else None,
            ]
        )
        return self

    def scenario(self, allocation: str | None = None, mix: str | None = None) -> tuple[str, str]:
        """The labels of an allocation and a mix of this study, the first where none is asked for. Raises InputError."""
        rules, mixes = [choice.label for choice in self.allocations], [choice.label for choice in self.mixes]
        asked = ((allocation or rules[0], rules, "allocation"), (mix or mixes[0], mixes, "mix"))
        chosen = choose_each((name, known, f"{what} of the study {self.name}") for name, known, what in asked)
        return chosen[0], chosen[1]

    @property
    def folder(self) -> Path:
        """Where paths inside the study start from: the folder of its file."""
        return self._folder

    def path(self, text: str) -> Path:
        """A path that stands in the study, from the folder that its paths start from."""
        return self._folder / text

    def text(self) -> str:
        """The resolved study as YAML, every default written out; `resolved` reads it back."""
        return dump_yaml(self.model_dump())


def schema() -> str:
    """The JSON Schema of a study file (which may also `extends`), as text."""
    described = Study.model_json_schema()
    described["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    described["title"] = "tanlu study"
    described["properties"] = {
        "extends": {"type": "string", "description": "Name or path of the study that this one differs from."},
        **described["properties"],
    }
    one_or_several = described["properties"]["model"]
    one_or_several["anyOf"] = [
        {"type": "string"},
        {"type": one_or_several.pop("type"), "items": one_or_several.pop("items")},
    ]
    for key, piece in (("allocations", "AllocationChoice"), ("mixes", "MixChoice")):
        described["properties"][key]["items"] = {"anyOf": [{"type": "string"}, {"$ref": f"#/$defs/{piece}"}]}
    # A file that extends another may leave out what the other says.
    described["anyOf"] = [{"required": described.pop("required")}, {"required": ["extends"]}]
    return json.dumps(described, indent=2, ensure_ascii=False) + "\n"
