"""A study read from its file: what it extends, the overrides on top, every fault at once with its place."""

from collections.abc import Sequence
from pathlib import Path

from experiments.study.files import find
from experiments.study.overrides import override
from experiments.study.schema import Study, Vocabulary
from models.reading.document import Document
from models.reading.faults import InputError, shortened
from models.reading.schema import validated
from models.reading.yaml_file import read_yaml

EXPECTED = {"string_pattern_mismatch": "small letters, digits and hyphens, at most 48 of them"}


def load(name_or_path: str | Path, overrides: Sequence[str], vocabulary: Vocabulary) -> Study:
    """A study, by the name of a shipped one or by path, with its `extends` and `--set` overrides resolved.

    Args:
        name_or_path: what the user typed.
        overrides: `path=value`, the path with dots (`sampling.method=latin`, `mixes.0=full`), the value in YAML.
        vocabulary: the names that are allowed (see `installation.load_study`).

    Raises:
        InputError: with every fault at once, each with its place.
    """
    path = find(name_or_path)
    document = _with_bases(path, ())
    if any(text.startswith("title=") for text in overrides):
        document.data.pop("title_zh", None)
    for text in overrides:
        document.faults += override(document, text)
    study = _checked(document, vocabulary)
    study._folder = path.parent
    return study


def resolved(path: Path) -> Study:
    """A study that `Study.text` wrote. Raises InputError when somebody damaged it."""
    return _checked(read_yaml(path, "the study of a run"), Vocabulary())


def _checked(document: Document, vocabulary: Vocabulary) -> Study:
    context = {"vocabulary": vocabulary}
    study, faults = validated(Study, document, expected=EXPECTED, further_keys=("extends",), context=context)
    if study is None or document.faults:
        raise InputError(document.faults + faults)
    return study


def _with_bases(path: Path, seen: tuple[Path, ...]) -> Document:
    """The file laid over what it extends."""
    if path.resolve() in seen:
        circle = " → ".join(p.name for p in (*seen, path.resolve()))
        return Document({}, faults=[f"{path.name}: `extends` goes in a circle: {circle}"])
    document = read_yaml(path, "a study file")
    base = document.data.pop("extends", None)
    if base is None:
        return document
    place = document.place(("extends",))
    if not isinstance(base, str):
        document.faults.append(f"{place}: extends: got {shortened(base)}, allowed: the name or path of one study")
        return document
    try:
        beside = path.parent / base
        parent = _with_bases(beside if beside.is_file() else find(base), (*seen, path.resolve()))
    except InputError as fault:
        document.faults.append(f"{place}: extends: {fault}")
        return document
    if "title" in document.data and "title_zh" not in document.data:
        parent.data.pop("title_zh", None)  # it names the other study
    return document.over(parent)
