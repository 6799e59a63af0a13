"""The analyses of a run, saved as its tables: what `tanlu feasibility` and `tanlu sensitivity` carry out.

`feasibility` works on the members that the run holds (and runs them again for the reality checks); `sensitivity`
samples designs of its own. Everything random is seeded from the study's seed, so the same run gives the same tables.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from calibration import region
from calibration.places import NATION
from experiments.allocation.shipped import baseline
from experiments.analyses import feasibility, joint, members_fit, pressure, regret, triggers, trust
from experiments.analyses import reality_checks as checks
from experiments.analyses.prim import PrimBox, discover
from experiments.analyses.prim import limits as box_limits
from experiments.analyses.sensitivity import model_form
from experiments.analyses.sensitivity.sensitivity_tables import NOT_IDENTIFIED, inputs_of, label_of
from experiments.ensemble.core import Ensemble, Params
from experiments.ensemble.triggers import of_mix
from experiments.installation import Installation, ScenarioInputs
from experiments.runs.store import Run

Array = NDArray[np.float64]
Say = Callable[[str], None]
SentenceRow = Callable[..., dict[str, object]]


def silent(text: str) -> None:
    """No remarks."""


def feasibility_tables(
    run: Run,
    system: Installation,
    sentence_row: SentenceRow,
    say: Say = silent,
    *,
    reality: bool = True,
    check_files: Sequence[Path] = (),
) -> None:
    """Feasibility of every allocation × mix × province, saved as tables of the run.

    members_fit, feasibility, indicators, joint, barometer, pace, boxes, box_limits, trade_off, regret, ranking,
    pressure, pressure_chances, checks; of mixes with triggers, triggers; of
    several model files, model_form and model_forms.
    sentence_row: makes the row of a box, with its sentences. check_files:
    experts' own reality checks, beside the shipped ones.
    """
    asked = checks.in_plan(checks.everything(check_files), *run.study.target.period.span) if reality else []
    metrics = run.metrics(members=feasibility.LOOKED_AT)
    say("do the members fit the past?")
    run.save_table("members_fit", members_fit.table(run, system, past()))
    trusted = trust.trusted(run)
    status = run.inputs()["allocation"].get("status")
    of_all = partial(over_all_members, run, metrics)
    run.save_table("feasibility", of_all(lambda one: feasibility.summary(one, trusted), "reduction", "target"))
    run.save_table("indicators", of_all(lambda one: joint.each(one, status, trusted), "achieved", "targets"))
    run.save_table("joint", of_all(joint.table, "achieved", "targets"))
    run.save_table("barometer", of_all(feasibility.by_year, "reduction", "yearly_reduction", "target"))
    run.save_table("pace", paces(run))
    say("failure conditions")
    for name, table in every_box(run, metrics, sentence_row).items():
        run.save_table(name, table)
    run.save_table("regret", regret.table(metrics, national_goal(metrics), base_energy(run)))
    run.save_table("ranking", regret.ranking(metrics))
    for name, table in pressure.tables(run, system, base_energy(run)).items():
        run.save_table(name, table)
    inputs = ScenarioInputs(**run.inputs())
    if any(of_mix(inputs, mix.label) for mix in run.study.mixes):
        say("what the triggers do")
        run.save_table("triggers", triggers.table(Ensemble(run.study, system, inputs, run.design())))
    if len(run.study.model) > 1:
        say("share of variance of the model form")
        run.save_table("model_form", model_form.table(run, system))
        run.save_table("model_forms", model_form.by_form(run))
    if reality:
        say("reality checks over all members")
        run.save_table("checks", reality_checks(run, system, asked))


def over_all_members(
    run: Run, metrics: xr.Dataset, make: Callable[[xr.Dataset], pd.DataFrame], *names: str
) -> pd.DataFrame:
    """A table by place of all the members; of more than LOOKED_AT, one place after the other, so memory is bounded.

    Args:
        run: the run.
        metrics: of the first LOOKED_AT of its members.
        make: the table of some places.
        names: metrics that it is made of.

    Returns:
        the table in the order that it has in one piece.
    """
    if run.study.members <= feasibility.LOOKED_AT:
        return make(metrics)
    places = map(str, metrics["province"].to_numpy())
    whole = pd.concat([make(run.metrics(*names, provinces=[place])) for place in places], ignore_index=True)
    keys = [name for name in ("indicator", "allocation", "mix", "province", "year") if name in whole]
    ranks = [pd.factorize(whole[name])[0] for name in reversed(keys)]
    return whole.iloc[np.lexsort(ranks)].reset_index(drop=True)


def paces(run: Run) -> pd.DataFrame:
    """Yearly rates needed against the fastest on record (see `feasibility.pace`); a region pack has no peers."""
    if (pack := region.active()) is not None:
        return feasibility.pace(run.table("feasibility"), region.fall(pack), {})
    leading = run.study.target.leading
    fastest = feasibility.fastest_fall(feasibility.measured_series(measured(), leading.key))
    return feasibility.pace(run.table("feasibility"), fastest, feasibility.peers(feasibility.traits(measured())))


def national_goal(metrics: xr.Dataset) -> float:
    """The nation's target of the leading indicator, per cent, the same under every allocation."""
    return float(metrics["target"].sel(province=NATION).isel(allocation=0))


