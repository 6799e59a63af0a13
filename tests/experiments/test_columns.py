"""One specification of columns: every row is whole, and terminal, page, export and IAMC table show the same value."""

import csv
from collections import Counter

import pandas as pd
import pytest

from experiments.cli.tables import catalogue_tables, terminal_tables
from experiments.cli.tables.allocation_output import SHORT
from experiments.exchange.export import verdict_names
from experiments.report import policies, sections, skill
from experiments.report.content import listed
from experiments.words.columns import SHARE, TABLE, columns, described, printed
from experiments.words.terms import LANGS, Terms, table

ROWS = list(csv.DictReader(TABLE.read_text(encoding="utf-8").splitlines()))
UNITS = {"", "1", "%", "%/year", "points", SHARE, "yuan/kgce", "yuan/tce", "yuan/tCO2", "Gyuan", "Gyuan/year"}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row['table']}: {row['column']}")
def test_a_row_has_a_known_unit_two_heads_and_digits_for_a_number(row: dict[str, str]) -> None:
    assert row["unit"] in UNITS | {"Mtce/year", "Mt/year", "thousand"}
    assert row["head"] in table()
    assert bool(row["mark"]) == ("+" in row["column"])
    if row["unit"] == SHARE:
        assert "%" in row["short"] or "95 %" in row["head"]
    if row["unit"] == "points":
        assert "%" not in row["short"].replace("80 %", "").replace("90 %", "").replace("95 %", "").replace("25 %", "")


@pytest.mark.parametrize("name", sorted({row["table"] for row in ROWS} - {""}))
def test_no_two_columns_of_a_printed_table_share_a_head(name: str) -> None:
    assert len({(row["table"], row["column"]) for row in ROWS}) == len(ROWS)
    shorts = Counter(column.short for column in columns(name).values())
    assert {short for short, count in shorts.items() if count > 1} <= {"80 % range"}  # of achieved or of margin


def test_every_list_of_columns_is_specified() -> None:
    chosen = {
        "feasibility": terminal_tables.VERDICTS,
        "checks": (*terminal_tables.CHECKS, *sections.CHECKS),
        "pressure": (*terminal_tables.SURVIVAL, *sections.REGRET),
        "ranking": sections.RANKING,
        "trust": sections.TRUST,
        "sensitivity": terminal_tables.INDICES,
        "robust_plans": terminal_tables.PLANS,
        "solve": (*terminal_tables.SOLVED, *terminal_tables.BOUNDS),
        "skill": skill.SHOWN,
        "targets": SHORT,
        **catalogue_tables.SHORT,
    }
    chosen["costs"] = (*chosen["costs"], *policies.AMOUNTS)
    assert not [(name, key) for name, keys in chosen.items() for key in keys if key not in columns(name)]


def test_terminal_page_export_and_iamc_show_the_same_value() -> None:
    rows = pd.DataFrame({"province": ["Hebei"], "target": [16.25], "margin": [-1.5], "chance": [0.4]})
    names = ["province", "target", "margin", "chance"]
    shown = printed("feasibility", rows, names)
    assert shown.iloc[0].tolist() == ["Hebei", "16.2", "-1.5", "40"]
    for lang in LANGS:
        page = listed(Terms(lang), "t", "", rows, "feasibility", names)
        assert [cell.text.replace("\u202f", "") for cell in page.rows[0]][1:] == ["16.2", "−1.5", "40%"]
        assert [head.text for head in page.heads] == [described("feasibility", names)[name][lang] for name in names]
    iamc = verdict_names("co2_intensity")
    assert [rows[name][0] * iamc[name][2] for name in names[1:]] == [16.25, -1.5, 40.0]
    assert described("feasibility", names)["chance"]["unit"] == SHARE


def test_what_a_table_lacks_is_left_out_and_a_missing_number_is_a_dash() -> None:
    rows = pd.DataFrame({"factor": ["a"], "S1": [float("nan")], "ST": [0.5]})
    shown = printed("sensitivity_groups", rows, terminal_tables.INDICES)
    assert shown.to_dict("list") == {"input": ["a"], "S1": ["–"], "ST": ["0.500"]}
