"""Study files: what is asked of the model, in YAML, checked whole before anything runs.

A study names allocation rules, policy mixes, uncertain inputs and their sampling, and the outputs to keep. A user's
file holds only what differs from the study that it `extends`; `--set path=value` overrides on top. The JSON Schema for
editors is docs/study.schema.json, written by `python -m experiments.study`.
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import yaml
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    FiniteFloat,
    PrivateAttr,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from experiments.errors import InputError, nearest
from experiments.yaml_source import Source, override, read, shortened

STUDIES = Path(__file__).parent / "studies"
DEFAULT = "twelfth-plan"
Plan = Literal["p11", "p12", "p13", "p14"]
Form = Literal["uniform", "normal", "lognormal", "triangular"]
PLANS: Mapping[str, tuple[str, int, int]] = {
    "p11": ("11FYP", 2005, 2010),
    "p12": ("12FYP", 2010, 2015),
    "p13": ("13FYP", 2015, 2020),
    "p14": ("14FYP", 2020, 2025),
}
"""Five-year plans: the name used in tables, the base year that a reduction counts from, the last year."""


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


def names() -> list[str]:
    """The shipped studies."""
    return sorted(path.stem for path in STUDIES.glob("*.yaml"))


def load(
    name_or_path: str | Path = DEFAULT, overrides: Sequence[str] = (), vocabulary: Vocabulary | None = None
) -> Study:
    """A study, by the name of a shipped one or by path, with its `extends` and `--set` overrides resolved.

    overrides: `path=value`, the path with dots (`sampling.method=latin`, `mixes.0=full`), the value in YAML.
    vocabulary: the names that are allowed; default: those of this installation (`vocabulary()`).
    Raises InputError with every fault at once, each with its place.
    """
    path = _find(name_or_path)
    source, faults = _with_bases(path, ())
    if any(text.startswith("title=") for text in overrides):
        source.data.pop("title_zh", None)
    faults += [fault for text in overrides if (fault := override(source, text))]
    words = _installed() if vocabulary is None else vocabulary
    study, invalid = _validated(source, words)
    if faults:  # what could not be read is not also called missing
        invalid = [fault for fault in invalid if not fault.endswith(MISSING)]
    if faults or study is None:
        raise InputError(faults + invalid)
    study._folder = path.parent
    return study


def resolved(path: Path) -> Study:
    """A study that `Study.text` wrote. Raises InputError when somebody damaged it."""
    source, faults = read(path)
    study, invalid = _validated(source, Vocabulary())
    if faults or study is None:
        raise InputError(faults + invalid)
    return study


def _find(name_or_path: str | Path) -> Path:
    path = Path(name_or_path)
    shipped = STUDIES / f"{name_or_path}.yaml"
    what = "does not exist"
    with suppress(OSError):  # a name too long for the system is no file
        if path.is_file():
            return path
        if path.suffix == "" and shipped.is_file():
            return shipped
        what = "is a folder" if path.is_dir() else "is not a file" if path.exists() else what
    raise InputError(
        f"study {shortened(str(name_or_path))} {what}{nearest(str(name_or_path), names())}; "
        f"give the path of a YAML file or one of: {', '.join(names())}"
    )


def _with_bases(path: Path, seen: tuple[Path, ...]) -> tuple[Source, list[str]]:
    """The file laid over what it extends, and the faults of reading them."""
    if path.resolve() in seen:
        circle = " → ".join(p.name for p in (*seen, path.resolve()))
        return Source({}), [f"{path.name}: `extends` goes in a circle: {circle}"]
    source, faults = read(path)
    base = source.data.pop("extends", None)
    if base is None:
        return source, faults
    place = source.place(("extends",))
    if not isinstance(base, str):
        return source, [*faults, f"{place}: extends: got {base!r}, allowed: the name or path of one study"]
    try:
        beside = path.parent / base
        parent, more = _with_bases(beside if beside.is_file() else _find(base), (*seen, path.resolve()))
    except InputError as fault:
        return source, [*faults, f"{place}: extends: {fault}"]
    if "title" in source.data and "title_zh" not in source.data:
        parent.data.pop("title_zh", None)  # it names the other study
    return source.under(parent), faults + more


def _validated(source: Source, words: Vocabulary) -> tuple[Study | None, list[str]]:
    try:
        return Study.model_validate(source.data, context={"vocabulary": words}), []
    except ValidationError as found:
        faults = [_sentence(error) for error in found.errors(include_url=False)]
        return None, [
            ": ".join(filter(None, (source.place(path), ".".join(map(str, path)), line)))
            for path, text in faults
            for line in text.split("\n")
        ]


MISSING = "is missing"
EXPECTED = {
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "finite_number": "a finite number",
    "string_type": "a text",
    "bool_type": "true or false",
    "list_type": "a list",
    "dict_type": "a mapping (`key: value` lines)",
    "model_type": "a mapping (`key: value` lines)",
    "greater_than": "more than {gt}",
    "greater_than_equal": "at least {ge}",
    "less_than": "less than {lt}",
    "less_than_equal": "at most {le}",
    "too_short": "at least {min_length} of them",
    "literal_error": "{expected}",
    "string_pattern_mismatch": "small letters, digits and hyphens, at most 48 of them",
}
"""What is allowed, by pydantic's type of error."""


def _sentence(error: Any) -> tuple[tuple[Any, ...], str]:
    """Path and sentence for one of pydantic's errors: what was got, what is allowed."""
    path, kind, got, context = tuple(error["loc"]), error["type"], error["input"], error.get("ctx", {})
    if kind == "extra_forbidden":
        allowed = [*(() if path[:-1] else ("extends",)), *_model_at(path[:-1]).model_fields]
        return path, f"unknown key{nearest(str(path[-1]), allowed)}; allowed here: {', '.join(allowed)}"
    if kind == "missing":
        return path, MISSING
    if kind == "value_error":
        return path, str(context["error"])
    allowed_text = EXPECTED.get(kind, error["msg"]).format(**context)
    hint = " (write numbers without e, quotes or commas)" if isinstance(got, str) and "number" in allowed_text else ""
    return path, f"got {shortened(got)}, allowed: {allowed_text}{hint}"


def _model_at(path: Iterable[Any]) -> type[BaseModel]:
    """The piece of the schema that a path leads to."""
    model: type[BaseModel] = Study
    for key in path:
        if isinstance(key, str) and key in model.model_fields:
            found = _models(model.model_fields[key].annotation)
            model = found[0] if found else model
    return model


def _models(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for inner in get_args(annotation) for model in _models(inner)]


def _installed() -> Vocabulary:
    """The names of this installation."""
    from experiments.inputs import vocabulary

    return vocabulary()


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


if __name__ == "__main__":
    Path("docs/study.schema.json").write_text(schema(), encoding="utf-8")
