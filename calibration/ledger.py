"""Frozen forecasts: tables that are committed before the outcomes that will score them are opened.

Each plan has a table of the model, one of the model with the list of projects, and one of every naive rule, all with
the same columns. A manifest holds the hashes of everything that they were made from. Nothing after the origin is read.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from calibration import forecast, naive, posterior, tables
from calibration.forecast import LEARNT, QUANTITIES, Options, Origin
from models import PARAMETERS, PROVINCE
from models.writing import write_text

FOLDER = posterior.PUBLISHED.with_name("forecasts")
QUANTILES = (0.05, 0.10, 0.25, 0.50, 0.75, 0.90, 0.95)
COLUMNS = (
    "province", "quantity", "account", "metric", "from", "to",
    *(f"q{round(100 * level):02d}" for level in QUANTILES),
    "target", "target_status", "chance",
)  # fmt: skip
ACCOUNT = "statistical"
METRIC = {"energy co2": "old", "total co2": "new"}
"""Output of the model → carbon metric; the old one, until 2025, has no process emissions."""
CARBON = ("co2_intensity", "co2")


def stem(origin: Origin) -> str:
    """First part of the names of an origin's files, such as plan12-origin2010."""
    return f"plan{origin.plan.removesuffix('FYP')}-origin{origin.known}"


def forecast_table(sample: Mapping[tuple[str, int], np.ndarray], provinces: list[str], origin: Origin) -> pd.DataFrame:
    """The frozen table of a forecast.

    Args:
        sample: (quantity, year) → changes (member, province), per cent.
        provinces: names in the order of the samples.
        origin: origin and plan.

    Returns:
        Columns COLUMNS, one row per province, quantity and year.
    """
    listed = forecast.targets(origin, provinces)
    known = {
        (quantity, province): (float(target), str(status))
        for quantity, province, target, status in listed[["quantity", "province", "target", "status"]].to_numpy()
    }
    rows = []
    for (quantity, year), values in sample.items():
        found = np.quantile(values, QUANTILES, axis=0).T
        for at, province in enumerate(provinces):
            if np.isnan(values[0, at]):
                continue
            goal, status = known.get((quantity, province), (np.nan, ""))
            target = f"{goal:g}" if status else ""
            chance = f"{float((-values[:, at] >= goal).mean()):.4f}" if status and year == origin.end else ""
            head = (province, quantity, ACCOUNT, METRIC[origin.carbon] if quantity in CARBON else "", origin.base, year)
            rows.append((*head, *(f"{value:.3f}" for value in found[at]), target, status, chance))
    made = pd.DataFrame(rows, columns=list(COLUMNS))
    order = {name: index for index, name in enumerate(provinces)}
    keys = made.assign(order=made["province"].map(order), kind=made["quantity"].map(QUANTITIES.index))
    return made.loc[keys.sort_values(["order", "kind", "to"], kind="stable").index].reset_index(drop=True)


def model_table(origin: Origin, baseline: xr.Dataset, options: Options) -> pd.DataFrame:
    """The model's forecast of every quantity and year of the plan."""
    logs = forecast.run(origin, baseline, options)
    provinces = [str(name) for name in logs["province"].values]
    sample = {
        (quantity, year): forecast.change(logs, quantity, origin.base, year).transpose("member", "province").to_numpy()
        for quantity in QUANTITIES
        for year in origin.years[1:]
    }
    return forecast_table(sample, provinces, origin)


def naive_table(rule: str, origin: Origin, baseline: xr.Dataset) -> pd.DataFrame:
    """A naive rule's forecast of the quantities for which it is defined."""
    provinces = [str(name) for name in forecast.measured(baseline)["province"].values]
    sample = {}
    for quantity in QUANTITIES:
        for year in origin.years[1:]:
            made = naive.sample(rule, quantity, origin, (origin.last, year), baseline)
            if made is not None:
                sample[quantity, year] = made
    return forecast_table(sample, provinces, origin)


def forecast_files(origin: Origin, baseline: xr.Dataset, options: Options) -> dict[str, str]:
    """The text of every file of an origin, by file name.

    From a nowcast only the model forecasts, because the naive rules have no provincial energy or CO2 to start from and
    the list of projects ends in 2015.
    """
    if origin.until is not None:
        text = model_table(origin, baseline, options).to_csv(index=False, lineterminator="\n")
        return {f"{stem(origin)}.csv": text}
    with_list = Options(options.members, options.seed, options.policy, projects=True)
    made = {"": model_table(origin, baseline, options), "-projects": model_table(origin, baseline, with_list)}
    made |= {f"-naive-{rule}": naive_table(rule, origin, baseline) for rule in naive.RULES}
    return {f"{stem(origin)}{name}.csv": item.to_csv(index=False, lineterminator="\n") for name, item in made.items()}


def freeze(origin: Origin, baseline: xr.Dataset, options: Options, note: str, folder: Path = FOLDER) -> list[Path]:
    """Write the files of an origin and their manifest.

    Args:
        origin: origin and plan.
        baseline: measured series.
        options: members, seed and policy.
        note: description of the policy for the manifest.
        folder: folder of the files.

    Returns:
        The paths of the files; the manifest is the last.
    """
    folder.mkdir(parents=True, exist_ok=True)
    files = forecast_files(origin, baseline, options)
    for name, text in files.items():
        write_text(folder / name, text)
    nowcast = {} if origin.until is None else {"fitted to": origin.last, "activity known to": origin.until}
    manifest = {
        "origin": origin.known,
        **nowcast,
        "plan": origin.plan,
        "members": options.members,
        "seed": options.seed,
        "policy": note,
        "files": {name: digest(text.encode()) for name, text in files.items()},
        "made from": {
            "model": digest(PROVINCE.read_bytes()),
            "parameters": digest(PARAMETERS.read_bytes()),
            "data": digest((tables.DATA / tables.DESCRIPTOR).read_bytes()),
            "posterior": digest(origin.path.read_bytes()),
            "draws": digest(posterior.load(origin.path)["draws"].values.tobytes()),
            "learnt": digest(LEARNT.read_bytes()),
        },
    }
    path = folder / f"{stem(origin)}-manifest.json"
    write_text(path, json.dumps(manifest, indent=2, ensure_ascii=False) + "\n")
    return [*(folder / name for name in files), path]


def digest(content: bytes) -> str:
    """SHA-256 of a file's content."""
    return "sha256:" + hashlib.sha256(content).hexdigest()
