"""The shipped model, read once for all validation tests."""

import pytest

from calibration import baseline, inputs
from calibration.validation import validate
from models import PROVINCE, UNITS
from sim.check import Subject
from sim.unit_registry import Units


@pytest.fixture(scope="session")
def subject() -> Subject:
    return Subject.load(PROVINCE, Units.load(UNITS), inputs.params(baseline.load(), 2010))


@pytest.fixture(scope="session")
def case(subject: Subject) -> validate.ValidationCase:
    return validate.ValidationCase.load(subject.model, members=16)
