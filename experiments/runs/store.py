"""Runs on disk: one folder per run, written atomically, read lazily, safe to kill, copy and resume.

    runs/<name>-<hash8>/
        study.yaml          the resolved study: every default written out
        files/              the study's own mixes, tables, rules, projects, model files and region pack
        manifest.json       origin of the run: versions, commit, checksums, seeds, command, time, memory, members
        inputs.nc           targets, policy mixes and common parameters as the model received them
        design.parquet      one row per member, one column per input (`name` or `name[Guangdong]`)
        batches/            results of batches; gone once the run is complete
        metrics.nc          the target metrics of every member
        quantiles.nc        quantiles over members of every other output, by year
        trajectories.nc     whole paths of 11 representative (or named) members
        tables/*.parquet    results of the analyses
        stages/*.json       one completion record per stage, with the checksums of its files
        report.html  briefs/  log.txt

Nothing in a run names a folder outside it: a run copied to another machine opens, reports and resumes.
"""

import os
import shutil
import socket
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pandas as pd
import xarray as xr

from experiments.runs import manifest
from experiments.runs.design_file import DesignFile
from experiments.runs.find import find_run, is_run, run_folders
from experiments.runs.written import note
from models.reading.faults import InputError
from models.reading.json_file import read_json
from models.reading.names import refusal
from models.writing import FORBIDDEN, FULL, is_abandoned, write_whole

if TYPE_CHECKING:
    from experiments.study.schema import Study


class StoreError(OSError):
    """A run that cannot be written: disk full, folder read-only, or another process at work on it."""


