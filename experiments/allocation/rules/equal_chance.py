"""Equal chance: targets that every province meets with the same modelled probability."""

import numpy as np
import pandas as pd

from experiments.allocation.indicators import Indicators
from experiments.allocation.national import Array, Bounds
from experiments.allocation.registry import Options, Proposal, rule
from experiments.allocation.response import Places, Response, asked_model, simulated_plan
from models.reading.faults import InputError

OUTSIDE, HELD = "no", "held at a bound"
APART = {OUTSIDE: "no fixed point, so another chance", HELD: "held at a bound, so another chance"}


@rule("equal-chance", title="Equal chance", origin="own")
def equal_chance(indicators: Indicators, options: Options) -> Proposal:
    """t_p = the (1 − q) quantile of the reduction under t_p itself; the common chance q meets the national sum.

    options: `chance`, a `Response` of the model (made with `mix`, `members` and `seed` when it is not given). The
    scalar is 1 − 2q, so that cuts rise with it. Provinces whose fixed point lies outside the simulated targets are
    named, and marked in the column `converged`; so are those held at the floor or the cap. `chance` is that of the
    target after floor and cap, but for a total, whose bounds are no bounds of the intensity.
    """
    response = options.get("chance") or _simulated(indicators, options)
    if not isinstance(response, Response):
        raise InputError(f"option chance: give a Response, got {type(response).__name__}")
    places = Places.of(response.provinces, indicators.provinces)

    def chance(scalar: float) -> float:
        return float(np.clip((1 - scalar) / 2, 0.0, 1.0))

    def cut(scalar: float) -> Array:
        return places(response.fixed_point(chance(scalar))[0])

    bounds = Bounds.of(options) if options.get("form") == "intensity" else Bounds()

    def detail(scalar: float) -> pd.DataFrame:
        target, inside = response.fixed_point(chance(scalar))
        held = bounds(target) != target
        state = np.select([held, inside], [HELD, "yes"], OUTSIDE)
        return pd.DataFrame(
            {
                "common_chance": chance(scalar),
                "chance": places(response.chance(bounds(target))),
                "converged": places(state, "not simulated"),
            }
        )

    def says(scalar: float) -> dict[str, str]:
        states = list(zip(indicators.provinces, detail(scalar).converged, strict=True))
        apart = {why: ", ".join(p for p, s in states if s == state) for state, why in APART.items()}
        under = "" if options.get("chance") else f" under the mix {options['mix']}"
        members = f"{response.ordered.shape[2]} members{under}, predictive error included"
        common = {"common chance to meet the target": f"{100 * chance(scalar):.1f} % of {members}"}
        return common | {why: names for why, names in apart.items() if names}

    return Proposal(cut, detail, notes=places.notes, says=says)


def _simulated(indicators: Indicators, options: Options) -> Response:
    plan = simulated_plan(indicators)
    asked = options["mix"], options["members"], options["seed"]
    return asked_model(options).response(plan, *asked, quantity=options["quantity"])
