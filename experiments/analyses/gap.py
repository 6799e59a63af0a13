"""From the target to what is expected, by cause: what a planner calls growth, structure, additions, efficiency, power.

Energy per GDP is exactly the sum over sectors of

    (activity / GDP) × (heavy share) × (new complexes) × (final energy / activity) × (total / final energy)

and CO2 per GDP the sum over sectors and fuels of

    (activity / GDP) × (heavy share) × (new complexes) × (final energy / activity) × (fuel share) × (CO2 / final energy)

with the CO2 of cement per GDP as one term more, where the indicator counts it. So the fall over the plan splits by
LMDI into contributions that add up. The nation's intensity is the sum over provinces of the same products, each times
the province's share of GDP, so that a shift of GDP between provinces is a cause of its own. The contribution of policy
is the difference that a mix makes to the run without it; the rest, up to the median with the errors of past forecasts,
is unknown.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from calibration.places import NATION
from experiments.analyses.policy.lmdi import factors as fuel_factors
from experiments.analyses.policy.lmdi import lmdi
from experiments.ensemble.core import Ensemble
from experiments.ensemble.outputs import REPORTED
from experiments.installation import Installation, ScenarioInputs
from experiments.runs.store import Run

Array = NDArray[np.float64]
TABLE = "gap"
"""The name of the table in a run."""
MTCE, MT_CO2 = "Mtce", "Mt CO2"
"""The units of its amounts."""
MEMBERS = 64
BASE = "base"
GROWTH, STRUCTURE, REGIONS, ADDITIONS, EFFICIENCY, POWER, FUELS, SUPPLY, PROCESS, POLICY, UNKNOWN = CAUSES = (
    "growth",
    "structure",
    "regions",
    "heavy-industry additions",
    "efficiency",
    "power",
    "fuel mix",
    "electricity and heat",
    "cement process",
    "policy",
    "unknown",
)
ACTIVITY = ("gdp", "activity", "heavy share", "project final energy")
ENERGY = (*ACTIVITY, "total energy", "final energy")
CARBON = (
    *ACTIVITY,
    *("energy co2", "final energy by fuel", "end use co2", "heat co2", "power co2"),
)
NEEDED = {
    REPORTED: ENERGY,
    "co2 intensity": CARBON,
    "co2 intensity new metric": (*CARBON, "process co2"),
}
"""Indicator's variable → the outputs that its split needs."""
BY_DEMAND = ("residential", "transport")
"""Sectors whose activity follows households and traffic: what they need relative to GDP is an effect of growth."""
PROJECTS = "heavy industry"
"""The sector of new complexes, and of cement."""
SUPPLIED = ("electricity", "heat")
"""What end users do not burn: its CO2 arises where it is made."""


def table(run: Run, system: Installation, mixes: Sequence[str] = ()) -> pd.DataFrame:
    """Contributions to the fall of the leading intensity under the study's first allocation.

    Args:
        run: a complete run.
        system: the installation that runs its members again, the first 64 of them.
        mixes: of the study; all of them by default.

    Raises:
        KeyError: the model or the study's leading indicator has no such parts.

    Returns:
        Rows mix, province, cause, sector; points (per cent of the base year's intensity, positive = a fall), mean of
        the members; amount (in `unit`, Mtce or Mt CO2 of the plan's last year at the expected GDP). `unknown` has no
        sector; the points of a province add up to the median reduction of the run.
    """
    variable = run.study.target.leading.variable
    if variable not in NEEDED or run.study.target.leading.kind != "cut":
        raise KeyError(run.study.target.leading.key)
    inputs = ScenarioInputs(**run.inputs())
    ensemble = Ensemble(run.study, system, inputs, run.design(MEMBERS))
    labels = [choice.label for choice in run.study.mixes]
    results = {
        mix: _contributions(ensemble, mix, variable)
        for mix in dict.fromkeys([*(mixes or labels), *labels])
        if mix in labels
    }
    median = run.metrics("reduction")["reduction"].isel(allocation=0, drop=True).median("member")
    parts = [_rows(results, mix, median.sel(mix=mix, drop=True)) for mix in mixes or labels]
    return pd.concat(parts, ignore_index=True).assign(unit=MTCE if variable == REPORTED else MT_CO2)


