"""The real system behind a study: model, measured data, calibration, allocation rules and policy mixes joined."""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from scipy.stats import qmc

import calibration
import models
from experiments.errors import InputError
from experiments.manifest import checksums as sha256
from experiments.simulate import Inputs, System
from experiments.store import NATION
from experiments.study import PLANS, Study, Vocabulary


def vocabulary() -> Vocabulary:
    """The names that a study may use in this installation."""
    from experiments import allocation, policy
    from models.parameters import parameters

    table = parameters()
    by_province = [name for name, variable in _model().variables.items() if "province" in variable.dims]
    return Vocabulary(
        rules=list(allocation.load()),
        mixes=policy.names(),
        constants=[str(name) for name in table.index[~table["role"].isin(["lever"])]],
        uncertain=[str(name) for name in table.index[table["role"] == "uncertain"]],
        variables=[name for name in by_province if name not in table.index],
        provinces=[*_model().subscripts["province"], NATION],
    )


@cache
def _model() -> Any:
    """The compiled model, once a process."""
    from sim import Model

    return Model.load(models.PROVINCE)


@cache
def _calibrated() -> tuple[xr.Dataset, dict[str, xr.DataArray]]:
    """The shipped posterior and the model's data inputs as of its last fitted year."""
    from calibration import inputs, posterior
    from experiments.allocation.shipped import baseline

    shipped = posterior.load()
    return shipped, inputs.params(baseline(), int(shipped.attrs["last year fitted"]))


def prepare(study: Study) -> Inputs:
    """Targets, mixes and common parameters of a study. Raises InputError with the faults of all of them."""
    from experiments import policy

    shipped, measured = _calibrated()
    faults: list[str] = []
    chosen = [(choice.label, _path(study, choice.mix)) for choice in study.mixes]
    mixes = xr.Dataset()
    try:
        mixes = policy.mixes(chosen)
    except InputError as error:
        faults += error.faults
    targets = {}
    for choice in study.allocations:
        try:
            targets[choice.label] = _targets(study, choice.rule, choice.options, measured["base gdp"]["province"])
        except InputError as error:
            faults += [f"allocation {choice.label}: {fault}" for fault in error.faults]
    for name in study.uncertain:
        try:
            _row(study, name)
        except InputError as error:
            faults += error.faults
    if faults:
        raise InputError(faults)
    fixed = {name: xr.DataArray(value) for name, value in study.parameters.items()}
    common = {**measured, "learning index data": shipped["learning index data"], **fixed}
    allocation = xr.concat(list(targets.values()), pd.Index(list(targets), name="allocation"))
    return Inputs(_dataset(common), allocation, mixes)


def _path(study: Study, mix: str) -> str | Path:
    return study.folder / mix if Path(mix).suffix in {".yaml", ".yml"} else mix


def _dataset(params: Mapping[str, xr.DataArray]) -> xr.Dataset:
    """One Dataset of them; series of different years are read at all the years of any, as the model reads them."""
    plain = {name: values.reset_coords(drop=True) for name, values in params.items()}
    times = sorted({float(t) for values in plain.values() if "time" in values.dims for t in values["time"].to_numpy()})
    return xr.Dataset({name: _at(values, times) if "time" in values.dims else values for name, values in plain.items()})


def _at(series: xr.DataArray, times: Sequence[float]) -> xr.DataArray:
    """A series at other times: linear between its points, held beyond them."""
    found: xr.DataArray = xr.apply_ufunc(
        lambda values: np.interp(times, series["time"].to_numpy(), values),
        series,
        input_core_dims=[["time"]],
        output_core_dims=[["time"]],
        exclude_dims={"time"},
        vectorize=True,
    )
    return found.assign_coords(time=list(times)).assign_attrs(series.attrs)


def _targets(study: Study, rule: str, options: Mapping[str, Any], provinces: xr.DataArray) -> xr.Dataset:
    """`target` and `co2_target` (province with "China"), per cent; CO2 targets are the published ones."""
    from calibration import tables
    from experiments.allocation import allocate

    plan = PLANS[study.target.plan][0]
    where = [str(name) for name in provinces.to_numpy()]
    energy = allocate(rule, study.target.national, plan, **options).targets().to_series()
    if missing := [name for name in where if name not in energy.index]:
        raise InputError(f"{rule} gives no target for {', '.join(missing)}")
    published = tables.read("targets")
    carbon = published[(published["plan"] == plan) & (published["variable"] == "co2_intensity_reduction")]
    values = {
        "target": [*energy.reindex(where), study.target.national],
        "co2_target": carbon.set_index("province")["value"].reindex([*where, NATION]),
    }
    return xr.Dataset(
        {name: ("province", np.array(column, float), {"units": "%"}) for name, column in values.items()},
        {"province": [*where, NATION]},
    )


