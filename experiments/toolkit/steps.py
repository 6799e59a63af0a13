"""The steps of the process: make a folder, check it, merge what people filled in, bring results in."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from calibration import baseline, tables
from calibration.places import choose_province, known_provinces
from experiments.policy.catalogue import catalogue
from experiments.runs.store import Run
from experiments.toolkit import sheets
from experiments.toolkit.sheets import BASE_YEAR, Design, Folder, Settings
from models.reading.faults import InputError, RuleError
from models.reading.names import refusal
from models.reading.yaml_file import dump_yaml

HISTORY = range(2005, 2011)
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
CRITERIA = {"reduction": 0.30, "cost": 0.25, "feasibility": 0.25, "added benefits": 0.10, "fairness": 0.10}
RESULTS = (
    "goals",
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


def init(province: str, folder: Path | None = None, reviewers: int = 3) -> Folder:
    """Make the working folder of a province, prefilled from measured data, official goals and the catalogue.

    Raises InputError for an unknown province or when the folder exists (nothing is ever overwritten).
    """
    province = choose_province(province, tables.provinces())
    path = folder or Path(f"toolkit-{province.lower().replace(' ', '-')}")
    if path.exists():
        raise InputError(f"{path} exists; choose another folder with --folder (nothing is overwritten)")
    rules = Settings(province=province, reviewers=[f"reviewer-{i + 1}" for i in range(reviewers)], criteria=CRITERIA)
    made = Folder(path)
    for sub in ("5-screening", "6-design", "7-results"):
        (path / sub).mkdir(parents=True)
    made.settings_file.write_text(dump_yaml(rules.model_dump()), "utf-8")
    sheets.write(made.sheet("1-experts.csv"), _blank(sheets.EXPERTS))
    sheets.write(made.sheet("2-baseline.csv"), _baseline(province))
    sheets.write(made.sheet("3-goals.csv"), _goals(province))
    sheets.write(made.sheet("4-options.csv"), _long_list())
    for reviewer in rules.reviewers:
        sheets.write(path / "5-screening" / f"{reviewer}.csv", _scores(list(rules.criteria)))
    sheets.write(made.sheet("8-feasibility.csv"), _barriers())
    sheets.write(made.sheet("9-monitoring.csv"), _blank(sheets.MONITORING))
    return made


def _blank(columns: tuple[sheets.Column, ...]) -> pd.DataFrame:
    return pd.DataFrame(columns=[column.name for column in columns])


def _baseline(province: str) -> pd.DataFrame:
    data = baseline.load().sel(province=province)
    rows = []
    for name in QUANTITIES:
        for year in HISTORY:
            value = float(data[name].sel(year=year))
            if np.isfinite(value):
                sigma, vintage = (
                    float(data[f"{name}_sigma"].sel(year=year)),
                    str(data[f"{name}_vintage"].sel(year=year).item()),
                )
                row = {
                    "quantity": name,
                    "year": year,
                    "value": float(f"{value:.6g}"),
                    "unit": data[name].attrs["units"],
                }
                rows.append({**row, "relative error": float(f"{sigma:.3g}"), "vintage": vintage})
    return pd.DataFrame(rows, columns=[column.name for column in sheets.BASELINE])


def _goals(province: str) -> pd.DataFrame:
    """Official targets where they are known, blank rows where they are not: unknown stays unknown."""
    targets = tables.read("targets")
    kinds = {
        "energy intensity": ("energy_intensity_reduction", "% reduction"),
        "co2 intensity": ("co2_intensity_reduction", "% reduction"),
        "gdp growth": ("gdp_growth_annual", "%/yr"),
    }
    rows = []
    for plan in sheets.plans_served():
        for goal, (variable, unit) in kinds.items():
            match = targets[
                (targets.province == province) & (targets.plan == plan.name) & (targets.variable == variable)
            ]
            value, source = ("", "not known; to be set by the group")
            if len(match):
                value, source = (match["value"].iloc[0], f"{plan.name}, {match['source_id'].iloc[0]}")
            rows.append(
                {
                    "goal": goal,
                    "from": plan.base_year,
                    "to": plan.last_year,
                    "value": value,
                    "unit": unit,
                    "source": source,
                }
            )
    return pd.DataFrame(rows)


def _long_list() -> pd.DataFrame:
    rows = [
        {"option": o.id, "title": f"{o.title} / {o.title_zh}", "package": o.package, "screen": "yes", "remark": ""}
        for o in catalogue().options.values()
    ]
    return pd.DataFrame(rows)


def _scores(criteria: list[str]) -> pd.DataFrame:
    rows = [
        {"option": o.id, "title": f"{o.title} / {o.title_zh}", **dict.fromkeys(criteria, ""), "remark": ""}
        for o in catalogue().options.values()
    ]
    return pd.DataFrame(rows)


def _barriers() -> pd.DataFrame:
    rows = [{"option": o.id, "barrier": o.feasibility, "status": "proposed"} for o in catalogue().options.values()]
    return pd.DataFrame(rows, columns=[column.name for column in sheets.FEASIBILITY])


def check(folder: str | Path) -> pd.DataFrame:
    """How far each step is. InputError for what cannot be read, RuleError for what breaks a rule, each all at once."""
    work = Folder.open(folder)
    faults: list[str] = []
    rows = _read_all(work, faults)
    if faults:
        raise InputError(faults)
    broken = list(_rules(work, rows))
    if broken:
        raise RuleError(broken)
    return _progress(work, rows)


def _read_all(work: Folder, faults: list[str]) -> dict[str, Any]:
    known, criteria = list(catalogue().options), _criteria(work, faults)
    found: dict[str, Any] = {
        "1-experts.csv": sheets.read(work.sheet("1-experts.csv"), sheets.EXPERTS, faults, "name"),
        "2-baseline.csv": sheets.read(work.sheet("2-baseline.csv"), sheets.BASELINE, faults),
        "3-goals.csv": sheets.read(work.sheet("3-goals.csv"), sheets.GOALS, faults),
        "4-options.csv": sheets.read(work.sheet("4-options.csv"), sheets.options_columns(known), faults, "option"),
        "8-feasibility.csv": sheets.read(work.sheet("8-feasibility.csv"), sheets.FEASIBILITY, faults),
        "9-monitoring.csv": sheets.read(work.sheet("9-monitoring.csv"), sheets.MONITORING, faults),
    }
    columns = sheets.screening_columns(known, criteria)
    screening = work.screening if criteria else []
    found["screening"] = {path.stem: sheets.read(path, columns, faults, "option") for path in screening}
    found["designs"] = {path.stem: sheets.model_of(path, Design, faults) for path in work.designs}
    return found


def _criteria(work: Folder, faults: list[str]) -> list[str]:
    """The criteria; none when toolkit.yaml itself has faults, which are told with those of the other sheets."""
    try:
        settings = work.settings
    except InputError as error:
        faults += error.faults
        return []
    if settings.province not in (known := tables.provinces()):
        faults.append(f"toolkit.yaml: {refusal(settings.province, known_provinces(known), 'province')}")
    return list(settings.criteria)


def _rules(work: Folder, rows: dict[str, Any]) -> list[str]:
    """What is readable but cannot be right."""
    broken = []
    for reviewer in rows["screening"]:
        if reviewer not in work.settings.reviewers:
            broken.append(f"5-screening/{reviewer}.csv: {refusal(reviewer, work.settings.reviewers, 'reviewer')}")
    known = list(catalogue().options)
    for name, design in rows["designs"].items():
        if design.option not in known:
            broken.append(f"6-design/{name}.yaml: {refusal(design.option, known, 'option')}")
        elif design.option != name:
            broken.append(f"6-design/{name}.yaml: is the sheet of {design.option}; name it {design.option}.yaml")
    for option in set(rows["8-feasibility.csv"]["option"]) - set(known):
        broken.append(f"8-feasibility.csv: {refusal(option, known, 'option')}")
    own = rows["2-baseline.csv"].dropna(subset=["own value", "value"])
    for row in own.to_dict("records"):
        if not row["own source"]:
            broken.append(f"2-baseline.csv: {row['quantity']} {row['year']:.0f}: an own value needs its source")
    goals = rows["3-goals.csv"]
    for row in goals[goals["from"] >= goals["to"]].to_dict("records"):
        broken.append(f"3-goals.csv: {row['goal']}: from {row['from']:.0f} to {row['to']:.0f} is no period")
    years = rows["9-monitoring.csv"].groupby("quantity")["year"]
    for quantity, given in years:
        first, wanted = sorted(given), [BASE_YEAR + 1 + i for i in range(len(given))]
        if first != wanted:
            broken.append(f"9-monitoring.csv: {quantity}: years must follow each other from {wanted[0]}, got {first}")
    return broken


def _progress(work: Folder, rows: dict[str, Any]) -> pd.DataFrame:
    own, goals = rows["2-baseline.csv"], rows["3-goals.csv"]
    apart = own[(own["own value"] / own["value"] - 1).abs() > 2 * own["relative error"]]
    scored = sum(int(t[list(work.settings.criteria)].notna().any(axis=1).sum()) for t in rows["screening"].values())
    designs = [d.status for d in rows["designs"].values()]
    state = [
        ("1 experts", f"{len(rows['1-experts.csv'])} named"),
        (
            "2 baseline",
            f"{len(own)} figures, {own['own value'].notna().sum()} own, {len(apart)} apart by more than two errors",
        ),
        ("3 goals", f"{goals['value'].notna().sum()} of {len(goals)} set"),
        ("4 options", f"{(rows['4-options.csv']['screen'] == 'yes').sum()} of {len(rows['4-options.csv'])} screened"),
        ("5 screening", f"{scored} rows scored by {len(rows['screening'])} reviewers"),
        ("6 design", f"{len(designs)} sheets, {sum(s in ('agreed', 'approved') for s in designs)} agreed or approved"),
        ("7 results", f"{len(list(work.sheet('7-results').glob('*.csv')))} tables"),
        ("8 feasibility", f"{rows['8-feasibility.csv']['severity'].notna().sum()} barriers rated"),
        ("9 monitoring", f"{len(rows['9-monitoring.csv'])} measured figures"),
    ]
    return pd.DataFrame(state, columns=["step", "state"])


def merge(folder: str | Path) -> pd.DataFrame:
    """Merge the reviewers' scores, make design sheets of what was chosen, and mix.yaml and study.yaml from the sheets.

    Returns the merged screening table: mean and range, the ranks that single reviewers gave, and where to talk again.
    Sheets that exist are left as they are. Raises as `check` does, and InputError when nobody has scored anything.
    """
    check(folder)
    work = Folder.open(folder)
    rows = _read_all(work, [])
    merged = _merged(work, rows)
    sheets.write(work.sheet("5-screening/merged.csv"), merged)
    for option in merged.loc[merged["proposed"] == "yes", "option"]:
        _design_sheet(work, str(option))
    designs = [design for design in _read_all(work, [])["designs"].values() if design.status != "rejected"]
    if designs:
        _write_mix(work, designs)
        _write_study(work)
    return merged


def _merged(work: Folder, rows: dict[str, Any]) -> pd.DataFrame:
    weights = pd.Series(work.settings.criteria)
    screened = rows["4-options.csv"].query("screen == 'yes'")["option"]
    scores = pd.concat({name: t.set_index("option")[list(weights.index)] for name, t in rows["screening"].items()})
    scores = scores[scores.index.get_level_values(1).isin(screened)].dropna(how="all")
    if scores.empty:
        raise InputError("nobody has scored anything yet: fill in 5-screening/<reviewer>.csv with scores of 1 to 5")
    known = scores.notna().mul(weights, axis=1)
    single = (
        (scores.mul(weights, axis=1).sum(axis=1) / known.sum(axis=1)).rename("score").rename_axis(["who", "option"])
    )
    totals = single.reset_index().pivot_table(index="option", columns="who", values="score")
    ranks = totals.rank(ascending=False, method="min")
    by_criterion = scores.groupby(level=1)
    spread = by_criterion.max() - by_criterion.min()
    mean = by_criterion.mean().mul(weights, axis=1).sum(axis=1) / by_criterion.mean().notna().mul(weights, axis=1).sum(
        axis=1
    )
    table = pd.DataFrame(
        {
            "reviewers": totals.notna().sum(axis=1),
            "score": mean.round(3),
            "lowest": totals.min(axis=1).round(3),
            "highest": totals.max(axis=1).round(3),
            "best rank": ranks.min(axis=1),
            "worst rank": ranks.max(axis=1),
            "widest on": spread.fillna(-1).idxmax(axis=1).where(spread.max(axis=1) > 0, ""),
            "spread": spread.max(axis=1),
        }
    ).rename_axis("option")
    table["talk again"] = np.where(table["spread"] >= work.settings.talk_again_from, "yes", "no")
    table["proposed"] = np.where(table["score"] >= work.settings.choose_from, "yes", "no")
    table = table.sort_values(["score", "lowest"], ascending=False, kind="stable").reset_index()
    table.insert(1, "title", [catalogue()[str(option)].title for option in table["option"]])
    return table


def _design_sheet(work: Folder, option: str) -> None:
    path = work.path / "6-design" / f"{option}.yaml"
    if path.exists():
        return
    one = catalogue()[option]
    sheet = Design(
        option=option,
        title=f"{one.title} / {one.title_zh}",
        start=one.schedule.start,
        phase_in=one.schedule.phase_in,
        goal=one.goal,
        coverage=f"{one.coverage.value:g} {one.coverage.unit}",
        parties=one.parties,
        mechanisms=one.mechanisms,
        related=one.related,
        kind_of_reduction=one.kind,
        data_and_methods=f"option catalogue, {option}: tanlu policy show {option}",
        uncertainties=one.uncertainty,
        added_benefits=one.benefits,
        feasibility_issues=one.feasibility,
    )
    path.write_text(dump_yaml(sheet.model_dump()), encoding="utf-8")


def _write_mix(work: Folder, designs: list[Design]) -> None:
    """mix.yaml: the designed options in this province; a lever starts with its first option."""
    when: dict[str, dict[str, float]] = {}
    for design in designs:
        lever = catalogue()[design.option].lever
        if not lever:
            continue  # stated by its sheet, not simulated
        end = design.start + design.phase_in
        known = when.get(lever)
        start = min(design.start, known["start"]) if known else design.start
        last = max(end, known["start"] + known["phase_in"]) if known else end
        when[lever] = {"start": float(start), "phase_in": float(last - start)}
    content = {
        "title": f"Designed by the expert group of {work.settings.province}",
        "description": "Made from the design sheets; change those, not this file.",
        "options": {d.option: {"value": d.strength, "source": f"design sheet {d.option}, {d.status}"} for d in designs},
        "schedule": when,
        "where": [work.settings.province],
    }
    work.sheet("mix.yaml").write_text(dump_yaml(content), encoding="utf-8")


def _write_study(work: Folder) -> None:
    """study.yaml: the group's mix beside base, plan and plan as delivered."""
    name = f"toolkit-{work.settings.province.lower().replace(' ', '-')}"
    content = {
        "extends": "chongqing",
        "name": name,
        "title": f"Low-carbon development of {work.settings.province}: the mix designed by the expert group",
        "members": work.settings.members,
        "mixes": ["base", "plan", "delivered", {"mix": "mix.yaml", "name": "designed"}],
        "policy": {"province": work.settings.province, "mix": "designed", "goals": _cumulative(work)},
    }
    work.sheet("study.yaml").write_text(dump_yaml(content), encoding="utf-8")


