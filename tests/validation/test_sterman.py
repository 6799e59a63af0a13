"""Sterman's tests of the shipped model by name; what each measures is said where the check is defined."""

import pytest

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
    assert len(table) == 10 * 30
    largest = table.groupby("loop")["change"].agg(lambda values: values.abs().max())
    assert (largest > 0).all()
    assert largest["the gap to the target raises effort (B)"] > 0.1
