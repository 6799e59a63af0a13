"""A run in other formats: IAMC tables, CF-like NetCDF, plain tables, and a member as a Vensim model.

IAMC: one row per value, scenario = `allocation|mix`, region `China|Guangdong`; names, units and factors stand in
`outputs.csv`. Under the plain name of a variable stands the path of one member, the one whose national reduction is
the median of the first scenario: its sectors and provinces add up, as medians taken one by one would not. Quantiles
over all members stand beside, under `10.0th Percentile|…`, where no program takes them for parts of a sum.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
import yaml

from calibration.places import NATION
from experiments.analyses import joint
from experiments.ensemble import outputs
from experiments.installation import FIRST_YEAR, ScenarioInputs
from experiments.runs.store import Run, write, write_text
from experiments.words import columns
from experiments.words.headings import heading
from models.indicators import indicators
from models.reading.faults import InputError
from models.reading.names import choose

IAMC = ("model", "scenario", "region", "variable", "unit", "year", "value")
LEVELS = (0.1, 0.5, 0.9)
"""Quantiles that go out in IAMC tables, where the run has them."""

DEFINITIONS = Path(__file__).with_name("definitions")
"""Our code list of variables and regions, for nomenclature; written by `python -m experiments.exchange.export`."""

VERDICTS = {
    "target": "Target|Energy Intensity Reduction",
    "reduction": "Energy Intensity Reduction",
    "margin": "Target Margin",
    "chance": "Probability|Target Met",
}
"""Columns of the table of verdicts in IAMC tables, of energy intensity, all in %."""


def verdict_names(key: str) -> dict[str, tuple[str, str, float]]:
    """Column → variable, unit, factor, of any indicator; the joint chance is `JOINT`."""
    known = columns.columns("feasibility")
    if key == "energy_intensity":
        variables = VERDICTS
    else:
        name = " ".join(word.upper() if word == "co2" else word.capitalize() for word in key.split("_"))
        heads = {
            "target": "Target",
            "reduction": "Achieved",
            "margin": "Target Margin",
            "chance": "Probability|Target Met",
        }
        variables = {column: f"{head}|{name}" for column, head in heads.items()}
    return {column: (variable, "%", known[column].factor) for column, variable in variables.items()}


JOINT = ("Probability|Target Met|All Indicators", "%", 100)


def export(run: Run, to: str, path: Path | None = None) -> Path:
    """Write a run in a format (see FORMATS); returns the file or folder. Raises InputError for an unknown one."""
    put, ending = FORMATS[choose(to, FORMATS, "format")]
    target = path or Path(f"{run.name}{ending}")
    if target.exists():
        raise InputError(f"{target} exists; remove it or give another path with --out")
    put(run, target)
    return target


def iamc(run: Run) -> pd.DataFrame:
    """The run as an IAMC table, columns `IAMC`, in a fixed order."""
    rows = [*_median_member(run), *_paths(run.quantiles()), *_verdicts(run)]
    table = pd.concat(rows, ignore_index=True)
    table.insert(0, "model", f"tanlu {run.manifest['versions']['tanlu']}".removesuffix(" not installed"))
    return table[list(IAMC)].dropna(subset=["value"]).reset_index(drop=True)


def _paths(quantiles: xr.Dataset) -> Iterator[pd.DataFrame]:
    """Quantiles of every variable over the members."""
    levels = [level for level in LEVELS if np.isclose(quantiles["quantile"], level).any()]
    for long, row in _named(quantiles.sel(quantile=levels, method="nearest")):
        prefix = (100 * long["quantile"]).map("{:.1f}".format) + "th Percentile|"
        value = long["value"] * float(row["factor"])
        yield _located(long).assign(variable=prefix + row["iamc"], unit=row["iamc_unit"], value=value)


def _median_member(run: Run) -> Iterator[pd.DataFrame]:
    """The path of one member, and the sums that its parts make."""
    paths = run.trajectories()
    ranks = paths["quantile"].to_numpy()
    at = int(np.argmin(np.abs(ranks - 0.5))) if np.isfinite(ranks).any() else 0
    one = paths.isel(member=at, drop=True).drop_vars("quantile", errors="ignore")
    parts: dict[str, pd.DataFrame] = {}
    for long, row in _named(one):
        value = long["value"].astype(float) * float(row["factor"])
        parts[row["iamc"]] = _located(long).assign(variable=row["iamc"], unit=row["iamc_unit"], value=value)
    yield from parts.values()
    emissions = [parts[name] for name in EMISSIONS if name in parts]
    if len(emissions) == len(EMISSIONS):
        total = sum(part["value"].to_numpy() for part in emissions)
        yield emissions[0].assign(variable="Emissions|CO2", value=total)
    primary, share = parts.get("Primary Energy"), parts.get("Share|Primary Energy|Non-Fossil")
    if primary is not None and share is not None:
        nonfossil = primary["value"].to_numpy() * share["value"].to_numpy() / 100
        yield primary.assign(variable="Primary Energy|Non-Fossil", value=nonfossil)
        yield primary.assign(variable="Primary Energy|Fossil", value=primary["value"].to_numpy() - nonfossil)


EMISSIONS = ("Emissions|CO2|Energy", "Emissions|CO2|Industrial Processes")
"""What `Emissions|CO2` is the sum of, where a run keeps both."""

DERIVED = {
    "Emissions|CO2": ("Mt CO2/yr", "sum of energy and industrial processes, of the member whose path is shown"),
    "Primary Energy|Non-Fossil": ("EJ/yr", "coal equivalent of the average thermal plant"),
    "Primary Energy|Fossil": ("EJ/yr", "the rest of primary energy"),
}


def _named(data: xr.Dataset) -> Iterator[tuple[pd.DataFrame, dict[str, str]]]:
    """Long tables of the variables that have an IAMC name, each with its name, unit and factor."""
    names = outputs.table()
    for name, values in data.data_vars.items():
        extra = [dim for dim in values.dims if dim not in ("quantile", "allocation", "mix", "province", "year")]
        elements = values[extra[0]].to_numpy() if extra else [None]
        for element in elements:
            key = str(name) if element is None else f"{name}[{element}]"
            if key not in names.index or not names.loc[key, "iamc"]:
                continue
            row = {column: str(names.loc[key, column]) for column in ("iamc", "iamc_unit", "factor")}
            part = values if element is None else values.sel({extra[0]: element}, drop=True)
            yield part.rename("value").to_dataframe().reset_index(), row


def meta(run: Run) -> pd.DataFrame:
    """One row per scenario that describes its numbers: model, run, hashes, members, and the meaning of a row."""
    rows = iamc(run)[["model", "scenario"]].drop_duplicates()
    return rows.assign(
        exclude=False,
        run=run.manifest["run"],
        study_hash=run.manifest["study_hash"],
        inputs_hash=run.manifest["inputs_hash"],
        members=run.study.members,
        values="plain names: the path of the member whose national reduction is the median; "
        "percentiles and probabilities: over all members",
        nation=f"{NATION}: sum of the provinces of the run (an intensity or share: their weighted mean); "
        "its percentiles are those of the sum",
    ).reset_index(drop=True)


def _verdicts(run: Run) -> Iterator[pd.DataFrame]:
    """Target, margin and chance of every indicator in the plan's last year, and the joint chance."""
    metrics = run.metrics("achieved", "targets")
    every = joint.each(metrics).assign(year=metrics.attrs["end_year"])
    for key, rows in every.groupby("indicator", sort=False):
        table = _located(rows)
        for column, (variable, unit, factor) in verdict_names(str(key)).items():
            yield table.assign(variable=variable, unit=unit, value=table[column] * factor)
    if metrics.sizes["indicator"] > 1:
        whole = _located(joint.table(metrics).assign(year=metrics.attrs["end_year"]))
        yield whole.assign(variable=JOINT[0], unit=JOINT[1], value=whole["chance"] * JOINT[2])


