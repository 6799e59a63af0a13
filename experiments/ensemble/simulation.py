"""Simulation of a study: allocation × mix × batches of members through the model; it can be interrupted and resumed.

Results depend on the study, the model and the data alone: the design is drawn once for the whole run, predictive
errors are seeded by the member's number, and batches, threads, worker processes and interruptions change nothing.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from calibration.members import quantiles
from experiments.ensemble import outputs
from experiments.ensemble.batches import BATCH, Arrays, Batch, Execute, Job, Rows, Step, batches
from experiments.installation import FIRST_YEAR, Installation, ScenarioInputs
from experiments.runs import contents, design_file, manifest, stages, store
from experiments.runs.design_file import DesignFile
from experiments.runs.store import Run
from experiments.runs.written import written
from experiments.study.schema import Study
from models.reading.faults import InputError

BLOCK = 16_384
"""Members whose draws and metrics are in memory at once: a study of more is made, stored and read in such pieces."""

INPUTS, DESIGN, SIMULATION = "inputs", "design", "simulation"
"""Stages: what the members have in common, their draws, and their results."""


def is_simulated(run: Run) -> bool:
    """Whether all members are simulated and every file of that is as it was written."""
    chain = ((INPUTS, ()), (DESIGN, (INPUTS,)), (SIMULATION, (DESIGN,)))
    return all(stages.finished(run, name, needs) for name, needs in chain)


def start(
    study: Study, system: Installation, runs: Path = Path("runs"), *, batch: int = BATCH, fresh: bool = False
) -> Run:
    """The run of a study: the one that is there (complete or not), else a new one with its study and manifest.

    fresh: a new run with a suffix even if one is there. Nothing is ever overwritten.
    Raises InputError for inputs that are wrong, StoreError where nothing can be written.
    """
    inputs = system.inputs(study)
    checksums = system.checksums()
    study, own = contents.collected(study)
    content = {"study": study.model_dump(), "files": checksums, "inputs": _inputs_hash(inputs)}
    content |= {"own files": contents.checksums(own)} if own else {}
    name = f"{study.name}-{manifest.digest(content)[:8]}"
    with store.writing(runs):
        runs.mkdir(parents=True, exist_ok=True)
    number = 1
    while fresh and (runs / _suffixed(name, number)).exists():
        number += 1
    run = Run(runs / _suffixed(name, number))
    if run.folder.exists():
        if not stages.finished(run, INPUTS):  # the name holds the study's hash: this is the study it began with
            store.write_text(run.folder / "study.yaml", study.text())
            contents.save(own, run.folder)
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
        "own_files": contents.checksums(own),
        "seed": {"root": study.seed, "scheme": "numpy SeedSequence; the member's number is the spawn key"},
        "members": {"drawn": study.members, "total": len(_runs(study)) * study.members, "done": 0, "failed": 0},
        "batch_size": batch,
        "sessions": [],
    }
    _create(run, study, first, inputs, own)
    return run


def _suffixed(name: str, number: int) -> str:
    return name if number == 1 else f"{name}-{number}"


def _runs(study: Study) -> list[tuple[str, str]]:
    return [(a.label, m.label) for a in study.allocations for m in study.mixes]


def _create(
    run: Run, study: Study, record: Mapping[str, Any], inputs: ScenarioInputs, own: Mapping[str, bytes]
) -> None:
    """Make a run's folder in one step, so that a folder that exists can always be resumed."""
    new = run.folder.with_name(f".{run.folder.name}.{time.time_ns()}.new")
    with store.writing(run.folder.parent):
        new.mkdir()
        try:
            with stages.stage(Run(new), INPUTS):
                store.write_text(new / "study.yaml", study.text())
                contents.save(own, new)
                store.write_tree(new / "inputs.nc", inputs.groups())
            store.write_text(new / "manifest.json", manifest.text(record))
            (new / "batches").mkdir()
            new.rename(run.folder)
            for left in run.folder.parent.glob(f".{run.folder.name}.*.new"):  # of a killed process, or of a later one
                store.discard(left)
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
    if is_simulated(run) and not (run.folder / "batches").exists():
        return run
    with store.locked(run):
        if not is_simulated(run):
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
    study, record = run.study, run.manifest
    _refuse_changed(run, system.checksums())
    _restore_inputs(run, system)
    session = manifest.Session(workers=workers, cluster=cluster)
    run.log(f"session begins: {manifest.command()}")
    if not stages.finished(run, DESIGN, [INPUTS]):
        with stages.stage(run, DESIGN, [INPUTS]):
            blocks = system.designs(study, BLOCK)
            store.write(run.folder / "design.parquet", lambda part: design_file.write(part, blocks, study.members))
    job = Job(study, ScenarioInputs(**run.inputs()), system.simulate, system.errors, system.checksums, record["files"])
    plan = batches(study, record["batch_size"])
    folder = run.folder / "batches"
    store.clean_partial(run)
    folder.mkdir(exist_ok=True)
    there = {batch.file for batch in plan if _is_whole(folder / batch.file, run)}
    todo = [batch for batch in plan if batch.file not in there]
    done, failed, fresh = sum(batch.size for batch in plan if batch.file in there), 0, 0
    try:
        with step(record["members"]["total"]) as advance, _executor(workers, cluster) as execute:
            advance(done, failed)
            design = DesignFile(run.folder / "design.parquet")
            for batch, arrays in execute(job, todo, design.rows):
                store.write_arrays(folder / batch.file, arrays)
                store.write_text(_seal_of(folder / batch.file), _seal(folder / batch.file, run))
                done, fresh = done + batch.size, fresh + batch.size
                failed += int(np.isnan(arrays["metric:reduction"]).all(axis=0).sum())
                advance(done, failed)
            with written() as files:
                failed = _Collector(run, job, plan)(design)
        record["status"] = "complete"
    finally:
        record["members"] |= {"done": done, "failed": failed}
        record["sessions"].append(session.record(member_runs=fresh))
        store.write_text(run.folder / "manifest.json", manifest.text(record))
        run.log(f"session ends: {done} of {record['members']['total']} member runs, {failed} failed")
    stages.save_record(run, SIMULATION, files, [DESIGN])  # last: what it vouches for includes the manifest's state


