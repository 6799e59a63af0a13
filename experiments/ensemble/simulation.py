"""A study becomes results: allocation × mix × batches of members through the model, safe to kill and to resume.

Results depend on the study, the model and the data alone: the design is drawn once for the whole run, predictive
errors are seeded by the member's number, and batches, threads, worker processes and interruptions change nothing.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from calibration.errors import InputError
from experiments.ensemble import outputs
from experiments.ensemble.batches import BATCH, Arrays, Batch, Execute, Job, Step, batches
from experiments.installation import FIRST_YEAR, Installation, ScenarioInputs
from experiments.runs import manifest, store
from experiments.runs.store import Run
from experiments.study.schema import Study
from models.plans import PLANS


def start(
    study: Study, system: Installation, runs: Path = Path("runs"), *, batch: int = BATCH, fresh: bool = False
) -> Run:
    """The run of a study: the one that is there (complete or not), else a new one with its study and manifest.

    fresh: a new run with a suffix even if one is there. Nothing is ever overwritten.
    Raises InputError for inputs that are wrong, StoreError where nothing can be written.
    """
    inputs = system.inputs(study)
    checksums = system.checksums()
    groups = {name: data.to_dict() for name, data in inputs.groups().items()}
    content = {"study": study.model_dump(), "files": checksums, "inputs": manifest.digest(groups)}
    name = f"{study.name}-{manifest.digest(content)[:8]}"
    with store.writing(runs):
        runs.mkdir(parents=True, exist_ok=True)
    number = 1
    while fresh and (runs / _suffixed(name, number)).exists():
        number += 1
    run = Run(runs / _suffixed(name, number))
    if run.folder.exists():
        return run
    first = {
        "run": run.folder.name,
        "status": "incomplete",
        "created": manifest.now(),
        "command": manifest.command(),
        "study_hash": manifest.digest(study.model_dump()),
        "inputs_hash": content["inputs"],
        **manifest.commit(),
        "versions": manifest.versions(),
        "files": checksums,
        "seed": {"root": study.seed, "scheme": "numpy SeedSequence; the member's number is the spawn key"},
        "members": {"drawn": study.members, "total": len(_runs(study)) * study.members, "done": 0, "failed": 0},
        "batch_size": batch,
        "sessions": [],
    }
    _create(run, {"study.yaml": study.text(), "manifest.json": manifest.text(first)}, inputs)
    return run


def _suffixed(name: str, number: int) -> str:
    return name if number == 1 else f"{name}-{number}"


def _runs(study: Study) -> list[tuple[str, str]]:
    return [(a.label, m.label) for a in study.allocations for m in study.mixes]


def _create(run: Run, texts: Mapping[str, str], inputs: ScenarioInputs) -> None:
    """Make a run's folder in one step, so that a folder that exists can always be resumed."""
    new = run.folder.with_name(f".{run.folder.name}.{time.time_ns()}.new")
    with store.writing(run.folder.parent):
        new.mkdir()
        try:
            for name, text in texts.items():
                store.write_text(new / name, text)
            store.write_tree(new / "inputs.nc", inputs.groups())
            (new / "batches").mkdir()
            new.rename(run.folder)
        except BaseException as fault:
            store.discard(new)
            if isinstance(fault, OSError) and run.folder.exists():
                return  # another process made the same run first
            raise


def resume(
    run: Run,
    system: Installation,
    *,
    workers: int = 0,
    cluster: str | None = None,
    step: Callable[[int], AbstractContextManager[Step]] | None = None,
) -> Run:
    """Finish a run; a complete one is left as it is. The result files do not depend on how often it was interrupted.

    workers: 0: in this process (the model's own threads); N: N worker processes through Dask. cluster: address of a
    Dask scheduler (tcp://…). step: makes the progress bar from the number of member runs to do.
    Raises StoreError (lock held, disk full, read-only), InputError (model or data changed since the run began).
    """
    if run.complete and not (run.folder / "batches").exists():
        return run
    with store.locked(run):
        if not run.complete:
            _simulate(run, system, workers, cluster, step or (lambda total: nullcontext(_silent)))
        store.discard(run.folder / "batches")
    return run


def _silent(done: int, failed: int) -> None:
    """No progress."""


