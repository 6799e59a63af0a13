"""What the triggers of a mix do: how often they fire, whom they bring to the target, and what they cost.

The same members with and without the triggers (common random numbers), so that every difference is the trigger's.
"""

import numpy as np
import pandas as pd

from calibration.places import NATION
from experiments.analyses.intervals import wilson
from experiments.ensemble.core import Ensemble
from experiments.ensemble.outputs import COST, with_nation
from experiments.ensemble.triggers import of_mix
from experiments.policy.mix import STRENGTH


def table(ensemble: Ensemble) -> pd.DataFrame:
    """A row for each mix with triggers and each province, under the study's first allocation; the nation last.

    Columns: allocation, mix, province; triggers (of each, between bars: year that is read; points behind; levers;
    start); fired (share of members in which a lever rose; in the nation: in any province); chance, chance_without
    (shares of the members that reach the target; of the nation its sum of provinces) with their 95 % Wilson intervals
    …_low, …_high; gain (points of reduction on average where it fired); cost (Gyuan a year at 2005 prices in the
    plan's last year, more than without, mean of the members in which it fired); members. Empty where no mix has any.
    """
    study = ensemble.study
    label, end = study.allocations[0].label, study.target.period.last_year
    tables = []
    for mix in study.mixes:
        triggers = of_mix(ensemble.inputs, mix.label)
        if not triggers:
            continue
        plain, params = ensemble.inputs.params(label, mix.label, study.target.plan), ensemble.scenario(label, mix.label)
        strength = params[STRENGTH].transpose("time", "member", "province", "lever").to_numpy()
        rose = (strength[-1] > strength[0]).any(axis=-1)
        fired = np.column_stack([rose, rose.any(axis=1)])
        words = " | ".join(f"{one.year}; {one.behind:g}; {', '.join(one.levers)}; {one.start}" for one in triggers)
        goal = ensemble.inputs.allocation["target"].sel(allocation=label, province=[*ensemble.provinces, NATION])
        margins, costs = [], []
        for given in (plain, params):
            margins.append(100 * ensemble.reduction_with_nation(given) - goal.to_numpy())
            money = with_nation(ensemble.results(given, [COST], [end]), [COST])[COST]
            costs.append(money.isel(year=0).transpose("member", "province").to_numpy())
        rows = pd.DataFrame({"province": [*ensemble.provinces, NATION]})
        for name, margin in zip(("chance_without", "chance"), margins, strict=True):
            known, hits = np.isfinite(margin).sum(axis=0), (margin >= 0).sum(axis=0)
            low, high = wilson(hits, known)
            rows = rows.assign(**{name: hits / np.maximum(known, 1), f"{name}_low": low, f"{name}_high": high})
        where = np.where(fired, 1.0, np.nan)
        with np.errstate(invalid="ignore"):
            counts = np.maximum(fired.sum(axis=0), 1)
            gain = np.where(fired.any(axis=0), np.nansum(where * (margins[1] - margins[0]), axis=0) / counts, np.nan)
            cost = np.where(fired.any(axis=0), np.nansum(where * (costs[1] - costs[0]), axis=0) / counts, np.nan)
        rows = rows.assign(fired=fired.mean(axis=0), gain=gain, cost=cost, members=len(ensemble.members))
        tables.append(rows.assign(allocation=label, mix=mix.label, triggers=words))
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=["allocation", "mix", "province"])
