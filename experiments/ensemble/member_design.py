"""The members of a study: draws of the assumptions, with calibrated parameters that fit the past with them."""

from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from scipy.stats import qmc

from calibration import prior, region
from experiments import model_file
from experiments.ensemble import own_projects
from experiments.installation import FORM, calibrated, compiled_model, flat, model_texts, narrowed, origin, provinces_of
from experiments.study.schema import Study
from models.reading.faults import InputError


def design(study: Study) -> pd.DataFrame:
    """One row per member: assumptions from their ranges, with calibrated parameters that fit the past with them.

    Parameters are fitted again to a study's own constants and model files, beyond the first order. A province has the
    same values whether it is run alone or with the others.
    """
    return next(blocks(study, study.members))


def blocks(study: Study, size: int) -> Iterator[pd.DataFrame]:
    """`design` in pieces of so many members, so that memory is bounded: only the assumptions are drawn at once."""
    shipped, _ = calibrated(study.target.period.base_year)
    if not study.sampling.posterior:
        shipped = optimum(shipped)
    every = assumptions(study, shipped)
    texts = model_texts(study.model_copy(update={"provinces": []}))
    forms = _forms(study, len(texts))
    arrives = delivered(study).join(further(study, shipped, [*every.columns]))
    for first in range(0, study.members, size):
        part = slice(first, first + size)
        drawn = every.iloc[part]
        if len(texts) == 1:
            whole = _members(study, shipped, drawn, texts[0]).join(arrives.iloc[part])
        else:
            made = [_members(study, shipped, drawn, text) for text in texts]
            chosen = pd.concat([one[forms[part] == form] for form, one in enumerate(made)]).sort_index()
            whole = chosen.join(arrives.iloc[part]).assign(**{FORM: forms[part]})
        yield narrowed(whole, provinces_of(study))


def further(study: Study, shipped: xr.Dataset, drawn: Sequence[str]) -> pd.DataFrame:
    """Assumptions of a nowcast, on which no fitted year depends, by member; no columns where none leads to the plan."""
    from calibration import forecast

    none = xr.Dataset(coords={"member": range(study.members)})
    if origin(study.target.period.base_year).until is None:
        return flat(none)
    found = forecast.further(shipped, forecast.Options(study.members, study.seed))
    there = compiled_model().variables
    kept = [name for name in found if name not in drawn and name not in study.parameters and name in there]
    return flat(none.merge(found[kept]))


def delivered(study: Study) -> pd.DataFrame:
    """Share of the projects' planned energy that arrives, by member and province; no columns without projects."""
    projects = own_projects.entered(study)
    none = xr.Dataset(coords={"member": range(study.members)})
    part = projects.delivery(study.members, study.seed) if projects else None
    return flat(none if part is None else xr.Dataset({"project delivery": part}))


def _members(study: Study, shipped: xr.Dataset, drawn: pd.DataFrame, text: str) -> pd.DataFrame:
    """The members drawn under one model file, in a region pack moved by the first order alone.

    drawn: the assumptions of consecutive members. text: as in `model_texts`.
    """
    from calibration import posterior
    from calibration.assumptions import ROUNDS

    known = set(map(str, shipped["assumption"].to_numpy()))
    own_constants = bool(study.parameters) or bool(study.uncertain) or bool(set(drawn) - known)
    _, measured = calibrated(study.target.period.base_year)
    there = [name for name in drawn if str(name).partition("[")[0] in compiled_model(text).variables]
    found = posterior.design(
        len(drawn),
        study.seed,
        first=drawn.index[0],
        inputs=measured,
        posterior=shipped,
        assumptions=drawn[there],
        refit=ROUNDS if (own_constants or text) and not region.active() else 0,
        fixed=own_constants_of(study, known, text),
        model=model_file.written(text) if text else None,
    )
    own = found.drop_vars([name for name in found if "member" not in found[name].dims or name in study.parameters])
    return (
        flat(own).set_axis(drawn.index.rename("member")).join(drawn.drop(columns=there))
    )  # what another form alone has, drawn for all members


def own_constants_of(study: Study, known: set[str], text: str) -> dict[str, float]:
    """The study's constants that a model file has, but for assumptions of the calibration."""
    there = compiled_model(text).variables
    return {name: value for name, value in study.parameters.items() if name not in known and name in there}


def refitted_shift(study: Study, form: int) -> np.ndarray:
    """How the calibrated parameters move with a model file, all else at the centre: (province, parameter).

    form: number of the model file among those of the study.
    """
    from calibration.assumptions import ROUNDS, refitted

    shipped, _ = calibrated(study.target.period.base_year)
    text = model_texts(study.model_copy(update={"provinces": []}))[form]
    optimum = shipped["optimum"].to_numpy()
    centre_ = assumptions_at_centre(study, shipped)
    if not text:
        return np.zeros_like(optimum)
    known = {str(name) for name in shipped["assumption"].to_numpy()}
    moved = refitted(
        shipped, optimum[None], centre_, own_constants_of(study, known, text), ROUNDS, model=model_file.written(text)
    )
    still = refitted(shipped, optimum[None], centre_, own_constants_of(study, known, ""), ROUNDS)
    return np.asarray(moved[0] - still[0])


def assumptions_at_centre(study: Study, shipped: xr.Dataset) -> pd.DataFrame:
    """One member with every assumption of the calibration at its default, or at what the study holds it."""
    from models.parameters import defaults, row

    known = [str(name) for name in shipped["assumption"].to_numpy()]
    plain = {name: study.parameters.get(name, float(np.mean(defaults(row(name))))) for name in known}
    return pd.DataFrame(plain, index=[0])