@dataclass(frozen=True)
class Run:
    """One run on disk. Reading needs no lock and works in a read-only folder.

    Every Dataset below carries `units` on each variable. Dims and their order:

    - metrics: (allocation, mix, province, member), float32, the policy cost float64
    - quantiles: (quantile, allocation, mix, province, [sector | lever | fuel], year)
    - trajectories: (allocation, mix, member, province, [sector | lever | fuel], year)

    `province` has the 30 simulated provinces followed by `"China"`, the sum of them (NaN where a sum means nothing).
    A member is the same draw of parameters and of predictive errors in every allocation and mix, so differences
    between mixes are paired. A member that failed (a value not finite) is NaN throughout.
    """

    folder: Path

    @classmethod
    def open(cls, path: str | Path, runs: str | Path = "runs") -> "Run":
        """The run in folder `path`, or the one of that name (or unambiguous beginning of a name) under `runs`.

        Raises InputError when there is none, with the nearest names.
        """
        return cls(find_run(path, runs))

    @property
    def name(self) -> str:
        """`<study name>-<hash8>`, the folder's name unless somebody renamed it."""
        return self.folder.resolve().name

    @property
    def manifest(self) -> dict[str, Any]:
        """The origin of this run (see `experiments.runs.manifest`). Raises InputError when it cannot be read."""
        path = self._existing("manifest.json")
        if not is_run(self.folder):
            raise InputError(f"{path} is damaged: restore it, or move the folder away and run the study again")
        return manifest.unsealed(read_json(path, "the manifest of a run").mapping())

    @cached_property
    def study(self) -> "Study":
        """The resolved study."""
        from experiments.study.load import resolved

        return resolved(self._existing("study.yaml"))

    @property
    def complete(self) -> bool:
        """All members are simulated and the result files written."""
        return bool(self.manifest["status"] == "complete")

    def inputs(self) -> dict[str, xr.Dataset]:
        """The inputs that the model received: groups `common`, `allocation` (targets) and `mix` (levers)."""
        tree = xr.load_datatree(self._existing("inputs.nc"))
        return {name: node.to_dataset() for name, node in tree.children.items()}

    def design(self, members: int | None = None) -> pd.DataFrame:
        """One row per member (index `member`), one column per input: `name`, or `name[Guangdong]` for one by province.

        members: only the first so many, of which alone the memory is taken.
        """
        path = self._existing("design.parquet")
        if members is not None:
            return DesignFile(path).rows(0, members)
        return pd.read_parquet(path).rename_axis("member")

    def metrics(self, *names: str, members: int | None = None, provinces: Sequence[str] | None = None) -> xr.Dataset:
        """Target metrics of every member (all, or the ones named).

        members: of the first so many alone; provinces: of these alone. Only what is asked for takes memory.

        - `achieved` (…, indicator): what every indicator asked for achieves, per cent, higher is better, with its
          predictive error (see `experiments.ensemble.outputs.achieved`), and without it `modelled_achieved`; `targets`
          (allocation, indicator, province)
        - `reduction`: the same of the leading indicator (the fall of reported energy intensity from the plan's base to
          its last year, unless another leads), as all of these but `policy_cost`;
          `modelled_reduction`: the same without that error
        - `target` (allocation, province), per cent; `margin` = reduction − target, percentage points, ≥ 0 = met
        - `yearly_reduction` (…, year): `reduction` counted up to each year of the plan
        - `co2_reduction`, per cent; `co2_target` (allocation, province), per cent, NaN where none was set
        - `gdp_growth`, per cent a year over the plan; `energy` Mtce, `co2` Mt, `policy_cost` Gyuan in its last year

        Shares of an indicator are per cent here (units "%"), where `Ensemble.reduction` gives fractions (units "1").

        attrs: plan, base_year, end_year. Raises InputError while the run is incomplete.
        """
        modelled = {"modelled_reduction"} if "modelled_achieved" in names else set()
        part: dict[str, Any] = {} if members is None else {"member": slice(0, members)}
        keep = {*names, *modelled, "reduction", "target"} if names else None
        data = self._dataset("metrics.nc", keep, part, {} if provinces is None else {"province": list(provinces)})
        leading = {"indicator": [self.study.target.indicators[0]]}
        for name, of, at in (
            ("achieved", "reduction", -1),
            ("modelled_achieved", "modelled_reduction", -1),
            ("targets", "target", 1),
        ):
            if name not in data and of in data and (not names or name in names):  # a run of one indicator keeps it once
                data[name] = data[of].expand_dims(leading, at).assign_attrs(units="%")
        data["margin"] = (data["reduction"] - data["target"]).transpose(*data["reduction"].dims)
        data["margin"].attrs = {"units": "percentage points", "long_name": "reduction less target; met when 0 or more"}
        return data[list(names)] if names else data

    def quantiles(self) -> xr.Dataset:
        """Quantiles over members, by year, of the outputs kept (named as in the model).

        Energy intensity, GDP, energy, CO2 and their parts carry the predictive errors that their attribute
        `predictive_error` names, from the last fitted year on (see `experiments/ensemble/outputs.csv`).
        attrs: members (how many the quantiles are taken over: the first so many of the design).
        """
        return self._dataset("quantiles.nc")

    def trajectories(self) -> xr.Dataset:
        """Whole paths of a few members: by default 11, at the quantiles of the first scenario's national reduction.

        The coordinate `quantile` (member) says which; it is NaN for members that the study names.
        """
        return self._dataset("trajectories.nc")

    @property
    def tables(self) -> Mapping[str, pd.DataFrame]:
        """The analysis tables by name, read when asked for."""
        return _Tables(self)

    def table(self, name: str) -> pd.DataFrame:
        """The analysis table `name`. Raises InputError with the names there are, or when its file is damaged."""
        path = self.folder / "tables" / f"{name}.parquet"
        if not path.is_file():
            raise InputError(refusal(name, sorted(self.tables), f"table of {self.name}"))
        try:
            return pd.read_parquet(path)
        except (OSError, ValueError) as fault:  # pyarrow's errors are of these kinds
            raise InputError(f"{path} is damaged: delete it, and give the command that made it again") from fault

    def save_table(self, name: str, table: pd.DataFrame) -> None:
        """Write an analysis table (default index dropped, any other kept) in place of an earlier one of that name."""
        (self.folder / "tables").mkdir(exist_ok=True)
        write(self.folder / "tables" / f"{name}.parquet", table.to_parquet)

    def log(self, line: str) -> None:
        """Append a line with the time to log.txt."""
        with (self.folder / "log.txt").open("a", encoding="utf-8") as stream:
            stream.write(time.strftime("%Y-%m-%dT%H:%M:%S%z ") + line + "\n")

    def size(self) -> int:
        """Bytes on disk."""
        return sum(path.stat().st_size for path in self.folder.rglob("*") if path.is_file())

    def _existing(self, name: str) -> Path:
        path = self.folder / name
        if not path.is_file():
            raise InputError(f"{self.folder} is not a whole run: {name} is missing; `tanlu runs resume` completes it")
        return path

    def _dataset(
        self,
        name: str,
        keep: set[str] | None = None,
        part: Mapping[str, Any] | None = None,
        of: Mapping[str, Any] | None = None,
    ) -> xr.Dataset:
        if not (self.folder / name).is_file():
            count = self.manifest["members"]
            state = f"{self.name} is incomplete ({count['done']} of {count['total']} member runs)"
            raise InputError(f"{state}: `tanlu runs resume {self.name}` finishes it")
        with xr.open_dataset(self.folder / name, engine="netcdf4") as data:
            unwanted = [name for name in data.data_vars if keep is not None and name not in keep]
            return data.drop_vars(unwanted).isel(part or {}).sel(of or {}).load()


