"""Behaviour reproduction on the fitted years, and the family-member test."""

import numpy as np
import pytest

from calibration.likelihood import FITTED
from calibration.validation import reproduction


def test_behaviour_is_reproduced_and_the_table_is_whole() -> None:
    table = reproduction.reproduction_table().set_index("series")
    assert list(table.index) == [series.name for series in FITTED]
    np.testing.assert_allclose(table[["UM", "US", "UC"]].sum(axis=1), 1, atol=1e-12)
    assert (table["n"] >= 30 * 4).all()
    for name in ("gdp", "total energy"):
        assert table.loc[name, "mape"] < table.loc[name, "naive_mape"], f"{name}: a naive trend fits better"
        assert table.loc[name, "r2"] > 0.98


def test_theil_parts_of_known_errors() -> None:
    rng = np.random.default_rng(1)
    known = np.log(rng.uniform(1, 9, (30, 5)))
    shifted = reproduction.fit_statistics("shifted", known + 0.1, known, known)
    assert shifted["mape"] == pytest.approx(100 * np.expm1(0.1))
    assert shifted["naive_mape"] == pytest.approx(0)
    assert float(shifted["UM"]) > 0.5  # type: ignore[arg-type]


def test_a_family_member_is_predicted_from_the_others() -> None:
    table = reproduction.family_member()
    assert len(table) == 30
    error = {name: (table[name] - table["measured"]).abs().mean() for name in table.columns[2:]}
    unchanged = table["measured"].abs().mean()
    assert error["own_parameters"] < error["from_the_others"] < 0.7 * unchanged
