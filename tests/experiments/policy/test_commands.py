"""`tanlu policy` and `tanlu toolkit` from the command line: output and exit codes."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from experiments.cli import app

runner = CliRunner()


def tanlu(*words: str) -> tuple[int, str, str]:
    done = runner.invoke(app, list(words))
    return done.exit_code, done.stdout, done.stderr


def test_list_counts_what_is_assumed() -> None:
    code, out, err = tanlu("policy", "list")
    assert code == 0
    assert "IND-01" in out
    assert "TRA-05" in out
    assert "36 options" in err
    assert "assumption" in err


def test_show_gives_every_number_with_its_source() -> None:
    code, out, _ = tanlu("policy", "show", "IND-03", "--json")
    assert code == 0
    sheet = json.loads(out)
    assert sheet["technical_saving"]["value"] == pytest.approx(0.1444)
    assert "top1000" in sheet["references"]
    code, out, _ = tanlu("policy", "show", "ENE-07")
    assert code == 0
    assert "unit_retrofit" in out


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["show", "IND-99"], "unknown option 'IND-99'; did you mean 'IND-0"),
        (["list", "--package", "energy shif"], "did you mean 'energy shift'"),
        (["mixes", "ful"], "did you mean 'full'"),
        (["mixes", "full", "--province", "Chongqin"], "did you mean 'Chongqing'"),
        (["costs", "no-run"], "unknown run 'no-run'"),
    ],
)
def test_wrong_names_end_with_two_and_the_nearest(words: list[str], told: str, tmp_path: Path) -> None:
    code, out, err = tanlu("policy", *words, *(["--runs", str(tmp_path)] if words[0] == "costs" else []))
    assert code == 2
    assert out == ""
    assert told in err


def test_levers_and_mixes_are_tables() -> None:
    code, out, _ = tanlu("policy", "levers", "--json")
    assert code == 0
    assert len(json.loads(out)) == 21
    code, out, _ = tanlu("policy", "mixes", "--json")
    assert code == 0
    assert {row["mix"] for row in json.loads(out)} >= {"base", "plan", "delivered", "full"}
    code, out, _ = tanlu("policy", "mixes", "plan", "--json")
    assert {row["lever"]: row["strength"] for row in json.loads(out)}["services shift"] == 0.8


def test_toolkit_from_folder_to_study(tmp_path: Path) -> None:
    folder = tmp_path / "work"
    assert tanlu("toolkit", "init", "Guizhou", "--plan", "p12", "--folder", str(folder))[0] == 0
    assert tanlu("toolkit", "init", "Guizhou", "--folder", str(folder))[0] == 2
    code, out, _ = tanlu("toolkit", "check", str(folder))
    assert code == 0
    assert "36 of 36 screened" in out
    code, _, err = tanlu("toolkit", "merge", str(folder))
    assert code == 2
    assert "nobody has scored" in err
    sheet = folder / "5-screening" / "reviewer-1.csv"
    text = sheet.read_text(encoding="utf-8-sig").splitlines()
    scored = [line.rsplit(",", 6)[0] + ",5,4,4,3,3," if line.startswith("IND-0") else line for line in text]
    sheet.write_text("\n".join(scored) + "\n", encoding="utf-8-sig")
    code, out, err = tanlu("toolkit", "merge", str(folder), "--json")
    assert code == 0
    assert {row["option"] for row in json.loads(out)} == {f"IND-0{i}" for i in range(1, 9)}
    assert (folder / "study.yaml").is_file()
    (folder / "6-design" / "IND-01.yaml").write_text("option: IND-02\ntitle: wrong\n", encoding="utf-8")
    code, _, err = tanlu("toolkit", "check", str(folder))
    assert code == 3
    assert "is the sheet of IND-02" in err
    assert tanlu("toolkit", "monitor", str(folder), "--run", "x", "--year", "2011")[0] == 2
