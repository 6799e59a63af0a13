"""Draws from the posterior of every province at once, with gates that raise.

The method is independence Metropolis-Hastings with a multivariate Student t proposal, which is fitted first to the
curvature at the optimum and then to weighted draws. Proposals that do not depend on the chain can all be evaluated in
one call of the ensemble engine, with the provinces side by side. The posterior of a province is close to normal (twelve
parameters, mostly decided by a Gaussian likelihood), so that half of the proposals are accepted. A few thousand model
runs then give what an affine-invariant walk such as emcee (autocorrelation time of 50-100 steps here) needs hundreds of
thousands for. The method is exact in any case; the gates detect a proposal that fits badly.
"""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import gammaln

from calibration.likelihood import Likelihood
from calibration.prior import Prior

with warnings.catch_warnings():
    warnings.simplefilter("ignore", FutureWarning)  # ArviZ warns of its next version once a day
    import arviz as az

_ess: Any = az.ess  # ArviZ publishes no types for these functions
_rhat: Any = az.rhat
LogDensity = Callable[[NDArray[np.float64]], NDArray[np.float64]]
"""(member, province, parameter) → log posterior (member, province), −inf outside the bounds."""
TAIL = 4.0  # degrees of freedom of the proposal
WIDER = 1.2  # scale of the proposal over the posterior's; a chain sticks in tails that the proposal does not reach
CHAINS = 4
ROUNDS = 5  # of adapting the proposal
RHAT, ESS = 1.01, 400.0


class GateError(RuntimeError):
    """A chain that fails a gate.

    Args:
        table: rows of `diagnostics` that fail.
    """

    def __init__(self, table: pd.DataFrame) -> None:
        self.table = table
        worst = table.iloc[table["rhat"].argmax()]
        super().__init__(
            f"{len(table)} of the chains fail (split R-hat < {RHAT:g}, ESS >= {ESS:g} allowed); the worst: "
            f"{worst['parameter']} of {worst['province']} with R-hat {worst['rhat']:.3f}, ESS {worst['ess']:.0f}; "
            "draw more, or look at its prior's bounds"
        )


@dataclass(frozen=True)
class Proposal:
    """Student t proposal of each province.

    Attributes:
        centre: (province, parameter).
        root: Cholesky factor of the scale matrix (province, parameter, parameter).
    """

    centre: NDArray[np.float64]
    root: NDArray[np.float64]

    def draw(self, count: int, rng: np.random.Generator) -> NDArray[np.float64]:
        """Draw proposals: (count, province, parameter)."""
        normal = rng.standard_normal((count, *self.centre.shape))
        scale = np.sqrt(TAIL / rng.chisquare(TAIL, (count, len(self.centre), 1)))
        return np.asarray(self.centre + np.einsum("pij,dpj->dpi", self.root, normal) * scale)

    def log_density(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Log density of proposals: (count, province)."""
        size = self.centre.shape[-1]
        white = np.linalg.solve(self.root, np.moveaxis(values - self.centre, 0, -1))
        squares = (white**2).sum(1).T
        root = np.log(np.diagonal(self.root, axis1=1, axis2=2)).sum(-1)
        constant = gammaln((TAIL + size) / 2) - gammaln(TAIL / 2) - size / 2 * np.log(TAIL * np.pi)
        return np.asarray(constant - root - (TAIL + size) / 2 * np.log1p(squares / TAIL))


def log_posterior(
    likelihood: Likelihood, prior: Prior, data: Callable[[NDArray[np.float64]], NDArray[np.float64]]
) -> LogDensity:
    """The log posterior as a function of the free parameters.

    Args:
        likelihood: the likelihood of the whitened residuals.
        prior: the prior with its bounds.
        data: function from free parameters (member, province, parameter) to the data's whitened residuals.
    """

    def log_density(values: NDArray[np.float64]) -> NDArray[np.float64]:
        inside = ((values >= prior.low) & (values <= prior.high)).all(-1)
        safe = np.clip(values, prior.low, prior.high)
        own = -0.5 * (((safe - prior.mean) / prior.spread) ** 2).sum(-1)
        return np.asarray(np.where(inside, likelihood.log_density(data(safe)) + own, -np.inf))

    return log_density


def sample(
    log_density: LogDensity, proposal: Proposal, draws: int, rng: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Draw CHAINS chains.

    Args:
        log_density: the log posterior.
        proposal: the proposal to begin with.
        draws: draws per chain.
        rng: random generator.

    Returns:
        Draws (chain, draw, province, parameter), and the accepted fraction (province,).
    """
    for _ in range(ROUNDS):
        proposal = _refit(log_density, proposal, draws, rng)
    values = proposal.draw(CHAINS * draws, rng)
    weight = (log_density(values) - proposal.log_density(values)).reshape(CHAINS, draws, -1)
    values = values.reshape(CHAINS, draws, *values.shape[1:])
    log_uniform = np.log(rng.random(weight.shape))
    at = np.zeros(weight.shape, dtype=np.int64)
    at[:, 0] = weight.argmax(1)  # a start of high density; independent proposals need no further burn-in
    for step in range(1, draws):
        before = at[:, step - 1]
        gain = weight[:, step] - np.take_along_axis(weight, before[:, None], 1)[:, 0]
        at[:, step] = np.where(log_uniform[:, step] < gain, step, before)
    accepted = (np.diff(at, axis=1) != 0).mean((0, 1))
    return np.take_along_axis(values, at[..., None], 1), np.asarray(accepted)


def _refit(log_density: LogDensity, proposal: Proposal, count: int, rng: np.random.Generator) -> Proposal:
    """Move the proposal to the weighted mean and covariance of its draws; a weight is at most 1 % of their sum."""
    values = proposal.draw(count, rng)
    log_weight = log_density(values) - proposal.log_density(values)
    weight = np.exp(log_weight - log_weight.max(0))
    weight = np.minimum(weight, 0.01 * weight.sum(0))
    weight /= weight.sum(0)
    centre = np.einsum("dp,dpi->pi", weight, values)
    away = values - centre
    covariance = np.einsum("dp,dpi,dpj->pij", weight, away, away)
    own = np.einsum("pij,pkj->pik", proposal.root, proposal.root)
    return Proposal(centre, np.linalg.cholesky(0.9 * WIDER**2 * (1 - 2 / TAIL) * covariance + 0.1 * own))


def diagnostics(chains: NDArray[np.float64], provinces: list[str], parameters: list[str]) -> pd.DataFrame:
    """Split R-hat and the smaller of bulk and tail ESS, one row per province and parameter."""
    rows = []
    for (p, province), (k, parameter) in product(enumerate(provinces), enumerate(parameters)):
        chain = chains[:, :, p, k]
        ess = min(float(_ess(chain, method=kind)) for kind in ("bulk", "tail"))
        rows.append((province, parameter, float(_rhat(chain)), ess))
    return pd.DataFrame(rows, columns=["province", "parameter", "rhat", "ess"])


def failing_chains(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of `diagnostics` that fail a gate."""
    return table[~((table["rhat"] < RHAT) & (table["ess"] >= ESS))]


def gate(table: pd.DataFrame) -> None:
    """Raise GateError when a chain fails a gate."""
    if len(rows := failing_chains(table)):
        raise GateError(rows)