def _located(table: pd.DataFrame) -> pd.DataFrame:
    """With scenario and region in place of allocation, mix and province."""
    return table.assign(
        scenario=table["allocation"] + "|" + table["mix"],
        region=np.where(table["province"] == NATION, NATION, NATION + "|" + table["province"]),
    )


REFUSED = str.maketrans({";": ",", ":": ",", '"': "'"})
"""Characters that nomenclature refuses in a description, and those that take their place."""


def code_list() -> dict[str, str]:
    """Our code list in the form that nomenclature reads: file below a `definitions` folder → YAML text."""
    from calibration import tables

    known = outputs.table()
    units = {str(row["iamc"]): (str(row["iamc_unit"]), str(row["note"])) for _, row in known.iterrows() if row["iamc"]}
    prefixes = [f"{100 * level:.1f}th Percentile|" for level in LEVELS]
    variables = [
        {prefix + name: {"description": note or name, "unit": unit}}
        for name, (unit, note) in units.items()
        for prefix in ("", *prefixes)
    ]
    verdicts = [*(name for key in indicators() for name in verdict_names(key).values()), JOINT]
    variables += [{name: {"description": note, "unit": unit}} for name, (unit, note) in DERIVED.items()]
    variables += [{name: {"description": name, "unit": unit}} for name, unit, _ in verdicts]
    for entry in (entry for item in variables for entry in item.values()):
        entry["description"] = entry["description"].translate(REFUSED)
    regions = [{NATION: [NATION, *(f"{NATION}|{name}" for name in tables.provinces())]}]
    return {
        "variable/variables.yaml": yaml.safe_dump(variables, sort_keys=False, allow_unicode=True, width=120),
        "region/regions.yaml": yaml.safe_dump(regions, sort_keys=False, allow_unicode=True, width=120),
    }


