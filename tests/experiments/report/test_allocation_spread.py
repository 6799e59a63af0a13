"""The picture of all possible targets says what most rules ask; a target near the nation's is for neither side."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from experiments.allocation import allocate
from experiments.allocation.comparison import Comparison, asks_more, compare
from experiments.report.allocation_spread import finding
from experiments.words.terms import Terms


@pytest.fixture(scope="module")
def comparison() -> Comparison:
    return compare([allocate("uniform")])


def test_targets_within_half_a_point_of_the_nation_s_ask_neither_more_nor_less() -> None:
    asked = asks_more(np.array([16.4, 16.5, 16.9, 17.5, 17.51, np.nan]), 17.0)
    assert asked.tolist() == [-1, 0, 0, 0, 1, 0]


@pytest.mark.parametrize(
    ("targets", "said"),
    [
        ({"Hebei": [18, 19, 17], "Hainan": [16, 15, 17]}, "Most rules ask more of Hebei, and less of Hainan, than"),
        ({"Hebei": [18, 19, 17], "Hainan": [16.9, 16.9, 16]}, "Most rules ask more of Hebei than of the nation"),
        ({"Hebei": [17.4, 17.4, 18], "Hainan": [16, 15, 17]}, "Most rules ask less of Hainan than of the nation"),
        ({"Hebei": [17.4, 17.4, 18], "Hainan": [16.9, 16.9, 16]}, "Most rules agree on no province"),
    ],
)
def test_the_title_names_a_province_where_over_half_of_the_rules_ask_so(
    comparison: Comparison, targets: dict[str, list[float]], said: str
) -> None:
    own = replace(comparison, targets=pd.DataFrame(targets, index=["a", "b", "c"]).T)
    assert finding(own, 17.0, Terms("en")).startswith(said)
