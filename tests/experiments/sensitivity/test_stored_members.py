import numpy as np
import pandas as pd
import pytest
from scipy import stats

from experiments.analyses.sensitivity import stored_members
from experiments.analyses.sensitivity.stored_members import MOVES, UNTOLD, indices
from models.reading.faults import InputError
from tests.experiments.sensitivity.published import ishigami

GRID = (np.arange(40) + 0.5) / 40 * 2 * np.pi - np.pi


def exact_pawn() -> np.ndarray:
    """PAWN of Ishigami's function by its definition, on a grid of 40³ points: medians over ten slices."""
    x = pd.DataFrame(
        np.stack(np.meshgrid(GRID, GRID, GRID, indexing="ij")).reshape(3, -1).T, columns=["x1", "x2", "x3"]
    )
    y = ishigami().evaluate(x)
    order = np.sort(y)
    everywhere = np.arange(1, y.size + 1) / y.size
    medians = []
    for name in x:
        slices = np.floor((x[name].to_numpy() + np.pi) / (2 * np.pi) * 10).astype(int)
        distances = [
            np.abs(np.searchsorted(own := np.sort(y[slices == k]), order, side="right") / own.size - everywhere).max()
            for k in range(10)
        ]
        medians.append(np.median(distances))
    return np.array(medians)


def members(count: int) -> pd.DataFrame:
    x = np.random.default_rng(3).uniform(-np.pi, np.pi, (count, 4))
    return pd.DataFrame(x, columns=["x1", "x2", "x3", "idle"])


def test_pawn_of_ishigami_is_that_of_its_definition() -> None:
    x = members(2000)
    table = indices(x, ishigami().evaluate(x), resamples=6).set_index("factor")
    truth = exact_pawn()
    np.testing.assert_allclose(table["index"][["x1", "x2", "x3"]], truth, atol=0.04)
    assert (table.low[["x1", "x2"]] < truth[:2]).all()
    assert (table.high[["x1", "x2"]] > truth[:2]).all()
    assert table.verdict.to_dict() == {"x1": MOVES, "x2": MOVES, "x3": MOVES, "idle": UNTOLD}
    assert table.noise.iloc[0] < 0.1


def test_delta_of_a_normal_pair_is_that_of_its_definition(monkeypatch: pytest.MonkeyPatch) -> None:
    # Half the mean area between the density of a standard normal and those given the input, N(0.8 x, 0.36).
    grid, at = np.linspace(-6, 6, 1201), stats.norm.ppf((np.arange(200) + 0.5) / 200)
    areas = np.abs(stats.norm.pdf(grid) - stats.norm.pdf(grid, 0.8 * at[:, None], 0.6)).sum(axis=1) * 0.01
    rng = np.random.default_rng(4)
    x = pd.DataFrame(rng.standard_normal((2000, 2)), columns=["acts", "idle"])
    y = 0.8 * x.acts.to_numpy() + 0.6 * rng.standard_normal(2000)
    monkeypatch.setattr(stored_members, "DUMMIES", 4)
    table = indices(x, y, method="delta", resamples=6).set_index("factor")
    assert table["index"]["acts"] == pytest.approx(areas.mean() / 2, abs=0.04)
    assert table.verdict.to_dict() == {"acts": MOVES, "idle": UNTOLD}


@pytest.mark.parametrize("method", stored_members.METHODS)
def test_what_cannot_be_told_is_refused(method: str) -> None:
    x = pd.DataFrame({"a": np.arange(30.0)})
    with pytest.raises(InputError, match="the same in all members"):
        indices(x, np.ones(30), method=method)
    with pytest.raises(InputError, match="allowed: 20 or more"):
        indices(x.iloc[:19], np.arange(19.0), method=method)
