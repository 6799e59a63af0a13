"""The hindcast under the configuration fixed beforehand: official targets, plan as delivered."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import xarray as xr

from calibration import backtest, baseline, prior
from calibration.backtest import FIRST, SECOND
from experiments import policy
from models.reading.faults import InputError

if TYPE_CHECKING:
    from experiments.runs.store import Run

MEMBERS, SEED = 1000, 1
MIX = "delivered"
"""The policy mix of the hindcast of 2011-2015; nothing new is delivered before 2010."""


def scorecard(
    origin: int = SECOND.last,
    members: int = MEMBERS,
    seed: int = SEED,
    progress: Callable[[str], None] = lambda text: None,
) -> dict[str, Any]:
    """The skill card of one origin, as from `calibration.backtest.run`. Raises InputError for an unknown origin."""
    known = {one.last: one for one in (FIRST, SECOND)}
    if origin not in known:
        raise InputError(f"origin {origin}: allowed are {', '.join(map(str, known))} (the last fitted year)")
    params = configuration(origin, members, seed)
    return backtest.run(known[origin], baseline.load(), params, members=members, seed=seed, progress=progress)


def mix_of(origin: int) -> str:
    """The policy mix of an origin's forecast.

    Nothing new is delivered before 2010; the policies of the 12th plan are in the trend that is fitted to 2015, those
    after it in the activity that a nowcast is conditioned on.
    """
    return MIX if origin == SECOND.last else "base"


def configuration(origin: int, members: int, seed: int) -> dict[str, xr.DataArray]:
    """Parameters of the model under the policy mix of an origin, by member where they are uncertain."""
    mix = policy.mix(mix_of(origin))
    return {**mix.params(), **delivery(mix, members, seed)}


def delivery(mix: Any, members: int, seed: int) -> dict[str, xr.DataArray]:
    """The mix's uncertain inputs (delay, compliance), one value per member, for all levers that share them."""
    uncertain = mix.uncertain()
    if not uncertain:
        return {}
    sample = prior.sobol(members, len(uncertain), np.random.default_rng([seed, 5]))
    made = {}
    for column, (name, item) in zip(sample.T, uncertain.items(), strict=True):
        made[name] = xr.DataArray(item.low + (item.high - item.low) * column, dims="member")
    return made


def as_json(scorecard: dict[str, Any]) -> dict[str, Any]:
    """The card with the names under which others look for its figures: changes in per cent, negative = fall."""
    question = scorecard["scores"]["question"].iloc[0].replace(" ", "_").replace("-", "_")
    name = question.replace("intensity_", "intensity_change_")
    renamed = {"medians": name, "bands_80": f"{name}_band_80"}
    return {renamed.get(item, item): value for item, value in scorecard.items()}


def facts(scorecard: dict[str, Any]) -> dict[str, float]:
    """The card's single figures: item → value."""
    parts = {name: scorecard.get(name, {}) for name in ("nation", "single_years", "red_list")}
    found = {f"{part} {name}": value for part, values in parts.items() for name, value in values.items()}
    return found | {name: scorecard[name] for name in ("origin", "members", "seed", "looks") if name in scorecard}


def save(scorecard: dict[str, Any], run: "Run") -> None:
    """Store the card in a run, for its report: tables `backtest` (the scores) and `backtest_facts` (item, value)."""
    run.save_table("backtest", scorecard["scores"])
    found = facts(scorecard)
    run.save_table("backtest_facts", pd.DataFrame({"item": list(found), "value": np.array([*found.values()], float)}))
