"""`tanlu data`: its output, and its exit codes on damaged copies."""

import json

import pytest
from typer.testing import CliRunner, Result

from experiments.cli import app
from tests.calibration.test_damaged import DAMAGES, content, damaged

TEN = [
    "unknown province",
    "column missing",
    "unit wrong",
    "year gap",
    "negative energy",
    "duplicate key",
    "not UTF-8",
    "missing file",
    "text for a number",
    "share over 100 %",
]


def run(*words: str) -> Result:
    return CliRunner().invoke(app, ["data", *words])


def test_check_of_the_shipped_data_ends_with_0():
    result = run("check", "--json")
    assert result.exit_code == 0, result.stderr
    found = json.loads(result.stdout)
    assert {"coverage", "residuals", "closure", "against_nation", "breaks", "intensity"} == set(found)
    change = {row["prices"]: row["change_2005_2010_percent"] for row in found["intensity"]}
    assert change[2010] == pytest.approx(-20.0, abs=0.05)


@pytest.mark.parametrize(
    "name", [*TEN, *(pytest.param(name, marks=pytest.mark.slow) for name in DAMAGES if name not in TEN)]
)
def test_check_of_a_damaged_copy_says_where_and_ends_with_2_or_3(tmp_path, name):
    damage = DAMAGES[name]
    folder = damaged(tmp_path, damage)
    before = content(folder)
    result = run("check", str(folder))
    assert result.exit_code == (3 if damage.kind == "rule" else 2)
    place = damage.file + (f", line {damage.line}" if damage.line else "")
    assert any(place in line and all(word in line for word in damage.says) for line in result.stderr.splitlines())
    assert result.stdout == ""
    assert content(folder) == before
    assert list(tmp_path.iterdir()) == [folder]


def test_check_of_no_folder_ends_with_2(tmp_path):
    result = run("check", str(tmp_path / "nothing"))
    assert result.exit_code == 2
    assert "datapackage.json: there is no such file" in result.stderr


def test_show_prints_and_plots(tmp_path):
    result = run("show", "Guangdong", "--plot", str(tmp_path / "guangdong.png"))
    assert result.exit_code == 0, result.stderr
    assert "269.08" in result.stdout  # Mtce in 2010
    assert "▁" in result.stdout
    assert (tmp_path / "guangdong.png").read_bytes().startswith(b"\x89PNG")


def test_show_tibet_says_why_it_has_no_energy():
    result = run("show", "Tibet")
    assert result.exit_code == 0
    assert "no energy statistics" in result.stderr
    assert "energy_intensity_reduction" in result.stdout


def test_show_unknown_province_names_the_nearest():
    result = run("show", "Guandong")
    assert result.exit_code == 2
    assert "did you mean 'Guangdong'" in result.stderr
