import pandas as pd
import pytest

from calibration.backtest import MODEL, OPPONENT
from experiments import trust

MANIFEST = {"members": {"drawn": 10, "done": 40, "failed": 0}}


def card(high: float) -> dict[str, pd.DataFrame]:
    """A backtest in which the model's CRPS less the opponent's lies in −0.4 … high."""
    rows = [
        {"question": "main", "run": MODEL, "forecast": MODEL},
        {
            "question": "main",
            "run": MODEL,
            "forecast": OPPONENT,
            "delta_crps": -0.2,
            "delta_crps_low": -0.4,
            "delta_crps_high": high,
        },
        {
            "question": "other",
            "run": MODEL,
            "forecast": OPPONENT,
            "delta_crps": 9,
            "delta_crps_low": 8,
            "delta_crps_high": 9,
        },
    ]
    return {"backtest": pd.DataFrame(rows)}


@pytest.mark.parametrize(("high", "passed", "word"), [(-0.05, True, "good"), (0.05, False, "bad")])
def test_the_holdout_test_is_passed_when_the_whole_interval_is_better(high: float, passed: bool, word: str) -> None:
    assert trust.backtest_verdict(card(high))[0] is passed
    items = {item.topic: item for item in trust.holdout(card(high), MANIFEST)}
    assert items["hold-out test"].verdict == word
    assert items["calibrated words"].value.startswith("given" if passed else "withheld")


def test_without_a_backtest_words_are_withheld() -> None:
    items = {item.topic: item for item in trust.holdout({}, MANIFEST)}
    assert items["hold-out test"].verdict == trust.ABSENT
    assert items["calibrated words"].value.startswith("withheld")


@pytest.mark.parametrize(("failed", "verdict"), [(0, "good"), (1, "caution"), (300, "bad")])
def test_failures_are_judged(failed: int, verdict: str) -> None:
    manifest = {"members": {"drawn": 1000, "done": 1000, "failed": failed}}
    assert next(iter(trust.members({}, manifest))).verdict == verdict


def test_outputs_that_never_vary_have_no_ranks_to_refuse() -> None:
    table = pd.DataFrame({"stable": [True], "total_dummy": [0.0], "widest": [0.01]})
    ranks = pd.DataFrame({"factor": ["a", "b", "c"], "rank": ["1", "2–3", "–"]})
    items = trust.ranking({"convergence": table, "sensitivity": ranks}, MANIFEST)
    assert {item.topic: item.value for item in items}["ranks refused"] == "50 % of inputs share a rank"


def test_an_unstable_ranking_and_a_loud_dummy_are_not_good() -> None:
    table = pd.DataFrame({"stable": [True, False], "total_dummy": [0.0, 0.2], "widest": [0.3, 0.01]})
    verdicts = {item.topic: item.verdict for item in trust.ranking({"convergence": table}, MANIFEST)}
    assert verdicts == {
        "ranking at N and N/2": "caution",
        "dummy input": "bad",
        "widest interval of a total index": "caution",
    }


def test_the_worst_verdict_stands_for_the_panel() -> None:
    table = pd.DataFrame({"verdict": ["good", "not done", "caution"]})
    assert trust.worst(table) == "caution"
    assert trust.worst(pd.DataFrame({"verdict": ["good"]})) == "good"
