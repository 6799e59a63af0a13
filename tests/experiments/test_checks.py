from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from experiments.analyses import reality_checks
from experiments.analyses.reality_checks import Check
from models.reading.faults import InputError

VARIABLES = {"gdp": ("province",), "final energy": ("province", "sector"), "population": ("province",), "price": ()}
ELEMENTS = {"province": ["x", "y"], "sector": ["residential", "services"]}


def check(**changes) -> Check:
    plain = {"name": "c", "en": "e", "zh": "z", "source": "s", "variable": "gdp", "years": (2010, 2012), "min": 0.0}
    return Check.model_validate(plain | changes)


def results(gdp: np.ndarray) -> xr.Dataset:
    """gdp (member, province, year 2010-2012)."""
    coords = {"province": ["x", "y"], "year": [2010, 2011, 2012], "sector": ["residential", "services"]}
    energy = np.broadcast_to([1.0, 3.0], (*gdp.shape[:2], 2))[..., None] * gdp[:, :, None, :]
    return xr.Dataset(
        {
            "gdp": (("member", "province", "year"), gdp),
            "population": (("member", "province", "year"), np.full(gdp.shape, 2.0)),
            "final energy": (("member", "province", "sector", "year"), energy),
        },
        coords,
    )


GROWING = np.array([[[1.0, 1.1, 1.2], [1.0, 1.2, 1.5]], [[1.0, 0.9, 1.2], [1.0, 1.1, 1.2]]])


def test_pass_rate_and_the_worst_case_by_hand() -> None:
    row = reality_checks.evaluate([check(take="growth")], results(GROWING), mix="base").iloc[0]
    assert (row.members, row.passed, row.rate, row.provinces_failing) == (2, 1, 0.5, 1)
    assert row.worst == pytest.approx(-0.1)
    assert (row.worst_province, row.worst_year, row.mix, row.limit) == ("x", 2011, "base", "≥ 0")


@pytest.mark.parametrize(
    ("changes", "worst"),
    [
        ({"take": "change", "min": 0.15}, -0.1),
        ({"take": "level", "min": 1.0}, 0.9),
        ({"variable": "final energy", "min": 4.0}, 3.6),
        ({"variable": "final energy", "where": {"sector": ["services"]}, "over": "population", "min": 1.5}, 1.35),
    ],
)
def test_what_is_taken(changes: dict, worst: float) -> None:
    row = reality_checks.evaluate([check(**changes)], results(GROWING)).iloc[0]
    assert row.passed == (0 if changes.get("take") == "change" else 1)
    assert row.worst == pytest.approx(worst)


def test_not_a_number_does_not_comply() -> None:
    gdp = GROWING.copy()
    gdp[0, 0, 1] = np.nan
    assert reality_checks.evaluate([check(take="level", min=0.0)], results(gdp)).passed[0] == 1


def test_batches_give_the_table_of_the_whole() -> None:
    rng = np.random.default_rng(2)
    gdp = rng.normal(1, 0.05, (50, 2, 3))
    whole = results(gdp)
    some = [check(take="level", min=0.9), check(name="d", take="growth", min=-0.1, max=0.1)]
    alone = reality_checks.evaluate(some, whole, mix="m")

    def batches(variables: list[str], years: range):
        assert variables == ["gdp"]
        assert list(years) == [2010, 2011, 2012]
        yield from (whole.isel(member=slice(k, k + 20)) for k in (0, 20, 40))

    joined = reality_checks.over_ensemble(some, batches, mix="m")
    pd.testing.assert_frame_equal(joined, alone)


def test_the_worst_value_and_the_failing_provinces_are_of_all_batches() -> None:
    gdp = np.ones((4, 2, 3))
    gdp[0, 0, 1] = gdp[1, 0, 1] = 0.8  # the first batch fails twice, the second once, in the other province, but worse
    gdp[2, 1, 2] = 0.1

    def batches(variables: list[str], years: range):
        yield from (results(gdp[k : k + 2]) for k in (0, 2))

    row = reality_checks.over_ensemble([check(min=0.9)], batches).iloc[0]
    assert (row.provinces_failing, row.failing) == (2, "x; y")
    assert (row.worst, row.worst_province, row.worst_year) == (0.1, "y", 2012)


def test_all_faults_of_a_file_at_once_with_nearest_names(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(
        "- {name: a, en: e, zh: z, source: s, variable: gpd, years: [2010, 2015], min: 0}\n"
        "- {name: b, en: e, zh: z, source: s, variable: gdp, years: [2010, 2015], minn: 0}\n"
        "- {name: c, en: e, zh: z, source: s, variable: gdp, years: [2010, 2015]}\n"
        "- {name: d, en: e, zh: z, source: s, variable: price, years: [2010, 2015], min: 0}\n"
        "- {name: e, en: e, zh: z, source: s, variable: final energy, where: {sector: [servces]}, "
        "years: [2010, 2015], min: 0}\n"
        "- {name: e, en: e, zh: z, source: s, variable: gdp, years: [2015, 2010], max: 1}\n"
        "- {name: f, en: e, zh: z, source: s, variable: gdp, years: [2010, 2090], max: 1}\n"
        "- {name: g, en: e, zh: z, source: s, variable: gdp, where: {sector: [services]}, "
        "years: [2010, 2015], max: 1}\n"
        "- {name: h, en: e, zh: z, source: s, variable: gdp, years: [2010, 2015], max: .nan}\n",
        encoding="utf-8",
    )
    with pytest.raises(InputError) as caught:
        reality_checks.load([path], VARIABLES, ELEMENTS, (2005, 2030))
    text = str(caught.value)
    for words in (
        "unknown variable 'gpd'; did you mean 'gdp'",
        "1.minn: unknown key; did you mean 'min'",
        "give at least one",
        "'price' is not by province",
        "unknown sector 'servces'; did you mean 'services'",
        "the first must come before the last",
        "years 2010–2090; the model runs 2005–2030",
        "gdp is not by sector, only by province",
        "mine.yaml:9: got .nan, allowed: a finite number",
    ):
        assert words in text
    assert len(caught.value.faults) == 9


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "broken.yaml"
    path.write_text("- [", encoding="utf-8")
    with pytest.raises(InputError, match=r"broken\.yaml:1: not YAML"):
        reality_checks.load([path])


def test_a_check_without_years_is_about_the_plan() -> None:
    asked = [check(years=None, take="level", min=1.0), check(name="d", years=(2011, 2012), take="level", min=1.0)]
    plan = reality_checks.in_plan(asked, 2010, 2012)
    assert [one.years for one in plan] == [(2010, 2012), (2011, 2012)]
    assert reality_checks.span(plan) == range(2010, 2013)
    later = reality_checks.in_plan(asked, 2011, 2012)
    falling = results(np.array([[[0.5, 1.1, 1.2], [1.0, 1.2, 1.5]]]))
    assert list(reality_checks.evaluate(plan, falling).passed) == [0, 1]  # the fault of 2010 is outside the later plan
    assert list(reality_checks.evaluate(later, falling).passed) == [1, 1]


def test_the_shipped_checks_are_about_the_plan_that_is_asked() -> None:
    assert all(one.years is None for one in reality_checks.load())


def test_shipped_checks_load_and_have_both_languages() -> None:
    found = reality_checks.load()
    assert len(found) >= 8
    assert all(c.en and c.zh and c.source for c in found)
