"""The shipped region packs, whole: from check to report, and made again from the folder of a run."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
REGIONS = ROOT / "docs" / "regions"
SMALL = ["--members", "16", "--set", "sensitivity=null"]


def tanlu(*words: str, folder: Path) -> subprocess.CompletedProcess[str]:
    here = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, "-m", "experiments", *words], cwd=folder, env=here, capture_output=True, text=True, check=False
    )


@pytest.mark.slow
@pytest.mark.parametrize(("name", "sum_en", "made_up"), [
    ("chongqing-city", "Chongqing city (sum of its places)", False),
    ("sealand", "Sealand (sum of its places)", True),
])  # fmt: skip
def test_a_shipped_pack_goes_from_check_to_a_report_about_itself(
    name: str, sum_en: str, made_up: bool, tmp_path: Path
) -> None:
    shutil.copytree(REGIONS / name, tmp_path / name)
    assert tanlu("region", "check", name, folder=tmp_path).returncode == 0
    done = tanlu("run", f"{name}/study.yaml", *SMALL, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    (report,) = tmp_path.glob("runs/*/report.html")
    text = report.read_text(encoding="utf-8")
    assert sum_en in text
    assert ("is made up" in text) == made_up
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