def _seal_of(batch: Path) -> Path:
    return batch.with_suffix(".sha256")


def _seal(batch: Path, run: Run) -> str:
    """Checksum of a batch's file, its name and its run's inputs, so that a batch of another run is not accepted."""
    return f"{stages.checksum(batch)} {batch.name} {run.manifest['inputs_hash']} {run.manifest['study_hash']}\n"


def _is_whole(batch: Path, run: Run) -> bool:
    try:
        return _seal_of(batch).read_text(encoding="utf-8") == _seal(batch, run)
    except (OSError, ValueError):
        return False


def _restore_inputs(run: Run, system: Installation) -> None:
    """Make inputs.nc again where it is not what the run began with. Raises InputError when the study gives others."""
    if stages.finished(run, INPUTS):
        return
    path, known = run.folder / "inputs.nc", run.manifest["inputs_hash"]
    inputs = system.inputs(run.study)
    if _inputs_hash(inputs) != known:
        raise InputError(
            f"{path} is damaged, and the study's files give other inputs now: restore it or what the study names, or "
            f"begin anew with `tanlu run --fresh`"
        )
    with stages.stage(run, INPUTS):
        store.write_text(run.folder / "study.yaml", run.study.text())
        store.write_tree(path, inputs.groups())


def _inputs_hash(inputs: ScenarioInputs) -> str:
    return manifest.digest({name: data.to_dict() for name, data in inputs.groups().items()})


def _refuse_changed(run: Run, files: Mapping[str, str]) -> None:
    """Refuse to finish a run with another study, model or data than those with which it began."""
    if manifest.digest(run.study.model_dump()) != run.manifest["study_hash"]:
        raise InputError(
            f"{run.folder / 'study.yaml'} is not the study that began {run.name}; restore it, or run the changed study "
            f"from a file of its own: `tanlu run FILE`"
        )
    before: Mapping[str, str] = run.manifest["files"]
    changed = sorted(name for name in {*before, *files} if before.get(name) != files.get(name))
    own = contents.checksums(contents.stored(run.folder))
    known: Mapping[str, str] = run.manifest.get("own_files", {})
    changed += sorted(name for name in known if own.get(name) != known[name])
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


def _here(job: Job, todo: Sequence[Batch], design: Rows) -> Iterator[tuple[Batch, Arrays]]:
    """One batch after the other in this process."""
    for batch in todo:
        yield batch, job(batch, design(batch.start, batch.stop))


