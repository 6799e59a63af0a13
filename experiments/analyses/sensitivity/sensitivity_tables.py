"""The inputs that decide the margin, and hit or miss, in one scenario of a run; saved as tables of the run.

Designs of its own, everything random seeded from the study's seed, so the same run gives the same tables.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from calibration.places import NATION
from experiments.analyses import feasibility
from experiments.analyses.sensitivity import given_data, screen, sobol, stored_members, target
from experiments.analyses.sensitivity.factors import DUMMY, Factor
from experiments.analyses.sensitivity.problem import EVERY_SHOCK, SensitivityProblem
from experiments.ensemble.core import Ensemble
from experiments.installation import Installation, ScenarioInputs
from experiments.runs.store import Run
from models.indicators import known_indicators
from models.parameters import parameters
from models.reading.faults import InputError
from models.reading.names import Spellings, choose

Array = NDArray[np.float64]
Say = Callable[[str], None]


CURVES = 6
"""Inputs whose curves are kept for each province."""


NOT_IDENTIFIED = "not identified"


SCREENED_OUT = "screened out"


def sensitivity_tables(
    run: Run,
    system: Installation,
    allocation: str | None = None,
    mix: str | None = None,
    *,
    indicator: str | None = None,
    runs: int = 32_000,
    trajectories: int = 16,
    say: Say = lambda text: None,
) -> None:
    """The inputs that decide the margin, and hit or miss, in one scenario of a run; saved as tables of the run.

    screening (Morris with dummy, without predictive errors), sensitivity (Sobol' of the survivors, for margin, hit, and
    modelled margin, which is without predictive errors), sensitivity_groups, sensitivity_years,
    convergence, irrelevant (fresh runs with irrelevant inputs fixed), rsa, shapley (calibrated parameters, correlated),
    ranking_inputs (what decides which of the two best mixes leads),
    indicator: whose margin, the study's leading one unless another of its indicators is named. runs: model runs of
    the Sobol' design.
    """
    label, chosen = run.study.scenario(allocation, mix)
    asked = run.study.target.indicators
    named = {key: known_indicators()[key] for key in asked}
    key = choose(indicator or asked[0], Spellings(named), f"indicator of the study {run.study.name}")
    at = {"allocation": label, "mix": chosen, "indicator": key}
    futures = Ensemble(run.study, system, ScenarioInputs(**run.inputs()), run.design(feasibility.LOOKED_AT))
    single = SensitivityProblem(futures, chosen, (label,), key)
    say("screening")
    screened = screened_inputs(single, trajectories)
    say("Sobol' indices")
    found = indices(single, screen.survivors(screened), runs)
    say("inputs called irrelevant, on fresh runs")
    tables = {
        "screening": screened.rename(columns={"output": "province"}),
        "sensitivity": _ranked(found, single.factors()),
        "convergence": _convergence(found),
        "irrelevant": confirmed(single, found, screen.survivors(screened), max(100, runs // 32)),
    }
    say("groups of inputs, by year; curves; correlated inputs")
    every = tuple(a.label for a in run.study.allocations)
    tables |= grouped(SensitivityProblem(futures, chosen, every, key), runs)
    tables |= {"rsa": curves(run, label, chosen, key), "shapley": correlated(run, label, chosen, key)}
    if len(run.study.mixes) > 1:
        tables["ranking_inputs"] = turning(run, label)
    for name in ("shapley", "sensitivity"):  # the latter last: it tells that all are there
        table = tables.pop(name)
        tables[name] = table.assign(label=[label_of(str(f)) for f in table.factor])
    for name, table in tables.items():
        run.save_table(name, table.assign(**at))


def screened_inputs(population: SensitivityProblem, trajectories: int) -> pd.DataFrame:
    """Morris effects on the margin without its predictive error, by place."""
    plain = [f for f in population.factors() if f.name not in EVERY_SHOCK]
    seed = population.futures.study.seed
    return screen.effects(population.margins, plain, trajectories=trajectories, seed=seed, outputs=population.places)


def indices(population: SensitivityProblem, survivors: Sequence[str], runs: int) -> pd.DataFrame:
    """Sobol' indices of margin, hit and modelled margin; inputs that were screened out are one group together."""
    kept, seed = {*survivors, *EVERY_SHOCK}, population.futures.study.seed
    factors = [replace(f, group=f.name if f.name in kept else SCREENED_OUT) for f in population.factors()]
    places = population.places
    whole = target.analyse(population.margins, factors, runs=runs, seed=seed + 1, outputs=places, groups=True)
    bare = [f for f in factors if f.name not in EVERY_SHOCK]
    modelled = sobol.indices(population.margins, bare, runs=runs, seed=seed + 5, outputs=places, groups=True)
    return pd.concat([whole, target.verdicts(modelled).assign(of="modelled margin")], ignore_index=True)


