import numpy as np
import pandas as pd
import pytest

from experiments.analyses.sensitivity.emulator import fit
from models.reading.faults import InputError


def members(count: int) -> pd.DataFrame:
    return pd.DataFrame(np.random.default_rng(2).uniform(-1, 1, (count, 4)), columns=list("abcd"))


def test_a_second_order_function_is_found_and_its_noise_is_the_error() -> None:
    x, rng = members(800), np.random.default_rng(3)
    y = (1 + 2 * x.a - x.b**2 + 1.5 * x.a * x.c).to_numpy()
    emulator = fit(x, y + rng.normal(0, 0.2, len(x)))
    assert emulator.rmse == pytest.approx(0.2, rel=0.15)
    assert emulator.held_out == 200
    np.testing.assert_allclose(emulator.predict(x), y, atol=0.15)
    assert "on 200 others" in str(emulator)


def test_a_function_beyond_second_order_is_refused_with_its_error() -> None:
    x = members(400)
    emulator = fit(x, np.sin(9 * x.a).to_numpy())
    assert emulator.r2 < 0.5
    with pytest.raises(InputError, match="or more; run the model"):
        emulator.predict(x)


def test_points_outside_the_members_are_refused() -> None:
    x = members(100)
    emulator = fit(x, x.a.to_numpy())
    with pytest.raises(InputError, match="'b': got 5 to 5, allowed: -"):
        emulator.predict(x.head(1).assign(b=5.0))
    with pytest.raises(InputError, match="'d' is missing"):
        emulator.predict(x.drop(columns="d"))
    with pytest.raises(InputError, match="allowed: 40 or more"):
        fit(x.head(39), x.a.to_numpy()[:39])
