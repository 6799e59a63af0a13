from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from experiments.analyses.prim import discover, paste, peel

GOLDEN = Path(__file__).parent / "golden" / "prim_peeling.csv"


def planted(n: int = 2000, seed: int = 20) -> tuple[pd.DataFrame, np.ndarray]:
    """Six inputs; cases are dense (0.9 against 0.1) where x1 > 0.6, x2 < 0.4 and x3 > 0.2."""
    rng = np.random.default_rng(seed)
    x = pd.DataFrame(rng.random((n, 6)), columns=[f"x{i + 1}" for i in range(6)])
    inside = (x.x1 > 0.6) & (x.x2 < 0.4) & (x.x3 > 0.2)
    return x, rng.random(n) < np.where(inside, 0.9, 0.1)


def test_peeling_equals_the_reference_implementation() -> None:
    x, y = planted()
    golden = pd.read_csv(GOLDEN, comment="#")
    path = peel(x.to_numpy(), y, most=6)
    assert len(path) == len(golden)
    for box, row in zip(path, golden.itertuples(), strict=True):
        keep = ((x.to_numpy() >= box[:, 0]) & (x.to_numpy() <= box[:, 1])).all(axis=1)
        assert keep.sum() == row.members
        assert np.isfinite(box).any(axis=1).sum() == row.restricted
        assert y[keep].mean() == pytest.approx(row.density, abs=1e-9)
        assert y[keep].sum() / y.sum() == pytest.approx(row.coverage, abs=1e-9)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_planted_box_is_found(seed: int) -> None:
    x, y = planted(4000, seed=seed + 100)
    box, trade_off = discover(x, y, np.random.default_rng(seed))
    assert box is not None
    assert set(box.limits) == {"x1", "x2", "x3"}
    assert box.limits["x1"][0] == pytest.approx(0.6, abs=0.05)
    assert box.limits["x2"][1] == pytest.approx(0.4, abs=0.05)
    assert box.limits["x3"][0] == pytest.approx(0.2, abs=0.08)
    scores = box.scores()
    assert scores["density_low"] < 0.9 < scores["density_high"] + 0.05
    assert scores["base"] == pytest.approx(y.mean(), abs=0.03)
    assert trade_off.coverage.iloc[0] == 1


def test_the_held_out_half_does_not_shape_the_box() -> None:
    x, y = planted()
    rng = np.random.default_rng(5)
    x = x.join(pd.DataFrame(rng.random((len(x), 30))).add_prefix("noise"))  # more than are offered to the search
    rng = np.random.default_rng(4)
    held = rng.permutation(len(x)) >= len(x) // 2
    other = np.where(held, ~y, y)
    first, second = (discover(x, cases, np.random.default_rng(4))[0] for cases in (y, other))
    assert first is not None
    assert second is not None
    assert first.limits == second.limits
    assert first.scores()["density"] == pytest.approx(1 - second.scores()["density"])


def test_noise_gives_hardly_a_box_and_no_claim() -> None:
    boxes, claims = 0, 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        x = pd.DataFrame(rng.random((1000, 5))).add_prefix("x")
        box, _ = discover(x, rng.random(1000) < 0.3, rng)
        boxes += box is not None
        claims += box is not None and box.scores()["density_low"] > box.scores()["base"]
    assert boxes <= 6  # a restriction that says nothing is significant at 5 % in one of twenty
    assert claims <= 1  # and of what is found by chance on one half, a 95 % interval of the other clears one in 40


def test_only_significant_limits_are_kept() -> None:
    kept = []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        x = pd.DataFrame(rng.random((1000, 6))).add_prefix("x")
        box, _ = discover(x, rng.random(1000) < np.where(x.x0 > 0.6, 0.8, 0.1), rng)
        assert box is not None
        assert box.limits["x0"][0] == pytest.approx(0.6, abs=0.06)
        kept.append(len(box.limits) - 1)
    assert sum(kept) <= 2  # restrictions of the other five inputs, which say nothing


def test_at_most_four_inputs_are_restricted() -> None:
    rng = np.random.default_rng(7)
    x = pd.DataFrame(rng.random((3000, 8))).add_prefix("x")
    box, trade_off = discover(x, (x > 0.15).all(axis=1).to_numpy(), rng)
    assert box is not None
    assert len(box.limits) <= 4
    assert trade_off.restricted.max() <= 4


@pytest.mark.parametrize("share", [0.0, 0.001, 0.999, 1.0])
def test_too_few_cases_give_no_box(share: float) -> None:
    x, _ = planted()
    cases = np.arange(len(x)) < share * len(x)
    box, trade_off = discover(x, cases, np.random.default_rng(1))
    assert box is None
    assert trade_off.empty


def test_pasting_widens_a_box_that_was_cut_too_far() -> None:
    x, y = np.random.default_rng(8).random((2000, 2)), None
    y = x[:, 0] > 0.5
    tight = np.array([[0.7, np.inf], [-np.inf, np.inf]])
    assert paste(tight, x, y)[0, 0] == pytest.approx(0.5, abs=0.05)