@dataclass(frozen=True)
class _Collector:
    """Makes the result files from the batches, one variable at a time and of many members a block at a time."""

    run: Run
    job: Job
    plan: Sequence[Batch]

    @property
    def study(self) -> Study:
        return self.job.study

    @cached_property
    def attrs(self) -> dict[str, Any]:
        base, end = self.job.plan
        return {"study": self.study.name, "plan": self.study.target.period.name, "base_year": base, "end_year": end}

    @cached_property
    def coords(self) -> dict[str, Any]:
        base, end = self.job.plan
        return {
            "allocation": [a.label for a in self.study.allocations],
            "mix": [m.label for m in self.study.mixes],
            "province": self.job.inputs.allocation["province"].to_numpy(),
            "member": np.arange(self.study.members),
            "year": np.arange(base + 1, end + 1),
            "indicator": list(self.study.target.indicators),
        }

    def scenario(
        self, allocation: str, mix: str, name: str, axis: int, start: int = 0, stop: int | None = None
    ) -> np.ndarray:
        """One array of a scenario, the members of its batches (those that have it) joined along `axis`.

        start, stop: of a part of the members.
        """
        end = self.study.members if stop is None else stop
        of = [b for b in self.plan if (b.allocation, b.mix) == (allocation, mix) and (b.paths or axis == 1)]
        of = [b for b in of if b.start < end and b.stop > start]
        whole = np.concatenate([store.read_array(self.run.folder / "batches" / b.file, name) for b in of], axis)
        first = of[0].start
        return whole[(slice(None),) * axis + (slice(max(start - first, 0), end - first),)]

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
        if self.is_large:
            values = self.many(name)
        else:
            values = self.stacked(lambda allocation, mix: self.scenario(allocation, mix, f"metric:{name}", 1))
        further = "indicator" if name in outputs.BY_INDICATOR else "year"
        dims = ("allocation", "mix", "province", "member", further)[: values.ndim]
        coords = {dim: self.coords[dim] for dim in dims}
        return xr.DataArray(values, coords, dims, name, {"units": outputs.UNITS[name]})

    @property
    def is_large(self) -> bool:
        """Are the members too many to have a metric of all of them in memory?"""
        return self.study.members > BLOCK

    def many(self, name: str) -> Any:
        """A metric (allocation, mix, province, member, …) as a lazy array that is read a block of members at a time."""
        array: Any = import_module("dask.array")  # only half typed
        delayed: Any = import_module("dask").delayed
        edges = [*range(0, self.study.members, BLOCK), self.study.members]
        one = self.scenario(*_runs(self.study)[0], f"metric:{name}", 1, 0, 1).shape

        def block(scenario: tuple[str, str], start: int, stop: int) -> Any:
            values = delayed(self.scenario)(*scenario, f"metric:{name}", 1, start, stop)
            kind = outputs.stored_type(f"metric:{name}")
            return array.from_delayed(values, (one[0], stop - start, *one[2:]), kind)

        rows = [array.concatenate([block(of, *ends) for ends in pairwise(edges)], 1) for of in _runs(self.study)]
        return array.stack(rows).reshape(len(self.study.allocations), len(self.study.mixes), *rows[0].shape)

    def metrics(self) -> Iterator[xr.Dataset]:
        asked = self.job.inputs.allocation
        kept = [name for name in ("target", "co2_target", "targets") if name in asked]
        yield asked[kept].astype(np.float32, keep_attrs=True).assign_attrs(self.attrs)
        for name in outputs.UNITS:
            if (
                name not in outputs.BY_INDICATOR or len(self.study.target.indicators) > 1
            ):  # of one indicator it is the reduction
                yield self.metric(name).to_dataset()

    def quantiles(self, like: xr.Dataset) -> Iterator[xr.Dataset]:
        """Over the members of the batches with paths that did not fail. like: the trajectories, for dims and units."""
        levels = self.study.outputs.quantiles
        members = min(self.study.members, self.study.outputs.quantile_members)
        for name, path in like.data_vars.items():

            def of(allocation: str, mix: str, name: str = str(name)) -> np.ndarray:
                whole = np.isfinite(self.scenario(allocation, mix, "metric:reduction", 1, 0, members)).any(axis=0)
                kind = outputs.stored_type(f"path:{name}")
                return quantiles(self.scenario(allocation, mix, f"path:{name}", 0)[whole], levels).astype(kind)

            values = np.moveaxis(self.stacked(of), 2, 0)
            one = path.isel(member=0, drop=True)
            data = xr.Dataset({name: (("quantile", *one.dims), values, path.attrs)}, {**one.coords, "quantile": levels})
            yield data.assign_attrs(self.attrs, members=members)

    def __call__(self, design: DesignFile) -> int:
        """Write the files; returns how many member runs failed."""
        store.write_datasets(self.run.folder / "metrics.nc", self.metrics())
        failed, leading = 0, None
        for allocation, mix in _runs(self.study):
            reduction = self.scenario(allocation, mix, "metric:reduction", 1)
            failed += int(np.isnan(reduction).all(axis=0).sum())
            leading = reduction[-1].copy() if leading is None else leading
        assert leading is not None  # a study has at least one allocation and mix
        members, rank = _representatives(self.study, leading)
        chosen = pd.concat([design.rows(member, member + 1) for member in members])
        paths = _trajectories(self.job, chosen).assign_coords(quantile=("member", rank))
        store.write_dataset(self.run.folder / "trajectories.nc", paths.assign_attrs(self.attrs))
        store.write_datasets(self.run.folder / "quantiles.nc", self.quantiles(paths.drop_vars("quantile")))
        return failed


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
