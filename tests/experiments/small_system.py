"""A system of three provinces in closed form, fast enough to be killed thirty times. Everything can be pickled."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from experiments.analyses import feasibility
from experiments.installation import Installation, ScenarioInputs
from experiments.runs.store import Run
from experiments.study.load import load
from experiments.study.schema import Study, Vocabulary

PROVINCES = ["Beijing", "Guangdong", "Ningxia"]
PLANS = ["p11", "p12", "p13", "p14"]
SECTORS = ["industry", "residential"]
STUDY = """
name: small
members: 40
seed: 7
target: {plan: p12, indicators: [energy_intensity]}
allocations: [official, {rule: uniform, name: even}]
mixes: [base, full]
outputs:
  variables: [energy intensity, reported energy intensity, gdp, final energy]
  trajectories: 5
  last_year: 2020
"""


FURTHER = {
    "energy_intensity": [17.0, 18, 15, 16],
    "co2_intensity": [22.5, 23.5, 20.5, 22],
    "total_energy": [-45.0, -40, -50, -45],
    "nonfossil_share": [25.0, 30, 28, np.nan],
    "gdp_growth": [10.0, 10, 10, np.nan],
}
"""Targets of further indicators: per cent by province, the nation's last."""


def study(tmp_path: Path, *overrides: str) -> Study:
    """The small study with overrides."""
    path = tmp_path / "small.yaml"
    path.write_text(STUDY, encoding="utf-8")
    return load(path, overrides, Vocabulary())


def inputs(study: Study) -> ScenarioInputs:
    """Targets, two mixes and base-year data."""
    allocations, mixes = [a.label for a in study.allocations], [m.label for m in study.mixes]
    coords = {"province": PROVINCES}
    common = xr.Dataset(
        {
            "base gdp": ("province", [700.0, 2200.0, 60.0]),
            "base energy": ("province", [55.0, 180.0, 25.0]),
            "target reduction": (("province", "plan"), np.tile([0.2, 0.16, 0.15, 0.14], (3, 1))),
        },
        {**coords, "plan": PLANS},
    )
    target = np.array([[17.0, 18, 15, 16], [16.0, 16, 16, 16]])[: len(allocations)]
    further = [FURTHER[key] for key in study.target.indicators[1:]]
    rows = [np.tile(row, (len(allocations), 1)) for row in further]
    targets = np.stack([target, *rows], axis=1)
    allocation = xr.Dataset(
        {
            "target": (("allocation", "province"), target, {"units": "%"}),
            "targets": (("allocation", "indicator", "province"), targets, {"units": "%"}),
            "status": (("allocation", "indicator", "province"), np.full(targets.shape, "official")),
        },
        {"allocation": allocations, "province": [*PROVINCES, "China"], "indicator": study.target.indicators},
    )
    mix = xr.Dataset({"strength": (("mix", "province"), np.linspace(0, 1, len(mixes))[:, None] * np.ones(3))}, coords)
    return ScenarioInputs(common, allocation, mix.assign_coords(mix=mixes))


def design(study: Study) -> pd.DataFrame:
    """Random members."""
    random = np.random.default_rng(study.seed)
    growth = pd.DataFrame(random.normal(0.1, 0.01, (study.members, 3)), columns=[f"growth[{p}]" for p in PROVINCES])
    return growth.assign(efficiency=random.uniform(0.01, 0.04, study.members))


def errors(study: Study, members: np.ndarray) -> xr.Dataset:
    """Random walks for each member, seeded by its number; of intensity, GDP and CO2 per energy."""
    walks = [
        np.random.default_rng(np.random.SeedSequence(study.seed, spawn_key=(int(m),))).normal(0, 0.01, (3, 3, 6))
        for m in members
    ]
    steps = np.array(walks) * study.sampling.predictive_error
    steps[..., 0] = 0
    where = {"member": members, "province": PROVINCES, "year": np.arange(2010, 2016)}
    names = ("intensity", "growth", "carbon")
    dims = ("member", "province", "year")
    return xr.Dataset({name: (dims, steps[:, i].cumsum(axis=2)) for i, name in enumerate(names)}, where)


@dataclass(frozen=True)
class Closed:
    """Exponential growth. pause: seconds a batch; broken: efficiency above which a member fails."""

    pause: float = 0.0
    broken: float = np.inf

    def __call__(
        self, design: pd.DataFrame, params: Mapping[str, xr.DataArray], outputs: Sequence[str], years: Sequence[int]
    ) -> xr.Dataset:
        time.sleep(self.pause)
        members = {"member": np.arange(len(design))}
        growth = xr.DataArray(
            design.filter(like="growth").to_numpy(), {**members, "province": PROVINCES}, ("member", "province")
        )
        pace = xr.DataArray(design["efficiency"].to_numpy(), members, ("member",))
        t = xr.DataArray(np.array(years, float), {"time": list(years)}, ("time",))
        asked = params["target reduction"].sel(plan="p12", drop=True)
        clean = 0.2 + 0.01 * (t - 2005) + 0.02 * params["strength"]
        fall = pace + 0.01 * params["strength"] + 0.05 * asked * (t > 2010)
        gdp = params["base gdp"] * np.exp(growth * (t - 2005))
        intensity = params["base energy"] / params["base gdp"] * np.exp(-fall * (t - 2005))
        intensity = intensity.where(pace <= self.broken)
        sectors = xr.DataArray([0.8, 0.2], {"sector": SECTORS}, ("sector",))
        found = xr.Dataset(
            {
                "gdp": gdp.assign_attrs(units="Gyuan/year"),
                "energy intensity": intensity.assign_attrs(units="Mtce/Gyuan"),
                "reported energy intensity": intensity.assign_attrs(units="Mtce/Gyuan"),
                "total energy": (intensity * gdp).assign_attrs(units="Mtce/year"),
                "final energy": (intensity * gdp * sectors).assign_attrs(units="Mtce/year"),
                "energy co2": (2.5 * intensity * gdp).assign_attrs(units="Mt/year"),
                "process co2": (0.1 * gdp).assign_attrs(units="Mt/year"),
                "total co2": (2.5 * intensity * gdp + 0.1 * gdp).assign_attrs(units="Mt/year"),
                "population": (0.02 * params["base gdp"] * np.exp(0.005 * (t - 2005)) + 0 * pace),
                "secondary value added": (0.4 * gdp).assign_attrs(units="Gyuan/year"),
                "co2 intensity": (2.5 * intensity * (1 - clean)).assign_attrs(units="Mt/Gyuan"),
                "nonfossil share of primary energy": (clean + 0 * pace).assign_attrs(units="1"),
                "annualised policy cost": (0.01 * gdp * params["strength"]).assign_attrs(units="Gyuan/year"),
            }
        )
        return found[list(outputs)].transpose("member", "province", ..., "time")


def checksums() -> dict[str, str]:
    """One file."""
    return {"models/small.mdl": "0" * 64}


SYSTEM = Installation(inputs, design, errors, Closed(), checksums)


def slow(pause: float) -> Installation:
    """The same, each batch taking a while."""
    return replace(SYSTEM, simulate=Closed(pause))


def analyse(run: Run, *_: object) -> None:
    """The tables that need no model."""
    run.save_table("feasibility", feasibility.summary(run.metrics()))
    run.save_table("trust", pd.DataFrame({"item": ["members"]}))
