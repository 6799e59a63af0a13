"""Checking a working folder: every fault of every sheet at once or, when there are none, the progress of each step."""

from pathlib import Path
from typing import Any

import pandas as pd

from calibration.places import known_provinces, simulated
from experiments.toolkit import sheets, study_files
from experiments.toolkit.sheets import Design, Folder
from models.reading.faults import InputError, RuleError
from models.reading.names import refusal


def check(folder: str | Path) -> pd.DataFrame:
    """Check every sheet, and give the progress of each step.

    Args:
        folder: a working folder.

    Returns:
        columns step and state.

    Raises:
        InputError: faults of form, all at once.
        RuleError: values that can be read and break a rule, all at once.
    """
    work = Folder.open(folder)
    faults: list[str] = []
    rows = read_all(work, faults)
    if faults:
        raise InputError(faults)
    broken = list(_rules(work, rows))
    if broken:
        raise RuleError(broken)
    return _progress(work, rows)


def read_all(work: Folder, faults: list[str]) -> dict[str, Any]:
    """Every sheet by name, `screening` and `round-2` by reviewer, `designs` by file; faults are appended."""
    criteria = _criteria(work, faults)
    try:
        known = list(work.catalogue.options)
    except InputError:  # toolkit.yaml has faults, which are reported
        known = []
    long_list, columns = sheets.options_columns(known), sheets.screening_columns(known, criteria)
    plain = {
        "1-experts.csv": (sheets.EXPERTS, "name"),
        "2-baseline.csv": (sheets.BASELINE, ""),
        "2-other-emissions.csv": (sheets.OTHER, ""),
        "3-goals.csv": (sheets.GOALS, ""),
        "4-options.csv": (long_list, "option"),
        "8-feasibility.csv": (sheets.FEASIBILITY, ""),
        "9-monitoring.csv": (sheets.MONITORING, ""),
        "comments.csv": (sheets.COMMENTS, "number"),
    }
    found: dict[str, Any] = {
        name: sheets.read(work.sheet(name), wanted, faults, key) for name, (wanted, key) in plain.items()
    }
    rounds = {"screening": work.screening, "round-2": work.second_round}
    for key, paths in rounds.items():
        wanted = columns if key == "screening" else sheets.round_columns(known, criteria)
        found[key] = {path.stem: sheets.read(path, wanted, faults, "option") for path in paths if criteria}
    found["designs"] = {path.stem: sheets.model_of(path, Design, faults) for path in work.designs}
    return found


def _criteria(work: Folder, faults: list[str]) -> list[str]:
    """The criteria; none when toolkit.yaml itself has faults, which are reported with those of the other sheets."""
    try:
        settings = work.settings
    except InputError as error:
        faults += error.faults
        return []
    if settings.province not in (known := simulated()):
        faults.append(f"toolkit.yaml: {refusal(settings.province, known_provinces(known), 'province')}")
    return list(settings.criteria)


def _rules(work: Folder, rows: dict[str, Any]) -> list[str]:
    """Faults of sheets that can be read: names, figures and periods."""
    return [*_names(work, rows), *_figures(work, rows), *_periods(work, rows)]


def _names(work: Folder, rows: dict[str, Any]) -> list[str]:
    broken = []
    for key, place in (("screening", "5-screening"), ("round-2", "5-screening/round-2")):
        for reviewer in rows[key]:
            if reviewer not in work.settings.reviewers:
                broken.append(f"{place}/{reviewer}.csv: {refusal(reviewer, work.settings.reviewers, 'reviewer')}")
    known = list(work.catalogue.options)
    for name, design in rows["designs"].items():
        if design.option not in known:
            broken.append(f"6-design/{name}.yaml: {refusal(design.option, known, 'option')}")
        elif design.option != name:
            broken.append(f"6-design/{name}.yaml: is the sheet of {design.option}; name it {design.option}.yaml")
    for option in sorted(set(rows["8-feasibility.csv"]["option"]) - set(known)):
        broken.append(f"8-feasibility.csv: {refusal(option, known, 'option')}")
    return broken


