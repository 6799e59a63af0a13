"""The installation of this machine, put together: what the commands run studies with."""

from experiments.ensemble.member_design import design
from experiments.ensemble.scenario import prepare
from experiments.ensemble.study_model import StudyModel
from experiments.installation import Installation, ProvinceModel, ScenarioInputs, checksums, predictive_errors
from experiments.study.schema import Study


def scenario_inputs(study: Study) -> ScenarioInputs:
    """Targets, mixes and common parameters of a study, whose rules are handed the study's own model."""
    return prepare(study, StudyModel(study))


def installed(threads: int = 1) -> Installation:
    """The installation of this machine. threads: how many the engine may use; 0: one a processor."""
    return Installation(scenario_inputs, design, predictive_errors, ProvinceModel(threads), checksums)
