"""The group's sheets beside the results of a run: tables for the report's annex, and sheets of results.

experts      who took part
baseline     own figures beside the published ones and the model's, and their effect on the chance
account      modelled CO2, and other gases, forests and waste as entered, named as not modelled
goals        every goal with its source and its chance under the group's mix
screening    merged scores
designs      the option sheets, with what each option saves and costs
barriers     barriers and remedies
monitoring   measured years against their own paths, verdicts: the years before and after
comments     comments with their answers, or open
log          who changed which cell, when, why
"""

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from experiments.installation import Installation
from experiments.runs.store import Run
from experiments.toolkit import evidence, review, sheets
from experiments.toolkit.checking import check, read_all
from experiments.toolkit.evidence import Finals, Scenario, TooFewError
from experiments.toolkit.sheets import Folder
from experiments.toolkit.study_files import indicator_of
from models.reading.faults import InputError

PREFIX = "process_"
"""Beginning of the names of the process's tables in a run."""
RESULTS = (
    "goals",
    "indicators",
    "joint",
    "costs",
    "cost_curve",
    "contributions",
    "wedge",
    "overlap",
    "triple_win",
    "lmdi",
    "indirect",
    "health",
    "feasibility",
    "barometer",
)
OUTPUT_OF = {
    "gdp": "gdp",
    "population": "population",
    "urban_share": "urban share",
    "secondary_share": "secondary share",
    "energy_total": "total energy",
    "energy_intensity": "reported energy intensity",
    "co2_energy": "energy co2",
    "nonfossil_share_of_generation": "nonfossil share",
    "floor_area": "building stock",
    "cars": "cars",
}
"""Quantity of the baseline → the model's output of it."""
DEFAULT_ERROR = 0.05
"""Relative error of an own figure for which none is entered (assumption; 0.02 to 0.1)."""
MODEL_UNIT = {"floor_area": 1e-3, "population": 1.0, "cars": 1.0}
"""Factor from the sheet's unit to the model's where they differ."""


def tables(folder: str | Path, run: Run, system: Installation, mix: str = "") -> dict[str, pd.DataFrame]:
    """The tables of the process, by name, without sheets that nobody filled in.

    Args:
        folder: a working folder.
        run: a run of its study.
        system: the installation that simulates the members again, for own baseline figures.
        mix: the scenario's mix; default: the group's own.

    Raises:
        InputError, RuleError: faults of the sheets; a run of another province, or without the mix.
    """
    check(folder)
    work = Folder.open(folder)
    at = evidence.scenario(run, work.settings.province, mix)
    rows = read_all(work, [])
    found = {
        "experts": rows["1-experts.csv"],
        "baseline": baseline(rows["2-baseline.csv"], run, system, at),
        "account": account(rows["2-other-emissions.csv"], run, system, at),
        "goals": goals(work, rows["3-goals.csv"], run, at),
        "screening": _screening(work, rows["4-options.csv"]),
        "designs": designs(rows["designs"], run, at),
        "barriers": _barriers(rows["8-feasibility.csv"]),
        **{name: _made(work, f"{file}.csv") for name, file in {"monitoring": "paths", "verdicts": "verdicts"}.items()},
        "comments": review.comments(rows["comments.csv"]),
        "log": review.log(work),
    }
    return {name: table for name, table in found.items() if len(table)}


def results(folder: str | Path, run: Run, system: Installation, mix: str = "") -> list[str]:
    """Bring a run's tables for the province into 7-results as sheets, and the tables of the process into the run.

    Args:
        folder: working folder of the toolkit.
        run: a run of the same province.
        system: the model and data of this machine.
        mix: name of the mix; default: the study's.

    Returns:
        Names of the sheets and tables written.

    Raises:
        InputError: the run belongs to another province or has no tables.
    """
    work = Folder.open(folder)
    asked, place = run.study.policy, work.settings.province
    if asked is None or asked.province != place:
        whose = asked.province if asked else "no province"
        raise InputError(f"{run.name} was analysed for {whose}, this folder is about {place}")
    written = []
    for name in RESULTS:
        if name in run.tables:
            table = run.table(name)
            own = table[table["province"] == place] if "province" in table else table
            sheets.write(work.sheet(f"7-results/{name}.csv"), own)
            written.append(name)
    if not written:
        raise InputError(f"{run.name} has none of the tables {', '.join(RESULTS)}")
    for name, table in tables(folder, run, system, mix).items():
        sheets.write(work.sheet(f"7-results/{PREFIX}{name}.csv"), table)
        run.save_table(f"{PREFIX}{name}", table.astype({c: str for c in table if table[c].dtype == object}))
        written.append(f"{PREFIX}{name}")
    return written


