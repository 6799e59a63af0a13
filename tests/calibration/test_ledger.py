"""The frozen forecasts: their columns and inputs; nothing after the origin is read."""

import hashlib
import json
from io import StringIO
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from calibration import assumptions, baseline, fit, forecast, inputs, ledger, naive, posterior, tables
from calibration.fingerprint import READ
from calibration.forecast import ORIGINS, Options, Origin
from calibration.places import NATION
from experiments.analyses import hindcast
from models.plans import plans

FROZEN = [origin for origin in ORIGINS if (ledger.FOLDER / f"{ledger.stem(origin)}-manifest.json").exists()]


def manifest(origin: Origin) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((ledger.FOLDER / f"{ledger.stem(origin)}-manifest.json").read_text())
    return loaded


def test_both_plans_are_frozen() -> None:
    assert [origin.last for origin in FROZEN] == [2010, 2015]


@pytest.mark.parametrize("origin", FROZEN, ids=ledger.stem)
def test_the_files_are_those_of_the_manifest(origin: Origin) -> None:
    for name, digest in manifest(origin)["files"].items():
        content = (ledger.FOLDER / name).read_bytes()
        assert f"sha256:{hashlib.sha256(content).hexdigest()}" == digest, name


@pytest.mark.parametrize("origin", FROZEN, ids=ledger.stem)
def test_every_file_has_the_columns_provinces_and_years(origin: Origin) -> None:
    names = [*tables.provinces(), NATION]
    for ending in ("", "-projects"):
        made = pd.read_csv(ledger.FOLDER / f"{ledger.stem(origin)}{ending}.csv")
        assert tuple(made.columns) == ledger.COLUMNS
        assert len(made) == len(names) * len(forecast.QUANTITIES) * 5
        assert set(made["to"]) == set(origin.years[1:])
        assert made[["q05", "q50", "q95"]].diff(axis=1).iloc[:, 1:].gt(0).all().all()
        given = made["chance"].notna()
        assert (made.loc[given, "to"] == origin.end).all()
        assert made.loc[given, "target"].notna().all()
    for rule in naive.RULES:
        assert tuple(pd.read_csv(ledger.FOLDER / f"{ledger.stem(origin)}-naive-{rule}.csv").columns) == ledger.COLUMNS


def test_the_15th_plan_is_forecast_from_its_nowcast_and_no_provincial_number_is_made_up() -> None:
    found: dict[str, dict[str, str]] = json.loads((ledger.FOLDER / "plan15-origin2024-manifest.json").read_text())
    content = (ledger.FOLDER / "plan15-origin2024.csv").read_bytes()
    assert found["files"] == {"plan15-origin2024.csv": ledger.digest(content)}
    made = pd.read_csv(ledger.FOLDER / "plan15-origin2024.csv")
    assert tuple(made.columns) == ledger.COLUMNS
    assert len(made) == 31 * len(forecast.QUANTITIES) * 5
    assert set(made["from"]) == {2025}
    assert set(made["to"]) == set(range(2026, 2031))
    asked = made[made["quantity"] == "co2_intensity"]
    assert set(asked["metric"]) == {"new"}
    assert set(asked["target"]) == {17}
    assert set(asked.loc[asked["province"] != NATION, "target_status"]) == {forecast.PRO_RATA}
    assert set(asked.loc[asked["province"] == NATION, "target_status"]) == {"official"}
    assert made.loc[made["quantity"] != "co2_intensity", "target"].isna().all()


