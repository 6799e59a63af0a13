"""`tanlu report` and `tanlu explore` from the command line: output and refusals."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from experiments.cli import app
from experiments.runs.store import Run

runner = CliRunner()


def test_one_language_into_a_folder(small_run: Run, tmp_path: Path) -> None:
    done = runner.invoke(
        app, ["report", str(small_run.folder), "--lang", "zh", "-o", str(tmp_path), "--json", "--no-briefs"]
    )
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout) == {"report.zh.html": str(tmp_path / "report.zh.html")}
    assert [path.name for path in tmp_path.iterdir()] == ["report.zh.html"]


@pytest.mark.parametrize("command", ["report", "explore"])
@pytest.mark.parametrize("name", ["no-such-run", "../../etc", "<script>", "x" * 5000])
def test_an_unknown_run_is_wrong_input(command: str, name: str, tmp_path: Path) -> None:
    done = runner.invoke(app, [command, name, "--runs", str(tmp_path)])
    assert done.exit_code == 2
    assert "unknown run" in done.stderr or "too long" in done.stderr


def test_an_unknown_language_is_wrong_input(small_run: Run) -> None:
    assert runner.invoke(app, ["report", str(small_run.folder), "--lang", "fr"]).exit_code == 2


def test_a_pdf_without_a_browser_is_refused_clearly(
    small_run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    done = runner.invoke(
        app, ["report", str(small_run.folder), "--lang", "en", "--pdf", "--no-briefs", "-o", str(tmp_path)]
    )
    assert done.exit_code == 2
    assert "needs Chromium or Chrome" in done.stderr
