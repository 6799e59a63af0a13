"""A study with more members than fit into memory gives the same results as in one piece."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from experiments.analyses import feasibility, joint
from experiments.analyses.feasibility_tables import over_all_members
from experiments.ensemble import member_design, simulation
from experiments.installation import load_study
from experiments.study.schema import Study
from tests.experiments import small_system
from tests.experiments.small_system import SYSTEM


def in_pieces(study: Study, size: int) -> Iterator[pd.DataFrame]:
    whole = small_system.design(study)
    return (whole.iloc[start : start + size] for start in range(0, len(whole), size))


def test_the_pieces_make_the_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = ("members=20", "mixes=[full]", "outputs.quantile_members=12", "outputs.variables=[gdp]")
    study = small_system.study(tmp_path, "target.indicators=[energy_intensity, co2_intensity]", *settings)
    runs = []
    for name, block in (("whole", simulation.BLOCK), ("pieces", 8), ("again", 8)):
        monkeypatch.setattr(simulation, "BLOCK", block)
        system = replace(SYSTEM, design_blocks=in_pieces)
        runs.append(simulation.resume(simulation.start(study, system, tmp_path / name, batch=7), system))
    whole, pieces, again = runs
    pd.testing.assert_frame_equal(whole.design(), pieces.design())
    pd.testing.assert_frame_equal(whole.design(11), whole.design().iloc[:11])
    pd.testing.assert_frame_equal(pieces.design(11), whole.design().iloc[:11])
    for part in ("metrics", "quantiles", "trajectories"):
        xr.testing.assert_identical(getattr(whole, part)(), getattr(pieces, part)())
    for file in ("design.parquet", "metrics.nc"):
        assert (pieces.folder / file).read_bytes() == (again.folder / file).read_bytes()


def test_the_models_draws_are_the_same_in_pieces() -> None:
    study = load_study("twelfth-plan", ["members=20"])
    whole = member_design.design(study)
    parts = list(member_design.blocks(study, 8))
    assert [len(part) for part in parts] == [8, 8, 4]
    joined = pd.concat(parts)
    assert joined.index.equals(whole.index)
    np.testing.assert_allclose(joined, whole, rtol=1e-12)


def test_tables_of_many_members_are_made_by_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    study = small_system.study(tmp_path, "target.indicators=[energy_intensity, co2_intensity]", "mixes=[full]")
    run = simulation.resume(simulation.start(study, SYSTEM, tmp_path), SYSTEM)
    some = run.metrics()
    asked = {
        "summary": (feasibility.summary, "reduction", "target"),
        "each": (joint.each, "achieved", "targets"),
        "joint": (joint.table, "achieved", "targets"),
        "by_year": (feasibility.by_year, "reduction", "yearly_reduction", "target"),
    }
    before = {name: over_all_members(run, some, *of) for name, of in asked.items()}
    monkeypatch.setattr(feasibility, "LOOKED_AT", 10)
    for name, of in asked.items():
        pd.testing.assert_frame_equal(over_all_members(run, some, *of), before[name])
