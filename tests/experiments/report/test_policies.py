"""Tables of the chapter on policies: one row for each thing asked, signs and ranges beside every number."""

from types import SimpleNamespace
from typing import Any, cast

import pandas as pd
import pytest

from experiments.report import policies
from experiments.words.quantities import co2
from experiments.words.terms import Terms


@pytest.fixture(params=["en", "zh"])
def view(request: pytest.FixtureRequest) -> Any:
    return SimpleNamespace(terms=Terms(request.param))


def test_triple_win_has_a_row_for_each_mix_and_year(view: Any) -> None:
    spread = {"median": -2.0, "low": -3.0, "high": -1.0, "unit": "%"}
    rows = [
        {"mix": mix, "year": year, "quantity": quantity, "sign": "−", "share of members": 1.0, **spread}
        for mix in ("base", "plan", "own mix")
        for year in (2015, 2020)
        for quantity in ("GDP", "energy use", "emissions")
    ] + [
        {"mix": mix, "year": year, "quantity": "all three", "share of members": 0.25}
        for mix in ("base", "plan", "own mix")
        for year in (2015, 2020)
    ]
    shown = policies.triple_win(view, pd.DataFrame(rows))
    assert len(shown) == 4
    assert shown.columns.is_unique
    first = shown.iloc[0].tolist()
    assert first[2:5] == [view.terms("{median} ({low} to {high})", median="−2.00", low="−3.00", high="−1.00")] * 3
    assert first[5] == "− / − / −"
    assert first[6] == view.terms.chance(0.25)


def test_the_three_totals_of_co2_stand_side_by_side(view: Any) -> None:
    levels = {"base": 100.0, "all": 90.0, "energy shift": 10.0}
    tables = {
        "wedge": pd.DataFrame(
            [
                {"quantity": "co2", "year": year, "package": name, "mean": level}
                for year in (2029, 2030)
                for name, level in {**levels, "all": levels["all"] + 2030 - year}.items()
            ]
        ).assign(province="Hebei"),
        "costs": pd.DataFrame({"option": ["all"], "co2 avoided Mt": [12.0], "year": [2030], "province": ["Hebei"]}),
    }
    asked = SimpleNamespace(table=tables.get, terms=view.terms, study=SimpleNamespace(policy=None))
    curve = pd.DataFrame({"co2 Mt/year": [3.0, 4.0]})
    (said,) = policies._totals(asked, curve)  # type: ignore[arg-type]
    for amount in (10.0, 12.0, 7.0):
        assert co2(view.terms, amount) in said
    tables.pop("wedge")
    assert policies._totals(asked, curve) == []  # type: ignore[arg-type]


def test_options_without_an_object_are_named_and_not_listed(view: Any) -> None:
    money = dict.fromkeys(policies.AMOUNTS[2:], 0.1)
    costs = {f"yuan per tCO2{end}": 10.0 for end in ("", " low", " high")}
    who = {"enterprises": 0.8, "government": 0.2, "households": 0.0, "assumed": 0.5, "yuan per tce": float("nan")}
    rows = pd.DataFrame(
        [
            {
                "option": o,
                "title": o,
                "title_zh": o,
                "energy saved Mtce": e,
                "co2 avoided Mt": e,
                **money,
                **costs,
                **who,
            }
            for o, e in (("IND-01", 0.3), ("BLD-03", -2e-5))
        ]
    )
    shown = policies.costs(view, rows)
    assert len(shown) == 1
    assert "80 / 20 / 0" in shown.iloc[0].tolist()
    assert policies._idle(view, rows) == "BLD-03"
    mix = rows.iloc[:1].assign(option="all", title="All options", title_zh="All options")
    assert policies.costs(view, mix).iloc[0, 0] == {"en": "All options", "zh": "全部措施"}[view.terms.lang]


def test_a_split_is_one_row_that_names_mix_and_year(view: Any) -> None:
    changes = [("base mix, 2010-2015", 2015), ("base mix to full", 2015), ("base mix to full", 2020)]
    rows = pd.DataFrame(
        [
            {"change": change, "of": "total energy", "year": year, "factor": factor, "mean": -1.0, "unit": "Mtce/year"}
            for change, year in changes
            for factor in ("structural change", "power", "total")
        ]
    )
    shown = policies.split(view, rows)
    assert len(shown) == 3
    names = cast(list[str], shown.iloc[:, 0].tolist())
    assert len(set(names)) == 3
    assert all("base mix" not in name for name in names)
    assert shown.shape[1] == 6
