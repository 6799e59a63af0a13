"""Levers move the real model, and the answer agrees with a run of the same study."""

import asyncio
from typing import Any

import httpx
import numpy as np
import pytest

from experiments.analyses import feasibility
from experiments.ensemble import installed, simulation
from experiments.explore import Live
from experiments.explore.guard import Guard
from experiments.explore.live import LEVELS, Paths
from experiments.explore.server import application
from experiments.explore.state import State

HEADERS = {"host": "127.0.0.1:8000", "x-tanlu-token": "secret"}


@pytest.fixture(scope="module")
def page(live: Live) -> Guard:
    """The application of one explorer."""
    return application(live, 8000, "secret")


def ask(page: Guard, method: str, address: str, **options: Any) -> httpx.Response:
    """An answer of the application."""

    async def once() -> httpx.Response:
        transport = httpx.ASGITransport(page)  # type: ignore[arg-type]
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000") as client:
            return await client.request(method, address, **options)

    return asyncio.run(once())


def test_a_stronger_lever_brings_a_larger_fall(live: Live) -> None:
    falls = [
        live.answer(State(rule="official", levers={"industrial retrofit": strength}))["verdicts"]["reduction"][-1]
        for strength in (0.0, 0.5, 1.0)
    ]
    assert falls[0] < falls[1] < falls[2]


def test_a_lever_of_one_province_leaves_the_others(live: Live) -> None:
    before = live.answer(State(rule="official"))["verdicts"]["reduction"]
    after = live.answer(State(rule="official", where="Hebei", levers=dict.fromkeys(live.levers, 0.0)))["verdicts"][
        "reduction"
    ]
    hebei = live.provinces.index("Hebei")
    assert after[hebei] < before[hebei] - 0.3
    # Learning is common to all provinces, so a trace reaches the others.
    assert max(abs(a - b) for i, (a, b) in enumerate(zip(after[:-1], before[:-1], strict=True)) if i != hebei) < 0.3


def test_the_answer_agrees_with_a_run_of_the_study(live: Live, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("runs")
    system = installed.installed()
    run = simulation.resume(simulation.start(live.study, system, folder), system)
    table = feasibility.summary(run.metrics())
    rows = table[(table.allocation == "official") & (table.mix == live.mix)].set_index("province")
    verdicts = live.answer(State(rule="official"))["verdicts"]
    places = [*live.provinces, "China"]
    assert verdicts["chance"] == pytest.approx(rows.chance[places].tolist(), abs=1e-4)
    assert verdicts["margin"] == pytest.approx(rows.margin[places].tolist(), abs=1e-3)
    words = {1: "red", 2: "yellow", 3: "green"}
    assert [words[int(level)] for level in verdicts["level"] if level] == rows.light[places].tolist()


def test_four_lines_when_an_assumption_moves(live: Live) -> None:
    plain = live.answer(State(rule="official"))["lines"]
    moved = live.answer(State(rule="official", assumptions={"energy price growth": 0.03}))["lines"]
    assert set(plain) == {"policy", "none"}
    assert set(moved) == {"policy", "none", "modified policy", "modified none"}
    assert moved["none"] == plain["none"]
    assert moved["policy"] == plain["policy"]
    assert moved["modified none"] != plain["none"]


def test_the_same_question_has_the_same_answer(live: Live) -> None:
    state = State(rule="uniform", levers={"coal to gas": 0.3})
    first = live.answer(state)
    live._answers.clear()
    assert live.answer(state) == first


def test_quantiles_leave_failed_members_out() -> None:
    values = np.random.default_rng(1).normal(size=(2, 50, 3))
    values[0, :7] = np.nan
    found = Paths(values).quantiles()
    assert found[:, 0] == pytest.approx(np.quantile(values[0, 7:], LEVELS, axis=0))
    assert found[:, 1] == pytest.approx(np.quantile(values[1], LEVELS, axis=0))


def test_the_page_and_its_addresses(page: Guard) -> None:
    assert ask(page, "GET", "/").status_code == 403
    chinese = ask(page, "GET", "/?token=secret&lang=zh")
    assert chinese.status_code == 200
    assert 'lang="zh-CN"' in chinese.text
    assert "<script>" not in ask(page, "GET", "/?token=secret&lang=<script>").text
    for name in ("app.js", "chart.js", "app.css", "TanluSans-Regular.otf"):
        assert ask(page, "GET", f"/static/{name}").status_code == 200
    assert ask(page, "GET", "/static/..%2Fserver.py").status_code == 404
    setting = ask(page, "GET", "/api/setting", headers=HEADERS).json()
    assert len(setting["provinces"]) == 31
    assert sum(not lever["further"] for pack in setting["packages"] for lever in pack["levers"]) == 12
    assert len(setting["measured"]["Guangdong"]) >= 9


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b'{"rule": "official"}', "application/json", 200),
        (b'{"rule": "official"}', "text/plain", 415),
        (b"{", "application/json", 422),
        (b"[" * 60_000, "application/json", 422),
        (b'{"rule": "<script>"}', "application/json", 422),
        (b'{"rule": "' + b"x" * 10_000_000 + b'"}', "application/json", 413),
    ],
)
def test_odd_questions_are_refused(page: Guard, content: bytes, kind: str, status: int) -> None:
    got = ask(page, "POST", "/api/answer", content=content, headers={**HEADERS, "content-type": kind})
    assert got.status_code == status
    assert got.headers["content-type"].startswith(("application/json", "text/plain"))
