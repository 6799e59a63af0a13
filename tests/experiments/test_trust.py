import pandas as pd
import pytest

from calibration import scorecard
from calibration.backtest import MODEL, OPPONENT
from experiments.analyses import trust
from experiments.words.terms import Terms

MANIFEST = {"members": {"drawn": 10, "done": 40, "failed": 0}}
said = Terms("en").message


def card(high: float, held: float = 0.8) -> dict[str, pd.DataFrame]:
    """A backtest in which the model's CRPS less the opponent's lies in −0.4 … high, and 80 % bands hold a share."""
    better, worse = ({"low": low, "": middle, "high": top} for low, middle, top in ((-0.4, -0.2, high), (8, 9, 9)))

    def row(question: str, forecast: str, **values: float) -> dict[str, object]:
        return {"question": question, "run": MODEL, "forecast": forecast, "coverage_80": held, **values}

    def deltas(of: dict[str, float]) -> dict[str, float]:
        return {f"delta_{s}{'_' * bool(end)}{end}": value for s in ("crps", "mae") for end, value in of.items()}

    rows = [
        row("main", MODEL),
        row("main", OPPONENT, **deltas(better)),
        row("other", MODEL),
        row("other", OPPONENT, **deltas(worse)),
    ]
    return {"backtest": pd.DataFrame(rows)}


@pytest.mark.parametrize(
    ("high", "held", "passed", "word"),
    [(-0.05, 0.7, True, "good"), (0.05, 0.8, False, "bad"), (-0.05, 0.6, False, "bad"), (-0.05, 1.0, False, "bad")],
)
def test_the_holdout_test_is_passed_when_the_whole_interval_is_better_and_bands_are_right(
    high: float, held: float, passed: bool, word: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scorecard, "published_passed", lambda: True)
    assert trust.backtest_verdict(card(high, held))[0] is passed
    items = {item.topic: item for item in trust.holdout(card(high, held), MANIFEST)}
    assert items["hold-out test"].verdict == word
    assert said(items["calibrated words"].value).startswith("given" if passed else "withheld")


def test_words_are_withheld_while_the_verdicts_on_past_plans_fail() -> None:
    assert not scorecard.published_passed()
    items = {item.topic: item for item in trust.holdout(card(-0.05, 0.8), MANIFEST)}
    assert said(items["calibrated words"].value).startswith("withheld")
    (shown,) = trust.scored_plans({}, MANIFEST)
    assert said(shown.value).startswith("failed: 11th plan (plan): Brier 0.")
    assert "（plan）" in Terms("zh").message(shown.value)
    assert shown.verdict == trust.BAD


def test_members_that_miss_the_past_turn_the_panel_red() -> None:
    table = pd.DataFrame({"province": ["Hebei", "China"], "measured": [20.0, 19.9], "modelled": [20.0, 18.2]})
    for moved, verdict in ((0.0, trust.BAD), (1.5, trust.GOOD)):
        found = table.assign(modelled=table["modelled"] + moved)
        found["difference"] = found["modelled"] - found["measured"]
        (item,) = trust.fits({"members_fit": found}, MANIFEST)
        assert item.verdict == verdict


def test_without_a_backtest_words_are_withheld() -> None:
    items = {item.topic: item for item in trust.holdout({}, MANIFEST)}
    assert items["hold-out test"].verdict == trust.ABSENT
    assert said(items["calibrated words"].value).startswith("withheld")


@pytest.mark.parametrize(("failed", "verdict"), [(0, "good"), (1, "caution"), (300, "bad")])
def test_failures_are_judged(failed: int, verdict: str) -> None:
    manifest = {"members": {"drawn": 1000, "done": 1000, "failed": failed}}
    assert next(iter(trust.members({}, manifest))).verdict == verdict


def test_outputs_that_never_vary_have_no_ranks_to_refuse() -> None:
    table = pd.DataFrame({"stable": [True], "total_dummy": [0.0], "widest": [0.01]})
    ranks = pd.DataFrame({"factor": ["a", "b", "c"], "rank": ["1", "2–3", "–"]})
    items = trust.ranking({"convergence": table, "sensitivity": ranks}, MANIFEST)
    assert {item.topic: said(item.value) for item in items}["ranks refused"] == "50 % of inputs share a rank"


def test_an_unstable_ranking_and_a_loud_dummy_are_not_good() -> None:
    table = pd.DataFrame({"stable": [True, False], "total_dummy": [0.0, 0.2], "widest": [0.3, 0.01]})
    verdicts = {item.topic: item.verdict for item in trust.ranking({"convergence": table}, MANIFEST)}
    assert verdicts == {
        "ranking at N and N/2": "caution",
        "dummy input": "bad",
        "widest interval of a total index": "caution",
    }
