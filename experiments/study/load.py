"""A study read from its file: what it extends, the overrides on top, every fault at once with its place."""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from calibration.errors import InputError, nearest
from experiments.study.schema import Study, Vocabulary
from experiments.study.yaml_source import Source, override, read, shortened

STUDIES = Path(__file__).parent / "studies"


DEFAULT = "twelfth-plan"


def names() -> list[str]:
    """The shipped studies."""
    return sorted(path.stem for path in STUDIES.glob("*.yaml"))


def load(name_or_path: str | Path, overrides: Sequence[str], vocabulary: Vocabulary) -> Study:
    """A study, by the name of a shipped one or by path, with its `extends` and `--set` overrides resolved.

    overrides: `path=value`, the path with dots (`sampling.method=latin`, `mixes.0=full`), the value in YAML.
    vocabulary: the names that are allowed (see `installation.load_study`).
    Raises InputError with every fault at once, each with its place.
    """
    path = _find(name_or_path)
    source, faults = _with_bases(path, ())
    if any(text.startswith("title=") for text in overrides):
        source.data.pop("title_zh", None)
    faults += [fault for text in overrides if (fault := override(source, text))]
    study, invalid = _validated(source, vocabulary)
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
