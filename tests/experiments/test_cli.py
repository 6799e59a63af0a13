"""The command line: every command is there, faults end in their exit codes, data on stdout alone."""

import json
from pathlib import Path

import pandas as pd
import pytest
import typer
from typer.testing import CliRunner

from experiments import INTERRUPTED, cli
from experiments.analyses import feasibility_tables
from experiments.cli import console
from experiments.cli.tables import terminal_tables
from experiments.ensemble import estimate, installed, simulation
from experiments.runs import overview
from experiments.runs.store import Run, StoreError
from models.reading.faults import InputError, RuleError
from tests.experiments import small_system
from tests.experiments.small_system import SYSTEM

OURS = {"run", "ensemble", "simulate", "runs", "compare", "export", "data"}


def app_of(fault: BaseException) -> typer.Typer:
    def command() -> None:
        raise fault

    made = typer.Typer()
    made.command()(cli.guarded(command))
    return made


@pytest.mark.parametrize(
    ("fault", "code", "said"),
    [
        (InputError(["first fault", "second fault"]), 2, ["tanlu: first fault", "tanlu: second fault"]),
        (RuleError(["broken rule"]), 3, ["tanlu: broken rule"]),
        (InputError(["fault"] * 3050), 2, ["tanlu: fault"] * 50 + ["tanlu: and 3,000 more faults"]),
        (RuntimeError("no luck"), 1, ["tanlu: no luck", "tanlu: set TANLU_DEBUG=1 to see where"]),
        (KeyboardInterrupt(), 1, [f"tanlu: {INTERRUPTED}"]),
        (
            PermissionError(13, "Permission denied", "runs/x"),
            1,
            ["tanlu: runs/x: no permission (Permission denied); choose another place, or change its permissions"],
        ),
        (
            OSError(28, "No space left on device"),
            1,
            ["tanlu: no space left (No space left on device); free some, and run the command again"],
        ),
        (StoreError("x is being written by process 7"), 1, ["tanlu: x is being written by process 7"]),
        (ZeroDivisionError(), 1, ["tanlu: ZeroDivisionError", "tanlu: set TANLU_DEBUG=1 to see where"]),
        (typer.Exit(3), 3, []),
    ],
)
def test_exit_codes(monkeypatch: pytest.MonkeyPatch, fault: BaseException, code: int, said: list[str]) -> None:
    monkeypatch.delenv("TANLU_DEBUG", raising=False)
    result = CliRunner().invoke(app_of(fault))
    assert result.exit_code == code
    assert result.stderr.splitlines() == said
    assert result.stdout == ""


def test_every_command_has_a_help_and_one_owner() -> None:
    names = [name for name, _, _ in cli.found()]
    assert set(names) >= OURS
    assert len(names) == len(set(names))
    for name in names:
        result = CliRunner().invoke(cli.app, [name, "--help"])
        assert result.exit_code == 0, name