def baseline(rows: pd.DataFrame, run: Run, system: Installation, at: Scenario) -> pd.DataFrame:
    """Own figures beside the published ones and the model's, and the chance that they lead to.

    Columns: quantity, year, unit, published, published error, vintage, own, own error, own source, modelled (median),
    low, high, apart ("yes" where own and modelled differ by more than two errors together), chance before, chance after
    (of all targets, by all own figures at once; the same in every row), effective members. Empty without own figures.
    """
    own = rows.dropna(subset="own value").reset_index(drop=True)
    if own.empty:
        return own
    error = own["relative error"].fillna(DEFAULT_ERROR).replace(0.0, DEFAULT_ERROR)
    table = pd.DataFrame(
        {
            "quantity": own["quantity"],
            "year": own["year"].astype(int),
            "unit": own["unit"],
            "published": own["value"],
            "error": error,
            "vintage": own["vintage"],
            "own": own["own value"],
            "own source": own["own source"],
        }
    )
    known = table["quantity"].isin(OUTPUT_OF).to_numpy()
    spread = np.full((len(table), 3), np.nan)
    chances: dict[str, float] = {"chance before": np.nan, "chance after": np.nan, "effective members": np.nan}
    if known.any():
        outputs = [OUTPUT_OF[name] for name in table["quantity"][known]]
        years = sorted({*table["year"][known], run.study.target.period.base_year})
        paths = evidence.paths(run, system, at, outputs, years)
        scale = table["quantity"].map(MODEL_UNIT).fillna(1.0)
        places = zip(table["quantity"][known], table["year"][known], scale[known], strict=True)
        modelled = np.stack([paths[OUTPUT_OF[name]].sel(year=year).to_numpy() / unit for name, year, unit in places], 1)
        spread[known] = np.nanquantile(modelled, (0.1, 0.5, 0.9), axis=0).T
        chances = _given(modelled, table[known], Finals.of(run, at))
    table["modelled"], table["low"], table["high"] = spread[:, 1], spread[:, 0], spread[:, 2]
    sigma = np.hypot((table["high"] - table["low"]) / 2.563, table["error"] * table["own"])
    far = (table["own"] - table["modelled"]).abs() > 2 * sigma
    table["apart"] = np.where(~known, "not modelled", np.where(far, "yes", "no"))
    return table.assign(**chances)


def _given(modelled: np.ndarray, rows: pd.DataFrame, finals: Finals) -> dict[str, float]:
    """The chance before and after own figures, members weighed by their agreement (normal in the logarithm)."""
    before = finals.chance(finals.equal)
    logs = np.log(np.clip(modelled, 1e-12, None))
    own, error = rows["own"].to_numpy(float), rows["error"].to_numpy(float)
    try:
        weights, factor = evidence.agreeing(logs, np.log(np.clip(own, 1e-12, None)), error)
    except TooFewError as few:
        return {"chance before": before, "chance after": np.nan, "effective members": few.effective}
    after = {"chance after": finals.chance(weights), "effective members": evidence.effective(weights)}
    return {"chance before": before, **after, "errors widened by": factor}


MODELLED: Mapping[str, Callable[[xr.Dataset], xr.DataArray]] = {
    "CO2 of energy, without non-energy use of fuels": lambda found: found["total co2"] - found["process co2"],
    "process CO2 of cement": lambda found: found["process co2"],
}


def account(entered: pd.DataFrame, run: Run, system: Installation, at: Scenario) -> pd.DataFrame:
    """Modelled CO2 in the plan's base and last year, and the entered items, which are added and named as not modelled.

    Columns: item, year, unit, value, low, high, how (modelled, entered and not modelled, sum), source, not entered. An
    item counts in the years for which it is entered, and in no other: the sum names in `not entered` what it lacks.
    """
    if entered.empty:
        return entered
    years = sorted({*run.study.target.period.span})
    found = evidence.paths(run, system, at, ["total co2", "process co2"], years)
    rows = []
    for year in years:
        parts = [(name, value(found).sel(year=year).to_numpy()) for name, value in MODELLED.items()]
        for name, values in parts:
            low, middle, high = (float(v) for v in np.nanquantile(values, (0.1, 0.5, 0.9)))
            head = {"item": name, "year": year, "value": middle, "low": low, "high": high}
            rows.append({**head, "how": "modelled", "source": f"run {run.name}, mix {at.mix}"})
        own = entered[entered["year"] == year]
        for one in own.to_dict("records"):
            number = float(one["value"])
            head = {"item": one["item"], "year": year, "value": number, "low": number, "high": number}
            rows.append({**head, "how": "entered, not modelled", "source": one["source"]})
        whole = sum(values for _, values in parts) + float(own["value"].sum())
        low, middle, high = (float(v) for v in np.nanquantile(whole, (0.1, 0.5, 0.9)))
        missing = [item for item in dict.fromkeys(entered["item"]) if item not in set(own["item"])]
        head = {"item": "sum", "year": year, "value": middle, "low": low, "high": high}
        rows.append({**head, "how": "sum", "source": "", "not entered": "; ".join(missing)})
    others = entered[~entered["year"].isin(years)].to_dict("records")
    for one in others:
        number = float(one["value"])
        head = {"item": one["item"], "year": int(one["year"]), "value": number, "low": number, "high": number}
        rows.append({**head, "how": "entered, not in a sum", "source": one["source"]})
    table = pd.DataFrame(rows).fillna({"not entered": ""})
    table.insert(2, "unit", "MtCO2e/yr")
    return table


