"""One net cost of a mix in model, account, metrics, quantiles, export and report; the table of docs/costs.md.

Runs of the real model: slow.
"""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from experiments import carry_out, load_study
from experiments.analyses.policy import check
from experiments.ensemble import outputs
from experiments.ensemble.core import Ensemble
from experiments.ensemble.installed import installed
from experiments.exchange import export
from experiments.policy import sets
from experiments.report import policies, province_tables
from experiments.words.terms import Terms
from experiments.words.view import View

UNITS = Path(__file__).parents[3] / "docs" / "implied-units.csv"
COST = "net cost Gyuan/year"


@pytest.mark.slow
def test_the_net_cost_of_a_mix_is_one_number_everywhere(tmp_path: Path) -> None:
    asked = ["members=9", "mixes=[base, full]", "allocations=[official]", "hindcast=false", "sensitivity=null"]
    study = load_study("twelfth-plan", asked)
    run = carry_out(study, tmp_path / "runs")
    ensemble, metrics = Ensemble.of(study, installed()), run.metrics()
    params = ensemble.scenario("official", "full")
    cost = ensemble.results(params, [outputs.COST])[outputs.COST].isel(year=-1).transpose("member", "province")
    model = np.median(np.c_[cost.to_numpy(), cost.sum("province").to_numpy()], axis=0)
    where = {"allocation": "official", "mix": "full"}
    places = [str(name) for name in metrics["province"].to_numpy()]

    table = run.table("costs")
    account = table[table["option"] == "all"].set_index("province")[COST][places]
    np.testing.assert_allclose(account, model, rtol=1e-9)

    stored = metrics["policy_cost"].sel(where).median("member")
    np.testing.assert_allclose(stored, model, rtol=1e-9)

    median = run.quantiles()[outputs.COST].sel(where).sel(quantile=0.5, year=2015)
    np.testing.assert_allclose(median, model, rtol=1e-9)

    rows = export.iamc(run).query("scenario == 'official|full' and year == 2015")
    rows = rows[rows["variable"] == "50.0th Percentile|Policy Cost"].set_index("region")["value"]
    regions = ["China" if name == "China" else f"China|{name}" for name in places]
    np.testing.assert_allclose(rows[regions], model, rtol=1e-9)

    view = View.headline(run, Terms("en"))
    shown = policies.costs(view, table[table["province"] == "China"])
    row = shown[shown["Option"] == "All options"].iloc[0]
    assert row["Net cost, billion yuan of 2005 a year"] == pytest.approx(model[-1], abs=5e-4)
    page = province_tables.money(view, "China").tables[0]
    assert any(str(cell).startswith(f"{model[-1]:.1f} (") for cells in page.rows for cell in cells)


@pytest.mark.slow
def test_the_table_of_implied_units_is_that_of_the_model_and_none_exceeds_its_stock() -> None:
    """`tanlu policy check --save docs/implied-units.csv` makes it anew."""
    found = pd.concat([check.units(check.shipped(plan)) for plan in sets()], ignore_index=True)
    pd.testing.assert_frame_equal(pd.read_csv(UNITS), found, check_dtype=False, rtol=0.02)
    for year in check.YEARS:
        assert (found[f"implied {year}"] <= found[f"stock {year}"]).all()