def _iamc_csv(run: Run, path: Path) -> None:
    """The table as pyam reads it, and what it means beside it in `….meta.csv`."""
    write(path, lambda part: iamc(run).to_csv(part, index=False, float_format="%.7g"))
    write(path.with_suffix(".meta.csv"), lambda part: meta(run).to_csv(part, index=False))


def _iamc_xlsx(run: Run, path: Path) -> None:
    """Wide, sheets `data` and `meta`, as the community's databases take it; every text is typed as text."""
    wide = iamc(run).pivot_table("value", list(IAMC[:5]), "year", sort=False).reset_index()
    wide.columns = [name.capitalize() if isinstance(name, str) else int(name) for name in wide.columns]

    def put(part: Path) -> None:
        with pd.ExcelWriter(part, engine="openpyxl") as book:
            wide.to_excel(book, sheet_name="data", index=False)
            meta(run).to_excel(book, sheet_name="meta", index=False)
            for cell in (cell for sheet in book.sheets.values() for row in sheet.iter_rows() for cell in row):
                if isinstance(cell.value, str):
                    cell.data_type = "s"

    write(path, put)


CF_UNITS = {"Dmnl": "1", "percentage points": "%"}
"""Units whose plain names UDUNITS would not read."""

CF_NAMES = {
    "allocation": "rule that shares out the national target",
    "mix": "policy mix",
    "province": "province; China is the sum of the 30 simulated provinces",
    "indicator": "indicator of the plan that is judged",
    "member": "member whose whole path is kept, a number of `draw`",
    "draw": "member of the ensemble",
    "plan_year": "year of the plan that the reduction is counted up to",
}
"""Coordinates without a unit."""