def confirmed(
    population: SensitivityProblem, found: pd.DataFrame, survivors: Sequence[str], fresh: int
) -> pd.DataFrame:
    """Chances on fresh runs with the inputs that are irrelevant to a place's hit or miss held at their median there."""
    factors, kept = population.factors(), {*survivors, *EVERY_SHOCK}
    cleared = target.irrelevant(found[found.of == "hit"])
    named = {
        place: [f.name for f in factors if f.name in own or (f.name not in kept and SCREENED_OUT in own)]
        for place, own in cleared.items()
    }
    seed = population.futures.study.seed + 2
    table = target.validate(population.margins, factors, named, runs=fresh, seed=seed)
    return table.rename(columns={"output": "province"})


def _ranked(found: pd.DataFrame, factors: Sequence[Factor]) -> pd.DataFrame:
    """Columns as the report reads them: province, output (margin or hit), factor, group, unit, indices, rank."""
    parts = [sobol.ranked(one).assign(output=of) for of, one in _by_place(found)]
    dummy = found[found.factor == DUMMY].assign(rank="–").rename(columns={"output": "province", "of": "output"})
    table = pd.concat([*parts, dummy], ignore_index=True)
    about = {f.name: f for f in factors}
    return table.assign(
        group=[about[n].group if n in about else n for n in table.factor],
        unit=[about[n].unit if n in about else "" for n in table.factor],
    )


