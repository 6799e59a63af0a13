"""Share of the variance due to the form of the model, in a study with several model files (structural uncertainty).

The form is one more uncertain input, each file equally likely; its first and total Sobol' index are its share of the
variance alone and with all its interactions (Saltelli et al. 2008; Draper 1995, Journal of the Royal Statistical
Society B 57, 45-97, for the form as an input). Each form keeps the fit to the measured years (`member_design`).
The share depends on which forms are offered: it says nothing of forms that nobody wrote down.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from experiments.analyses import feasibility
from experiments.analyses.sensitivity import sobol, target
from experiments.analyses.sensitivity.factors import Evaluate, Factor
from experiments.analyses.sensitivity.problem import EVERY_SHOCK, SensitivityProblem
from experiments.ensemble.core import Ensemble
from experiments.installation import FORM, Installation, ScenarioInputs
from experiments.runs.store import Run

RUNS = 8192
"""Model runs of each design."""
KEPT = ("calibrated", "predictive error")
ASSUMPTIONS = "assumptions"


def shares(
    margin: Evaluate, factors: Sequence[Factor], places: Sequence[str], *, runs: int = RUNS, seed: int = 1
) -> pd.DataFrame:
    """First and total Sobol' index of the model form beside those of all other inputs by group.

    Args:
        margin: design of `factors` → (runs, places), percentage points.
        factors: the uncertain inputs, one of them named `model form`.
        places: names of the outputs.
        runs: model runs of each of the two designs.
        seed: 1 or more.

    Returns:
        Columns province, output (`margin` with the predictive error, `hit`, `modelled margin` without it), group, S1,
        S1_low, S1_high, ST, ST_low, ST_high (shares of the variance, 95 % over scrambled replicates), verdict, runs.
    """
    groups = [
        replace(f, group=FORM if f.name == FORM else f.group if f.group in KEPT else ASSUMPTIONS) for f in factors
    ]
    whole = target.analyse(margin, groups, runs=runs, seed=seed, outputs=places, groups=True)
    bare = [f for f in groups if f.name not in EVERY_SHOCK]
    modelled = sobol.indices(margin, bare, runs=runs, seed=seed + 1, outputs=places, groups=True)
    found = pd.concat([whole, target.verdicts(modelled).assign(of="modelled margin")], ignore_index=True)
    found = found.rename(columns={"output": "province", "of": "output", "factor": "group"})
    return found[["province", "output", "group", *_INDICES, "verdict", "runs"]]


_INDICES = ("S1", "S1_low", "S1_high", "ST", "ST_low", "ST_high")


def table(run: Run, system: Installation) -> pd.DataFrame:
    """`shares` under every mix of a run of several model files, first allocation; columns allocation and mix too."""
    ensemble = Ensemble(run.study, system, ScenarioInputs(**run.inputs()), run.design())
    label = run.study.allocations[0].label
    tables = []
    for mix in run.study.mixes:
        problem = SensitivityProblem(ensemble, mix.label, (label,))
        found = shares(problem.margins, problem.factors(), problem.places, seed=run.study.seed)
        tables.append(found.assign(allocation=label, mix=mix.label))
    return pd.concat(tables, ignore_index=True)


def by_form(run: Run) -> pd.DataFrame:
    """Results of the members of each form: median margin with its 80 % range, and the chance with its interval.

    Columns: allocation, mix, province, form (name of the file), members, margin, margin_10, margin_90 (percentage
    points), chance, chance_low, chance_high. Every allocation, mix, province and the nation.
    """
    metrics, forms = run.metrics(), run.design()[FORM].to_numpy(dtype=int)
    columns = ["allocation", "mix", "province", "members", "margin", "margin_10", "margin_90"]
    tables = [
        feasibility.summary(metrics.isel(member=np.flatnonzero(forms == number)))[
            [*columns, "chance", "chance_low", "chance_high"]
        ].assign(form=Path(name).stem)
        for number, name in enumerate(run.study.model)
    ]
    return pd.concat(tables, ignore_index=True)