def test_wrong_options_end_in_two() -> None:
    assert CliRunner().invoke(cli.app, ["runs", "list", "--nosuch"]).exit_code == 2
    assert CliRunner().invoke(cli.app, ["nosuch"]).exit_code == 2
    assert CliRunner().invoke(cli.app, ["run", "nosuch"]).exit_code == 2


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with one complete run; the commands use the small system."""
    monkeypatch.setattr(installed, "installed", lambda *_: SYSTEM)
    run = simulation.resume(simulation.start(small_system.study(tmp_path), SYSTEM, tmp_path / "runs"), SYSTEM)
    small_system.analyse(run)
    return tmp_path / "runs"


def called(*words: object) -> str:
    result = CliRunner().invoke(cli.app, [str(word) for word in words])
    assert result.exit_code == 0, result.output
    return result.stdout


def test_runs_list_show_and_rm(runs: Path) -> None:
    (listed,) = json.loads(called("runs", "list", "--runs", runs, "--json"))
    assert (listed["status"], listed["done"], listed["total"]) == ("complete", 160, 160)
    shown = called("runs", "show", "small", "--runs", runs)
    assert "China (sum of provinces)" in shown
    assert json.loads(called("runs", "show", "small", "--runs", runs, "--json"))["seed"]["root"] == 7
    called("runs", "rm", listed["run"], "--runs", runs, "--yes")
    assert called("runs", "list", "--runs", runs).endswith("no runs\n")


def test_rm_deletes_runs_alone(runs: Path) -> None:
    (run,) = runs.iterdir()
    precious = runs / "precious"
    precious.mkdir()
    (precious / "study.yaml").write_text("name: mine\n", encoding="utf-8")
    (precious / "thesis.txt").write_text("years of work", encoding="utf-8")
    (run / "notes.txt").write_text("my own", encoding="utf-8")
    for name, words in (
        (str(precious), "it has no manifest.json of a run"),
        (str(run), "it also holds notes.txt"),
        (run.name[:5], f"give all of it: {run.name}"),
    ):
        result = CliRunner().invoke(cli.app, ["runs", "rm", name, "--runs", str(runs), "--yes"])
        assert result.exit_code == 2
        assert words in " ".join(result.output.split())
    assert (precious / "thesis.txt").is_file()
    (run / "notes.txt").unlink()
    called("runs", "rm", run, "--runs", runs, "--yes")
    assert not run.exists()
    assert precious.is_dir()


def test_resume_finishes(runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feasibility_tables, "feasibility_tables", small_system.analyse)
    study = small_system.study(tmp_path, "seed=9")
    run = simulation.start(study, SYSTEM, runs)
    called("runs", "resume", run.name, "--runs", runs, "--verify", 0, "--no-report", "--quiet")
    assert run.complete
    assert {"feasibility", "trust"} <= set(run.tables)


def test_compare_and_export(runs: Path, tmp_path: Path) -> None:
    run = simulation.resume(simulation.start(small_system.study(tmp_path, "seed=9"), SYSTEM, runs), SYSTEM)
    other = next(path.name for path in runs.iterdir() if path.name != run.name)
    found = json.loads(called("compare", run.name, other, "--runs", runs, "--json"))
    assert found["study"] == [{"path": "seed", "a": "9", "b": "7"}]
    path = tmp_path / "out.csv"
    assert called("export", run.name, "--to", "iamc-csv", "--out", path, "--runs", runs).split() == [str(path)]


def test_the_table_says_what_the_metrics_say(runs: Path) -> None:
    (folder,) = runs.iterdir()
    run = Run(folder)
    table = terminal_tables.verdicts(run, "even", "full").set_index("province")
    margin = run.metrics()["margin"].sel(allocation="even", mix="full", province="Guangdong")
    assert float(table.loc["Guangdong", "margin"]) == pytest.approx(float(margin.median()), abs=0.051)
    assert table.loc["Guangdong", "chance %"].startswith(f"{100 * float((margin >= 0).mean()):.0f} ±")
    with pytest.raises(InputError, match=r"has no even × none; it has: even × base, even × full, official × base"):
        terminal_tables.verdicts(run, "even", "none")
    assert "160 member runs in" in overview.statistics(run)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["update", "Guangxi", "2026", "--energy", "2", "--save", "no/such/t.csv"], "is not a folder"),
        (["solve", "--province", "Guangxi", "--save", "."], "is a folder"),
        (["explore", "-o", "no/such/page.html"], "is not a folder"),
        (["brief", "Guangxi", "-o", "file"], "is not a folder"),
        (["allocate", "brief", "Tibet"], "Tibet"),
        (["solve", "--province", "Guangxi", "--budget", "nan"], "a finite number of billion yuan"),
        (["run", "fifteenth-plan", "--assigned", "Guangxi=abc"], "got 'abc', allowed: a number"),
    ],
)
def test_what_cannot_be_done_is_said_before_anything_slow(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], says: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    done = CliRunner().invoke(cli.app, words)
    assert done.exit_code == 2
    assert says in done.stderr


def test_memory_is_bounded_in_members(tmp_path: Path) -> None:
    some, many = (
        estimate.estimate(small_system.study(tmp_path, f"members={n}"), SYSTEM, tmp_path) for n in (10**5, 10**6)
    )
    drawn = 3 * 8 * 1  # copies, bytes, the one input without a province
    assert 0 <= many["memory bytes"] - some["memory bytes"] < 1.5 * drawn * 10**6
    assert many["disk bytes"] > 9 * some["disk bytes"]


def test_an_estimate_writes_nothing(tmp_path: Path) -> None:
    found = estimate.estimate(small_system.study(tmp_path, "members=500"), SYSTEM, tmp_path / "runs")
    assert (found["member runs"], found["scenarios"]) == (2000, 4)
    assert found["seconds"] > 0
    assert not (tmp_path / "runs").exists()


def test_json_has_no_infinities(capsys: pytest.CaptureFixture[str]) -> None:
    console.emit({"a": float("nan"), "b": [float("inf"), 1.5], "c": Path("x")}, json=True)
    assert json.loads(capsys.readouterr().out) == {"a": None, "b": [None, 1.5], "c": "x"}


def test_numbers_of_a_table_that_round_to_zero_have_no_sign(capsys: pytest.CaptureFixture[str]) -> None:
    console.emit(
        pd.DataFrame({"rule": ["a", "b"], "points": [-0.0001, -1.2], 2030: [-0.0, float("nan")], "n": [0, -1]})
    )
    assert [line.split() for line in capsys.readouterr().out.splitlines()] == [
        ["rule", "points", "2030", "n"],
        ["a", "0.0", "0.0", "0"],
        ["b", "-1.2", "-1"],
    ]


def test_a_study_that_is_too_large_is_warned_of() -> None:
    takes = {
        "memory bytes": 10**15,
        "disk bytes": 8 * 10**14,
        "temporary disk bytes": 3 * 10**14,
        "free disk bytes": 10**15,
    }
    memory, disk = estimate.shortages(takes)
    assert "1000000.0 GB of memory" in memory
    assert "1100000.0 GB of disk" in disk
    assert not estimate.shortages({**dict.fromkeys(takes, 1), "free disk bytes": 3})
