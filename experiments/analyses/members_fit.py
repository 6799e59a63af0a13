"""Do the members of a run still fit the past under the study's own constants?"""

import numpy as np
import pandas as pd

from calibration.places import NATION
from experiments.ensemble.core import Ensemble
from experiments.installation import Installation, ScenarioInputs
from experiments.runs.store import Run

MEMBERS = 200
"""Members looked at: the first of the run's."""
ALLOWED = 0.5
"""Largest difference of the modelled from the measured fall of the sum's energy intensity, percentage points."""
SPAN = (2005, 2010)


def table(run: Run, system: Installation, measured: pd.DataFrame) -> pd.DataFrame:
    """Fall of energy intensity over SPAN: province, measured, modelled (median of the members), difference; per cent.

    measured: columns energy and gdp by (province, year) of the simulated provinces. The last row is their sum.
    """
    inputs = ScenarioInputs(**run.inputs())
    ensemble = Ensemble(run.study, system, inputs, run.design(MEMBERS))
    params = inputs.params(run.study.allocations[0].label, run.study.mixes[0].label, run.study.target.plan)
    names = ["total energy", "gdp"]
    measured = measured.loc[ensemble.provinces]
    parts = list(ensemble.batches(params, names, range(SPAN[0], SPAN[1] + 1)))
    first, last = (
        {
            name: np.concatenate([part[name].sel(year=year).transpose("member", "province") for part in parts])
            for name in names
        }
        for year in SPAN
    )
    rows = []
    for at, province in enumerate([*ensemble.provinces, NATION]):
        chosen = slice(None) if province == NATION else [at]
        known = measured if province == NATION else measured.loc[[province]]
        sums = known.groupby(level="year")[["energy", "gdp"]].sum()
        ratio = sums["energy"] / sums["gdp"]
        before, after = (
            part["total energy"][:, chosen].sum(1) / part["gdp"][:, chosen].sum(1) for part in (first, last)
        )
        fall, seen = 100 * (1 - ratio[SPAN[1]] / ratio[SPAN[0]]), float(np.median(100 * (1 - after / before)))
        rows.append((province, fall, seen, seen - fall))
    return pd.DataFrame(rows, columns=["province", "measured", "modelled", "difference"])


def fits(found: pd.DataFrame) -> bool:
    """Does the sum of provinces fall as measured, within ALLOWED?"""
    return bool(abs(float(found["difference"].iloc[-1])) <= ALLOWED)
