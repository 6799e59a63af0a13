"""Lowered models on disk, under the hash of the file and of all that lowered it: a run then needs no PySD."""

from __future__ import annotations

import functools
import hashlib
import logging
import os
import pickle
import tempfile
from importlib.metadata import version
from pathlib import Path

import numpy as np

from sim.compiler.cache_dir import cache_dir, prune, touch
from sim.compiler.ir import Module
from sim.errors import CompilerError

logger = logging.getLogger("sim")


def key(path: Path, encoding: str | None) -> str:
    """The hash of a model file, of PySD, NumPy and this package."""
    parts = [path.read_bytes(), path.suffix.encode(), str(encoding).encode(), _versions()]
    return hashlib.sha256(b"\0".join(hashlib.sha256(part).digest() for part in parts)).hexdigest()[:40]


@functools.cache
def _versions() -> bytes:
    sources = sorted(Path(__file__).parent.rglob("*.py"))
    texts = [Path(__file__).parents[1].joinpath("oracle.py").read_bytes(), *(one.read_bytes() for one in sources)]
    return b"\0".join((version("pysd").encode(), np.__version__.encode(), *texts))


def load(name: str) -> Module | None:
    """The module kept under a key. The folder is this user's alone, so that unpickling is as safe as its own code."""
    try:
        path = cache_dir() / f"{name}.module"
        touch(path)
        with path.open("rb") as file:
            module = pickle.load(file)
    except FileNotFoundError:
        return None
    except (CompilerError, OSError, EOFError, pickle.UnpicklingError, AttributeError, ValueError, TypeError) as error:
        logger.info("a kept model could not be read and is lowered again: %s", error)
        return None
    return module if isinstance(module, Module) else None


def store(name: str, module: Module) -> None:
    """Keep a module; written beside and renamed, so that nobody reads half of it."""
    try:
        folder = cache_dir()
        text = pickle.dumps(module, protocol=5)
        handle, part = tempfile.mkstemp(dir=folder, prefix="module-")
        with os.fdopen(handle, "wb") as file:
            file.write(text)
        os.replace(part, folder / f"{name}.module")
        prune(folder)
    except (CompilerError, OSError, RecursionError, pickle.PicklingError) as error:
        logger.info("the lowered model is not kept: %s", error)