def _simulate(
    run: Run,
    system: Installation,
    workers: int,
    cluster: str | None,
    step: Callable[[int], AbstractContextManager[Step]],
) -> None:
    _refuse_changed(run, system.checksums())
    study, record = run.study, run.manifest
    session = manifest.Session(workers=workers, cluster=cluster)
    run.log(f"session begins: {manifest.command()}")
    if not (run.folder / "design.parquet").is_file():
        store.write(run.folder / "design.parquet", system.design(study).to_parquet)
    job = Job(study, ScenarioInputs(**run.inputs()), system.simulate, system.errors, system.checksums, record["files"])
    plan = batches(study, record["batch_size"])
    folder = run.folder / "batches"
    store.clean_partial(run.folder, folder)
    there = {path.name for path in folder.glob("*.npz")}
    todo = [batch for batch in plan if batch.file not in there]
    done, failed, fresh = sum(batch.size for batch in plan if batch.file in there), 0, 0
    try:
        with step(record["members"]["total"]) as advance, _executor(workers, cluster) as execute:
            advance(done, failed)
            design = run.design()
            for batch, arrays in execute(job, todo, design):
                store.write_arrays(folder / batch.file, arrays)
                done, fresh = done + batch.size, fresh + batch.size
                failed += int(np.isnan(arrays["metric:reduction"]).all(axis=0).sum())
                advance(done, failed)
            failed = _Collector(run, job, plan)(design)
        record["status"] = "complete"
    finally:
        record["members"] |= {"done": done, "failed": failed}
        record["sessions"].append(session.record(member_runs=fresh))
        store.write_text(run.folder / "manifest.json", manifest.text(record))
        run.log(f"session ends: {done} of {record['members']['total']} member runs, {failed} failed")


def _refuse_changed(run: Run, files: Mapping[str, str]) -> None:
    """A run is finished with the model and data that began it, or not at all."""
    before: Mapping[str, str] = run.manifest["files"]
    changed = sorted(name for name in {*before, *files} if before.get(name) != files.get(name))
    if changed:
        raise InputError(
            [f"{run.name} was begun with another {name}" for name in changed]
            + ["restore what is named, or begin anew: `tanlu run` with the study makes a run of its own"]
        )


def _executor(workers: int, cluster: str | None) -> AbstractContextManager[Execute]:
    if not workers and not cluster:
        return nullcontext(_here)
    from experiments.ensemble import dask_cluster as dask

    return dask.executor(workers, cluster)


def _here(job: Job, todo: Sequence[Batch], design: pd.DataFrame) -> Iterator[tuple[Batch, Arrays]]:
    """One batch after the other in this process."""
    for batch in todo:
        yield batch, job(batch, design.iloc[batch.start : batch.stop])


