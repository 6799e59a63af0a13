"""WebAssembly from the C text of the native back end, built by the `zig cc` of the package `ziglang`.

The same text and the same version of the package give the same bytes on every machine: `-s` leaves out all that
differs, no processor is asked for, and products are never contracted.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from sim.errors import CompilerError

PACKAGE = "ziglang"
FLAGS = (
    *("-target", "wasm32-wasi", "-mexec-model=reactor", "-std=gnu11", "-O3", "-s", "-msimd128"),
    *("-ffp-contract=off", "-fno-math-errno", "-fno-trapping-math", "-Wno-unknown-pragmas"),
    *("-Wl,--export=malloc", "-Wl,--export=free"),
)
TIMEOUT = 600


def version() -> str | None:
    """The version of the compiler's package, or None where it is not installed."""
    if importlib.util.find_spec(PACKAGE) is None:
        return None
    return importlib.metadata.version(PACKAGE)


def build(texts: Mapping[str, str]) -> bytes:
    """A WebAssembly module of several C texts; each one's `run` is exported under the name that it has here.

    Raises:
        CompilerError: the package is not installed, or the compiler fails.
    """
    if version() is None:
        raise CompilerError(
            f"WebAssembly is built by the package {PACKAGE}, which is not installed; install it with: "
            "pip install 'tanlu[wasm]'"
        )
    with tempfile.TemporaryDirectory(prefix="wasm-") as folder:
        command = [sys.executable, "-m", PACKAGE, "cc", *FLAGS, "-o", "kernel.wasm"]
        for name, text in texts.items():
            Path(folder, f"{name}.c").write_text(f"#define run {name}\n{text}", encoding="ascii")
            command += [f"{name}.c", f"-Wl,--export={name}"]
        try:
            done = subprocess.run(
                command,
                cwd=folder,
                capture_output=True,
                text=True,
                timeout=TIMEOUT,
                check=False,
                stdin=subprocess.DEVNULL,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise CompilerError(f"{PACKAGE} did not run: {error}") from error
        if done.returncode:
            raise CompilerError(f"{PACKAGE} failed: {done.stderr.strip()[:2000]}")
        return Path(folder, "kernel.wasm").read_bytes()
