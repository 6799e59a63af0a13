"""`tanlu model` on small files: verdicts, exit codes, files."""

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from experiments.cli import build

TANK = """{UTF-8}
tank = INTEG (inflow-outflow, first) ~ m3 ~ Water. |
first = 10 ~ m3 ~ Water at the start (source: measured). |
inflow = 2 ~ m3/year ~ Into the tank (source: a tap). |
outflow = tank/life ~ m3/year ~ Out of the tank. |
life = 5 ~ year ~ Residence time (source: measured). |
INITIAL TIME = 0 ~ year ~ Start. |
FINAL TIME = 10 ~ year ~ End. |
TIME STEP = 0.25 ~ year ~ Step. |
SAVEPER = 1 ~ year ~ Saved. |
"""


@pytest.fixture
def tank(tmp_path: Path) -> Path:
    path = tmp_path / "tank.mdl"
    path.write_text(TANK, encoding="utf-8")
    return path


def tanlu(*words: str | Path) -> Result:
    return CliRunner().invoke(build(), [str(word) for word in words])


def test_a_sound_model_passes_with_a_verdict_a_line(tank: Path) -> None:
    result = tanlu("model", "check", tank)
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert len(lines) == 8
    assert all(line.startswith("pass  ") for line in lines)


def test_a_fault_is_named_and_ends_in_exit_code_3(tank: Path) -> None:
    tank.write_text(TANK.replace("inflow-outflow", "inflow-0.9*outflow"), encoding="utf-8")
    result = tanlu("model", "check", tank, "--json", "--quiet")
    assert result.exit_code == 3
    failed = [row for row in json.loads(result.stdout)["verdicts"] if not row["passed"]]
    assert [row["check"] for row in failed] == ["stocks are the integral of their flows"]
    assert "tank (line 2)" in failed[0]["faults"][0]


def test_what_is_no_model_ends_in_exit_code_2(tmp_path: Path) -> None:
    result = tanlu("model", "check", tmp_path / "none.mdl")
    assert result.exit_code == 2
    assert "none.mdl" in result.stderr
    assert tanlu("model", "loops", "--model", tmp_path / "none.mdl").exit_code == 2


def test_loops_are_those_of_the_provincial_model(tank: Path) -> None:
    result = tanlu("model", "loops", "--model", tank)
    assert result.exit_code == 2
    assert "not a copy" in result.stderr


def test_equations_and_pictures_of_any_file(tank: Path, tmp_path: Path) -> None:
    assert tanlu("model", "equations", "--model", tank, "--out", tmp_path / "tank.md").exit_code == 0
    text = (tmp_path / "tank.md").read_text(encoding="utf-8")
    assert "| tank | m3 | `tank = INTEG ( inflow-outflow, first)`" in text.replace("(inflow", "( inflow")
    assert tanlu("model", "diagram", "--model", tank, "--out", tmp_path / "pictures").exit_code == 0
    drawn = {".dot"} if shutil.which("dot") is None else {".dot", ".svg"}
    assert {path.suffix for path in (tmp_path / "pictures").iterdir()} == drawn


def test_pictures_without_graphviz_are_dot_and_say_so(
    tank: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    result = tanlu("model", "diagram", "--model", tank, "--out", tmp_path / "pictures")
    assert result.exit_code == 0
    assert "install it" in result.stderr
    assert {path.suffix for path in (tmp_path / "pictures").iterdir()} == {".dot"}


def test_a_stale_table_of_equations_is_named(tank: Path, tmp_path: Path) -> None:
    out = tmp_path / "equations.md"
    assert "missing" in tanlu("model", "equations", "--model", tank, "--out", out, "--check").stdout
    tanlu("model", "equations", "--model", tank, "--out", out)
    tank.write_text(TANK.replace("Water. |", "Sea water. |"), encoding="utf-8")
    stale = tanlu("model", "equations", "--model", tank, "--out", out, "--check")
    assert stale.exit_code == 3
    assert "older than the model" in stale.stdout


def test_an_up_to_date_table_passes() -> None:
    assert tanlu("model", "equations", "--check").exit_code == 0


def test_another_ending_is_refused(tank: Path, tmp_path: Path) -> None:
    result = tanlu("model", "equations", "--model", tank, "--out", tmp_path / "equations.txt")
    assert result.exit_code == 2
    assert ".md, .html, .csv" in result.stderr


def test_values_that_explode_are_listed_by_their_first_year_and_cut(tmp_path: Path) -> None:
    path = tmp_path / "bang.mdl"
    chain = "".join(f"after {n} = {'tank' if not n else f'after {n - 1}'} ~ m3 ~ Follows. |\n" for n in range(12))
    late = "tank = INTEG (IF THEN ELSE(Time > 4, inflow/0, inflow-outflow), first)"
    path.write_text(TANK.replace("tank = INTEG (inflow-outflow, first)", late) + chain, encoding="utf-8")
    result = tanlu("model", "check", path)
    assert result.exit_code == 3
    assert "tank is not finite from 4" in result.stdout
    assert "more; --json lists all" in result.stdout
    assert "members have values that are not finite" not in result.output
