"""Whether a shipped posterior still belongs to the model and data after a change that leaves the fit alone.

The fingerprint of a posterior covers the whole model file and every table that a fit reads, so an added output or a
later year of data changes it, although no fitted series moves. A change is confirmed by running the model at stored
parameters: the misfit of every province at the optimum and at three draws must equal what was recorded when the
posterior was made. The confirmed fingerprint is then recorded beside those values, and no fit is repeated.
"""

import json
from pathlib import Path

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from calibration.assumptions import restore
from calibration.fingerprint import fingerprint

RECORD = Path(__file__).with_name("published") / "confirmed.json"
DRAWS = 3
TOLERANCE = 1e-7
"""Largest relative difference of a misfit that counts as equal: compilers may differ in the last digits."""


def misfits(made: xr.Dataset) -> NDArray[np.float64]:
    """−2 ln likelihood up to a constant at the optimum and at the first draws: (1 + DRAWS, province)."""
    problem, _ = restore(made)
    values = np.concatenate([made["optimum"].values[None], made["draws"].values[:DRAWS].astype(float)])
    return np.asarray(-2 * problem.likelihood.log_density(problem.likelihood.residuals(problem.simulate(values))))


def confirmed(made: xr.Dataset, name: str) -> bool:
    """Whether the fingerprint of today's model and data is that of the posterior, or was confirmed for it."""
    wanted = fingerprint(**json.loads(made.attrs["settings"]))
    entry = _record().get(name, {})
    belongs = entry.get("fingerprint") == made.attrs["fingerprint"]
    return wanted == made.attrs["fingerprint"] or (belongs and entry.get("confirmed") == wanted)


def confirm(made: xr.Dataset, name: str) -> float:
    """Compare the misfits with those recorded and record today's fingerprint where they are equal.

    Returns the largest relative difference; 0 when the posterior is new and its misfits were recorded now. Above
    TOLERANCE nothing is recorded: the posterior has to be fitted again.
    """
    record = _record()
    now, mark = misfits(made), made.attrs["fingerprint"]
    entry = record.get(name, {})
    known = entry.get("fingerprint") == mark
    if not known and mark != fingerprint(**json.loads(made.attrs["settings"])):
        raise ValueError(f"{name}: no misfits are recorded for it, and its model or data have changed: fit it again")
    before = np.array(entry["misfits"]) if known else now
    difference = float(np.abs(now / before - 1).max())
    if difference <= TOLERANCE:
        wanted = fingerprint(**json.loads(made.attrs["settings"]))
        kept = [[float(f"{value:.12g}") for value in row] for row in before]
        record[name] = {"fingerprint": mark, "confirmed": wanted, "misfits": kept}
        RECORD.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    return difference


def _record() -> dict[str, dict[str, object]]:
    loaded: dict[str, dict[str, object]] = json.loads(RECORD.read_text(encoding="utf-8")) if RECORD.exists() else {}
    return loaded
