"""States become inputs and numbers: in Python, and the same in the page's engine; the kernels belong to the model."""

import hashlib
import json
import shutil
import subprocess
from pathlib import Path

import pytest

from experiments.analyses import feasibility
from experiments.ensemble import installed, simulation
from experiments.explore import Members, answer, kernels, open_study
from experiments.explore.content import Content
from experiments.explore.page import HERE, plain
from experiments.explore.state import State
from models.reading.faults import InputError
from sim.compiler.codegen import wasm_build
from sim.wasm_export import RUNTIME, WasmExport
from tests.experiments.explore.states import differences, random_states

DRIVER = Path(__file__).with_name("run_engine.js")


@pytest.fixture(scope="module")
def led_by_carbon() -> Members:
    """Members of the study of the 15th plan."""
    return open_study("fifteenth-plan", members=16)


def test_the_shipped_kernels_belong_to_the_shipped_equations(held: Members, led_by_carbon: Members) -> None:
    record = json.loads(kernels.RECORD.read_text(encoding="utf-8"))
    texts = kernels.exports(held), kernels.exports(led_by_carbon)
    for name, export in [pair for made in texts for pair in made.items()]:
        assert export.key in record, "the model's equations changed: run `python tools/build_wasm.py`"
        entry = record[export.key]
        assert entry["file"] == kernels.file_name(name, export)
        assert entry["bytes"] == hashlib.sha256((kernels.FOLDER / entry["file"]).read_bytes()).hexdigest()
        assert entry["compiler"] == "ziglang 0.15.1"
    assert kernels.exports(held)["province"].description["range"] == {"dim": "province", "size": len(held.provinces)}


@pytest.mark.slow
@pytest.mark.skipif(wasm_build.version() is None, reason="ziglang is not installed (pip install 'tanlu[wasm]')")
def test_a_kernel_built_anew_has_the_same_bytes(held: Members) -> None:
    for name, export in kernels.exports(held).items():
        assert export.build() == (kernels.FOLDER / kernels.file_name(name, export)).read_bytes()


def test_own_equations_without_a_compiler_are_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TANLU_CACHE", str(tmp_path))
    monkeypatch.setattr(wasm_build, "version", lambda: None)
    with pytest.raises(InputError, match=r"equations are not those .* pip install 'tanlu\[wasm\]'"):
        kernels.kernel("nation", WasmExport({"run_member": "int run(void) { return 1; }"}, {}, None))  # type: ignore[arg-type]


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
@pytest.mark.parametrize("leads", ["energy", "carbon"])
def test_the_page_s_engine_gives_the_numbers_of_python(
    held: Members, led_by_carbon: Members, leads: str, tmp_path: Path
) -> None:
    held = held if leads == "energy" else led_by_carbon
    assert held.leads == leads
    content, states = Content(held), random_states(held, 1)
    moved = {"levers": {"industrial retrofit": 0.9}, "targets": {held.provinces[18]: 21.0}}
    states += [states[0].model_copy(update=moved), random_states(held, 2)[1]]  # begins in the base year; does not
    read = lambda name: (HERE / "static" / name).read_text(encoding="utf-8")  # noqa: E731
    (tmp_path / "worker.js").write_text("\n".join((RUNTIME.read_text(), read("engine.js"))), encoding="utf-8")
    (tmp_path / "data.json").write_text(json.dumps(plain(content.shared() | content.engine())), encoding="utf-8")
    (tmp_path / "states.json").write_text(json.dumps([state.model_dump() for state in states]), encoding="utf-8")
    files = [tmp_path / name for name in ("worker.js", "data.json", "states.json", "out.json")]
    subprocess.run(["node", DRIVER, *files], check=True, timeout=300)
    for state, got in zip(states, json.loads(files[-1].read_text(encoding="utf-8")), strict=True):
        assert differences(got["whole"], plain(answer.answer(held, state))) == []
        assert got["difference"] < 1e-12
        assert got["alone"][leads]["chance"][18] == got["whole"][leads]["chance"][18]
        assert got["whole"][leads]["chance"][18] is not None
        begins = 16 * (held.plan[0] - held.years[0]) if state is states[1] else 0
        assert got["from"] == [begins, begins]


def test_the_answer_agrees_with_a_run_of_the_study(held: Members, tmp_path_factory: pytest.TempPathFactory) -> None:
    chosen = [choice for choice in held.study.mixes if choice.label == held.start]
    study = held.study.model_copy(update={"mixes": chosen, "allocations": held.study.allocations[:1]})
    system = installed.installed()
    run = simulation.resume(simulation.start(study, system, tmp_path_factory.mktemp("runs")), system)
    rows = feasibility.summary(run.metrics()).set_index("province").loc[[*held.provinces, "China"]]
    energy = answer.answer(held, held.first)["energy"]
    assert energy["chance"] == pytest.approx(rows.chance.to_numpy(), abs=1e-4)
    assert energy["margin"] == pytest.approx(rows.margin.to_numpy(), abs=2e-3)  # float32 in the run


def test_levers_and_targets_move_what_they_should(held: Members) -> None:
    rule, preset = held.first.rule, held.start
    falls = [
        answer.answer(held, State(rule=rule, preset=preset, levers={"industrial retrofit": s}))["energy"]["reduction"]
        for s in (0.0, 1.0)
    ]
    assert (falls[0] < falls[1]).all()
    hebei = held.provinces.index("Hebei")
    own = answer.answer(held, State(rule=rule, preset=preset, own={"Hebei": dict.fromkeys(held.levers, 0.0)}))
    first = answer.answer(held, held.first)
    change = first["energy"]["reduction"] - own["energy"]["reduction"]
    assert change[hebei] > 0.3
    assert abs(change[[i for i in range(30) if i != hebei]]).max() < 0.3  # learning is common to all provinces
    harder = answer.answer(held, State(rule=rule, preset=preset, targets={"Hebei": 30.0}))
    assert harder["energy"]["chance"][hebei] < first["energy"]["chance"][hebei]
    assert harder["national"] > first["national"]


def test_a_lever_without_an_object_stays_at_zero(held: Members) -> None:
    state = State(rule=held.rules[0], preset="full", levers={"heat reform": 1.0})
    strength = held.strengths(state)[:, held.levers.index("heat reform")]
    assert strength[held.provinces.index("Guangdong")] == 0
    assert strength[held.provinces.index("Beijing")] == 1