def design(study: Study) -> pd.DataFrame:
    """One row a member: assumptions from their ranges, with calibrated parameters that fit the past with them."""
    from calibration import posterior

    shipped, measured = _calibrated()
    if not study.sampling.posterior:
        shipped = _optimum(shipped)
    drawn = posterior.design(
        study.members, study.seed, inputs=measured, posterior=shipped, assumptions=assumptions(study, shipped)
    )
    own = drawn.drop_vars([name for name in drawn if "member" not in drawn[name].dims or name in study.parameters])
    return flat(own)


def _optimum(shipped: xr.Dataset) -> xr.Dataset:
    """The posterior with its optimum as the only draw."""
    return shipped.drop_dims("draw").assign(draws=shipped["optimum"].expand_dims("draw"))


def centre(study: Study) -> pd.DataFrame:
    """One member at the centre: assumptions at their defaults, calibrated parameters at their optimum."""
    from calibration import posterior
    from models.parameters import defaults, row

    shipped, measured = _calibrated()
    shipped = _optimum(shipped)
    known = [str(name) for name in shipped["assumption"].to_numpy()]
    plain = {name: study.parameters.get(name, float(np.mean(defaults(row(name))))) for name in known}
    drawn = posterior.design(
        1, study.seed, inputs=measured, posterior=shipped, assumptions=pd.DataFrame(plain, index=[0])
    )
    own = drawn.drop_vars([name for name in drawn if "member" not in drawn[name].dims or name in study.parameters])
    return flat(own)


def assumptions(study: Study, shipped: xr.Dataset) -> pd.DataFrame:
    """Draws of the uncertain inputs: one row a member, the study's distributions where it gives any.

    Stratified or low-discrepancy over all inputs at once, so the draws do not depend on batches.
    """
    from calibration import prior

    known = [str(name) for name in shipped["assumption"].to_numpy()]
    drawn = [name for name in dict.fromkeys([*known, *study.uncertain]) if name not in study.parameters]
    cube = _cube(study, len(drawn))
    table = {name: prior.inverse(_row(study, name), cube[:, i]) for i, name in enumerate(drawn)}
    # A fixed assumption still moves the calibrated parameters that fit the past with it.
    held = {name: np.full(study.members, value) for name, value in study.parameters.items() if name in known}
    return pd.DataFrame({**table, **held})


def _cube(study: Study, inputs: int) -> np.ndarray:
    """Points of the unit cube (member, input)."""
    random = np.random.default_rng(np.random.SeedSequence(study.seed))
    n = study.members
    points: np.ndarray
    match study.sampling.method:
        case "sobol":  # powers of two keep the balance of the sequence
            points = qmc.Sobol(inputs, scramble=True, rng=random).random_base2(int(np.ceil(np.log2(n))))[:n]
        case "latin":
            points = qmc.LatinHypercube(inputs, rng=random).random(n)
        case _:
            points = random.random((n, inputs))
    return np.clip(points, 1e-12, 1 - 1e-12)


def _row(study: Study, name: str) -> "pd.Series[Any]":
    """The input's row of the table of parameters with the study's changes. Raises InputError when it makes no sense."""
    from models.parameters import row

    changes = study.uncertain[name].model_dump(exclude_none=True) if name in study.uncertain else {}
    found = row(name).copy()
    for key, value in changes.items():
        found[key] = str(value) if key == "default" else value
    if found["distribution"] == "none":
        raise InputError(f"uncertain: {name}: has no distribution of its own; give one (uniform, triangular, …)")
    low, mode, high = (
        float(found["low"]),
        np.mean([float(v) for v in str(found["default"]).split(",")]),
        float(found["high"]),
    )
    if not (low <= mode <= high and low < high):
        raise InputError(
            f"uncertain: {name}: got low {low:g}, default {mode:g}, high {high:g}; "
            "allowed: low ≤ default ≤ high and low < high"
        )
    if found["distribution"] == "lognormal" and low <= 0:
        raise InputError(f"uncertain: {name}: got low {low:g}, allowed in a lognormal distribution: more than 0")
    return found


def flat(values: xr.Dataset) -> pd.DataFrame:
    """A table of members: columns `name`, or `name[Guangdong]`, `name[Guangdong,transport]` for each element."""
    columns: dict[str, np.ndarray] = {}
    for name, array in values.data_vars.items():
        columns |= dict(_columns(str(name), array))
    return pd.DataFrame(columns, index=pd.RangeIndex(values.sizes["member"], name="member"))


