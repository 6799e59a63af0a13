"""What this machine has: the compiled model, its calibration and data, and the names that a study may use."""

import hashlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import xarray as xr

import calibration
import models
from calibration import places, region
from calibration.members import run as run_members
from calibration.places import NATION
from experiments import model_file
from experiments.study.files import DEFAULT, find
from experiments.study.load import load
from experiments.study.schema import Study, Vocabulary
from models.plans import plans
from models.reading.faults import InputError

if TYPE_CHECKING:
    from calibration.forecast import Origin

ROOT = Path(__file__).parents[1]
FIRST_YEAR = 2005

Simulate = Callable[[pd.DataFrame, Mapping[str, xr.DataArray], Sequence[str], Sequence[int]], xr.Dataset]
"""(design, parameters, outputs, years) → Dataset with dims (member, province, …, year), members of the design.

The parameters are common to all members, but for arrays with a dim `member`, whose labels are the design's index."""


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

    inputs(study), design(study) → one row per member, design_blocks(study, size) → the same in pieces of `size` members
    (none: in one piece), errors(study, member numbers) → errors of the logarithms of
    `intensity`, `growth` and `carbon` (member, province, year), simulate, checksums() → file → SHA-256 of all that
    results depend on.
    """

    inputs: Callable[[Study], ScenarioInputs]
    design: Callable[[Study], pd.DataFrame]
    errors: Callable[[Study, np.ndarray], xr.Dataset]
    simulate: Simulate
    checksums: Callable[[], dict[str, str]]
    design_blocks: Callable[[Study, int], Iterator[pd.DataFrame]] | None = None

    def designs(self, study: Study, size: int) -> Iterator[pd.DataFrame]:
        """The design in pieces of so many members."""
        if self.design_blocks is None:
            return iter([self.design(study)])
        return self.design_blocks(study, size)


FORM = "model form"
"""Column of a design: the number of the model file that a member runs, in a study with several."""


def vocabulary(data: Mapping[str, Any] | None = None, folder: Path = Path()) -> Vocabulary:
    """The names that a study may use in this installation.

    data: the study's plain data, whose own model files have names of their own. folder: where its paths start from.
    """
    from experiments import allocation, policy
    from models.parameters import limits, parameters

    table = parameters()
    named = (data or {}).get("model") or []
    texts = model_file.texts([named] if isinstance(named, str) else [str(name) for name in named], folder)
    models = [compiled_model(text) for text in texts]
    variables = [set(one.variables) for one in models]
    main = models[0].variables
    constants = [name for name in model_file.constants(models) if name not in table.index]
    by_province = [name for name, variable in main.items() if "province" in variable.dims]
    return Vocabulary(
        rules=list(allocation.load()),
        mixes=policy.names(),
        constants=[*(str(name) for name in table.index[~table["role"].isin(["lever"])]), *constants],
        uncertain=[*(str(n) for n in table.index[~table["role"].isin(["data", "calibrated", "lever"])]), *constants],
        variables=[
            name for name in by_province if name not in table.index and all(name in known for known in variables)
        ],
        provinces=[*compiled_model().subscripts["province"], NATION],
        limits=limits(),
    )


def load_study(name_or_path: str | Path = DEFAULT, overrides: Sequence[str] = ()) -> Study:
    """A study whose names are those of this installation.

    Args:
        name_or_path: name of a shipped study, or path of a YAML file, whose own paths start from its folder.
        overrides: `path=value`, as on the command line: `members=200`, `mixes.0=full`.

    Returns:
        the resolved study.

    Raises:
        InputError: every fault of the file, of what it extends and of the overrides at once.

    >>> load_study("twelfth-plan", ["members=200"]).members
    200
    """
    return load(find(name_or_path), overrides, vocabulary)


@cache
def compiled_model(text: str = "") -> Any:
    """The compiled model, once a process. text: of another model file than the shipped one."""
    from sim import Model

    own = places.region()
    text = model_file.with_provinces(text, own.places) if own and not text else text
    return Model.load(model_file.written(text) if text else models.PROVINCE)


def model_texts(study: Study | None) -> tuple[str, ...]:
    """The model files of a study, its provinces in their range `province`; "" stands for the shipped file."""
    if study is None:
        return ("",)
    texts = model_file.texts(study.model, study.folder)
    own = places.region()
    return tuple(model_file.with_provinces(text, study.provinces or (own.places if own else ())) for text in texts)


def provinces_of(study: Study) -> list[str]:
    """The provinces that a study runs, in the model's order."""
    return list(study.provinces or compiled_model().subscripts["province"])


def origin(base_year: int) -> "Origin":
    """What is known when a plan of this base year is forecast: the latest origin at or before it (2010 at least).

    Where the energy balances end before the base year, activity is known to the base year or to its last figure.
    """
    from calibration.forecast import LATEST, origin_of

    start = origin_of(max(base_year, 2010))
    measured = LATEST.until or start.last
    return replace(start, until=min(base_year, measured)) if base_year > start.last else start


@cache
def calibrated(base_year: int = 2010) -> tuple[xr.Dataset, dict[str, xr.DataArray]]:
    """The posterior that forecasts a plan of this base year, and the model's data inputs as of its origin.

    After the last energy balances the inputs hold the activity measured since: the state of the base year is a nowcast.
    """
    from calibration import inputs, posterior
    from experiments.allocation.shipped import baseline

    if region.active():
        return _own_region(base_year)
    start = origin(base_year)
    shipped = posterior.load(None if start.last == 2010 else start.path)
    return shipped, inputs.params(baseline(), start.last, start.until)