def _by_place(found: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    """Tables of one place and one kind of output, the place in a column of its own."""
    return [
        (str(of), one.assign(province=one.output).drop(columns="of"))
        for (_, of), one in found.groupby(["output", "of"], sort=False)
    ]


def _convergence(found: pd.DataFrame) -> pd.DataFrame:
    parts = [
        sobol.convergence(one).rename(columns={"output": "province"}).assign(output=of)
        for of, one in found.groupby("of", sort=False)
    ]
    return pd.concat(parts, ignore_index=True)


def grouped(everyone: SensitivityProblem, runs: int) -> dict[str, pd.DataFrame]:
    """Indices of groups (economy, demand, …, data vintage) over all allocation rules of the study, and by year."""
    of = everyone.futures.study
    base, end = of.target.period.span
    years = list(range(base + 1, end + 1))

    def margins(points: pd.DataFrame) -> Array:
        return everyone.margins(points, years)

    found = target.analyse(
        margins, everyone.factors(), runs=runs, seed=of.seed + 3, outputs=everyone.labels(years), groups=True
    )
    split = found.output.str.split("|", expand=True)
    table = found.assign(province=split[0], year=split[1].astype(int)).drop(columns="output")
    table = table.rename(columns={"of": "output", "factor": "group"})
    last = table[table.year == end].drop(columns="year")
    return {"sensitivity_groups": last, "sensitivity_years": table}


def curves(run: Run, allocation: str, mix: str, key: str) -> pd.DataFrame:
    """RSA curves of the inputs that differ most between the run's hits and misses, for each province."""
    metrics = feasibility.of_indicator(run.metrics(members=feasibility.LOOKED_AT), key)
    design = run.design(feasibility.LOOKED_AT)
    tables = []
    for province in [str(p) for p in metrics["province"].to_numpy() if p != NATION]:
        margin = metrics["margin"].sel(allocation=allocation, mix=mix, province=province).to_numpy()
        known = np.isfinite(margin)
        hit = margin[known] >= 0
        if hit.all() or not hit.any():
            continue
        x = inputs_of(design, province)[known]
        ranks = (x[target.telling(x, ~hit, CURVES)].rank() - 0.5) / len(x)
        tables.append(target.curves(ranks, hit, province).rename(columns={"output": "province"}))
    empty = pd.DataFrame(columns=["province", "factor", "u", "cdf_hit", "cdf_miss", "distance"])
    return pd.concat(tables, ignore_index=True) if tables else empty


def correlated(run: Run, allocation: str, mix: str, key: str) -> pd.DataFrame:
    """Shapley effects on the margin over the run's own, correlated members (see `shares`)."""
    metrics = feasibility.of_indicator(run.metrics(members=feasibility.LOOKED_AT), key)
    margin = metrics["margin"].sel(allocation=allocation, mix=mix)
    return shares(
        run, {str(p): margin.sel(province=p).to_numpy() for p in margin["province"].to_numpy() if p != NATION}
    )


def turning(run: Run, allocation: str) -> pd.DataFrame:
    """Inputs that decide which of the two best mixes leads: Shapley effects on their difference in modelled reduction.

    Columns of `shares`, with the two mixes and how often the second leads (flips), for places where it ever does.
    """
    table = run.table("ranking")
    close = table[(table.allocation == allocation) & (table.flips > 0)].set_index("province")
    reduction = run.metrics("modelled_reduction", members=feasibility.LOOKED_AT)["modelled_reduction"]
    reduction = reduction.sel(allocation=allocation)
    lead = {
        str(place): (reduction.sel(province=place, mix=row["best"]) - reduction.sel(province=place, mix=row["second"]))
        for place, row in close.iterrows()
    }
    found = shares(run, {place: values.to_numpy() for place, values in lead.items()})
    return found.merge(close[["best", "second", "flips"]], left_on="province", right_index=True)


def given_data_table(
    run: Run,
    method: str,
    province: str = NATION,
    allocation: str | None = None,
    mix: str | None = None,
    indicator: str | None = None,
) -> pd.DataFrame:
    """PAWN or delta indices of a place's inputs on its margin, from the run's members alone (see `stored_members`).

    Of the nation only the inputs that are common to all provinces are looked at. Columns of `stored_members.indices`
    with province, allocation, mix, indicator, unit and label (is the input identified by the data?).
    """
    label, chosen = run.study.scenario(allocation, mix)
    asked = run.study.target.indicators
    known = {key: known_indicators()[key] for key in asked}
    key = choose(indicator or asked[0], Spellings(known), f"indicator of the study {run.study.name}")
    at = {"allocation": label, "mix": chosen, "province": province}
    y = feasibility.of_indicator(run.metrics(), key)["margin"].sel(at).to_numpy().astype(float)
    whole = np.isfinite(y)
    inputs, units = inputs_of(run.design(), province)[whole], parameters()["unit"].to_dict()
    found = stored_members.indices(inputs, y[whole], method=method, seed=run.study.seed)
    names = [str(name) for name in found["factor"]]
    return found.assign(
        **at,
        indicator=key,
        unit=[units.get(name.partition("[")[0], "") for name in names],
        label=[label_of(name) for name in names],
    )


LEAST_SHARED = 350
"""Members below which thirty inputs are too many for a regression."""


def shares(run: Run, outputs: Mapping[str, Array]) -> pd.DataFrame:
    """Shapley effects of a place's inputs on an output of every member: place → (members,).

    Inputs: all calibrated parameters of the place, and the assumptions correlated most with the output; thirty in all.
    Columns: province, factor, effect, low, high, degree, runs.
    """
    design, tables = run.design(feasibility.LOOKED_AT), []
    for number, (place, values) in enumerate(outputs.items()):
        y = values.astype(float)
        known = np.isfinite(y)
        if known.sum() < LEAST_SHARED:
            continue
        x = inputs_of(design, place)[known]
        own = [c for c in x.columns if "[" in c]
        others = x.drop(columns=own)
        strength = others.corrwith(pd.Series(y[known], others.index), method="spearman").abs()
        names = [*own, *strength.sort_values(ascending=False).index[: max(0, 30 - len(own))]]
        rng = np.random.default_rng(np.random.SeedSequence(run.study.seed, spawn_key=(4, number)))
        tables.append(given_data.shapley(x[names], y[known], rng, names=[place]).rename(columns={"output": "province"}))
    empty = pd.DataFrame(columns=["province", "factor", "effect", "low", "high", "degree", "runs"])
    return pd.concat(tables, ignore_index=True) if tables else empty


def label_of(column: str) -> str:
    """Is a design's column identified, not identified or prior only? Empty for an input outside the calibration."""
    from calibration import identifiability

    name, _, place = column.removesuffix("]").partition("[")
    try:
        return identifiability.label(name, place.split(",")[0] or None)
    except InputError:
        return ""


def inputs_of(design: pd.DataFrame, province: str) -> pd.DataFrame:
    """The inputs that a province feels: common ones and its own, constants and doubles left out."""
    own = [c for c in design.columns if "[" not in c or c.split("[")[1].removesuffix("]").split(",")[0] == province]
    varying = design[own].loc[:, design[own].max() > design[own].min()]
    ranks = varying.rank().to_numpy()
    _, first = np.unique(ranks, axis=1, return_index=True)
    return varying.iloc[:, np.sort(first)]
