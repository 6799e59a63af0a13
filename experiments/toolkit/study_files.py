"""mix.yaml and study.yaml from the sheets: the design sheets give the mix, the goals give its targets.

A goal that spans the plan is a target of the study, of its indicator; every goal, also of a later or earlier year, is
rated by mix. Other provinces are left out of the run, so that it takes a minute (see `scenario.national_series`).
"""

import os
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from calibration.places import active_region, places
from experiments.study.files import OF_PLAN
from experiments.toolkit import sheets
from experiments.toolkit.sheets import OPTION_SETS, Design, Folder
from experiments.words.terms import Lang, Terms
from models.indicators import indicators
from models.reading.yaml_file import dump_yaml
from models.writing import write_text

DESIGNED = "designed"
"""Label of the group's mix in study.yaml."""
TITLES: Mapping[str, Lang] = {"title": "en", "title_zh": "zh"}
MIXES = {"p12": ["base", "plan", "delivered", "full"], "p15": ["base", "delivered", "full"]}
"""Shipped mixes beside the group's own."""


def indicator_of(work: Folder, goal: str) -> str:
    """The indicator of a goal: carbon by the metric that the plan itself is judged by."""
    if goal == "co2 intensity":
        return next((key for key in work.plan.indicators if key.startswith("co2_intensity")), "co2_intensity")
    return {"energy intensity": "energy_intensity", "gdp growth": "gdp_growth"}.get(goal, "nonfossil_share")


def titles(key: str, *, place: str, **values: int) -> dict[str, str]:
    """A title in both languages, as study and mix files hold them."""
    return {
        name: Terms(lang)(key, place=_chinese(place) if lang == "zh" else place, **values)
        for name, lang in TITLES.items()
    }


def write_mix(work: Folder, designs: list[Design]) -> None:
    """mix.yaml: the designed options in this province; a lever starts with its first option."""
    when: dict[str, dict[str, float]] = {}
    for design in designs:
        one = work.catalogue[design.option]
        if not one.lever:
            continue  # stated by its sheet, not simulated
        start = one.schedule.start if design.start is None else design.start
        end = start + (one.schedule.phase_in if design.phase_in is None else design.phase_in)
        known = when.get(one.lever)
        first = min(start, known["start"]) if known else start
        last = max(end, known["start"] + known["phase_in"]) if known else end
        when[one.lever] = {"start": float(first), "phase_in": float(last - first)}
    content = {
        **titles("title: designed mix", place=work.settings.province),
        "description": "Made from the design sheets; change those, not this file.",
        "catalogue": OPTION_SETS[work.settings.plan],
        "options": {d.option: {"value": d.strength, "source": f"design sheet {d.option}, {d.status}"} for d in designs},
        "schedule": when,
        **({} if active_region() else {"where": [work.settings.province]}),  # a pack's mix holds in all its places
    }
    write_text(work.sheet("mix.yaml"), dump_yaml(content))


def write_study(work: Folder) -> None:
    """study.yaml: the goals, and the group's mix beside shipped ones."""
    place, plan = work.settings.province, work.plan
    goals = sheets.read(work.sheet("3-goals.csv"), sheets.GOALS, [])
    content = {
        "extends": "chongqing" if work.settings.plan == "p12" else OF_PLAN[work.settings.plan],
        "name": f"toolkit-{place.lower().replace(' ', '-')}"[:48],
        **titles("title: designed study", place=place, first=plan.base_year, last=plan.last_year),
        "members": work.settings.members,
        "provinces": [place],
        **_targets(work, goals),
        "allocations": ["official" if work.settings.plan == "p12" else "uniform"],
        "mixes": [*MIXES[work.settings.plan], {"mix": "mix.yaml", "name": DESIGNED}],
        "sensitivity": None,
        "policy": {"province": place, "mix": DESIGNED, "goals": cumulative(work, goals)},
    }
    if pack := active_region():  # a pack has places of its own, and no past plans to score
        del content["provinces"]
        content["extends"] = OF_PLAN[work.settings.plan]
        content |= {"data": os.path.relpath(pack, work.path), "hindcast": False}
    write_text(work.sheet("study.yaml"), dump_yaml(content))


def _chinese(place: str) -> str:
    """The Chinese name of a place, where the data have one."""
    return places()[place].name_zh


def _targets(work: Folder, goals: pd.DataFrame) -> dict[str, Any]:
    """`target` and `assigned` of the study: the plan's own indicators, and those that the group set for the plan."""
    plan, place = work.plan, work.settings.province
    whole = goals[(goals["from"] == plan.base_year) & (goals["to"] == plan.last_year)].dropna(subset="value")
    own = {indicator_of(work, goal): float(value) for goal, value in zip(whole["goal"], whole["value"], strict=True)}
    keys = [*dict.fromkeys([*plan.indicators, *own])]
    values = {key: plan.targets.get(key, own.get(key)) for key in keys[1:]}
    if work.settings.plan == "p15":  # the metric to 2025 stands beside, to compare; it does not count a second time
        keys.insert(1, "co2_intensity")
        values["co2_intensity"] = plan.targets["co2_intensity_2026"]
        if "co2_intensity_2026" in own:
            own["co2_intensity"] = own["co2_intensity_2026"]
    asked = {"plan": work.settings.plan, "indicators": keys, "national": plan.targets[keys[0]], "values": values}
    return {"target": asked, **({"assigned": {place: own}} if own else {})}


def cumulative(work: Folder, goals: pd.DataFrame) -> list[dict[str, Any]]:
    """Every goal as a study's `policy.goals` has it: by year, counted from the plan's base year.

    Goals of periods that follow each other are compounded; a share needs no period. A goal whose period neither begins
    in the base year nor follows another one is left out (`check` reports it).
    """
    found: list[dict[str, Any]] = []
    for goal in sheets.GOALS_KNOWN:
        rows = goals[(goals["goal"] == goal)].dropna(subset="value").sort_values(["from", "to"])
        key = indicator_of(work, goal)
        kind = indicators()[key].kind
        reached = {float(work.plan.base_year): 1.0}
        for first, last, value in zip(rows["from"], rows["to"], rows["value"], strict=True):
            if kind != "floor" and first not in reached:
                continue
            if kind == "floor":
                asked = value
            else:
                step = (1 + value / 100) ** (last - first) if kind == "growth" else 1 - value / 100
                reached[last] = reached[first] * step
                years = last - work.plan.base_year
                asked = 100 * (reached[last] ** (1 / years) - 1 if kind == "growth" else 1 - reached[last])
            found.append({"year": int(last), "indicator": key, "reduction": round(float(asked), 2)})
    return found


def unconnected(work: Folder, goals: pd.DataFrame) -> list[str]:
    """Goals with a value that no period leads to from the base year, one sentence each."""
    found, base = [], work.plan.base_year
    for goal, rows in goals.dropna(subset="value").groupby("goal", sort=False):
        starts = {base, *rows["to"]}
        for row in rows.to_dict("records"):
            if goal != "non-fossil share of energy" and row["from"] not in starts and np.isfinite(row["from"]):
                found.append(
                    f"3-goals.csv: {goal}: a goal from {row['from']:.0f} to {row['to']:.0f} follows no other goal; it "
                    f"must begin in {base} or where another goal ends"
                )
    return found