def base_energy(run: Run) -> xr.DataArray:
    """Measured energy of the plan's base year, or of the last measured one, Mtce: the weights of a shortfall."""
    known = measured()["energy_total"].dropna("year", how="all")
    year = min(run.study.target.period.base_year, int(known["year"].max()))
    energy = known.sel(year=year, drop=True)
    return energy.sel(province=run.study.provinces) if run.study.provinces else energy


def measured() -> xr.Dataset:
    """The measured baseline, read once a process."""
    return baseline()


def past() -> pd.DataFrame:
    """Measured energy and GDP by (province, year)."""
    known = measured()[["energy_total", "gdp"]].rename(energy_total="energy").reset_coords(drop=True)
    return known.to_dataframe().reorder_levels(["province", "year"])[["energy", "gdp"]]


def every_box(run: Run, metrics: xr.Dataset, sentence_row: SentenceRow) -> dict[str, pd.DataFrame]:
    """The tables of `boxes` for the leading indicator, and under `further_…` those of the others, by indicator."""
    lead, *others = run.study.target.indicators
    growth = metrics["gdp_growth"]
    found = boxes(run, feasibility.of_indicator(metrics, lead), growth, sentence_row)
    further: dict[str, list[pd.DataFrame]] = {}
    for key in others:
        for name, table in boxes(run, feasibility.of_indicator(metrics, key), growth, sentence_row).items():
            further.setdefault(f"further_{name}", []).append(table.assign(indicator=key))
    return found | {name: pd.concat(tables, ignore_index=True) for name, tables in further.items()}


