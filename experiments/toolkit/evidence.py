"""Members of a run compared with measured figures: their paths in one province, and their weights by agreement.

Members are draws of the run's ensemble with their predictive errors. Their paths are simulated again under the run's
own targets and mix (a second for one province); the chance that follows is the weighted share of members that reach
the targets. No figure of a future year is assumed.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from experiments.analyses import joint
from experiments.ensemble import outputs
from experiments.ensemble.core import Ensemble
from experiments.installation import Installation
from experiments.runs.store import Run
from experiments.toolkit.study_files import DESIGNED
from models.reading.faults import InputError
from models.reading.names import near

Array = NDArray[np.float64]
FEWEST = 30  # least effective members for a chance that is given
WIDENED = (1.0, 1.5, 2.0, 3.0)
"""Factors by which errors are widened, in turn, until enough members agree."""


class TooFewError(InputError):
    """The measured figures agree with too few members. effective: how many."""

    def __init__(self, effective: float, members: int) -> None:
        self.effective = effective
        super().__init__(
            f"the measured figures agree with {effective:.1f} of {members} members only, {FEWEST} are needed, even "
            f"with errors {WIDENED[-1]:g} times as large: run the study with more members (--set members=5000); if "
            "that does not help, the model missed what happened. The figures stay in the sheet: correct them there if "
            "one is a slip"
        )


@dataclass(frozen=True)
class Scenario:
    """Which scenario of a run, in which province."""

    allocation: str
    mix: str
    province: str


def scenario(run: Run, province: str, mix: str = "", allocation: str = "") -> Scenario:
    """The scenario asked for; without one the group's own mix.

    Raises InputError when the run lacks the mix: another one never takes its place unasked.
    """
    labels = [choice.label for choice in run.study.mixes]
    if not mix and DESIGNED not in labels:
        raise InputError(
            f"the run {run.name} lacks the mix {DESIGNED!r}, which the group designed; it has {', '.join(labels)}: "
            "run the folder's study.yaml, or name one of these with --mix"
        )
    if mix and mix not in labels:
        raise InputError(f"the run {run.name} lacks the mix {mix!r}{near(mix, labels)}; it has {', '.join(labels)}")
    rule, chosen = run.study.scenario(allocation, mix or DESIGNED)
    return Scenario(rule, chosen, province)


def paths(run: Run, system: Installation, at: Scenario, names: Sequence[str], years: Sequence[int]) -> xr.Dataset:
    """Outputs of every member in the province, with predictive errors: (member, …, year).

    Raises InputError when the run does not hold the province.
    """
    ensemble = Ensemble.of(run.study, system)
    if at.province not in ensemble.provinces:
        raise InputError(f"the run {run.name} does not simulate {at.province}; it has {', '.join(ensemble.provinces)}")
    params = ensemble.inputs.params(at.allocation, at.mix, run.study.target.plan)
    found = ensemble.results(params, list(dict.fromkeys(names)), list(years))
    error = system.errors(run.study, ensemble.members.index.to_numpy())
    here = {"province": [at.province]}
    whole = outputs.with_error(found.sel(here), error.sel(here))
    return whole.isel(province=0, drop=True)


@dataclass(frozen=True)
class Finals:
    """What each member achieves by the plan's last year.

    names: indicators that count; achieved (member, indicator), targets (indicator,): per cent, higher is better.
    """

    names: list[str]
    achieved: Array
    targets: Array

    @classmethod
    def of(cls, run: Run, at: Scenario) -> "Finals":
        """The indicators with a target there; a second metric of the same target does not count."""
        metrics = run.metrics().sel(allocation=at.allocation, mix=at.mix, province=at.province)
        if "achieved" not in metrics:
            achieved, targets = metrics["reduction"].to_numpy()[:, None], np.array([float(metrics["target"])])
            return cls([run.study.target.indicators[0]], achieved, targets)
        keys = [
            key
            for key in joint.counted(map(str, metrics["indicator"].to_numpy()))
            if np.isfinite(float(metrics["targets"].sel(indicator=key)))
        ]
        own = metrics.sel(indicator=keys)
        return cls(keys, own["achieved"].transpose("member", "indicator").to_numpy(), own["targets"].to_numpy())

    @property
    def met(self) -> NDArray[np.bool_]:
        """Whether a member reaches every target: (member,)."""
        return np.asarray((self.achieved >= self.targets).all(axis=1), dtype=bool)

    @property
    def equal(self) -> Array:
        """Weights of members before anything was measured; those that failed get none."""
        whole = np.isfinite(self.achieved).all(axis=1).astype(float)
        weights: Array = whole / whole.sum()
        return weights

    def chance(self, weights: Array) -> float:
        """Chance that every target is reached."""
        return float(weights[self.met].sum())

    def chances(self, weights: Array) -> dict[str, float]:
        """Chance of each target by itself."""
        met = self.achieved >= self.targets
        return {name: float(weights[met[:, i]].sum()) for i, name in enumerate(self.names)}


def weigh(modelled: Array, measured: Array, errors: Array) -> Array:
    """Weights of members (summing to one) by the normal error of measurement.

    Args:
        modelled: (member, figure), each member's value of a measured figure.
        measured: (figure,).
        errors: (figure,), standard deviations.

    Returns:
        (member,); a member that failed (NaN) gets none.

    Raises:
        InputError: every member failed.

    >>> weigh(np.array([[1.0], [2.0]]), np.array([1.0]), np.array([1.0])).round(3).tolist()
    [0.622, 0.378]
    """
    misfit = (((modelled - measured) / errors) ** 2).sum(axis=1)
    finite = np.isfinite(misfit)
    if not finite.any():
        raise InputError("every member of the run failed; there is nothing to weigh")
    weights = np.where(finite, np.exp(-0.5 * (np.where(finite, misfit, 0.0) - misfit[finite].min())), 0.0)
    normed: Array = weights / weights.sum()
    return normed


def effective(weights: Array) -> float:
    """Effective number of members (Kish 1965): the inverse of the sum of squared weights."""
    return float(1 / (weights**2).sum())


def agreeing(modelled: Array, measured: Array, errors: Array) -> tuple[Array, float]:
    """Weights, and the factor by which the errors had to be widened until enough members agree.

    Raises TooFewError when the widest errors still leave too few.
    """
    weights = np.zeros(len(modelled))
    for factor in WIDENED:
        weights = weigh(modelled, measured, factor * errors)
        if effective(weights) >= FEWEST:
            return weights, factor
    raise TooFewError(effective(weights), len(modelled))


def quantile(values: Array, weights: Array, levels: Sequence[float] = (0.1, 0.5, 0.9)) -> list[float]:
    """Weighted quantiles."""
    order = np.argsort(values)
    middle = np.cumsum(weights[order]) - 0.5 * weights[order]
    return [float(value) for value in np.interp(levels, middle, values[order])]


SHIFTED = 0.3  # standard deviations by which an assumption must move to be named
NAMED = 3
VARIES = 1e-9  # of its mean: what an input must vary to count as uncertain


def reasons(design: pd.DataFrame, weights: Array, province: str) -> list[str]:
    """The assumptions whose weighted means the measured years moved most, in words, without those of other provinces.

    Only shifts larger than the noise of the weights are named: above SHIFTED prior standard deviations and above three
    standard errors of a weighted mean.
    """
    own = [c for c in design.columns if "[" not in str(c) or str(c).split("[")[1].rstrip("]").split(",")[0] == province]
    numbers = design[own].select_dtypes("number")
    deviation = numbers.std(ddof=0)
    moving = numbers.loc[:, deviation > VARIES * numbers.abs().mean()]
    mean = pd.Series(weights @ moving.to_numpy(), index=moving.columns)
    shift = (mean - moving.mean()) / deviation[moving.columns]
    least = max(SHIFTED, 3 / np.sqrt(effective(weights)))
    strongest = shift[shift.abs() >= least].abs().sort_values(ascending=False).index[:NAMED]
    return [
        f"{name} {'higher' if shift[name] > 0 else 'lower'} ({moving[name].mean():.3g} to {mean[name]:.3g})"
        for name in strongest
    ]