def _own_region(base_year: int) -> tuple[xr.Dataset, dict[str, xr.DataArray]]:
    """The posterior and inputs of the region pack that this process works with."""
    pack = region.active()
    assert pack is not None  # asked before
    if base_year != region.LAST:
        raise InputError(f"target.plan: a region pack has figures to {region.LAST}; allowed: the plan that begins then")
    given = region.model_inputs(pack)
    text = model_file.with_provinces("", pack.region.places)
    return region.fitted(pack, given, model_file.written(text)), given.params


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


def values_of(table: pd.DataFrame, common: Mapping[str, xr.DataArray], text: str = "") -> dict[str, xr.DataArray]:
    """Every model input of the first member of a settled table: array by name. text: of the model file."""
    dims = {name: variable.dims for name, variable in compiled_model(text).variables.items()}
    own = unflat(table, compiled_model(text).subscripts, dims).isel(member=0, drop=True)
    return {**common, **{str(name): values for name, values in own.data_vars.items()}}


def predictive_errors(study: Study, members: np.ndarray) -> xr.Dataset:
    """Predictive errors of the logarithms of intensity, GDP and CO2 per energy: (member, province, year).

    They begin in the last fitted year or, if that is earlier or a nowcast leads to it, in the plan's base year; seeded
    by study and member. The level of CO2 is uncertain in a nowcast.
    """
    from calibration import discrepancy

    base, end = study.target.period.span
    shipped, _ = calibrated(base)
    start = origin(base)
    span = (min(base, start.last) if start.until is None else base, end)
    last = max(plan.last_year for plan in plans().values())
    made = discrepancy.predictive(shipped, [int(member) for member in members], span, last, study.seed)
    if start.until is not None:
        level = discrepancy.nowcast([int(member) for member in members], made.sizes["province"], study.seed)
        made["carbon"] = made["carbon"] + xr.DataArray(level, dims=("member", "province"))
    whole = made if study.sampling.predictive_error else xr.zeros_like(made)
    return whole.sel(province=study.provinces) if study.provinces else whole


def narrowed(design: pd.DataFrame, provinces: Sequence[str]) -> pd.DataFrame:
    """A design without the columns of provinces that are not run."""
    left_out = {*compiled_model().subscripts["province"]} - {*provinces}
    gone = [name for name in design.columns if str(name).partition("[")[2].rstrip("]").split(",")[0] in left_out]
    return design.drop(columns=gone)


@dataclass(frozen=True)
class ProvinceModel:
    """The province model as a `Simulate`. threads: how many the engine may use; 0: one per processor of this process.

    texts: of the study's model files (see `model_texts`); with several, a design says in its column `model form` which
    one each member runs.
    """

    threads: int = 1
    backend: str = "auto"
    texts: tuple[str, ...] = ("",)

    def __call__(
        self, design: pd.DataFrame, params: Mapping[str, xr.DataArray], outputs: Sequence[str], years: Sequence[int]
    ) -> xr.Dataset:
        """One batch; the mix decides between its own delays and the design's."""
        params = {n: v.sel(member=design.index) if "member" in v.dims else v for n, v in params.items()}
        if FORM not in design:
            found = self.results(*self.members(design, params), outputs, years)
            return found.assign_coords(member=design.index.to_numpy())
        forms = design[FORM].to_numpy(dtype=int)
        parts: list[xr.Dataset] = []
        order: list[int] = []
        for form in sorted(set(forms)):
            rows = np.flatnonzero(forms == form)
            one = ProvinceModel(self.threads, self.backend, (self.texts[form],))
            known = [name for name in design if str(name).partition("[")[0] in one.model.variables]
            given = {name: values for name, values in params.items() if name in one.model.variables}
            part = one(design.iloc[rows][known], given, outputs, years).drop_vars("member")
            parts.append(part.drop_attrs(deep=False))
            order.extend(rows)
        whole = xr.concat(parts, "member").isel(member=np.argsort(order))
        return whole.assign_coords(member=design.index.to_numpy())

    @property
    def model(self) -> Any:
        """The compiled model, the first of several."""
        return compiled_model(self.texts[0])

    def members(
        self, design: pd.DataFrame, params: Mapping[str, xr.DataArray]
    ) -> tuple[xr.Dataset, dict[str, xr.DataArray]]:
        """What differs by member, as the engine takes it, and what is common to all: made once, run often."""
        from experiments.policy import resolve_delivery

        model = self.model
        table, given = resolve_delivery(design, params)
        dims = {name: variable.dims for name, variable in model.variables.items()}
        members = unflat(table, model.subscripts, dims)
        here = list(model.subscripts["province"])
        common = {name: _only(values, here) for name, values in given.items() if name not in members}
        each = {name: values for name, values in common.items() if "member" in values.dims}
        members = members.assign(each) if each else members
        return members, {name: values for name, values in common.items() if name not in each}

    def results(
        self,
        members: xr.Dataset,
        common: Mapping[str, xr.DataArray],
        outputs: Sequence[str],
        years: Sequence[int],
    ) -> xr.Dataset:
        """Run the members: (member, province, …, year)."""
        threads = self.threads or len(os.sched_getaffinity(0))
        return run_members(self.model, members, common, outputs, years, workers=threads, backend=self.backend)


def _only(values: xr.DataArray, provinces: Sequence[str]) -> xr.DataArray:
    """The values of the provinces that the model has, of more than those."""
    if "province" not in values.dims or values.sizes["province"] == len(provinces):
        return values
    return values.sel(province=list(provinces))


def checksums() -> dict[str, str]:
    """SHA-256 of the model, the measured data and the calibration, by path below the packages' folder."""
    root = Path(calibration.__file__).parent
    measured = [path for folder in ("data", "published") for path in (root / folder).rglob("*") if path.is_file()]
    files = [models.PROVINCE, models.PARAMETERS, *measured, *([region.TABLE] if places.active_region() else [])]
    return {path.relative_to(ROOT).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(files)}
