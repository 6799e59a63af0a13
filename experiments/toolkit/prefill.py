"""A new working folder, prefilled with measured figures, official goals and the options of the plan."""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from calibration import region, tables
from calibration.places import NATION, active_region, choose_province, simulated
from experiments.allocation import shipped
from experiments.toolkit import sheets
from experiments.toolkit.sheets import Folder, Settings
from models.plans import Plan
from models.reading.faults import InputError
from models.reading.names import choose
from models.reading.yaml_file import dump_yaml
from models.writing import write_text

PILOT = "Chongqing"
YEARS = 6
"""Number of the latest measured years that are shown."""
QUANTITIES = (
    "gdp",
    "population",
    "urban_share",
    "secondary_share",
    "tertiary_share",
    "energy_total",
    "energy_intensity",
    "co2_energy",
    "nonfossil_share",
    "floor_area",
    "cars",
)
QUANTITY_NAMES = {"nonfossil_share": "nonfossil_share_of_generation"}
"""Name in the data → name in the sheet where the data's own is also that of another quantity: the goal's share is one
of total energy."""
CRITERIA = {"reduction": 0.30, "cost": 0.25, "feasibility": 0.25, "added benefits": 0.10, "fairness": 0.10}
FROM_PACK, NOT_IN_PACK = "region pack", "not in the region pack: pooled or modelled"
PUBLISHED = {
    "energy intensity": "energy_intensity_reduction",
    "co2 intensity": "co2_intensity_reduction",
    "gdp growth": "gdp_growth_annual",
    "non-fossil share of energy": "nonfossil_share",
}
"""Goal → its name in the table of provincial targets."""


def init(province: str = "", folder: Path | None = None, reviewers: int = 3, plan: str = "") -> Folder:
    """Make the working folder of a province, prefilled from measured data, official goals and the plan's options.

    Args:
        province: its name, in English or Chinese; default: the pilot's, in a region pack the first place.
        folder: where; default: toolkit-<province>.
        reviewers: how many score the options.
        plan: p15 (2025-2030, whose base year is a nowcast) or p12 (2010-2015). Default: p15; in a region pack p12,
            because a pack has figures of 2005 and 2010.

    Returns:
        the folder.

    Raises:
        InputError: an unknown province or plan, a region pack with another plan than p12, or a folder that exists
            (nothing is ever overwritten).
    """
    pack, known = active_region(), [name for name in simulated() if name != NATION]
    province = choose_province(province or (known[0] if pack else PILOT), known)
    plan = choose(plan or ("p12" if pack else "p15"), sheets.plans_served(), "plan with options")
    if pack and plan != "p12":
        raise InputError(f"got plan {plan}, allowed in a region pack: p12, because a pack has figures of 2005 and 2010")
    path = folder or Path(f"toolkit-{province.lower().replace(' ', '-')}")
    if path.exists():
        raise InputError(f"{path} exists; choose another folder with --folder (nothing is overwritten)")
    named = [f"reviewer-{i + 1}" for i in range(reviewers)]
    region = os.path.relpath(pack, path) if pack else ""
    rules = Settings(province=province, plan=plan, reviewers=named, criteria=CRITERIA, region=region)
    made = Folder(path)
    for sub in ("5-screening", "6-design", "7-results"):
        (path / sub).mkdir(parents=True)
    write_text(made.settings_file, dump_yaml(rules.model_dump()))
    for name, table in _sheets(made).items():
        sheets.write(made.sheet(name), table)
    return made


def _sheets(work: Folder) -> dict[str, pd.DataFrame]:
    rules, province = work.settings, work.settings.province
    scores = {f"5-screening/{reviewer}.csv": _scores(work) for reviewer in rules.reviewers}
    return {
        "1-experts.csv": _blank(sheets.EXPERTS),
        "2-baseline.csv": _baseline(province, work.plan),
        "2-other-emissions.csv": _blank(sheets.OTHER),
        "3-goals.csv": _goals(province, work.plan),
        "4-options.csv": _long_list(work),
        **scores,
        "8-feasibility.csv": _barriers(work),
        "9-monitoring.csv": _blank(sheets.MONITORING),
        "comments.csv": _blank(sheets.COMMENTS),
    }


def _blank(columns: tuple[sheets.Column, ...]) -> pd.DataFrame:
    return pd.DataFrame(columns=[column.name for column in columns])


