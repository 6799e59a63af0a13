"""Random models equal PySD on every back end, or are refused by name."""

from collections import Counter

import pytest
from hypothesis import HealthCheck, given, note, reject, settings

from sim import Model
from sim.backends import BACKENDS
from sim.errors import ModelError, Refused
from sim.oracle import Oracle
from tests.sim.conftest import agree
from tests.sim.generate import models

USABLE = [name for name in sorted(BACKENDS) if name != "auto" and BACKENDS[name].available() is None]


def compare(text, folder):
    """What became of a model: equal, refused, or nothing to compare with because PySD fails."""
    note(text)
    path = folder / "generated.mdl"
    path.write_text(text, encoding="utf-8")
    try:
        reference = Oracle(path).run()
    except ModelError:
        return "PySD fails"
    try:
        model = Model.load(path)
    except Refused as refusal:
        return "refused" if refusal.variable and refusal.reason else "refused without a reason"
    for backend in USABLE:
        agree(reference, model.run(backend=backend))
    return "equal"


def run(count, folder, *, derandomize):
    seen = Counter()

    @settings(
        max_examples=count,
        deadline=None,
        derandomize=derandomize,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(models())
    def check(text):
        outcome = compare(text, folder)
        if outcome == "PySD fails":
            reject()  # nothing to compare with; another model is drawn
        seen[outcome] += 1

    check()
    return seen


def expect(seen):
    """Nearly all run; a refusal says why."""
    assert {*seen} <= {"equal", "refused"}, seen
    assert seen["equal"] >= 0.9 * seen.total(), seen


def test_50_models(tmp_path):
    expect(run(50, tmp_path, derandomize=True))


@pytest.mark.slow
def test_1000_models(tmp_path):
    expect(run(1000, tmp_path, derandomize=False))
