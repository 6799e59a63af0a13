"""Reading of a study: its file over the study that it extends, then overrides; every fault at once with its place."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from calibration.places import VARIABLE, active_region
from experiments.study.files import STUDIES, find
from experiments.study.overrides import override
from experiments.study.paths import moved
from experiments.study.schema import Study, Vocabulary
from models.reading.document import Document
from models.reading.faults import InputError, shortened
from models.reading.schema import validated
from models.reading.yaml_file import read_yaml

EXPECTED = {"string_pattern_mismatch": "small letters, digits and hyphens, at most 48 of them"}


Words = Callable[[Mapping[str, Any], Path], Vocabulary]
"""The names that a study may use, from its plain data and the folder that its paths start from."""


def load(name_or_path: str | Path, overrides: Sequence[str], vocabulary: Vocabulary | Words) -> Study:
    """A study, by the name of a shipped one or by path, with its `extends` and `--set` overrides resolved.

    Paths in a study start from the folder of its file; those of a shipped study from the working folder.

    Args:
        name_or_path: what the user typed.
        overrides: `path=value`, the path with dots (`sampling.method=latin`, `mixes.0=full`), the value in YAML.
        vocabulary: the names that are allowed (see `installation.load_study`), or what finds them.

    Raises:
        InputError: with every fault at once, each with its place.
    """
    path = find(name_or_path)
    document = _with_bases(path, ())
    if any(text.startswith("title=") for text in overrides):
        document.data.pop("title_zh", None)
    for text in overrides:
        document.faults += override(document, text)
    folder = _start(path)
    in_its_region(document.data.get("data"), folder)
    words = vocabulary if isinstance(vocabulary, Vocabulary) else vocabulary(document.data, folder)
    study = _checked(document, words)
    study._folder = folder
    return study


def resolved(path: Path) -> Study:
    """A study from the text that `Study.text` wrote. Raises InputError for a damaged text."""
    document = read_yaml(path, "the study of a run")
    in_its_region(document.data.get("data"), path.parent)
    study = _checked(document, Vocabulary())
    study._folder = path.parent
    return study


class OtherRegionError(InputError):
    """A study of a region that this process does not work with. folder: of its pack; None: the shipped provinces."""

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder
        super().__init__(
            f"the study is of the region pack {folder}; start Python with {VARIABLE}={folder} in its environment"
            if folder
            else f"the study is of the shipped provinces, and {VARIABLE} names a region pack: start Python without it"
        )


PACK = ("region.yaml", "figures.csv", "targets.csv")


def in_its_region(data: object, folder: Path, key: str = "data") -> None:
    """Raise OtherRegionError unless this process works with the region pack `data`, relative to a folder.

    data: empty or no text: the shipped provinces. key: under which it was given. Raises InputError for no pack.
    """
    active = active_region()
    if not isinstance(data, str) or not data:
        if active is not None:
            raise OtherRegionError(None)
        return
    asked = folder / data
    if not (asked / "region.yaml").is_file():
        raise InputError(f"{key}: {data}: allowed: the folder of a region pack (tanlu region init NAME makes one)")
    if active is None or any(_bytes(active / name) != _bytes(asked / name) for name in PACK):
        raise OtherRegionError(asked.resolve())


def _bytes(path: Path) -> bytes:
    return path.read_bytes() if path.is_file() else b""


def _start(path: Path) -> Path:
    """The folder that the paths of a study start from."""
    return Path() if path.parent == STUDIES else path.parent


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
        parent_path = beside if beside.is_file() else find(base)
        parent = _with_bases(parent_path, (*seen, path.resolve()))
    except InputError as fault:
        document.faults.append(f"{place}: extends: {fault}")
        return document
    for title in ("title", "title_zh"):
        parent.data.pop(title, None)  # it names the other study
    moved(parent.data, _start(parent_path), _start(path))
    return document.over(parent)
