"""Members under a scenario in batches: the list of batches, and the calculation of one."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd
import xarray as xr

from experiments.ensemble import outputs
from experiments.ensemble.triggers import Observed, scenario
from experiments.installation import FIRST_YEAR, ScenarioInputs, Simulate
from experiments.study.schema import Study

BATCH = 512
"""Members at a time: large against the fixed cost of a batch, small against memory and what a kill loses."""

Arrays = dict[str, np.ndarray]
Step = Callable[[int, int], None]


@dataclass(frozen=True)
class Batch:
    """Members start … stop−1 under one allocation and mix. paths: whether yearly outputs are kept for quantiles."""

    allocation: str
    mix: str
    start: int
    stop: int
    paths: bool
    file: str

    @property
    def size(self) -> int:
        """How many members."""
        return self.stop - self.start


def batches(study: Study, size: int) -> list[Batch]:
    """The work of a study, in order. Batches with paths come first and end where the quantile members end."""
    with_paths = min(study.members, study.outputs.quantile_members)
    edges = sorted({*range(0, with_paths, size), with_paths, *range(with_paths, study.members, size), study.members})
    return [
        Batch(a.label, m.label, start, stop, stop <= with_paths, f"{i:02}-{j:02}-{start:08}.npz")
        for i, a in enumerate(study.allocations)
        for j, m in enumerate(study.mixes)
        for start, stop in pairwise(edges)
    ]


@dataclass(frozen=True)
class Job:
    """One study's simulation, as sent to a worker."""

    study: Study
    inputs: ScenarioInputs
    simulate: Simulate
    errors: Callable[[Study, np.ndarray], xr.Dataset]
    checksums: Callable[[], dict[str, str]]
    files: Mapping[str, str]

    @property
    def plan(self) -> tuple[int, int]:
        """Base and last year of the plan that is judged."""
        return self.study.target.period.span

    def __call__(self, batch: Batch, design: pd.DataFrame) -> Arrays:
        """Results of a batch: `metric:name` (province, member, …) and, if wanted, `path:name` (member, province, …)."""
        base, end = self.plan
        kept = self.study.outputs.variables if batch.paths else []
        years = range(FIRST_YEAR, self.study.outputs.last_year + 1) if batch.paths else range(base, end + 1)
        results, error = self.results(batch.allocation, batch.mix, design, kept, years)
        plan = results.sel(year=slice(base, end))
        found = {
            f"metric:{name}": values
            for name, values in outputs.metrics(plan, error, base, end, self.study.target.asked).items()
        }
        if batch.paths:
            paths = self.paths(results, error, kept)
            found |= {f"path:{name}": values.to_numpy() for name, values in paths.items()}
        return {name: values.astype(outputs.stored_type(name)) for name, values in found.items()}

    @staticmethod
    def paths(results: xr.Dataset, error: xr.Dataset, kept: Sequence[str]) -> xr.Dataset:
        """Outputs kept by year, with the predictive error, the groups of sectors and the nation."""
        whole = outputs.aggregate_sectors(outputs.with_error(results, error))
        return outputs.with_nation(whole, outputs.kept_with_groups(kept))

    def results(
        self, allocation: str, mix: str, design: pd.DataFrame, kept: Sequence[str], years: Sequence[int]
    ) -> tuple[xr.Dataset, xr.Dataset]:
        """Model results (member, province, …, year) with what metrics and national rows need, and the log errors."""
        wanted = sorted({*outputs.needed(self.study.target.asked), *kept, *outputs.weights(kept)})
        errors = self.errors(self.study, design.index.to_numpy())
        observed = Observed(self.study, self.inputs, self.simulate, design, allocation, lambda: errors)
        found = self.simulate(design, scenario(observed, mix), wanted, list(years))
        return found[wanted].transpose("member", "province", ..., "year"), errors


Rows = Callable[[int, int], pd.DataFrame]
"""(start, stop) → these members of a design."""

Execute = Callable[[Job, Sequence[Batch], Rows], Iterator[tuple[Batch, Arrays]]]
