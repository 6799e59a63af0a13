"""Lowered models on disk, under the hash of the file and of all that lowered it: a run then needs no PySD."""

from __future__ import annotations

import functools
import hashlib
import logging
import pickle
from importlib.metadata import version
from pathlib import Path

import numpy as np

from sim.compiler.cache_dir import cache_dir, prune, read_whole, write_whole
from sim.compiler.ir import Module
from sim.errors import CompilerError

logger = logging.getLogger("sim")


def key(path: Path, encoding: str | None, random: str) -> str:
    """The hash of a model file and how it is read, of PySD, NumPy and this package."""
    parts = [path.read_bytes(), path.suffix.encode(), str(encoding).encode(), random.encode(), _versions()]
    return hashlib.sha256(b"\0".join(hashlib.sha256(part).digest() for part in parts)).hexdigest()[:40]


@functools.cache
def _versions() -> bytes:
    texts = [one.read_bytes() for one in sorted(Path(__file__).parents[1].rglob("*.py"))]
    return b"\0".join((version("pysd").encode(), np.__version__.encode(), *texts))


def load(name: str) -> Module | None:
    """The module kept under a key, None if there is none or it is damaged.

    The folder is this user's alone, so that unpickling is as safe as its own code.
    """
    try:
        content = read_whole(cache_dir() / f"{name}.module")
        module = None if content is None else pickle.loads(content)
    except (CompilerError, OSError, EOFError, pickle.UnpicklingError, AttributeError, ValueError, TypeError) as error:
        logger.info("a kept model could not be read and is lowered again: %s", error)
        return None
    return module if isinstance(module, Module) else None


def store(name: str, module: Module) -> None:
    """Keep a module with its checksum; written beside and renamed, so that nobody reads half of it."""
    try:
        folder = cache_dir()
        write_whole(folder / f"{name}.module", pickle.dumps(module, protocol=5))
        prune(folder)
    except (CompilerError, OSError, RecursionError, pickle.PicklingError) as error:
        logger.info("the lowered model is not kept: %s", error)
