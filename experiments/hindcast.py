"""The hindcast under the configuration fixed beforehand (official targets, plan as delivered), in words and as data."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import xarray as xr
from scipy.stats import qmc

from calibration import backtest, baseline
from calibration.backtest import FIRST, MODEL, OPPONENT, SECOND
from experiments import policy
from experiments.errors import InputError

if TYPE_CHECKING:
    from experiments.store import Run

MEMBERS, SEED = 1000, 1
MIX = "delivered"
"""The policy mix of the hindcast of 2011-2015; nothing new is delivered before 2010."""


def card(
    origin: int = SECOND.last,
    members: int = MEMBERS,
    seed: int = SEED,
    progress: Callable[[str], None] = lambda text: None,
) -> dict[str, Any]:
    """The skill card of one origin, as from `calibration.backtest.run`. Raises InputError for an unknown origin."""
    known = {one.last: one for one in (FIRST, SECOND)}
    if origin not in known:
        raise InputError(f"origin {origin}: allowed are {', '.join(map(str, known))} (the last fitted year)")
    mix = policy.mix(MIX if origin == SECOND.last else "base")
    params = {**mix.params(), **delivery(mix, members, seed)}
    return backtest.run(known[origin], baseline.load(), params, members=members, seed=seed, progress=progress)


def delivery(mix: Any, members: int, seed: int) -> dict[str, xr.DataArray]:
    """The mix's uncertain inputs (delay, compliance), one value a member, for all levers that share them."""
    uncertain = mix.uncertain()
    if not uncertain:
        return {}
    sample = qmc.Sobol(len(uncertain), rng=np.random.default_rng([seed, 5])).random(1 << (members - 1).bit_length())
    made = {}
    for column, (name, item) in zip(sample[:members].T, uncertain.items(), strict=True):
        made[name] = xr.DataArray(item.low + (item.high - item.low) * column, dims="member")
    return made


def as_json(card: dict[str, Any]) -> dict[str, Any]:
    """The card with the names under which others look for its figures."""
    plain = {name: value for name, value in card.items() if name != "medians"}
    if card["origin"] == SECOND.last:
        plain["energy_intensity_change_2013_2015"] = card["medians"]
    else:
        plain["medians"] = card["medians"]
    return plain


def sentences(card: dict[str, Any]) -> list[str]:
    """What the card says, in both directions."""
    table = card["scores"]
    main = table[(table["question"] == table["question"].iloc[0]) & (table["run"] == MODEL)].set_index("forecast")
    model, naive = main.loc[MODEL], main.loc[OPPONENT]
    made = [
        f"Fitted to 2005-{card['origin']}; {card['members']} members; {main['question'].iloc[0]}, per cent.",
        f"Mean absolute error {model['mae']:.2f} points against {naive['mae']:.2f} of the naive opponent "
        f"({OPPONENT}): difference {naive['delta_mae']:+.2f} (90 % {naive['delta_mae_low']:+.2f} to "
        f"{naive['delta_mae_high']:+.2f}); CRPS difference {naive['delta_crps']:+.2f} "
        f"({naive['delta_crps_low']:+.2f} to {naive['delta_crps_high']:+.2f}); below zero: the model is better.",
        f"Bias {model['bias']:+.2f} points; the 80 % bands hold {100 * model['coverage_80']:.0f} % of the provinces.",
    ]
    nation = card["nation"]
    made.append(
        f"Sum of provinces: measured {nation['measured']:.1f} %, modelled {nation['median']:.1f} % "
        f"(80 % band {nation['low_80']:.1f} to {nation['high_80']:.1f}): {'inside' if nation['inside'] else 'outside'}."
    )
    if "red_list" in card:
        red = card["red_list"]
        made.append(f"Red list: Brier {red['brier']:.3f} against {red['base_rate_brier']:.3f} of the base rate.")
        made.append(f"The years 2011-2015 have been looked at {card['looks']} times ({Path(backtest.LOOKS).name}).")
    return made


def keep(card: dict[str, Any], run: "Run") -> None:
    """Store the card in a run, for its report: tables `backtest` (the scores) and `backtest_facts` (item, value)."""
    run.save_table("backtest", card["scores"])
    parts = {"nation": card["nation"], "red_list": card.get("red_list", {})}
    facts = {f"{part} {name}": value for part, values in parts.items() for name, value in values.items()}
    facts |= {name: card[name] for name in ("origin", "members", "looks") if name in card}
    run.save_table(
        "backtest_facts", pd.DataFrame({"item": list(facts), "value": np.array(list(facts.values()), float)})
    )