def _contributions(ensemble: Ensemble, mix: str, variable: str) -> tuple[dict[str, pd.DataFrame], "pd.Series[float]"]:
    """Cause → points (region × sector, the nation last), and the amount of a point (Mtce or Mt CO2, region)."""
    params = ensemble.params(mix)
    needed = list(NEEDED[variable])
    results = ensemble.results(params, needed).transpose("member", "province", ..., "year")
    whole = sum((results[name] for name in totals(variable)), xr.zeros_like(results["gdp"]))
    finite = np.isfinite(whole.to_numpy()).all(axis=(1, 2))
    before, after = (results.isel(member=finite, year=index) for index in (0, -1))
    whole = whole.isel(member=finite, year=0)
    sectors = [str(name) for name in results["sector"].to_numpy()]
    frames: dict[str, list[pd.DataFrame]] = {}
    points = []
    for places, nation in ((ensemble.provinces, False), ([NATION], True)):
        old_gdp, new_gdp, total = (
            of.sum("province").expand_dims(province=places) if nation else of
            for of in (before["gdp"], after["gdp"], whole)
        )
        level = (total / old_gdp).transpose("member", "province")
        scale = -100 / level.to_numpy()[:, :, None]
        for cause, part in causes(before, after, variable, nation).items():
            frames.setdefault(cause, []).append(pd.DataFrame((scale * part).mean(0), places, sectors))
        frozen = (level * new_gdp).transpose("member", "province").mean("member").to_numpy() / 100
        points.append(pd.Series(frozen, places))
    return {cause: pd.concat(parts) for cause, parts in frames.items()}, pd.concat(points)


def totals(variable: str) -> list[str]:
    """The outputs whose sum over GDP is the indicator's intensity."""
    first = "total energy" if variable == REPORTED else "energy co2"
    return [first, "process co2"] if "process co2" in NEEDED[variable] else [first]


def causes(before: xr.Dataset, after: xr.Dataset, variable: str, nation: bool = False) -> dict[str, Array]:
    """Contribution of each cause to the change of an intensity between two years; they add up to it exactly.

    Args:
        before: outputs of one year (`NEEDED`), dims member, province, sector, fuel.
        after: the same of the later year.
        variable: the indicator's, a key of `NEEDED`.
        nation: split the intensity of all provinces together, not that of each.

    Returns:
        Cause → (member, province, sector), in the unit of the intensity; `nation`: one province, the sum of all.
    """
    split = _energy_parts if variable == REPORTED else _carbon_parts
    parts = split(before, after, nation)
    sectors = [str(name) for name in before["sector"].to_numpy()]
    demand = np.isin(sectors, BY_DEMAND)
    activity = parts.pop("activity")
    heavy = parts.pop("heavy") + parts.pop("projects")
    found = {GROWTH: activity * demand, STRUCTURE: activity * ~demand, ADDITIONS: heavy, **parts}
    if nation:
        found = {cause: part.sum(1, keepdims=True) for cause, part in found.items()}
    if "process co2" in NEEDED[variable]:
        old, new = (_per_gdp(state, "process co2", nation) for state in (before, after))
        where = np.array([name == PROJECTS for name in sectors])
        found[PROCESS] = (new - old)[:, :, None] * where
    return found


def _per_gdp(state: xr.Dataset, name: str, nation: bool) -> Array:
    """An output over GDP: (member, province), or (member, 1) of all provinces together."""
    amount, gdp = (state[one].transpose("member", "province").to_numpy() for one in (name, "gdp"))
    if nation:
        amount, gdp = amount.sum(1, keepdims=True), gdp.sum(1, keepdims=True)
    per_gdp: Array = amount / gdp
    return per_gdp


