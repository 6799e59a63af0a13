"""The compiled kernels of the explorer: shipped for the shipped model, built for a user's own model.

Two of them: `nation` runs all provinces together, `province` one of them alone, with what joins the provinces given.
Each belongs to a C text; `kernels.json` holds the hash of each text with its file. Constants and data are not part of
the text, but which inputs are given over time is: plans that start from a nowcast have kernels of their own.
"""

import hashlib
import json
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from experiments.explore.members import OUTPUTS, Members
from models.reading.faults import InputError

if TYPE_CHECKING:
    from sim.wasm_export import WasmExport

FOLDER = Path(__file__).parent / "kernels"
RECORD = FOLDER / "kernels.json"
LEARNING = "learning index"


@lru_cache(maxsize=2)
def exports(held: Members) -> dict[str, "WasmExport"]:
    """Descriptions of both kernels for the members' study; no compiler is needed."""
    model, state = held.model, held.first
    own, params = held.own(state).isel(member=[0]), held.common(state)
    times = [float(year) for year in held.years]
    names = coupling(held)
    return {
        "nation": model.wasm(own, [*OUTPUTS, *names], params=params, times=times),
        "province": model.wasm(_given(held, own, names), OUTPUTS, params=params, times=times),
    }


@lru_cache(maxsize=2)
def coupling(held: Members) -> list[str]:
    """The variables that couple the provinces: kept from the last run of all provinces while one is moved alone.

    Learning joins them by a stock, whose index is given instead; what else does, the model's equations say.
    """
    own, params, names = held.own(held.first).isel(member=[0]), held.common(held.first), [LEARNING]
    while more := held.model.joins(_given(held, own, names), OUTPUTS, "province", params=params):
        names += more
    return names


def _given(held: Members, own: xr.Dataset, names: Sequence[str]) -> xr.Dataset:
    """A design in which some variables are given over time (the values do not matter here)."""
    variables, sizes = held.model.variables, held.model.subscripts
    given = {
        name: (
            ("time", "member", *variables[name].dims),
            np.ones((2, 1, *(len(sizes[dim]) for dim in variables[name].dims))),
        )
        for name in names
    }
    return own.assign(given).assign_coords(time=[float(held.years[0]), float(held.years[-1])])


def kernel(name: str, export: "WasmExport") -> bytes:
    """The kernel of an export: the shipped one where it belongs to the same C text, else built now and kept.

    Raises InputError where the model's equations differ from the shipped ones and there is no compiler.
    """
    from sim.compiler.cache_dir import cache_dir, read_whole, write_whole
    from sim.errors import CompilerError

    shipped: dict[str, dict[str, Any]] = json.loads(RECORD.read_text(encoding="utf-8")) if RECORD.exists() else {}
    if export.key in shipped:
        return (FOLDER / str(shipped[export.key]["file"])).read_bytes()
    kept = cache_dir() / f"{export.key[:40]}.wasm"
    content = read_whole(kept)
    if content is None:
        try:
            content = export.build()
        except CompilerError as error:
            raise InputError(
                f"the model's equations are not those that the shipped explorer was built for ({name}: C text "
                f"{export.key[:12]}, shipped {', '.join(text[:12] for text in shipped) or 'none'}): {error}"
            ) from error
        write_whole(kept, content)
    return content


def file_name(name: str, export: "WasmExport") -> str:
    """The file of a shipped kernel."""
    return f"{name}-{export.key[:12]}.wasm"


def record_of(content: bytes, file: str, compiler: str) -> dict[str, Any]:
    """The entry of one C text in `kernels.json`: its kernel's file, hash of the bytes, compiler."""
    return {"file": file, "bytes": hashlib.sha256(content).hexdigest(), "compiler": compiler}