def goals(work: Folder, rows: pd.DataFrame, run: Run, at: Scenario) -> pd.DataFrame:
    """Every goal with its source and its chance in the run under the group's mix.

    Columns: goal, from, to, value, unit, source, achieved, low, high (per cent), chance. Goals without a value are
    listed as not set; the numbers are empty where the run does not judge a goal.
    """
    table = rows.copy()
    judged = run.table("goals") if "goals" in run.tables else pd.DataFrame()
    columns = {"achieved": "median", "low": "low", "high": "high", "chance": "chance"}
    numbers = np.full((len(table), len(columns)), np.nan)
    for i, row in enumerate(table.to_dict("records")):
        if judged.empty or "indicator" not in judged:
            continue
        key = indicator_of(work, row["goal"])
        own = judged[(judged["mix"] == at.mix) & (judged["indicator"] == key) & (judged["year"] == row["to"])]
        if len(own) and np.isfinite(row["value"]):
            numbers[i] = own[list(columns.values())].to_numpy(float)[0]
    for i, name in enumerate(columns):
        table[name] = numbers[:, i]
    table["source"] = np.where(table["value"].isna(), "not set", table["source"])
    return table.astype({"from": int, "to": int})


def _screening(work: Folder, options: pd.DataFrame) -> pd.DataFrame:
    """The merged scores; options that were screened out are named."""
    merged = _made(work, "5-screening/merged.csv")
    out = options.loc[options["screen"] == "no", "option"]
    whole = pd.concat([merged, pd.DataFrame({"option": out, "proposed": "screened out"})], ignore_index=True)
    for column in ("title", "title_zh") if len(whole) else ():
        whole[column] = [getattr(work.catalogue[str(option)], column) for option in whole["option"]]
    return whole


def designs(sheets_: dict[str, sheets.Design], run: Run, at: Scenario) -> pd.DataFrame:
    """The option sheets, one row per field: option, field, text; results of the run stand among them."""
    costs = run.table("costs") if "costs" in run.tables else pd.DataFrame()
    known = {
        "energy saved Mtce": "energy saved in the plan's last year, Mtce",
        "co2 avoided Mt": "CO2 avoided in the plan's last year, Mt",
        "npv Gyuan": "net present cost, billion yuan",
        "yuan per tCO2": "yuan per tonne of CO2",
    }
    found = []
    for name, sheet in sheets_.items():
        for field, value in sheet.model_dump().items():
            text = "; ".join(map(str, value)) if isinstance(value, list) else "" if value is None else str(value)
            if text and field != "option":
                found.append({"option": name, "field": field.replace("_", " "), "text": text})
        own = costs[(costs["option"] == name) & (costs["province"] == at.province)] if len(costs) else costs
        for column, words in known.items():
            if len(own) and column in own and np.isfinite(float(own[column].iloc[0])):
                found.append({"option": name, "field": words, "text": f"{float(own[column].iloc[0]):.4g}"})
    return pd.DataFrame(found)


def _barriers(rows: pd.DataFrame) -> pd.DataFrame:
    """Barriers that somebody rated, or that have a remedy, somebody in charge or another state than proposed."""
    worked = rows["severity"].notna() | (rows["remedy"] != "") | (rows["who"] != "") | (rows["status"] != "proposed")
    return rows[worked].sort_values("severity", ascending=False, kind="stable").reset_index(drop=True)


def _made(work: Folder, name: str) -> pd.DataFrame:
    """A table that the tool made, or nothing."""
    path = work.sheet(name)
    return pd.read_csv(path, encoding=sheets.ENCODING) if path.is_file() else pd.DataFrame()
