"""A run killed at any write, or damaged in any file, ends as if nothing had happened, or the fault is named."""

from collections.abc import Callable
from contextlib import nullcontext, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from experiments import brief, pipeline, report
from experiments.analyses import feasibility_tables, gap, hindcast, trust
from experiments.analyses.policy import policy_tables
from experiments.analyses.sensitivity import sensitivity_tables
from experiments.ensemble import simulation
from experiments.runs import overview
from experiments.runs.store import Run, write_text
from experiments.study.schema import Study
from models.reading.faults import InputError
from tests.experiments import small_system
from tests.experiments.interruptions import damaged_copy, damages, digests, files_of, snapshots
from tests.experiments.small_system import SYSTEM

STAGES = ("members=12", "hindcast=true", "sensitivity={runs: 4000}", "policy={mix: full}")


@pytest.fixture(autouse=True)
def light(monkeypatch: pytest.MonkeyPatch) -> None:
    """Quick analyses: each reads the inputs of the real one, and writes several tables one after the other."""

    def saving(*names: str, reads: Callable[[Run], float]) -> Callable[..., None]:
        def make(run: Run, *_: Any, **__: Any) -> None:
            for number, name in enumerate(names):
                run.save_table(name, pd.DataFrame({"value": [reads(run) + number]}))

        return make

    def mean(run: Run) -> float:
        return float(run.metrics("reduction")["reduction"].mean())

    def with_hindcast(run: Run) -> float:
        return mean(run) + float(run.table("backtest")["value"].iloc[0])

    def write(run: Run) -> None:
        for name in ("report.html", "report.zh.html"):
            shown = [*run.table("trust")["value"], *run.table(gap.TABLE)["value"]]
            write_text(run.folder / name, f"{name} {shown}")

    backtest = saving("backtest", "backtest_facts", reads=lambda run: 0.5)
    monkeypatch.setattr(hindcast, "scorecard", lambda **_: {})
    monkeypatch.setattr(hindcast, "save", lambda _, run: backtest(run))
    monkeypatch.setattr(feasibility_tables, "feasibility_tables", saving("feasibility", "boxes", reads=with_hindcast))
    monkeypatch.setattr(sensitivity_tables, "sensitivity_tables", saving("screening", "sensitivity", reads=mean))
    monkeypatch.setattr(policy_tables, "analyse", saving("costs", "triple_win", reads=mean))
    monkeypatch.setattr(
        trust,
        "panel",
        lambda run: pd.DataFrame(
            {"value": [float(run.table(n).iloc[0, 0]) for n in sorted(run.tables) if n not in ("trust", gap.TABLE)]}
        ),
    )
    monkeypatch.setattr(report, "write", write)
    monkeypatch.setattr(gap, "table", lambda run, _: pd.DataFrame({"value": [mean(run)]}))
    monkeypatch.setattr(brief, "write", lambda run: None)


def carried_out(study: Study, runs: Path) -> Run:
    return pipeline.carry_out(
        study,
        SYSTEM,
        runs,
        pipeline.RunOptions(batch=5, verify=0),
        step=lambda _: nullcontext(lambda *_: None),
        say=lambda _: None,
    )


@pytest.fixture
def study(tmp_path: Path) -> Study:
    return small_system.study(tmp_path, *STAGES)


EVERY = [pytest.param(29, id="some"), pytest.param(1, id="every", marks=pytest.mark.slow)]


@pytest.mark.parametrize("step", EVERY)
def test_a_kill_at_every_write_is_repaired(
    study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    whole = digests(carried_out(study, tmp_path / "whole"))
    folder = tmp_path / "runs"
    left = snapshots(lambda: carried_out(study, folder), folder, tmp_path / "kept", monkeypatch)
    assert len(left) > 80
    for what, runs in left[::step]:
        run = carried_out(study, runs)
        assert digests(run) == whole, what
        assert [path.name for path in runs.iterdir()] == [run.name], what
        assert run.complete
    assert {"trust.parquet", "triple_win.parquet"} <= {Path(name).name for name in whole}
    assert {"report.html", "report.zh.html", "stages/report.json"} <= set(whole)


def unfinished(study: Study, runs: Path, after: int) -> Run:
    calls: list[int] = []

    def stops(*given: Any) -> Any:
        calls.append(1)
        if len(calls) > after:
            raise KeyboardInterrupt
        return SYSTEM.simulate(*given)

    run = simulation.start(study, SYSTEM, runs, batch=5)
    with pytest.raises(KeyboardInterrupt):
        simulation.resume(run, replace(SYSTEM, simulate=stops))
    return run


@pytest.mark.parametrize("step", EVERY)
@pytest.mark.parametrize("state", ["finished", "unfinished"])
def test_every_damaged_file_is_repaired_or_named(study: Study, tmp_path: Path, state: str, step: int) -> None:
    another = small_system.study(tmp_path, *STAGES, "seed=8")
    whole = carried_out(study, tmp_path / "whole")
    if state == "finished":
        made = [carried_out(one, tmp_path / name) for name, one in (("a", study), ("b", another))]
    else:
        made = [unfinished(one, tmp_path / name, 7) for name, one in (("a", study), ("b", another))]
    answers: dict[str, int] = {"repaired": 0, "named": 0}
    tried = 0
    for name in files_of(made[0]):
        for number, (what, content) in enumerate(damages(made[0].folder / name, made[1].folder / name)):
            tried += 1
            if tried % step:
                continue
            folder = tmp_path / f"{state}-{number}-{str(name).replace('/', '_')}"
            damaged_copy(made[0], folder, name, content)
            fault = ""
            with suppress(InputError):
                fault = "not repaired"
                assert digests(carried_out(study, folder)) == digests(whole), (name, what)
                fault = ""
            answers["named" if fault else "repaired"] += 1
            if fault:
                with pytest.raises(InputError, match=name.name):
                    carried_out(study, folder)
    assert answers["repaired"] * step > {"finished": 60, "unfinished": 20}[state]
    assert answers["named"] <= 10


def test_one_broken_manifest_does_not_break_the_list(study: Study, tmp_path: Path) -> None:
    first = simulation.start(study, SYSTEM, tmp_path / "runs")
    second = simulation.start(small_system.study(tmp_path, "seed=8"), SYSTEM, tmp_path / "runs")
    (first.folder / "manifest.json").write_text("{", encoding="utf-8")
    table = overview.listing(tmp_path / "runs").set_index("run")["status"]
    assert table[first.name] == "manifest.json is damaged"
    assert table[second.name] == "incomplete"