def _cumulative(work: Folder) -> list[dict[str, float]]:
    """Goals for energy intensity, plan by plan, compounded from the base year; up to the first that is not set."""
    goals = sheets.read(work.sheet("3-goals.csv"), sheets.GOALS, [])
    own = goals[goals["goal"] == "energy intensity"].sort_values("to")
    left, since, found = 1.0, BASE_YEAR, []
    for first, last, value in zip(own["from"], own["to"], own["value"], strict=True):
        if first != since or not np.isfinite(value):
            break
        left, since = left * (1 - value / 100), last
        found.append({"year": int(last), "reduction": round(100 * (1 - left), 2)})
    return found


def results(folder: str | Path, run: Run) -> list[str]:
    """Copy a run's tables for this province into 7-results, as sheets; returns their names.

    Raises InputError when the run is of another province or has no tables.
    """
    work = Folder.open(folder)
    asked = run.study.policy
    if asked is None or asked.province != work.settings.province:
        whose = asked.province if asked else "no province"
        raise InputError(f"{run.name} was analysed for {whose}, this folder is about {work.settings.province}")
    written = []
    for name in RESULTS:
        if name in run.tables:
            table = run.table(name)
            own = table[table["province"] == work.settings.province] if "province" in table else table
            sheets.write(work.sheet(f"7-results/{name}.csv"), own)
            written.append(name)
    if not written:
        raise InputError(f"{run.name} has none of the tables {', '.join(RESULTS)}")
    return written
