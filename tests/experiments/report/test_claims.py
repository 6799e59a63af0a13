"""No title says of a change what its own measured dots refute."""

import numpy as np
import pytest

from experiments.report.page import build
from experiments.report.province import measured_title
from experiments.runs.store import Run
from experiments.words.charts import Dots
from experiments.words.claims import claim, stretches
from experiments.words.measured import Measured
from experiments.words.terms import LANGS, Lang, Terms
from experiments.words.view import RunData, View

YEARS = np.arange(2010.0, 2016)
DOTS = Dots("measured", YEARS, np.array([1.0, 1.1, 1.2, 0.5, 0.45, 0.4]), np.zeros(6), ("old",) * 3 + ("new",) * 3)


def test_editions_are_compared_apart() -> None:
    found = stretches(DOTS, 2010, 2015, lambda first, last: (-100.0, 100.0))
    assert [(s.first, s.last, round(s.measured)) for s in found] == [(2010, 2012, 20), (2013, 2015, -20)]
    assert not stretches(DOTS, 2012, 2013, lambda first, last: (-1.0, 1.0))  # one year of each edition gives no change


@pytest.mark.parametrize(("low", "high", "against"), [(-25.0, 25.0, None), (-25.0, 10.0, 2010), (0.0, 25.0, 2013)])
def test_a_stretch_outside_the_range_forbids_the_title(low: float, high: float, against: int | None) -> None:
    made, worst = claim(DOTS, 2010, 2015, lambda first, last: (low, high))
    assert (worst.first if worst else None) == against
    assert made.says_measured == (against is not None)
    assert not made.refuted


def test_the_title_then_says_what_was_measured(small_run: Run) -> None:
    _, worst = claim(DOTS, 2010, 2015, lambda first, last: (-25.0, 10.0))
    assert worst is not None
    said = measured_title(View.headline(small_run, Terms()), "Energy CO2", worst)
    assert "measured +20.0" in said
    assert "2010 to 2012" in said


@pytest.mark.parametrize("lang", LANGS)
def test_no_chart_of_a_run_is_refuted_by_its_dots(small_run: Run, lang: Lang) -> None:
    page = build(RunData(small_run), Terms(lang), Measured.load(), small_run.folder)
    charts = [chart for part in (*page.provinces, *page.sections) for chart in part.charts]
    claims = [chart.claim for chart in charts if chart.claim is not None]
    assert len(claims) == 3 * 4  # intensity, sectors and CO2 of three provinces and the nation
    assert sum(len(one.stretches) for one in claims) >= 12
    assert any(one.says_measured for one in claims)  # three provinces in closed form are no China
    assert not [one for one in claims if one.refuted]
