"""Bad input: all faults at once, with the allowed values; exit code 2."""

import json

import pandas as pd
import pytest
import typer
from typer.testing import CliRunner

from experiments.allocation import allocate
from experiments.allocation.comparison import compare
from experiments.allocation.options import defaults
from experiments.cli import guarded
from experiments.cli.allocate import COMMANDS
from models.reading.faults import InputError

app = typer.Typer()
app.command()(guarded(COMMANDS["allocate"]))


def run(*words: str):
    return CliRunner().invoke(app, list(words))


def faults(rule: str, *positional, **options) -> list[str]:
    with pytest.raises(InputError) as caught:
        allocate(rule, *positional, **options)
    return caught.value.faults


def test_all_faults_at_once():
    found = faults("s1", 100, plan="12FP", weight_intensity=-0.2, comfort_quantile="much", colour=1)
    assert len(found) == 5
    text = "\n".join(found)
    for word in ("100 %", "12FYP", "weight_intensity: got", "comfort_quantile: got 'much'", "colour"):
        assert word in text


@pytest.mark.parametrize("national", [0, 0.16, -3, 100, 250, float("nan")])
def test_national_targets_out_of_range(national):
    assert "allowed: 1 to below 100" in faults("s3", national)[0]


def test_shares_that_do_not_sum_to_one():
    found = faults("responsibility", weight_capacity=0.5, weight_potential=0.5, weight_responsibility=0.5)
    assert found == [
        "got weight_responsibility 0.5 + weight_capacity 0.5 + weight_potential 0.5 = 1.5; these shares must sum to 1: "
        "set all of them"
    ]


def test_unknown_rule_names_the_nearest():
    assert "did you mean 'responsibility'" in faults("responsability")[0]


def test_floor_above_cap_and_a_target_out_of_reach():
    assert "floor 18 above cap 12" in faults("s3", floor=18, cap=12)[0]
    assert "can give" in faults("uniform", 16, cap=12)[0]


def test_trend_windows_across_vintages_are_refused():
    assert "crosses" in faults("s1", trend_windows="2005-2010")[0]
    assert "allowed: pairs of years" in faults("s1", trend_windows="2010")[0]


def test_base_year_without_figures():
    assert "2005 to 2015" in faults("s1", base_year=1999)[0]


def test_plans_without_a_national_co2_target_ask_for_one():
    assert "no co2 target" in faults("s1", plan="11FYP", indicator="co2")[0]
    assert allocate("s1", 18, plan="11FYP", indicator="co2").aggregate == pytest.approx(18)


def test_every_option_stands_in_the_table_with_a_reason():
    table = defaults()
    assert table["option"].is_unique
    explained = table["reason"].str.len() > 10
    assert set(table["option"][~explained]) <= {"seed"}


def test_own_table_with_every_kind_of_fault(tmp_path):
    path = tmp_path / "own.csv"
    path.write_text("province,target_percent\nBejing,16\nTianjin,100\nHebei,-1\nShanxi,many\nJilin,16\nJilin,17\n")
    found = faults("csv", path=path)
    text = "\n".join(found)
    for word in (
        "did you mean 'Beijing'",
        "own.csv:3",
        "100",
        "-1",
        "many",
        "2 rows for Jilin",
        "no row for",
        "Guangdong",
    ):
        assert word in text
    assert "Tibet" not in text.split("every province")[0].split("no row for")[1]


def test_own_table_lacking_columns_or_file(tmp_path):
    path = tmp_path / "own.csv"
    path.write_text("name,target\nBeijing,16\n")
    assert "needed: province, target_percent" in faults("csv", path=path)[0]
    assert "there is no such file" in faults("csv", path=tmp_path / "none.csv")[0]
    assert "needs a table" in faults("csv")[0]


def test_own_table_round_trip(tmp_path):
    path = tmp_path / "s3.csv"
    assert run("--rule", "s3", "--out", str(path), "--quiet").exit_code == 0
    again = allocate("csv", path=path)
    pd.testing.assert_series_equal(again.table["target_percent"], allocate("s3").table["target_percent"])
    assert allocate("csv", 18, path=path, normalise="yes").aggregate == pytest.approx(18, abs=1e-9)


def test_command_prints_a_table_and_json():
    text = run("--rule", "s1", "--national", "16")
    assert text.exit_code == 0
    assert "Guangdong" in text.stdout
    data = json.loads(run("--rule", "s1", "--national", "16", "--json").stdout)
    assert len(data) == 31
    assert {"province", "target_percent", "saving_score"} <= set(data[0])
    assert data[25]["province"] == "Tibet"
    assert data[25]["target_percent"] is None


def test_command_faults_end_in_exit_code_2_with_every_fault():
    misspelt = run(
        "--rule", "s1", "--national", "130", "--plan", "12FP"
    )  # a name is answered before anything is loaded
    assert (misspelt.exit_code, "did you mean '12FYP'" in misspelt.stderr) == (2, True)
    result = run("--rule", "s1", "--national", "130", "--set", "weight_intensity=-1")
    assert result.exit_code == 2
    for word in ("130 %", "weight_intensity: got '-1'"):
        assert word in result.stderr


def test_command_options_given_twice_or_malformed():
    result = run("--cap", "20", "--set", "cap=18", "--set", "nonsense")
    assert result.exit_code == 2
    assert "twice" in result.stderr
    assert "name=value" in result.stderr


def test_command_rounding_reaches_whole_per_cents():
    rows = json.loads(run("--rule", "s3", "--round", "1", "--rounding", "largest-remainder", "--json").stdout)
    assert all(row["target_percent"] == pytest.approx(round(row["target_percent"])) for row in rows)


def test_command_compare_ledger_options_and_figure(tmp_path):
    picture = tmp_path / "rules.svg"
    compared = json.loads(run("--compare", "official,s1,s3", "--figure", str(picture), "--json", "--quiet").stdout)
    assert [row["rule"] for row in compared["Rules"]] == ["official", "s1", "s3"]
    drawn = picture.read_text()
    assert all(word in drawn for word in ("Guangdong", "Tibet", "s3"))
    ledger = json.loads(run("--rule", "s1", "--ledger", "--json").stdout)
    assert {row["scenario"] for row in ledger} == {"measured", "12FYP|s1"}
    names = {row["option"] for row in json.loads(run("--rule", "s1", "--options", "--json").stdout)}
    assert {"own_trend_industry", "cap", "comfort_quantile"} <= names
    assert run("--compare", "s1", "--figure", "x.txt").exit_code == 2
    assert run("--out", str(tmp_path / "t.xml")).exit_code == 2


def test_command_shows_one_province_and_names_the_nearest():
    row = json.loads(run("--rule", "s1", "--province", "Sichuan", "--json").stdout)
    assert row["province"] == "Sichuan"
    assert row["gdp_growth_origin"] == "sourced"
    assert "did you mean 'Sichuan'" in run("--rule", "s1", "--province", "Sichuam").stderr


def test_compare_refuses_two_plans_or_one_rule_twice():
    with pytest.raises(InputError) as caught:
        compare([allocate("s3"), allocate("s3", plan="11FYP")])
    assert len(caught.value.faults) == 2