@dataclass(frozen=True)
class _Tables(Mapping[str, pd.DataFrame]):
    run: Run

    def __contains__(self, name: object) -> bool:
        return name in list(self)

    def __getitem__(self, name: str) -> pd.DataFrame:
        if name not in self:
            raise KeyError(name)
        return self.run.table(name)

    def __iter__(self) -> Iterator[str]:
        return (path.stem for path in sorted((self.run.folder / "tables").glob("*.parquet")))

    def __len__(self) -> int:
        return sum(1 for _ in self)


def list_runs(runs: str | Path = "runs") -> list[Run]:
    """Every run under a folder (with a manifest of ours), oldest first; an absent folder has none."""
    return sorted(map(Run, run_folders(runs)), key=lambda run: (run.manifest["created"], run.name))


def damaged(runs: str | Path = "runs") -> list[Path]:
    """Folders with a study of which the manifest cannot be read."""
    folders = (path.parent for path in Path(runs).glob("*/study.yaml") if not path.parent.name.startswith("."))
    return sorted(folder for folder in folders if not is_run(folder))


OURS = {
    *("study.yaml", "manifest.json", "inputs.nc", "design.parquet", "batches", "metrics.nc", "quantiles.nc"),
    *("trajectories.nc", "tables", "stages", "briefs", "files", "report.html", "report.zh.html", "report.pdf"),
    *("report.zh.pdf", "explorer.html", "log.txt", ".lock", ".owner"),
}
"""What a run's folder may hold; whatever else is in it belongs to somebody."""


def removable(name: str, runs: str | Path = "runs") -> Run:
    """The run of this whole name under `runs`, or in this folder, if it may be deleted.

    Raises:
        InputError: there is none of that whole name, the folder has no manifest of a run, or it holds other files.
    """
    run = Run.open(name, runs)
    if name != run.name and not Path(name).is_dir():
        raise InputError(f"{name!r} is only the beginning of a name; to delete the run give all of it: {run.name}")
    if not is_run(run.folder):
        raise InputError(
            f"{run.folder} is not deleted: it has no manifest.json of a run; remove it by hand if it is one"
        )
    others = sorted(path.name for path in run.folder.iterdir() if path.name not in OURS and not _is_part(path))
    if others:
        raise InputError(
            f"{run.folder} is not deleted: it also holds {', '.join(others[:8])}; move these out of it first"
        )
    return run


def _is_part(path: Path) -> bool:
    return path.name.startswith(".") and path.name.endswith(".part")


def remove(run: Run) -> None:
    """Delete the folder of a run that `removable` allows; StoreError while another process works on it."""
    with locked(removable(str(run.folder))):
        shutil.rmtree(run.folder)