def _columns(name: str, array: xr.DataArray) -> Iterator[tuple[str, np.ndarray]]:
    dims = [dim for dim in array.dims if dim != "member"]
    if not dims:
        yield name, array.to_numpy()
        return
    rows = array.transpose("member", *dims).to_numpy()
    for index in np.ndindex(rows.shape[1:]):
        label = ",".join(str(array[dim].to_numpy()[i]) for dim, i in zip(dims, index, strict=True))
        yield f"{name}[{label}]", rows[:, *index]


def unflat(
    table: pd.DataFrame, subscripts: Mapping[str, Sequence[str]], dims: Mapping[str, Sequence[str]]
) -> xr.Dataset:
    """The Dataset that `flat` made a table of. dims: variable → its dims; subscripts: dim → its elements."""
    groups: dict[str, list[int]] = {}
    by_element = set()
    for position, column in enumerate(table.columns):
        name, bracket, _ = str(column).partition("[")
        groups.setdefault(name, []).append(position)
        by_element |= {name} if bracket else set()
    rows, found = table.to_numpy(), {}
    for name, positions in groups.items():
        over = list(dims[name]) if name in by_element else []
        shape = [len(subscripts[dim]) for dim in over]
        found[name] = (("member", *over), rows[:, positions].reshape(len(table), *shape))
    used = dict.fromkeys(dim for over, _ in found.values() for dim in over if dim != "member")
    return xr.Dataset(found, {"member": table.index.to_numpy(), **{dim: list(subscripts[dim]) for dim in used}})


def values_of(table: pd.DataFrame, common: Mapping[str, xr.DataArray]) -> dict[str, xr.DataArray]:
    """Every model input of the first member of a settled table: array by name."""
    dims = {name: variable.dims for name, variable in _model().variables.items()}
    own = unflat(table, _model().subscripts, dims).isel(member=0, drop=True)
    return {**common, **{str(name): values for name, values in own.data_vars.items()}}


def errors(study: Study, members: np.ndarray) -> xr.DataArray:
    """Predictive errors of ln(intensity) since the plan's base year: (member, province, year), seeded by member."""
    from calibration import discrepancy

    shipped, measured = _calibrated()
    _, base, end = PLANS[study.target.plan]
    provinces = measured["base gdp"]["province"].to_numpy()
    values = np.zeros((len(members), len(provinces), end - base + 1))
    if study.sampling.predictive_error:
        law = discrepancy.from_attrs(shipped)
        values[:, :, 1:] = law.sample(map(int, members), len(provinces), end - base, study.seed)
    where = {"member": members, "province": provinces, "year": np.arange(base, end + 1)}
    return xr.DataArray(values, where, ("member", "province", "year"))


@dataclass(frozen=True)
class Province:
    """The province model as a `Simulate`. threads: how many the engine may use; 0: one a processor of this process."""

    threads: int = 1
    backend: str = "auto"

    def __call__(
        self, design: pd.DataFrame, params: Mapping[str, xr.DataArray], outputs: Sequence[str], years: Sequence[int]
    ) -> xr.Dataset:
        """One batch; the mix decides between its own delays and the design's."""
        return self.results(*self.members(design, params), outputs, years)

    def members(
        self, design: pd.DataFrame, params: Mapping[str, xr.DataArray]
    ) -> tuple[xr.Dataset, dict[str, xr.DataArray]]:
        """What differs by member, as the engine takes it, and what is common to all: made once, run often."""
        from experiments.policy import settle

        model = _model()
        table, given = settle(design, params)
        dims = {name: variable.dims for name, variable in model.variables.items()}
        members = unflat(table, model.subscripts, dims)
        return members, {name: values for name, values in given.items() if name not in members}

    def results(
        self,
        members: xr.Dataset,
        common: Mapping[str, xr.DataArray],
        outputs: Sequence[str],
        years: Sequence[int],
    ) -> xr.Dataset:
        """Run the members: (member, province, …, time)."""
        times = [float(year) for year in years]
        found: xr.Dataset = _model().ensemble(
            members,
            list(outputs),
            params={**common, "FINAL TIME": times[-1]},
            times=times,
            workers=self.threads or len(os.sched_getaffinity(0)),
            backend=self.backend,
        )
        return found


def checksums() -> dict[str, str]:
    """SHA-256 of the model, the measured data and the calibration."""
    root = Path(calibration.__file__).parent
    measured = [path for folder in ("data", "published") for path in (root / folder).rglob("*") if path.is_file()]
    return sha256([models.PROVINCE, models.PARAMETERS, *measured])


def system(threads: int = 1) -> System:
    """The system of this installation."""
    return System(prepare, design, errors, Province(threads), checksums)
