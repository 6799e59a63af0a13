"""The native back end: C from the intermediate form, built by the system's compiler and kept on disk.

A library is kept under the hash of its text, of the compiler and of the processor, written beside and renamed into
place, so that many processes may build the same one at the same time.
"""

from __future__ import annotations

import ctypes
import functools
import hashlib
import os
import platform
import shutil
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sim.compiler.cache_dir import cache_dir, prune, read_whole, write_whole
from sim.compiler.codegen.codegen_c import CSource, generate_c
from sim.compiler.codegen.kernel import KernelJob, Values
from sim.compiler.plan.program import Program
from sim.errors import CompilerError

WIDTH = 8  # members of a block: one AVX-512 register, two AVX2 ones
CHUNK = 64  # members that a thread takes at a time, at least
WORK = 2e7  # cells times steps times members of a chunk: some milliseconds, after which a run can be interrupted
FLAGS = ("-march=native", "-std=gnu11", "-fPIC", "-shared", "-fno-math-errno", "-fno-trapping-math")
EXACT = ("-ffp-contract=off",)  # no fused multiply-add: the same roundings as NumPy and PySD
TIMEOUT = 600


class NativeBackend:
    """Kernels by the system's C compiler."""

    name = "native"

    def available(self) -> str | None:
        """None if there is a compiler that builds a trivial library."""
        return _probe()

    def kernel(self, program: Program) -> NativeKernel:
        """Build, or take from the cache.

        Raises:
            Unsupported: the program holds an operation that C lacks here.
            CompilerError: the compiler fails.
        """
        return NativeKernel(program, generate_c(program, 1 if program.single else WIDTH))


class NativeKernel:
    """A loaded library."""

    def __init__(self, program: Program, source: CSource) -> None:
        self.program, self.layout, self.ranged = program, source.layout, source.ranged
        # One member gains nothing from vectors; it is built in half the time without.
        library = ctypes.CDLL(str(build_library(source.text, level="-O1" if program.single else "-O3")))
        self.function = library.run
        self.function.restype = ctypes.c_int

    def run(self, job: KernelJob, threads: int) -> dict[int, Values]:
        """Run all members; see `Kernel`."""
        layout, slots = self.layout, self.program.slots
        rows = np.cumsum([0, *(slots[slot].size for slot in self.program.outputs)])
        out = np.empty((job.saves, int(rows[-1]), job.members))
        arrays = [
            _join([job.inputs[slot] for slot in layout.uniform_const], 0),
            _join([job.inputs[slot] for slot in layout.uniform_moving], 1),
            _join([job.inputs[slot] for slot in layout.const], 0),
            _join([job.inputs[slot] for slot in layout.moving], 1),
        ]
        saved = np.ascontiguousarray(job.saved, dtype=np.int32)
        rows_run = job.rows or (0, self.program.sizes.get(self.ranged, 0))
        stop = ctypes.c_int(0)
        pointers = [_pointer(array) for array in (*arrays, out)]

        def part(first: int) -> None:
            if job.cancelled is not None and job.cancelled():
                stop.value = 1
            last = min(first + size, job.members)
            code = self.function(
                *map(ctypes.c_long, (first, last, job.members, job.steps)),
                saved.ctypes.data_as(ctypes.c_void_p),
                *pointers,
                ctypes.byref(stop),
                *map(ctypes.c_long, rows_run),
            )
            if code == 1:
                raise MemoryError("no memory for the workspace of a kernel")

        size = self._chunk(job, threads)
        starts = range(0, job.members, size)
        if threads > 1 and len(starts) > 1:
            with ThreadPoolExecutor(threads) as pool:
                list(pool.map(part, starts))
        else:
            for first in starts:
                part(first)
        return {slot: out[:, rows[i] : rows[i + 1]] for i, slot in enumerate(self.program.outputs)}

    def _chunk(self, job: KernelJob, threads: int) -> int:
        cells = sum(self.layout.sizes[region] for region in ("w", "s")) + 1
        fair = job.members // (4 * threads) if threads > 1 else job.members
        size = min(max(int(WORK / (cells * job.steps)), CHUNK), max(fair, CHUNK))
        return -(-size // WIDTH) * WIDTH


def _join(parts: list[Values], axis: int) -> Values:
    if not parts:
        return np.zeros(1)
    return np.ascontiguousarray(parts[0] if len(parts) == 1 else np.concatenate(parts, axis=axis))


def _pointer(array: NDArray[np.float64]) -> ctypes.c_void_p:
    return array.ctypes.data_as(ctypes.c_void_p)


@functools.cache
def _compiler() -> str | None:
    """The compiler's path: of the variable CC, or the first of cc, gcc and clang."""
    for name in (os.environ.get("CC", ""), "cc", "gcc", "clang"):
        found = shutil.which(name) if name else None
        if found:
            return found
    return None


@functools.cache
def _probe() -> str | None:
    if _compiler() is None:
        return "there is no C compiler (cc, gcc or clang; or set CC)"
    try:
        build_library("int run(void) { return 0; }")
    except CompilerError as error:
        return str(error)
    return None


@functools.cache
def _vector_math() -> tuple[str, ...]:
    """Flags for the vector versions of exp and its kin, if this C library has them."""
    if platform.machine() not in ("x86_64", "AMD64"):
        return ()
    flags = ("-DVECTOR_MATH", "-lmvec", "-lm")
    try:
        build_library(
            '__attribute__((simd("notinbranch"))) double exp(double);\n'
            "void run(double *x) { for (int i = 0; i < 64; i++) x[i] = exp(x[i]); }",
            flags,
        )
    except (CompilerError, OSError):
        return ()
    return flags


def build_library(text: str, extra: tuple[str, ...] | None = None, level: str = "-O3") -> Path:
    """The shared library of a C text, from the cache or built now at an optimisation level.

    Raises:
        CompilerError: no compiler, or it fails.
    """
    compiler = _compiler()
    if compiler is None:
        raise CompilerError("there is no C compiler (cc, gcc or clang; or set CC)")
    if extra is None:
        extra = (*_vector_math(),) if "VECTOR" in text else ()
        extra = extra or ("-lm",)
    flags = (level, *FLAGS, *EXACT)
    key = "\0".join((text, *flags, *extra, _identity(compiler)))
    path = cache_dir() / f"{hashlib.sha256(key.encode()).hexdigest()[:40]}.so"
    if read_whole(path) is None:
        _compile(compiler, text, flags, extra, path)
        prune(path.parent)
    return path


def _compile(compiler: str, text: str, flags: tuple[str, ...], extra: tuple[str, ...], path: Path) -> None:
    with tempfile.TemporaryDirectory(dir=path.parent, prefix="build-") as folder:
        source, library = Path(folder, "kernel.c"), Path(folder, "kernel.so")
        source.write_text(text, encoding="ascii")
        command = [compiler, *flags, "-o", str(library), str(source), *extra]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise CompilerError(f"{compiler} did not run: {error}") from error
        if done.returncode:
            raise CompilerError(f"{compiler} failed: {done.stderr.strip()[:2000]}")
        write_whole(path, library.read_bytes())  # bytes after the end of a library do not disturb its loading


@functools.cache
def _identity(compiler: str) -> str:
    """What decides the code that a compiler makes: its version and the processor."""
    version = subprocess.run([compiler, "--version"], capture_output=True, text=True, check=False).stdout
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = [platform.processor()]
    chip = [line for line in lines if line.startswith(("flags", "model name", "Features"))][:2]
    return "\n".join((version, platform.platform(), *chip))
