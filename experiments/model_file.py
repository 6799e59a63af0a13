"""A study's own model files: read, held to what a study needs, with the study's provinces as their range."""

import hashlib
import os
import re
import tempfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import models
from experiments.study.paths import SHIPPED
from models.reading.faults import InputError
from models.reading.text import read_text

LARGEST = 2_000_000
"""Bytes of the largest model file that is read."""
RANGE = re.compile(r"(?ms)^province[ \t]*:\s*(?P<elements>.*?)(?=^\s*~)")
NEEDED = ("reported energy intensity", "gdp", "total energy", "energy co2", "annualised policy cost")
FITTED = ("secondary share at current prices", "final energy")
"""What the fit to the measured years compares, beside outputs that every study needs."""


def texts(named: Sequence[str], folder: Path) -> tuple[str, ...]:
    """The text of each model file that a study names; "" is the shipped one, alone where none is named.

    Args:
        named: as in a study's `model`.
        folder: where relative paths start from.

    Raises:
        InputError: a file cannot be read, or is no Vensim model; all faults at once.
    """
    found, faults = [], []
    for name in named:
        if name == SHIPPED:
            found.append("")
            continue
        path = folder / name
        if path.suffix.lower() != ".mdl":
            faults.append(f"model: got {name}, allowed: {SHIPPED}, or a Vensim file that ends in .mdl")
            continue
        try:
            found.append(read_text(path, "a model file", LARGEST))
        except InputError as fault:
            faults += [f"model: {text}" for text in fault.faults]
    if faults:
        raise InputError(faults)
    return tuple(found) or ("",)


def with_provinces(text: str, provinces: Sequence[str]) -> str:
    """A model file whose range `province` has these elements. text: "" is the shipped file; no provinces: all."""
    if not provinces:
        return text
    whole = text or models.PROVINCE.read_text(encoding="utf-8")
    if not RANGE.search(whole):
        raise InputError("model: the file has no range `province`, so that part of the provinces cannot be run alone")
    return RANGE.sub(lambda _: "province:\n\t" + ", ".join(provinces) + "\n", whole, count=1)


@cache
def written(text: str) -> Path:
    """A file with this text, for programs that read files; its name says what is in it."""
    folder = Path(tempfile.gettempdir()) / f"tanlu-models-{os.getuid() if hasattr(os, 'getuid') else 0}"
    folder.mkdir(mode=0o700, exist_ok=True)
    path = folder / f"{hashlib.sha256(text.encode()).hexdigest()[:16]}.mdl"
    if not path.exists():
        part = path.with_suffix(f".{os.getpid()}")
        part.write_text(text, encoding="utf-8")
        part.replace(path)
    return path


def constants(models_: Sequence[Any]) -> list[str]:
    """The names of the constants of compiled models, those of the first one first."""
    return list(dict.fromkeys(name for one in models_ for name, v in one.variables.items() if v.kind == "constant"))


def lacking(model: Any, shipped: Any, given: Sequence[str], kept: Sequence[str]) -> list[str]:
    """What a study needs of a model file that is not there.

    Args:
        model: the compiled file.
        shipped: the compiled shipped file.
        given: names of inputs that the study gives.
        kept: names of outputs that it keeps.

    Returns:
        One fault each, empty when all is there.
    """
    outputs = [name for name in dict.fromkeys([*NEEDED, *FITTED, *kept]) if name not in model.variables]
    inputs = [name for name in given if name not in model.variables]
    faults = [f"lacks the output {name!r}, which a study judges or keeps" for name in outputs]
    faults += [f"lacks the input {name!r}, which the data, the calibration or a mix gives" for name in inputs]
    for dim in ("sector", "fuel", "lever", "plan"):
        if model.subscripts.get(dim) != shipped.subscripts[dim]:
            faults.append(f"has another range {dim!r} than the shipped file: {', '.join(shipped.subscripts[dim])}")
    return faults