def cf(run: Run) -> xr.Dataset:
    """Quantiles, representative paths and target metrics in one CF-like Dataset: plain names, units, bounds of years.

    Quantities keep the model's units (coal equivalent, yuan of 2005), which UDUNITS does not know; see `long_name`.
    """
    quantiles, paths = run.quantiles().drop_attrs(deep=False), run.trajectories().drop_attrs(deep=False)
    metrics = run.metrics().drop_attrs(deep=False).rename(member="draw", year="plan_year")
    paths = paths.rename({name: f"path {name}" for name in paths.data_vars}).rename(quantile="path_quantile")
    whole = xr.merge([quantiles, paths, metrics], join="outer", compat="no_conflicts")
    for name, values in whole.data_vars.items():
        values.attrs.setdefault("long_name", str(name).replace("_", " "))
        values.attrs["units"] = CF_UNITS.get(values.attrs["units"], values.attrs["units"])
    whole = whole.rename({str(name): str(name).replace(" ", "_") for name in whole.data_vars if " " in str(name)})
    starts = [np.datetime64(f"{year}-01-01", "ns") for year in whole["year"].to_numpy()]
    ends = [np.datetime64(f"{year + 1}-01-01", "ns") for year in whole["year"].to_numpy()]
    whole = whole.assign_coords(year=starts).rename(year="time")
    whole["time_bounds"] = (("time", "bounds"), np.stack([starts, ends], axis=1))
    whole["time"].attrs = {"standard_name": "time", "long_name": "calendar year", "bounds": "time_bounds", "axis": "T"}
    whole["quantile"].attrs = {"units": "1", "long_name": "quantile over members"}
    whole["path_quantile"].attrs = {
        "units": "1",
        "long_name": "quantile of national reduction that a member stands for",
    }
    for name, text in CF_NAMES.items():
        whole[name].attrs = {"long_name": text}
    record = run.manifest
    return whole.assign_attrs(
        Conventions="CF-1.11",
        title=heading(run.study, "en"),
        source=f"tanlu {record['versions']['tanlu']}, commit {record['commit']}",
        history=f"{record['created']} {record['command']}",
        comment="Chances and quantiles are conditional on this model and ensemble; not a forecast.",
    )


def _netcdf(run: Run, path: Path) -> None:
    data = cf(run)
    since = {"units": "days since 2005-01-01", "calendar": "standard", "dtype": "int32"}
    numbers = {n: {"zlib": True} for n, v in data.variables.items() if v.ndim and np.issubdtype(v.dtype, np.floating)}
    write(path, lambda part: data.to_netcdf(part, encoding={**numbers, "time": since, "time_bounds": since}))


def _tables(run: Run) -> Iterator[tuple[str, pd.DataFrame]]:
    """Long tables: the design, metrics of every member, quantiles and paths by year, and every analysis."""
    yield "design", run.design().reset_index()
    metrics = run.metrics()
    yield "metrics", metrics.drop_dims(["year", "indicator"]).to_dataframe().reset_index()
    yield "metrics_achieved", metrics[[*outputs.BY_INDICATOR, "targets"]].to_dataframe().reset_index()
    yield "metrics_yearly_reduction", metrics["yearly_reduction"].rename("value").to_dataframe().reset_index()
    for kind, name, values in _by_year(run):
        yield _file(kind, name), values.rename("value").to_dataframe().reset_index()
    yield from run.tables.items()


def _by_year(run: Run) -> Iterator[tuple[str, str, xr.DataArray]]:
    for kind, data in (("quantiles", run.quantiles()), ("trajectories", run.trajectories())):
        for name, values in data.data_vars.items():
            yield kind, str(name), values


def _file(kind: str, name: str) -> str:
    return f"{kind}_{name.replace(' ', '_')}"


def _units(run: Run) -> dict[str, dict[str, str]]:
    """Table → column → unit, of the tables that `_tables` makes from Datasets and of the design."""
    from models.parameters import parameters

    known, metrics = parameters()["unit"], run.metrics()
    columns = [str(name) for name in run.design().columns]
    return {
        "design": {name: str(known[key]) for name in columns if (key := name.partition("[")[0]) in known.index},
        "metrics": {
            str(name): values.attrs["units"] for name, values in metrics.drop_dims(["year", "indicator"]).items()
        },
        "metrics_achieved": {
            name: metrics[name].attrs["units"] for name in ("achieved", "modelled_achieved", "targets")
        },
        "metrics_yearly_reduction": {"value": metrics["yearly_reduction"].attrs["units"]},
        **{_file(kind, name): {"value": values.attrs["units"]} for kind, name, values in _by_year(run)},
    }


def _folder(write_one: Callable[[pd.DataFrame, Path], Any], ending: str) -> Callable[[Run, Path], None]:
    def put(run: Run, folder: Path) -> None:
        folder.mkdir(parents=True)
        for name, table in _tables(run):
            write(folder / f"{name}.{ending}", lambda part, table=table: write_one(table, part))  # type: ignore[misc]
        known = {name: columns.described(name, map(str, table)) for name, table in run.tables.items()}
        described = {
            "run": run.name,
            "study": run.study.model_dump(),
            "units": _units(run),
            "columns": {name: found for name, found in known.items() if found},
            "manifest": run.manifest,
        }
        write_text(folder / "about.json", json.dumps(described, indent=2, ensure_ascii=False) + "\n")

    return put


