"""Sterman's tests of the shipped model by name; each check describes its measure where it is defined."""

import pytest

from calibration.places import NATION
from calibration.validation import boundary, validate
from sim import check as general
from sim.check import Subject, Verdict


def holds(verdict: Verdict) -> None:
    assert verdict.passed, f"{verdict.check} ({verdict.measured}):\n" + "\n".join(verdict.faults)


@pytest.mark.parametrize("name", general.CHECKS)
def test_what_any_model_must_pass(subject: Subject, name: str) -> None:
    holds(general.CHECKS[name](subject))


def test_boundary_adequacy(subject: Subject) -> None:
    holds(boundary.verdict(subject.source))
    table = boundary.boundary_table(subject.source)
    assert set(table["status"]) == {"endogenous", "exogenous", "excluded"}
    assert not (table["note"].str.strip() == "").any()
    assert set(subject.outputs) == set(table.loc[table["status"] == "endogenous", "name"])


def test_structure_accounts_close(case: validate.ValidationCase) -> None:
    holds(validate.accounts(case))


def test_structure_stocks_are_filled_by_the_flows_that_belong_to_them(case: validate.ValidationCase) -> None:
    holds(validate.flows(case))


def test_integration_error(case: validate.ValidationCase) -> None:
    holds(validate.accuracy(case))


def test_extreme_conditions(case: validate.ValidationCase) -> None:
    holds(validate.extremes(case, corners=30))


def test_effects_have_the_expected_sign(case: validate.ValidationCase) -> None:
    holds(validate.expectations(case))


def test_table_of_parameters(case: validate.ValidationCase) -> None:
    holds(validate.table_of_parameters(case))


def test_loops_cut_one_by_one(case: validate.ValidationCase) -> None:
    table = validate.loops(case)
    assert len(table) == 10 * 31
    assert (table["change_10"] <= table["change"]).all()
    assert (table["change"] <= table["change_90"]).all()
    nation = table[table["province"] == NATION].set_index("loop")
    assert nation.loc["the gap to the target raises effort (B)", "change_90"] < 0
    largest = table.groupby("loop")["change"].agg(lambda values: values.abs().max())
    assert (largest > 0).all()
    assert largest["the gap to the target raises effort (B)"] > 0.1


def test_urbanisation_employment_and_a_project_move_what_they_should(case: validate.ValidationCase) -> None:
    table = validate.effects(case).set_index(["change", "quantity"])
    assert (table["effect_10"] <= table["effect"]).all()
    assert (table["effect"] <= table["effect_90"]).all()
    urbanisation, employment, project = table.index.get_level_values(0).unique()
    for change, quantity, sign in (
        (urbanisation, "energy intensity", -1),
        (urbanisation, "CO2", -1),
        (employment, "GDP", -1),
        (employment, "energy", -1),
        (project, "energy intensity", 1),
        (project, "GDP", 1),
        (project, "CO2", 1),
    ):
        row = table.loc[(change, quantity)]
        assert min(sign * row["effect_10"], sign * row["effect_90"]) > 0, (change, quantity)