def _forms(study: Study, count: int) -> np.ndarray:
    """The number of the model file of each member: as many members for each, in random order."""
    random = np.random.default_rng(np.random.SeedSequence(study.seed, spawn_key=(2**32 - 2,)))
    return random.permutation(np.arange(study.members) % count)


def optimum(shipped: xr.Dataset) -> xr.Dataset:
    """The posterior with its optimum as the only draw."""
    return shipped.drop_dims("draw").assign(draws=shipped["optimum"].expand_dims("draw"))


def centre(study: Study) -> pd.DataFrame:
    """One member at the centre: assumptions at their defaults, calibrated parameters at their optimum."""
    from calibration import posterior

    shipped, measured = calibrated(study.target.period.base_year)
    shipped = optimum(shipped)
    plain = assumptions_at_centre(study, shipped)
    drawn = posterior.design(1, study.seed, inputs=measured, posterior=shipped, assumptions=plain)
    own = drawn.drop_vars([name for name in drawn if "member" not in drawn[name].dims or name in study.parameters])
    return narrowed(flat(own), provinces_of(study))


def assumptions(study: Study, shipped: xr.Dataset) -> pd.DataFrame:
    """Draws of the uncertain inputs: one row per member, the study's distributions where it gives any.

    Stratified or low-discrepancy over all inputs at once, so the draws do not depend on batches.
    """
    rows = drawn_rows(study, [str(name) for name in shipped["assumption"].to_numpy()])
    cube = _cube(study, len(rows))
    table = {name: prior.inverse(row, cube[:, i]) for i, (name, row) in enumerate(rows.items())}
    # A fixed assumption still moves the calibrated parameters that fit the past with it.
    known = {str(name) for name in shipped["assumption"].to_numpy()}
    held = {name: np.full(study.members, value) for name, value in study.parameters.items() if name in known}
    return pd.DataFrame({**table, **held})


def drawn_rows(study: Study, known: Sequence[str]) -> "dict[str, pd.Series[Any]]":
    """The uncertain inputs of a study: column of a design → row of the table of parameters with the study's changes.

    A constant by sector, province or lever has one column for all its elements, or, where the study says `draw: each`
    or the elements' defaults differ, one for each, `rebound[transport]`. Each element then has its own
    default as the centre, within the one range.

    known: the assumptions of the calibration.
    """
    rows: dict[str, pd.Series[Any]] = {}
    for name in dict.fromkeys([*known, *study.uncertain]):
        if name in study.parameters:
            continue
        row = distribution_row(study, name)
        values = [float(text) for text in str(row["default"]).split(",")]
        word = study.uncertain[name].draw if name in study.uncertain else "common"
        dims = [dim for dim in str(row["dims"]).split("|") if dim]
        if word == "each" and not dims:
            raise InputError(f"uncertain: {name}: one number for all; `draw: each` is for a constant over a dimension")
        if word == "common" or not dims or (word is None and len(set(values)) == 1):
            rows[name] = row
            continue
        elements = [compiled_model().subscripts[dim] for dim in dims]
        for element in product(*elements):
            own = row.copy()
            own["default"] = str(values[elements[-1].index(element[-1])] if len(values) > 1 else values[0])
            rows[f"{name}[{','.join(element)}]"] = own
    return rows


def _cube(study: Study, inputs: int) -> np.ndarray:
    """Points of the unit cube (member, input)."""
    random = np.random.default_rng(np.random.SeedSequence(study.seed))
    n = study.members
    points: np.ndarray
    match study.sampling.method:
        case "sobol":
            points = prior.sobol(n, inputs, random)
        case "latin":
            points = qmc.LatinHypercube(inputs, rng=random).random(n)
        case _:
            points = random.random((n, inputs))
    return np.clip(points, 1e-12, 1 - 1e-12, out=points)


def distribution_row(study: Study, name: str) -> "pd.Series[Any]":
    """The input's row of the table of parameters with the study's changes. InputError: an impossible distribution."""
    given = study.uncertain.get(name)
    changes = given.model_dump(exclude_none=True, exclude={"draw"}) if given else {}
    found = parameter_row(study, name).astype(object)
    for key, value in changes.items():
        found[key] = str(value) if key == "default" else value
    if found["distribution"] == "none":
        raise InputError(f"uncertain: {name}: has no distribution of its own; give one (uniform, triangular, …)")
    modes = [float(v) for v in str(found["default"]).split(",")]
    low, high = float(found["low"]), float(found["high"])
    if given is None or given.draw == "common":
        modes = [float(np.mean(modes))]
    if not (low <= min(modes) and max(modes) <= high and low < high):
        shown = ", ".join(f"{mode:g}" for mode in modes)
        raise InputError(
            f"uncertain: {name}: got low {low:g}, default {shown}, high {high:g}; "
            "allowed: low ≤ default ≤ high and low < high"
        )
    if found["distribution"] == "lognormal" and low <= 0:
        raise InputError(f"uncertain: {name}: got low {low:g}, allowed in a lognormal distribution: more than 0")
    return found


def parameter_row(study: Study, name: str) -> "pd.Series[Any]":
    """A constant's row of the table of parameters; one that only an own model file has is described by that file."""
    from models.parameters import parameters, row

    if name in parameters().index:
        return row(name)
    for text in model_texts(study):
        known = compiled_model(text).parameters()
        if name in known.index:
            one = known.loc[name]
            values = np.atleast_1d(np.asarray(one["default"], float)).ravel()
            entries = {
                "name": name, "unit": one["unit"], "role": "fixed", "dims": "|".join(one["dims"]),
                "default": ",".join(map(repr, dict.fromkeys(values.tolist()))), "low": one["low"], "high": one["high"],
                "distribution": "none", "group": "own model", "source": "own model file", "meaning": one["meaning"],
            }  # fmt: skip
            return pd.Series(entries)
    raise InputError(f"uncertain: {name}: no constant of the study's model files")