FORMATS: Mapping[str, tuple[Callable[[Run, Path], None], str]] = {
    "iamc-csv": (_iamc_csv, ".iamc.csv"),
    "iamc-xlsx": (_iamc_xlsx, ".iamc.xlsx"),
    "netcdf": (_netcdf, ".nc"),
    "parquet": (_folder(lambda table, path: table.to_parquet(path, index=False), "parquet"), "-parquet"),
    "csv": (_folder(lambda table, path: table.to_csv(path, index=False), "csv"), "-csv"),
}
"""Format → (writer of a run to a path, ending of the path)."""


def member_model(run: Run, member: int, allocation: str = "", mix: str = "", path: Path | None = None) -> Path:
    """A folder with the model file of one member, its constants written in, and the run's outputs of that member.

    The model runs alone in Vensim and PySD. Files: province.mdl, expected.csv (the study's outputs of this member
    without predictive error), run.py (PySD against expected.csv). Raises InputError for a member or scenario that is
    not there.
    """
    from experiments import installation
    from experiments.policy import resolve_delivery
    from models.bake import baked

    study = run.study
    allocation, mix = study.scenario(allocation, mix)
    if not 0 <= member < study.members:
        raise InputError(f"member {member}: members are numbered 0 to {study.members - 1}")
    folder = path or Path(f"{run.name}-member-{member}")
    if folder.exists():
        raise InputError(f"{folder} exists; remove it or give another path with --out")
    one = run.design().iloc[[member]]
    params = ScenarioInputs(**run.inputs()).params(allocation, mix, study.target.plan)
    table, common = resolve_delivery(one, params)
    values = installation.values_of(table, common)
    last = study.outputs.last_year
    years = list(range(FIRST_YEAR, last + 1))
    found = installation.ProvinceModel()(one, params, study.outputs.variables, years).isel(member=0, drop=True)
    expected = pd.concat([_wide(str(name), series) for name, series in found.data_vars.items()], axis=1)
    folder.mkdir(parents=True)
    write_text(folder / "province.mdl", baked({**values, "FINAL TIME": xr.DataArray(float(last))}))
    write(folder / "expected.csv", expected.to_csv)
    write_text(folder / "run.py", SCRIPT)
    return folder


def _wide(name: str, series: xr.DataArray) -> pd.DataFrame:
    """One column per element, one row per year."""
    dims = [dim for dim in series.dims if dim != "year"]
    rows = series.transpose("year", *dims)
    labels = [",".join(map(str, key)) for key in _keys(rows, dims)]
    table = pd.DataFrame(rows.to_numpy().reshape(rows.sizes["year"], -1), columns=[f"{name}[{key}]" for key in labels])
    return table.set_index(pd.Index(rows["year"].to_numpy().astype(float), name="time"))


def _keys(rows: xr.DataArray, dims: Sequence[Any]) -> Iterator[tuple[str, ...]]:
    for index in np.ndindex(*(rows.sizes[dim] for dim in dims)):
        yield tuple(str(rows[dim].to_numpy()[i]) for dim, i in zip(dims, index, strict=True))


SCRIPT = '''"""Run this member's model with PySD and compare with what the run found (needs `pip install pysd`)."""

import pandas as pd
import pysd

expected = pd.read_csv("expected.csv", index_col="time")
names = list(dict.fromkeys(column.partition("[")[0] for column in expected))
found = pysd.read_vensim("province.mdl").run(return_columns=names, return_timestamps=list(expected.index))
found.columns = [column.replace(", ", ",") for column in found.columns]
difference = ((found[expected.columns] - expected).abs().max() / expected.abs().max().clip(lower=1e-12)).max()
print(f"largest relative difference: {difference:.1e}")
raise SystemExit(int(difference > 1e-6))
'''


if __name__ == "__main__":
    for name, text in code_list().items():
        path = DEFINITIONS / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