def boxes(run: Run, metrics: xr.Dataset, growth: xr.DataArray, sentence_row: SentenceRow) -> dict[str, pd.DataFrame]:
    """Failure conditions for every mix and province under the study's first allocation.

    metrics: of one indicator, of the members looked at; growth: of GDP over the plan, of the same, per cent a year.

    Found where the model without its predictive error points to a miss, judged on misses with it, on members not used
    before. What a province can observe or move (its growth, its own inputs, how policy is delivered) is searched first,
    the national assumptions only where that finds nothing. Tables: boxes (kind: own or national; scores, sentences),
    box_limits, trade_off. A province without a box has too few hits or
    misses, or no condition with which the 95 % interval of the held-out density lies above the base rate.
    """
    metrics = metrics.assign(modelled_margin=metrics["modelled_reduction"] - metrics["target"])
    design = run.design(metrics.sizes["member"])
    units = {**units_of(design.columns), GROWTH: "%/year"}
    unknown = {c for c in design.columns if label_of(c) == NOT_IDENTIFIED}
    allocation = run.study.allocations[0].label
    rows, limits, trade_offs = [], [], []
    seeds = np.random.SeedSequence(run.study.seed).spawn(metrics.sizes["province"])
    for province, seed in zip(map(str, metrics["province"].to_numpy()), seeds, strict=True):
        if province == NATION:
            continue
        x = inputs_of(design, province)
        for mix in map(str, metrics["mix"].to_numpy()):
            at = {"allocation": allocation, "mix": mix, "province": province}
            margin, modelled = (metrics[n].sel(at).to_numpy().astype(float) for n in ("margin", "modelled_margin"))
            known = np.isfinite(margin)
            miss, chance = margin[known] < 0, chance_of_miss(margin[known], modelled[known])
            seen = x.assign(**{GROWTH: growth.sel(at).to_numpy().astype(float)})
            box, trade_off, kind = condition(seen[known], miss, chance, seed)
            trade_offs.append(trade_off.assign(**at))
            if box is not None:
                goal = float(metrics["target"].sel(allocation=allocation, province=province))
                rows.append({**sentence_row(box, units, unknown, **at, target=goal), "kind": kind})
                limits.append(box_limits(box, **at))
    found = {"boxes": pd.DataFrame(rows, columns=None if rows else ["allocation", "mix", "province", "sentence_en"])}
    found["box_limits"] = pd.concat(limits, ignore_index=True) if limits else pd.DataFrame({"province": []})
    return found | {"trade_off": pd.concat(trade_offs, ignore_index=True)}


GROWTH = "gdp growth"
"""GDP growth over the plan, per cent a year: what a planner can watch from the first year on."""
MOVED = (GROWTH, "delivery delay", "compliance share")
"""Inputs without a province that a planner can observe or move all the same."""
OWN, NATIONAL = "own", "national"


def condition(
    x: pd.DataFrame, miss: NDArray[np.bool_], chance: Array, seed: np.random.SeedSequence
) -> tuple[PrimBox | None, pd.DataFrame, str]:
    """A box that holds up on held-out members, its trade-off table, and whose it is.

    Args:
        x: inputs and growth by member; `name[province]` is a province's own.
        miss: which members miss.
        chance: the less noisy chance of it, on which boxes are found.
        seed: of the halves.

    Returns:
        The box (None where none holds up), the trade-off table, and OWN where the box restricts anything that a
        province can observe or move, else NATIONAL.
    """
    own = [name for name in x if "[" in str(name) or name in MOVED]
    trade_off = pd.DataFrame()
    for names in (own, [name for name in x if name != GROWTH]):
        if not names:
            continue
        box, trade_off = discover(x[names], miss, np.random.default_rng(seed), chance)
        if box is not None and box.scores()["density_low"] > box.scores()["base"]:
            return box, trade_off, OWN if set(box.limits) & set(own) else NATIONAL
    return None, trade_off, NATIONAL


def chance_of_miss(margin: Array, modelled: Array) -> Array:
    """Chance that a member misses given its margin without the predictive error, the errors being those of all."""
    errors = np.sort(margin - modelled)
    return np.asarray(np.searchsorted(errors, -modelled, side="left") / len(errors))


def units_of(columns: Iterable[str]) -> dict[str, str]:
    """Unit of each column of a design."""
    from models.parameters import parameters

    unit = parameters()["unit"].to_dict()
    return {str(c): str(unit.get(str(c).partition("[")[0], "")) for c in columns}


def reality_checks(run: Run, system: Installation, asked: Sequence[checks.Check]) -> pd.DataFrame:
    """Reality checks over all members of every allocation × mix."""
    asked_of = run.study
    inputs = ScenarioInputs(**run.inputs())  # as stored: a mix of a file need not be at hand any more
    futures = Ensemble(asked_of, system, inputs, run.design(feasibility.LOOKED_AT))
    tables = []
    for allocation in asked_of.allocations:
        for mix in asked_of.mixes:
            params = futures.scenario(allocation.label, mix.label)

            def batches(names: list[str], years: range, params: Params = params) -> Iterator[xr.Dataset]:
                return futures.batches(params, names, years)

            tables.append(checks.over_ensemble(asked, batches, allocation=allocation.label, mix=mix.label))
    return pd.concat(tables, ignore_index=True)
