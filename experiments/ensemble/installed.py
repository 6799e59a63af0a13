"""The installation of this machine, put together: what the commands run studies with."""

from functools import partial

from experiments.ensemble.core import DefaultModel
from experiments.ensemble.member_design import design
from experiments.ensemble.scenario import prepare
from experiments.installation import Installation, ProvinceModel, checksums, predictive_errors


def installed(threads: int = 1) -> Installation:
    """The system of this installation."""
    return Installation(
        partial(prepare, model=DefaultModel()), design, predictive_errors, ProvinceModel(threads), checksums
    )
