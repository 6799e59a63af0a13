"""Equal chance: targets that every province meets with the same modelled probability."""

import numpy as np
import pandas as pd

from experiments.allocation.indicators import Indicators
from experiments.allocation.national import Array
from experiments.allocation.registry import Options, Proposal, rule
from experiments.allocation.response import Response
from experiments.errors import InputError


@rule("equal-chance", title="Equal chance", origin="own")
def equal_chance(indicators: Indicators, options: Options) -> Proposal:
    """t_p = the (1 − q) quantile of the reduction under t_p itself; the common chance q meets the national sum.

    options: `chance`, a `Response` of the model (made with `mix`, `members` and `seed` when it is not given). The
    scalar is 1 − 2q, so that cuts rise with it. Provinces whose fixed point lies outside the simulated targets are
    named in the column `converged`.
    """
    response = options.get("chance") or _simulated(indicators, options)
    if not isinstance(response, Response):
        raise InputError(f"option chance: a Response is asked for, got {type(response).__name__}")
    place = [response.provinces.index(p) if p in response.provinces else -1 for p in indicators.provinces]
    known = np.array(place) >= 0

    def spread(values: Array) -> Array:
        return np.where(known, values[place], np.nan)

    def chance(scalar: float) -> float:
        return float(np.clip((1 - scalar) / 2, 0.0, 1.0))

    def cut(scalar: float) -> Array:
        return spread(response.fixed_point(chance(scalar))[0])

    def detail(scalar: float) -> pd.DataFrame:
        target, inside = response.fixed_point(chance(scalar))
        return pd.DataFrame(
            {
                "common_chance": chance(scalar),
                "chance": spread(response.chance(target)),
                "converged": np.where(known, np.where(inside[place], "yes", "no"), "not simulated"),
            }
        )

    return Proposal(cut, detail)


def _simulated(indicators: Indicators, options: Options) -> Response:
    from experiments.futures import response

    return response(plan=indicators.plan.name, mix=options["mix"], members=options["members"], seed=options["seed"])