@dataclass(frozen=True)
class _Collector:
    """Makes the result files from the batches, one variable at a time so that memory stays bounded."""

    run: Run
    job: Job
    plan: Sequence[Batch]

    @property
    def study(self) -> Study:
        return self.job.study

    @cached_property
    def attrs(self) -> dict[str, Any]:
        base, end = self.job.plan
        return {"study": self.study.name, "plan": PLANS[self.study.target.plan][0], "base_year": base, "end_year": end}

    @cached_property
    def coords(self) -> dict[str, Any]:
        base, end = self.job.plan
        return {
            "allocation": [a.label for a in self.study.allocations],
            "mix": [m.label for m in self.study.mixes],
            "province": self.job.inputs.allocation["province"].to_numpy(),
            "member": np.arange(self.study.members),
            "year": np.arange(base + 1, end + 1),
        }

    def scenario(self, allocation: str, mix: str, name: str, axis: int) -> np.ndarray:
        """One array of a scenario, the members of its batches (those that have it) joined along `axis`."""
        of = [b for b in self.plan if (b.allocation, b.mix) == (allocation, mix) and (b.paths or axis == 1)]
        return np.concatenate([store.read_array(self.run.folder / "batches" / b.file, name) for b in of], axis)

    def stacked(self, make: Callable[[str, str], np.ndarray]) -> np.ndarray:
        """(allocation, mix, …) of what `make` gives for each scenario; filled in place, never twice in memory."""
        whole: np.ndarray | None = None
        for i, a in enumerate(self.study.allocations):
            for j, m in enumerate(self.study.mixes):
                one = make(a.label, m.label)
                if whole is None:
                    whole = np.empty((len(self.study.allocations), len(self.study.mixes), *one.shape), one.dtype)
                whole[i, j] = one
        assert whole is not None  # a study has at least one allocation and mix
        return whole

    def metric(self, name: str) -> xr.DataArray:
        values = self.stacked(lambda allocation, mix: self.scenario(allocation, mix, f"metric:{name}", 1))
        dims = ("allocation", "mix", "province", "member", "year")[: values.ndim]
        coords = {dim: self.coords[dim] for dim in dims}
        return xr.DataArray(values, coords, dims, name, {"units": outputs.UNITS[name]})

    def metrics(self) -> Iterator[xr.Dataset]:
        yield self.job.inputs.allocation.astype(np.float32, keep_attrs=True).assign_attrs(self.attrs)
        for name in outputs.UNITS:
            yield self.metric(name).to_dataset()

    def quantiles(self, like: xr.Dataset) -> Iterator[xr.Dataset]:
        """Over the members of the batches with paths that did not fail. like: the trajectories, for dims and units."""
        levels = self.study.outputs.quantiles
        members = min(self.study.members, self.study.outputs.quantile_members)
        for name, path in like.data_vars.items():

            def of(allocation: str, mix: str, name: str = str(name)) -> np.ndarray:
                whole = np.isfinite(self.scenario(allocation, mix, "metric:reduction", 1)[:, :members]).any(axis=0)
                return _quantiles(self.scenario(allocation, mix, f"path:{name}", 0)[whole], levels)

            values = np.moveaxis(self.stacked(of), 2, 0)
            one = path.isel(member=0, drop=True)
            data = xr.Dataset({name: (("quantile", *one.dims), values, path.attrs)}, {**one.coords, "quantile": levels})
            yield data.assign_attrs(self.attrs, members=members)

    def __call__(self, design: pd.DataFrame) -> int:
        """Write the files; returns how many member runs failed."""
        store.write_datasets(self.run.folder / "metrics.nc", self.metrics())
        reduction = self.metric("reduction").to_numpy()
        members, rank = _representatives(self.study, reduction[0, 0, -1])
        paths = _trajectories(self.job, design.loc[members]).assign_coords(quantile=("member", rank))
        store.write_dataset(self.run.folder / "trajectories.nc", paths.assign_attrs(self.attrs))
        store.write_datasets(self.run.folder / "quantiles.nc", self.quantiles(paths.drop_vars("quantile")))
        return int(np.isnan(reduction).all(axis=2).sum())


def _quantiles(values: np.ndarray, levels: Sequence[float]) -> np.ndarray:
    """(level, …) over the first axis; NaN when no member is left."""
    if not len(values):
        return np.full((len(levels), *values.shape[1:]), np.nan, np.float32)
    found: np.ndarray = np.quantile(values, levels, axis=0).astype(np.float32)
    return found


def _representatives(study: Study, reduction: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Members whose whole paths are kept, and the quantile of national reduction that each stands for."""
    if study.outputs.members:
        named = np.array(study.outputs.members)
        return named, np.full(len(named), np.nan)
    order = np.argsort(reduction, kind="stable")[: int(np.isfinite(reduction).sum())]
    if not len(order):
        raise RuntimeError("every member failed: no value is finite; `tanlu simulate` shows one run")
    levels = np.linspace(0, 1, min(study.outputs.trajectories, len(order)))
    return order[np.round(levels * (len(order) - 1)).astype(int)], levels


def _trajectories(job: Job, design: pd.DataFrame) -> xr.Dataset:
    """Whole paths (allocation, mix, member, province, …, year) of the members in `design`."""
    kept, years = job.study.outputs.variables, range(FIRST_YEAR, job.study.outputs.last_year + 1)

    def paths(allocation: str, mix: str) -> xr.Dataset:
        results, error = job.results(allocation, mix, design, kept, years)
        return job.paths(results, error, kept).astype(np.float32, keep_attrs=True)

    mixes = pd.Index([m.label for m in job.study.mixes], name="mix")
    allocations = pd.Index([a.label for a in job.study.allocations], name="allocation")
    return xr.concat([xr.concat([paths(a, m) for m in mixes], mixes) for a in allocations], allocations)
