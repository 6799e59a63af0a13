from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from SALib.analyze.sobol import first_order, total_order

from experiments.analyses.sensitivity import sobol, target
from experiments.analyses.sensitivity.factors import DUMMY, Factor
from tests.experiments.sensitivity.published import ALL, Published, coverage, ishigami, linear


@pytest.mark.parametrize("case", ALL, ids=lambda c: c.name)
def test_published_indices_are_recovered(case: Published) -> None:
    table = sobol.indices(case.evaluate, case.factors, runs=80_000, seed=3)
    real = table[table.factor != DUMMY]
    np.testing.assert_allclose(real.S1, case.first, atol=0.02)
    np.testing.assert_allclose(real.ST, case.total, atol=0.02)


@pytest.mark.parametrize("case", ALL, ids=lambda c: c.name)
def test_intervals_cover_the_truth(case: Published) -> None:
    share = coverage(case, repeats=25, runs=5000)[["S1", "ST"]].to_numpy()
    assert 0.90 <= share.mean() <= 0.99
    assert share.min() >= 0.72  # 0.0004 quantile of a binomial(25, 0.95)


@pytest.mark.slow
@pytest.mark.parametrize("case", ALL, ids=lambda c: c.name)
def test_intervals_cover_the_truth_in_200_repeats(case: Published) -> None:
    share = coverage(case, repeats=200, runs=5200)[["S1", "ST"]].to_numpy()
    assert share.min() >= 0.90
    assert share.max() <= 0.99 + 1e-9


def test_estimates_equal_those_of_salib() -> None:
    rng = np.random.default_rng(5)
    y = rng.normal(size=(8, 64, 5, 1))
    whole = y.reshape(1, -1, 5, 1)
    a, b, mixed = whole[0, :, 0], whole[0, :, -1], whole[0, :, 1:-1, 0]
    a, b = a - y.mean(), b - y.mean()
    first = [first_order(a[:, 0], mixed[:, j] - y.mean(), b[:, 0]) for j in range(3)]
    total = [total_order(a[:, 0], mixed[:, j] - y.mean(), b[:, 0]) for j in range(3)]
    pseudo = sobol.estimate(y)
    # The jackknife's mean differs from the plain estimate by its bias correction only, of the order 1/runs.
    np.testing.assert_allclose(pseudo[0].mean(axis=0)[:, 0], first, atol=0.01)
    np.testing.assert_allclose(pseudo[1].mean(axis=0)[:, 0], total, atol=0.01)


def test_cost_stays_within_the_runs_asked_for() -> None:
    case = ishigami()
    table = sobol.indices(case.evaluate, case.factors, runs=5000, seed=1)
    assert (table.replicates.iloc[0], table.runs.iloc[0]) == (13, 13 * 64 * (4 + 2))
    with pytest.raises(ValueError, match="too few"):
        sobol.indices(case.evaluate, case.factors, runs=100)


def test_dummy_is_zero_and_several_outputs_equal_single_ones() -> None:
    case = ishigami()
    both = sobol.indices(
        lambda x: np.column_stack([case.evaluate(x), case.evaluate(x) > 5]), case.factors, outputs=["y", "hit"], seed=2
    )
    alone = sobol.indices(case.evaluate, case.factors, outputs=["y"], seed=2)
    pd.testing.assert_frame_equal(both[both.output == "y"].reset_index(drop=True), alone)
    assert (both.loc[both.factor == DUMMY, "ST"] == 0).all()


def test_groups_have_the_indices_of_their_sum() -> None:
    case = linear((1.0, 2.0, 2.0))
    factors = [replace(f, group=g) for f, g in zip(case.factors, "aab", strict=True)]
    table = sobol.indices(case.evaluate, factors, runs=8000, groups=True).set_index("factor")
    assert list(table.index) == ["a", "b", DUMMY]
    np.testing.assert_allclose(table.ST[:2], [5 / 9, 4 / 9], atol=0.02)


def test_constant_output_has_no_index() -> None:
    table = sobol.indices(lambda x: np.ones(len(x)), [Factor("a"), Factor("b")])
    assert table.ST.isna().all()
    assert sobol.convergence(table).stable.all()


def test_a_small_output_beside_a_large_one_is_not_constant() -> None:
    table = sobol.indices(lambda x: np.column_stack([1e9 * x.a, 1e-3 * x.b]), [Factor("a"), Factor("b")])
    assert table.ST.notna().all()


def test_an_event_in_one_replicate_alone_has_indices_without_intervals() -> None:
    y = np.zeros((8, 16, 4, 1))
    y[3, 0, 0] = 1  # the first point of A in the fourth replicate alone
    table = sobol._table(sobol.estimate(y), sobol.estimate(y[:, :8]), ["a", DUMMY], ["y"])
    assert table.ST.notna().all()
    assert table.ST_high.isna().all()
    assert set(target.verdicts(table).verdict) == {"unclear", DUMMY}
    assert list(sobol.ranked(table)["rank"]) == ["–"]


def test_a_rare_event_absent_from_some_replicates_keeps_finite_indices() -> None:
    table = sobol.indices(lambda x: (x.a * x.b > 0.85).to_numpy(float), [Factor("a"), Factor("b")], runs=2000)
    assert np.isfinite(table[["S1", "ST"]]).all().all()


def test_overlapping_inputs_share_a_rank() -> None:
    table = pd.DataFrame(
        {
            "output": "y",
            "factor": ["a", "b", "c", DUMMY],
            "ST": [0.2, 0.8, 0.25, 0.0],
            "ST_low": [0.1, 0.7, 0.2, 0.0],
            "ST_high": [0.3, 0.9, 0.35, 0.0],
        }
    )
    assert dict(sobol.ranked(table)[["factor", "rank"]].to_numpy()) == {"b": "1", "a": "2–3", "c": "2–3"}


def test_convergence_reports_a_reversed_pair() -> None:
    table = pd.DataFrame(
        {
            "output": "y",
            "factor": ["a", "b", DUMMY],
            "ST_low": [0.1, 0.7, 0.0],
            "ST_high": [0.3, 0.9, 0.0],
            "ST_half": [0.5, 0.4, 0.0],
        }
    )
    row = sobol.convergence(table).iloc[0]
    assert (row.pairs, row.reversed, row.stable) == (1, 1, False)
    assert sobol.convergence(table.assign(ST_half=[0.2, 0.8, 0.0])).stable.all()


def test_intervals_are_those_of_student_with_seven_degrees() -> None:
    case, seen = linear(), []

    def evaluate(points: pd.DataFrame) -> np.ndarray:
        seen.append(case.evaluate(points))
        return seen[-1]

    table = sobol.indices(evaluate, case.factors, runs=4000, replicates=8, seed=2)
    table = table.set_index("factor").loc[[factor.name for factor in case.factors]]
    columns = len(case.factors) + 3  # the factors, the dummy, and both ends of the design
    pseudo = sobol.estimate(np.asarray(seen[0]).reshape(table.replicates.iloc[0], -1, columns, 1))
    assert table.replicates.iloc[0] == 8
    for k, name in enumerate(("S1", "ST")):
        spread = pseudo[k, :, : len(case.factors), 0].std(axis=0, ddof=1)
        half = (table[f"{name}_high"] - table[f"{name}_low"]) / 2
        np.testing.assert_allclose(half, 2.3646 * spread / np.sqrt(8), rtol=1e-4)  # 97.5 % of t, seven degrees
