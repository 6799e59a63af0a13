"""The shipped region packs, whole: from check to report, and made again from the folder of a run."""

import os
import re
import shutil
import subprocess
import sys
from html import unescape
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from experiments.toolkit import sheets

ROOT = Path(__file__).parents[2]
REGIONS = ROOT / "docs" / "regions"
SMALL = ["--members", "16", "--set", "sensitivity=null"]


def tanlu(*words: str, folder: Path) -> subprocess.CompletedProcess[str]:
    here = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, "-m", "experiments", *words], cwd=folder, env=here, capture_output=True, text=True, check=False
    )


@pytest.mark.slow
@pytest.mark.parametrize(("name", "shown", "made_up"), [
    ("chongqing-city", "Chongqing city", False),
    ("sealand", "Sealand (sum of its places)", True),
])  # fmt: skip
def test_a_shipped_pack_goes_from_check_to_a_report_about_itself(
    name: str, shown: str, made_up: bool, tmp_path: Path
) -> None:
    shutil.copytree(REGIONS / name, tmp_path / name)
    assert tanlu("region", "check", name, folder=tmp_path).returncode == 0
    done = tanlu("run", f"{name}/study.yaml", *SMALL, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    (report,) = tmp_path.glob("runs/*/report.html")
    text = report.read_text(encoding="utf-8")
    assert shown in text
    assert ("is made up" in text) == made_up
    assert ("(sum of its places)" in text) == (name == "sealand")  # one place has no sum
    for words in ("China (sum", "Tibet", "State Council", "What happened"):
        assert words not in re.sub(r"<script.*?</script>", "", text, flags=re.DOTALL)
    assert report.with_name("report.zh.html").is_file()


@pytest.mark.slow
def test_a_run_with_own_pack_mix_table_and_projects_is_made_again_byte_by_byte(tmp_path: Path) -> None:
    shutil.copytree(REGIONS / "sealand", tmp_path / "own" / "pack")
    study = tmp_path / "own" / "study" / "paper.yaml"
    study.parent.mkdir()
    study.write_text(
        "extends: twelfth-plan\nname: paper\ndata: ../pack\nhindcast: false\npolicy: null\nsensitivity: null\n"
        "members: 8\nallocations: [{rule: csv, name: mine, options: {path: mine.csv}}]\nmixes: [mine.yaml]\n"
        "projects: projects.csv\n"
        "target: {plan: p12, indicators: [energy_intensity], national: 15.0}\n"
    )
    study.with_name("mine.csv").write_text("province,target_percent\nNorthport,13\nSouthfold,18\n")
    study.with_name("mine.yaml").write_text("title: Mine\nlevers: {building codes: 0.9}\n")
    study.with_name("projects.csv").write_text("name,province,start,energy\nSteelworks,Southfold,2012.5,0.3\n")
    done = tanlu("run", "own/study/paper.yaml", "--no-report", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    (run,) = (tmp_path / "runs").iterdir()
    run.rename(tmp_path / "published")
    shutil.rmtree(tmp_path / "own")
    again = tanlu("runs", "reproduce", "published", folder=tmp_path)
    assert again.returncode == 0, again.stderr
    counts = re.search(r"(\d+) of (\d+) files identical", again.stderr)
    assert counts
    assert counts[1] == counts[2]
    for file in ("files/mine.yaml", "files/mine.csv", "files/projects.csv", "files/region/figures.csv"):
        assert file in again.stdout


def edit(path: Path, **cells: str) -> None:
    """Give the cells of the sheet's columns to every row."""
    table = pd.read_csv(path, dtype=str, keep_default_na=False, encoding=sheets.ENCODING)
    sheets.write(path, table.assign(**cells))


@pytest.mark.slow
def test_a_city_goes_through_every_step_of_the_toolkit(tmp_path: Path) -> None:
    """Each command finds the pack by the folder alone: four goals, costs, brief, monitoring, a second round."""

    def tool(*words: str) -> str:
        done = tanlu(*words, folder=tmp_path)
        assert done.returncode == 0, done.stderr
        return done.stdout

    shutil.copytree(REGIONS / "chongqing-city", tmp_path / "pack")
    tool("toolkit", "init", "--region", "pack", "--folder", "city")
    city = tmp_path / "city"
    goals = pd.read_csv(city / "3-goals.csv", dtype=str, encoding=sheets.ENCODING)
    assert goals["value"].iloc[0] == "16.0"  # the pack's own target
    sheets.write(city / "3-goals.csv", goals.assign(value=["16", "15", "10", "7.3"]))
    criteria = ("reduction", "cost", "feasibility", "added benefits", "fairness")
    for reviewer, score in (("reviewer-1", "2"), ("reviewer-2", "4"), ("reviewer-3", "5")):
        edit(city / "5-screening" / f"{reviewer}.csv", **dict.fromkeys(criteria, score))
    tool("toolkit", "merge", "city")
    assert "ENE-01" in tool("toolkit", "round", "city")
    tool("run", "city/study.yaml", "--members", "96", "--set", "policy.members=8")
    tool("toolkit", "results", "city", "toolkit-chongqing")
    costs = pd.read_csv(city / "7-results" / "costs.csv").set_index("option")
    assert costs["energy saved Mtce"].drop("all").sum() == pytest.approx(
        costs.loc["all", "energy saved Mtce"], rel=0.02
    )
    assert costs.loc["all", "co2 avoided Mt"] > 1
    assert np.isfinite(costs.loc["IND-05", "yuan per tCO2"])
    judged = pd.read_csv(city / "7-results" / "process_goals.csv")
    assert judged["chance"].notna().all()
    sheets.write(
        city / "9-monitoring.csv",
        pd.DataFrame(
            [
                (year, quantity, value, unit, 3, "made up")
                for quantity, unit, values in (
                    ("industry energy intensity change", "%/yr", (-5, 9)),
                    ("residential energy per head change", "%/yr", (4, 4)),
                    ("co2 growth", "%/yr", (7, 7)),
                    ("non-fossil share of energy", "%", (6.6, 6.8)),
                )
                for year, value in zip((2011, 2012), values, strict=True)
            ],
            columns=[column.name for column in sheets.MONITORING],
        ),
    )
    tool("toolkit", "monitor", "city", "--run", "toolkit-chongqing")
    verdicts = pd.read_csv(city / "verdicts.csv")
    assert list(verdicts["off path"].fillna("none")) == ["none", "industry energy intensity change"]
    (run,) = (tmp_path / "runs").iterdir()
    for language, words in (("", "The place's own figures"), (".zh", "本地指标")):
        page = (run / "briefs" / f"Chongqing{language}.html").read_text(encoding="utf-8")
        text = unescape(re.sub(r"<[^>]+>", "", page.split("</style>")[1]))
        assert words in text
        assert "province" not in re.sub(r"of the (\d+ )?provinces given", "", text)  # the score of China's past plans
    assert not list(run.glob("briefs/China*"))
    tool("brief", "Chongqing", "--run", "toolkit-chongqing", "--lang", "en", "-o", "again")
    assert (tmp_path / "again" / "briefs" / "Chongqing.pdf").is_file()
