import numpy as np
import pandas as pd
import pytest

from experiments.analyses.sensitivity import target
from experiments.analyses.sensitivity.factors import Factor
from tests.experiments.sensitivity.published import ishigami

CASE = ishigami()


def margin(points: pd.DataFrame) -> np.ndarray:
    """Ishigami above 5: the third input acts through interaction alone."""
    return CASE.evaluate(points) - 5


def test_interaction_only_input_is_not_cleared() -> None:
    table = target.analyse(margin, CASE.factors, runs=12_000)
    hit = table[table.of == "hit"].set_index("factor")
    assert hit.verdict["x3"] == "interacts"
    assert hit.ST_low["x3"] > 0.2
    assert target.irrelevant(table[table.of == "hit"]) == {"output": []}


@pytest.mark.parametrize(
    ("first", "total", "word"),
    [
        ((0.1, 0.3), (0.2, 0.4), "decides"),
        ((-0.02, 0.05), (0.2, 0.4), "interacts"),
        ((-0.02, 0.3), (0.2, 0.4), "takes part"),  # S1 may be all of ST: interaction is not shown
        ((-0.02, 0.3), (-0.1, 0.4), "unclear"),
        ((-0.02, 0.005), (0.0, 0.009), "irrelevant"),
    ],
)
def test_a_verdict_says_no_more_than_the_intervals(first: tuple, total: tuple, word: str) -> None:
    ends = dict(zip(("S1_low", "S1_high", "ST_low", "ST_high"), (*first, *total), strict=True))
    rows = [{"output": "y", "factor": "a", "ST": sum(total) / 2, **ends}]
    rows += [{"output": "y", "factor": "dummy", "ST": 0.0, **dict.fromkeys(ends, 0.0)}]
    assert target.verdicts(pd.DataFrame(rows)).verdict[0] == word


def test_rsa_alone_would_have_cleared_it() -> None:
    rng = np.random.default_rng(3)
    unit = pd.DataFrame(rng.random((4000, 3)), columns=["x1", "x2", "x3"])
    hit = margin(unit * 2 * np.pi - np.pi) >= 0
    distance = target.curves(unit, hit).groupby("factor").distance.first()
    assert distance["x3"] < 0.5 * distance.drop("x3").min()


def test_an_unused_input_is_irrelevant_and_fresh_runs_agree() -> None:
    factors = (*CASE.factors, Factor("unused"))
    table = target.analyse(margin, factors, runs=8000)
    names = target.irrelevant(table[table.of == "hit"])
    assert names == {"output": ["unused"]}
    check = target.validate(margin, factors, names, runs=500)
    assert check.holds.all()
    assert (check.changed == 0).all()


def test_fixing_what_matters_is_found_out_by_fresh_runs() -> None:
    check = target.validate(margin, CASE.factors, {"y": ["x3"]}, runs=2000).iloc[0]
    assert not check.holds
    assert check.changed > 0.05


def test_a_certain_hit_has_no_verdict() -> None:
    table = target.analyse(lambda x: 1 + x.a.to_numpy(), [Factor("a"), Factor("b")])
    hit = table[(table.of == "hit") & (table.factor != "dummy")]
    assert (hit.verdict == "constant").all()
    assert target.irrelevant(hit) == {"output": []}


def test_curves_end_at_one_and_without_misses_are_empty() -> None:
    unit = pd.DataFrame({"a": (np.arange(100) + 0.5) / 100})
    half = target.curves(unit, unit.a > 0.5)
    assert half.distance.iloc[0] == 1
    assert half[["cdf_hit", "cdf_miss"]].iloc[-1].tolist() == [1, 1]
    none = target.curves(unit, np.ones(100))
    assert none.cdf_miss.isna().all()
    assert none.distance.isna().all()


def test_each_output_has_its_own_inputs_fixed() -> None:
    factors = [Factor("a", -1, 1), Factor("b", -1, 1)]
    both = lambda x: np.column_stack([x.a, x.b, x.b])  # noqa: E731
    check = target.validate(both, factors, {"a": ["b"], "b": ["b"], "b too": []}, runs=400).set_index("output")
    assert (check.changed == [0, 0.5, 0]).all()
    assert check.fixed.tolist() == [1, 1, 0]
    assert check.holds.tolist() == [True, False, True]
    with pytest.raises(ValueError, match="3 outputs"):
        target.validate(both, factors, {"a": ["b"]}, runs=100)
