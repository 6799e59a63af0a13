"""From the target to what is expected, by cause: what a planner calls growth, structure, additions, efficiency, power.

Energy per GDP is exactly the sum over sectors of

    (activity / GDP) × (heavy share) × (new complexes) × (final energy / activity) × (total / final energy)

so its fall over the plan splits by LMDI into contributions that add up. What a mix adds to the run without it is the
part of policy; what is left to the median with the errors of past forecasts is what we cannot know.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from experiments.analyses.policy.lmdi import lmdi
from experiments.ensemble.core import Ensemble
from experiments.ensemble.outputs import REPORTED
from experiments.installation import Installation, ScenarioInputs
from experiments.runs.store import Run

Array = NDArray[np.float64]
MEMBERS = 64
NEEDED = ("gdp", "total energy", "final energy", "activity", "heavy share", "project final energy")
BASE = "base"
GROWTH, STRUCTURE, ADDITIONS, EFFICIENCY, POWER, POLICY, UNKNOWN = CAUSES = (
    "growth",
    "structure",
    "heavy-industry additions",
    "efficiency",
    "power",
    "policy",
    "unknown",
)
BY_DEMAND = ("residential", "transport")
"""Sectors whose activity follows households and traffic: what they need relative to GDP is an effect of growth."""
PROJECTS = "heavy industry"
"""The sector of new complexes."""


def table(run: Run, system: Installation, mixes: Sequence[str] = ()) -> pd.DataFrame:
    """Contributions to the fall of energy intensity under the study's first allocation.

    Args:
        run: a complete run.
        system: the installation that runs its members again, the first 64 of them.
        mixes: of the study; all of them by default.

    Raises:
        KeyError: the model or the study's leading indicator has no such parts.

    Returns:
        Rows mix, province, cause, sector; points (per cent of the base year's intensity, positive = a fall), mean of
        the members; energy (Mtce in the plan's last year at the expected GDP). `unknown` has no sector; the points of a
        province add up to the median reduction of the run.
    """
    if run.study.target.leading.variable != REPORTED:
        raise KeyError(run.study.target.leading.key)
    inputs = ScenarioInputs(**run.inputs())
    ensemble = Ensemble(run.study, system, inputs, run.design(MEMBERS))
    labels = [choice.label for choice in run.study.mixes]
    results = {
        mix: _contributions(ensemble, mix) for mix in dict.fromkeys([*(mixes or labels), *labels]) if mix in labels
    }
    median = run.metrics("reduction")["reduction"].isel(allocation=0, drop=True).median("member")
    parts = [_rows(results, mix, median.sel(mix=mix, drop=True), ensemble.provinces) for mix in mixes or labels]
    return pd.concat(parts, ignore_index=True)


def _contributions(ensemble: Ensemble, mix: str) -> tuple[dict[str, pd.DataFrame], "pd.Series[float]"]:
    """Cause → points (province × sector), and energy of a point (Mtce, province)."""
    params = ensemble.params(mix)
    results = ensemble.results(params, list(NEEDED)).transpose("member", "province", ..., "year")
    finite = np.isfinite(results["total energy"].to_numpy()).all(axis=(1, 2))
    before, after = (results.isel(member=finite, year=index) for index in (0, -1))
    level = before["total energy"] / before["gdp"]
    parts = lmdi(factors(before), factors(after), ())
    sectors = [str(name) for name in results["sector"].to_numpy()]
    scale = -100 / level.transpose("member", "province").to_numpy()[:, :, None]
    shares = {name: pd.DataFrame((scale * part).mean(0), ensemble.provinces, sectors) for name, part in parts.items()}
    demand = [name for name in sectors if name in BY_DEMAND]
    causes = {cause: pd.DataFrame(0.0, ensemble.provinces, sectors) for cause in CAUSES[:5]}
    causes[GROWTH][demand] = shares["activity"][demand]
    others = [name for name in sectors if name not in demand]
    causes[STRUCTURE][others] = shares["activity"][others]
    causes[ADDITIONS] += shares["heavy"] + shares["projects"]
    causes[EFFICIENCY] += shares["intensity"]
    causes[POWER] += shares["conversion"]
    frozen = (level * after["gdp"]).mean("member").to_numpy() / 100
    return causes, pd.Series(frozen, ensemble.provinces)


def factors(state: xr.Dataset) -> dict[str, Array]:
    """The factors of energy per GDP in one year: (member, province, sector), their product the sectors' terms."""
    final = state["final energy"].transpose("member", "province", "sector")
    heavy, projects = _split(state, final)
    activity = state["activity"].transpose(*final.dims)
    conversion = state["total energy"] / final.sum("sector")
    made = {
        "activity": activity / heavy / state["gdp"],
        "heavy": heavy,
        "projects": projects,
        "intensity": final / activity / projects,
        "conversion": conversion,
    }
    return {name: values.broadcast_like(final).transpose(*final.dims).to_numpy() for name, values in made.items()}


def _split(state: xr.Dataset, final: xr.DataArray) -> tuple[xr.DataArray, xr.DataArray]:
    """Share of heavy and light industry in industry's output, and final energy over that without new complexes."""
    share = state["heavy share"]
    sector = final["sector"]
    whole = xr.ones_like(final)
    heavy = whole.where(sector != "heavy industry", share).where(sector != "light industry", 1 - share)
    new = (0 * whole).where(sector != PROJECTS, state["project final energy"])
    return heavy.transpose(*final.dims), (final / (final - new)).transpose(*final.dims)


def _total(causes: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """All causes together, province × sector."""
    first, *others = causes.values()
    for frame in others:
        first = first + frame
    return first


def _rows(
    results: dict[str, tuple[dict[str, pd.DataFrame], "pd.Series[float]"]],
    mix: str,
    median: xr.DataArray,
    provinces: Sequence[str],
) -> pd.DataFrame:
    """The rows of one mix: the causes of the base mix, what the mix adds, and the rest to the median."""
    causes, point = results[mix]
    if BASE in results and mix != BASE:
        base, _ = results[BASE]
        causes = {**base, POLICY: _total(causes) - _total(base)}
    else:
        causes = {**causes, POLICY: 0.0 * causes[POWER]}
    rows = [
        {"mix": mix, "province": province, "cause": cause, "sector": sector, "points": float(value)}
        for cause, frame in causes.items()
        for province, values in frame.iterrows()
        for sector, value in values.items()
    ]
    known = pd.DataFrame(rows)
    rest = median.sel(province=list(provinces)).to_series() - known.groupby("province")["points"].sum()
    unknown = pd.DataFrame(
        {"mix": mix, "province": rest.index, "cause": UNKNOWN, "sector": "", "points": rest.to_numpy()}
    )
    found = pd.concat([known, unknown], ignore_index=True)
    return found.assign(energy=found["points"] * found["province"].map(point))
