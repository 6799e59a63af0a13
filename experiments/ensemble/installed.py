"""The installation of this machine, put together: what the commands run studies with."""

from experiments.ensemble.member_design import design
from experiments.ensemble.scenario import prepare
from experiments.ensemble.study_model import StudyModel
from experiments.installation import (
    Installation,
    ProvinceModel,
    ScenarioInputs,
    checksums,
    model_texts,
    predictive_errors,
)
from experiments.study.schema import Study


def scenario_inputs(study: Study) -> ScenarioInputs:
    """Targets, mixes and common parameters of a study, whose rules are handed the study's own model."""
    return prepare(study, StudyModel(study))


def installed(threads: int = 1, study: Study | None = None) -> Installation:
    """The installation of this machine.

    Args:
        threads: how many the engine may use; 0: one a processor.
        study: whose own model files and provinces are run; default: the shipped model with all provinces.
    """
    simulate = ProvinceModel(threads, texts=model_texts(study))
    return Installation(scenario_inputs, design, predictive_errors, simulate, checksums)


def reference(study: Study) -> ProvinceModel:
    """The same with PySD's own run of the model: slow, one member after the other."""
    return ProvinceModel(backend="pysd", texts=model_texts(study))
