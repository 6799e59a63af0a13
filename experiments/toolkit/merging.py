"""Merging of the reviewers' scores into one table, and design sheets for the options that the group chose.

Where a reviewer has scored an option in the second round, those scores count, and the spread before is shown beside.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from experiments.toolkit import sheets, study_files
from experiments.toolkit.checking import check, read_all
from experiments.toolkit.sheets import Design, Folder
from models.reading.faults import InputError
from models.reading.yaml_file import dump_yaml
from models.writing import write_text


def merge(folder: str | Path) -> pd.DataFrame:
    """Merge the reviewers' scores, write design sheets for the chosen options, and mix.yaml and study.yaml from them.

    Args:
        folder: a working folder.

    Returns:
        the merged screening table, one row per option: mean and range of the scores, the best and the worst rank that a
        single reviewer gives, the criterion on which they differ most, and whether to talk again.

    Raises:
        InputError: sheets that cannot be read (all faults), or nobody has scored anything.
        RuleError: sheets that break a rule.

    Sheets that exist are left as they are.
    """
    check(folder)
    work = Folder.open(folder)
    rows = read_all(work, [])
    merged = _merged(work, rows)
    sheets.write(work.sheet("5-screening/merged.csv"), merged)
    for option in merged.loc[merged["proposed"] == "yes", "option"]:
        _design_sheet(work, str(option))
    designs = [design for design in read_all(work, [])["designs"].values() if design.status != "rejected"]
    if designs:
        study_files.write_mix(work, designs)
        study_files.write_study(work)
    return merged


def scores(work: Folder, rows: dict[str, Any], key: str) -> pd.DataFrame:
    """The scores of one round of the options that are screened: index (reviewer, option), one column per criterion."""
    criteria = list(work.settings.criteria)
    screened = rows["4-options.csv"].query("screen == 'yes'")["option"]
    given = {name: table.set_index("option")[criteria] for name, table in rows[key].items()}
    if not given:
        index = pd.MultiIndex.from_arrays([[], []])
        return pd.DataFrame(index=index, columns=criteria, dtype=float)
    table: pd.DataFrame = pd.concat(given)
    return table.loc[table.index.get_level_values(1).isin(screened)].dropna(how="all")


def spread(table: pd.DataFrame) -> pd.DataFrame:
    """Widest difference between reviewers: one row per option, one column per criterion."""
    by_option = table.groupby(level=1)
    return by_option.max() - by_option.min()


def _merged(work: Folder, rows: dict[str, Any]) -> pd.DataFrame:
    weights = pd.Series(work.settings.criteria)
    first, second = scores(work, rows, "screening"), scores(work, rows, "round-2")
    if first.empty:
        raise InputError("nobody has scored anything yet: fill in 5-screening/<reviewer>.csv with scores of 1 to 5")
    last = second.combine_first(first) if len(second) else first
    known = last.notna().mul(weights, axis=1)
    single = (last.mul(weights, axis=1).sum(axis=1) / known.sum(axis=1)).rename("score").rename_axis(["who", "option"])
    totals = single.reset_index().pivot_table(index="option", columns="who", values="score")
    ranks = totals.rank(ascending=False, method="min")
    mean = last.groupby(level=1).mean()
    width = spread(last)
    table = pd.DataFrame(
        {
            "reviewers": totals.notna().sum(axis=1),
            "score": (mean.mul(weights, axis=1).sum(axis=1) / mean.notna().mul(weights, axis=1).sum(axis=1)).round(3),
            "lowest": totals.min(axis=1).round(3),
            "highest": totals.max(axis=1).round(3),
            "best rank": ranks.min(axis=1),
            "worst rank": ranks.max(axis=1),
            "widest on": width.fillna(-1).idxmax(axis=1).where(width.max(axis=1) > 0, ""),
            "spread": width.max(axis=1),
            "spread in round 1": spread(first).max(axis=1),
        }
    ).rename_axis("option")
    table["talk again"] = np.where(table["spread"] >= work.settings.talk_again_from, "yes", "no")
    table["proposed"] = np.where(table["score"] >= work.settings.choose_from, "yes", "no")
    table = table.sort_values(["score", "lowest"], ascending=False, kind="stable").reset_index()
    table.insert(1, "title", [work.catalogue[str(option)].title for option in table["option"]])
    return table


def _design_sheet(work: Folder, option: str) -> None:
    path = work.path / "6-design" / f"{option}.yaml"
    if path.exists():
        return
    one = work.catalogue[option]
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
        data_and_methods=f"option catalogue of {work.plan.name}, {option}",
        uncertainties=one.uncertainty,
        added_benefits=one.benefits,
        feasibility_issues=one.feasibility,
    )
    write_text(path, dump_yaml(sheet.model_dump()))