def _figures(work: Folder, rows: dict[str, Any]) -> list[str]:
    broken = []
    own = rows["2-baseline.csv"].dropna(subset=["own value"])
    for row in own.to_dict("records"):
        named = f"2-baseline.csv: {row['quantity']} {row['year']:.0f}"
        if not row["own source"]:
            broken.append(f"{named}: an own value needs its source")
        if row["year"] > work.plan.base_year:
            broken.append(f"{named}: lies after the base year {work.plan.base_year}; enter it in 9-monitoring.csv")
    for row in rows["9-monitoring.csv"].to_dict("records"):
        wanted = sheets.MONITORED[row["quantity"]]
        if row["unit"] and row["unit"] != wanted:
            got = f"got unit {row['unit']!r}, allowed: {wanted}"
            broken.append(f"9-monitoring.csv: {row['year']:.0f} {row['quantity']}: {got}")
    for row in rows["3-goals.csv"].to_dict("records"):
        wanted = sheets.GOALS_KNOWN[row["goal"]]
        if row["unit"] and row["unit"] != wanted:
            broken.append(f"3-goals.csv: {row['goal']}: got unit {row['unit']!r}, allowed: {wanted}")
    return broken


def _periods(work: Folder, rows: dict[str, Any]) -> list[str]:
    goals, base, end = rows["3-goals.csv"], work.plan.base_year, work.plan.last_year
    broken = [
        f"3-goals.csv: {row['goal']}: from {row['from']:.0f} to {row['to']:.0f} is no period"
        for row in goals[goals["from"] >= goals["to"]].to_dict("records")
    ]
    broken += study_files.unconnected(work, goals)
    twice = goals[goals.duplicated(["goal", "from", "to"])]
    broken += [f"3-goals.csv: {row['goal']} to {row['to']:.0f} appears twice" for row in twice.to_dict("records")]
    for quantity, given in rows["9-monitoring.csv"].groupby("quantity")["year"]:
        first, wanted = sorted(given), [base + 1 + i for i in range(len(given))]
        if first != wanted:
            broken.append(f"9-monitoring.csv: {quantity}: years must follow each other from {wanted[0]}, got {first}")
        elif first[-1] > end:
            broken.append(f"9-monitoring.csv: {quantity}: the plan ends in {end}, got {first[-1]:.0f}")
    return broken


def _progress(work: Folder, rows: dict[str, Any]) -> pd.DataFrame:
    own, goals, comments = rows["2-baseline.csv"], rows["3-goals.csv"], rows["comments.csv"]
    apart = own[(own["own value"] / own["value"] - 1).abs() > 2 * own["relative error"]]
    scored = sum(int(t[list(work.settings.criteria)].notna().any(axis=1).sum()) for t in rows["screening"].values())
    again = sum(int(t[list(work.settings.criteria)].notna().any(axis=1).sum()) for t in rows["round-2"].values())
    designs = [d.status for d in rows["designs"].values()]
    rated = int(rows["8-feasibility.csv"]["severity"].notna().sum())
    answered = int((comments["answer"] != "").sum())
    state = [
        ("1 experts", f"{len(rows['1-experts.csv'])} named"),
        (
            "2 baseline",
            f"{len(own)} figures, {own['own value'].notna().sum()} own, {len(apart)} apart by more than two errors; "
            f"{len(rows['2-other-emissions.csv'])} of other gases, forests, waste",
        ),
        ("3 goals", f"{goals['value'].notna().sum()} of {len(goals)} set"),
        ("4 options", f"{(rows['4-options.csv']['screen'] == 'yes').sum()} of {len(rows['4-options.csv'])} screened"),
        (
            "5 screening",
            f"{scored} rows scored by {len(rows['screening'])} reviewers, {again} again in the second round",
        ),
        ("6 design", f"{len(designs)} sheets, {sum(s in ('agreed', 'approved') for s in designs)} agreed or approved"),
        ("7 results", f"{len(list(work.sheet('7-results').glob('*.csv')))} tables"),
        ("8 feasibility", f"{rated} barriers rated"),
        ("9 monitoring", f"{len(rows['9-monitoring.csv'])} measured figures"),
        ("comments", f"{answered} of {len(comments)} answered"),
    ]
    return pd.DataFrame(state, columns=["step", "state"])
