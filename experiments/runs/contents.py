"""The files that a study names, stored in its run by content, so that a run's folder is complete on any machine.

    runs/<name>-<hash8>/files/      the study's own mixes, tables, rules, projects, model files and region pack

The run's study.yaml names them there. A mix is stored with all that it extends merged in; everything else as it is.
"""

import hashlib
from collections.abc import Mapping
from pathlib import Path

from experiments import policy
from experiments.runs.store import write
from experiments.study.load import PACK
from experiments.study.paths import NamedFile, named_files
from experiments.study.schema import Study
from models.reading.faults import InputError
from models.reading.text import read_content
from models.reading.yaml_file import dump_yaml

FOLDER = "files"
LARGEST = 20_000_000
"""Bytes of the largest file that is stored."""


def collected(study: Study) -> tuple[Study, Mapping[str, bytes]]:
    """The study with its files named as they stand in a run, and their content by that name.

    Raises:
        InputError: a file cannot be read; all faults at once.
    """
    data = study.model_dump()
    contents: dict[str, bytes] = {}
    faults: list[str] = []
    for file in named_files(data):
        try:
            found = _read(file, study.path(file.text))
        except InputError as fault:
            faults += [f"{file.kind} {file.text}: {text}" for text in fault.faults]
            continue
        if "name" in file.holder and not file.holder["name"]:  # a label must not depend on where the file stands
            file.holder["name"] = Path(file.text).stem
        top = _free("region" if file.kind == "data" else Path(file.text).name, found, contents)
        file.holder[file.key] = f"{FOLDER}/{top}"
        contents |= {f"{FOLDER}/{top}{below}": content for below, content in found.items()}
    if faults:
        raise InputError(faults)
    if not contents:
        return study, {}
    stored = Study.model_validate(data)
    stored._folder = study.folder
    return stored, contents


def _read(file: NamedFile, path: Path) -> dict[str, bytes]:
    """Content by the path below the file's own name: "" for a plain file."""
    if file.kind == "mix":
        spec = policy.mix(path).spec.model_dump(exclude_defaults=True)
        return {"": dump_yaml(spec).encode()}
    if file.kind == "data" and path.is_dir():
        inside = [path / name for name in PACK if (path / name).is_file()]
        return {f"/{one.relative_to(path).as_posix()}": read_content(one, "a file", LARGEST) for one in inside}
    return {"": read_content(path, f"the file of `{file.kind}`", LARGEST)}


def _free(name: str, found: Mapping[str, bytes], contents: Mapping[str, bytes]) -> str:
    """The name, or the name with a number where another file of that name is stored already."""
    stem, suffix, number = Path(name).stem, Path(name).suffix, 1
    while True:
        top = name if number == 1 else f"{stem}-{number}{suffix}"
        there = {
            key: contents[key] for key in contents if key == f"{FOLDER}/{top}" or key.startswith(f"{FOLDER}/{top}/")
        }
        if not there or there == {f"{FOLDER}/{top}{below}": content for below, content in found.items()}:
            return top
        number += 1


def checksums(contents: Mapping[str, bytes]) -> dict[str, str]:
    """SHA-256 of each, by name."""
    return {name: hashlib.sha256(content).hexdigest() for name, content in sorted(contents.items())}


def save(contents: Mapping[str, bytes], folder: Path) -> None:
    """Write them into the folder of a run."""
    for name, content in contents.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        write(path, lambda part, content=content: part.write_bytes(content))  # type: ignore[misc]


def stored(folder: Path) -> dict[str, bytes]:
    """The study's files that a run holds."""
    inside = sorted(one for one in (folder / FOLDER).rglob("*") if one.is_file() and not one.name.startswith("."))
    return {one.relative_to(folder).as_posix(): one.read_bytes() for one in inside}