def _lmdi(before: Mapping[str, Array], after: Mapping[str, Array], gdp: Sequence[xr.DataArray]) -> dict[str, Array]:
    """LMDI of the products of factors; gdp: of both years where the nation is split, by the provinces' shares of it."""
    if not gdp:
        return lmdi(before, after, ())
    shares = [(one / one.sum("province")).transpose("member", "province").to_numpy() for one in gdp]
    extra = (1,) * (next(iter(before.values())).ndim - 2)
    old, new = (
        {**state, REGIONS: share.reshape(*share.shape, *extra)}
        for state, share in zip((before, after), shares, strict=True)
    )
    return lmdi(old, new, ())


def _energy_parts(before: xr.Dataset, after: xr.Dataset, nation: bool) -> dict[str, Array]:
    """LMDI of energy per GDP: factor → (member, province, sector)."""
    parts = _lmdi(factors(before), factors(after), [before["gdp"], after["gdp"]] if nation else [])
    names = ("activity", "heavy", "projects", *([REGIONS] if nation else []))
    return {
        **{name: parts[name] for name in names},
        EFFICIENCY: parts["intensity"],
        POWER: parts["conversion"],
    }


def _carbon_parts(before: xr.Dataset, after: xr.Dataset, nation: bool) -> dict[str, Array]:
    """LMDI of energy CO2 per GDP: factor → (member, province, sector), the fuels of a sector added up."""
    parts = _lmdi(carbon_factors(before), carbon_factors(after), [before["gdp"], after["gdp"]] if nation else [])
    supplied = np.isin([str(name) for name in before["fuel"].to_numpy()], SUPPLIED)
    names = ("activity", "heavy", "projects", *([REGIONS] if nation else []))
    carbon = parts.pop("carbon")
    return {
        **{name: parts[name].sum(-1) for name in names},
        EFFICIENCY: parts["intensity"].sum(-1),
        FUELS: (parts["fuels"] + carbon * ~supplied).sum(-1),
        SUPPLY: (carbon * supplied).sum(-1),
    }


def carbon_factors(state: xr.Dataset) -> dict[str, Array]:
    """The factors of energy CO2 per GDP in one year: (member, province, sector, fuel), their product the terms."""
    parts = fuel_factors(state, "energy co2", intensity=True, each=True)
    final = state["final energy by fuel"].sum("fuel").transpose("member", "province", "sector")
    heavy, projects = (part.to_numpy()[..., None] for part in _split(state, final))
    return {
        "activity": parts["structure"] / heavy,
        "heavy": heavy,
        "projects": projects,
        "intensity": parts["sector intensity"] / projects,
        "fuels": parts["fuel"],
        "carbon": parts["power"],
    }


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


def _total(frames: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """All causes together, region × sector; a cause that a region does not have counts as none."""
    first, *others = frames.values()
    for frame in others:
        first = first.add(frame, fill_value=0.0)
    return first


def _rows(
    results: dict[str, tuple[dict[str, pd.DataFrame], "pd.Series[float]"]], mix: str, median: xr.DataArray
) -> pd.DataFrame:
    """The rows of one mix: the causes of the base mix, what the mix adds, and the rest to the median."""
    frames, point = results[mix]
    if BASE in results and mix != BASE:
        base, _ = results[BASE]
        frames = {**base, POLICY: _total(frames) - _total(base)}
    else:
        frames = {**frames, POLICY: 0.0 * frames[EFFICIENCY]}
    rows = [
        {"mix": mix, "province": region, "cause": cause, "sector": sector, "points": float(value)}
        for cause, frame in frames.items()
        for region, values in frame.iterrows()
        for sector, value in values.items()
    ]
    known = pd.DataFrame(rows)
    rest = median.sel(province=list(point.index)).to_series() - known.groupby("province")["points"].sum()
    unknown = pd.DataFrame(
        {"mix": mix, "province": rest.index, "cause": UNKNOWN, "sector": "", "points": rest.to_numpy()}
    )
    found = pd.concat([known, unknown], ignore_index=True)
    return found.assign(amount=found["points"] * found["province"].map(point))