@pytest.fixture
def nothing_later(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Delete every row after the year in the list from all tables that are read."""
    last = [9999]
    whole = tables.read

    def read(name: str, *rest: object) -> pd.DataFrame:
        table = whole(name, *rest)  # type: ignore[arg-type]
        if "year" in table:
            table = table[table["year"] <= last[0]]
        if "period" in table:
            table = table[table["period"].str.extract(r"(\d{4})", expand=False).fillna("0").astype(int) <= last[0]]
        if "plan" in table:
            plan = table["plan"].astype(str)
            ends = plan.map(lambda one: 5 * int(one[:2]) + 1955 if one.endswith("FYP") else int(one))
            table = table[ends <= last[0] + 5]
        return table

    monkeypatch.setattr(tables, "read", read)
    return last


@pytest.mark.slow
@pytest.mark.parametrize("origin", FROZEN, ids=ledger.stem)
def test_deleting_every_later_row_changes_no_byte(origin: Origin, nothing_later: list[int]) -> None:
    options = Options(8, 1, hindcast.configuration(origin.last, 8, 1))
    whole = ledger.forecast_files(origin, baseline.load(), options)
    nothing_later[0] = origin.last
    data = baseline.load()
    assert int(data["gdp"].notnull().any("province").sum()) == origin.last - 1999
    assert ledger.forecast_files(origin, data, options) == whole


@pytest.mark.parametrize("origin", ORIGINS, ids=ledger.stem)
def test_the_fit_reads_nothing_after_its_last_year(origin: Origin, nothing_later: list[int]) -> None:
    whole = fit.build_problem(baseline.load(), origin.last)
    nothing_later[0] = origin.last
    cut = fit.build_problem(baseline.load(), origin.last)
    np.testing.assert_array_equal(cut.likelihood.log_measured, whole.likelihood.log_measured)
    np.testing.assert_array_equal(cut.likelihood.whiten, whole.likelihood.whiten)
    seen = [key for key, plan in plans().items() if plan.base_year <= origin.last and key in inputs.PLANS]
    for name, values in whole.inputs.items():
        chosen: dict[str, object] = {"plan": seen} if "plan" in values.dims else {}
        if "time" in values.dims:  # beyond the plan that is forecast, the learning index follows later plans' targets
            chosen["time"] = slice(None, origin.end)
        xr.testing.assert_equal(cut.inputs[name].sel(chosen), values.sel(chosen))


def test_the_fingerprint_covers_every_table_that_a_fit_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: set[str] = set()
    whole = tables.read

    def read(name: str, *rest: object) -> pd.DataFrame:
        seen.add(name)
        return whole(name, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(tables, "read", read)
    fit.build_problem(baseline.load(), 2010)
    assert seen == set(READ)


@pytest.mark.slow
@pytest.mark.parametrize("origin", FROZEN, ids=ledger.stem)
def test_the_frozen_files_can_be_made_again(
    origin: Origin, nothing_later: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the rows to the origin: byte for byte, except where an instrument changed what delivered policies cost.

    At the freeze, members were fitted to their assumptions by three chord steps each, not until they no longer move.

    The forecast of 2010 assumes the policies of the time; since the freeze, saved energy returns to income, which moves
    its quantiles by less than a point (0.02 at the median) and its chances by less than 0.01. Forecasts without
    policies, and all naive ones, are equal to the byte.
    """
    draws = posterior.load(origin.path)["draws"].values.tobytes()
    if ledger.digest(draws) != manifest(origin)["made from"]["draws"]:
        pytest.skip("the posterior has been fitted again since the freeze")
    monkeypatch.setattr(assumptions, "ROUNDS", 3)
    monkeypatch.setattr(assumptions, "SMALL", 0.0)
    nothing_later[0] = origin.last
    options = Options(1000, 1, hindcast.configuration(origin.last, 1000, 1))
    for name, text in ledger.forecast_files(origin, baseline.load(), options).items():
        frozen = (ledger.FOLDER / name).read_text(encoding="utf-8")
        if "naive" in name or manifest(origin)["policy"] == "base":
            assert text == frozen, name
            continue
        made, kept = (pd.read_csv(StringIO(one)) for one in (text, frozen))
        numbers = kept.columns[kept.columns.str.fullmatch(r"q\d\d|chance")]
        pd.testing.assert_frame_equal(made.drop(columns=numbers), kept.drop(columns=numbers))
        difference = (made[numbers] - kept[numbers]).abs()
        assert float(difference["chance"].max()) < 0.01
        assert difference.drop(columns="chance").to_numpy().max() < 1
        assert np.median(difference.drop(columns="chance").to_numpy()) < 0.03