@contextmanager
def locked(run: Run) -> Iterator[None]:
    """Hold the run's lock, which the system frees however the process ends. StoreError when another process has it."""
    from filelock import FileLock, Timeout

    lock, owner = FileLock(run.folder / ".lock"), run.folder / ".owner"
    with writing(run.folder):
        try:
            lock.acquire(timeout=0)
        except Timeout as taken:
            who = owner.read_text(encoding="utf-8") if owner.is_file() else "another process"
            raise StoreError(f"{run.name} is being written by {who}; wait until it ends, or stop it") from taken
    try:
        with writing(run.folder):
            owner.write_text(f"process {os.getpid()} on {socket.gethostname()}", encoding="utf-8")
        yield
    finally:
        owner.unlink(missing_ok=True)
        lock.release()


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn the system's refusals to write into a StoreError that says what to do; what is stored stays intact."""
    kept = "what was stored before is intact"
    try:
        yield
    except OSError as fault:
        if fault.errno in FULL:
            raise StoreError(f"no space left for {path}; {kept}: free some, and give the command again") from fault
        if fault.errno in FORBIDDEN:
            raise StoreError(f"may not write {path} ({fault.strerror}); choose another folder with --runs") from fault
        raise


def write(path: Path, put: Callable[[Path], Any]) -> None:
    """`models.writing.write_whole` into a run; whoever listens hears of the file. StoreError where it is refused."""
    with writing(path):
        write_whole(path, put)
        note(path)


def write_text(path: Path, text: str) -> None:
    """`write` for a text."""
    write(path, lambda part: part.write_text(text, encoding="utf-8"))


def write_bytes(path: Path, content: bytes) -> None:
    """`write` for bytes."""
    write(path, lambda part: part.write_bytes(content))


def write_dataset(path: Path, data: xr.Dataset) -> None:
    """`write` for a Dataset as compressed NetCDF-4; the same data give the same bytes."""
    write_datasets(path, [data])


def write_datasets(path: Path, parts: Iterable[xr.Dataset]) -> None:
    """`write` for a Dataset that comes variable by variable, so that it never has to be in memory as a whole."""

    def put(part: Path) -> None:
        for data in parts:
            numbers = [name for name, v in data.variables.items() if v.ndim and np.issubdtype(v.dtype, np.number)]
            encoding: dict[Any, dict[str, Any]] = {
                name: {"zlib": True, "complevel": 1, "shuffle": True} for name in numbers
            }
            for name, one in data.variables.items():
                if one.chunks:  # a lazy array is written piece by piece
                    sizes = zip(one.dims, one.chunks, strict=True)
                    encoding[name]["chunksizes"] = [1 if dim == "province" else pieces[0] for dim, pieces in sizes]
            known = set(_variables(part))
            fresh = {name: how for name, how in encoding.items() if name not in known}
            how = nullcontext() if not data.chunks else _one_after_the_other()
            with how:
                data.to_netcdf(part, mode="a" if known else "w", engine="netcdf4", encoding=fresh)

    write(path, put)


def _one_after_the_other() -> AbstractContextManager[Any]:
    """The pieces of lazy arrays are made in order, so that the same data give the same bytes."""
    import dask

    found: AbstractContextManager[Any] = dask.config.set(scheduler="synchronous")
    return found


def _variables(path: Path) -> Iterable[str]:
    if not path.is_file():
        return ()
    with xr.open_dataset(path, engine="netcdf4") as data:
        return [str(name) for name in data.variables]


def write_tree(path: Path, groups: Mapping[str, xr.Dataset]) -> None:
    """`write` for several Datasets as groups of one NetCDF file."""
    write(path, lambda part: xr.DataTree.from_dict(dict(groups)).to_netcdf(part, engine="netcdf4"))


def write_arrays(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """`write` for named arrays (.npz)."""

    def put(part: Path) -> None:
        with part.open("wb") as stream:
            np.savez(stream, allow_pickle=False, **arrays)

    write(path, put)


def read_array(path: Path, name: str) -> np.ndarray:
    """One array of a file that `write_arrays` made; the others are not read."""
    with np.load(path) as arrays:
        return cast(np.ndarray, arrays[name])


def discard(folder: Path) -> None:
    """Delete a folder and what is in it, if it is there."""
    if folder.exists():
        shutil.rmtree(folder)


def clean_partial(run: Run) -> None:
    """Delete the parts of files that killed processes left anywhere in a run; those of living processes stay."""
    for part in run.folder.rglob(".*.part"):
        if is_abandoned(part):
            with writing(run.folder):
                part.unlink(missing_ok=True)


def update_manifest(run: Run, **entries: Any) -> None:
    """Add entries to a run's manifest."""
    with locked(run):
        write_text(run.folder / "manifest.json", manifest.text({**run.manifest, **entries}))