def _baseline(province: str, plan: Plan) -> pd.DataFrame:
    """The latest measured years up to the plan's base year, and that year's own row where it is not measured."""
    data = shipped.baseline().sel(province=province)
    rows = []
    for name in QUANTITIES:
        head = {"quantity": QUANTITY_NAMES.get(name, name), "unit": data[name].attrs["units"]}
        series = data[name].sel(year=slice(None, plan.base_year)).dropna("year")
        for year in map(int, series["year"].to_numpy()[-YEARS:]):
            sigma = float(data[f"{name}_sigma"].sel(year=year))
            known = {"value": float(f"{float(series.sel(year=year)):.6g}"), "relative error": float(f"{sigma:.3g}")}
            vintage = FROM_PACK if active_region() else str(data[f"{name}_vintage"].sel(year=year).item())
            rows.append({**head, "year": year, **known, "vintage": vintage})
        rows += [{**head, **row} for row in _since(name, province, series, plan.base_year)]
        if plan.base_year not in {row["year"] for row in rows if row["quantity"] == head["quantity"]}:
            missing = NOT_IN_PACK if active_region() else "not measured: nowcast"
            rows.append({**head, "year": plan.base_year, "vintage": missing})
    return pd.DataFrame(rows, columns=[column.name for column in sheets.BASELINE])


def _since(name: str, province: str, series: xr.DataArray, base_year: int) -> list[dict[str, object]]:
    """Figures after the last measured one: GDP chained by published growth, published population."""
    if name == "gdp":
        table = tables.read("growth_after_2015").query("variable == 'gdp_growth' and province == @province")
        growth = table.drop_duplicates("year").set_index("year")["value"]
        year, value, rows = int(series["year"][-1]), float(series[-1]), []
        while year + 1 in growth.index and year < base_year:
            year += 1
            value *= 1 + float(growth[year]) / 100
            error = GROWTH_ERROR * np.sqrt(year - int(series["year"][-1]))
            known = {"value": float(f"{value:.6g}"), "relative error": float(f"{error:.3g}")}
            rows.append({"year": year, **known, "vintage": "chained growth"})
        return rows[-YEARS:]
    if name == "population":
        table = tables.read("activity_after_2015").query("variable == 'population' and province == @province")
        own = table[(table["year"] > int(series["year"][-1])) & (table["year"] <= base_year)]
        figures = own.drop_duplicates("year").sort_values("year")[["year", "value", "vintage"]].to_dict("records")
        return [
            {"year": int(row["year"]), "value": row["value"] / 100, "relative error": 0.01, "vintage": row["vintage"]}
            for row in figures[-YEARS:]
        ]
    return []


GROWTH_ERROR = 0.01
"""Relative error of a published yearly growth factor (as `progress.STATISTICS`)."""


def _goals(province: str, plan: Plan) -> pd.DataFrame:
    """Official targets of the plan where they are known, blank rows where they are not: unknown stays unknown.

    In a region pack the pack's own target of energy intensity.
    """
    targets, pack = tables.read("targets"), region.active()
    if pack is not None:
        targets = _pack_targets(pack, plan)
    rows = []
    for goal, unit in sheets.GOALS_KNOWN.items():
        own = (targets.province == province) & (targets.plan == plan.name) & (targets.variable == PUBLISHED[goal])
        match = targets[own].dropna(subset="value")
        value, source = "", "not known; to be set by the group"
        if len(match):
            flag = "from memory, not read" if match["flag"].iloc[0] == "recalled" else match["source_id"].iloc[0]
            value, source = match["value"].iloc[0], f"{plan.name}, {flag}"
        span = {"from": plan.base_year, "to": plan.last_year}
        rows.append({"goal": goal, **span, "value": value, "unit": unit, "source": source})
    return pd.DataFrame(rows)


def _pack_targets(pack: region.Pack, plan: Plan) -> pd.DataFrame:
    """A region pack's targets in the form of the table of provincial targets."""
    own = pack.targets_of(plan.key)
    head = {"plan": plan.name, "variable": PUBLISHED["energy intensity"], "flag": "", "source_id": "targets.csv"}
    rows = [{"province": place, "value": value, **head} for place, value in own.items()]
    return pd.DataFrame(rows, columns=["province", "value", *head])


def _long_list(work: Folder) -> pd.DataFrame:
    rows = [
        {"option": o.id, "title (note)": f"{o.title} / {o.title_zh}", "package (note)": o.package, "screen": "yes"}
        for o in work.catalogue.options.values()
    ]
    return pd.DataFrame(rows, columns=[column.name for column in sheets.options_columns([])])


def _scores(work: Folder) -> pd.DataFrame:
    rows = [
        {"option": o.id, "title (note)": f"{o.title} / {o.title_zh}", **dict.fromkeys(work.settings.criteria, "")}
        for o in work.catalogue.options.values()
    ]
    return pd.DataFrame(rows).assign(remark="")


def _barriers(work: Folder) -> pd.DataFrame:
    rows = [{"option": o.id, "barrier": o.feasibility, "status": "proposed"} for o in work.catalogue.options.values()]
    return pd.DataFrame(rows, columns=[column.name for column in sheets.FEASIBILITY]).replace(np.nan, "")
