"""What this machine has: the compiled model, its calibration and data, and the names that a study may use."""

import hashlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

import calibration
import models
from calibration.places import NATION
from experiments.study.files import DEFAULT, find
from experiments.study.load import load
from experiments.study.schema import Study, Vocabulary
from models.plans import plans

ROOT = Path(__file__).parents[1]
FIRST_YEAR = 2005

Simulate = Callable[[pd.DataFrame, Mapping[str, xr.DataArray], Sequence[str], Sequence[int]], xr.Dataset]
"""(design, parameters common to all members, outputs, years) → Dataset with dims (member, province, …, time)."""


@dataclass(frozen=True)
class ScenarioInputs:
    """What every member of a study has in common.

    common: model parameters. allocation: what each allocation asks of the provinces with "China", see
    `allocation_targets`. mix: model parameters with a further dim `mix`.
    """

    common: xr.Dataset
    allocation: xr.Dataset
    mix: xr.Dataset

    def params(self, allocation: str, mix: str, plan: str) -> dict[str, xr.DataArray]:
        """The model's parameters for one allocation and mix; the plan's targets are the allocation's."""
        params = {str(name): values for name, values in self.common.data_vars.items()}
        params |= {str(name): values for name, values in self.mix.sel(mix=mix, drop=True).data_vars.items()}
        asked = params["target reduction"]
        pressing = self.allocation["pressing" if "pressing" in self.allocation else "target"]
        given = pressing.sel(allocation=allocation, province=asked["province"], drop=True) / 100
        params["target reduction"] = asked.where(asked["plan"] != plan, given).transpose(*asked.dims)
        if "carbon_pressing" in self.allocation:
            at = {"allocation": allocation, "province": asked["province"]}
            carbon = self.allocation["carbon_pressing"].sel(at, drop=True) / 100
            params["carbon target reduction"] = carbon.where(asked["plan"] == plan, 0.0).transpose(*asked.dims)
        return params

    def groups(self) -> dict[str, xr.Dataset]:
        """As stored in a run."""
        return {"common": self.common, "allocation": self.allocation, "mix": self.mix}


@dataclass(frozen=True)
class Installation:
    """The model with its data, as far as running a study needs them. Everything here can be sent to a worker.

    inputs(study), design(study) → one row a member, errors(study, member numbers) → errors of the logarithms of
    `intensity`, `growth` and `carbon` (member, province, year), simulate, checksums() → file → SHA-256 of all that
    results depend on.
    """

    inputs: Callable[[Study], ScenarioInputs]
    design: Callable[[Study], pd.DataFrame]
    errors: Callable[[Study, np.ndarray], xr.Dataset]
    simulate: Simulate
    checksums: Callable[[], dict[str, str]]


def vocabulary() -> Vocabulary:
    """The names that a study may use in this installation."""
    from experiments import allocation, policy
    from models.parameters import limits, parameters

    table = parameters()
    by_province = [name for name, variable in compiled_model().variables.items() if "province" in variable.dims]
    return Vocabulary(
        rules=list(allocation.load()),
        mixes=policy.names(),
        constants=[str(name) for name in table.index[~table["role"].isin(["lever"])]],
        uncertain=[str(name) for name in table.index[table["role"] == "uncertain"]],
        variables=[name for name in by_province if name not in table.index],
        provinces=[*compiled_model().subscripts["province"], NATION],
        limits=limits(),
    )


def load_study(name_or_path: str | Path = DEFAULT, overrides: Sequence[str] = ()) -> Study:
    """A study whose names are those of this installation (see `experiments.study.load.load`)."""
    return load(find(name_or_path), overrides, vocabulary())


@cache
def compiled_model() -> Any:
    """The compiled model, once a process."""
    from sim import Model

    return Model.load(models.PROVINCE)


def origin(base_year: int) -> int:
    """The last fitted year of the posterior that forecasts a plan: the latest at or before its base year."""
    from calibration.posterior import PUBLISHED

    shipped = [2010, *(int(path.stem[-4:]) for path in PUBLISHED.parent.glob("posterior-[0-9][0-9][0-9][0-9].nc"))]
    return max((year for year in shipped if year <= base_year), default=2010)


@cache
def calibrated(base_year: int = 2010) -> tuple[xr.Dataset, dict[str, xr.DataArray]]:
    """The posterior that forecasts a plan of this base year, and the model's data inputs as of its last fitted year.

    Where the plan begins after the last energy balances, the years between are a nowcast: measured activity leads them.
    """
    from calibration import activity, inputs, posterior
    from experiments.allocation.shipped import baseline

    last = origin(base_year)
    shipped = posterior.load(None if last == 2010 else posterior.PUBLISHED.with_name(f"posterior-{last}.nc"))
    fitted = int(shipped.attrs["last year fitted"])
    return shipped, inputs.params(baseline(), fitted, activity.nowcast_year(base_year))


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
    dims = {name: variable.dims for name, variable in compiled_model().variables.items()}
    own = unflat(table, compiled_model().subscripts, dims).isel(member=0, drop=True)
    return {**common, **{str(name): values for name, values in own.data_vars.items()}}


def predictive_errors(study: Study, members: np.ndarray) -> xr.Dataset:
    """Predictive errors of the logarithms of intensity, GDP and CO2 per energy: (member, province, year).

    They begin in the last measured year or, if that is earlier, in the plan's base year; seeded by study and member.
    Where that is a nowcast, the level of CO2 is uncertain as well.
    """
    from calibration import activity, discrepancy

    base, end = study.target.period.span
    shipped, _ = calibrated(base)
    until = activity.nowcast_year(base)
    span = (min(base, until or int(shipped.attrs["last year fitted"])), end)
    last = max(plan.last_year for plan in plans().values())
    made = discrepancy.predictive(shipped, [int(member) for member in members], span, last, study.seed)
    if until is not None:
        level = discrepancy.nowcast([int(member) for member in members], made.sizes["province"], study.seed)
        made["carbon"] = made["carbon"] + xr.DataArray(level, dims=("member", "province"))
    return made if study.sampling.predictive_error else xr.zeros_like(made)


@dataclass(frozen=True)
class ProvinceModel:
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
        from experiments.policy import resolve_delivery

        model = compiled_model()
        table, given = resolve_delivery(design, params)
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
        found: xr.Dataset = compiled_model().ensemble(
            members,
            list(outputs),
            params={**common, "FINAL TIME": times[-1]},
            times=times,
            workers=self.threads or len(os.sched_getaffinity(0)),
            backend=self.backend,
        )
        return found


def checksums() -> dict[str, str]:
    """SHA-256 of the model, the measured data and the calibration, by path below the packages' folder."""
    root = Path(calibration.__file__).parent
    measured = [path for folder in ("data", "published") for path in (root / folder).rglob("*") if path.is_file()]
    files = [models.PROVINCE, models.PARAMETERS, *measured]
    return {path.relative_to(ROOT).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(files)}
